"""Reads the tables of a TFLite flatbuffer: options, stored arrays, scales, sparse layouts.

Schema: the `tflite` package, generated from TensorFlow Lite's schema.fbs. A damaged file raises one of `DAMAGE` here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from bodydouble.convert.graph import Shape, Tensor
from bodydouble.convert.sparsity import Dimension, Sparsity
from bodydouble.types import BodyDoubleError

# What a damaged flatbuffer raises in the generated readers: offsets outside the buffer, absurd lengths, no text.
DAMAGE = (struct.error, LookupError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)

# Types of tensors (schema.fbs, TensorType) and what their values are read as. Numbers smaller than a byte are unpacked,
# bfloat16 is widened, which loses nothing; what a variable's handle is stored as does not matter.
DTYPES: dict[int, np.dtype[Any]] = {
    number: np.dtype(kind)
    for number, kind in {
        tflite.TensorType.FLOAT32: "float32",
        tflite.TensorType.FLOAT16: "float16",
        tflite.TensorType.FLOAT64: "float64",
        tflite.TensorType.BFLOAT16: "float32",
        tflite.TensorType.INT8: "int8",
        tflite.TensorType.UINT8: "uint8",
        tflite.TensorType.INT16: "int16",
        tflite.TensorType.UINT16: "uint16",
        tflite.TensorType.INT32: "int32",
        tflite.TensorType.UINT32: "uint32",
        tflite.TensorType.INT64: "int64",
        tflite.TensorType.UINT64: "uint64",
        tflite.TensorType.BOOL: "bool",
        tflite.TensorType.INT4: "int8",
        19: "int8",  # INT2, which is younger than the package
        20: "uint8",  # UINT4
        tflite.TensorType.COMPLEX64: "complex64",
        tflite.TensorType.RESOURCE: "int32",
    }.items()
}
_BITS = {tflite.TensorType.INT4: 4, 19: 2, 20: 4}
_UNSIGNED = {20}


@dataclass(frozen=True, slots=True, eq=False)
class Quantization:
    """real = scale * (stored - zero), for each index along `axis`, or one for all. scales, zeros: (n,)."""

    scales: Tensor
    zeros: Tensor
    axis: int

    @property
    def whole(self) -> bool:
        """Whether one scale holds for the whole tensor."""
        return bool(self.scales.size == 1)


def names(enumeration: type) -> dict[int, str]:
    """Number -> name of a schema enumeration; Python's own entries (3.13 has __firstlineno__) are none of it."""
    values = vars(enumeration).items()
    return {number: name for name, number in values if isinstance(number, int) and not name.startswith("_")}


_OPERATOR_NAMES = names(tflite.BuiltinOperator)
_OPTION_NAMES = names(tflite.BuiltinOptions)
_OPTION_2_NAMES = names(tflite.BuiltinOptions2)


def kind(code: Any) -> str:
    """The operator's name; files before schema 3a keep its number in the older, smaller field."""
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if number == tflite.BuiltinOperator.CUSTOM:
        return str(code.CustomCode().decode())
    return _OPERATOR_NAMES.get(number, f"operator number {number}")


def numbers(table: Any, field: str) -> tuple[int, ...]:
    """A vector of numbers of a flatbuffer table; an absent one is empty."""
    if not getattr(table, f"{field}Length")():
        return ()
    return tuple(int(n) for n in getattr(table, f"{field}AsNumpy")())


def options(operator: Any) -> dict[str, Any]:
    """All fields of the operator's option table, vectors as tuples; {} when it has none (the defaults then hold)."""
    for raw, known in (
        (operator.BuiltinOptions(), _OPTION_NAMES.get(operator.BuiltinOptionsType(), "NONE")),
        (operator.BuiltinOptions2(), _OPTION_2_NAMES.get(operator.BuiltinOptions2Type(), "NONE")),
    ):
        if raw is not None and known != "NONE":
            table = getattr(tflite, known)()
            table.Init(raw.Bytes, raw.Pos)
            return _fields(table)
    return {}


