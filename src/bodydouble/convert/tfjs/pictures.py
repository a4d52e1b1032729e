"""Operators of pictures (N, H, W, C): scaling, cutting out, blocks of pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Dim
from bodydouble.convert.tfjs.calls import Call, handles
from bodydouble.convert.tfjs.convolution import first, last
from bodydouble.convert.tfjs.shaping import to_sizes
from bodydouble.types import BodyDoubleError


@handles("ResizeBilinear", "ResizeNearestNeighbor")
def _resize(call: Call) -> str:
    corners, centers = bool(call.attr("align_corners", False)), bool(call.attr("half_pixel_centers", False))
    transform = "align_corners" if corners else "half_pixel" if centers else "asymmetric"
    attributes = {"coordinate_transformation_mode": transform, "mode": "linear"}
    if call.record.op == "ResizeNearestNeighbor":
        # Source pixels: floor(i * scale), floor((i + 0.5) * scale), or the nearest where corners are aligned.
        nearest = "floor" if transform == "asymmetric" else "round_prefer_ceil"
        attributes |= {"mode": "nearest", "nearest_mode": nearest}
    g = call.g
    x = first(g, call.as_float(0) if call.record.op == "ResizeBilinear" else call.x(0))
    size = to_sizes(g, call.x(1))
    size = size if g.dims(size) == (2,) else g.emit("Reshape", size, g.ints(2))
    return last(g, resized(g, x, size, attributes))


def resized(g: Emitter, x: str, size: str, attributes: dict[str, str]) -> str:
    """A channels-first picture scaled to a size (height and width, int64)."""
    dims = g.dims(x)
    content = g.content(size)
    wanted: list[Dim] = list(content) if content is not None and content.size == 2 else ["", ""]
    if wanted == list(dims[2:]) and "" not in wanted:
        return x
    hint = [*dims[:2], *wanted]
    old = [n for n in dims[2:] if isinstance(n, int)]
    new = [n for n in wanted if isinstance(n, int)]
    whole = len(old) == len(new) == 2 and all(b % a == 0 for a, b in zip(old, new, strict=True))
    open_batch = not all(isinstance(n, int) for n in dims[:2]) and len(old) == len(new) == 2
    if attributes["coordinate_transformation_mode"] != "align_corners" and (whole or open_batch):
        # As scales: ONNX Runtime's blocked kernels take no sizes, and an open batch needs no arithmetic of shapes.
        scales = [1.0, 1.0, *(_scale(a, b) for a, b in zip(old, new, strict=True))]
        return g.emit("Resize", x, "", g.constant(np.array(scales, np.float32)), dims=hint, **attributes)
    shape = g.emit("Shape", x)
    sizes = g.emit("Concat", g.emit("Slice", shape, g.ints(0), g.ints(2), g.ints(0)), size, axis=0)
    return g.emit("Resize", x, "", "", sizes, dims=hint, **attributes)


def _scale(old: int, new: int) -> float:
    """The factor that gives `new` pixels when multiplied in single precision and rounded down."""
    scale = np.float32(new / old)
    while math.floor(np.float32(old) * scale) < new:
        scale = np.nextafter(scale, np.float32(np.inf))
    return float(scale)


@handles("DepthToSpace")
def _depth_to_space(call: Call) -> str:
    g, block = call.g, int(call.attr("block_size", 1))
    if call.attr("data_format", "NHWC") not in ("NHWC", ""):
        raise BodyDoubleError("DepthToSpace of channels first")
    return last(g, g.emit("DepthToSpace", first(g, call.x()), blocksize=block, mode="DCR"))


@handles("SpaceToDepth")
def _space_to_depth(call: Call) -> str:
    g, block = call.g, int(call.attr("block_size", 1))
    return last(g, g.emit("SpaceToDepth", first(g, call.x()), blocksize=block))


@handles("CropAndResize")
def _crop_and_resize(call: Call) -> str:
    """Regions (y1, x1, y2, x2 as fractions of the picture less one pixel) of pictures named by number, scaled."""
    g = call.g
    height, width = call.numbers(3)
    nearest = str(call.attr("method", "bilinear")).lower() == "nearest"
    outside = float(call.attr("extrapolation_value", 0.0))
    picture = g.emit("Gather", first(g, call.as_float(0)), call.as_type(2, np.int64), axis=0)
    sizes = g.cast(g.emit("Shape", picture), np.float32)
    last_pixels = [g.emit("Sub", _entry(g, sizes, axis), g.scalar(1, np.float32)) for axis in (2, 3)]
    coordinates = [
        _samples(g, call.as_float(1), start, count, pixels)
        for start, count, pixels in ((0, height, last_pixels[0]), (1, width, last_pixels[1]))
    ]
    zero, one = g.scalar(0, np.float32), g.scalar(1, np.float32)
    inside = [
        g.emit("And", g.emit("GreaterOrEqual", at, zero), g.emit("LessOrEqual", at, pixels))
        for at, pixels in zip(coordinates, last_pixels, strict=True)
    ]
    if nearest:
        coordinates = [g.emit("Floor", g.emit("Add", at, g.scalar(0.5, np.float32))) for at in coordinates]
    # GridSample counts from -1 to 1 between the outermost pixels' centres.
    grid = [
        g.emit("Sub", g.emit("Div", g.emit("Mul", at, g.scalar(2, np.float32)), g.emit("Max", pixels, one)), one)
        for at, pixels in zip(coordinates, last_pixels, strict=True)
    ]
    rows = g.emit("Unsqueeze", g.emit("Unsqueeze", grid[0], g.ints(2)), g.ints(3))
    columns = g.emit("Unsqueeze", g.emit("Unsqueeze", grid[1], g.ints(1)), g.ints(3))
    places = g.emit(
        "Concat",
        g.emit("Add", columns, g.emit("Mul", rows, zero)),
        g.emit("Add", rows, g.emit("Mul", columns, zero)),
        axis=3,
    )
    kind: dict[str, Any] = {"mode": "nearest" if nearest else "bilinear", "padding_mode": "border", "align_corners": 1}
    y = g.emit("GridSample", picture, places, **kind)
    both = g.emit("And", g.emit("Unsqueeze", inside[0], g.ints(2)), g.emit("Unsqueeze", inside[1], g.ints(1)))
    y = g.emit("Where", g.emit("Unsqueeze", both, g.ints(1)), y, g.scalar(outside, np.float32))
    return last(g, y)


def _entry(g: Emitter, vector: str, index: int) -> str:
    return g.emit("Gather", vector, g.scalar(index, np.int64), axis=0)


def _samples(g: Emitter, boxes: str, start: int, count: int, pixels: str) -> str:
    """(boxes, count) pixel coordinates along one axis; a single sample lies in the middle."""
    low = g.emit("Slice", boxes, g.ints(start), g.ints(start + 1), g.ints(1))
    high = g.emit("Slice", boxes, g.ints(start + 2), g.ints(start + 3), g.ints(1))
    if count == 1:
        middle = g.emit("Mul", g.emit("Add", low, high), g.scalar(0.5, np.float32))
        return g.emit("Mul", middle, pixels)
    step = g.emit("Div", g.emit("Mul", g.emit("Sub", high, low), pixels), g.scalar(count - 1, np.float32))
    ramp = g.constant(np.arange(count, dtype=np.float32), name="ramp")
    return g.emit("Add", g.emit("Mul", low, pixels), g.emit("Mul", ramp, step))
