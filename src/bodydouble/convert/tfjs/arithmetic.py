"""Operators of elements: arithmetic, functions of one number, comparisons, choices. Mixed types meet in the wider."""

from __future__ import annotations

import math

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.tfjs.calls import Call, handles
from bodydouble.types import BodyDoubleError

_ORDER = ("bool", "int32", "int64", "float32")  # TensorFlow.js's upcasting, with ONNX's sizes in between


def wider(g: Emitter, *names: str) -> list[str]:
    """The values in the widest of their types."""
    kinds = [str(g.dtype(name)) for name in names]
    if len(set(kinds)) == 1 or any(kind not in _ORDER for kind in kinds):
        return list(names)
    widest = max(kinds, key=_ORDER.index)
    return [g.cast(name, widest) for name in names]


def numeric(g: Emitter, *names: str) -> list[str]:
    """As wider, with bool as int32."""
    return [g.cast(name, np.int32) if g.dtype(name) == np.bool_ else name for name in wider(g, *names)]


_BINARY = {"Add": "Add", "AddV2": "Add", "Sub": "Sub", "Mul": "Mul", "Maximum": "Max", "Minimum": "Min", "Pow": "Pow"}


@handles(*_BINARY)
def _binary(call: Call) -> str:
    return call.g.emit(_BINARY[call.record.op], *numeric(call.g, call.x(0), call.x(1)))


@handles("BiasAdd")
def _bias_add(call: Call) -> str:
    if call.attr("data_format", "NHWC") not in ("NHWC", ""):
        raise BodyDoubleError("BiasAdd of channels first")
    return call.g.emit("Add", call.x(0), call.x(1))


@handles("AddN")
def _add_n(call: Call) -> str:
    total, *rest = call.xs()
    for part in rest:
        total = call.g.emit("Add", *numeric(call.g, total, part))
    return total


@handles("SquaredDifference")
def _squared_difference(call: Call) -> str:
    difference = call.g.emit("Sub", *numeric(call.g, call.x(0), call.x(1)))
    return call.g.emit("Mul", difference, difference)


@handles("RealDiv", "Div")
def _divide(call: Call) -> str:
    a, b = numeric(call.g, call.x(0), call.x(1))
    return call.g.emit("Div", a, b) if call.g.dtype(a).kind == "f" else floor_divided(call.g, a, b)


@handles("FloorDiv")
def _floor_div(call: Call) -> str:
    a, b = numeric(call.g, call.x(0), call.x(1))
    return floor_divided(call.g, a, b)


def floor_divided(g: Emitter, a: str, b: str) -> str:
    """The quotient rounded down; ONNX rounds integers towards zero."""
    if g.dtype(a).kind == "f":
        return g.emit("Floor", g.emit("Div", a, b))
    divisor = g.known(b)
    content = g.content(a)
    if content is not None and divisor is not None and (divisor > 0).all() and _no_negatives(content):
        return g.emit("Div", a, b)
    return g.emit("Div", g.emit("Sub", a, g.emit("Mod", a, b)), b)


def _no_negatives(content: np.ndarray) -> bool:
    return all(isinstance(size, str) or size >= 0 for size in content.ravel())


@handles("FloorMod", "Mod")
def _floor_mod(call: Call) -> str:
    """The remainder has the divisor's sign."""
    g = call.g
    a, b = numeric(g, call.x(0), call.x(1))
    if g.dtype(a).kind != "f":
        return g.emit("Mod", a, b)
    rest = g.emit("Mod", a, b, fmod=1)
    zero = g.scalar(0, np.float32)
    other_sign = g.emit("Xor", g.emit("Less", a, zero), g.emit("Less", b, zero))
    return g.emit("Where", other_sign, g.emit("Mod", g.emit("Add", rest, b), b, fmod=1), rest)


@handles("DivNoNan")
def _div_no_nan(call: Call) -> str:
    g = call.g
    a, b = (g.cast(name, np.float32) for name in (call.x(0), call.x(1)))
    zero = g.scalar(0, np.float32)
    return g.emit("Where", g.emit("Equal", b, zero), zero, g.emit("Div", a, b))


