"""Arithmetic that a graph can do without, with the same values bit for bit: from Graph to Graph.

Tables that repeat along an axis are computed with once, and nothing is subtracted or divided by in vain.

MoveNet measures how far every cell lies from a point: a table (48, 48, 1) of the cells' rows, the same in every column,
less 17 rows, squared, plus the same of the columns. Where the row's distance is a matter of (48, 1, 17) numbers the sum
of both makes the full size again; two parts in a hundred of lightning's time (docs/decisions/providers.md).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bodydouble.convert.graph import Dim, Graph, Node, Tensor, Value, renamed

SMALLEST = 64  # numbers of a table from which it may pay
EACH_FOR_ITSELF = {
    *("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min"),
    *("Sqrt", "Neg", "Abs", "Exp", "Log", "Floor", "Ceil", "Relu", "Sigmoid", "Tanh", "Cast"),
}


def without_repeats(graph: Graph) -> Graph:
    """Tables in the place of which one row does, where what is computed of them gets smaller too.

    Vectors, and tables of one number throughout, stay: those may be weights that nobody has trained yet.
    """
    for index, node in enumerate(graph.nodes):
        for name in node.inputs if node.op in EACH_FOR_ITSELF else ():
            table = graph.constants.get(name)
            if table is not None and table.size >= SMALLEST:
                for axis in _repeated(table):
                    graph = _once(graph, index, name, axis)
                    name = graph.nodes[index].inputs[node.inputs.index(name)] if name in node.inputs else name
    return graph.pruned()


def _repeated(table: Tensor) -> list[int]:
    """Axes, from the last one (-1) on, along which nothing changes; none where nothing changes at all."""
    axes = [axis for axis in range(-table.ndim, 0) if table.shape[axis] > 1]
    same = [axis for axis in axes if np.array_equal(table, np.broadcast_to(table.take([0], axis), table.shape))]
    return same if len(same) < len(axes) else []


def _once(graph: Graph, index: int, name: str, axis: int) -> Graph:
    """The graph with one entry of a table along an axis, at one node; the graph itself where that does not pay."""
    thin: set[str] = set()  # values of which one entry along the axis is left
    nodes = graph.nodes
    for node in nodes[index:]:
        read = [one for one in node.reads() if one in thin]
        if not read and node is not nodes[index]:
            continue
        if node.op not in EACH_FOR_ITSELF:
            return graph
        sizes = [_size(graph, one, axis) for one in node.inputs if one not in thin]
        if node is nodes[index]:
            sizes = [_size(graph, one, axis) for one in node.inputs if one != name]
        if all(size == 1 for size in sizes) and graph.values[node.outputs[0]].dims is not None:
            thin.update(node.outputs)
        elif graph.constants[name].shape[axis] not in sizes:
            return graph
    if not thin or thin.intersection(graph.outputs.values()):
        return graph
    entry = graph.constants[name].take([0], axis)
    row = f"{name}_row{-axis}"
    while row in graph.values and graph.values[row].dims != entry.shape:
        row += "_"
    values = {**graph.values, row: Value(row, entry.shape, graph.values[name].dtype)}
    for one in thin:
        dims = list(values[one].dims or ())
        dims[axis] = 1
        values[one] = replace(values[one], dims=tuple(dims))
    inputs = tuple(row if one == name else one for one in nodes[index].inputs)
    changed: tuple[Node, ...] = (*nodes[:index], replace(nodes[index], inputs=inputs), *nodes[index + 1 :])
    return replace(graph, nodes=changed, values=values, constants={**graph.constants, row: entry})


def _size(graph: Graph, name: str, axis: int) -> Dim:
    """Of a value along an axis counted from the last one; "" where nobody knows."""
    dims = graph.values[name].dims
    if dims is None:
        return ""
    return dims[axis] if len(dims) >= -axis else 1


def without_nothing(graph: Graph) -> Graph:
    """A value less zeros, or divided by ones, is the value: normalising a picture often has a mean of nothing.

    What is added or multiplied with stays: those may be weights that nobody has trained yet.
    """
    instead: dict[str, str] = {}
    handed_out = set(graph.outputs.values())
    nodes = []
    for node in graph.nodes:
        node = renamed(node, lambda name: instead.get(name, name))
        if _does_nothing(graph, node) and node.outputs[0] not in handed_out:
            instead[node.outputs[0]] = node.inputs[0]
        else:
            nodes.append(node)
    return replace(graph, nodes=tuple(nodes)).pruned()


def _does_nothing(graph: Graph, node: Node) -> bool:
    """Whether a node subtracts zeros or divides by ones, and spreads its input over no more entries."""
    if node.op not in ("Sub", "Div"):
        return False
    number, dims = graph.constants.get(node.inputs[1]), graph.values[node.inputs[0]].dims
    if number is None or dims is None or dims != graph.values[node.outputs[0]].dims:
        return False
    return bool((number == (0 if node.op == "Sub" else 1)).all())
