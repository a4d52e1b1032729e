"""Layers of several inputs: sums and the like, Concatenate, Dot."""

from __future__ import annotations

from functools import reduce

import numpy as np

from bodydouble.convert.keras.calls import Call, Flow, Result, layer
from bodydouble.types import BodyDoubleError

_ELEMENTWISE = {
    "Add": "Add",
    "Subtract": "Sub",
    "Multiply": "Mul",
    "Average": "Add",
    "Maximum": "Max",
    "Minimum": "Min",
}
MASKING = frozenset({*_ELEMENTWISE, "Concatenate", "Dot"})
# tfjs-layers, backend epsilon.
EPSILON = 1e-7


@layer(*_ELEMENTWISE)
def _elementwise(call: Call) -> Result:
    """Inputs of fewer axes get axes of one after the batch's."""
    if any(flow.mask for flow in call.flows):
        raise BodyDoubleError("of masked inputs, whose mask TensorFlow.js spoils")
    rank = max(len(call.g.dims(x)) for x in call.xs)
    values = []
    for x in call.xs:
        lacking = rank - len(call.g.dims(x))
        values.append(call.g.emit("Unsqueeze", x, call.g.ints(*range(1, 1 + lacking))) if lacking else x)
    y = reduce(lambda a, b: call.g.emit(_ELEMENTWISE[call.layer.kind], a, b), values)
    if call.layer.kind == "Average":
        y = call.g.emit("Mul", y, call.g.scalar(1 / len(values), np.float32))
    return y


@layer("Concatenate")
def _concatenate(call: Call) -> Result:
    axis = int(call.option("axis", -1))
    y = call.g.emit("Concat", *call.xs, axis=axis % len(call.dims()))
    if not any(flow.mask for flow in call.flows):
        return y
    return Flow(y, _joined_mask(call, axis % len(call.dims())))


def _joined_mask(call: Call, axis: int) -> str:
    """True where all masks are that are joined there. Source: tfjs-layers, merge (Concatenate.computeMask)."""
    parts = []
    for flow in call.flows:
        rank = len(call.g.dims(flow.value))
        if flow.mask is None:
            one = call.g.constant(np.ones((1,) * rank, np.bool_), name="mask")
            part = call.g.emit("Expand", one, call.g.emit("Shape", flow.value))
        elif axis == rank - 1:
            part = call.g.emit("Unsqueeze", flow.mask, call.g.ints(-1))
        else:
            part = call.g.emit(
                "Expand", call.g.emit("Unsqueeze", flow.mask, call.g.ints(-1)), call.g.emit("Shape", flow.value)
            )
        parts.append(call.g.cast(part, np.float32))
    least = call.g.emit("ReduceMin", call.g.emit("Concat", *parts, axis=axis), axes=[-1], keepdims=0)
    return call.g.cast(least, np.bool_)


@layer("Dot")
def _dot(call: Call) -> Result:
    """Source: tfjs-layers, merge (batchDot)."""
    if len(call.flows) != 2:
        raise BodyDoubleError(f"of {len(call.flows)} inputs")
    ranks = [len(call.g.dims(x)) for x in call.xs]
    axes = call.option("axes", -1)
    given = axes if isinstance(axes, list) else [axes, axes]
    first, second = (int(axis) % rank for axis, rank in zip(given, ranks, strict=True))
    x, y = call.xs
    if call.flag("normalize"):
        x, y = _normalized(call, x, first), _normalized(call, y, second)
    if ranks == [2, 2]:
        if (first, second) != (1, 1):
            raise BodyDoubleError(f"along axes {given} of inputs of two axes")
        return Flow(call.g.emit("ReduceSum", call.g.emit("Mul", x, y), call.g.ints(1), keepdims=1))
    if max(ranks) > 3:
        raise BodyDoubleError("of inputs of more than three axes")
    lacking = ranks[0] - ranks[1]
    x = call.g.emit("Unsqueeze", x, call.g.ints(2)) if lacking < 0 else x
    y = call.g.emit("Unsqueeze", y, call.g.ints(2)) if lacking > 0 else y
    x = call.g.emit("Transpose", x, perm=[0, 2, 1]) if first != 2 else x
    y = call.g.emit("Transpose", y, perm=[0, 2, 1]) if second == 2 else y
    product = call.g.emit("MatMul", x, y)
    if lacking:
        product = call.g.emit("Squeeze", product, call.g.ints(2 if lacking > 0 else 1))
    return Flow(product)


def _normalized(call: Call, x: str, axis: int) -> str:
    squares = call.g.emit("ReduceSum", call.g.emit("Mul", x, x), call.g.ints(axis), keepdims=1)
    length = call.g.emit("Sqrt", call.g.emit("Max", squares, call.g.scalar(EPSILON, np.float32)))
    return call.g.emit("Div", x, length)
