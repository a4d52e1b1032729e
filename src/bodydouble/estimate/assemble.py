"""Joins graphs to one: pieces in a row, pieces as the body of a Loop or a branch of an If.

Every piece gets a prefix of its own, so that names never meet; a Wiring collects nodes and the tensors they need, and
becomes a model or a subgraph. A subgraph reads the names around it as it stands inside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
import onnx.compose
from onnx import helper, numpy_helper

from bodydouble.types import BodyDoubleError

Shape = Sequence[int | str]


def value(name: str, shape: Shape, kind: int = onnx.TensorProto.FLOAT) -> onnx.ValueInfoProto:
    """A graph's input or output. kind: of onnx.TensorProto; shape: numbers, and names of sizes that are open."""
    return helper.make_tensor_value_info(name, kind, list(shape))


@dataclass(slots=True)
class Wiring:
    """Nodes in running order and the tensors they need."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[onnx.TensorProto] = field(default_factory=list)

    def tensor(self, name: str, array: np.ndarray) -> str:
        """A constant."""
        self.tensors.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: object) -> str:
        """A node; answers its first output."""
        self.nodes.append(helper.make_node(op, list(inputs), list(outputs), **attributes))
        return outputs[0]

    def piece(self, model: onnx.ModelProto, prefix: str, feeds: Mapping[str, str], gives: Mapping[str, str]) -> None:
        """A whole graph. feeds: its inputs -> names here. gives: its outputs -> names here; the others stay unused.

        Raises BodyDoubleError for names that the graph has not.
        """
        inputs, outputs = ({entry.name for entry in of} for of in (model.graph.input, model.graph.output))
        if set(feeds) != inputs or not set(gives) <= outputs:
            raise BodyDoubleError(
                f"{model.graph.name} takes {', '.join(sorted(inputs))} and gives {', '.join(sorted(outputs))}; "
                f"wanted {', '.join(sorted(feeds))} and {', '.join(sorted(gives))}"
            )
        inner = onnx.compose.add_prefix(model, prefix).graph
        for name, here in feeds.items():
            self.add("Identity", [here], [prefix + name])
        self.nodes.extend(inner.node)
        self.tensors.extend(inner.initializer)
        for name, here in gives.items():
            self.add("Identity", [prefix + name], [here])

    def graph(
        self, name: str, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
    ) -> onnx.GraphProto:
        """What was collected, as a graph of its own."""
        return helper.make_graph(self.nodes, name, list(inputs), list(outputs), self.tensors)


def model(graph: onnx.GraphProto, like: onnx.ModelProto, facts: Mapping[str, str], words: str = "") -> onnx.ModelProto:
    """A model in the opset of another one, with facts in its metadata, checked with full shape inference."""
    made = helper.make_model(
        graph, opset_imports=list(like.opset_import), ir_version=like.ir_version, producer_name="bodydouble"
    )
    made.doc_string = words
    helper.set_model_props(made, dict(facts))
    onnx.checker.check_model(made, full_check=True)
    return made
