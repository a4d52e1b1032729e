"""Arithmetic that leaves the graph changes no value, and what may be a weight stays."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from bodydouble.convert.graph import Builder, Graph
from bodydouble.convert.repeats import without_nothing, without_repeats
from bodydouble.convert.writer import to_model

ROWS = np.broadcast_to(np.arange(9, dtype=np.float32)[:, None, None], (9, 8, 1))
COLUMNS = np.broadcast_to(np.arange(8, dtype=np.float32)[:, None], (9, 8, 1))


def run(graph: Graph, feed: dict[str, np.ndarray]) -> np.ndarray:
    """The one answer of a graph."""
    model = to_model(graph, "tiny", 17)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, feed)[0]


def distances(*, squared_handed_out: bool = False, columns: np.ndarray = COLUMNS) -> Graph:
    """How far each cell lies from five points, as MoveNet asks it."""
    builder = Builder()
    y, x = (builder.input(name, (5,)) for name in "yx")
    squares = []
    for table, point in ((ROWS, y), (columns, x)):
        step = builder.add("Sub", [builder.constant(table.copy(), name="table"), point], (9, 8, 5))
        squares.append(builder.add("Mul", [step, step], (9, 8, 5)))
    far = builder.add("Sqrt", [builder.add("Add", squares, (9, 8, 5))], (9, 8, 5))
    return builder.graph({"far": far, **({"rows": squares[0]} if squared_handed_out else {})})


def sizes(graph: Graph) -> list[tuple[int, ...]]:
    """Of what each node gives."""
    return [graph.values[node.outputs[0]].shape for node in graph.nodes]


def test_distances_are_the_same_of_rows_and_columns_once():
    rng = np.random.default_rng(0)
    feed = {name: rng.uniform(0, 9, 5).astype(np.float32) for name in "yx"}
    before, after = distances(), without_repeats(distances())
    assert sizes(after) == [(9, 1, 5), (9, 1, 5), (1, 8, 5), (1, 8, 5), (9, 8, 5), (9, 8, 5)]
    assert sorted(table.shape for table in after.constants.values()) == [(1, 8, 1), (9, 1, 1)]
    np.testing.assert_array_equal(run(after, feed), run(before, feed))


def test_what_is_handed_out_keeps_its_size():
    after = without_repeats(distances(squared_handed_out=True))
    assert after.values[after.outputs["rows"]].shape == (9, 8, 5)


def test_a_size_that_nothing_else_has_stays():
    after = without_repeats(distances(columns=ROWS))
    assert sizes(after)[-1] == (9, 8, 5)
    feed = {name: np.arange(5, dtype=np.float32) for name in "yx"}
    np.testing.assert_array_equal(run(after, feed), run(distances(columns=ROWS), feed))


@pytest.mark.parametrize("shape", [(128,), (1, 128), (8, 16)])
def test_what_may_be_a_weight_stays(shape):
    builder = Builder()
    x = builder.input("x", (8, 16) if shape == (8, 16) else (4, 128))
    table = builder.constant(np.zeros(shape, np.float32))
    graph = builder.graph({"y": builder.add("Add", [x, table], builder.dims(x))})
    after = without_nothing(without_repeats(graph))
    assert [array.shape for array in after.constants.values()] == [shape]


@pytest.mark.parametrize(
    ("op", "number", "left"),
    [
        ("Sub", np.zeros((3, 1, 1), np.float32), ["Relu"]),
        ("Div", np.ones((), np.float32), ["Relu"]),
        ("Sub", np.ones((), np.float32), ["Sub", "Relu"]),
        ("Sub", np.zeros((6, 3, 4, 4), np.float32), ["Sub", "Relu"]),
        ("Add", np.zeros((3, 1, 1), np.float32), ["Add", "Relu"]),
    ],
)
def test_nothing_is_subtracted_in_vain(op, number, left):
    builder = Builder()
    x = builder.input("x", (1, 3, 4, 4))
    shape = np.broadcast_shapes((1, 3, 4, 4), number.shape)
    middle = builder.add(op, [x, builder.constant(number)], shape)
    graph = without_nothing(builder.graph({"y": builder.add("Relu", [middle], shape)}))
    assert [node.op for node in graph.nodes] == left
