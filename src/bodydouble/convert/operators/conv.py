"""Convolution, pooling, resizing and block rearrangement: operators that look at neighbouring pixels.

Inputs and outputs are (N, H, W, C) as TensorFlow has them; the ONNX nodes between are (N, C, H, W).
Padding is TensorFlow's: "SAME" pads so that the output has ceil(size / stride) pixels, the odd one at the end.
Of a height or width known only at run time, the runtime works out the padding.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from bodydouble.convert.graph import Builder, Dim, Dims, permuted
from bodydouble.convert.operators.weights import Weights, placed, shape_of
from bodydouble.types import BodyDoubleError

Padding = Literal["SAME", "VALID"]
Pair = tuple[int, int]

CHANNELS_FIRST = (0, 3, 1, 2)
CHANNELS_LAST = (0, 2, 3, 1)


def picture(builder: Builder, x: str) -> Dims:
    """The (N, H, W, C) sizes of a value. Raises BodyDoubleError for any other number of axes."""
    shape = builder.dims(x)
    if len(shape) != len(CHANNELS_FIRST):
        raise BodyDoubleError(f"an operator of pictures on shape {shape} (wanted four axes)")
    return shape


def channels_first(builder: Builder, x: str) -> str:
    """(N, H, W, C) -> (N, C, H, W)."""
    return builder.add("Transpose", [x], permuted(builder.dims(x), CHANNELS_FIRST), perm=CHANNELS_FIRST)


def channels_last(builder: Builder, x: str) -> str:
    """(N, C, H, W) -> (N, H, W, C)."""
    return builder.add("Transpose", [x], permuted(builder.dims(x), CHANNELS_LAST), perm=CHANNELS_LAST)


def window(size: int, kernel: int, stride: int, dilation: int, padding: Padding) -> tuple[int, int, int]:
    """One axis of a sliding window: output pixels, pixels padded before and after.

    Raises BodyDoubleError where nothing comes out. Source: TensorFlow's GetWindowedOutputSize; TFLite's
    ComputePaddingHeightWidth agrees.
    """
    if min(size, kernel, stride, dilation) < 1:
        raise BodyDoubleError(f"a window of {kernel} pixels, stride {stride}, dilation {dilation} over {size} pixels")
    reach = (kernel - 1) * dilation + 1
    if padding == "VALID":
        if size < reach:
            raise BodyDoubleError(f"a window of {reach} pixels over {size} pixels that are not padded")
        return (size - reach) // stride + 1, 0, 0
    count = -(-size // stride)
    total = max((count - 1) * stride + reach - size, 0)
    return count, total // 2, total - total // 2


def _windows(
    builder: Builder, shape: Dims, kernel: Pair, strides: Pair, dilations: Pair, padding: Padding
) -> tuple[tuple[Dim, Dim], dict[str, Any]]:
    """Output height and width, and the attributes that pad (top, left, bottom, right), of an (N, H, W, C) input."""
    height, width = shape[1:3]
    if isinstance(height, int) and isinstance(width, int):
        tall, top, bottom = window(height, kernel[0], strides[0], dilations[0], padding)
        wide, left, right = window(width, kernel[1], strides[1], dilations[1], padding)
        return (tall, wide), {"pads": (top, left, bottom, right)}
    if padding == "VALID":
        reach = [(kernel[n] - 1) * dilations[n] for n in (0, 1)]
        sizes = [_fewer(builder, shape[1 + n], reach[n], strides[n]) for n in (0, 1)]
        return (sizes[0], sizes[1]), {"pads": (0, 0, 0, 0)}
    if strides == (1, 1):
        total = [(kernel[n] - 1) * dilations[n] for n in (0, 1)]
        pads = (total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2)
        return (height, width), {"pads": pads}
    sizes = [-(-n // stride) if isinstance(n, int) else _less(builder, n, stride) for n, stride in
             zip((height, width), strides, strict=True)]  # fmt: skip
    return (sizes[0], sizes[1]), {"auto_pad": "SAME_UPPER"}


def _fewer(builder: Builder, size: Dim, reach: int, stride: int) -> Dim:
    if isinstance(size, int):
        return (size - reach - 1) // stride + 1
    return size if not reach and stride == 1 else builder.fresh(f"{size}_less")


def _less(builder: Builder, size: str, stride: int) -> Dim:
    return size if stride == 1 else builder.fresh(f"{size}_by_{stride}")


def convolution(
    builder: Builder,
    x: str,
    weights: Weights,
    bias: str,
    *,
    groups: int = 1,
    strides: Pair = (1, 1),
    dilations: Pair = (1, 1),
    padding: Padding = "SAME",
) -> str:
    """2D convolution. weights: (out, H, W, in / groups). bias: name, "" for none."""
    shape, filter_shape = picture(builder, x), shape_of(builder, weights)
    if len(filter_shape) != 4 or filter_shape[3] * groups != shape[3] or filter_shape[0] % max(groups, 1):
        raise BodyDoubleError(f"convolution weights {filter_shape} in {groups} groups do not fit an input {shape}")
    kernel = (filter_shape[1], filter_shape[2])
    size, padded = _windows(builder, shape, kernel, strides, dilations, padding)
    filters = placed(builder, weights, (0, 3, 1, 2))
    y = builder.add(
        "Conv",
        [channels_first(builder, x), filters, *([bias] if bias else [])],
        (shape[0], filter_shape[0], *size),
        kernel_shape=kernel,
        strides=strides,
        dilations=dilations,
        **padded,
        group=groups,
    )
    return channels_last(builder, y)


def transposed_convolution(
    builder: Builder, x: str, weights: Weights, bias: str, *, size: Pair, strides: Pair, padding: Padding
) -> str:
    """The gradient of a convolution, which makes pictures larger. weights: (out, H, W, in).

    size: height and width of the output, which the file states because a convolution rounds sizes down.
    """
    shape, filter_shape = picture(builder, x), shape_of(builder, weights)
    height, width = shape[1:3]
    if len(filter_shape) != 4 or filter_shape[3] != shape[3]:
        raise BodyDoubleError(f"convolution weights {filter_shape} do not fit an input {shape}")
    if isinstance(height, str) or isinstance(width, str):
        raise BodyDoubleError("a transposed convolution of a picture whose size is known only at run time")
    kernel = (filter_shape[1], filter_shape[2])
    # The pads are those of the convolution whose gradient this is: it takes `size` to the input's size.
    ends = [window(size[axis], kernel[axis], strides[axis], 1, padding)[1:] for axis in (0, 1)]
    reached = [((height, width)[n] - 1) * strides[n] + kernel[n] - sum(ends[n]) for n in (0, 1)]
    over = (size[0] - reached[0], size[1] - reached[1])
    if min(over) < 0 or over[0] >= strides[0] or over[1] >= strides[1]:
        raise BodyDoubleError(f"a transposed convolution of {shape} to {size} with a kernel of {kernel}")
    y = builder.add(
        "ConvTranspose",
        [channels_first(builder, x), placed(builder, weights, (3, 0, 1, 2)), *([bias] if bias else [])],
        (shape[0], filter_shape[0], *size),
        kernel_shape=kernel,
        strides=strides,
        pads=(ends[0][0], ends[1][0], ends[0][1], ends[1][1]),
        output_padding=over,
    )
    return channels_last(builder, y)


def pooling(builder: Builder, x: str, kind: str, *, kernel: Pair, strides: Pair, padding: Padding) -> str:
    """kind: "MaxPool" or "AveragePool"; padded pixels count in neither."""
    shape = picture(builder, x)
    size, padded = _windows(builder, shape, kernel, strides, (1, 1), padding)
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": strides, **padded}
    y = builder.add(kind, [channels_first(builder, x)], (shape[0], shape[3], *size), **attributes)
    return channels_last(builder, y)


def resize_bilinear(builder: Builder, x: str, size: Pair, *, align_corners: bool, half_pixel_centers: bool) -> str:
    """Bilinear scaling to (height, width), with TensorFlow's two switches for where pixel centres lie."""
    batch, height, width, channels = picture(builder, x)
    if isinstance(channels, str):
        raise BodyDoubleError("resizing a picture whose channels are known only at run time")
    mode = "align_corners" if align_corners else "half_pixel" if half_pixel_centers else "asymmetric"
    shape = (batch, channels, *size)
    if isinstance(height, int) and isinstance(width, int) and not size[0] % height and not size[1] % width:
        # Whole factors as scales: ONNX Runtime's blocked kernels take no sizes.
        scales = np.array([1, 1, size[0] // height, size[1] // width], np.float32)
        inputs = [channels_first(builder, x), "", builder.constant(scales, name="scales")]
    else:
        first = channels_first(builder, x)
        sizes = builder.constant(np.array(shape if isinstance(batch, int) else size, np.int64), name="sizes")
        if isinstance(batch, str):  # as it is
            ends = [builder.constant(np.array([n], np.int64), name="end") for n in (0, 2)]
            given = builder.add("Slice", [builder.add("Shape", [first], (4,), dtype=np.int64), *ends], (2,))
            sizes = builder.add("Concat", [given, sizes], (4,), axis=0)
        inputs = [first, "", "", sizes]
    y = builder.add("Resize", inputs, shape, mode="linear", coordinate_transformation_mode=mode)
    return channels_last(builder, y)


def depth_to_space(builder: Builder, x: str, block: int) -> str:
    """(N, H, W, block * block * C) -> (N, H * block, W * block, C)."""
    batch, height, width, channels = picture(builder, x)
    if isinstance(channels, str):
        raise BodyDoubleError("DEPTH_TO_SPACE of channels known only at run time")
    sizes = [n * block if isinstance(n, int) else builder.fresh(f"{n}_times_{block}") for n in (height, width)]
    shape = (batch, channels // block**2, *sizes)
    y = builder.add("DepthToSpace", [channels_first(builder, x)], shape, blocksize=block, mode="DCR")
    return channels_last(builder, y)
