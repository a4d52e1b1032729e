"""Operators that treat every element alike: arithmetic, comparisons, logic, activations, casts."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from bodydouble.convert.operators import elementwise
from bodydouble.convert.operators.sizes import broadcast
from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_operators.registry import handles
from bodydouble.types import BodyDoubleError

# Integers that ONNX Runtime's arithmetic has no kernels for; they are counted in 32 bits.
_NARROW = {np.dtype(kind) for kind in ("int8", "uint8", "int16", "uint16", "bool")}


def pair(call: Call, op: str, a: str, b: str, dtype: npt.DTypeLike | None = None) -> str:
    """A binary operator with broadcasting; of narrow integers, in 32 bits and back."""
    builder = call.builder
    kind = builder.values[a].dtype
    if kind in _NARROW:
        value = pair(call, op, call.cast(a, np.int32), call.cast(b, np.int32), dtype)
        return value if dtype is not None else call.cast(value, kind)
    dims = broadcast(builder.dims(a), builder.dims(b), op)
    return builder.add(op, [a, b], dims, dtype=dtype or kind)


_BINARY = {"ADD": "Add", "SUB": "Sub", "MUL": "Mul", "DIV": "Div", "POW": "Pow"}
_BINARY |= {"STABLEHLO_ADD": "Add", "STABLEHLO_SUBTRACT": "Sub", "STABLEHLO_MULTIPLY": "Mul"}
_BINARY |= {"STABLEHLO_DIVIDE": "Div", "STABLEHLO_POWER": "Pow"}
_EXTREMES = {"MAXIMUM": "Max", "MINIMUM": "Min", "STABLEHLO_MAXIMUM": "Max", "STABLEHLO_MINIMUM": "Min"}


@handles(*_BINARY, *_EXTREMES)
def _binary(call: Call) -> Result:
    op = _BINARY.get(call.kind) or _EXTREMES[call.kind]
    return call.activated(pair(call, op, call.input(0), call.input(1)))


@handles("ADD_N")
def _add_n(call: Call) -> Result:
    value = call.input(0)
    for position in range(1, call.count):
        value = pair(call, "Add", value, call.input(position))
    return value


@handles("SQUARED_DIFFERENCE")
def _squared_difference(call: Call) -> Result:
    apart = pair(call, "Sub", call.input(0), call.input(1))
    return pair(call, "Mul", apart, apart)


@handles("SQUARE")
def _square(call: Call) -> Result:
    return pair(call, "Mul", call.input(), call.input())


def floor_modulo(call: Call, a: str, b: str) -> str:
    """The remainder with the sign of the divisor."""
    builder = call.builder
    if builder.values[a].dtype.kind in "iu":
        return _modulo(call, a, b, 0)
    left = _modulo(call, a, b, 1)
    zero = call.like(0, left)
    signs = pair(call, "Less", pair(call, "Mul", left, b), zero, np.bool_)
    return choice(call, signs, pair(call, "Add", left, b), left)


def _modulo(call: Call, a: str, b: str, fmod: int) -> str:
    builder = call.builder
    dims = broadcast(builder.dims(a), builder.dims(b), "Mod")
    return builder.add("Mod", [a, b], dims, fmod=fmod)


@handles("FLOOR_MOD")
def _floor_mod(call: Call) -> Result:
    kind = call.dtype()
    wide = np.int32 if kind in _NARROW else kind
    return call.cast(floor_modulo(call, call.cast(call.input(0), wide), call.cast(call.input(1), wide)), kind)


@handles("STABLEHLO_REMAINDER")
def _remainder(call: Call) -> Result:
    return _modulo(call, call.input(0), call.input(1), 1)


@handles("FLOOR_DIV")
def _floor_div(call: Call) -> Result:
    kind = call.dtype()
    wide = np.int32 if kind in _NARROW else kind
    a, b = (call.cast(call.input(position), wide) for position in (0, 1))
    if np.dtype(wide).kind in "iu":
        return call.cast(pair(call, "Div", pair(call, "Sub", a, _modulo(call, a, b, 0)), b), kind)
    ratio = pair(call, "Div", a, b)
    return call.add("Floor", [ratio], call.builder.dims(ratio))


_COMPARED = {"LESS": "Less", "LESS_EQUAL": "LessOrEqual", "GREATER": "Greater", "GREATER_EQUAL": "GreaterOrEqual"}


def compare(call: Call, kind: str, a: str, b: str) -> str:
    """LESS, EQUAL and the like of two values."""
    builder = call.builder
    if kind in ("EQUAL", "NOT_EQUAL"):
        dims = broadcast(builder.dims(a), builder.dims(b), kind)
        if builder.values[a].dtype in _NARROW - {np.dtype(np.bool_)}:
            a, b = call.cast(a, np.int32), call.cast(b, np.int32)
        same = builder.add("Equal", [a, b], dims, dtype=np.bool_)
        return same if kind == "EQUAL" else builder.add("Not", [same], dims)
    return pair(call, _COMPARED[kind], a, b, np.bool_)


@handles("EQUAL", "NOT_EQUAL", *_COMPARED)
def _compare(call: Call) -> Result:
    return compare(call, call.kind, call.input(0), call.input(1))


@handles("LOGICAL_AND", "LOGICAL_OR", "STABLEHLO_AND", "STABLEHLO_OR", "BITWISE_XOR")
def _logical(call: Call) -> Result:
    op = {"AND": "And", "_OR": "Or", "XOR": "Xor"}[call.kind[-3:]]
    a, b = call.input(0), call.input(1)
    if call.dtype() != np.bool_:
        return _bitwise(call, op, a, b)
    return call.add(op, [a, b], broadcast(call.dims(0), call.dims(1), op), np.bool_)


def _bitwise(call: Call, op: str, a: str, b: str) -> str:
    """A logical operator on each bit of integers, which opset 17 has only for truth values."""
    kind = call.dtype()
    bits = 8 * kind.itemsize
    if kind.kind not in "iu" or bits > 32:
        raise BodyDoubleError(f"{call.kind} of {kind}")
    powers, whole = call.array([1 << n for n in range(bits)]), call.array(1 << bits)
    split = []
    for value in (a, b):
        plain = _modulo(call, call.cast(value, np.int64), whole, 0)  # below zero: the two's complement
        dims = call.builder.dims(plain)
        wide = call.add("Unsqueeze", [plain, call.array([-1])], (*dims, 1))
        parts = pair(call, "Div", wide, powers)
        split.append(call.cast(_modulo(call, parts, call.array(2), 0), np.bool_))
    dims = broadcast(call.builder.dims(split[0]), call.builder.dims(split[1]), op)
    chosen = call.cast(call.add(op, split, dims, np.bool_), np.int64)
    value = pair(call, "Mul", chosen, powers)
    value = call.add("ReduceSum", [value, call.array([-1])], dims[:-1], keepdims=0)
    if kind.kind == "i":
        high = compare(call, "GREATER_EQUAL", value, call.array(1 << bits - 1))
        value = choice(call, high, pair(call, "Sub", value, whole), value)
    return call.cast(value, kind)


@handles("LOGICAL_NOT")
def _logical_not(call: Call) -> Result:
    return call.add("Not", [call.input()], call.dims())


@handles("RIGHT_SHIFT", "STABLEHLO_SHIFT_LEFT")
def _shift(call: Call) -> Result:
    """By a power of two, which shifts the sign too, as in C."""
    a, b = (call.cast(call.input(position), np.int64) for position in (0, 1))
    power = pair(call, "Pow", call.array(2), b)
    if call.kind == "RIGHT_SHIFT":
        value = pair(call, "Div", pair(call, "Sub", a, _modulo(call, a, power, 0)), power)
    else:
        value = pair(call, "Mul", a, power)
    return call.cast(value, call.dtype())


_UNARY = {
    "RELU": "Relu",
    "LOGISTIC": "Sigmoid",
    "TANH": "Tanh",
    "HARD_SWISH": "HardSwish",
    "EXP": "Exp",
    "ABS": "Abs",
    "NEG": "Neg",
    "SQRT": "Sqrt",
    "COS": "Cos",
    "SIN": "Sin",
    "LOG": "Log",
    "FLOOR": "Floor",
    "CEIL": "Ceil",
    "ROUND": "Round",
    "SIGN": "Sign",
    "STABLEHLO_LOGISTIC": "Sigmoid",
    "STABLEHLO_ABS": "Abs",
    "STABLEHLO_COSINE": "Cos",
    "STABLEHLO_EXPONENTIAL": "Exp",
    "STABLEHLO_FLOOR": "Floor",
    "STABLEHLO_LOG": "Log",
    "STABLEHLO_NEGATE": "Neg",
    "STABLEHLO_TANH": "Tanh",
}


@handles(*_UNARY)
def _unary(call: Call) -> Result:
    x, kind = call.input(), call.dtype()
    if call.kind == "RELU" and kind.kind == "i":
        return pair(call, "Max", x, call.like(0, x))
    if kind in _NARROW:
        wide = call.cast(x, np.int32)
        return call.cast(call.add(_UNARY[call.kind], [wide], call.dims()), kind)
    return call.add(_UNARY[call.kind], [x], call.dims())


@handles("RSQRT", "STABLEHLO_RSQRT")
def _rsqrt(call: Call) -> Result:
    return call.add("Reciprocal", [call.add("Sqrt", [call.input()], call.dims())], call.dims())


@handles("STABLEHLO_CBRT")
def _cbrt(call: Call) -> Result:
    size = call.add("Pow", [call.add("Abs", [call.input()], call.dims()), call.like(1 / 3, call.input())], call.dims())
    return call.add("Mul", [size, call.add("Sign", [call.input()], call.dims())], call.dims())


@handles("RELU6", "RELU_N1_TO_1", "RELU_0_TO_1")
def _clipped(call: Call) -> Result:
    low, high = {"RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1), "RELU_0_TO_1": (0, 1)}[call.kind]
    return elementwise.clip(call.builder, call.input(), low, high)


@handles("STABLEHLO_CLAMP")
def _clamp(call: Call) -> Result:
    return pair(call, "Min", pair(call, "Max", call.input(1), call.input(0)), call.input(2))


@handles("LEAKY_RELU")
def _leaky_relu(call: Call) -> Result:
    return call.add("LeakyRelu", [call.input()], call.dims(), alpha=float(call.option("Alpha")))


@handles("ELU")
def _elu(call: Call) -> Result:
    return call.add("Elu", [call.input()], call.dims(), alpha=1.0)


@handles("GELU")
def _gelu(call: Call) -> Result:
    """x times the normal distribution's share below x, or its usual approximation by tanh."""
    x, dims = call.input(), call.dims()
    if call.option("Approximate"):
        cubed = call.add("Mul", [call.add("Mul", [x, x], dims), x], dims)
        bent = call.add("Add", [x, call.add("Mul", [cubed, call.like(0.044715, x)], dims)], dims)
        bent = call.add("Tanh", [call.add("Mul", [bent, call.like(math.sqrt(2 / math.pi), x)], dims)], dims)
    else:
        bent = call.add("Erf", [call.add("Mul", [x, call.like(math.sqrt(0.5), x)], dims)], dims)
    half = call.add("Mul", [x, call.like(0.5, x)], dims)
    return call.add("Mul", [half, call.add("Add", [bent, call.like(1, x)], dims)], dims)


