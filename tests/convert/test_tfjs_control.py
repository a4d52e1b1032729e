"""Control flow of graph models, old (Switch, Merge, frames) and new (If, While, functions), with predicates known
while converting and not; lists of tensors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from test_tfjs_operators import run
from tiny_tfjs import Func, Shape, Tiny, Type

from bodydouble.convert import to_onnx
from bodydouble.types import BodyDoubleError

X = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0], [0.5, 0.25, 8.0]], np.float32)


def kinds(model: onnx.ModelProto) -> set[str]:
    return {node.op_type for node in model.graph.node}


def branches(tiny: Tiny, x: str, predicate: str) -> str:
    """x doubled where the predicate holds, else negated; as Switch and Merge."""
    data = tiny.node("Switch", x, predicate)
    yes = tiny.node("Mul", f"{data}:1", tiny.constant(2.0))
    no = tiny.node("Neg", f"{data}:0")
    return tiny.node("Merge", no, yes, N=2)


def functions(tiny: Tiny, x: str, predicate: str) -> str:
    """The same with functions of the library."""
    yes = tiny.function("double", ["a"], lambda t, a: [t.node("Mul", a, t.constant(2.0))])
    no = tiny.function("negate", ["a"], lambda t, a: [t.node("Neg", a)])
    return tiny.node("StatelessIf", predicate, x, then_branch=yes, else_branch=no)


@pytest.mark.parametrize("build", [branches, functions])
@pytest.mark.parametrize("limit", [0.0, 100.0])
def test_a_predicate_known_at_run_time(tmp_path: Path, build: Callable[[Tiny, str, str], str], limit: float) -> None:
    tiny = Tiny()
    x = tiny.input(3, 3, name="x")
    predicate = tiny.node("Greater", tiny.node("Max", x, tiny.constant([0, 1])), tiny.input(name="limit"))
    model = to_onnx(tiny.write(tmp_path, {"y": build(tiny, x, predicate)}))
    assert "If" in kinds(model)
    (got,) = run(model, {"x": X, "limit": np.float32(limit)})
    np.testing.assert_array_equal(got, X * 2 if limit < 8 else -X)


@pytest.mark.parametrize("build", [branches, functions])
@pytest.mark.parametrize("holds", [True, False])
def test_a_predicate_known_while_converting(
    tmp_path: Path, build: Callable[[Tiny, str, str], str], holds: bool
) -> None:
    tiny = Tiny()
    y = build(tiny, tiny.input(3, 3, name="x"), tiny.constant(holds))
    model = to_onnx(tiny.write(tmp_path, {"y": y}))
    assert kinds(model) == {"Mul" if holds else "Neg"}


def test_branches_inside_branches(tmp_path: Path) -> None:
    tiny = Tiny()
    x, a, b = (tiny.input(*shape, name=name) for shape, name in (((3, 3), "x"), ((), "a"), ((), "b")))
    outer = tiny.node("Greater", a, tiny.constant(0.0))
    outer_x, outer_b = (f"{tiny.node('Switch', value, outer)}:1" for value in (x, b))
    inner = branches(tiny, outer_x, tiny.node("Greater", outer_b, tiny.constant(0.0)))
    other = tiny.node("Abs", f"{tiny.node('Switch', x, outer)}:0")
    model = to_onnx(tiny.write(tmp_path, {"y": tiny.node("Merge", other, inner, N=2)}))
    for first, second, wanted in ((1, 1, X * 2), (1, -1, -X), (-1, 1, np.abs(X))):
        (got,) = run(model, {"x": X, "a": np.float32(first), "b": np.float32(second)})
        np.testing.assert_array_equal(got, wanted)


def frame(tiny: Tiny, starts: list[str], limit: str, step: Callable[..., list[str]]) -> list[str]:
    """A loop in a frame: the first variable counts up to the limit."""
    enters = [tiny.node("Enter", start, frame_name="loop", is_constant=False) for start in starts]
    bound = tiny.node("Enter", limit, frame_name="loop", is_constant=True)
    numbers = range(len(enters))
    merges = [tiny.node("Merge", enters[n], f"next{n}", N=2) for n in numbers]
    going = tiny.node("LoopCond", tiny.node("Less", merges[0], bound))
    switches = [tiny.node("Switch", merge, going) for merge in merges]
    inside = [tiny.node("Identity", f"{switch}:1") for switch in switches]
    one = tiny.constant(1, controls=[f"^{inside[0]}"])
    after = [tiny.node("Add", inside[0], one), *step(*inside)]
    for n in numbers:
        tiny.node("NextIteration", after[n], name=f"next{n}")
    return [tiny.node("Exit", switch) for switch in switches]


def library(tiny: Tiny, starts: list[str], limit: str, step: Callable[..., list[str]]) -> list[str]:
    """The same loop as StatelessWhile."""
    names = [f"v{n}" for n in range(len(starts) + 1)]
    condition = tiny.function("goes_on", names, lambda t, *v: [t.node("Less", v[0], v[-1])])

    def body(t: Tiny, *v: str) -> list[str]:
        return [t.node("Add", v[0], t.constant(1)), *step(*v[:-1], tiny=t), v[-1]]

    loop = tiny.node("StatelessWhile", *starts, limit, cond=condition, body=tiny.function("turn", names, body))
    return [f"{loop}:{n}" for n in range(len(starts))]


@pytest.mark.parametrize("build", [frame, library])
@pytest.mark.parametrize("known", [True, False])
def test_a_loop(tmp_path: Path, build: Callable[..., list[str]], known: bool) -> None:
    """Doubled and increased five times; unrolled where the count is known while converting."""
    tiny = Tiny()
    x = tiny.input(3, 3, name="x")
    limit = tiny.constant(5) if known else tiny.input(name="limit", dtype="DT_INT32")

    def step(i: str, y: str, tiny: Tiny = tiny) -> list[str]:
        return [tiny.node("Add", tiny.node("Add", y, y), tiny.node("Cast", i, DstT=Type("DT_FLOAT")))]

    count, y = build(tiny, [tiny.constant(0), x], limit, step)
    model = to_onnx(tiny.write(tmp_path, {"y": y, "count": count}))
    assert ("Loop" in kinds(model)) != known
    for turns in (5,) if known else (5, 1, 0):
        got, counted = run(model, {"x": X, "limit": np.int32(turns)})
        wanted = X
        for i in range(turns):
            wanted = wanted * 2 + i
        np.testing.assert_array_equal(got, wanted)
        assert counted == turns


def test_a_variable_that_grows(tmp_path: Path) -> None:
    tiny = Tiny()
    x, limit = tiny.input(3, 3, name="x"), tiny.input(name="limit", dtype="DT_INT32")
    grow = lambda i, y: [tiny.node("ConcatV2", y, x_inside, tiny.constant(0), N=2)]  # noqa: E731
    x_inside = tiny.node("Enter", x, frame_name="loop", is_constant=True)
    _, y = frame(tiny, [tiny.constant(0), x], limit, grow)
    (got,) = run(to_onnx(tiny.write(tmp_path, {"y": y})), {"x": X, "limit": np.int32(2)})
    np.testing.assert_array_equal(got, np.concatenate([X] * 3))


@pytest.mark.parametrize("rows", [3, -1])
def test_a_map_over_rows(tmp_path: Path, rows: int) -> None:
    """TensorList: one row read, one written a turn. Of known length it leaves no loop, else one without sequences."""
    tiny = Tiny()
    x = tiny.input(rows, 3, name="x")
    entry = [tiny.constant([n]) for n in (0, 1, 1)]
    count = tiny.node("StridedSlice", tiny.node("Shape", x), *entry, shrink_axis_mask=1)
    shape = tiny.constant([3])
    given = tiny.node("TensorListFromTensor", x, shape, element_dtype=Type("DT_FLOAT"))
    made = tiny.node("TensorListReserve", tiny.constant(-1), count, element_dtype=Type("DT_FLOAT"))

    def step(i: str, given: str, made: str, tiny: Tiny = tiny) -> list[str]:
        row = tiny.node("TensorListGetItem", given, i, shape_of(tiny), element_dtype=Type("DT_FLOAT"))
        return [given, tiny.node("TensorListSetItem", made, i, tiny.node("Mul", row, row))]

    def shape_of(tiny: Tiny) -> str:
        return tiny.constant([3])

    results = library(tiny, [tiny.constant(0), given, made], count, step)
    model = to_onnx(tiny.write(tmp_path, {"y": tiny.node("TensorListStack", results[2], shape_of(tiny))}))
    assert ("Loop" in kinds(model)) == (rows < 0)
    assert not any(kind.startswith("Sequence") for kind in kinds(model))
    np.testing.assert_array_equal(run(model, {"x": X})[0], X * X)


def test_an_array_filled_backwards(tmp_path: Path) -> None:
    """TensorArray in a frame, written in an order that no stacked output has."""
    tiny = Tiny()
    x, limit = tiny.input(3, 3, name="x"), tiny.input(name="limit", dtype="DT_INT32")
    array = tiny.node("TensorArrayV3", limit, dtype=Type("DT_FLOAT"), element_shape=Shape((3,)))
    handle = tiny.node("Enter", array, frame_name="loop", is_constant=True)
    source, last = (tiny.node("Enter", value, frame_name="loop", is_constant=True) for value in (x, limit))

    def step(i: str, flow: str) -> list[str]:
        place = tiny.node("Sub", tiny.node("Sub", last, tiny.constant(1)), i)
        row = tiny.node("GatherV2", source, i, tiny.constant(0))
        return [tiny.node("TensorArrayWriteV3", handle, place, row, flow)]

    _, flow = frame(tiny, [tiny.constant(0), f"{array}:1"], limit, step)
    ramp = tiny.node("Range", tiny.constant(0), tiny.node("TensorArraySizeV3", array, flow), tiny.constant(1))
    y = tiny.node("TensorArrayGatherV3", array, ramp, flow, dtype=Type("DT_FLOAT"))
    (got,) = run(to_onnx(tiny.write(tmp_path, {"y": y})), {"x": X, "limit": np.int32(3)})
    np.testing.assert_array_equal(got, X[::-1])


def test_a_list_of_unequal_tensors_is_joined(tmp_path: Path) -> None:
    """Pushed in a loop of unknown length: a sequence."""
    tiny = Tiny()
    x, limit = tiny.input(3, 3, name="x"), tiny.input(name="limit", dtype="DT_INT32")
    empty = tiny.node("EmptyTensorList", tiny.constant([-1, 3]), tiny.constant(9), element_dtype=Type("DT_FLOAT"))

    def step(i: str, rows: str, made: str, tiny: Tiny = tiny) -> list[str]:
        ends = [tiny.constant([0, 0]), tiny.node("Pack", i, tiny.constant(3), axis=0)]
        return [rows, tiny.node("TensorListPushBack", made, tiny.node("Slice", rows, *ends))]

    results = library(tiny, [tiny.constant(0), x, empty], limit, step)
    y = tiny.node("TensorListConcatV2", results[2], tiny.constant([-1, 3]), tiny.constant([0]))
    (got,) = run(to_onnx(tiny.write(tmp_path, {"y": y})), {"x": X, "limit": np.int32(4)})
    np.testing.assert_array_equal(got, np.concatenate([X[:n] for n in range(4)]))


def test_functions_call_functions(tmp_path: Path) -> None:
    tiny = Tiny()
    inner = tiny.function("inner", ["a"], lambda t, a: [t.node("Neg", a), t.node("Abs", a)])
    outer = tiny.function("outer", ["a"], lambda t, a: [f"{t.node('PartitionedCall', a, f=inner)}:output:1"])
    y = tiny.node("StatefulPartitionedCall", tiny.input(3, 3, name="x"), f=outer)
    np.testing.assert_array_equal(run(to_onnx(tiny.write(tmp_path, {"y": y})), {"x": X})[0], np.abs(X))


def test_what_is_missing_inside_is_listed(tmp_path: Path) -> None:
    tiny = Tiny()
    x, predicate = tiny.input(3, 3, name="x"), tiny.input(name="p", dtype="DT_BOOL")
    yes = tiny.function("odd", ["a"], lambda t, a: [t.node("MadeUp", a)])
    y = tiny.node("If", predicate, x, then_branch=yes, else_branch=Func("nowhere"))
    with pytest.raises(BodyDoubleError, match="nowhere") as caught:
        to_onnx(tiny.write(tmp_path, {"y": y}))
    assert "\n" not in str(caught.value)
