"""ONNX's operators that hold weights, and pooling, as modules of torch.nn with the weights in place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from bodydouble.convert.torch_call import Call, operator
from bodydouble.types import BodyDoubleError

CONVOLUTIONS: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED: dict[int, type[nn.Module]] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
MAX_POOLS: dict[int, type[nn.Module]] = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
AVERAGE_POOLS: dict[int, type[nn.Module]] = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
CHANNELS = 1


def _of_rank(table: dict[int, Any], count: int, kind: str) -> Any:
    if count not in table:
        raise BodyDoubleError(f"{kind} over {count} axes")
    return table[count]


def _window(call: Call, kernel: Sequence[int]) -> tuple[list[int], list[int], list[Any], list[Any]]:
    """Strides, dilations, and what to pad before and after each axis (numbers or Proxies) of a sliding window."""
    count = len(kernel)
    strides = list(call.attribute("strides", [1] * count))
    dilations = list(call.attribute("dilations", [1] * count))
    auto = call.attribute("auto_pad", b"NOTSET").decode()
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        pads = list(call.attribute("pads", [0] * (2 * count)))
        return strides, dilations, pads[:count], pads[count:]
    before, after = [], []
    for axis in range(count):
        size, reach = call.size(axis + 2), (kernel[axis] - 1) * dilations[axis] + 1
        wanted = (-(-size // strides[axis]) - 1) * strides[axis] + reach - size
        # At least 0; torch.sym_max is not for the tensors that sizes are to the TorchScript exporter.
        total = max(wanted, 0) if type(wanted) is int else (wanted + abs(wanted)) // 2
        small, large = total // 2, total - total // 2
        before.append(small if auto == "SAME_UPPER" else large)
        after.append(large if auto == "SAME_UPPER" else small)
    return strides, dilations, before, after


def _symmetric(before: Sequence[Any], after: Sequence[Any]) -> bool:
    return all(type(a) is int and type(b) is int and a == b for a, b in zip(before, after, strict=True))


def padded(x: Any, before: Sequence[Any], after: Sequence[Any], value: float = 0.0) -> Any:
    """x with its last axes padded. torch counts the axes from the last."""
    pads = [n for pair in reversed(list(zip(before, after, strict=True))) for n in pair]
    return functional.pad(x, pads, value=value) if any(type(n) is not int or n for n in pads) else x


@operator("Conv")
def _conv(call: Call) -> Any:
    weights, bias = call.constant(1), call.constant(2)
    x = call.running(0)
    shape = call.about(1).shape
    if shape is None or None in shape:
        raise BodyDoubleError("Conv with weights of unknown shape")
    kernel = [int(n or 0) for n in shape[2:]]
    strides, dilations, before, after = _window(call, kernel)
    even = _symmetric(before, after)
    if not even:
        x, before = padded(x, before, after), [0] * len(kernel)
    groups = call.attribute("group", 1)
    call.scope.channels[call.node.output[0]] = CHANNELS
    kind = _of_rank(CONVOLUTIONS, len(kernel), "Conv")
    if weights is None or (call.has(2) and bias is None):
        function = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}[len(kernel)]
        return function(x, call.running(1), call.running(2), strides, before, dilations, groups)
    layer = kind(
        int(shape[1] or 0) * groups,
        int(shape[0] or 0),
        tuple(kernel),
        tuple(strides),
        tuple(before),
        tuple(dilations),
        groups,
        call.has(2),
        device="meta",
    )
    layer.weight = call.parameter(1)
    if call.has(2):
        layer.bias = call.parameter(2)
    return call.apply(layer, x)


@operator("ConvTranspose")
def _conv_transpose(call: Call) -> Any:
    weights, bias = call.constant(1), call.constant(2)
    if weights is None or (call.has(2) and bias is None):
        raise BodyDoubleError("ConvTranspose with weights that are no constant")
    count = weights.ndim - 2
    kernel = list(weights.shape[2:])
    strides = list(call.attribute("strides", [1] * count))
    dilations = list(call.attribute("dilations", [1] * count))
    extra = list(call.attribute("output_padding", [0] * count))
    pads = list(call.attribute("pads", [0] * (2 * count)))
    auto = call.attribute("auto_pad", b"NOTSET").decode()
    wanted = call.attribute("output_shape")
    if wanted is not None or auto in ("SAME_UPPER", "SAME_LOWER"):
        pads = _transposed_pads(call, kernel, strides, dilations, extra, auto)
    before, after = pads[:count], pads[count:]
    groups = call.attribute("group", 1)
    even = _symmetric(before, after) and all(n < max(strides[i], dilations[i]) for i, n in enumerate(extra))
    layer = _of_rank(TRANSPOSED, count, "ConvTranspose")(
        weights.shape[0],
        weights.shape[1] * groups,
        tuple(kernel),
        tuple(strides),
        tuple(before) if even else 0,
        tuple(extra) if even else 0,
        groups,
        call.has(2),
        tuple(dilations),
        device="meta",
    )
    layer.weight = call.parameter(1)
    if call.has(2):
        layer.bias = call.parameter(2)
    call.scope.channels[call.node.output[0]] = CHANNELS
    y = call.apply(layer, call.running(0))
    # Uneven pads cut the full output; torch would cut both ends alike. Cutting less than nothing pads.
    return y if even else padded(y, [-n for n in before], [n - m for n, m in zip(extra, after, strict=True)])


def _transposed_pads(
    call: Call, kernel: list[int], strides: list[int], dilations: list[int], extra: list[int], auto: str
) -> list[Any]:
    """Pads that give the wanted output. Source: ONNX's ConvTranspose."""
    before, after = [], []
    wanted = call.attribute("output_shape")
    for axis, size in enumerate(kernel):
        count = call.size(axis + 2)
        goal = wanted[axis] if wanted is not None else count * strides[axis]
        total = strides[axis] * (count - 1) + extra[axis] + (size - 1) * dilations[axis] + 1 - goal
        half = total // 2
        upper = auto == "SAME_UPPER"
        before.append(half if upper else total - half)
        after.append(total - half if upper else half)
    return [*before, *after]


