"""Complex numbers, as pairs of tensors that ONNX does not know of, and Fourier transforms over the last axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.tfjs.calls import Call, handles
from bodydouble.convert.tfjs.slicing import cut, reversed_along
from bodydouble.types import BodyDoubleError


@dataclass(frozen=True, slots=True)
class Complex:
    """Real and imaginary part, values of the same dims."""

    real: str
    imaginary: str


def _complex(call: Call, position: int = 0) -> Complex:
    """An input that has to be complex."""
    thing = call.given[position] if call.has(position) else None
    if isinstance(thing, Complex):
        return thing
    raise BodyDoubleError(f"{call.record.op} of real numbers")


@handles("Complex")
def _make(call: Call) -> Complex:
    return Complex(call.as_float(0), call.as_float(1))


@handles("Real")
def _real(call: Call) -> str:
    return _complex(call).real


@handles("Imag")
def _imaginary(call: Call) -> str:
    return _complex(call).imaginary


@handles("ComplexAbs")
def _absolute(call: Call) -> str:
    g, x = call.g, _complex(call)
    squares = [g.emit("Mul", part, part) for part in (x.real, x.imaginary)]
    return g.emit("Sqrt", g.emit("Add", *squares))


def transformed(g: Emitter, x: Complex, *, inverse: bool) -> Complex:
    """The discrete Fourier transform of every row."""
    size = g.dims(x.real)[-1]
    if not isinstance(size, int):
        raise BodyDoubleError("a Fourier transform of a length known only at run time")
    rows = [g.emit("Reshape", part, g.ints(-1, size, 1)) for part in (x.real, x.imaginary)]
    y = g.emit("DFT", g.emit("Concat", *rows, axis=2), axis=1, inverse=int(inverse))
    shape = g.emit("Shape", x.real)
    return Complex(*[g.emit("Reshape", cut(g, y, 2, part, part + 1), shape) for part in (0, 1)])


@handles("FFT")
def _fft(call: Call) -> Complex:
    return transformed(call.g, _complex(call), inverse=False)


@handles("IFFT")
def _ifft(call: Call) -> Complex:
    return transformed(call.g, _complex(call), inverse=True)


def _fitted(g: Emitter, x: str, size: int) -> str:
    """The rows cut off or filled up with zeros."""
    axis, there = g.rank(x) - 1, g.dims(x)[-1]
    if not isinstance(there, int):
        raise BodyDoubleError("a Fourier transform of a length known only at run time")
    if there >= size:
        return cut(g, x, axis, 0, size) if there > size else x
    pads = [0] * (2 * g.rank(x))
    pads[-1] = size - there
    return g.emit("Pad", x, g.ints(*pads), g.scalar(0, np.float32), mode="constant")


@handles("RFFT")
def _rfft(call: Call) -> Complex:
    """Of real rows: the half of the transform that says all."""
    g, size = call.g, int(call.array(1).ravel()[-1])
    x = _fitted(g, call.as_float(0), size)
    whole = transformed(g, Complex(x, g.emit("Sub", x, x)), inverse=False)
    last = g.rank(x) - 1
    return Complex(*[cut(g, part, last, 0, size // 2 + 1) for part in (whole.real, whole.imaginary)])


@handles("IRFFT")
def _irfft(call: Call) -> str:
    """The real rows whose half of a transform this is."""
    g, size = call.g, int(call.array(1).ravel()[-1])
    half = _complex(call)
    last, count = g.rank(half.real) - 1, size // 2 + 1
    parts = []
    for part, sign in ((half.real, 1), (half.imaginary, -1)):
        kept = _fitted(g, part, count)
        mirrored = reversed_along(g, cut(g, kept, last, 1, (size + 1) // 2), [last])
        mirrored = g.emit("Neg", mirrored) if sign < 0 else mirrored
        parts.append(g.emit("Concat", kept, mirrored, axis=last))
    return transformed(g, Complex(*parts), inverse=True).real
