"""Keras's activations in ONNX's operators. Source: tfjs-layers, activations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.keras.topology import plain
from bodydouble.types import BodyDoubleError

LINEAR = "linear"
# tfjs-layers, backend hardSigmoid (Keras 3 has another).
HARD_SLOPE, HARD_OFFSET = 0.2, 0.5
# The cubic term of the tanh form of GELU (Hendrycks and Gimpel, 2016).
GELU_CUBIC = 0.044715

_PLAIN = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "elu": "Elu",
    "selu": "Selu",
    "exponential": "Exp",
}


def named(value: Any, default: str = LINEAR) -> str:
    """The name of an activation in a configuration: a name, or a record of one. None is the default."""
    if isinstance(value, Mapping):
        inner = value.get("config")
        value = inner if isinstance(inner, str) else value.get("class_name", value.get("className"))
    return default if value is None else plain(str(value))


def activated(g: Emitter, x: str, name: str) -> str:
    """x through an activation. Raises BodyDoubleError for one that is not known."""
    if name == LINEAR:
        return x
    if name in _PLAIN:
        return g.emit(_PLAIN[name], x)
    if name not in _COMPOSED:
        raise BodyDoubleError(f"activation {name}")
    return _COMPOSED[name](g, x)


def _scalar(g: Emitter, number: float) -> str:
    return g.scalar(number, np.float32)


def _relu6(g: Emitter, x: str) -> str:
    return g.emit("Clip", x, _scalar(g, 0.0), _scalar(g, 6.0))


def _gelu(g: Emitter, x: str) -> str:
    error = g.emit("Erf", g.emit("Mul", x, _scalar(g, 1 / math.sqrt(2))))
    return g.emit("Mul", x, g.emit("Mul", g.emit("Add", error, _scalar(g, 1.0)), _scalar(g, 0.5)))


def _gelu_new(g: Emitter, x: str) -> str:
    cube = g.emit("Mul", g.emit("Mul", x, x), x)
    inner = g.emit("Add", x, g.emit("Mul", cube, _scalar(g, GELU_CUBIC)))
    bent = g.emit("Tanh", g.emit("Mul", inner, _scalar(g, math.sqrt(2 / math.pi))))
    return g.emit("Mul", x, g.emit("Mul", g.emit("Add", bent, _scalar(g, 1.0)), _scalar(g, 0.5)))


def _swish(g: Emitter, x: str) -> str:
    return g.emit("Mul", x, g.emit("Sigmoid", x))


_COMPOSED: dict[str, Callable[[Emitter, str], str]] = {
    "relu6": _relu6,
    "hard_sigmoid": lambda g, x: g.emit("HardSigmoid", x, alpha=HARD_SLOPE, beta=HARD_OFFSET),
    "softmax": lambda g, x: g.emit("Softmax", x, axis=-1),
    "log_softmax": lambda g, x: g.emit("LogSoftmax", x, axis=-1),
    "gelu": _gelu,
    "gelu_new": _gelu_new,
    "swish": _swish,
    "silu": _swish,
    "mish": lambda g, x: g.emit("Mul", x, g.emit("Tanh", g.emit("Softplus", x))),
}
