"""Comparing and checking: errors are parts of a range, lists may come in another order, what is missing is said."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bodydouble.convert import check, references
from bodydouble.convert.compare import TOLERANCE, differences, partners
from bodydouble.convert.references import Place, Unavailable
from bodydouble.convert.samples import chosen, feeds, is_picture, made_picture, picture_values
from bodydouble.types import BodyDoubleError

FLOAT, INT = np.dtype(np.float32), np.dtype(np.int32)


def error_of(wanted: object, got: object, *, unordered: bool = False) -> float:
    (found,) = differences([{"y": np.asarray(wanted)}], [{"y": np.asarray(got)}], unordered=unordered)
    return found.error


def test_an_error_is_a_part_of_the_range_with_zero_in_it() -> None:
    assert error_of([2.0, 4.0], [2.0, 4.4]) == pytest.approx(0.1)
    assert error_of([-2.0, 2.0], [-2.0, 2.4]) == pytest.approx(0.1)
    assert error_of(7.0, 7.7) == pytest.approx(0.1)


def test_the_range_is_that_of_all_runs() -> None:
    wanted = [{"y": np.array([0.0, 1.0])}, {"y": np.array([0.0, 100.0])}]
    got = [{"y": np.array([0.0, 2.0])}, {"y": np.array([0.0, 100.0])}]
    (found,) = differences(wanted, got)
    assert found.error == pytest.approx(0.01)


def test_next_to_nothing_is_no_range() -> None:
    """1e-9 and 3e-8 are both a sigmoid's "surely not"."""
    assert error_of([1e-9], [3e-8]) < TOLERANCE


def test_what_is_not_finite_has_to_be_the_same() -> None:
    assert error_of([np.nan, np.inf, 1.0], [np.nan, np.inf, 1.0]) == 0
    assert error_of([np.nan, 1.0], [0.0, 1.0]) == np.inf
    assert error_of([np.inf, 1.0], [-np.inf, 1.0]) == np.inf
    assert error_of([1.0], [np.nan]) == np.inf


def test_another_shape_is_no_agreement() -> None:
    assert error_of(np.ones((1, 4)), np.ones(4)) == np.inf
    assert error_of(np.ones((2, 4)), np.ones((3, 5))) == np.inf
    assert error_of(np.ones((0, 4)), np.ones((0, 4))) == 0
    assert error_of(np.ones((0, 4)), np.ones((2, 4))) == np.inf


def test_rows_in_another_order_only_where_that_may_be() -> None:
    boxes = np.random.default_rng(1).random((1, 9, 4))
    turned = boxes[:, ::-1]
    assert error_of(boxes, turned) > 0.1
    assert error_of(boxes, turned, unordered=True) == 0
    twice = turned.copy()
    twice[0, 1] = twice[0, 0]  # a row cannot stand for two
    assert error_of(boxes, twice, unordered=True) > 0.1


def test_a_row_too_many_is_counted() -> None:
    boxes = np.random.default_rng(1).random((9, 4))
    (found,) = differences([{"y": boxes}], [{"y": boxes[[0, 1, 2, 4, 5, 6, 7, 8]]}])
    assert found.error == 0
    assert found.rows == (8, 9)


@pytest.mark.parametrize(
    ("names", "others", "aliases", "found"),
    [
        (["a", "b:0"], ["a", "b"], {}, {"a": "a", "b:0": "b"}),
        (["Identity:0"], ["pose", "x"], {"Identity:0": "pose"}, {"Identity:0": "pose"}),
        (["Identity"], ["pose:0", "x"], {"Identity:0": "pose:0"}, {"Identity": "pose:0"}),
        (["anything"], ["only"], {}, {"anything": "only"}),
    ],
)
def test_partners(names: list[str], others: list[str], aliases: dict[str, str], found: dict[str, str]) -> None:
    assert partners(names, others, aliases) == found


def test_a_name_without_a_partner() -> None:
    with pytest.raises(BodyDoubleError, match='no "c" among a, b'):
        partners(["a", "c"], ["a", "b"], {})
    assert partners(["a", "c"], ["a", "b"], {}, some=True) == {"a": "a"}


