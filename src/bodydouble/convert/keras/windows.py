"""Convolution, pooling and enlargement over one, two or three axes.

Pictures are (N, ..., C) unless the layer says channels_first; ONNX's are (N, C, ...). "same" pads as TensorFlow does:
the odd one at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Dims, Tensor
from bodydouble.convert.keras.calls import Call, Result, layer
from bodydouble.convert.keras.core import spatial_axes
from bodydouble.convert.operators.conv import window
from bodydouble.types import BodyDoubleError


def to_first(g: Emitter, x: str) -> str:
    """(N, ..., C) as (N, C, ...)."""
    rank = len(g.dims(x))
    return g.emit("Transpose", x, perm=[0, rank - 1, *range(1, rank - 1)])


def to_last(g: Emitter, x: str) -> str:
    """(N, C, ...) as (N, ..., C)."""
    rank = len(g.dims(x))
    return g.emit("Transpose", x, perm=[0, *range(2, rank), 1])


def framed(call: Call, x: str | None = None) -> str:
    """The layer's input, or another value of its layout, channels first."""
    x = call.x if x is None else x
    return x if call.channels_first() else to_first(call.g, x)


def unframed(call: Call, x: str) -> str:
    """A channels-first value in the layer's layout."""
    return x if call.channels_first() else to_last(call.g, x)


def pads_of(
    dims: Dims, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], padding: str
) -> dict[str, Any]:
    """ONNX's attributes that pad a channels-first value as Keras says."""
    if padding == "valid":
        return {"pads": [0] * (2 * len(kernel))}
    if padding == "causal" and len(kernel) == 1:
        return {"pads": [(kernel[0] - 1) * dilations[0], 0]}
    if padding != "same":
        raise BodyDoubleError(f"padding {padding}")
    sizes = dims[2:]
    if any(isinstance(size, str) for size in sizes):
        return {"auto_pad": "SAME_UPPER"}
    ends = [
        window(int(size), one, stride, dilation, "SAME")[1:]
        for size, one, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True)
    ]
    return {"pads": [first for first, _ in ends] + [last for _, last in ends]}


def convolved(
    g: Emitter,
    x: str,
    kernel: str,
    bias: str | None,
    *,
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
    groups: int = 1,
) -> str:
    """A convolution of a channels-first value. kernel: (out, in / groups, ...)."""
    sizes = list(g.shape(kernel)[2:])
    return g.emit(
        "Conv",
        x,
        kernel,
        *([bias] if bias else []),
        kernel_shape=sizes,
        strides=list(strides),
        dilations=list(dilations),
        group=groups,
        **pads_of(g.dims(x), sizes, strides, dilations, padding),
    )


def filters_first(kernel: Tensor) -> Tensor:
    """Keras's (..., in, out) as ONNX's (out, in, ...)."""
    rank = kernel.ndim
    return kernel.transpose(rank - 1, rank - 2, *range(rank - 2))


def of_each_channel(kernel: Tensor) -> Tensor:
    """Keras's (height, width, channels, multiplier) as ONNX's (channels * multiplier, 1, height, width)."""
    return kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *kernel.shape[:2])


def _bias(call: Call, arrays: Sequence[Tensor]) -> str | None:
    return call.constant(arrays[0], "bias") if arrays else None


def _names(call: Call, *kernels: str) -> list[str]:
    return [*kernels, *(["bias"] if call.flag("use_bias", True) else [])]


@layer("Conv1D", "Conv2D", "Conv3D")
def _conv(call: Call) -> Result:
    kernel, *bias = call.weights(*_names(call, "kernel"))
    count = kernel.ndim - 2
    x = framed(call)
    y = convolved(
        call.g,
        x,
        call.constant(filters_first(kernel), "kernel"),
        _bias(call, bias),
        strides=call.sizes("strides", count),
        dilations=call.sizes("dilation_rate", count),
        padding=call.word("padding", "valid"),
        groups=int(call.option("groups", 1)),
    )
    return _activated(call, y)


def _activated(call: Call, y: str) -> str:
    """Through the layer's activation; softmax and its like go over the last axis, so over channels that are last."""
    return call.activated(unframed(call, y))