@handles("Atan2")
def _atan2(call: Call) -> str:
    g = call.g
    y, x = call.as_float(0), call.as_float(1)
    zero = g.scalar(0, np.float32)
    left, below = g.emit("Less", x, zero), g.emit("Less", y, zero)
    turn = g.emit("Where", below, g.scalar(-math.pi, np.float32), g.scalar(math.pi, np.float32))
    angle = g.emit("Atan", g.emit("Div", y, x))
    angle = g.emit("Add", angle, g.emit("Where", left, turn, zero))
    origin = g.emit("And", g.emit("Equal", x, zero), g.emit("Equal", y, zero))
    return g.emit("Where", origin, zero, angle)


_FUNCTIONS = {
    **{op: op for op in ("Acos", "Asin", "Atan", "Cos", "Cosh", "Exp", "Log", "Sigmoid", "Sin", "Sinh", "Sqrt", "Tan")},
    **{op: op for op in ("Tanh", "Reciprocal", "Asinh", "Acosh", "Atanh", "Erf", "Elu", "Selu", "Softplus")},
    "Inv": "Reciprocal",
    "Softsign": "Softsign",
}


@handles(*_FUNCTIONS)
def _function(call: Call) -> str:
    return call.g.emit(_FUNCTIONS[call.record.op], call.as_float())


_KEEPING = {"Abs": "Abs", "Neg": "Neg", "Sign": "Sign", "Relu": "Relu"}


@handles(*_KEEPING)
def _keeping(call: Call) -> str:
    """Functions that leave integers integers."""
    return call.g.emit(_KEEPING[call.record.op], *numeric(call.g, call.x()))


@handles("Ceil", "Floor", "Round", "Rint")
def _rounding(call: Call) -> str:
    x = call.x()
    op = "Round" if call.record.op == "Rint" else call.record.op
    return call.g.emit(op, x) if call.dtype().kind == "f" else x


@handles("Square")
def _square(call: Call) -> str:
    (x,) = numeric(call.g, call.x())
    return call.g.emit("Mul", x, x)


@handles("Rsqrt")
def _rsqrt(call: Call) -> str:
    return call.g.emit("Reciprocal", call.g.emit("Sqrt", call.as_float()))


@handles("Expm1")
def _expm1(call: Call) -> str:
    """exp(x) - 1 as 2 exp(x / 2) sinh(x / 2), which keeps the digits of small x."""
    half = call.g.emit("Mul", call.as_float(), call.g.scalar(0.5, np.float32))
    product = call.g.emit("Mul", call.g.emit("Exp", half), call.g.emit("Sinh", half))
    return call.g.emit("Mul", product, call.g.scalar(2, np.float32))


@handles("Log1p")
def _log1p(call: Call) -> str:
    """log(1 + x) as 2 atanh(x / (2 + x)) where x is small, which keeps the digits."""
    g, x = call.g, call.as_float()
    one, two = g.scalar(1, np.float32), g.scalar(2, np.float32)
    small = g.emit("Less", g.emit("Abs", x), g.scalar(0.5, np.float32))
    inside = g.emit("Where", small, x, g.scalar(0, np.float32))
    near = g.emit("Mul", g.emit("Atanh", g.emit("Div", inside, g.emit("Add", inside, two))), two)
    return g.emit("Where", small, near, g.emit("Log", g.emit("Add", x, one)))


def clipped(g: Emitter, x: str, low: float, high: float) -> str:
    """Clip to two numbers, in the value's type."""
    return g.emit("Clip", x, g.scalar(low, g.dtype(x)), g.scalar(high, g.dtype(x)))


@handles("Relu6")
def _relu6(call: Call) -> str:
    return clipped(call.g, call.x(), 0, 6)


@handles("ClipByValue")
def _clip_by_value(call: Call) -> str:
    g, x = call.g, call.x(0)
    low, high = (g.cast(call.x(position), call.dtype(0)) for position in (1, 2))
    if g.values[low].dims == () and g.values[high].dims == ():
        return g.emit("Clip", x, low, high)
    return g.emit("Min", g.emit("Max", x, low), high)


@handles("LeakyRelu")
def _leaky_relu(call: Call) -> str:
    return call.g.emit("LeakyRelu", call.as_float(), alpha=float(call.attr("alpha", 0.2)))


