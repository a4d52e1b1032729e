"""The weights of a TensorFlow.js model: manifest and shards beside model.json, for graph models and layers models.

A group's shards are one stretch of bytes, weight after weight. Quantised weights: float16 stay float16; uint8 and
uint16 are value * scale + min, for integers rounded. Source: tfjs-core, io_utils (decodeWeights).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bodydouble.convert.graph import Tensor
from bodydouble.types import BodyDoubleError

# Types of weights; complex64 is none of ONNX's.
DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "int32": np.dtype("<i4"),
    "bool": np.dtype("bool"),
    "string": np.dtype(object),
}
QUANTIZED: dict[str, np.dtype[Any]] = {"float16": np.dtype("<f2"), "uint8": np.dtype("u1"), "uint16": np.dtype("<u2")}
LENGTH = np.dtype("<u4")  # before each string: how many bytes


@dataclass(frozen=True, slots=True, eq=False)
class Weight:
    """stored: the array as the file has it (float16 for float32) or, for integers with a scale, as it is meant."""

    stored: Tensor
    dtype: np.dtype[Any]


def read_weights(path: Path, manifest: Sequence[Mapping[str, Any]]) -> dict[str, Weight]:
    """All weights by name. path: the model.json, beside which the shards are.

    Raises BodyDoubleError for a shard that is missing, too short or too long, and for a type that is not known.
    """
    weights: dict[str, Weight] = {}
    for group in manifest:
        data = b"".join(_shard(path, str(part)) for part in group["paths"])
        offset = 0
        for entry in group["weights"]:
            weight, offset = _weight(entry, data, offset, path, group["paths"])
            weights[str(entry["name"])] = weight
        if offset != len(data):
            raise _wrong_size(path, group["paths"], len(data), offset)
    return weights


def _shard(path: Path, part: str) -> bytes:
    place = path.parent / part
    try:
        return place.read_bytes()
    except OSError as error:
        raise BodyDoubleError(
            f"{path.name} has its weights in {place}, which cannot be read ({error.strerror}): put it beside the model"
        ) from error


def _wrong_size(path: Path, parts: Sequence[Any], found: int, wanted: int | None) -> BodyDoubleError:
    which = f"{parts[0]} and {len(parts) - 1} more" if len(parts) > 1 else "".join(map(str, parts[:1]))
    wants = "more" if wanted is None else f"{wanted}"
    return BodyDoubleError(
        f"the weights of {path} ({which}) are {found} bytes where the model wants {wants}: fetch them again"
    )


def _weight(entry: Mapping[str, Any], data: bytes, offset: int, path: Path, parts: Sequence[Any]) -> tuple[Weight, int]:
    """The weight at an offset of its group, and where the next one begins."""
    name, shape = str(entry["name"]), tuple(int(n) for n in entry["shape"])
    dtype = DTYPES.get(entry["dtype"])
    quantization = entry.get("quantization")
    stored = dtype if quantization is None else QUANTIZED.get(quantization.get("dtype"))
    if dtype is None or stored is None or any(n < 0 for n in shape):
        how = f" stored as {quantization.get('dtype')}" if quantization else ""
        raise BodyDoubleError(f'{path}: weight "{name}" of {entry["dtype"]}{how} and shape {shape} cannot be read')
    count = math.prod(shape)
    if dtype.hasobject:
        return _strings(data, offset, shape, path, parts)
    end = offset + count * stored.itemsize
    if end > len(data):
        raise _wrong_size(path, parts, len(data), None)
    array = np.frombuffer(data, stored, count, offset).reshape(shape)
    if quantization is not None and stored.kind == "u":
        array = _scaled(array, quantization, dtype, name, path)
    return Weight(array.astype(array.dtype.newbyteorder("=")), dtype), end


def _scaled(array: Tensor, quantization: Mapping[str, Any], dtype: np.dtype[Any], name: str, path: Path) -> Tensor:
    """Stored numbers as meant: in double precision, as JavaScript counts, then rounded to the weight's type."""
    scale, least = quantization.get("scale"), quantization.get("min")
    if not isinstance(scale, int | float) or not isinstance(least, int | float):
        raise BodyDoubleError(f'{path}: weight "{name}" is stored as {array.dtype} without its scale and min')
    real = array.astype(np.float64) * scale + least
    return (np.floor(real + 0.5) if dtype.kind == "i" else real).astype(dtype)


def _strings(data: bytes, offset: int, shape: tuple[int, ...], path: Path, parts: Sequence[Any]) -> tuple[Weight, int]:
    found = []
    for _ in range(math.prod(shape)):
        start = offset + LENGTH.itemsize
        end = start + int(np.frombuffer(data, LENGTH, 1, offset)[0]) if start <= len(data) else len(data) + 1
        if end > len(data):
            raise _wrong_size(path, parts, len(data), None)
        found.append(data[start:end])
        offset = end
    array = np.empty(len(found), object)
    array[:] = found
    return Weight(array.reshape(shape), np.dtype(object)), offset
