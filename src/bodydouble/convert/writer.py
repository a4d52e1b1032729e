"""Writes a Graph as an ONNX model, checked with full shape inference.

Sizes known only at run time keep their names where an input has them; others are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper, version_converter

from bodydouble.convert import OPSET
from bodydouble.convert.graph import Graph, Node, Value, renamed, with_bodies
from bodydouble.types import BodyDoubleError

PRODUCER = "bodydouble"
IR_VERSION = 8  # the ONNX file format of opset 17's time, which older runtimes still read
# The file format that came with an opset (onnx/defs/schema.h); those between take the one before.
IR_VERSIONS = {19: 9, 21: 10, 23: 11}

SAME_SINCE = 13  # the oldest opset whose operators mean what OPSET's do
SMALL = 64  # elements of a constant that every body has for itself


def to_model(graph: Graph, name: str, opset: int = OPSET) -> onnx.ModelProto:
    """The graph as ONNX: public names on inputs and outputs, constants as stored with a Cast where nodes see another
    dtype. Raises BodyDoubleError where ONNX's own checker finds fault, or an operator is not in the opset.
    """
    graph = _apart(graph)
    nodes, initializers = [], []
    for constant, array in graph.constants.items():
        seen = graph.values[constant].dtype
        if array.dtype == seen:
            initializers.append(_initializer(array, constant))
        else:
            stored = f"{constant}_{array.dtype}"
            initializers.append(_initializer(array, stored))
            nodes.append(helper.make_node("Cast", [stored], [constant], constant, to=_type(graph.values[constant])))
    nodes += [_node(node, graph) for node in graph.nodes]
    symbols = {size for name in graph.inputs for size in graph.values[name].dims or () if isinstance(size, str)}
    outputs = _named(nodes, graph, symbols)
    _call_apart(nodes, Counter())
    inputs = [_info(name, graph.values[name], symbols) for name in graph.inputs]
    model = helper.make_model(
        helper.make_graph(nodes, name, inputs, outputs, initializers),
        producer_name=PRODUCER,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    try:
        onnx.checker.check_model(model, full_check=True)
        if opset != OPSET:
            model = in_opset(model, opset)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise BodyDoubleError(f"{name} does not make a valid ONNX model: {_line(error)}") from error
    return model


def in_opset(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The model in another version of ONNX's operators.

    Between 13 and 17 operators were given options and types, and nothing that both know means anything else, so that
    a model that is valid there is the same model. ONNX's own conversion knows few of them backwards.
    Raises BodyDoubleError for a version that there is not, or that has not what the model needs.
    """
    if SAME_SINCE <= opset < OPSET:
        older = onnx.ModelProto()
        older.CopyFrom(model)
        older.opset_import[0].version = opset
        try:
            onnx.checker.check_model(older, full_check=True)
            return older
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError):
            pass  # it needs what came later
    try:
        other = version_converter.convert_version(model, opset)
    except (RuntimeError, ValueError, IndexError) as error:
        why = _line(error).split("failed: ")[-1]  # without the place in ONNX's own source
        raise BodyDoubleError(
            f"{model.graph.name} cannot be said in opset {opset} ({why}); opset {OPSET} can"
        ) from error
    known = [version for wanted, version in sorted(IR_VERSIONS.items()) if wanted <= opset]
    other.ir_version = known[-1] if known else IR_VERSION
    onnx.checker.check_model(other, full_check=True)
    return other


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _initializer(array: np.ndarray[Any, Any], name: str) -> onnx.TensorProto:
    if array.dtype == object:
        return helper.make_tensor(name, onnx.TensorProto.STRING, array.shape, list(array.ravel()))
    return numpy_helper.from_array(array, name)


def _node(node: Node, graph: Graph) -> onnx.NodeProto:
    """graph: the outermost one, which has the values and constants."""
    attributes = {
        key: _body(value, graph, f"{node.outputs[0]} {key}") if isinstance(value, Graph) else value
        for key, value in node.attributes.items()
    }
    name = node.layer or node.outputs[0]
    return helper.make_node(node.op, list(node.inputs), list(node.outputs), name, **attributes)


def _call_apart(nodes: Iterable[onnx.NodeProto], taken: Counter[str]) -> None:
    """Number the nodes of one layer, so that no two have the same name."""
    for node in nodes:
        wish = node.name
        while node.name and taken[node.name]:
            taken[wish] += 1
            node.name = f"{wish}_{taken[wish]}"
        taken[node.name] += 1
        for body in _bodies(node):
            _call_apart(body.node, taken)


