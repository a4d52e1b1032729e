"""Rarer operators with windows: the largest pixel and where it is, dilation by a shape, projective transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.tfjs.calls import Call, handles
from bodydouble.convert.tfjs.convolution import Window, first, last, padded_as_needed, window_of
from bodydouble.convert.tfjs.slicing import FAR
from bodydouble.types import BodyDoubleError


@handles("MaxPoolWithArgmax")
def _max_pool_with_argmax(call: Call) -> tuple[str, str]:
    """The second result counts pixels row by row with channels innermost, in the whole batch or in each picture."""
    g = call.g
    over = window_of(call, tuple(call.attr("ksize"))[1:-1])
    x = first(g, call.as_float())
    _, channels, height, width = g.shape(x)
    pads = [pad or (0, 0) for pad in over.pads((height, width))]
    flat = [before for before, _ in pads] + [after for _, after in pads]
    sliding: dict[str, Any] = {"kernel_shape": over.kernel, "strides": over.strides, "pads": flat}
    y, places = g.emit_all("MaxPool", [x], 2, **sliding)
    area, depth = g.scalar(height * width, np.int64), g.scalar(channels, np.int64)
    plane = g.emit("Div", places, area)
    index = g.emit("Add", g.emit("Mul", g.emit("Mod", places, area), depth), g.emit("Mod", plane, depth))
    if call.attr("include_batch_in_index", False):
        picture = g.emit("Div", plane, depth)
        index = g.emit("Add", index, g.emit("Mul", picture, g.scalar(height * width * channels, np.int64)))
    return last(g, y), g.cast(last(g, index), np.int32)


@handles("Dilation2D")
def _dilation(call: Call) -> str:
    """The largest of pixel + weight over a window; outside the picture there is nothing."""
    g, weights = call.g, call.array(1)
    rates = tuple(call.attr("rates") or (1, 1, 1, 1))[1:3]
    plain = window_of(call, weights.shape[:2])
    over = Window(plain.kernel, plain.strides, rates, plain.padding)
    x = first(g, call.as_float(0))
    if over.padding == "SAME":
        x = padded_as_needed(g, x, over, float(np.finfo(np.float32).min) / 2)
    reach = [(kernel - 1) * rate for kernel, rate in zip(over.kernel, rates, strict=True)]
    best = ""
    for row in range(over.kernel[0]):
        for column in range(over.kernel[1]):
            starts = [row * rates[0], column * rates[1]]
            ends = [start - end if start < end else FAR for start, end in zip(starts, reach, strict=True)]
            part = g.emit("Slice", x, g.ints(*starts), g.ints(*ends), g.ints(2, 3), g.ints(*over.strides))
            weight = g.constant(weights[row, column].reshape(1, -1, 1, 1).astype(np.float32), name="weight")
            part = g.emit("Add", part, weight)
            best = g.emit("Max", best, part) if best else part
    return last(g, best)


@handles("ImageProjectiveTransformV3")
def _projective(call: Call) -> str:
    """Pixel (x, y) shows the picture at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k) with k = c0 x + c1 y + 1."""
    g = call.g
    height, width = call.numbers(2)
    mode, border = (str(call.attr(n, d)).upper() for n, d in (("interpolation", "NEAREST"), ("fill_mode", "CONSTANT")))
    if border not in ("CONSTANT", "NEAREST") or mode not in ("NEAREST", "BILINEAR"):
        raise BodyDoubleError(f"ImageProjectiveTransformV3 with {mode} and border {border}")
    fill = call.as_float(3) if call.has(3) else g.scalar(0, np.float32)
    picture = first(g, call.as_float(0))
    ys, xs = (axis.astype(np.float32)[None, :, :, None] for axis in np.mgrid[:height, :width])
    x, y = g.constant(xs, name="x"), g.constant(ys, name="y")
    terms = [_term(g, call.as_float(1), n) for n in range(8)]
    scale = g.emit("Add", _plane(g, terms[6], terms[7], x, y), g.scalar(1, np.float32))
    places = [
        g.emit("Div", g.emit("Add", _plane(g, terms[n], terms[n + 1], x, y), terms[n + 2]), scale) for n in (0, 3)
    ]
    if mode == "NEAREST":
        places = [g.emit("Floor", g.emit("Add", place, g.scalar(0.5, np.float32))) for place in places]
    two, one = g.scalar(2, np.float32), g.scalar(1, np.float32)
    grid = []
    for place, axis in zip(places, (3, 2), strict=True):
        size = g.cast(g.emit("Shape", picture, start=axis, end=axis + 1), np.float32)
        span = g.emit("Max", g.emit("Sub", size, one), one)
        grid.append(g.emit("Sub", g.emit("Div", g.emit("Mul", place, two), span), one))
    both = g.emit("Concat", *grid, axis=3)
    batch = g.emit("Shape", picture, start=0, end=1)
    both = g.emit(
        "Expand", both, g.emit("Concat", batch, g.ints(1, 1, 1), axis=0), dims=[g.dims(picture)[0], height, width, 2]
    )
    padding = "zeros" if border == "CONSTANT" else "border"
    moved = g.emit("Sub", picture, fill) if border == "CONSTANT" else picture
    sampled = g.emit("GridSample", moved, both, mode=mode.lower(), padding_mode=padding, align_corners=1)
    return last(g, g.emit("Add", sampled, fill) if border == "CONSTANT" else sampled)


def _term(g: Emitter, transforms: str, number: int) -> str:
    """One of the eight numbers of each picture, (N, 1, 1, 1)."""
    column = g.emit("Slice", transforms, g.ints(number), g.ints(number + 1), g.ints(1))
    return g.emit("Unsqueeze", column, g.ints(2, 3))


def _plane(g: Emitter, a: str, b: str, x: str, y: str) -> str:
    return g.emit("Add", g.emit("Mul", a, x), g.emit("Mul", b, y))
