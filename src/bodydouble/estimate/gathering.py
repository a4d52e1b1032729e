"""Maps that are read at a few cells only are computed at those cells only.

GatherND(Transpose(Conv 1x1(... Relu(Conv 1x1(x))))) becomes Gemm(... Relu(Gemm(GatherND(Transpose(x))))): a 1x1
convolution is one matrix product a cell, so picking cells before it or after it is the same. MoveNet reads its offsets
at 17 of 2304 cells, and its regression at one. Figures: docs/decisions/providers.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

CHANNELS_LAST = [0, 2, 3, 1]
CELL = 3  # entries of an index that names a batch, a row and a column
FEW = 64  # numbers of a constant that may be a shape; larger ones say nothing about sizes
CELLWISE = {"Relu", "Clip", "Sigmoid", "HardSwish", "Tanh"}  # one tensor in (and bounds), each number for itself


def gather_first(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same function; the model itself where there is nothing to win, else a copy with the same inputs and outputs.

    Only maps that nothing else reads are moved, so that no work is done twice.
    """
    if not _Rewriting(model).places():
        return model
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _Rewriting(copy).run()
    return copy


@dataclass
class _Rewriting:
    """One walk over the graph of a model, which it changes."""

    model: onnx.ModelProto
    makers: dict[str, onnx.NodeProto] = field(init=False)
    uses: dict[str, int] = field(init=False)
    weights: dict[str, onnx.TensorProto] = field(init=False)

    def __post_init__(self) -> None:
        graph = self.model.graph
        self.makers = {name: node for node in graph.node for name in node.output}
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.uses = {value.name: 1 for value in graph.output}
        for node in _all_nodes(graph):
            for name in node.input:
                self.uses[name] = self.uses.get(name, 0) + 1

    def places(self) -> list[onnx.NodeProto]:
        """The GatherND nodes that can go before a convolution."""
        found = [node for node in self.model.graph.node if self._turned_map(node)]
        if not found:
            return []
        sizes = _sizes(self.model)
        return [node for node in found if sizes.get(node.input[1], [])[1:] == [CELL]]

    def run(self) -> None:
        """Rewrites, and drops the nodes whose values nobody reads any more."""
        moved = {node.output[0]: node for node in self.places()}
        nodes: list[onnx.NodeProto] = []
        for node in self.model.graph.node:
            if node.output[0] not in moved:
                nodes.append(node)
                continue
            last = self._gathered(self._turned_map(node), node.input[1], f"{node.output[0]}/at/", nodes)
            nodes.append(helper.make_node("Identity", [last], [node.output[0]]))
        self._keep(nodes)

    def _turned_map(self, node: onnx.NodeProto) -> str:
        """The map (1, C, H, W) that a GatherND reads channels last, if a 1x1 convolution made it for nobody else."""
        if node.op_type != "GatherND" or _attribute(node, "batch_dims", 0):
            return ""
        turn = self.makers.get(node.input[0])
        if turn is None or turn.op_type != "Transpose" or _attribute(turn, "perm", None) != CHANNELS_LAST:
            return ""
        alone = self.uses[turn.output[0]] == 1
        return turn.input[0] if alone and self._convolution(turn.input[0]) is not None else ""

    def _convolution(self, name: str) -> onnx.NodeProto | None:
        """The plain 1x1 convolution behind a map and behind cellwise operators after it, each read only once."""
        node = self.makers.get(name)
        if node is None or self.uses[name] != 1:
            return None
        if node.op_type in CELLWISE:
            return self._convolution(node.input[0])
        plain = (
            node.op_type == "Conv"
            and self._weight_sizes(node)[2:] == [1, 1]
            and _attribute(node, "group", 1) == 1
            and set(_attribute(node, "strides", [1])) == {1}
            and not any(_attribute(node, "pads", [0]))
        )
        return node if plain else None

    def _weight_sizes(self, node: onnx.NodeProto) -> list[int]:
        """Sizes of a convolution's weights, which may be stored in another width behind a Cast; [] if they vary."""
        name = node.input[1]
        cast = self.makers.get(name)
        if cast is not None and cast.op_type == "Cast":
            name = cast.input[0]
        return list(self.weights[name].dims) if name in self.weights else []

    def _gathered(self, name: str, cells: str, prefix: str, nodes: list[onnx.NodeProto]) -> str:
        """The name of (n, C): a map at the cells. Appends the nodes that make it."""
        node, out = self.makers.get(name), prefix + name
        if node is None or self._convolution(name) is None:
            nodes.append(helper.make_node("Transpose", [name], [f"{out}/turned"], perm=CHANNELS_LAST))
            nodes.append(helper.make_node("GatherND", [f"{out}/turned", cells], [out]))
        elif node.op_type in CELLWISE:
            before = self._gathered(node.input[0], cells, prefix, nodes)
            again = helper.make_node(node.op_type, [before, *node.input[1:]], [out])
            again.attribute.extend(node.attribute)
            nodes.append(again)
        else:
            before = self._gathered(node.input[0], cells, prefix, nodes)
            sizes = numpy_helper.from_array(np.array(self._weight_sizes(node)[:2], np.int64), f"{out}/sizes")
            self.model.graph.initializer.append(sizes)
            nodes.append(helper.make_node("Reshape", [node.input[1], sizes.name], [f"{out}/matrix"]))
            nodes.append(helper.make_node("Gemm", [before, f"{out}/matrix", *node.input[2:]], [out], transB=1))
        return out

    def _keep(self, nodes: list[onnx.NodeProto]) -> None:
        """The graph with those of the nodes, and of the weights, that something reads."""
        graph = self.model.graph
        wanted = {value.name for value in graph.output}
        kept = []
        for node in reversed(nodes):
            if wanted.intersection(node.output):
                kept.append(node)
                wanted.update(name for inner in _with_bodies(node) for name in inner.input)
        del graph.node[:]
        graph.node.extend(reversed(kept))
        weights = [tensor for tensor in graph.initializer if tensor.name in wanted]
        del graph.initializer[:]
        graph.initializer.extend(weights)


def _sizes(model: onnx.ModelProto) -> dict[str, list[int]]:
    """The sizes of every value as far as they can be inferred, 0 where one varies. Large weights are not copied."""
    bare = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    bare.graph.node.extend(model.graph.node)
    bare.graph.input.extend(model.graph.input)
    bare.graph.output.extend(model.graph.output)
    for tensor in model.graph.initializer:
        if np.prod(tensor.dims) <= FEW:
            bare.graph.initializer.append(tensor)
        else:
            bare.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    graph = onnx.shape_inference.infer_shapes(bare).graph
    sizes = {v.name: [dim.dim_value for dim in v.type.tensor_type.shape.dim] for v in (*graph.value_info, *graph.input)}
    return sizes | {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}


def _attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    return next((helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)


def _with_bodies(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """A node and those in the graphs that it holds, which may read values from outside."""
    inner = [a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]
    return [node, *(deeper for body in inner for deeper in _all_nodes(body))]


def _all_nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    return [deeper for node in graph.node for deeper in _with_bodies(node)]
