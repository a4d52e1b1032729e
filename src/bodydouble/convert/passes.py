"""Rewrites of a graph that keep what it computes and make it quicker: from Graph to Graph.

ONNX Runtime's CPU provider finds the first three by itself; others do not, and files read better without what they take
out. resize_last saves a tenth of the BlazePose detector. Figures: docs/decisions/conversion.md
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from bodydouble.convert.graph import Builder, Graph, Node, Tensor, Value, made, renamed, with_bodies
from bodydouble.convert.layout import remove_transposes
from bodydouble.convert.repeats import without_nothing, without_repeats
from bodydouble.types import BodyDoubleError

SMALLEST_WEIGHTS = 64  # elements from which halving a constant is worth its Cast; smaller ones are sizes and thresholds
OPPOSITE = {"Squeeze": "Unsqueeze", "Unsqueeze": "Squeeze"}


def optimised(graph: Graph) -> Graph:
    """All passes, in the order in which they help each other."""
    graph = _in_bodies(graph)
    for rewrite in (
        *(cancel_squeezes, remove_transposes, merge_reshapes, fold_pads, clips, fold_factors, resize_last),
        *(without_nothing, without_repeats),
    ):
        graph = rewrite(graph)
    return graph.pruned()


def _in_bodies(graph: Graph) -> Graph:
    """The passes inside branches and loops. Their values and constants are kept outside."""
    if not any(node.bodies for node in graph.nodes):
        return graph
    values, constants, nodes = dict(graph.values), dict(graph.constants), []
    for node in graph.nodes:
        bodies = {}
        for key, body in node.bodies.items():
            inner = _apart(optimised(replace(body, values=values, constants=constants)), body, values, constants)
            values.update(inner.values)
            constants.update(inner.constants)
            bodies[key] = replace(inner, values={}, constants={})
        nodes.append(with_bodies(node, bodies))
    return replace(graph, nodes=tuple(nodes), values=values, constants=constants)


def _apart(inner: Graph, body: Graph, values: Mapping[str, Value], constants: Mapping[str, Tensor]) -> Graph:
    """The rewritten body with new names for what it shares only the name of with something outside.

    A pass inside does not see the values outside that the body does not read, and may call its own by their names.
    """
    before = set(body.inputs).union(*(made(node) for node in body.nodes))
    clashes = {output for node in inner.nodes for output in node.outputs if output in values} - before
    clashes |= {name for name, array in inner.constants.items() if name in values and constants.get(name) is not array}
    if not clashes:
        return inner
    names = {name: f"{name} of {next(iter(body.outputs.values()))}" for name in clashes}
    nodes = [renamed(node, lambda name: names.get(name, name)) for node in inner.nodes]
    return Graph(
        inner.inputs,
        {public: names.get(value, value) for public, value in inner.outputs.items()},
        tuple(replace(node, outputs=tuple(names.get(name, name) for name in node.outputs)) for node in nodes),
        {names.get(name, name): replace(value, name=names.get(name, name)) for name, value in inner.values.items()},
        {names.get(name, name): array for name, array in inner.constants.items()},
    )


def stored_as(graph: Graph, weights: Literal["keep", "float16", "float32"]) -> Graph:
    """The graph with its float constants stored in the width asked for; nodes see what they saw.

    Numbers that float16 cannot hold stay float32, and so do the scales of integers, where a thousandth is steps of what
    a sum of thousands comes to. Raises BodyDoubleError for another word than these.
    """
    if weights not in ("keep", "float16", "float32"):
        raise BodyDoubleError(f'weights "{weights}"; choose from keep, float16, float32')
    if weights == "keep":
        return graph
    scales = _scales(graph)
    constants = dict(graph.constants)
    for name, array in graph.constants.items():
        if weights == "float32" and array.dtype == np.float16:
            constants[name] = array.astype(np.float32)
        elif weights == "float16" and array.dtype == np.float32 and array.size >= SMALLEST_WEIGHTS:
            if name in scales:
                continue
            fits = float(np.abs(array).max()) <= float(np.finfo(np.float16).max)
            constants[name] = array.astype(np.float16) if fits else array
    return replace(graph, constants=constants)


def _scales(graph: Graph) -> set[str]:
    """The constants that integers are multiplied by."""
    own = {node.inputs[1] for node in graph.nodes if node.op in ("QuantizeLinear", "DequantizeLinear")}
    return own.union(*(_scales(body) for node in graph.nodes for body in node.bodies.values()))


def cancel_squeezes(graph: Graph) -> Graph:
    """An Unsqueeze of a Squeeze over the same axes, or the other way round, is what came.

    tf.stack of tf.unstack leaves such pairs before MoveNet's first convolution. Without them the arithmetic there runs
    channels first, where a number a channel is multiplied ten times as fast: an eighth of lightning's time.
    """
    made_by = {output: node for node in graph.nodes for output in node.outputs}
    handed_out = set(graph.outputs.values())
    instead: dict[str, str] = {}
    nodes = []
    for node in graph.nodes:
        node = renamed(node, lambda name: instead.get(name, name))
        before = made_by.get(node.inputs[0]) if node.op in OPPOSITE else None
        if before is not None and _undoes(graph, node, before) and node.outputs[0] not in handed_out:
            instead[node.outputs[0]] = instead.get(before.inputs[0], before.inputs[0])
        else:
            nodes.append(node)
    return replace(graph, nodes=tuple(nodes)).pruned()


def _undoes(graph: Graph, node: Node, before: Node) -> bool:
    """Whether a node takes back what the one before it did to the axes."""
    if before.op != OPPOSITE[node.op] or len(before.inputs) < 2 or len(node.inputs) < 2:
        return False
    axes, axes_before = (graph.constants.get(one.inputs[1]) for one in (node, before))
    return axes is not None and axes_before is not None and np.array_equal(np.sort(axes), np.sort(axes_before))


def merge_reshapes(graph: Graph) -> Graph:
    """A Reshape of a Reshape reads the first one's input."""
    made_by = {output: node for node in graph.nodes for output in node.outputs}
    nodes = []
    for node in graph.nodes:
        before = made_by.get(node.inputs[0]) if node.op == "Reshape" else None
        if before is not None and before.op == "Reshape" and no_copied_sizes(graph, node):
            node = replace(node, inputs=(before.inputs[0], *node.inputs[1:]))
            made_by[node.outputs[0]] = node
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes)).pruned()


