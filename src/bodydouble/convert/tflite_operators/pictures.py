"""Operators that look at neighbouring pixels: convolutions, pooling, resizing, blocks; and fully connected layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bodydouble.convert.graph import Dim
from bodydouble.convert.operators import conv
from bodydouble.convert.operators.sizes import broadcast
from bodydouble.convert.operators.weights import Weights, placed, shape_of
from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_operators.elementwise import pair
from bodydouble.convert.tflite_operators.registry import handles
from bodydouble.types import BodyDoubleError


@handles("CONV_2D")
def _conv_2d(call: Call) -> Result:
    weights = call.weights(1)
    shape, channels = shape_of(call.builder, weights), _channels(call)
    if len(shape) != 4:
        raise BodyDoubleError(f"CONV_2D with weights of shape {shape}")
    value = conv.convolution(
        call.builder,
        call.input(),
        weights,
        call.bias(2, weights),
        groups=channels // max(shape[-1], 1),
        strides=call.pair("Stride{}"),
        dilations=call.pair("Dilation{}Factor"),
        padding=call.padding,
    )
    return call.activated(value)


def _channels(call: Call) -> int:
    """Channels of the picture that comes in."""
    size = conv.picture(call.builder, call.input())[3]
    if isinstance(size, str):
        raise BodyDoubleError(f"{call.kind} of channels known only at run time")
    return size


@handles("DEPTHWISE_CONV_2D")
def _depthwise_conv_2d(call: Call) -> Result:
    # (1, H, W, channels * multiplier): output channel o reads input channel o // multiplier, which is a group each.
    stored = call.weights(1)
    shape = shape_of(call.builder, stored)
    if len(shape) != 4:
        raise BodyDoubleError(f"DEPTHWISE_CONV_2D with weights of shape {shape}")
    weights: Weights = (
        placed(call.builder, stored, (3, 1, 2, 0)) if isinstance(stored, str) else stored.transpose(3, 1, 2, 0)
    )
    value = conv.convolution(
        call.builder,
        call.input(),
        weights,
        call.bias(2, stored),
        groups=_channels(call),
        strides=call.pair("Stride{}"),
        dilations=call.pair("Dilation{}Factor"),
        padding=call.padding,
    )
    return call.activated(value)


@handles("TRANSPOSE_CONV")
def _transpose_conv(call: Call) -> Result:
    """Inputs: the size of what comes out, the weights, the picture, and a bias in newer files."""
    weights = call.weights(1)
    sizes = call.known(0)
    height, width = (int(sizes[1]), int(sizes[2])) if sizes is not None and sizes.size == 4 else call.size()
    value = conv.transposed_convolution(
        call.builder,
        call.input(2),
        weights,
        call.optional(3),
        size=(height, width),
        strides=call.pair("Stride{}"),
        padding=call.padding,
    )
    return call.activated(value)


@handles("MAX_POOL_2D", "AVERAGE_POOL_2D", "L2_POOL_2D")
def _pool_2d(call: Call) -> Result:
    kernel = (int(call.option("FilterHeight")), int(call.option("FilterWidth")))
    x, kind = call.input(), "MaxPool" if call.kind == "MAX_POOL_2D" else "AveragePool"
    if call.kind == "L2_POOL_2D":
        x = pair(call, "Mul", x, x)
    value = conv.pooling(call.builder, x, kind, kernel=kernel, strides=call.pair("Stride{}"), padding=call.padding)
    if call.kind == "L2_POOL_2D":
        value = call.add("Sqrt", [value], call.builder.dims(value))
    return call.activated(value)


@handles("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
def _resize(call: Call) -> Result:
    sizes = call.known(1)
    if sizes is None or sizes.size != 2:
        height, width = call.size()
    else:
        height, width = (int(n) for n in sizes.ravel())
    corners, centers = bool(call.option("AlignCorners")), bool(call.option("HalfPixelCenters"))
    if call.kind == "RESIZE_BILINEAR":
        size = (height, width)
        return conv.resize_bilinear(call.builder, call.input(), size, align_corners=corners, half_pixel_centers=centers)
    return _nearest(call, (height, width), corners=corners, centers=centers)


def _nearest(call: Call, size: tuple[int, int], *, corners: bool, centers: bool) -> str:
    """The nearest pixel, by index, because ONNX rounds its ties otherwise. Source: TFLite's GetNearestNeighbor."""
    value = call.input()
    for axis, wanted in ((1, size[0]), (2, size[1])):
        dims = call.builder.dims(value)
        known = dims[axis]
        if isinstance(known, str):
            raise BodyDoubleError(f"{call.kind} of a picture whose size is known only at run time")
        if known == wanted:
            continue
        scale = np.float32((known - 1) / (wanted - 1)) if corners and wanted > 1 else np.float32(known / wanted)
        places = (np.arange(wanted, dtype=np.float32) + np.float32(0.5 if centers else 0)) * scale
        # Ties go up, as C's round does.
        indices = np.floor(places + np.float32(0.5)) if corners else np.floor(places)
        indices = np.clip(indices, 0, known - 1).astype(np.int64)
        made = (*dims[:axis], wanted, *dims[axis + 1 :])
        value = call.add("Gather", [value, call.array(indices, name="pixels")], made, axis=axis)
    return value


