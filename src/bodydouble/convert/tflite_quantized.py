"""Integers with a scale: what TFLite computes in them, said as float operators between quantising and back.

A quantised tensor is, to the handlers, the real numbers that it stands for. In a "qdq" model they come out of a
DequantizeLinear and go into a QuantizeLinear, which is the form in which ONNX Runtime finds its integer kernels; in a
"float" model there is neither, inputs and outputs included.
16-bit integers, which opset 17 cannot quantise to, are rounded in float: the same numbers without integer kernels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bodydouble.convert.graph import Builder
from bodydouble.convert.operators.weights import MIDDLE, Scaled
from bodydouble.convert.tflite import TensorRecord
from bodydouble.convert.tflite_schema import Quantization
from bodydouble.types import BodyDoubleError

Quantized = Literal["qdq", "float"]
BYTES = (np.dtype(np.int8), np.dtype(np.uint8))
SHORTS = (np.dtype(np.int16), np.dtype(np.uint16))


def scale_of(tensor: TensorRecord) -> Quantization | None:
    """The scale of a tensor that holds small integers for real numbers, None for any other."""
    return tensor.quantization if tensor.dtype in (*BYTES, *SHORTS) else None


def as_stored(tensor: TensorRecord) -> Scaled | None:
    """A constant with a scale, as operators read it; None for a plain one."""
    if tensor.data is None or tensor.quantization is None or tensor.data.dtype.kind not in "iu":
        return None
    scale = tensor.quantization
    if tensor.data.ndim and scale.scales.size not in (1, tensor.data.shape[scale.axis % tensor.data.ndim]):
        raise BodyDoubleError(f'{scale.scales.size} scales for "{tensor.name}" of shape {tensor.shape}')
    axis = scale.axis % tensor.data.ndim if tensor.data.ndim else 0
    return Scaled(tensor.data, np.dtype(np.float32), scale.scales, scale.zeros, axis)


def _bounds(builder: Builder, tensor: TensorRecord, scale: Quantization) -> list[str]:
    """Scale and zero point as ONNX wants them: two scalars, the zero point of the integers' type."""
    if not scale.whole:
        raise BodyDoubleError(f'"{tensor.name}" computed with a scale for each channel')
    zero = np.array(scale.zeros[0], tensor.dtype)
    return [builder.constant(scale.scales.reshape(()), name="scale"), builder.constant(zero, name="zero")]


def quantize(builder: Builder, value: str, tensor: TensorRecord, scale: Quantization, name: str = "") -> str:
    """Real numbers to the tensor's integers."""
    dims = builder.dims(value)
    if tensor.dtype in BYTES:
        inputs = [value, *_bounds(builder, tensor, scale)]
        return builder.add("QuantizeLinear", inputs, dims, dtype=tensor.dtype, name=name)
    kind = _integers(tensor)
    rounded = _rounded(builder, value, tensor, scale)
    return builder.add("Cast", [rounded], dims, dtype=kind, name=name, to=onnx_type(kind))


def dequantize(builder: Builder, value: str, tensor: TensorRecord, scale: Quantization) -> str:
    """The tensor's integers to real numbers."""
    dims = builder.dims(value)
    if tensor.dtype in BYTES:
        return builder.add("DequantizeLinear", [value, *_bounds(builder, tensor, scale)], dims, dtype=np.float32)
    return _real(builder, builder.add("Cast", [value], dims, dtype=np.float32, to=_FLOAT), tensor, scale)


def on_grid(
    builder: Builder, value: str, tensor: TensorRecord, scale: Quantization, bounds: tuple[float, float] | None = None
) -> tuple[str, str]:
    """Real numbers rounded to those that the tensor's integers stand for, and the integers, "" where there are none.

    Signed bytes are counted from 128 up: ONNX Runtime's kernels for unsigned ones are exact on every processor (see
    operators/weights.py). bounds: what the numbers are clipped to, which is done in integers, as TFLite does.
    """
    if tensor.dtype not in BYTES:
        return _real(builder, _rounded(builder, value, tensor, scale), tensor, scale), ""
    raised = tensor
    if tensor.dtype == np.int8:
        raised = replace(tensor, dtype=np.dtype(np.uint8))
        scale = replace(scale, zeros=scale.zeros + MIDDLE)
    integers = quantize(builder, value, raised, scale)
    if bounds is not None:
        step, zero = float(scale.scales[0]), int(scale.zeros[0])
        ends = [int(np.clip(np.round(end / step) + zero, 0, 255)) for end in bounds]
        limits = [builder.constant(np.array(end, np.uint8), name="bound") for end in ends]
        integers = builder.add("Clip", [integers, *limits], builder.dims(value))
    return dequantize(builder, integers, raised, scale), integers if raised is tensor else ""


def holds(tensor: TensorRecord, low: float, high: float) -> bool:
    """Whether the tensor's integers can only stand for numbers between the bounds, so that clipping adds nothing."""
    scale = scale_of(tensor)
    if scale is None or not scale.whole or tensor.dtype is None:
        return False
    kind = np.iinfo(tensor.dtype)
    step, zero = float(scale.scales[0]), int(scale.zeros[0])
    # Half a step over the bound rounds to the bound.
    return (kind.min - zero) * step >= low - step / 2 and (kind.max - zero) * step <= high + step / 2


# onnx.TensorProto's numbers, so that reading a file does not load onnx.
_FLOAT = 1
_ONNX_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9}
_ONNX_TYPES |= {"float16": 10, "float64": 11, "uint32": 12, "uint64": 13, "complex64": 14}


def onnx_type(dtype: npt.DTypeLike) -> int:
    """onnx.TensorProto's number of a numpy dtype."""
    return _ONNX_TYPES[np.dtype(dtype).name]


def _integers(tensor: TensorRecord) -> np.dtype[Any]:
    if tensor.dtype is None:
        raise BodyDoubleError(f'"{tensor.name}" holds text')
    return tensor.dtype


def _rounded(builder: Builder, value: str, tensor: TensorRecord, scale: Quantization) -> str:
    """round(value / scale) + zero within the integers' range, as floats."""
    step, _ = _bounds(builder, tensor, scale)
    dims = builder.dims(value)
    kind = np.iinfo(_integers(tensor))
    rounded = builder.add("Round", [builder.add("Div", [value, step], dims)], dims)
    if scale.zeros[0]:
        rounded = builder.add("Add", [rounded, builder.constant(scale.zeros[0].astype(np.float32), name="zero")], dims)
    ends = [builder.constant(np.array(end, np.float32), name="bound") for end in (kind.min, kind.max)]
    return builder.add("Clip", [rounded, *ends], dims)


def _real(builder: Builder, value: str, tensor: TensorRecord, scale: Quantization) -> str:
    step, _ = _bounds(builder, tensor, scale)
    dims = builder.dims(value)
    if scale.zeros[0]:
        value = builder.add("Sub", [value, builder.constant(scale.zeros[0].astype(np.float32), name="zero")], dims)
    return builder.add("Mul", [value, step], dims)
