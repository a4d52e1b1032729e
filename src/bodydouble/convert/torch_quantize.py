"""QuantizeLinear and DequantizeLinear. A pair of them becomes torch's fake quantisation, whose gradient passes straight
through within the range (quantisation-aware training); stored integers become float weights.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from bodydouble.convert.torch_call import Call, operator
from bodydouble.types import BodyDoubleError


def _parameters(call: Call) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Scale, zero point and the axis they belong to. Raises BodyDoubleError where they are no constants."""
    scale, zero = call.constant(1), call.constant(2)
    if scale is None or (call.has(2) and zero is None):
        raise BodyDoubleError(f"{call.node.op_type} with a scale known at run time only")
    if zero is None:
        zero = torch.zeros_like(scale, dtype=torch.uint8)
    return scale, zero, int(call.attribute("axis", 1))


def _spread(array: torch.Tensor, rank: int, axis: int) -> Any:
    """Per tensor as a number, per channel along the axis of an array of that rank."""
    if array.numel() == 1:
        return array.item()
    return array.reshape([-1 if n == axis % rank else 1 for n in range(rank)])


@operator("QuantizeLinear")
def _quantize(call: Call) -> Any:
    scale, zero, axis = _parameters(call)
    limits = torch.iinfo(zero.dtype)
    x = call.tensor()
    if isinstance(x, fx.Proxy) and _is_read_back(call):
        if scale.numel() == 1:
            number, middle = float(scale.item()), int(zero.item())
            return torch.fake_quantize_per_tensor_affine(x, number, middle, limits.min, limits.max)
        middles = call.proxy(zero.to(torch.int32))
        return torch.fake_quantize_per_channel_affine(
            x, call.proxy(scale), middles, axis % call.rank(), limits.min, limits.max
        )
    steps = torch.round(x / _spread(scale, call.rank(), axis)) + _spread(zero.float(), call.rank(), axis)
    return torch.clamp(steps, limits.min, limits.max).to(zero.dtype)


def _is_read_back(call: Call) -> bool:
    """Whether nothing but DequantizeLinear reads the integers."""
    name, graph = call.node.output[0], call.scope.proto
    readers = {node.op_type for node in graph.node if name in node.input}
    return readers == {"DequantizeLinear"} and all(output.name != name for output in graph.output)


@operator("DequantizeLinear")
def _dequantize(call: Call) -> Any:
    scale, zero, axis = _parameters(call)
    x = call.tensor()
    makers = [node for node in call.scope.proto.node if call.node.input[0] in node.output]
    if isinstance(x, fx.Proxy) and makers and makers[0].op_type == "QuantizeLinear":
        quantized = Call(call.scope, makers[0], {})
        if _is_read_back(quantized):
            return x
    rank = call.rank()
    return (x.to(scale.dtype) - _spread(zero.to(scale.dtype), rank, axis)) * _spread(scale, rank, axis)
