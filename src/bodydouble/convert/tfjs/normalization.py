"""Normalisations."""

from __future__ import annotations

import numpy as np

from bodydouble.convert.tfjs.calls import Call, handles
from bodydouble.convert.tfjs.convolution import first, last
from bodydouble.types import BodyDoubleError


@handles("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def _batch_norm(call: Call) -> tuple[str, ...]:
    """x * factor + offset - mean * factor with factor = scale / sqrt(variance + epsilon), a channel each."""
    g, x = call.g, call.as_float(0)
    if call.attr("data_format", "NHWC") not in ("NHWC", "NDHWC", "") or call.attr("is_training", False):
        raise BodyDoubleError(f"{call.record.op} of channels first or in training")
    scale, offset, mean, variance = call.xs(1, 5)
    epsilon = g.scalar(float(call.attr("epsilon", 0.001)), np.float32)
    factor = g.emit("Div", scale, g.emit("Sqrt", g.emit("Add", variance, epsilon)))
    shift = g.emit("Sub", offset, g.emit("Mul", mean, factor))
    y = g.emit("Add", g.emit("Mul", x, factor), shift)
    return (y, mean, variance, mean, variance, mean)


@handles("LRN")
def _lrn(call: Call) -> str:
    size = 2 * int(call.attr("depth_radius", 5)) + 1
    y = call.g.emit(
        "LRN",
        first(call.g, call.as_float()),
        size=size,
        alpha=float(call.attr("alpha", 1)) * size,  # ONNX divides by the window
        beta=float(call.attr("beta", 0.5)),
        bias=float(call.attr("bias", 1)),
    )
    return last(call.g, y)


@handles("Softmax", "LogSoftmax")
def _softmax(call: Call) -> str:
    x = call.as_float()
    return call.g.emit(call.record.op, x, axis=call.g.rank(x) - 1)
