"""Fourier transforms, of sound mostly. Complex numbers are pairs along an axis more, as ONNX has them."""

from __future__ import annotations

import numpy as np

from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_operators.registry import handles


@handles("RFFT2D")
def _rfft_2d(call: Call) -> Result:
    """(..., rows, columns) to (..., rows, columns / 2 + 1): over the last axis of real numbers, then over the rows."""
    lengths, dims = call.numbers(1), call.dims()
    x, (rows, columns) = call.input(), lengths
    if dims[-2:] != (rows, columns):
        x = _fitted(call, x, lengths)
    before, half = call.builder.dims(x)[:-2], columns // 2 + 1
    # ONNX wants an axis for the batch before those that are transformed.
    lead = before if before or rows == 1 else (1,)
    axis = len(lead)
    value = call.add("Unsqueeze", [x, call.array([-1] if lead == before else [0, -1])], (*lead, rows, columns, 1))
    value = call.add("DFT", [value, call.array(columns)], (*lead, rows, half, 2), axis=axis + 1, onesided=1)
    if rows > 1:
        value = call.add("DFT", [value, call.array(rows)], (*lead, rows, half, 2), axis=axis)
    return value if lead == before else call.reshaped(value, (rows, half, 2))


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
