"""MediaPipe's own operators, as mediapipe/util/tflite/operations computes them (0.10.21).

Matrices are 4x4 and act on columns (x, y, z, 1); landmarks are (1, n, 2 or 3) in pixels, z apart from the rest.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from flatbuffers import flexbuffers

from bodydouble.convert.operators import conv
from bodydouble.convert.operators.weights import placed
from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_operators.elementwise import choice, compare, pair
from bodydouble.convert.tflite_operators.reduce import reduced
from bodydouble.convert.tflite_operators.registry import handles
from bodydouble.convert.tflite_schema import DAMAGE
from bodydouble.types import BodyDoubleError


def custom_options(call: Call) -> dict[str, Any]:
    """The options of a custom operator, a flexbuffer map."""
    try:
        options = flexbuffers.Loads(call.operator.custom) if call.operator.custom else {}
    except (*DAMAGE, NotImplementedError) as error:
        raise BodyDoubleError(f"{call.kind} whose options cannot be read") from error
    if not isinstance(options, dict):
        raise BodyDoubleError(f"{call.kind} whose options are no map")
    return options


def needed(call: Call, options: dict[str, Any], name: str) -> Any:
    """An option that has to be there."""
    if name not in options:
        raise BodyDoubleError(f"{call.kind} without its option {name}")
    return options[name]


def _struct(call: Call, count: int) -> tuple[int, ...]:
    """The first numbers of a C struct of integers."""
    if len(call.operator.custom) < 4 * count:
        raise BodyDoubleError(f"{call.kind} with options of {len(call.operator.custom)} bytes; wanted {4 * count}")
    return struct.unpack_from(f"<{count}i", call.operator.custom)


_SAME = 1  # kTfLitePaddingSame


@handles("Convolution2DTransposeBias")
def _transpose_conv_bias(call: Call) -> Result:
    """Options: the C struct TfLiteTransposeConvParams (padding, two strides)."""
    same, width, height = _struct(call, 3)
    weights = call.weights(1)
    rows, columns = conv.picture(call.builder, call.input())[1:3]
    kernel = call.builder.shape(placed(call.builder, weights, (0, 1, 2, 3)))[1:3] if same != _SAME else (0, 0)
    if not isinstance(rows, int) or not isinstance(columns, int):
        raise BodyDoubleError(f"{call.kind} of a size known only at run time")
    over = (max(kernel[0] - height, 0), max(kernel[1] - width, 0))
    return conv.transposed_convolution(
        call.builder,
        call.input(0),
        weights,
        call.optional(2),
        size=(rows * height + over[0], columns * width + over[1]),
        strides=(height, width),
        padding="SAME" if same == _SAME else "VALID",
    )


@handles("MaxPoolingWithArgmax2D")
def _max_pool_argmax(call: Call) -> Result:
    """The largest of each window, and its place in the window, row by row (with a tenth added, as there).

    Options: the C struct TfLitePoolParams (padding, strides x and y, filter width and height, ...).
    """
    same, stride_x, stride_y, width, height = _struct(call, 5)
    batch, rows, columns, channels = call.shape()
    padding: conv.Padding = "SAME" if same == _SAME else "VALID"
    tall, top, bottom = conv.window(rows, height, stride_y, 1, padding)
    wide, left, right = conv.window(columns, width, stride_x, 1, padding)
    lowest = call.like(float(np.finfo(np.float32).min), call.input())
    pads = call.array([0, top, left, 0, 0, bottom, right, 0], name="pads")
    padded_shape = (batch, rows + top + bottom, columns + left + right, channels)
    padded = call.add("Pad", [call.input(), pads, lowest], padded_shape, mode="constant")
    parts, size = [], (batch, tall, wide, channels)
    for y in range(height):
        for x in range(width):
            starts = call.array([y, x], name="starts")
            ends = call.array([y + (tall - 1) * stride_y + 1, x + (wide - 1) * stride_x + 1], name="ends")
            cuts = [starts, ends, call.array([1, 2], name="axes"), call.array([stride_y, stride_x], name="steps")]
            part = call.add("Slice", [padded, *cuts], size)
            parts.append(call.add("Unsqueeze", [part, call.array([0])], (1, *size)))
    stack = call.add("Concat", parts, (len(parts), *size), axis=0)
    largest = call.add("ReduceMax", [stack], size, axes=[0], keepdims=0)
    place = call.cast(call.add("ArgMax", [stack], size, np.int64, axis=0, keepdims=0), np.float32)
    return [largest, call.add("Add", [place, call.like(0.1, place)], size)]


@handles("MaxUnpooling2D")
def _max_unpooling(call: Call) -> Result:
    """Each number at its place in a window of zeros; the windows do not overlap. Options: TfLitePoolParams."""
    _, stride_x, stride_y, width, height = _struct(call, 5)
    if (stride_x, stride_y) != (width, height):
        raise BodyDoubleError(f"MaxUnpooling2D of windows {width}x{height} with strides {stride_x}, {stride_y}")
    batch, rows, columns, channels = call.shape()
    # (N, H, 1, W, 1, C) against the places (height, 1, width, 1).
    spread = (batch, rows, 1, columns, 1, channels)
    places = call.cast(call.reshaped(call.input(1), spread), np.int32)
    numbers = np.arange(height * width, dtype=np.int32).reshape(height, 1, width, 1)
    here = compare(call, "EQUAL", places, call.builder.constant(numbers, name="places"))
    value = choice(call, here, call.reshaped(call.input(0), spread), call.like(0, call.input()))
    return call.reshaped(value, (batch, rows * height, columns * width, channels))


def _part(call: Call, matrix: str, columns: range) -> str:
    """The first two rows of a 4x4 matrix, of these columns: (1, 2, n)."""
    square = call.reshaped(matrix, (1, 4, 4))
    ends = [call.array(n) for n in ([0, columns.start], [2, columns.stop], [1, 2])]
    return call.add("Slice", [square, *ends], (1, 2, len(columns)))


@handles("TransformTensor", "TransformTensorBilinear")
def _transform_tensor(call: Call) -> Result:
    """A picture seen through a matrix that takes pixels of the result to pixels of it; black outside.

    Version 2 reckons from pixels' corners, so that their centres lie at a half.
    """
    options = custom_options(call)
    height, width = (int(needed(call, options, f"output_{side}")) for side in ("height", "width"))
    _, rows, columns, channels = call.shape()
    half = 0.5 if call.operator.version > 1 else 0.0
    y, x = np.mgrid[:height, :width].reshape(2, -1).astype(np.float32) + np.float32(half)
    corners = np.stack([x, y, np.zeros_like(x), np.ones_like(x)])[None]
    count = height * width
    places = call.add("MatMul", [_part(call, call.input(1), range(4)), call.array(corners, np.float32)], (1, 2, count))
    if half:
        places = call.add("Sub", [places, call.like(half, places)], (1, 2, count))
    last = call.array([[[columns - 1], [rows - 1]]], np.float32)
    inside = [compare(call, "GREATER_EQUAL", places, call.like(0, places)), compare(call, "LESS_EQUAL", places, last)]
    seen = reduced(call, "ReduceMin", call.cast(call.add("And", inside, (1, 2, count)), np.float32), [1], keep=True)
    # GridSample's own coordinates: -1 and 1 are the centres of the outermost pixels.
    grid = call.add(
        "Mul", [places, call.array(2 / np.maximum([[[columns - 1], [rows - 1]]], 1), np.float32)], (1, 2, count)
    )
    grid = call.add("Sub", [grid, call.like(1, grid)], (1, 2, count))
    grid = call.reshaped(call.add("Transpose", [grid], (1, count, 2), perm=(0, 2, 1)), (1, height, width, 2))
    picture = conv.channels_first(call.builder, call.input())
    value = call.add("GridSample", [picture, grid], (1, channels, height, width), mode="bilinear", align_corners=1)
    value = call.add("Mul", [value, call.reshaped(seen, (1, 1, height, width))], (1, channels, height, width))
    return conv.channels_last(call.builder, value)


@handles("TransformLandmarks")
def _transform_landmarks(call: Call) -> Result:
    """x and y of landmarks through a matrix. Version 1 has them in one row, and a scale for the translation."""
    dims = call.shape()
    size, scale = dims[-1], 1.0
    if call.operator.version == 1:
        options = custom_options(call)
        size, scale = int(options.get("dimensions", 3)), float(options.get("scale", 1.0))
    if size not in (2, 3):
        raise BodyDoubleError(f"TransformLandmarks of {size} coordinates")
    count = math.prod(dims) // size
    points = call.reshaped(call.input(), (1, count, size))
    xy = _columns(call, points, 0, 2)
    linear = call.add("Transpose", [_part(call, call.input(1), range(2))], (1, 2, 2), perm=(0, 2, 1))
    moved = call.reshaped(_part(call, call.input(1), range(3, 4)), (1, 1, 2))
    if scale != 1:
        moved = call.add("Mul", [moved, call.like(scale, moved)], (1, 1, 2))
    xy = pair(call, "Add", call.add("MatMul", [xy, linear], (1, count, 2)), moved)
    if size == 3:
        xy = call.add("Concat", [xy, _columns(call, points, 2, 3)], (1, count, 3), axis=2)
    return call.reshaped(xy, dims)


def _columns(call: Call, points: str, first: int, last: int) -> str:
    """Some of the coordinates of (1, n, 3)."""
    dims = call.builder.shape(points)
    ends = [call.array([first]), call.array([last]), call.array([2])]
    return call.add("Slice", [points, *ends], (*dims[:2], last - first))


def _number(call: Call, points: str, index: int, axis: int) -> str:
    """One coordinate of one landmark, (1, 1, 1)."""
    ends = [call.array([index, axis]), call.array([index + 1, axis + 1]), call.array([1, 2])]
    return call.add("Slice", [points, *ends], (1, 1, 1))


def _rotation(call: Call, cosine: str, sine: str) -> str:
    """(1, 2, 2): cosine, minus sine; sine, cosine."""
    row = call.add("Concat", [cosine, call.add("Neg", [sine], (1, 1, 1)), sine, cosine], (1, 1, 4), axis=2)
    return call.reshaped(row, (1, 2, 2))


@handles("Landmarks2TransformMatrix")
def _landmarks_to_matrix(call: Call) -> Result:
    """The matrix that takes pixels of a crop to the picture: the box around some landmarks, turned so that the line
    from the left to the right landmark given lies level, and enlarged."""
    options = custom_options(call)
    old = call.operator.version == 1
    points = call.reshaped(call.input(), (1, math.prod(call.shape()) // 3, 3))
    ends = [int(needed(call, options, f"{side}_rotation_idx")) for side in ("right", "left")]
    dx, dy = (
        call.add("Sub", [_number(call, points, ends[0], axis), _number(call, points, ends[1], axis)], (1, 1, 1))
        for axis in (0, 1)
    )
    target = 0.0 if old else float(needed(call, options, "target_rotation_radians"))
    cosine, sine = _angle(call, dx, dy, target, halves=old)
    chosen = list(needed(call, options, "subset" if old else "subset_idxs"))
    if not chosen or min(*chosen, *ends) < 0 or max(*chosen, *ends) >= call.builder.shape(points)[1]:
        raise BodyDoubleError("Landmarks2TransformMatrix of landmarks that are not there")
    around = call.add("Gather", [_columns(call, points, 0, 2), call.array(chosen)], (1, len(chosen), 2), axis=1)
    # Points are rows here: row @ transposed rotation.
    turned = call.add(
        "MatMul", [around, _rotation(call, cosine, call.add("Neg", [sine], (1, 1, 1)))], around_shape(chosen)
    )
    high, low = (reduced(call, f"Reduce{end}", turned, [1], keep=True) for end in ("Max", "Min"))
    size = call.add("Sub", [high, low], (1, 1, 2))
    middle = call.add("Mul", [call.add("Add", [high, low], (1, 1, 2)), call.like(0.5, high)], (1, 1, 2))
    back = call.add("MatMul", [middle, _rotation(call, cosine, sine)], (1, 1, 2))
    build = _old_matrix if old else _new_matrix
    linear, moved = build(call, options, _rotation(call, cosine, call.add("Neg", [sine], (1, 1, 1))), size, back)
    nothing = call.array(np.zeros((1, 2, 1)), np.float32)
    upper = call.add("Concat", [linear, nothing, call.reshaped(moved, (1, 2, 1))], (1, 2, 4), axis=2)
    lower = call.array([[[0, 0, 1, 0], [0, 0, 0, 1]]], np.float32)
    return call.add("Concat", [upper, lower], (1, 4, 4), axis=1)


def around_shape(chosen: list[int]) -> tuple[int, int, int]:
    """Sizes of the chosen landmarks."""
    return (1, len(chosen), 2)


def _angle(call: Call, dx: str, dy: str, target: float, *, halves: bool) -> tuple[str, str]:
    """Cosine and sine of the target less the angle of (dx, dy). halves: of the line's slope, which has no direction."""
    one = (1, 1, 1)
    if halves:
        flip = compare(call, "LESS", dx, call.like(0, dx))
        dx, dy = (choice(call, flip, call.add("Neg", [d], one), d) for d in (dx, dy))
    squares = call.add("Add", [call.add("Mul", [dx, dx], one), call.add("Mul", [dy, dy], one)], one)
    length = call.add("Sqrt", [squares], one)
    none = compare(call, "EQUAL", length, call.like(0, length))
    length = choice(call, none, call.like(1, length), length)
    dx = choice(call, none, call.like(1, dx), dx)  # an angle of 0, as C has it
    x, y = call.add("Div", [dx, length], one), call.add("Div", [dy, length], one)
    c, s = math.cos(target), math.sin(target)

    def mixed(a: float, b: float) -> str:
        left, right = (call.add("Mul", [v, call.like(k, v)], one) for v, k in ((x, a), (y, b)))
        return call.add("Add", [left, right], one)

    return mixed(c, s), mixed(s, -c)