def test_open_sizes_are_filled_in() -> None:
    assert chosen(Place("x", (-1, -1, -1, 3), FLOAT), {}) == (1, 256, 320, 3)
    assert chosen(Place("x", (-1, 7), FLOAT), {}, batch=2) == (2, 7)
    assert chosen(Place("x", (-1, -1, 5), FLOAT), {}) == (1, 4, 5)
    assert chosen(Place("x", None, FLOAT), {}) == ()
    assert chosen(Place("x", (-1, 7), FLOAT), {"x": (3, 7)}) == (3, 7)


def test_pictures_are_cut_to_the_aspect_and_scaled() -> None:
    photograph = np.zeros((40, 90, 3), np.uint8)
    photograph[:, 30:60] = (255, 128, 0)
    values = picture_values(photograph, (2, 10, 10, 3), FLOAT, -1.0, 1.0)
    assert values.shape == (2, 10, 10, 3)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values[0], values[1])
    np.testing.assert_allclose(values[0, 5, 5], [1, 128 / 127.5 - 1, -1], atol=1e-6)
    assert picture_values(photograph, (1, 10, 10, 1), INT, 0.0, 1.0)[0, 5, 5, 0] == 127
    assert (picture_values(photograph, (1, 8, 8, 4), FLOAT, 0.0, 1.0)[..., 3] == 1).all()


def test_made_pictures_are_smooth_and_use_all_values() -> None:
    picture = made_picture((1, 64, 96, 3), 3)
    assert picture.shape == (64, 96, 3)
    assert picture.min() == 0
    assert picture.max() == 255
    assert np.abs(np.diff(picture.astype(int), axis=1)).mean() < 20
    assert (picture != made_picture((1, 64, 96, 3), 4)).any()


def test_feeds_fit_their_inputs() -> None:
    places = [
        Place("image", (-1, 32, 32, 3), FLOAT),
        Place("words", (1, 6), INT),
        Place("on", (1,), np.dtype(np.bool_)),
    ]
    made = feeds(places, limits={"words": 3})
    assert len(made) == 3
    for feed in made:
        assert {name: value.dtype for name, value in feed.items()} == {p.name: p.dtype for p in places}
        assert feed["words"].max() < 3
    assert made[2]["image"].min() < -0.5
    assert is_picture(made[0]["image"].shape)


def network(*nodes: onnx.NodeProto, constants: dict[str, np.ndarray] | None = None) -> onnx.ModelProto:
    """x (batch, 3) int32 -> y."""
    stored = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    given = helper.make_tensor_value_info("x", TensorProto.INT32, ["batch", 3])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(list(nodes), "tiny", [given], [answer], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_inputs_that_count_rows_stay_inside_the_table() -> None:
    table = np.ones((5, 2), np.float32)
    model = network(
        helper.make_node("Cast", ["x"], ["n"], to=TensorProto.INT64),
        helper.make_node("Identity", ["table"], ["t"]),
        helper.make_node("Gather", ["t", "n"], ["y"], axis=0),
        constants={"table": table},
    )
    assert check.row_limits(model) == {"x": 5}
    for feed in feeds(check.inputs_of(model), limits=check.row_limits(model)):
        assert check.run(model.SerializeToString(), feed)["y"].shape == (1, 3, 2)


def test_what_onnx_runtime_cannot_run_is_one_line() -> None:
    model = network(helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT))
    with pytest.raises(BodyDoubleError, match="ONNX Runtime cannot run it") as caught:
        check.run(model.SerializeToString(), {"x": np.zeros((1, 4), np.int32)})
    assert "\n" not in str(caught.value)
    with pytest.raises(BodyDoubleError, match="ONNX Runtime cannot run it"):
        check.run(b"no model", {})


def test_an_unsound_model_is_told() -> None:
    with pytest.raises(BodyDoubleError, match="not a valid ONNX model"):
        check.sound(network(helper.make_node("Nonsense", ["x"], ["y"])))