@operator("Gemm")
def _gemm(call: Call) -> Any:
    weights, bias = call.constant(1), call.constant(2)
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    turned = bool(call.attribute("transB", 0))
    count = None if weights is None else weights.shape[0 if turned else 1]
    flat = bias is not None and bias.numel() == count and bias.shape[-1] == count
    if weights is not None and (alpha, beta) == (1.0, 1.0) and not call.attribute("transA", 0):
        layer = _linear(call, weights, turned)
        if flat:
            layer.bias = call.parameter(2, "flat", None if bias is None else bias.reshape(-1))
        y = call.apply(layer, call.running(0))
        return y if flat or not call.has(2) else y + call.running(2)
    a, b = call.running(0), call.running(1)
    y = torch.matmul(a.t() if call.attribute("transA", 0) else a, b.t() if turned else b)
    y = y if alpha == 1.0 else y * alpha
    return y if not call.has(2) else y + (call.running(2) if beta == 1.0 else call.running(2) * beta)


def _linear(call: Call, weights: torch.Tensor, turned: bool) -> nn.Linear:
    """A dense layer without a bias. turned: the weights are (out, in) already."""
    count, size = weights.shape if turned else weights.shape[::-1]
    layer = nn.Linear(size, count, bias=False, device="meta")
    layer.weight = call.parameter(1) if turned else call.parameter(1, "turned", weights.t())
    rank = len(call.about(0).shape or (0, 0))
    call.scope.channels[call.node.output[0]] = rank - 1
    return layer


@operator("MatMul")
def _matmul(call: Call) -> Any:
    left, right = call.constant(0), call.constant(1)
    if right is not None and right.ndim == 2 and right.is_floating_point() and left is None:
        return call.apply(_linear(call, right, turned=False), call.running(0))
    sides = []
    for position, stored in ((0, left), (1, right)):
        trained = stored is not None and stored.is_floating_point() and stored.ndim > 1
        sides.append(call.weight(position, "weight") if trained else call.running(position))
    return torch.matmul(sides[0], sides[1])


@operator("PRelu")
def _prelu(call: Call) -> Any:
    slope, x = call.constant(1), call.running(0)
    carry_channels(call)
    if slope is None:
        return torch.where(x < 0, x * call.running(1), x)
    rank = call.rank(0)
    # One slope a channel, on axis 1: what torch.nn.PReLU means.
    axis = rank - slope.ndim + next((i for i, n in enumerate(slope.shape) if n > 1), 0)
    if slope.numel() == 1 or (axis == CHANNELS and slope.numel() == max(slope.shape)):
        layer = nn.PReLU(slope.numel(), device="meta")
        layer.weight = call.parameter(1, "flat", slope.reshape(-1))
        return call.apply(layer, x)
    return torch.where(x < 0, x * call.weight(1, "weight"), x)


def carry_channels(call: Call) -> None:
    """The output has its channels where the first input has them."""
    axis = call.scope.channels.get(call.node.input[0])
    if axis is not None:
        call.scope.channels[call.node.output[0]] = axis