def _body(body: Graph, graph: Graph, name: str) -> onnx.GraphProto:
    """A graph inside a node. What goes out of it has to be made in it, once."""
    nodes = [_node(node, graph) for node in body.nodes]
    inside = {output for node in body.nodes for output in node.outputs}
    infos: list[onnx.ValueInfoProto] = []
    for public, value in body.outputs.items():
        if value not in inside or value in {info.name for info in infos}:
            nodes.append(helper.make_node("Identity", [value], [public], public))
            infos.append(_info(public, graph.values[value], ()))
        else:
            infos.append(_info(value, graph.values[value], ()))
    own = _own_constants(nodes, graph, name)
    return helper.make_graph(nodes, name, [_info(given, graph.values[given], ()) for given in body.inputs], infos, own)


def _own_constants(nodes: list[onnx.NodeProto], graph: Graph, body: str) -> list[onnx.TensorProto]:
    """Small constants once more inside a body: ONNX's inference does not see the sizes and axes around it."""
    own: dict[str, onnx.TensorProto] = {}
    for node in nodes:
        for position, name in enumerate(node.input):
            array = graph.constants.get(name)
            if array is not None and array.size <= SMALL:
                inner = f"{name} in {body}"
                node.input[position] = inner
                own[inner] = _initializer(array.astype(graph.values[name].dtype), inner)
    return list(own.values())


def _type(value: Value) -> int:
    if value.dtype == object:
        return int(onnx.TensorProto.STRING)
    return int(helper.np_dtype_to_tensor_dtype(value.dtype))


def _info(name: str, value: Value, symbols: Collection[str]) -> onnx.ValueInfoProto:
    """symbols: names of sizes to keep; any other size known only at run time is left open."""
    dims = None
    if value.dims is not None:
        dims = [size if isinstance(size, int) or size in symbols else None for size in value.dims]
    kind = helper.make_tensor_type_proto(_type(value), dims)
    if value.sequence:
        kind = helper.make_sequence_type_proto(kind)
    return helper.make_value_info(name, kind)


def _apart(graph: Graph) -> Graph:
    """The graph with other names for the values that have an output's public name without being it."""
    clashes = {public for public, value in graph.outputs.items() if public != value} & set(graph.values)
    if not clashes & (set(graph.values) - set(graph.inputs)):
        return graph
    names = {name: f"{name} inside" for name in clashes - set(graph.inputs)}

    def name_of(name: str) -> str:
        return names.get(name, name)

    return Graph(
        graph.inputs,
        {public: name_of(value) for public, value in graph.outputs.items()},
        tuple(_made_as(renamed(node, name_of), name_of) for node in graph.nodes),
        {name_of(name): replace(value, name=name_of(name)) for name, value in graph.values.items()},
        {name_of(name): array for name, array in graph.constants.items()},
    )


def _made_as(node: Node, name_of: Callable[[str], str]) -> Node:
    """The node making values of other names, inside its bodies too."""
    bodies = {
        key: replace(
            body,
            inputs=tuple(map(name_of, body.inputs)),
            nodes=tuple(_made_as(inner, name_of) for inner in body.nodes),
        )
        for key, body in node.bodies.items()
    }
    return with_bodies(replace(node, outputs=tuple(map(name_of, node.outputs))), bodies)


def _named(nodes: list[onnx.NodeProto], graph: Graph, symbols: Collection[str]) -> list[onnx.ValueInfoProto]:
    """The outputs under their public names: nodes that make them, and those that read them, are renamed."""
    made = {output for node in nodes for output in node.output} - set(graph.constants)
    called: dict[str, str] = {}
    infos = []
    for public, value in graph.outputs.items():
        if value in made and value not in called:
            called[value] = public
            for node in nodes:
                _rename(node, value, public)
        else:
            nodes.append(helper.make_node("Identity", [called.get(value, value)], [public], public))
        infos.append(_info(public, graph.values[value], symbols))
    return infos


def _bodies(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    return [attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH]


def _rename(node: onnx.NodeProto, name: str, public: str) -> None:
    for names in (node.input, node.output):
        for position, found in enumerate(names):
            if found == name:
                names[position] = public
    for body in _bodies(node):
        for inner in body.node:
            _rename(inner, name, public)
