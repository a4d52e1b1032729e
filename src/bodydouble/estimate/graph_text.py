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
    used = set(_read(model.graph))
    for name, value in constants.items():
        if name in used:
            model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    return model


def _read(graph: onnx.GraphProto) -> Iterator[str]:
    """Names that the nodes of a graph read, bodies of loops included."""
    for node in graph.node:
        yield from node.input
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _read(attribute.g)