@operator("BatchNormalization")
def _batch_normalization(call: Call) -> Any:
    stored = [call.constant(position) for position in range(1, 5)]
    if any(item is None for item in stored):
        raise BodyDoubleError("BatchNormalization with statistics that are no constant")
    count = len(stored[0]) if stored[0] is not None else 0
    kinds: dict[int, Any] = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
    kind = _of_rank(kinds, call.rank(0), "BatchNormalization")
    # ONNX's momentum is the share of the old statistics, torch's of the new.
    layer = kind(count, call.attribute("epsilon", 1e-5), 1 - call.attribute("momentum", 0.9))
    layer.weight, layer.bias = call.parameter(1), call.parameter(2)
    layer.running_mean, layer.running_var = (item.float().clone() for item in stored[2:] if item is not None)
    call.scope.channels[call.node.output[0]] = CHANNELS
    return call.apply(layer, call.running(0))


@operator("InstanceNormalization")
def _instance_normalization(call: Call) -> Any:
    scale = call.constant(1)
    kinds: dict[int, Any] = {3: nn.InstanceNorm1d, 4: nn.InstanceNorm2d, 5: nn.InstanceNorm3d}
    if scale is None:
        raise BodyDoubleError("InstanceNormalization with a scale that is no constant")
    kind = _of_rank(kinds, call.rank(0), "InstanceNormalization")
    layer = kind(len(scale), call.attribute("epsilon", 1e-5), affine=True)
    layer.weight, layer.bias = call.parameter(1), call.parameter(2)
    return call.apply(layer, call.running(0))


@operator("LayerNormalization")
def _layer_normalization(call: Call) -> Any:
    scale = call.constant(1)
    axis = call.attribute("axis", -1)
    if scale is None or scale.ndim != (-axis if axis < 0 else call.rank(0) - axis):
        raise BodyDoubleError("LayerNormalization with a scale that is no constant of the axes' shape")
    layer = nn.LayerNorm(tuple(scale.shape), call.attribute("epsilon", 1e-5), bias=call.has(2))
    layer.weight = call.parameter(1)
    if call.has(2):
        layer.bias = call.parameter(2)
    return call.apply(layer, call.running(0))


@operator("MaxPool")
def _max_pool(call: Call) -> Any:
    if len(call.node.output) > 1:
        raise BodyDoubleError("MaxPool with indices")
    kernel = list(call.attribute("kernel_shape"))
    strides, dilations, before, after = _window(call, kernel)
    x = call.running(0)
    carry_channels(call)
    if not _symmetric(before, after) or any(2 * n > size for n, size in zip(before, kernel, strict=True)):
        x, before = padded(x, before, after, -math.inf), [0] * len(kernel)
    kind = _of_rank(MAX_POOLS, len(kernel), "MaxPool")
    ceil = bool(call.attribute("ceil_mode", 0))
    return call.apply(kind(tuple(kernel), tuple(strides), tuple(before), tuple(dilations), ceil_mode=ceil), x)


@operator("AveragePool")
def _average_pool(call: Call) -> Any:
    kernel = list(call.attribute("kernel_shape"))
    strides, dilations, before, after = _window(call, kernel)
    if any(n != 1 for n in dilations):
        raise BodyDoubleError("AveragePool with dilations")
    x, counted = call.running(0), bool(call.attribute("count_include_pad", 0))
    carry_channels(call)
    kind = _of_rank(AVERAGE_POOLS, len(kernel), "AveragePool")
    ceil = bool(call.attribute("ceil_mode", 0))
    plain = kind(tuple(kernel), tuple(strides), 0, ceil_mode=ceil)
    if _symmetric(before, after) and all(2 * n <= size for n, size in zip(before, kernel, strict=True)):
        return call.apply(kind(tuple(kernel), tuple(strides), tuple(before), ceil, counted), x)
    y = call.apply(plain, padded(x, before, after))
    if counted:
        return y
    # The share of each window that is no padding: the same pooling of ones.
    sizes = [call.size(axis + 2) for axis in range(len(kernel))]
    if all(type(n) is int for n in (*sizes, *before, *after)):
        ones = padded(torch.ones([1, 1, *sizes]), before, after)
        return y * (1 / plain(ones))
    ones = padded(torch.ones_like(x), before, after)
    return y / call.apply(kind(tuple(kernel), tuple(strides), 0, ceil_mode=ceil), ones)


@operator("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(call: Call) -> Any:
    axes = tuple(range(2, call.rank(0)))
    carry_channels(call)
    x = call.running(0)
    return x.mean(axes, keepdim=True) if call.node.op_type == "GlobalAveragePool" else torch.amax(x, axes, keepdim=True)
