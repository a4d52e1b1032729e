"""ONNX's operators that treat every element alike, as PyTorch functions.

A constant of one element is written as a number. A constant with one number a channel, straight after a layer with
weights, is a bias or a scale that training should move, and becomes a parameter; other constants are buffers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import fx
from torch.nn import functional

from bodydouble.convert.torch_call import Call, constant, operator
from bodydouble.convert.torch_graph import DTYPES, Sizes
from bodydouble.convert.torch_layers import carry_channels
from bodydouble.convert.torch_sizes import on_sizes
from bodydouble.types import BodyDoubleError

UNARY: dict[str, Callable[[Any], Any]] = {
    "Abs": torch.abs,
    "Acos": torch.acos,
    "Acosh": torch.acosh,
    "Asin": torch.asin,
    "Asinh": torch.asinh,
    "Atan": torch.atan,
    "Atanh": torch.atanh,
    "BitwiseNot": torch.bitwise_not,
    "Ceil": torch.ceil,
    "Cos": torch.cos,
    "Cosh": torch.cosh,
    "Erf": torch.erf,
    "Exp": torch.exp,
    "Floor": torch.floor,
    "HardSwish": functional.hardswish,
    "Identity": lambda x: x,
    "IsNaN": torch.isnan,
    "Log": torch.log,
    "Mish": functional.mish,
    "Neg": torch.neg,
    "Not": torch.logical_not,
    "Reciprocal": torch.reciprocal,
    "Relu": functional.relu,
    "Round": torch.round,
    "Sigmoid": torch.sigmoid,
    "Sign": torch.sign,
    "Sin": torch.sin,
    "Sinh": torch.sinh,
    "Softplus": functional.softplus,
    "Softsign": functional.softsign,
    "Sqrt": torch.sqrt,
    "Tan": torch.tan,
    "Tanh": torch.tanh,
}
# Softplus of large numbers is the number itself; torch's threshold of 20 is within float32's rounding.


@operator(*UNARY)
def _unary(call: Call) -> Any:
    value = on_sizes(call)
    if value is not None:
        return value
    carry_channels(call)
    return UNARY[call.node.op_type](call.tensor())


def _divide(a: Any, b: Any, whole: bool) -> Any:
    return torch.div(a, b, rounding_mode="trunc") if whole else a / b


def _whole(call: Call) -> bool:
    """Whether the operator works on integers."""
    kinds = [call.about(position).dtype for position in range(len(call.node.input))]
    known = next((kind for kind in kinds if kind is not None), torch.float32)
    return not (known.is_floating_point or known == torch.bool)


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": lambda a, b: a + b,
    "And": torch.logical_and,
    "BitwiseAnd": torch.bitwise_and,
    "BitwiseOr": torch.bitwise_or,
    "BitwiseXor": torch.bitwise_xor,
    "Equal": lambda a, b: a == b,
    "Greater": lambda a, b: a > b,
    "GreaterOrEqual": lambda a, b: a >= b,
    "Less": lambda a, b: a < b,
    "LessOrEqual": lambda a, b: a <= b,
    "Mul": lambda a, b: a * b,
    "Or": torch.logical_or,
    "Sub": lambda a, b: a - b,
    "Xor": torch.logical_xor,
}
TAKES_NUMBERS = {"Add", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Mul", "Sub"}


@operator(*BINARY)
def _binary(call: Call) -> Any:
    value = on_sizes(call)
    if value is not None:
        return value
    a, b = _sides(call) if call.node.op_type in TAKES_NUMBERS else (call.tensor(0), call.tensor(1))
    return BINARY[call.node.op_type](a, b)


@operator("Div")
def _div(call: Call) -> Any:
    value = on_sizes(call)
    if value is not None:
        return value
    a, b = _sides(call)
    if not isinstance(a, fx.Proxy | torch.Tensor):  # torch.div takes no number first
        a = call.tensor(0)
    return _divide(a, b, _whole(call))


@operator("Mod")
def _mod(call: Call) -> Any:
    value = on_sizes(call)
    if value is not None:
        return value
    function = torch.fmod if call.attribute("fmod", 0) else torch.remainder
    return function(call.tensor(0), _number(call, 1))


@operator("Pow")
def _pow(call: Call) -> Any:
    dtype = call.about(0).dtype
    y = torch.pow(call.tensor(0), _number(call, 1))
    # ONNX keeps the base's type, torch takes the wider.
    same = dtype is None or dtype == call.about(1).dtype or dtype.is_floating_point
    return y if same else y.to(dtype)


def _number(call: Call, position: int) -> Any:
    """A constant of one element as a number, where that keeps the other input's shape; any other input as it is."""
    stored = call.constant(position)
    other = call.about(1 - position).shape if len(call.node.input) == 2 else None
    if stored is None or stored.numel() != 1 or isinstance(call.value(1 - position), torch.Tensor):
        return call.tensor(position)
    return stored.item() if stored.ndim <= (0 if other is None else len(other)) else stored


