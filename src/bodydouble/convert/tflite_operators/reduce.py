"""Operators that sum up along axes: means, sums, extremes, arguments, softmax, norms, running sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from bodydouble.convert.graph import Dims
from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_operators.elementwise import pair
from bodydouble.convert.tflite_operators.registry import handles
from bodydouble.types import BodyDoubleError

_REDUCED = {
    "MEAN": "ReduceMean",
    "SUM": "ReduceSum",
    "REDUCE_PROD": "ReduceProd",
    "REDUCE_MAX": "ReduceMax",
    "REDUCE_MIN": "ReduceMin",
    "REDUCE_ANY": "ReduceMax",
    "REDUCE_ALL": "ReduceMin",
}


def reduced(call: Call, op: str, x: str, axes: list[int], *, keep: bool) -> str:
    """One of ONNX's reductions; axes it left are of size 1 or, without keep, gone."""
    dims = call.builder.dims(x)
    over = sorted({call.axis(axis, len(dims)) for axis in axes})
    if not over:
        return x
    kept: Dims = tuple(1 if axis in over else n for axis, n in enumerate(dims))
    if op == "ReduceSum":
        value = call.add(op, [x, call.array(over, name="axes")], kept, keepdims=1)
    else:
        value = call.add(op, [x], kept, axes=over, keepdims=1)
    return value if keep else call.reshaped(value, tuple(n for axis, n in enumerate(dims) if axis not in over))


@handles(*_REDUCED)
def _reduce(call: Call) -> Result:
    axes = call.known(1)
    if axes is None:
        raise BodyDoubleError(f"{call.kind} over axes known only at run time")
    x, kind = call.input(), call.dtype()
    wide = np.int32 if kind in (np.bool_, np.int8, np.uint8, np.int16) else kind
    value = reduced(call, _REDUCED[call.kind], call.cast(x, wide), [int(n) for n in axes.ravel()],
                    keep=bool(call.option("KeepDims")))  # fmt: skip
    return call.cast(value, kind)


@handles("ARG_MAX", "ARG_MIN")
def _arg(call: Call) -> Result:
    dims = call.dims()
    axis = call.axis(call.numbers(1)[0], len(dims))
    made = tuple(n for other, n in enumerate(dims) if other != axis)
    op = "ArgMax" if call.kind == "ARG_MAX" else "ArgMin"
    x = call.cast(call.input(), np.int32) if call.dtype() in (np.bool_, np.int16) else call.input()
    return call.cast(call.add(op, [x], made, np.int64, axis=axis, keepdims=0), call.made())


@handles("SOFTMAX")
def _softmax(call: Call) -> Result:
    beta = float(call.option("Beta", 1.0))
    x = call.input() if beta == 1 else call.add("Mul", [call.input(), call.like(beta, call.input())], call.dims())
    return call.add("Softmax", [x], call.dims(), axis=-1)


@handles("LOG_SOFTMAX")
def _log_softmax(call: Call) -> Result:
    return call.add("LogSoftmax", [call.input()], call.dims(), axis=-1)


_SMALLEST = 1e-6  # what L2_NORMALIZATION's length is at least (TFLite's kernel: epsilon)


@handles("L2_NORMALIZATION")
def _l2_normalization(call: Call) -> Result:
    """Each vector along the last axis by its length."""
    x = call.input()
    squares = reduced(call, "ReduceSum", pair(call, "Mul", x, x), [-1], keep=True)
    length = call.add("Sqrt", [squares], call.builder.dims(squares))
    return call.activated(pair(call, "Div", x, pair(call, "Max", length, call.like(_SMALLEST, length))))


@handles("CUMSUM")
def _cumsum(call: Call) -> Result:
    axis = call.array(call.axis(call.numbers(1)[0], call.rank()), name="axis")
    options: dict[str, Any] = {"exclusive": int(call.option("Exclusive")), "reverse": int(call.option("Reverse"))}
    return call.add("CumSum", [call.input(), axis], call.dims(), **options)
