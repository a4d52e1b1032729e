"""Rewrites of a graph that keep what it computes and make it quicker: from Graph to Graph.

ONNX Runtime's CPU provider finds the first three by itself; others do not, and files read better without what they take
out. resize_last saves a tenth of the BlazePose detector. Figures: docs/decisions/conversion.md
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from bodydouble.convert.graph import Builder, Graph, Node
from bodydouble.convert.layout import remove_transposes
from bodydouble.types import BodyDoubleError

SMALLEST_WEIGHTS = 64  # elements from which halving a constant is worth its Cast; smaller ones are sizes and thresholds


def optimised(graph: Graph) -> Graph:
    """All passes, in the order in which they help each other."""
    for rewrite in (remove_transposes, merge_reshapes, fold_pads, resize_last):
        graph = rewrite(graph)
    return graph.pruned()


def stored_as(graph: Graph, weights: Literal["keep", "float16", "float32"]) -> Graph:
    """The graph with its float constants stored in the width asked for; nodes see what they saw.

    Numbers that float16 cannot hold stay float32. Raises BodyDoubleError for another word than these.
    """
    if weights not in ("keep", "float16", "float32"):
        raise BodyDoubleError(f'weights "{weights}"; choose from keep, float16, float32')
    if weights == "keep":
        return graph
    constants = dict(graph.constants)
    for name, array in graph.constants.items():
        if weights == "float32" and array.dtype == np.float16:
            constants[name] = array.astype(np.float32)
        elif weights == "float16" and array.dtype == np.float32 and array.size >= SMALLEST_WEIGHTS:
            fits = float(np.abs(array).max()) <= float(np.finfo(np.float16).max)
            constants[name] = array.astype(np.float16) if fits else array
    return replace(graph, constants=constants)


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


def fold_pads(graph: Graph) -> Graph:
    """Pad with zeros along height and width becomes pads of the convolutions that read it."""
    made_by = {output: node for node in graph.nodes for output in node.outputs}
    nodes = []
    for node in graph.nodes:
        before = made_by.get(node.inputs[0]) if node.op == "Conv" else None
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
        before = made_by.get(node.inputs[0])
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