def _sides(call: Call) -> tuple[Any, Any]:
    """The two inputs; a constant that training should move as a parameter."""
    sides: list[Any] = [_number(call, 0), _number(call, 1)]
    for position in (0, 1):
        stored, other = call.constant(position), call.node.input[1 - position]
        axis = call.scope.channels.get(other)
        if axis is None:
            continue
        shape = call.about(1 - position).shape
        if stored is None or shape is None:
            if call.about(position).shape == shape and call.scope.channels.get(call.node.input[position]) == axis:
                call.scope.channels[call.node.output[0]] = axis
            continue
        if _one_a_channel(stored, shape, axis):
            kind = "weight" if call.node.op_type in ("Mul", "Div") else "bias"
            sides[position] = call.weight(position, kind)
        if stored.ndim <= len(shape):
            call.scope.channels[call.node.output[0]] = axis
    return sides[0], sides[1]


def _one_a_channel(stored: torch.Tensor, shape: tuple[int | None, ...], axis: int) -> bool:
    """Whether a constant holds a number for each channel and nothing else."""
    place = axis - (len(shape) - stored.ndim)
    if not stored.is_floating_point() or stored.numel() < 2 or not 0 <= place < stored.ndim:
        return False
    return bool(stored.shape[place] == stored.numel() == shape[axis])


@operator("Max", "Min", "Sum", "Mean")
def _several(call: Call) -> Any:
    value = on_sizes(call)
    if value is not None:
        return value
    kind, count = call.node.op_type, len(call.node.input)
    if kind in ("Max", "Min") and count == 2:
        for position in (0, 1):
            bound = _number(call, position)
            if not isinstance(bound, torch.Tensor | fx.Proxy):
                other = call.tensor(1 - position)
                return torch.clamp(other, min=bound) if kind == "Max" else torch.clamp(other, max=bound)
    parts = [call.tensor(position) for position in range(count)]
    function = {"Max": torch.maximum, "Min": torch.minimum}.get(kind, torch.add)
    total = reduce(function, parts)
    return total / count if kind == "Mean" else total


@operator("Clip")
def _clip(call: Call) -> Any:
    bounds = []
    for position, name in ((1, "min"), (2, "max")):
        stored = call.constant(position)
        given = call.tensor(position) if stored is None else stored.item()
        bounds.append(call.attribute(name) if given is None else given)
    carry_channels(call)
    low, high = (None if type(b) is float and math.isinf(b) else b for b in bounds)
    if low is None and high is None:
        return call.tensor()
    return torch.clamp(call.tensor(), min=low, max=high)


@operator("LeakyRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "HardSigmoid", "Gelu", "Swish")
def _with_options(call: Call) -> Any:
    carry_channels(call)
    x, kind = call.tensor(), call.node.op_type
    alpha = call.attribute("alpha")
    match kind:
        case "LeakyRelu":
            return functional.leaky_relu(x, 0.01 if alpha is None else alpha)
        case "Elu":
            return functional.elu(x, 1.0 if alpha is None else alpha)
        case "Celu":
            return functional.celu(x, 1.0 if alpha is None else alpha)
        case "Selu" if alpha is None and call.attribute("gamma") is None:
            return functional.selu(x)
        case "Selu":
            gamma = call.attribute("gamma", 1.0507009873554805)  # SELU's own, as ONNX gives it
            return functional.elu(x, 1.6732632423543772 if alpha is None else alpha) * gamma
        case "ThresholdedRelu":
            return functional.threshold(x, 1.0 if alpha is None else alpha, 0.0)
        case "Gelu":
            return functional.gelu(x, approximate=call.attribute("approximate", b"none").decode())
        case "Swish":
            return x * torch.sigmoid(x * (1.0 if alpha is None else alpha))
    slope, shift = (0.2 if alpha is None else alpha), call.attribute("beta", 0.5)
    return torch.clamp(x * slope + shift, min=0.0, max=1.0)


@operator("IsInf")
def _is_inf(call: Call) -> Any:
    if call.attribute("detect_negative", 1) and call.attribute("detect_positive", 1):
        return torch.isinf(call.tensor())
    return call.tensor() == (math.inf if call.attribute("detect_positive", 1) else -math.inf)


@operator("Where")
def _where(call: Call) -> Any:
    value = on_sizes(call)
    return torch.where(call.tensor(0), call.tensor(1), call.tensor(2)) if value is None else value


@operator("Cast", "CastLike")
def _cast(call: Call) -> Any:
    like = call.node.op_type == "CastLike"
    dtype = call.about(1).dtype if like else DTYPES.get(call.attribute("to"))
    if dtype is None:
        raise BodyDoubleError(f"Cast to ONNX's type number {call.attribute('to')}")
    value = call.value()
    if isinstance(value, Sizes) and not like:
        return on_sizes(call)
    if isinstance(value, torch.Tensor):
        return value.to(dtype)
    carry_channels(call)
    return value if call.about().dtype == dtype else call.tensor().to(dtype)


@operator("BitShift")
def _bit_shift(call: Call) -> Any:
    left = call.attribute("direction", b"").decode() == "LEFT"
    return (torch.bitwise_left_shift if left else torch.bitwise_right_shift)(call.tensor(0), call.tensor(1))


@operator("Dropout")
def _dropout(call: Call) -> Any:
    if len([name for name in call.node.output if name]) > 1:
        raise BodyDoubleError("Dropout with its mask")
    return call.tensor()


@operator("Constant")
def _constant(call: Call) -> Any:
    if "value" in call.attributes:
        return constant(call.attributes["value"])
    for name, dtype in (("value_float", torch.float32), ("value_int", torch.int64)):
        for key in (name, name + "s"):
            if key in call.attributes:
                return torch.tensor(call.attributes[key], dtype=dtype)
    raise BodyDoubleError("Constant of strings or sparse values")
