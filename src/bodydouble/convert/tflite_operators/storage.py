"""Operators that change how numbers are stored (scales, sparse weights) and those that keep some from run to run."""

from __future__ import annotations

from bodydouble.convert.operators.weights import Scaled
from bodydouble.convert.sparsity import densify
from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_operators.registry import handles
from bodydouble.types import BodyDoubleError


@handles("DEQUANTIZE")
def _dequantize(call: Call) -> Result:
    """float16 weights seen as float32 stay as stored; so do integer ones. What is computed is float already."""
    constant = call.scope.constant(call.operator.inputs[0])
    if isinstance(constant, Scaled):
        return constant
    if constant is not None:
        return Scaled(constant, call.made())
    return call.cast(call.input(), call.made())


@handles("QUANTIZE")
def _quantize(call: Call) -> Result:
    """The numbers stay what they are; rounding them is what every quantised output gets."""
    return call.input()


@handles("DENSIFY")
def _densify(call: Call) -> Result:
    tensor = call.tensor(0)
    if tensor.data is None or tensor.sparsity is None:
        raise BodyDoubleError("DENSIFY of a tensor that holds no sparse weights")
    try:
        dense = densify(tensor.data, tensor.sparsity)
    except (ValueError, IndexError) as error:
        raise BodyDoubleError(f"DENSIFY of damaged weights: {error}") from error
    scale = tensor.quantization
    if scale is None:
        return dense
    return Scaled(dense, call.made(), scale.scales, scale.zeros, scale.axis)