def _new_matrix(call: Call, options: dict[str, Any], rotation: str, size: str, centre: str) -> tuple[str, str]:
    """Version 2: pixels from the crop's middle, scaled, turned back and moved to the box's middle."""
    out = [float(needed(call, options, f"output_{side}")) for side in ("width", "height")]
    scale = [float(needed(call, options, f"scale_{axis}")) / out[n] for n, axis in enumerate("xy")]
    steps = call.add("Mul", [size, call.array([[scale]], np.float32)], (1, 1, 2))
    linear = call.add("Mul", [rotation, steps], (1, 2, 2))
    half = call.array([[[-out[0] / 2, -out[1] / 2]]], np.float32)
    shifted = reduced(call, "ReduceSum", call.add("Mul", [linear, half], (1, 2, 2)), [2], keep=True)
    return linear, call.add("Add", [call.reshaped(centre, (1, 2, 1)), shifted], (1, 2, 1))


def _old_matrix(call: Call, options: dict[str, Any], rotation: str, size: str, centre: str) -> tuple[str, str]:
    """Version 1: by way of coordinates from -1 to 1 on both sides."""
    extent = float(needed(call, options, "landmarks_range"))
    larger = float(needed(call, options, "bbox_size_multiplier")) / extent
    (out_h, out_w), (in_h, in_w) = (needed(call, options, name) for name in ("output_hw", "input_hw"))
    inner = np.array([2 / (out_w - 1), 2 / (out_h - 1)])
    outer = np.array([(in_w - 1) / 2, (in_h - 1) / 2])
    turned = call.add("Mul", [rotation, call.add("Mul", [size, call.like(larger, size)], (1, 1, 2))], (1, 2, 2))
    column = call.array(outer.reshape(1, 2, 1), np.float32)
    turned = call.add("Mul", [turned, column], (1, 2, 2))
    linear = call.add("Mul", [turned, call.array(inner.reshape(1, 1, 2), np.float32)], (1, 2, 2))
    # outer * (turned @ (-1, -1) + centre * 2 / extent - 1) + outer
    corner = reduced(call, "ReduceSum", turned, [2], keep=True)
    wide = call.reshaped(centre, (1, 2, 1))
    wide = call.add("Mul", [wide, call.array((outer * 2 / extent).reshape(1, 2, 1), np.float32)], (1, 2, 1))
    return linear, call.add("Sub", [wide, corner], (1, 2, 1))
