"""Layers that prepare inputs: scaling of values, resizing, cropping, counting categories."""

from __future__ import annotations

import math

import numpy as np

from bodydouble.convert.keras.calls import Call, Result, known, layer, number
from bodydouble.convert.keras.windows import to_first, to_last
from bodydouble.types import BodyDoubleError


@layer("Rescaling")
def _rescaling(call: Call) -> Result:
    x = call.g.cast(call.x, np.float32)
    y = call.g.emit("Mul", x, call.g.scalar(number(call.option("scale", 1.0), "scale"), np.float32))
    return call.g.emit("Add", y, call.g.scalar(number(call.option("offset", 0.0), "offset"), np.float32))


@layer("Resizing")
def _resizing(call: Call) -> Result:
    """As Keras has it, pixels at their middles: TensorFlow.js cannot run this layer inside a model."""
    word = call.word("interpolation", "bilinear")
    mode = {"nearest": "nearest", "bilinear": "linear"}.get(word)
    if mode is None or call.flag("crop_to_aspect_ratio"):
        raise BodyDoubleError(f"interpolation {word}{' with cropping' if call.flag('crop_to_aspect_ratio') else ''}")
    return _resized(call, mode, "half_pixel")


def _resized(call: Call, mode: str, centers: str) -> str:
    x, dims = call.g.cast(call.x, np.float32), call.dims()
    if len(dims) != 4:
        raise BodyDoubleError(f"of an input of {len(dims)} axes; wanted pictures (N, H, W, C)")
    size = call.g.ints(int(call.option("height")), int(call.option("width")))
    first = to_first(call.g, x)
    sizes = call.g.emit("Concat", call.g.emit("Shape", first, start=0, end=2), size, axis=0)
    y = call.g.emit(
        "Resize",
        first,
        "",
        "",
        sizes,
        mode=mode,
        coordinate_transformation_mode=centers,
        nearest_mode="round_prefer_ceil",
    )
    return to_last(call.g, y)


@layer("CenterCrop")
def _center_crop(call: Call) -> Result:
    """TensorFlow.js crops by sampling, so that rows may come twice; larger pictures than the input are resized."""
    dims = call.dims()
    rank = len(dims)
    wanted = (int(call.option("height")), int(call.option("width")))
    given = [known(dims, axis, "a height or width") for axis in (rank - 3, rank - 2)]
    margins = [(there - size) // 2 for there, size in zip(given, wanted, strict=True)]
    if given[1] != wanted[1] and margins[1] == 0:
        margins[1] = 1
    if min(margins) < 0:
        return call.g.cast(_resized(call, "linear", "asymmetric"), call.g.dtype(call.x))
    y = call.x
    for axis, there, size, margin in zip((rank - 3, rank - 2), given, wanted, margins, strict=True):
        rows = call.g.constant(_sampled(there, size, margin), name="rows")
        y = call.g.emit("Gather", y, rows, axis=axis)
    return y


def _sampled(there: int, size: int, margin: int) -> np.ndarray:
    """The rows that cropAndResize takes (tfjs-backend-cpu): the nearest, halves up. Fractions are float32."""
    first, last = (float(np.float32(n / there)) for n in (margin, margin + size))
    if size == 1:
        places = [0.5 * (first + last) * (there - 1)]
    else:
        scale = (last - first) * (there - 1) / (size - 1)
        places = [first * (there - 1) + row * scale for row in range(size)]
    if min(places) < 0 or max(places) > there - 1:
        raise BodyDoubleError(f"a crop of {size} of {there} that reaches outside")
    return np.array([math.floor(place + 0.5) for place in places], np.int64)


@layer("CategoryEncoding")
def _category_encoding(call: Call) -> Result:
    mode, count = call.word("output_mode", "multi_hot"), int(call.option("num_tokens"))
    rows = call.g.cast(call.x, np.int32)
    if mode == "int":
        return rows
    if mode not in ("multi_hot", "one_hot", "count") or len(call.dims()) != 2:
        raise BodyDoubleError(f"output_mode {mode} of an input of {len(call.dims())} axes")
    off_on = call.g.constant(np.array([0, 1], np.float32), name="off_on")
    hot = call.g.emit(
        "OneHot",
        call.g.cast(rows, np.int64),
        call.g.constant(np.array([count], np.int64), name="depth"),
        off_on,
        axis=-1,
    )
    if mode == "count":
        return call.g.emit("ReduceSum", hot, call.g.ints(1), keepdims=0)
    return call.g.emit("ReduceMax", hot, axes=[1], keepdims=0)