@handles("Prelu")
def _prelu(call: Call) -> str:
    return call.g.emit("PRelu", call.as_float(0), call.as_float(1))


def activated(call: Call, x: str, kind: str, slope: str = "") -> str:
    """A fused activation by TensorFlow's name; slope: the tensor of Prelu."""
    g = call.g
    match kind.lower():
        case "" | "linear":
            return x
        case "relu":
            return g.emit("Relu", x)
        case "relu6":
            return clipped(g, x, 0, 6)
        case "elu":
            return g.emit("Elu", x)
        case "sigmoid":
            return g.emit("Sigmoid", x)
        case "tanh":
            return g.emit("Tanh", x)
        case "leakyrelu":
            return g.emit("LeakyRelu", x, alpha=float(call.attr("leakyrelu_alpha", 0.2)))
        case "prelu" if slope:
            return g.emit("PRelu", x, slope)
    raise BodyDoubleError(f"{call.record.op} fused with {kind}")


_COMPARISONS = {
    "Equal": "Equal",
    "Greater": "Greater",
    "GreaterEqual": "GreaterOrEqual",
    "Less": "Less",
    "LessEqual": "LessOrEqual",
}


@handles(*_COMPARISONS)
def _comparison(call: Call) -> str:
    return call.g.emit(_COMPARISONS[call.record.op], *numeric(call.g, call.x(0), call.x(1)))


@handles("NotEqual")
def _not_equal(call: Call) -> str:
    return call.g.emit("Not", call.g.emit("Equal", *numeric(call.g, call.x(0), call.x(1))))


_LOGICAL = {"LogicalAnd": "And", "LogicalOr": "Or", "LogicalXor": "Xor", "LogicalNot": "Not"}


@handles(*_LOGICAL)
def _logical(call: Call) -> str:
    inputs = [call.g.cast(name, np.bool_) for name in call.xs()]
    return call.g.emit(_LOGICAL[call.record.op], *inputs)


@handles("IsNan")
def _is_nan(call: Call) -> str:
    return call.g.emit("IsNaN", call.as_float())


@handles("IsInf")
def _is_inf(call: Call) -> str:
    return call.g.emit("IsInf", call.as_float())


@handles("IsFinite")
def _is_finite(call: Call) -> str:
    g, x = call.g, call.as_float()
    return g.emit("Not", g.emit("Or", g.emit("IsNaN", x), g.emit("IsInf", x)))


@handles("Select", "SelectV2")
def _select(call: Call) -> str:
    g = call.g
    condition = g.cast(call.x(0), np.bool_)
    a, b = wider(g, call.x(1), call.x(2))
    dims, wanted = g.dims_or_none(condition), g.dims_or_none(a)
    if dims and wanted and len(dims) == 1 < len(wanted) and dims[0] == wanted[0] != wanted[-1]:
        # A vector that does not fit the last axis chooses whole rows (TensorFlow's first Select).
        condition = g.emit("Reshape", condition, g.ints(-1, *[1] * (len(wanted) - 1)))
    return chosen(g, condition, a, b)


def chosen(g: Emitter, condition: str, a: str, b: str) -> str:
    """a where the condition holds, b elsewhere. The condition may be known."""
    if g.dtype(a) != np.bool_:
        return g.emit("Where", condition, a, b)
    # ONNX Runtime has no Where of bools.
    return g.emit("Or", g.emit("And", condition, a), g.emit("And", g.emit("Not", condition), b))


@handles("BitwiseAnd")
def _bitwise_and(call: Call) -> str:
    """Bit by bit: ONNX has the operator only from opset 18 on. Non-negative numbers."""
    g = call.g
    a, b = (g.cast(name, np.int64) for name in (call.x(0), call.x(1)))
    two, total = g.scalar(2, np.int64), ""
    for bit in range(31):
        weight = g.scalar(1 << bit, np.int64)
        bits = [g.emit("Mod", g.emit("Div", name, weight), two) for name in (a, b)]
        term = g.emit("Mul", g.emit("Mul", *bits), weight)
        total = g.emit("Add", total, term) if total else term
    return g.cast(total, np.int32)