def no_copied_sizes(graph: Graph, node: Node) -> bool:
    """Whether no size of a Reshape is 0, which takes over the input's own: another input would give another shape."""
    sizes = graph.constants.get(node.inputs[1])
    return sizes is not None and 0 not in sizes


def clips(graph: Graph) -> Graph:
    """The smaller of a number and what is at least another (Relu: 0) becomes a Clip."""
    made_by = {output: node for node in graph.nodes for output in node.outputs}
    uses, nodes = graph.uses(), []
    for node in graph.nodes:
        x, high = _number_beside(graph, node) if node.op in ("Min", "Max") else ("", "")
        before = made_by.get(x)
        if node.op == "Max":
            clip = before is not None and before.op == "Clip" and uses[x] == 1
            if before is not None and clip and graph.constants[before.inputs[1]] >= graph.constants[high]:
                nodes.append(replace(before, outputs=node.outputs))  # it is no smaller already
            else:
                nodes.append(node)
            made_by[node.outputs[0]] = nodes[-1]
            continue
        if before is not None and uses[x] == 1 and before.op in ("Max", "Relu"):
            source, low = (before.inputs[0], "") if before.op == "Relu" else _number_beside(graph, before)
            least = graph.constants[low] if low else np.zeros((), graph.values[x].dtype)
            if source and least <= graph.constants[high] and (low or least.dtype == graph.values[high].dtype):
                if not low:
                    low = f"{node.outputs[0]}.low"
                    graph = replace(
                        graph,
                        values={**graph.values, low: Value(low, (), least.dtype)},
                        constants={**graph.constants, low: least},
                    )
                node = Node("Clip", (source, low, high), node.outputs)
                made_by[node.outputs[0]] = node
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes)).pruned()


def _number_beside(graph: Graph, node: Node) -> tuple[str, str]:
    """Of a node of two inputs, of which one is a constant number: the other one, and that; "" if it is not so."""
    if len(node.inputs) == 2:
        for x, number in (node.inputs, node.inputs[::-1]):
            array = graph.constants.get(number)
            if array is not None and array.ndim == 0 and x not in graph.constants:
                return x, number
    return "", ""


def fold_factors(graph: Graph) -> Graph:
    """Numbers that a convolution's channels are multiplied with or that are added go into its weights and bias.

    Weights stored as float16 stay as they are (the product would be rounded, or need twice the room): there only sums
    go into the bias. ONNX Runtime folds the rest when it opens the model.
    """
    made_by = {output: node for node in graph.nodes for output in node.outputs}
    uses, builder = graph.uses(), Builder(graph)
    done: dict[str, Node] = {}  # by output: convolutions that stand in the place of what was folded into them
    for node in graph.nodes:
        folded = _folded(builder, graph, node, {**made_by, **done}, uses) if node.op in ("Add", "Sub", "Mul") else None
        if folded is None:
            builder.keep(node)
        else:
            done[node.outputs[0]] = folded
            builder.keep(folded)
    return builder.graph(graph.outputs)


