"""Fourier transforms, of sound mostly. Complex numbers are pairs along an axis more, as ONNX has them."""

from __future__ import annotations

import numpy as np

from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_operators.registry import handles
from bodydouble.types import BodyDoubleError


@handles("RFFT2D")
def _rfft_2d(call: Call) -> Result:
    """(..., rows, columns) to (..., rows, columns / 2 + 1): over the last axis of real numbers, then over the rows."""
    lengths, dims = call.numbers(1), call.dims()
    x, (rows, columns) = call.input(), lengths
    if dims[-2:] != (rows, columns):
        x = _fitted(call, x, lengths)
    before = call.builder.dims(x)[:-2]
    real = call.add("Unsqueeze", [x, call.array([-1])], (*before, rows, columns, 1))
    # ONNX wants an axis for the batch before the one that is transformed.
    count = 1
    for size in before:
        if isinstance(size, str):
            raise BodyDoubleError("RFFT2D of a size known only at run time")
        count *= size
    flat = call.reshaped(real, (count * rows, columns, 1))
    half = columns // 2 + 1
    value = call.add("DFT", [flat, call.array(columns)], (count * rows, half, 2), axis=1, onesided=1)
    if rows > 1:
        value = call.reshaped(value, (count, rows, half, 2))
        value = call.add("DFT", [value, call.array(rows)], (count, rows, half, 2), axis=1)
    return call.reshaped(value, (*before, rows, half, 2))


def _fitted(call: Call, x: str, lengths: list[int]) -> str:
    """Cut or filled up with zeros to the transform's lengths."""
    shape = call.builder.shape(x)
    rows, columns = (min(n, length) for n, length in zip(shape[-2:], lengths, strict=True))
    ends = [call.array([0, 0]), call.array([rows, columns]), call.array([len(shape) - 2, len(shape) - 1])]
    cut = call.add("Slice", [x, *ends], (*shape[:-2], rows, columns))
    pads = np.zeros((2, len(shape)), np.int64)
    pads[1, -2:] = lengths[0] - rows, lengths[1] - columns
    fill = [call.array(pads.ravel(), name="pads"), call.like(0, x)]
    return call.add("Pad", [cut, *fill], (*shape[:-2], *lengths), mode="constant")


@handles("REAL", "IMAG")
def _part(call: Call) -> Result:
    return call.add(
        "Gather", [call.input(), call.array(int(call.kind == "IMAG"))], call.dims()[:-1], axis=call.rank() - 1
    )


@handles("COMPLEX_ABS")
def _length(call: Call) -> Result:
    return call.add("ReduceL2", [call.input()], call.dims()[:-1], axes=[-1], keepdims=0)
