"""Operators that make tensors from numbers: filled ones, ramps, one-hot vectors, random ones."""

from __future__ import annotations

import numpy as np
from onnx import numpy_helper

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.inference import tensor_type
from bodydouble.convert.tfjs.arithmetic import chosen, numeric, wider
from bodydouble.convert.tfjs.calls import Call, handles
from bodydouble.convert.tfjs.shaping import shape_of, to_sizes
from bodydouble.types import BodyDoubleError


def filled(g: Emitter, sizes: str, value: str) -> str:
    """A tensor of a shape (int64 vector) with the same element everywhere."""
    known = g.known(value)
    if known is None or known.dtype == object:
        return g.emit("Expand", g.emit("Reshape", value, g.constant(np.zeros(0, np.int64))), sizes)
    return g.emit("ConstantOfShape", sizes, value=numpy_helper.from_array(known.reshape(1)))


@handles("Fill")
def _fill(call: Call) -> str:
    return filled(call.g, to_sizes(call.g, call.x(0)), call.x(1))


@handles("Zeros", "Ones")
def _plain(call: Call) -> str:
    number = call.record.op == "Ones"
    return filled(call.g, to_sizes(call.g, call.x(0)), call.g.scalar(number, call.attr("T", np.dtype(np.float32))))


@handles("ZerosLike", "OnesLike")
def _like(call: Call) -> str:
    number = call.record.op == "OnesLike"
    return filled(call.g, shape_of(call.g, call.x()), call.g.scalar(number, call.dtype()))


@handles("Range")
def _range(call: Call) -> str:
    g = call.g
    empty = g.constant(np.zeros(0, np.int64), name="ints")
    bounds = [g.emit("Reshape", name, empty) for name in numeric(g, *_alike(call))]
    limit = g.content(bounds[1])
    start, step = (g.content(bounds[n]) for n in (0, 2))
    plain = start is not None and step is not None and (start.item(), step.item()) == (0, 1)
    dims = [limit.item()] if plain and limit is not None and limit.item() != "" else []
    return g.emit("Range", *bounds, dims=dims)


def _alike(call: Call) -> list[str]:
    """The three bounds in one type."""
    names = call.xs(0, 3)
    first = wider(call.g, names[0], names[1])
    return [*wider(call.g, first[0], names[2])[:1], *wider(call.g, first[1], names[2])]


@handles("LinSpace")
def _lin_space(call: Call) -> str:
    """count numbers from start to stop, both included."""
    g, count = call.g, int(call.number(2))
    start, stop = call.as_float(0), call.as_float(1)
    ramp = g.constant(np.linspace(0, 1, max(count, 1), dtype=np.float32)[:count], name="ramp")
    return g.emit("Add", start, g.emit("Mul", ramp, g.emit("Sub", stop, start)))


@handles("OneHot")
def _one_hot(call: Call) -> str:
    """Along a new last axis."""
    g = call.g
    if int(call.attr("axis", -1)) != -1:
        raise BodyDoubleError("OneHot along another axis than the last")
    ramp = g.constant(np.arange(int(call.number(1)), dtype=np.int32), name="ramp")
    hot = g.emit("Equal", g.emit("Unsqueeze", g.cast(call.x(0), np.int32), g.ints(-1)), ramp)
    dtype = call.dtype(2) if call.has(2) else np.dtype(np.float32)
    on, off = (call.x(n) if call.has(n) else g.scalar(3 - n, dtype) for n in (2, 3))
    return chosen(g, hot, on, off)


@handles("RandomUniform", "RandomStandardNormal", "TruncatedNormal", "RandomUniformInt")
def _random(call: Call) -> str:
    """Other numbers than TensorFlow.js draws, from the same distribution."""
    g, kind = call.g, call.record.op
    base = filled(g, to_sizes(g, call.x(0)), g.scalar(0, np.float32))
    number = tensor_type(np.dtype(np.float32))
    if kind == "RandomUniformInt":
        drawn = g.emit("RandomUniformLike", base, dtype=number)
        low, high = (g.cast(call.x(n), np.float32) for n in (1, 2))
        spread = g.emit("Add", low, g.emit("Mul", drawn, g.emit("Sub", high, low)))
        return g.cast(g.emit("Floor", spread), np.int32)
    if kind == "RandomUniform":
        least, most = float(call.attr("minval", 0)), float(call.attr("maxval", 1))
        return g.emit("RandomUniformLike", base, dtype=number, low=least, high=most)
    mean, spread_of = float(call.attr("means", 0)), float(call.attr("stddev", 1))
    drawn = g.emit("RandomNormalLike", base, dtype=number, mean=0.0, scale=1.0)
    if kind == "TruncatedNormal":  # within two deviations: the rest is drawn anew, here set to the nearer bound
        drawn = g.emit("Clip", drawn, g.scalar(-2, np.float32), g.scalar(2, np.float32))
    scaled = g.emit("Mul", drawn, g.scalar(spread_of, np.float32))
    return g.emit("Add", scaled, g.scalar(mean, np.float32))


@handles("Multinomial")
def _multinomial(call: Call) -> str:
    return call.g.emit("Multinomial", call.as_float(0), sample_size=int(call.number(1)), dtype=6)
