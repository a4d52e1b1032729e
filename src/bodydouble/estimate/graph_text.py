"""Pieces of ONNX graph written as ONNX text, to be joined on to a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
import onnx.parser

Constants = dict[str, npt.NDArray[np.generic]]


def float32(value: float) -> npt.NDArray[np.float32]:
    """A scalar tensor."""
    return np.array(value, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A piece of graph and how its inputs join on to the outputs of the piece before it."""

    model: onnx.ModelProto
    joints: tuple[tuple[str, str], ...]


def parse(network: onnx.ModelProto, text: str, constants: Constants) -> onnx.ModelProto:
    """A piece of graph from ONNX text, in the network's own opset.

    constants: named tensors that the text may use; those that it does not are left out.
    """
    opset = next(entry.version for entry in network.opset_import if entry.domain in ("", "ai.onnx"))
    header = f'<ir_version: {network.ir_version}, opset_import: ["": {opset}]>'
    model = onnx.parser.parse_model(header + text)
    graph = model.graph
    outside = {name for node in graph.node for name in node.input}
    inside = {name for node in graph.node for body in _bodies(node) for name in _read(body)}
    for name, value in constants.items():
        tensor = onnx.numpy_helper.from_array(value, name)
        if name in inside:  # onnx.compose does not rename what a body reads of the initializers around it
            graph.node.insert(0, onnx.helper.make_node("Constant", [], [name], value=tensor))
        elif name in outside:
            graph.initializer.append(tensor)
    return model


def _bodies(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """Graphs in a node's attributes, of a Loop or an If."""
    return [attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH]


def _read(graph: onnx.GraphProto) -> Iterator[str]:
    """Names that the nodes of a graph read, bodies included."""
    for node in graph.node:
        yield from node.input
        for body in _bodies(node):
            yield from _read(body)
