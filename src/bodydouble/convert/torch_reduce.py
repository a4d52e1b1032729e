"""ONNX's operators that sum up, order or compare along axes: reductions, softmax, top-k, cumulative sums, einsum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from bodydouble.convert.torch_call import Call, operator
from bodydouble.convert.torch_graph import Sizes
from bodydouble.convert.torch_layers import carry_channels
from bodydouble.convert.torch_sizes import reduced
from bodydouble.types import BodyDoubleError


def _product(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """torch multiplies along one axis at a time."""
    for axis in sorted(axes, reverse=True):
        x = torch.prod(x, axis, keepdim=keep)
    return x


Reduction = Callable[[Any, tuple[int, ...], bool], Any]
REDUCTIONS: dict[str, Reduction] = {
    "ReduceL1": lambda x, axes, keep: torch.abs(x).sum(axes, keepdim=keep),
    "ReduceL2": lambda x, axes, keep: torch.sqrt(torch.square(x).sum(axes, keepdim=keep)),
    "ReduceLogSum": lambda x, axes, keep: torch.log(x.sum(axes, keepdim=keep)),
    "ReduceLogSumExp": lambda x, axes, keep: torch.logsumexp(x, axes, keepdim=keep),
    "ReduceMax": lambda x, axes, keep: torch.amax(x, axes, keepdim=keep),
    "ReduceMean": lambda x, axes, keep: x.mean(axes, keepdim=keep),
    "ReduceMin": lambda x, axes, keep: torch.amin(x, axes, keepdim=keep),
    "ReduceProd": _product,
    "ReduceSum": lambda x, axes, keep: x.sum(axes, keepdim=keep),
    "ReduceSumSquare": lambda x, axes, keep: torch.square(x).sum(axes, keepdim=keep),
}


@operator(*REDUCTIONS)
def _reduce(call: Call) -> Any:
    keep, axes = bool(call.attribute("keepdims", 1)), call.axes()
    value = call.value()
    if isinstance(value, Sizes):
        result = reduced(call.node.op_type, value, keep)
        if result is not None:
            return result
    rank = call.rank()
    if not axes:
        if call.attribute("noop_with_empty_axes", 0):
            return call.tensor()
        axes = list(range(rank))
    over = tuple(sorted(axis % rank for axis in axes))
    dtype = call.about().dtype
    y = REDUCTIONS[call.node.op_type](call.tensor(), over, keep)
    # torch widens sums of integers, ONNX does not.
    return y if dtype is None or dtype.is_floating_point else y.to(dtype)


@operator("ArgMax", "ArgMin")
def _arg(call: Call) -> Any:
    axis, keep = call.attribute("axis", 0), bool(call.attribute("keepdims", 1))
    function = torch.argmax if call.node.op_type == "ArgMax" else torch.argmin
    if not call.attribute("select_last_index", 0):
        return function(call.tensor(), axis, keepdim=keep)
    turned = function(call.tensor().flip(axis), axis, keepdim=keep)
    return call.size(axis) - 1 - turned


@operator("TopK")
def _top_k(call: Call) -> Any:
    """Of equal elements ONNX takes the one that comes first, which neither torch.topk nor an unstable sort does.

    The TorchScript exporter has not torch's stable sort. So equal elements, neighbours after any sort, are numbered as
    groups, and a second sort puts the places within each group in order: no two keys of it are equal.
    """
    count, axis, size = call.numbers(1)[0], call.attribute("axis", -1), call.size(call.attribute("axis", -1))
    x = call.running(0).transpose(axis, -1)
    found = torch.sort(x, dim=-1, descending=bool(call.attribute("largest", 1)))
    values, places = found[0], found[1]
    starts = (values[..., 1:] != values[..., :-1]).long()
    groups = functional.pad(torch.cumsum(starts, -1), [1, 0])
    ordered = torch.sort(groups * size + places, dim=-1)[0] % size
    chosen = ordered[..., :count]
    return torch.gather(x, -1, chosen).transpose(axis, -1), chosen.transpose(axis, -1)


@operator("Softmax", "LogSoftmax", "Hardmax")
def _softmax(call: Call) -> Any:
    axis = call.attribute("axis", -1 if call.opset >= 13 else 1)
    x, kind = call.tensor(), call.node.op_type
    if call.opset < 13 and axis not in (-1, call.rank() - 1):
        raise BodyDoubleError(f"{kind} over several axes (an opset before 13)")
    carry_channels(call)
    if kind == "Hardmax":
        return torch.zeros_like(x).scatter(axis, torch.argmax(x, axis, keepdim=True), 1.0)
    return torch.softmax(x, axis) if kind == "Softmax" else torch.log_softmax(x, axis)


@operator("CumSum")
def _cumulative_sum(call: Call) -> Any:
    axis, x = call.plain(1, "its axis")[0], call.tensor()
    turned = bool(call.attribute("reverse", 0))
    start = x.flip(axis) if turned else x
    total = torch.cumsum(start, axis).to(call.about().dtype or torch.float32)
    total = total - start if call.attribute("exclusive", 0) else total
    return total.flip(axis) if turned else total


@operator("Einsum")
def _einsum(call: Call) -> Any:
    parts = [call.running(position) for position in range(len(call.node.input))]
    return torch.einsum(call.attribute("equation").decode(), *parts)


@operator("LpNormalization")
def _lp_normalization(call: Call) -> Any:
    return functional.normalize(call.tensor(), call.attribute("p", 2), call.attribute("axis", -1))


@operator("MeanVarianceNormalization")
def _mean_variance_normalization(call: Call) -> Any:
    axes, x = tuple(call.attribute("axes", [0, 2, 3])), call.tensor()
    middle = x - x.mean(axes, keepdim=True)
    # ONNX's function adds 1e-9 to the deviation.
    return middle / (torch.sqrt(torch.square(middle).mean(axes, keepdim=True)) + 1e-9)


@operator("LRN")
def _local_response(call: Call) -> Any:
    options = [call.attribute(name, default) for name, default in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0))]
    return functional.local_response_norm(call.tensor(), call.attribute("size"), *options)