def _fields(table: Any) -> dict[str, Any]:
    members = [name for name in vars(type(table)) if name[0].isupper() and "Root" not in name and name != "Init"]
    vectors = {name.removesuffix("AsNumpy") for name in members if name.endswith("AsNumpy")}
    found: dict[str, Any] = {name: _vector(table, name) for name in vectors}
    for name in members:
        plain = not any(name in (vector, *(vector + end for end in _VECTOR_ENDS)) for vector in vectors)
        if plain and not name.endswith(("BufferHasIdentifier", *_VECTOR_ENDS)):
            found[name] = getattr(table, name)()
    return found


def _vector(table: Any, field: str) -> tuple[int, ...] | tuple[float, ...]:
    """A vector of an option table, of whole numbers or not."""
    if not getattr(table, f"{field}Length")():
        return ()
    return tuple(getattr(table, f"{field}AsNumpy")().tolist())


_VECTOR_ENDS = ("AsNumpy", "Length", "IsNone")


def stored(root: Any, file: bytes, tensor: Any, shape: Shape, sparse: bool) -> Tensor | None:
    """The values of a tensor's buffer, None where it has none; flat where they are laid out sparsely."""
    number = tensor.Type()
    buffer = root.Buffers(tensor.Buffer())
    if buffer.Offset() > 1:  # a large file keeps its weights after the flatbuffer
        data = np.frombuffer(file, np.uint8, buffer.Size(), buffer.Offset())
    elif buffer.DataLength():
        data = np.asarray(buffer.DataAsNumpy())
    else:
        return None
    dtype = DTYPES.get(number)
    if dtype is None:
        raise BodyDoubleError(
            f'tensor "{text(tensor.Name())}" is of TFLite type {_type_name(number)}, which cannot be converted'
        )
    values: Tensor
    if number in _BITS:
        count = data.size * (8 // _BITS[number]) if sparse else int(np.prod(shape))
        values = _unpacked(data, _BITS[number], count, signed=number not in _UNSIGNED)
    elif number == tflite.TensorType.BFLOAT16:
        values = (data.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    else:
        values = data.view(dtype)
    return values if sparse else values.reshape(shape)


def _type_name(number: int) -> str:
    return names(tflite.TensorType).get(number, str(number))


def _unpacked(data: Tensor, bits: int, count: int, *, signed: bool) -> Tensor:
    """Numbers of a few bits each, the first in the lowest bits of a byte, as int8 or uint8."""
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    fields = (data[:, None] >> shifts) & np.uint8((1 << bits) - 1)
    flat = fields.reshape(-1)[:count]
    if not signed:
        return flat
    high = np.uint8(8 - bits)
    return (flat << high).view(np.int8) >> np.int8(8 - bits)


def text(raw: bytes | None) -> str:
    """A name; "" where the file has none."""
    return raw.decode() if raw is not None else ""


def quantization(tensor: Any) -> Quantization | None:
    """The tensor's scales, None where it has none (the field may be there with nothing but a range in it)."""
    table = tensor.Quantization()
    if table is None or not table.ScaleLength():
        return None
    scales = np.asarray(table.ScaleAsNumpy(), np.float32).copy()
    zeros = np.array(numbers(table, "ZeroPoint") or [0] * scales.size, np.int64)
    zeros = np.broadcast_to(zeros, scales.shape).copy()
    if not np.isfinite(scales).all():
        raise ValueError("scales that are no numbers")
    return Quantization(scales, zeros, int(table.QuantizedDimension()))


def sparsity(table: Any, shape: Shape) -> Sparsity | None:
    """How a sparse tensor is laid out, None for a dense one."""
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
    return Sparsity(shape, numbers(table, "TraversalOrder"), numbers(table, "BlockMap"), tuple(dimensions))


def _indices(raw: Any, number: int) -> Tensor:
    """An index vector, stored in the smallest integer type that holds it."""
    vectors = {n: getattr(tflite, name) for n, name in names(tflite.SparseIndexVector).items() if n}
    vector = vectors[number]()
    vector.Init(raw.Bytes, raw.Pos)
    return np.asarray(vector.ValuesAsNumpy()).astype(np.int64)
