"""Graph models as files: weights in every form, names, signatures, open sizes, and files that are not as they should
be."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from test_tfjs_operators import run
from tiny_tfjs import Tiny, Type

from bodydouble.convert import to_onnx
from bodydouble.types import BodyDoubleError

random = np.random.default_rng(7)
PICTURE = random.normal(size=(1, 8, 10, 3)).astype(np.float32)
KERNEL = random.normal(size=(3, 3, 3, 4)).astype(np.float32)
PLAIN = {"strides": [1, 1, 1, 1], "padding": "SAME"}


def operators(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def network(tiny: Tiny, *shape: int) -> str:
    """A convolution with everything that is folded into it: batch normalisation, then Relu6 in parts."""
    x = tiny.input(*(shape or (1, 8, 10, 3)), name="x")
    y = tiny.node("Conv2D", x, tiny.constant(KERNEL), **PLAIN)
    y = tiny.node("Add", tiny.node("Mul", y, tiny.constant([1.0, 2.0, 3.0, 4.0])), tiny.constant([1.0, 0.0, 2.0, 0.5]))
    return tiny.node("Minimum", tiny.node("Relu", y), tiny.constant(6.0))


def test_what_can_be_folded_is_one_convolution(tmp_path: Path) -> None:
    tiny = Tiny()
    model = to_onnx(tiny.write(tmp_path, {"y": network(tiny)}))
    assert operators(model) == {"Transpose": 2, "Conv": 1, "Clip": 1}
    tiny = Tiny()
    plain = tiny.node("Conv2D", tiny.input(1, 8, 10, 3, name="x"), tiny.constant(KERNEL), **PLAIN)
    (convolved,) = run(to_onnx(tiny.write(tmp_path, {"y": plain})), {"x": PICTURE})
    (got,) = run(model, {"x": PICTURE})
    np.testing.assert_allclose(got, (convolved * [1, 2, 3, 4] + [1, 0, 2, 0.5]).clip(0, 6), atol=1e-5)


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_shards_are_one_stretch_of_bytes(tmp_path: Path, shards: int) -> None:
    tiny = Tiny()
    path = tiny.write(tmp_path, {"y": network(tiny)}, shards=shards)
    assert len(list(tmp_path.glob("*.bin"))) == shards
    assert operators(to_onnx(path))["Conv"] == 1


def test_several_groups_each_with_its_own_shards(tmp_path: Path) -> None:
    tiny = Tiny()
    path = tiny.write(tmp_path, {"y": network(tiny)})
    whole = to_onnx(path)
    content = json.loads(path.read_text())
    content["weightsManifest"] = []
    for n, (weight, data) in enumerate(zip(tiny.weights, tiny.data, strict=True)):
        (tmp_path / f"group{n}.bin").write_bytes(data)
        content["weightsManifest"].append({"paths": [f"group{n}.bin"], "weights": [weight]})
    path.write_text(json.dumps(content))
    assert run(to_onnx(path), {"x": PICTURE})[0].tolist() == run(whole, {"x": PICTURE})[0].tolist()


@pytest.mark.parametrize(
    ("kind", "scale", "least", "dtype"),
    [
        ("float16", 1.0, 0.0, "float32"),
        ("uint8", 0.02, -2.5, "float32"),
        ("uint16", 1e-4, -3.0, "float32"),
        ("uint8", 1.5, -7.3, "int32"),
    ],
)
def test_quantised_weights(tmp_path: Path, kind: str, scale: float, least: float, dtype: str) -> None:
    stored = random.uniform(0, 200, (4, 70)).astype(kind)
    tiny = Tiny()
    x = tiny.input(4, 70, name="x", dtype="DT_FLOAT" if dtype == "float32" else "DT_INT32")
    y = tiny.node("Add", x, tiny.quantized(stored, kind, scale, least, dtype))
    model = to_onnx(tiny.write(tmp_path, {"y": y}))
    (got,) = run(model, {"x": np.zeros((4, 70), dtype)})
    real = stored.astype(np.float64) * scale + least
    np.testing.assert_allclose(got, np.floor(real + 0.5) if dtype == "int32" else real, rtol=1e-6)
    types = {tensor.data_type for tensor in model.graph.initializer}
    assert (onnx.TensorProto.FLOAT16 in types) == (kind == "float16")


@pytest.mark.parametrize(("weights", "type_"), [("float16", "FLOAT16"), ("float32", "FLOAT")])
def test_weights_in_the_width_asked_for(tmp_path: Path, weights: str, type_: str) -> None:
    tiny = Tiny()
    x = tiny.input(1, 64, name="x")
    kinds = [tiny.quantized(random.normal(size=(64, 64)), "float16"), tiny.constant(random.normal(size=(64, 64)))]
    for matrix in kinds:
        x = tiny.node("MatMul", x, matrix)
    model = to_onnx(tiny.write(tmp_path, {"y": x}), weights=weights)  # type: ignore[arg-type]
    large = {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) == 2}
    assert large == {getattr(onnx.TensorProto, type_)}


def test_names_come_from_the_signature(tmp_path: Path) -> None:
    tiny = Tiny()
    y = network(tiny)
    path = tiny.write(tmp_path, {"heat:0": f"{y}:0", "again": y})
    model = to_onnx(path)
    assert [place.name for place in model.graph.output] == ["heat", "again"]
    content = json.loads(path.read_text())
    content["userDefinedMetadata"] = {"signature": {"outputs": {"inner": {"name": f"{y}:0"}}}}
    del content["signature"]
    path.write_text(json.dumps(content))
    assert [place.name for place in to_onnx(path).graph.output] == ["inner"]
    del content["userDefinedMetadata"]
    path.write_text(json.dumps(content))
    assert [place.name for place in to_onnx(path).graph.output] == [y]


def test_only_the_outputs_asked_for(tmp_path: Path) -> None:
    tiny = Tiny()
    y = network(tiny)
    z = tiny.node("Sigmoid", y)
    path = tiny.write(tmp_path, {"z": z})
    model = to_onnx(path, outputs=[f"{y}:0", "z"])
    assert [place.name for place in model.graph.output] == [y, "z"]
    with pytest.raises(BodyDoubleError, match='no output "w"; choose from z'):
        to_onnx(path, outputs=["w"])


def test_open_sizes_stay_open_and_can_be_stated(tmp_path: Path) -> None:
    tiny = Tiny()
    path = tiny.write(tmp_path, {"y": network(tiny, -1, -1, -1, 3)})
    model = to_onnx(path)
    sizes = [n.dim_param or n.dim_value for n in model.graph.input[0].type.tensor_type.shape.dim]
    assert sizes == ["batch", "height", "width", 3]
    assert operators(model) == {"Transpose": 2, "Conv": 1, "Clip": 1}
    stated = to_onnx(path, input_shapes=(1, 8, 10, 3))
    assert [n.dim_value for n in stated.graph.output[0].type.tensor_type.shape.dim] == [1, 8, 10, 4]
    for each in ({"y": (1, 2, 3, 4)}, (1, 8, 10), (1, 0, 10, 3)):
        with pytest.raises(BodyDoubleError) as caught:
            to_onnx(path, input_shapes=each)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [(7, 9), (8, 10), (9, 12)])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (5, 3), (2, 3), (1, 2)])
def test_same_padding_of_open_sizes_is_that_of_stated_ones(
    tmp_path: Path, size: tuple[int, int], kernel: int, stride: int
) -> None:
    picture = random.normal(size=(1, *size, 3)).astype(np.float32)
    found = []
    for shape in ((1, *size, 3), (-1, -1, -1, 3)):
        tiny = Tiny()
        x = tiny.input(*shape, name="x")
        weights = np.random.default_rng(1).normal(size=(kernel, kernel, 3, 2)).astype(np.float32)
        options = {"strides": [1, stride, stride, 1], "padding": "SAME"}
        window = {"ksize": [1, kernel, kernel, 1], **options}
        results = {
            "conv": tiny.node("Conv2D", x, tiny.constant(weights), **options),
            "max": tiny.node("MaxPool", x, **window),
            "mean": tiny.node("AvgPool", x, **window),
        }
        found.append(run(to_onnx(tiny.write(tmp_path, results)), {"x": picture}))
    for stated, opened in zip(*found, strict=True):
        np.testing.assert_allclose(stated, opened, atol=1e-5)


def test_sizes_of_the_input_make_no_arithmetic_where_they_cancel(tmp_path: Path) -> None:
    """Reshape to [batch, -1, 3] with the batch taken from Shape, as Keras writes it."""
    tiny = Tiny()
    x = tiny.input(-1, 8, 10, 3, name="x")
    entry = [tiny.constant([n]) for n in (0, 1, 1)]
    batch = tiny.node("StridedSlice", tiny.node("Shape", x), *entry, shrink_axis_mask=1)
    y = tiny.node("Reshape", x, tiny.node("Pack", batch, tiny.constant(-1), tiny.constant(3), axis=0))
    model = to_onnx(tiny.write(tmp_path, {"y": y}))
    assert operators(model) == {"Reshape": 1}
    (got,) = run(model, {"x": np.concatenate([PICTURE, PICTURE])})
    assert got.shape == (2, 80, 3)


@pytest.mark.parametrize("opset", [13, 14, 15, 16, 17, 18, 19, 20, 21, 22])
def test_other_opsets(tmp_path: Path, opset: int) -> None:
    tiny = Tiny()
    model = to_onnx(tiny.write(tmp_path, {"y": network(tiny)}), opset=opset)
    assert model.opset_import[0].version == opset
    np.testing.assert_allclose(
        run(model, {"x": PICTURE})[0], run(to_onnx(tmp_path / "model.json"), {"x": PICTURE})[0], atol=1e-6
    )


def test_all_that_is_missing_is_listed_once(tmp_path: Path) -> None:
    tiny = Tiny()
    x = network(tiny)
    for op in ("MadeUp", "Relu", "MadeUp", "StringNGrams"):
        x = tiny.node(op, x)
    y = tiny.node("Cast", network(tiny), DstT=Type("DT_COMPLEX64"))
    with pytest.raises(BodyDoubleError) as caught:
        to_onnx(tiny.write(tmp_path, {"x": x, "y": y}))
    text = str(caught.value)
    assert "\n" not in text
    assert all(part in text for part in ("MadeUp (2)", "StringNGrams (1)", "Cast to complex64 (1)"))


def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path) -> None:
    tiny = Tiny()
    path = tiny.write(tmp_path, {"y": network(tiny)})
    sound = path.read_text()
    shard = tmp_path / "shard0.bin"
    data = shard.read_bytes()

    def says(pattern: str) -> None:
        with pytest.raises(BodyDoubleError, match=pattern) as caught:
            to_onnx(path)
        assert "\n" not in str(caught.value)

    shard.write_bytes(data[:-5])
    says("fetch them again")
    shard.write_bytes(data + b"more")
    says(f"{len(data) + 4} bytes where the model wants {len(data)}")
    shard.unlink()
    says("put it beside the model")
    shard.write_bytes(data)
    path.write_text(sound[: len(sound) // 2])
    says("damaged JSON")
    path.write_text('{"format": "saved-model"}')
    says('format "saved-model"')
    path.write_text('{"format": ["graph-model"]}')
    says("of format")
    path.write_text('{"format": ' + "[" * 100_000)
    says("damaged JSON")
    path.write_text('[{"paths": ["shard0.bin"], "weights": []}]')
    says("lists weights and has no network")
    path.write_text(sound.replace('"float32"', '"float99"'))
    says("float99")
    content = json.loads(sound)
    content["weightsManifest"][0]["weights"][0]["shape"] = [3, 3, 3, 5]
    path.write_text(json.dumps(content))
    says("fetch them again")
    content = json.loads(sound)
    content["modelTopology"]["node"] = content["modelTopology"]["node"][1:]
    path.write_text(json.dumps(content))
    says("is not there")


def test_changed_files_are_one_line_or_convert(tmp_path: Path) -> None:
    """Never a traceback, whatever a character of the JSON is changed to."""
    tiny = Tiny()
    path = tiny.write(tmp_path, {"y": network(tiny)})
    sound = path.read_text()
    places = np.random.default_rng(3)
    refused = 0
    for _ in range(150):
        at = int(places.integers(len(sound)))
        path.write_text(sound[:at] + str(places.choice(list('0"]}x,-'))) + sound[at + 1 :])
        try:
            to_onnx(path)
        except BodyDoubleError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 50


def test_sizes_that_the_network_cannot_take_are_said(tmp_path: Path) -> None:
    """A reshape to the file's own sizes would fail only when the model runs."""
    tiny = Tiny()
    path = tiny.write(
        tmp_path, {"y": tiny.node("Reshape", tiny.input(2, 6), tiny.constant([3, 4], "int32"), T=Type("DT_FLOAT"))}
    )
    with pytest.raises(BodyDoubleError, match=r"sizes given: a Reshape of \(2, 5\) to \(3, 4\)"):
        to_onnx(path, input_shapes=(2, 5))
