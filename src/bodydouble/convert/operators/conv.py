"""Convolution, pooling, resizing and block rearrangement: operators that look at neighbouring pixels.

Inputs and outputs are (N, H, W, C) as TensorFlow has them; the ONNX nodes between are (N, C, H, W).
Padding is TensorFlow's: "SAME" pads so that the output has ceil(size / stride) pixels, the odd one at the end.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from bodydouble.convert.graph import Builder, Shape, Tensor, permuted
from bodydouble.types import BodyDoubleError

Padding = Literal["SAME", "VALID"]
Pair = tuple[int, int]

CHANNELS_FIRST = (0, 3, 1, 2)
CHANNELS_LAST = (0, 2, 3, 1)


def picture(builder: Builder, x: str) -> Shape:
    """The (N, H, W, C) shape of a value. Raises BodyDoubleError for any other number of axes."""
    shape = builder.shape(x)
    if len(shape) != len(CHANNELS_FIRST):
        raise BodyDoubleError(f"an operator of pictures on shape {shape} (wanted four axes)")
    return shape


def channels_first(builder: Builder, x: str) -> str:
    """(N, H, W, C) -> (N, C, H, W)."""
    return builder.add("Transpose", [x], permuted(builder.shape(x), CHANNELS_FIRST), perm=CHANNELS_FIRST)


def channels_last(builder: Builder, x: str) -> str:
    """(N, C, H, W) -> (N, H, W, C)."""
    return builder.add("Transpose", [x], permuted(builder.shape(x), CHANNELS_LAST), perm=CHANNELS_LAST)


def window(size: int, kernel: int, stride: int, dilation: int, padding: Padding) -> tuple[int, int, int]:
    """One axis of a sliding window: output pixels, pixels padded before and after.

    Raises BodyDoubleError where nothing comes out. Source: TensorFlow's GetWindowedOutputSize; TFLite's
    ComputePaddingHeightWidth agrees.
    """
    if min(size, kernel, stride, dilation) < 1:
        raise BodyDoubleError(f"a window of {kernel} pixels, stride {stride}, dilation {dilation} over {size} pixels")
    reach = (kernel - 1) * dilation + 1
    if padding == "VALID":
        return (size - reach) // stride + 1, 0, 0
    count = -(-size // stride)
    total = max((count - 1) * stride + reach - size, 0)
    return count, total // 2, total - total // 2


def _windows(
    shape: Shape, kernel: Pair, strides: Pair, dilations: Pair, padding: Padding
) -> tuple[Pair, tuple[int, int, int, int]]:
    """Output height and width, and ONNX pads (top, left, bottom, right), of an (N, H, W, C) input."""
    height, top, bottom = window(shape[1], kernel[0], strides[0], dilations[0], padding)
    width, left, right = window(shape[2], kernel[1], strides[1], dilations[1], padding)
    return (height, width), (top, left, bottom, right)


def convolution(
    builder: Builder,
    x: str,
    weights: Tensor,
    bias: str,
    *,
    groups: int = 1,
    strides: Pair = (1, 1),
    dilations: Pair = (1, 1),
    padding: Padding = "SAME",
) -> str:
    """2D convolution. weights: stored array (out, H, W, in / groups). bias: name, "" for none."""
    shape = picture(builder, x)
    if weights.ndim != 4 or weights.shape[3] * groups != shape[3] or weights.shape[0] % groups:
        raise BodyDoubleError(f"convolution weights {weights.shape} in {groups} groups do not fit an input {shape}")
    kernel = (weights.shape[1], weights.shape[2])
    size, pads = _windows(shape, kernel, strides, dilations, padding)
    filters = builder.constant(weights.transpose(0, 3, 1, 2), np.float32, "weights")
    y = builder.add(
        "Conv",
        [channels_first(builder, x), filters, *([bias] if bias else [])],
        (shape[0], weights.shape[0], *size),
        kernel_shape=kernel,
        strides=strides,
        dilations=dilations,
        pads=pads,
        group=groups,
    )
    return channels_last(builder, y)


def transposed_convolution(
    builder: Builder, x: str, weights: Tensor, bias: str, *, size: Pair, strides: Pair, padding: Padding
) -> str:
    """The gradient of a convolution, which makes pictures larger. weights: stored array (out, H, W, in).

    size: height and width of the output, which the file states because a convolution rounds sizes down.
    """
    shape = picture(builder, x)
    kernel = (weights.shape[1], weights.shape[2])
    # The pads are those of the convolution whose gradient this is: it takes `size` to the input's size.
    ends = [window(size[axis], kernel[axis], strides[axis], 1, padding)[1:] for axis in (0, 1)]
    reached = [(shape[1 + axis] - 1) * strides[axis] + kernel[axis] - sum(ends[axis]) for axis in (0, 1)]
    filters = builder.constant(weights.transpose(3, 0, 1, 2), np.float32, "weights")
    y = builder.add(
        "ConvTranspose",
        [channels_first(builder, x), filters, *([bias] if bias else [])],
        (shape[0], weights.shape[0], *size),
        kernel_shape=kernel,
        strides=strides,
        pads=(ends[0][0], ends[1][0], ends[0][1], ends[1][1]),
        output_padding=(size[0] - reached[0], size[1] - reached[1]),
    )
    return channels_last(builder, y)


def pooling(builder: Builder, x: str, kind: str, *, kernel: Pair, strides: Pair, padding: Padding) -> str:
    """kind: "MaxPool" or "AveragePool"; padded pixels count in neither."""
    shape = picture(builder, x)
    size, pads = _windows(shape, kernel, strides, (1, 1), padding)
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": strides, "pads": pads}
    y = builder.add(kind, [channels_first(builder, x)], (shape[0], shape[3], *size), **attributes)
    return channels_last(builder, y)


def resize_bilinear(builder: Builder, x: str, size: Pair, *, align_corners: bool, half_pixel_centers: bool) -> str:
    """Bilinear scaling to (height, width), with TensorFlow's two switches for where pixel centres lie."""
    batch, height, width, channels = picture(builder, x)
    mode = "align_corners" if align_corners else "half_pixel" if half_pixel_centers else "asymmetric"
    shape = (batch, channels, *size)
    if size[0] % height == 0 and size[1] % width == 0:
        # Whole factors as scales: ONNX Runtime's blocked kernels take no sizes.
        scales = np.array([1, 1, size[0] // height, size[1] // width], np.float32)
        inputs = [channels_first(builder, x), "", builder.constant(scales, name="scales")]
    else:
        inputs = [channels_first(builder, x), "", "", builder.constant(np.array(shape, np.int64), name="sizes")]
    y = builder.add("Resize", inputs, shape, mode="linear", coordinate_transformation_mode=mode)
    return channels_last(builder, y)


def depth_to_space(builder: Builder, x: str, block: int) -> str:
    """(N, H, W, block * block * C) -> (N, H * block, W * block, C)."""
    batch, height, width, channels = picture(builder, x)
    shape = (batch, channels // block**2, height * block, width * block)
    y = builder.add("DepthToSpace", [channels_first(builder, x)], shape, blocksize=block, mode="DCR")
    return channels_last(builder, y)
