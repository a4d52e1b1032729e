"""TFLite's operators, one handler each, said in ONNX's through operators/."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

import numpy as np

from bodydouble.convert.operators import conv, elementwise, shape
from bodydouble.convert.sparsity import densify
from bodydouble.convert.tflite_graph import Call, Handler
from bodydouble.types import BodyDoubleError

HANDLERS: dict[str, Handler] = {}


def handles(*kinds: str) -> Callable[[Handler], Handler]:
    """Register a handler for TFLite operators, by their names in schema.fbs or their custom code."""

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            if kind in HANDLERS:
                raise ValueError(f"two handlers for {kind}")
            HANDLERS[kind] = handler
        return handler

    return register


def _unquantized(call: Call) -> None:
    positions: Iterable[int] = (*call.operator.inputs, *call.operator.outputs)
    if any(number >= 0 and call.model.tensors[number].quantized for number in positions):
        raise BodyDoubleError(f"{call.operator.kind} of integers with a scale (only float models can be converted)")


@handles("CONV_2D")
def _conv_2d(call: Call) -> str:
    weights, shape_in = call.constant(1), conv.picture(call.builder, call.input())
    value = conv.convolution(
        call.builder,
        call.input(),
        weights,
        call.input(2),
        groups=shape_in[3] // max(weights.shape[-1], 1),
        strides=call.pair("Stride{}"),
        dilations=call.pair("Dilation{}Factor"),
        padding=call.padding,
    )
    return call.activated(value)


@handles("DEPTHWISE_CONV_2D")
def _depthwise_conv_2d(call: Call) -> str:
    # (1, H, W, channels * multiplier): output channel o reads input channel o // multiplier, which is a group each.
    stored = call.constant(1)
    if stored.ndim != 4:
        raise BodyDoubleError(f"DEPTHWISE_CONV_2D with weights of shape {stored.shape}")
    weights = stored.transpose(3, 1, 2, 0)
    value = conv.convolution(
        call.builder,
        call.input(),
        weights,
        call.input(2),
        groups=conv.picture(call.builder, call.input())[3],
        strides=call.pair("Stride{}"),
        dilations=call.pair("Dilation{}Factor"),
        padding=call.padding,
    )
    return call.activated(value)


@handles("TRANSPOSE_CONV")
def _transpose_conv(call: Call) -> str:
    value = conv.transposed_convolution(
        call.builder,
        call.input(2),
        call.constant(1),
        call.input(3),
        size=call.size,
        strides=call.pair("Stride{}"),
        padding=call.padding,
    )
    return call.activated(value)


@handles("Convolution2DTransposeBias")
def _transpose_conv_bias(call: Call) -> str:
    """MediaPipe's own operator: its options are the C struct TfLiteTransposeConvParams (padding, two strides)."""
    if len(call.operator.custom) != struct.calcsize("<3i"):
        raise BodyDoubleError(f"{call.operator.kind} with options of {len(call.operator.custom)} bytes; wanted 12")
    same, width, height = struct.unpack("<3i", call.operator.custom)
    return conv.transposed_convolution(
        call.builder,
        call.input(0),
        call.constant(1),
        call.input(2),
        size=call.size,
        strides=(height, width),
        padding="SAME" if same == 1 else "VALID",  # kTfLitePaddingSame is 1
    )


@handles("MAX_POOL_2D", "AVERAGE_POOL_2D")
def _pool_2d(call: Call) -> str:
    kind = "MaxPool" if call.operator.kind == "MAX_POOL_2D" else "AveragePool"
    kernel = (int(call.option("FilterHeight")), int(call.option("FilterWidth")))
    value = conv.pooling(
        call.builder, call.input(), kind, kernel=kernel, strides=call.pair("Stride{}"), padding=call.padding
    )
    return call.activated(value)


@handles("RESIZE_BILINEAR")
def _resize_bilinear(call: Call) -> str:
    height, width = call.numbers(1)
    corners, centers = bool(call.option("AlignCorners")), bool(call.option("HalfPixelCenters"))
    size = (height, width)
    return conv.resize_bilinear(call.builder, call.input(), size, align_corners=corners, half_pixel_centers=centers)


@handles("DEPTH_TO_SPACE")
def _depth_to_space(call: Call) -> str:
    return conv.depth_to_space(call.builder, call.input(), int(call.option("BlockSize")))


