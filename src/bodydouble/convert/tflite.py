"""Reads a TFLite file into plain records, without TensorFlow.

`read` turns the flatbuffer into tensors, operators and options, checked against each other, so that nothing later meets
a damaged file. tflite_graph.py says the operators in ONNX's.
One subgraph, static shapes. Schema: the `tflite` package, generated from TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tflite

from bodydouble.convert.graph import Shape, Tensor
from bodydouble.convert.sparsity import Dimension, Sparsity
from bodydouble.types import BodyDoubleError

IDENTIFIER = b"TFL3"  # bytes 4 to 8 of every TFLite file

# Types of tensors that numpy has too (schema.fbs, TensorType).
DTYPES: dict[int, np.dtype[Any]] = {
    getattr(tflite.TensorType, name): np.dtype(kind)
    for name, kind in {
        "FLOAT32": "float32",
        "FLOAT16": "float16",
        "FLOAT64": "float64",
        "INT8": "int8",
        "UINT8": "uint8",
        "INT16": "int16",
        "INT32": "int32",
        "INT64": "int64",
        "BOOL": "bool",
    }.items()
}

# What a damaged flatbuffer raises in the generated readers: offsets outside the buffer, absurd lengths, no text.
DAMAGE = (struct.error, LookupError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)


@dataclass(frozen=True, slots=True, eq=False)
class TensorRecord:
    """A tensor as the file has it. data: stored bytes' values, None if computed; flat where `sparsity` lays it out."""

    name: str
    shape: Shape
    dtype: np.dtype[Any]
    data: Tensor | None
    sparsity: Sparsity | None
    quantized: bool


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """One operator. inputs, outputs: tensor numbers, -1 for one left out. options: the schema's fields by name."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any]
    custom: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A file's one subgraph. inputs, outputs: tensor numbers."""

    name: str
    tensors: tuple[TensorRecord, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def pruned(self, outputs: Sequence[str] | None) -> Model:
        """Only the operators that the named outputs need, in the order asked for; None keeps all outputs.

        Any tensor's name will do. Raises BodyDoubleError for a name that the file has not, listing its outputs.
        """
        wanted = self.outputs
        if outputs is not None:
            numbers = {tensor.name: number for number, tensor in reversed(list(enumerate(self.tensors)))}
            given = {self.tensors[number].name for number in self.inputs}
            unknown = [name for name in outputs if name not in numbers or name in given]
            if unknown or not outputs:
                known = ", ".join(self.tensors[number].name for number in self.outputs)
                asked = ", ".join(f'"{name}"' for name in unknown) or "nothing"
                raise BodyDoubleError(f"{self.name} has no output {asked}; choose from {known}")
            wanted = tuple(numbers[name] for name in outputs)
        needed, kept = set(wanted), []
        for operator in reversed(self.operators):
            if needed.intersection(operator.outputs):
                kept.append(operator)
                needed.update(operator.inputs)
        return Model(self.name, self.tensors, tuple(reversed(kept)), self.inputs, wanted)

    def kinds(self) -> Counter[str]:
        """How many operators of each kind there are."""
        return Counter(operator.kind for operator in self.operators)


def _names(enumeration: type) -> dict[int, str]:
    """Number -> name of a schema enumeration; Python's own entries (3.13 has __firstlineno__) are none of it."""
    values = vars(enumeration).items()
    return {number: name for name, number in values if isinstance(number, int) and not name.startswith("_")}


_OPERATOR_NAMES = _names(tflite.BuiltinOperator)
_OPTION_NAMES = _names(tflite.BuiltinOptions)


def read(path: Path) -> Model:
    """The records of a TFLite file.

    Raises BodyDoubleError, in one line, for a file that cannot be read, is no TFLite, is damaged or has what this
    reader has not: several subgraphs, or shapes known only at run time.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BodyDoubleError(f"cannot read the model {path}: {error.strerror}") from error
    if not data:
        raise BodyDoubleError(f"{path} is empty; wanted a TFLite model: fetch it again")
    if data[4:8] != IDENTIFIER:
        raise BodyDoubleError(f"{path} is no TFLite model (no {IDENTIFIER.decode()} mark); wanted a .tflite file")
    try:
        return _model(path.name, data)
    except DAMAGE as error:
        raise BodyDoubleError(
            f"{path} is a damaged TFLite model ({len(data)} bytes, perhaps cut short): fetch it again"
        ) from error


def _model(name: str, data: bytes) -> Model:
    root = tflite.Model.GetRootAs(data, 0)
    if root.SubgraphsLength() != 1:
        raise BodyDoubleError(f"{name} has {root.SubgraphsLength()} subgraphs; only files with one can be converted")
    graph = root.Subgraphs(0)
    codes = [root.OperatorCodes(number) for number in range(root.OperatorCodesLength())]
    kinds = [_kind(code) for code in codes]
    tensors = tuple(_tensor(root, graph.Tensors(number)) for number in range(graph.TensorsLength()))
    operators = []
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        operators.append(
            Operator(
                kinds[operator.OpcodeIndex()],
                _numbers(operator, "Inputs"),
                _numbers(operator, "Outputs"),
                _options(operator),
                bytes(operator.CustomOptionsAsNumpy()) if operator.CustomOptionsLength() else b"",
            )
        )
    model = Model(name, tensors, tuple(operators), _numbers(graph, "Inputs"), _numbers(graph, "Outputs"))
    _check_order(model)
    return model


def _check_order(model: Model) -> None:
    """Every tensor that is read is an input, a constant or the output of an operator before."""
    there = {-1, *model.inputs, *(n for n, tensor in enumerate(model.tensors) if tensor.data is not None)}
    for operator in model.operators:
        if not operator.outputs or not there.issuperset(operator.inputs):
            raise ValueError(f"{operator.kind} reads a tensor that is not there")
        there.update(operator.outputs)
    if not model.outputs or not there.issuperset(model.outputs) or not there <= {*range(-1, len(model.tensors))}:
        raise ValueError("a tensor is not there")


def _kind(code: Any) -> str:
    """The operator's name; files before schema 3a keep its number in the older, smaller field."""
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if number == tflite.BuiltinOperator.CUSTOM:
        return str(code.CustomCode().decode())
    return _OPERATOR_NAMES.get(number, f"operator number {number}")


def _numbers(table: Any, field: str) -> tuple[int, ...]:
    """A vector of numbers of a flatbuffer table; an absent one is empty."""
    if not getattr(table, f"{field}Length")():
        return ()
    return tuple(int(n) for n in getattr(table, f"{field}AsNumpy")())


def _options(operator: Any) -> dict[str, Any]:
    """All fields of the operator's option table, vectors as tuples; {} when it has none (the defaults then hold)."""
    raw, kind = operator.BuiltinOptions(), _OPTION_NAMES[operator.BuiltinOptionsType()]
    if raw is None or kind == "NONE":
        return {}
    table = getattr(tflite, kind)()
    table.Init(raw.Bytes, raw.Pos)
    members = [name for name in vars(type(table)) if name[0].isupper() and "Root" not in name and name != "Init"]
    vectors = {name.removesuffix("AsNumpy") for name in members if name.endswith("AsNumpy")}
    options: dict[str, Any] = {name: _numbers(table, name) for name in vectors}
    for name in members:
        if not any(name.startswith(vector) for vector in vectors) and not name.endswith("BufferHasIdentifier"):
            options[name] = getattr(table, name)()
    return options


def _tensor(root: Any, tensor: Any) -> TensorRecord:
    name = tensor.Name().decode()
    shape = _numbers(tensor, "Shape")
    if any(size < 0 for size in (*shape, *_numbers(tensor, "ShapeSignature")[1:])):
        raise BodyDoubleError(f'tensor "{name}" has a size known only at run time, which cannot be converted')
    dtype = DTYPES.get(tensor.Type())
    if dtype is None:
        raise BodyDoubleError(f'tensor "{name}" is of TFLite type {tensor.Type()}, which cannot be converted')
    buffer = root.Buffers(tensor.Buffer())
    data = None
    sparsity = _sparsity(tensor.Sparsity(), shape)
    if buffer.DataLength():
        data = buffer.DataAsNumpy().view(dtype)
        data = data if sparsity else data.reshape(shape)
    quantization = tensor.Quantization()
    return TensorRecord(name, shape, dtype, data, sparsity, bool(quantization and quantization.ScaleLength()))


def _sparsity(table: Any, shape: Shape) -> Sparsity | None:
    if table is None:
        return None
    dimensions = []
    for number in range(table.DimMetadataLength()):
        dimension = table.DimMetadata(number)
        if dimension.Format() == tflite.DimensionType.DENSE:
            dimensions.append(Dimension(dimension.DenseSize()))
        else:
            segments = _indices(dimension.ArraySegments(), dimension.ArraySegmentsType())
            dimensions.append(Dimension(0, segments, _indices(dimension.ArrayIndices(), dimension.ArrayIndicesType())))
    return Sparsity(shape, _numbers(table, "TraversalOrder"), _numbers(table, "BlockMap"), tuple(dimensions))


def _indices(raw: Any, kind: int) -> Tensor:
    """An index vector, stored in the smallest integer type that holds it."""
    vectors = {number: getattr(tflite, name) for number, name in _names(tflite.SparseIndexVector).items() if number}
    vector = vectors[kind]()
    vector.Init(raw.Bytes, raw.Pos)
    return np.asarray(vector.ValuesAsNumpy()).astype(np.int64)
