"""Writes a Graph as an ONNX model, checked with full shape inference."""

from __future__ import annotations

import onnx
from onnx import helper, numpy_helper

from bodydouble.convert.graph import OPSET, Graph, Value
from bodydouble.types import BodyDoubleError

PRODUCER = "bodydouble"
IR_VERSION = 8  # the ONNX file format of opset 17's time, which older runtimes still read


def to_model(graph: Graph, name: str) -> onnx.ModelProto:
    """The graph as ONNX: public names on inputs and outputs, constants as stored with a Cast where nodes see another
    dtype. Raises BodyDoubleError where ONNX's own checker finds fault.
    """
    nodes, initializers = [], []
    for constant, array in graph.constants.items():
        seen = graph.values[constant].dtype
        if array.dtype == seen:
            initializers.append(numpy_helper.from_array(array, constant))
        else:
            stored = f"{constant}_{array.dtype}"
            initializers.append(numpy_helper.from_array(array, stored))
            nodes.append(helper.make_node("Cast", [stored], [constant], to=_type(graph.values[constant])))
    for node in graph.nodes:
        nodes.append(helper.make_node(node.op, list(node.inputs), list(node.outputs), **node.attributes))
    outputs = [_named(nodes, public, graph.values[value]) for public, value in graph.outputs.items()]
    inputs = [_info(name, graph.values[name]) for name in graph.inputs]
    model = helper.make_model(
        helper.make_graph(nodes, name, inputs, outputs, initializers),
        producer_name=PRODUCER,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise BodyDoubleError(f"{name} does not make a valid ONNX model: {str(error).splitlines()[0]}") from error
    return model


def _type(value: Value) -> int:
    return int(helper.np_dtype_to_tensor_dtype(value.dtype))


def _info(name: str, value: Value) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, _type(value), value.shape)


def _named(nodes: list[onnx.NodeProto], public: str, value: Value) -> onnx.ValueInfoProto:
    """The output under its public name: the node that makes it, and those that read it, are renamed."""
    makers = [node for node in nodes if value.name in node.output]
    taken = any(public in (*node.input, *node.output) for node in nodes if public != value.name)
    if not makers or taken:
        nodes.append(helper.make_node("Identity", [value.name], [public]))
        return _info(public, value)
    for node in nodes:
        for names in (node.input, node.output):
            for position, name in enumerate(names):
                if name == value.name:
                    names[position] = public
    return _info(public, value)