_BINARY = {"ADD": "Add", "SUB": "Sub", "MUL": "Mul", "DIV": "Div", "MAXIMUM": "Max", "MINIMUM": "Min"}


@handles(*_BINARY)
def _binary(call: Call) -> str:
    _unquantized(call)
    value = elementwise.binary(call.builder, _BINARY[call.operator.kind], call.input(0), call.input(1))
    return call.activated(value)


_UNARY = {
    "RELU": "Relu",
    "LOGISTIC": "Sigmoid",
    "TANH": "Tanh",
    "HARD_SWISH": "HardSwish",
    "EXP": "Exp",
    "ABS": "Abs",
    "NEG": "Neg",
    "SQRT": "Sqrt",
}


@handles(*_UNARY)
def _unary(call: Call) -> str:
    _unquantized(call)
    return elementwise.unary(call.builder, _UNARY[call.operator.kind], call.input())


@handles("RELU6", "RELU_N1_TO_1")
def _clipped(call: Call) -> str:
    return elementwise.activation(call.builder, call.input(), call.operator.kind)


@handles("PRELU")
def _prelu(call: Call) -> str:
    return elementwise.prelu(call.builder, call.input(0), call.input(1))


@handles("RESHAPE")
def _reshape(call: Call) -> str:
    return shape.reshape(call.builder, call.input(), call.shape)


@handles("PAD", "PADV2")
def _pad(call: Call) -> str:
    fill = call.constant(2).ravel() if call.has(2) else np.zeros(1)
    if fill.size != 1:
        raise BodyDoubleError(f"{call.operator.kind} with {fill.size} values")
    return shape.pad(call.builder, call.input(), call.constant(1), float(fill[0]))


@handles("CONCATENATION")
def _concatenation(call: Call) -> str:
    parts = [call.input(position) for position in range(len(call.operator.inputs))]
    return call.activated(shape.concatenate(call.builder, parts, int(call.option("Axis"))))


@handles("STRIDED_SLICE")
def _strided_slice(call: Call) -> str:
    if call.option("EllipsisMask") or call.option("NewAxisMask") or call.option("Offset", False):
        raise BodyDoubleError("STRIDED_SLICE with an ellipsis, a new axis or offsets")
    begins, ends, steps = (call.numbers(position) for position in (1, 2, 3))
    drop = [axis for axis in range(len(begins)) if call.option("ShrinkAxisMask") >> axis & 1]
    cuts = []
    for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        first = None if call.option("BeginMask") >> axis & 1 else begin
        last = None if call.option("EndMask") >> axis & 1 else end
        # A dropped axis is one index, whatever its end says; -1 + 1 would be 0, which is before the last.
        cuts.append(slice(begin, begin + 1 or None) if axis in drop else slice(first, last, step))
    cuts += [slice(None)] * (len(call.builder.shape(call.input())) - len(cuts))
    return shape.slices(call.builder, call.input(), cuts, drop)


@handles("MEAN")
def _mean(call: Call) -> str:
    return shape.mean(call.builder, call.input(), call.numbers(1), keep=bool(call.option("KeepDims")))


@handles("FULLY_CONNECTED")
def _fully_connected(call: Call) -> str:
    if call.option("WeightsFormat"):
        raise BodyDoubleError("FULLY_CONNECTED with shuffled weights")
    keep = bool(call.option("KeepNumDims"))
    value = shape.fully_connected(call.builder, call.input(0), call.constant(1), call.input(2), keep=keep)
    return call.activated(value)


@handles("DEQUANTIZE")
def _dequantize(call: Call) -> str:
    """float16 weights seen as float32: they stay as stored."""
    array = call.constant(0)
    if array.dtype != np.float16:
        raise BodyDoubleError(f"DEQUANTIZE of {array.dtype} (only float16 weights can be converted)")
    return call.builder.constant(array, np.float32, "weights")


@handles("DENSIFY")
def _densify(call: Call) -> str:
    tensor = call.model.tensors[call.operator.inputs[0]]
    if tensor.data is None or tensor.sparsity is None:
        raise BodyDoubleError("DENSIFY of a tensor that holds no sparse weights")
    try:
        return call.builder.constant(densify(tensor.data, tensor.sparsity), name="weights")
    except (ValueError, IndexError) as error:
        raise BodyDoubleError(f"DENSIFY of damaged weights: {error}") from error