def _folded(builder: Builder, graph: Graph, node: Node, made_by: dict[str, Node], uses: Counter[str]) -> Node | None:
    """The convolution that gives what the node makes of another convolution's result."""
    x, other = node.inputs if node.inputs[1] in graph.constants else node.inputs[::-1]
    before, factor = made_by.get(x), graph.constants.get(other)
    if (
        before is None
        or before.op != "Conv"
        or uses[x] != 1
        or factor is None
        or (node.op == "Sub" and x != node.inputs[0])
    ):
        return None
    dims, channels = graph.values[x].dims or (), builder.dims(before.inputs[1])[0]
    if not isinstance(channels, int) or factor.ndim > len(dims) or factor.dtype.kind != "f":
        return None
    shape = (1,) * (len(dims) - factor.ndim) + factor.shape
    if any(size != 1 for axis, size in enumerate(shape) if axis != 1) or shape[1] not in (1, channels):
        return None
    numbers = np.broadcast_to(factor.astype(np.float32).ravel(), channels)
    bias_name = before.inputs[2] if len(before.inputs) > 2 else ""
    bias = builder.stored(bias_name) if bias_name else np.zeros(channels, np.float32)
    weights, weights_name = builder.stored(before.inputs[1]), before.inputs[1]
    if bias is None or weights is None:
        return None
    bias = bias.astype(np.float32)
    if node.op == "Mul":
        if weights.dtype != np.float32:
            return None
        scaled = weights * numbers.reshape(-1, *[1] * (weights.ndim - 1))
        weights_name, bias = builder.constant(scaled.astype(np.float32), name="weights"), bias * numbers
    else:
        bias = bias + numbers if node.op == "Add" else bias - numbers
    inputs = (before.inputs[0], weights_name, builder.constant(bias.astype(np.float32), name="bias"))
    return replace(before, inputs=inputs, outputs=node.outputs)


def fold_pads(graph: Graph) -> Graph:
    """Pad with zeros along height and width becomes pads of the convolutions that read it."""
    made_by = {output: node for node in graph.nodes for output in node.outputs}
    nodes = []
    for node in graph.nodes:
        before = made_by.get(node.inputs[0]) if node.op == "Conv" and "pads" in node.attributes else None
        amounts = _zero_pads(graph, before) if before is not None and before.op == "Pad" else None
        if before is not None and amounts is not None:
            pads = np.add(node.attributes["pads"], amounts)
            attributes = {**node.attributes, "pads": tuple(int(n) for n in pads)}
            node = replace(node, inputs=(before.inputs[0], *node.inputs[1:]), attributes=attributes)
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes)).pruned()


def _zero_pads(graph: Graph, node: Node) -> tuple[int, ...] | None:
    """(top, left, bottom, right) of a Pad that adds zeros to height and width alone, else None."""
    amounts = graph.constants.get(node.inputs[1])
    fill = graph.constants.get(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else np.zeros(())
    if amounts is None or fill is None or fill.any() or amounts.size != 8 or (amounts < 0).any():
        return None
    before, after = amounts.reshape(2, 4)
    if before[:2].any() or after[:2].any():
        return None
    return tuple(int(n) for n in (*before[2:], *after[2:]))


def resize_last(graph: Graph) -> Graph:
    """A 1x1 convolution of an enlarged picture runs before the enlargement, on a quarter of the pixels or fewer.

    Both are linear, and a bilinear sample's weights add up to 1, so that the bias stays what it is.
    """
    made_by = {output: node for node in graph.nodes for output in node.outputs}
    uses = graph.uses()
    builder = Builder(graph)
    for node in graph.nodes:
        before = made_by.get(node.inputs[0]) if node.op == "Conv" else None
        if (
            before is None
            or before.op != "Resize"
            or uses[node.inputs[0]] > 1
            or not _fewer_pixels(graph, node, before)
        ):
            builder.keep(node)
            continue
        batch, _, *size = builder.dims(before.inputs[0])
        channels = builder.dims(node.outputs[0])[1]
        builder.layer = node.layer
        small = builder.add("Conv", [before.inputs[0], *node.inputs[1:]], (batch, channels, *size), **node.attributes)
        builder.keep(replace(before, inputs=(small, *before.inputs[1:]), outputs=node.outputs))
    return builder.graph(graph.outputs)


def _fewer_pixels(graph: Graph, node: Node, resize: Node) -> bool:
    """Whether the node is a 1x1 convolution that gives no more channels than it takes, and the Resize enlarges."""
    plain = node.op == "Conv" and {*node.attributes["kernel_shape"], *node.attributes["strides"]} == {1}
    if not plain or any(node.attributes["pads"]) or not resize.inputs[2]:
        return False  # a Resize by sizes has its channels in them
    taken, given = (graph.values[name].dims or () for name in (node.inputs[0], node.outputs[0]))
    channels = (given[1], taken[1])
    if not isinstance(channels[0], int) or not isinstance(channels[1], int):
        return False
    return channels[0] <= channels[1] and bool((graph.constants[resize.inputs[2]] >= 1).all())
