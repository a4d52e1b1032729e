"""Sums, extremes, means and counts over axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Dim
from bodydouble.convert.tfjs.arithmetic import numeric
from bodydouble.convert.tfjs.calls import Call, handles
from bodydouble.types import BodyDoubleError


def reduced(g: Emitter, op: str, x: str, axes: list[int], keep: bool) -> str:
    """An ONNX reduction; over no axes it is the tensor itself."""
    if not axes:
        return x
    if op == "ReduceSum":  # takes its axes as an input, in this opset alone of all reductions
        return g.emit(op, x, g.ints(*axes), keepdims=int(keep))
    return g.emit(op, x, axes=axes, keepdims=int(keep))


def _over(call: Call) -> tuple[list[int], bool]:
    rank = call.g.rank(call.x(0))
    axes = sorted({call.axis(axis, rank) for axis in call.numbers(1)}) if call.has(1) else list(range(rank))
    return axes, bool(call.attr("keep_dims", call.attr("keepDims", False)))


_KINDS = {"Sum": "ReduceSum", "Max": "ReduceMax", "Min": "ReduceMin", "Prod": "ReduceProd"}


@handles(*_KINDS)
def _reduce(call: Call) -> str:
    (x,) = numeric(call.g, call.x(0))
    return reduced(call.g, _KINDS[call.record.op], x, *_over(call))


@handles("Mean")
def _mean(call: Call) -> str:
    return reduced(call.g, "ReduceMean", call.as_float(0), *_over(call))


@handles("EuclideanNorm")
def _euclidean_norm(call: Call) -> str:
    x = call.as_float(0)
    return call.g.emit("Sqrt", reduced(call.g, "ReduceSum", call.g.emit("Mul", x, x), *_over(call)))


@handles("All", "Any")
def _all_any(call: Call) -> str:
    op = "ReduceMin" if call.record.op == "All" else "ReduceMax"
    numbers = call.g.cast(call.as_type(0, np.bool_), np.int32)
    return call.g.cast(reduced(call.g, op, numbers, *_over(call)), np.bool_)


@handles("ArgMax", "ArgMin")
def _arg(call: Call) -> str:
    g = call.g
    (x,) = numeric(g, call.x(0))
    axis = call.axis(int(call.number(1)), g.rank(x)) if call.has(1) else 0
    return g.cast(g.emit(call.record.op, x, axis=axis, keepdims=0), np.int32)


@handles("Cumsum")
def _cumsum(call: Call) -> str:
    flags: dict[str, Any] = {name: int(bool(call.attr(name, False))) for name in ("exclusive", "reverse")}
    return call.g.emit("CumSum", call.x(0), call.g.scalar(_along(call), np.int64), dims=call.dims(), **flags)


def _along(call: Call) -> int:
    return call.axis(int(call.number(1)), call.g.rank(call.x(0)))


@handles("Cumprod")
def _cumprod(call: Call) -> str:
    """By doubling: after step s, every element is the product of the 2^s before it, itself included."""
    g, x = call.g, call.x(0)
    axis = _along(call)
    size = g.dims(x)[axis]
    if not isinstance(size, int):
        raise BodyDoubleError("Cumprod along an axis known only at run time")
    backward = bool(call.attr("reverse", False))
    if call.attr("exclusive", False):
        x = _shifted(g, x, axis, 1, backward)
    step = 1
    while step < size:
        x = g.emit("Mul", x, _shifted(g, x, axis, step, backward))
        step *= 2
    return x


def _shifted(g: Emitter, x: str, axis: int, step: int, backward: bool) -> str:
    """Moved along an axis by some elements, ones coming in."""
    rank = g.rank(x)
    pads = np.zeros((2, rank), np.int64)
    pads[int(backward), axis] = step
    pads[1 - int(backward), axis] = -step  # ONNX's negative pads cut off
    dims: list[Dim] = list(g.dims(x))
    return g.emit("Pad", x, g.ints(*pads.ravel()), g.scalar(1, g.dtype(x)), dims=dims, mode="constant")


@handles("Bincount", "DenseBincount")
def _bincount(call: Call) -> str:
    """How often 0, 1, ... size - 1 are there (or the sum of their weights); of a matrix, row by row."""
    g, count = call.g, int(call.number(1))
    x = g.cast(call.x(0), np.int32)
    ramp = g.constant(np.arange(count, dtype=np.int32), name="ramp")
    hit = g.emit("Equal", g.emit("Unsqueeze", x, g.ints(-1)), ramp)
    axis = [g.rank(x) - 1]
    weighted = call.has(2) and 0 not in call.dims(2)
    kind = call.dtype(2) if weighted else np.dtype(np.float32)
    hits = g.cast(hit, kind)
    if call.attr("binary_output", False):
        return reduced(g, "ReduceMax", hits, axis, False)
    if weighted:
        hits = g.emit("Mul", hits, g.emit("Unsqueeze", call.x(2), g.ints(-1)))
    return reduced(g, "ReduceSum", hits, axis, False)
