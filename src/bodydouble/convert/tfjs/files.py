"""Reads a TensorFlow.js graph model (model.json and its shards) into records.

Types are those that TensorFlow.js has: float32, int32, bool, string; the file's other widths are one of these (an int64
or uint8 input is int32). Source: tfjs-converter, operation_mapper.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bodydouble.convert.model_json import read_json
from bodydouble.convert.tfjs.records import Function, Network, Record, node_of, tensor_of
from bodydouble.convert.tfjs.weights import Weight, read_weights
from bodydouble.types import BodyDoubleError

_FLOAT, _INT, _BOOL, _TEXT = np.dtype(np.float32), np.dtype(np.int32), np.dtype(np.bool_), np.dtype(object)
# TensorFlow's types (types.proto) by name and number, as TensorFlow.js sees them.
DTYPES: dict[Any, np.dtype[Any]] = {
    **dict.fromkeys(("DT_FLOAT", 1, "DT_DOUBLE", 2, "DT_HALF", 19, "DT_BFLOAT16", 14), _FLOAT),
    **dict.fromkeys(("DT_INT32", 3, "DT_UINT8", 4, "DT_INT16", 5, "DT_INT8", 6, "DT_INT64", 9), _INT),
    **dict.fromkeys(("DT_UINT16", 17, "DT_UINT32", 22, "DT_UINT64", 23), _INT),
    **dict.fromkeys(("DT_BOOL", 10), _BOOL),
    **dict.fromkeys(("DT_STRING", 7), _TEXT),
    **dict.fromkeys(("DT_COMPLEX64", 8, "DT_COMPLEX128", 18), np.dtype(np.complex64)),
}
# What a file that is not as it should be raises where it is read.
DAMAGE = (LookupError, ValueError, TypeError, AttributeError, OverflowError, MemoryError, RecursionError)
PLACEHOLDER = "Placeholder"
# Nodes that nobody reads and that are no results either.
_NO_RESULTS = {"NoOp", "Assert", "Const", PLACEHOLDER, "LookupTableImport", "LookupTableImportV2"}


def read(path: Path) -> Network:
    """The records of a graph model.

    Raises BodyDoubleError, in one line, for a file that cannot be read or is damaged, and for weights that are missing.
    """
    content = read_json(path)
    try:
        weights = read_weights(path, content.get("weightsManifest") or [])
        return _network(path.stem, content, weights)
    except DAMAGE as error:
        what = f"{type(error).__name__}: {error}".replace("\n", " ")
        raise BodyDoubleError(f"{path} is no sound graph model ({what}): fetch it again") from error


def _network(name: str, content: Mapping[str, Any], weights: Mapping[str, Weight]) -> Network:
    topology = content["modelTopology"]
    records = [_record(node, weights) for node in topology["node"]]
    there = {record.name for record in records}
    for node in (content.get("modelInitializer") or {}).get("node", ()):  # what fills the hash tables
        if node["name"] not in there:
            records.append(_record(node, weights))
    signature = content.get("signature") or (content.get("userDefinedMetadata") or {}).get("signature") or {}
    library = (topology.get("library") or {}).get("function") or ()
    functions = {entry["signature"]["name"]: _function(entry, weights) for entry in library}
    network = Network(name, tuple(records), _inputs(signature, records), _outputs(signature, records), functions)
    _check(network)
    return network


def _check(network: Network) -> None:
    """Every tensor that is read is there. Raises LookupError where one is not."""
    there = {record.name for record in network.records}
    named = [node_of(tensor) for record in network.records for tensor in record.inputs]
    missing = sorted({*named, *network.inputs.values(), *map(node_of, network.outputs.values())} - there)
    if missing:
        raise LookupError(f"node {missing[0]} is not there")
    for name, function in network.functions.items():
        inside = {node_of(tensor) for tensor in function.arguments} | {record.name for record in function.records}
        read_there = {node_of(tensor) for record in function.records for tensor in record.inputs}
        lost = sorted((read_there | set(map(node_of, function.results))) - inside)
        if lost:
            raise LookupError(f"node {lost[0]} of function {name} is not there")


def _public(key: str, taken: Mapping[str, str]) -> str:
    """A signature's name, without TensorFlow's number of the tensor."""
    short = key.removesuffix(":0")
    return key if short in taken else short


def _inputs(signature: Mapping[str, Any], records: Sequence[Record]) -> dict[str, str]:
    placeholders = [record.name for record in records if record.op == PLACEHOLDER]
    inputs: dict[str, str] = {}
    for key, entry in (signature.get("inputs") or {}).items():
        node = node_of(entry["name"])
        if node in placeholders:
            inputs[_public(key, inputs)] = node
    # Signatures may leave inputs out: those have their node's name.
    return inputs | {name: name for name in placeholders if name not in inputs.values()}


def _outputs(signature: Mapping[str, Any], records: Sequence[Record]) -> dict[str, str]:
    outputs: dict[str, str] = {}
    for key, entry in (signature.get("outputs") or {}).items():
        outputs[_public(key, outputs)] = tensor_of(entry["name"])
    if outputs:
        return outputs
    read_by = {node_of(tensor) for record in records for tensor in record.inputs}
    sinks = [record.name for record in records if record.name not in read_by and record.op not in _NO_RESULTS]
    return {name: f"{name}:0" for name in sinks}


def _function(entry: Mapping[str, Any], weights: Mapping[str, Weight]) -> Function:
    arguments = tuple(f"{arg['name']}:0" for arg in entry["signature"].get("inputArg", ()))
    returned = entry.get("ret") or {}
    results = tuple(tensor_of(returned[arg["name"]]) for arg in entry["signature"].get("outputArg", ()))
    return Function(arguments, results, tuple(_record(node, weights) for node in entry.get("nodeDef", ())))


def _record(node: Mapping[str, Any], weights: Mapping[str, Weight]) -> Record:
    name, op = str(node["name"]), str(node["op"])
    inputs = [str(reference) for reference in node.get("input") or ()]
    attributes = {key: _attribute(value) for key, value in (node.get("attr") or {}).items() if key != "value"}
    value = dtype = None
    if op == "Const":
        weight = weights.get(name) or _inline(node)
        value, dtype = weight.stored, weight.dtype
    return Record(
        name,
        op,
        tuple(tensor_of(reference) for reference in inputs if not reference.startswith("^")),
        {key: value for key, value in attributes.items() if value is not None},
        tuple(reference[1:] for reference in inputs if reference.startswith("^")),
        value,
        dtype,
    )


def _inline(node: Mapping[str, Any]) -> Weight:
    """A constant that the file holds in itself, as TensorFlow's TensorProto, not in a shard."""
    tensor = ((node.get("attr") or {}).get("value") or {}).get("tensor") or {}
    dtype = DTYPES.get(tensor.get("dtype"))
    shape = _shape(tensor.get("tensorShape") or {})
    fields = {
        "floatVal": np.float32,
        "intVal": np.int32,
        "boolVal": np.bool_,
        "int64Val": np.int64,
        "halfVal": np.int32,
    }
    for field, kind in fields.items():
        if dtype is not None and shape is not None and tensor.get(field):
            numbers = np.array([_number(n) for n in tensor[field]]).astype(kind).astype(dtype)
            return Weight(np.resize(numbers, shape), dtype)  # the last number stands for the rest
    raise LookupError(f"constant {node['name']} has no weights")


def _attribute(value: Any) -> Any:
    """An attribute's one field as a plain value; None where it has none."""
    if "list" in value:
        for kind, decode in _DECODERS.items():
            if value["list"].get(kind):
                return tuple(decode(item) for item in value["list"][kind])
        return ()
    return next((decode(value[kind]) for kind, decode in _DECODERS.items() if kind in value), None)


def _number(value: Any) -> float:
    return float(value)  # JSON writes 64-bit integers and infinities as text


def _text(value: Any) -> str:
    data = bytes(value) if isinstance(value, list) else base64.b64decode(value)
    return data.decode("utf-8", "replace")


def _shape(value: Mapping[str, Any]) -> tuple[int, ...] | None:
    if value.get("unknownRank"):
        return None
    return tuple(int(dim.get("size", 0)) for dim in value.get("dim") or ())


def _type(value: Any) -> np.dtype[Any] | None:
    return DTYPES.get(value)


_DECODERS: Mapping[str, Any] = {
    "i": int,
    "f": _number,
    "b": bool,
    "s": _text,
    "type": _type,
    "shape": _shape,
    "func": lambda value: str(value["name"]),
}