def test_a_missing_runtime_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "model.json"
    model.write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(references.NODE_MODULES, raising=False)
    monkeypatch.setattr(references.shutil, "which", lambda name: None)
    with pytest.raises(Unavailable, match="install Node"):
        references.reference(model)
    monkeypatch.setattr(references.shutil, "which", lambda name: "/usr/bin/node")
    with pytest.raises(Unavailable, match="npm install @tensorflow/tfjs@4"):
        references.reference(model)
    with pytest.raises(Unavailable, match=f"not in {tmp_path}"):
        references.reference(model, tmp_path)
    (tmp_path / "node_modules" / "@tensorflow" / "tfjs").mkdir(parents=True)
    assert isinstance(references.reference(model, tmp_path), references.Tfjs)
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert isinstance(references.reference(model), references.Tfjs)


def test_what_node_says_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "node"
    node.write_text(
        "#!/bin/sh\necho '  throw new Error(told());' >&2; echo 'Error: Unknown layer: Mystery' >&2; exit 1\n"
    )
    node.chmod(0o755)
    (tmp_path / "@tensorflow" / "tfjs").mkdir(parents=True)
    monkeypatch.setattr(references.shutil, "which", lambda name: str(node))
    if os.name == "nt":
        pytest.skip("runs a shell script")
    model = tmp_path / "model.json"
    model.write_text("{}")
    with pytest.raises(Unavailable, match=r"cannot run model\.json: Error: Unknown layer: Mystery"):
        references.Tfjs(model, tmp_path).inputs()


def test_names_of_a_signature(tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    model.write_text(
        '{"signature": {"inputs": {"image": {"name": "in:0"}}, "outputs": {"pose": {"name": "Identity:0"}}}}'
    )
    assert references.aliases(model) == {"in:0": "image", "Identity:0": "pose"}
    model.write_text('{"userDefinedMetadata": {"signature": {"outputs": {"pose": {"name": "Identity:0"}}}}}')
    assert references.aliases(model) == {"Identity:0": "pose"}
    model.write_text("{}")
    assert references.aliases(model) == {}


def test_single_numbers_among_very_many_may_stray() -> None:
    """Rounding grows at a mask's edge: one pixel of 65536, not one number of a hundred, nor far."""

    def off(size: int, count: int, by: float) -> bool:
        wanted, got = np.linspace(0, 1, size), np.linspace(0, 1, size)
        got[10 : 10 + count] += by
        (found,) = differences([{"y": wanted}], [{"y": got}])
        return found.within(TOLERANCE)

    assert off(65536, 6, 1.6e-3)
    assert not off(65536, 7, 1.6e-3)
    assert not off(65536, 1, 2e-2)
    assert not off(9_000, 1, 1.6e-3)
    assert off(9_000, 9_000, 9e-4)


def state_model(size: int | str) -> onnx.ModelProto:
    """y = x + state, where x is (n, 3) of any n and the state a row of `size`: 1 goes with any x, "any" is open."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])
    state = helper.make_tensor_value_info("state", TensorProto.FLOAT, [size, 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node("Add", ["x", "state"], ["y"])], "g", [x, state], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_model_is_tried_with_what_its_inputs_say() -> None:
    made = check.feeds_of(state_model(1))
    assert len(made) > 1, "several, so that what depends on the values is seen"
    assert all(feed["state"].shape == (1, 3) and feed["x"].shape[1] == 3 for feed in made)
    assert all(feed[name].dtype == FLOAT for feed in made for name in ("x", "state"))


def test_open_sizes_that_do_not_go_together_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    apart = feeds(check.inputs_of(state_model("any")), given={"x": [2, 3], "state": [5, 3]})
    given = iter([apart])
    monkeypatch.setattr(check, "feeds", lambda places, **more: next(given, None) or feeds(places, **more))
    made = check.feeds_of(state_model("any"))
    assert made[0]["x"].shape == made[0]["state"].shape == (1, 3)


def test_where_nothing_runs_the_first_is_tried_so_that_its_error_is_told() -> None:
    model = state_model("any")
    model.graph.node.append(helper.make_node("MatMul", ["x", "state"], ["z"]))  # (1, 3) by (1, 3)
    model.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, None))
    (first, *_) = check.feeds_of(model)
    with pytest.raises(BodyDoubleError):
        check.run(model.SerializeToString(), first)