@handles("PRELU")
def _prelu(call: Call) -> Result:
    return elementwise.prelu(call.builder, call.input(0), call.input(1))


@handles("ATAN2")
def _atan2(call: Call) -> Result:
    return arctangent(call, call.input(0), call.input(1))


def arctangent(call: Call, y: str, x: str) -> str:
    """The angle of (x, y) in -pi..pi; 0 for (0, 0)."""
    zero = call.like(0, x)
    left, flat = pair(call, "Less", x, zero, np.bool_), compare(call, "EQUAL", x, zero)
    below = pair(call, "Less", y, zero, np.bool_)
    # Where x is 0 the ratio is of no use; 1 in its place keeps it finite.
    ratio = pair(call, "Div", y, choice(call, flat, call.like(1, x), x))
    turned = choice(call, below, call.like(-math.pi, x), call.like(math.pi, x))
    angle = pair(call, "Add", call.add("Atan", [ratio], call.builder.dims(ratio)), choice(call, left, turned, zero))
    quarter = pair(call, "Mul", call.add("Sign", [y], call.builder.dims(y)), call.like(math.pi / 2, y))
    return choice(call, flat, quarter, angle)


def choice(call: Call, condition: str, a: str, b: str) -> str:
    """a where the condition holds, else b, with broadcasting."""
    builder = call.builder
    dims = broadcast(builder.dims(condition), broadcast(builder.dims(a), builder.dims(b), "Where"), "Where")
    return builder.add("Where", [condition, a, b], dims, dtype=builder.values[a].dtype)