@layer("DepthwiseConv2D")
def _depthwise_conv(call: Call) -> Result:
    kernel, *bias = call.weights(*_names(call, "depthwise_kernel"))
    # No dilation: TensorFlow.js leaves it out (tfjs-layers, convolutional_depthwise).
    y = convolved(
        call.g,
        framed(call),
        call.constant(of_each_channel(kernel), "depthwise_kernel"),
        _bias(call, bias),
        strides=call.sizes("strides", 2),
        dilations=(1, 1),
        padding=call.word("padding", "valid"),
        groups=kernel.shape[2],
    )
    return _activated(call, y)


@layer("SeparableConv2D")
def _separable_conv(call: Call) -> Result:
    depthwise, pointwise, *bias = call.weights(*_names(call, "depthwise_kernel", "pointwise_kernel"))
    y = convolved(
        call.g,
        framed(call),
        call.constant(of_each_channel(depthwise), "depthwise_kernel"),
        None,
        strides=call.sizes("strides", 2),
        dilations=call.sizes("dilation_rate", 2),
        padding=call.word("padding", "valid"),
        groups=depthwise.shape[2],
    )
    kernel = call.constant(filters_first(pointwise), "pointwise_kernel")
    y = convolved(call.g, y, kernel, _bias(call, bias), strides=(1, 1), dilations=(1, 1), padding="valid")
    return _activated(call, y)


@layer("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def _conv_transpose(call: Call) -> Result:
    """Sizes grow to size * stride ("same"), or to that and what the kernel reaches beyond the stride."""
    kernel, *bias = call.weights(*_names(call, "kernel"))
    sizes, count = kernel.shape[:-2], kernel.ndim - 2
    strides, padding = call.sizes("strides", count), call.word("padding", "valid")
    if padding not in ("same", "valid"):
        raise BodyDoubleError(f"padding {padding}")
    over = [max(size - stride, 0) if padding == "same" else 0 for size, stride in zip(sizes, strides, strict=True)]
    y = call.g.emit(
        "ConvTranspose",
        framed(call),
        call.constant(kernel.transpose(count + 1, count, *range(count)), "kernel"),
        *([call.constant(bias[0], "bias")] if bias else []),
        kernel_shape=list(sizes),
        strides=list(strides),
        pads=[n // 2 for n in over] + [n - n // 2 for n in over],
        output_padding=[max(stride - size, 0) for size, stride in zip(sizes, strides, strict=True)],
    )
    return _activated(call, y)


@layer(*(f"{kind}Pooling{count}D" for kind in ("Max", "Average") for count in (1, 2, 3)))
def _pooling(call: Call) -> Result:
    count = int(call.layer.kind[-2])
    kernel = call.sizes("pool_size", count, 2)
    strides = call.sizes("strides", count, list(kernel))
    x = framed(call)
    op = "MaxPool" if call.layer.kind.startswith("Max") else "AveragePool"
    pads = pads_of(call.g.dims(x), kernel, strides, [1] * count, call.word("padding", "valid"))
    return unframed(call, call.g.emit(op, x, kernel_shape=list(kernel), strides=list(strides), **pads))


@layer(*(f"Global{kind}Pooling{count}D" for kind in ("Max", "Average") for count in (1, 2, 3)))
def _global_pooling(call: Call) -> Result:
    op = "ReduceMax" if "Max" in call.layer.kind else "ReduceMean"
    axes = list(spatial_axes(call.dims(), call.channels_first()))
    return call.g.emit(op, call.x, axes=axes, keepdims=int(call.flag("keepdims")))


@layer("UpSampling1D", "UpSampling2D", "UpSampling3D")
def _up_sampling(call: Call) -> Result:
    """Pixels are points at their corners, as TensorFlow.js has it; for Keras in Python at their middles."""
    count = len(call.dims()) - 2
    factors = call.sizes("size", count, 2)
    mode = {"nearest": "nearest", "bilinear": "linear"}.get(call.word("interpolation", "nearest"))
    if mode is None:
        raise BodyDoubleError(f"interpolation {call.option('interpolation')}")
    scales = call.g.constant(np.array([1, 1, *factors], np.float32), name="scales")
    y = call.g.emit(
        "Resize",
        framed(call),
        "",
        scales,
        mode=mode,
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return unframed(call, y)
