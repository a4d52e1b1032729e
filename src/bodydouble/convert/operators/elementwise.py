"""Activations, which treat every element alike."""

from __future__ import annotations

import numpy as np

from bodydouble.convert.graph import Builder
from bodydouble.types import BodyDoubleError


def unary(builder: Builder, op: str, x: str) -> str:
    """Relu, Sigmoid, HardSwish, ... : one input, same shape."""
    return builder.add(op, [x], builder.dims(x))


def clip(builder: Builder, x: str, low: float, high: float) -> str:
    """Clip to constant bounds, which ONNX Runtime fuses into a convolution before it."""
    bounds = [builder.constant(np.array(bound, np.float32), name="bound") for bound in (low, high)]
    return builder.add("Clip", [x, *bounds], builder.dims(x))


def activation(builder: Builder, x: str, kind: str) -> str:
    """A fused activation by TensorFlow's name: "", "RELU", "RELU6", "RELU_N1_TO_1", "TANH", "SIGMOID"."""
    match kind:
        case "" | "NONE":
            return x
        case "RELU":
            return unary(builder, "Relu", x)
        case "RELU6":
            return clip(builder, x, 0.0, 6.0)
        case "RELU_N1_TO_1":
            return clip(builder, x, -1.0, 1.0)
        case "TANH":
            return unary(builder, "Tanh", x)
        case "SIGMOID":
            return unary(builder, "Sigmoid", x)
    raise BodyDoubleError(f"fused activation {kind} is not supported")


def prelu(builder: Builder, x: str, slope: str) -> str:
    """x where positive, slope * x elsewhere; the slope broadcasts to x."""
    return builder.add("PRelu", [x, slope], builder.dims(x))
