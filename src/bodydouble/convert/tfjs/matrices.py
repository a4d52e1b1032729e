"""Products of matrices."""

from __future__ import annotations

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.tfjs.arithmetic import activated, numeric
from bodydouble.convert.tfjs.calls import Call, handles
from bodydouble.convert.tfjs.convolution import fused


def _turned(g: Emitter, x: str, turn: bool) -> str:
    """With the last two axes exchanged, if so."""
    rank = g.rank(x)
    return g.emit("Transpose", x, perm=(*range(rank - 2), rank - 1, rank - 2)) if turn else x


@handles("MatMul", "_FusedMatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def _mat_mul(call: Call) -> str:
    g = call.g
    a, b = numeric(g, call.x(0), call.x(1))
    turn_a, turn_b = (bool(call.attr(f"transpose_{n}", call.attr(f"adj_{m}", False))) for n, m in ("ax", "by"))
    bias, activation, slope = fused(call)
    flat = g.rank(a) == g.rank(b) == 2 and g.dtype(a) == np.float32
    if flat and bias and len(g.dims(bias)) <= 2:
        y = g.emit("Gemm", a, b, bias, transA=int(turn_a), transB=int(turn_b))
    else:
        y = g.emit("MatMul", _turned(g, a, turn_a), _turned(g, b, turn_b))
        y = g.emit("Add", y, bias) if bias else y
    return activated(call, y, activation, slope)


@handles("Einsum")
def _einsum(call: Call) -> str:
    return call.g.emit("Einsum", *numeric(call.g, *call.xs()), equation=str(call.attr("equation")).replace(" ", ""))