@handles("CAST", "STABLEHLO_CONVERT")
def _cast(call: Call) -> Result:
    x, kind = call.input(), call.made()
    if kind == np.complex64:
        raise BodyDoubleError(f"{call.kind} to complex numbers")
    if call.pairs:  # the real part
        x = call.add("Gather", [x, call.array(0)], call.dims()[:-1], axis=call.rank() - 1)
    if kind.kind == "u" and call.dtype().kind == "f":
        x = call.cast(x, np.int64)  # as in C on the processors that TFLite runs on: below zero it wraps round
    return call.cast(x, kind)


@handles("ZEROS_LIKE")
def _zeros_like(call: Call) -> Result:
    x = call.input()
    if all(isinstance(size, int) for size in call.dims()):
        return np.zeros(call.shape(), call.dtype())
    return call.add("Expand", [call.like(0, x), _sizes(call, x)], call.dims())


def _sizes(call: Call, x: str) -> str:
    return call.add("Shape", [x], (len(call.builder.dims(x)),), np.int64)


@handles("BUCKETIZE")
def _bucketize(call: Call) -> Result:
    """How many boundaries are at or below each number."""
    edges = call.option("Boundaries", ())
    x = call.input()
    wide = call.add("Unsqueeze", [call.cast(x, np.float32), call.array([-1])], (*call.dims(), 1))
    below = compare(call, "GREATER_EQUAL", wide, call.array(edges, np.float32))
    counts = call.cast(below, np.int32)
    return call.add("ReduceSum", [counts, call.array([-1])], call.dims(), keepdims=0)


@handles("FAKE_QUANT")
def _fake_quant(call: Call) -> Result:
    """Rounds to the grid of so many bits between two bounds, which are first moved so that 0 is on it."""
    low, high = float(call.option("Min")), float(call.option("Max"))
    bits, narrow = int(call.option("NumBits", 8)), bool(call.option("NarrowRange"))
    first, last = int(narrow), (1 << bits) - 1
    if not low <= 0 <= high or low == high:
        raise BodyDoubleError(f"FAKE_QUANT between {low} and {high}")
    step = (high - low) / (last - first)
    zero = round(min(max(first - low / step, first), last))
    low, high = (first - zero) * step, (last - zero) * step
    x, dims = elementwise.clip(call.builder, call.input(), low, high), call.dims()
    part = call.add("Div", [call.add("Sub", [x, call.like(low, x)], dims), call.like(step, x)], dims)
    part = call.add("Floor", [call.add("Add", [part, call.like(0.5, part)], dims)], dims)
    return call.add("Add", [call.add("Mul", [part, call.like(step, x)], dims), call.like(low, x)], dims)