@handles("DEPTH_TO_SPACE")
def _depth_to_space(call: Call) -> Result:
    return conv.depth_to_space(call.builder, call.input(), int(call.option("BlockSize")))


@handles("SPACE_TO_DEPTH")
def _space_to_depth(call: Call) -> Result:
    block = int(call.option("BlockSize"))
    batch, height, width, channels = conv.picture(call.builder, call.input())
    if not isinstance(height, int) or not isinstance(width, int) or not isinstance(channels, int):
        raise BodyDoubleError("SPACE_TO_DEPTH of a size known only at run time")
    x = conv.channels_first(call.builder, call.input())
    dims = (batch, channels * block**2, height // block, width // block)
    return conv.channels_last(call.builder, call.add("SpaceToDepth", [x], dims, blocksize=block))


@handles("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND")
def _batches(call: Call) -> Result:
    """Cuts pictures into interleaved smaller ones, the new ones along the first axis; and the way back.

    The second and third input: block sizes, and what is padded before cutting or cropped after joining, by axis.
    """
    blocks, ends = call.numbers(1), call.constant(2).reshape(-1, 2).astype(np.int64)
    shape, count = call.shape(), len(blocks)
    batch, spatial, rest = shape[0], shape[1 : count + 1], shape[count + 1 :]
    if call.kind == "SPACE_TO_BATCH_ND":
        x = call.input()
        if ends.any():
            around = np.zeros((len(shape), 2), np.int64)
            around[1 : count + 1] = ends
            spatial = tuple(int(n + e.sum()) for n, e in zip(spatial, ends, strict=True))
            x = call.add(
                "Pad", [x, call.array(around.T.ravel(), name="pads"), call.like(0, x)], (batch, *spatial, *rest)
            )
        cut = [size for n, block in zip(spatial, blocks, strict=True) for size in (n // block, block)]
        order = [*range(2, 2 * count + 1, 2), 0, *range(1, 2 * count, 2)]
        small = tuple(n // block for n, block in zip(spatial, blocks, strict=True))
        x = call.reshaped(x, (batch, *cut, *rest))
        x = _transposed(call, x, [*order, *range(2 * count + 1, 2 * count + 1 + len(rest))])
        return call.reshaped(x, (batch * math.prod(blocks), *small, *rest))
    small_batch = batch // math.prod(blocks)
    x = call.reshaped(call.input(), (*blocks, small_batch, *spatial, *rest))
    order = [count, *(axis for n in range(count) for axis in (count + 1 + n, n))]
    x = _transposed(call, x, [*order, *range(2 * count + 1, 2 * count + 1 + len(rest))])
    large = [n * block for n, block in zip(spatial, blocks, strict=True)]
    x = call.reshaped(x, (small_batch, *large, *rest))
    if not ends.any():
        return x
    stops = [n - int(end[1]) for n, end in zip(large, ends, strict=True)]
    kept = [stop - int(end[0]) for stop, end in zip(stops, ends, strict=True)]
    axes = call.array(range(1, count + 1), name="axes")
    cuts = [call.array(ends[:, 0], name="starts"), call.array(stops, name="ends"), axes]
    return call.add("Slice", [x, *cuts], (small_batch, *kept, *rest))


def _transposed(call: Call, x: str, order: list[int]) -> str:
    dims = call.builder.dims(x)
    return call.add("Transpose", [x], tuple(dims[axis] for axis in order), perm=tuple(order))


@handles("CONV_3D", "CONV_3D_TRANSPOSE")
def _conv_3d(call: Call) -> Result:
    """Pictures through time, (N, D, H, W, C). Weights (D, H, W, in, out), or (D, H, W, out, in) transposed."""
    turned = call.kind == "CONV_3D_TRANSPOSE"
    x, weights = call.input(2 if turned else 0), call.weights(1)
    batch, *_ = dims = call.builder.dims(x)
    kernel = shape_of(call.builder, weights)
    strides = tuple(int(call.option(f"Stride{a}", 1)) for a in "DHW")
    dilations = tuple(int(call.option(f"Dilation{a}Factor", 1)) for a in "DHW")
    filters = placed(call.builder, weights, (4, 3, 0, 1, 2))
    bias = [call.input(3 if turned else 2)] if call.has(3 if turned else 2) else []
    picture = _transposed(call, x, [0, 4, 1, 2, 3])
    if turned:
        size = tuple(call.numbers(0)[1:4])
        ends = [conv.window(size[n], kernel[n], strides[n], dilations[n], call.padding)[1:] for n in range(3)]
        spatial = [n if isinstance(n, int) else 1 for n in dims[1:4]]
        reach = [(spatial[n] - 1) * strides[n] + (kernel[n] - 1) * dilations[n] + 1 - sum(ends[n]) for n in range(3)]
        extra: dict[str, Any] = {"output_padding": tuple(size[n] - reach[n] for n in range(3))}
        op, out, channels = "ConvTranspose", size, kernel[3]
    else:
        windows = [
            conv.window(_int(call, dims[1 + n]), kernel[n], strides[n], dilations[n], call.padding) for n in range(3)
        ]
        ends = [window[1:] for window in windows]
        op, out, channels, extra = "Conv", tuple(window[0] for window in windows), kernel[4], {}
    pads = (*(end[0] for end in ends), *(end[1] for end in ends))
    value = call.add(
        op, [picture, filters, *bias], (batch, channels, *out), kernel_shape=kernel[:3], strides=strides,
        dilations=dilations, pads=pads, **extra,
    )  # fmt: skip
    return call.activated(_transposed(call, value, [0, 2, 3, 4, 1]))


def _int(call: Call, size: Dim) -> int:
    if isinstance(size, str):
        raise BodyDoubleError(f"{call.kind} of a size known only at run time")
    return size


@handles("DILATE")
def _dilate(call: Call) -> Result:
    """Copies of a filling value between the elements along each axis."""
    steps, shape = call.numbers(1), call.shape()
    value, fill = call.input(), call.known(2)
    made = list(shape)
    for axis, step in enumerate(steps):
        if step == 1:
            continue
        wide = call.add("Unsqueeze", [value, call.array([axis + 1])], (*made[: axis + 1], 1, *made[axis + 1 :]))
        pads = np.zeros((2, len(made) + 1), np.int64)
        pads[1, axis + 1] = step - 1
        number = call.like(float(fill.ravel()[0]) if fill is not None else 0, value)
        cut = (*made[: axis + 1], step, *made[axis + 1 :])
        wide = call.add("Pad", [wide, call.array(pads.ravel()), number], cut)
        made[axis] *= step
        wide = call.reshaped(wide, tuple(made))
        made[axis] -= step - 1
        ends = [call.array([0]), call.array([made[axis]]), call.array([axis])]
        value = call.add("Slice", [wide, *ends], tuple(made))
    return value


_SHUFFLED = 1  # FullyConnectedOptionsWeightsFormat.SHUFFLED4x16INT8


@handles("FULLY_CONNECTED")
def _fully_connected(call: Call) -> Result:
    """x @ weights.T + bias. The last axis is multiplied; without KeepNumDims the axes before it become one."""
    weights, dims = call.weights(1), call.dims()
    shape = shape_of(call.builder, weights)
    if len(shape) != 2 or call.option("WeightsFormat") == _SHUFFLED:
        raise BodyDoubleError(f"FULLY_CONNECTED with weights of shape {shape} or shuffled ones")
    count, size = shape
    known = math.prod(n for n in dims if isinstance(n, int))
    if all(isinstance(n, int) for n in dims) and known % max(size, 1):
        raise BodyDoubleError(f"fully connected weights {shape} do not fit an input {dims}")
    rows: Dim = known // max(size, 1)
    if not all(isinstance(n, int) for n in dims):
        rows = dims[0] if len(dims) == 2 else call.builder.fresh("rows")
    flat = call.input() if len(dims) == 2 and dims[1] == size else call.reshaped(call.input(), (rows, size))
    matrix = placed(call.builder, weights, (0, 1))
    bias = call.bias(2, weights)
    value = call.add("Gemm", [flat, matrix, *([bias] if bias else [])], (rows, count), transB=1)
    if call.option("KeepNumDims") and len(dims) != 2:
        value = call.reshaped(value, (*dims[:-1], count))
    return call.activated(value)


@handles("BATCH_MATMUL")
def _batch_matmul(call: Call) -> Result:
    a, b = call.input(0), call.input(1)
    if call.option("AdjX"):
        a = _swapped(call, a)
    if call.option("AdjY"):
        b = _swapped(call, b)
    return matmul(call, a, b)


def matmul(call: Call, a: str, b: str) -> str:
    """Products of stacks of matrices, stacks broadcast."""
    left, right = call.builder.dims(a), call.builder.dims(b)
    dims = (*broadcast(left[:-2], right[:-2], "MatMul"), left[-2], right[-1])
    return call.add("MatMul", [a, b], dims)


def _swapped(call: Call, x: str) -> str:
    rank = len(call.builder.dims(x))
    return _transposed(call, x, [*range(rank - 2), rank - 1, rank - 2])


@handles("LOCAL_RESPONSE_NORMALIZATION")
def _lrn(call: Call) -> Result:
    """x / (bias + alpha * sum of squares of the channels within the radius) ** beta."""
    radius = int(call.option("Radius"))
    size = 2 * radius + 1
    x = conv.channels_first(call.builder, call.input())
    value = call.add(
        "LRN", [x], call.builder.dims(x), size=size, alpha=float(call.option("Alpha")) * size,
        beta=float(call.option("Beta")), bias=float(call.option("Bias")),
    )  # fmt: skip
    return conv.channels_last(call.builder, value)
