"""ONNX's operators that make, move, cut and join: shapes, reshaping, slices, padding, blocks."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import torch
from torch import fx
from torch.nn import functional

from bodydouble.convert.torch_call import Call, are_constant, constant, operator
from bodydouble.convert.torch_graph import Sizes
from bodydouble.types import BodyDoubleError


@operator("Shape")
def _shape(call: Call) -> Any:
    """Sizes that are known stay numbers, but for the first: a batch of another size may come."""
    rank = call.rank()
    first, last, _ = slice(call.attribute("start", 0), call.attribute("end")).indices(rank)
    value = call.value()
    if not isinstance(value, fx.Proxy):
        length = () if isinstance(value, Sizes) and value.scalar else call.about().shape
        return torch.tensor([int(n or 0) for n in (length or ())][first:last], dtype=torch.int64)
    return Sizes(tuple(value.shape[0] if axis == 0 else call.size(axis) for axis in range(first, last)))


@operator("Size")
def _size(call: Call) -> Any:
    if not isinstance(call.value(), fx.Proxy):
        return torch.tensor(call.tensor().numel())
    sizes = [call.running().shape[0] if axis == 0 else call.size(axis) for axis in range(call.rank())]
    return Sizes((reduce(lambda a, b: a * b, sizes, 1),), scalar=True)


@operator("Reshape")
def _reshape(call: Call) -> Any:
    value, wanted = call.value(), call.numbers(1)
    if isinstance(value, Sizes):
        if len(wanted) <= 1 and are_constant(wanted) and (wanted or len(value.items) == 1):
            return Sizes(value.items, scalar=not wanted)
        value = call.tensor()
    if not call.attribute("allowzero", 0):
        wanted = [call.size(axis) if type(n) is int and n == 0 else n for axis, n in enumerate(wanted)]
    return value.reshape(wanted)


@operator("Flatten")
def _flatten(call: Call) -> Any:
    axis = call.attribute("axis", 1)
    axis += call.rank() if axis < 0 else 0
    x = call.running()
    if axis == 1:
        return torch.flatten(x, 1)
    head = reduce(lambda a, b: a * b, [call.size(n) for n in range(axis)], 1)
    return x.reshape([head, -1])


@operator("Transpose")
def _transpose(call: Call) -> Any:
    order = call.attribute("perm") or list(range(call.rank()))[::-1]
    axis = call.scope.channels.get(call.node.input[0])
    if axis is not None:
        call.scope.channels[call.node.output[0]] = list(order).index(axis)
    return call.tensor().permute(list(order))


@operator("Squeeze")
def _squeeze(call: Call) -> Any:
    value, axes = call.value(), call.axes()
    if isinstance(value, Sizes) and len(value.items) == 1:
        return Sizes(value.items, scalar=True)
    if axes is None:
        axes = [axis for axis, n in enumerate(call.about().shape or ()) if n == 1]
    if any(axis < 0 for axis in axes):
        axes = [axis % call.rank() for axis in axes]
    x = call.tensor()
    for axis in sorted(axes, reverse=True):  # one by one: the TorchScript exporter has not several
        x = x.squeeze(axis)
    return x


@operator("Unsqueeze")
def _unsqueeze(call: Call) -> Any:
    value, axes = call.value(), call.axes() or []
    if isinstance(value, Sizes) and value.scalar and len(axes) == 1:
        return Sizes(value.items)
    x = call.tensor()
    rank = call.rank() + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


@operator("Concat")
def _concat(call: Call) -> Any:
    axis = call.attribute("axis")
    values = [call.value(position) for position in range(len(call.node.input))]
    if any(isinstance(value, Sizes) for value in values) and not any(isinstance(v, fx.Proxy) for v in values):
        return Sizes(tuple(n for position in range(len(values)) for n in call.numbers(position)))
    parts = [call.tensor(position) for position in range(len(values))]
    return parts[0] if len(parts) == 1 else torch.cat(parts, axis)


@operator("Split")
def _split(call: Call) -> Any:
    axis, count = call.attribute("axis", 0), len(call.node.output)
    sizes = call.numbers(1) if call.has(1) else call.attribute("split")
    if sizes is None:
        each = -(-call.size(axis) // count)
        sizes = [*[each] * (count - 1), call.size(axis) - each * (count - 1)]
    parts = torch.split(call.tensor(), list(sizes), axis)
    return tuple(parts[index] for index in range(count))


@operator("Slice")
def _slice(call: Call) -> Any:
    if call.opset < 10:
        raise BodyDoubleError("Slice of an opset before 10")
    starts, ends = call.numbers(1), call.numbers(2)
    axes = call.plain(3, "axes") if call.has(3) else list(range(len(starts)))
    steps = call.plain(4, "steps") if call.has(4) else [1] * len(starts)
    value = call.value()
    if isinstance(value, Sizes):
        if are_constant([*starts, *ends]):
            return Sizes(value.items[_cut(starts[0], ends[0], steps[0])])
        value = call.tensor()
    rank = call.rank()
    cuts: list[Any] = [slice(None)] * rank
    cut_axes = set()
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step < 0:
            value = _backwards(call, value, axis, _cut(start, end, step))
        else:
            cuts[axis] = _cut(start, end, step)
            cut_axes.add(axis)
    return value[tuple(cuts)] if cut_axes else value


def _cut(start: Any, end: Any, step: int) -> slice:
    """A Python slice; ONNX says "to the end" by a very large number, and by a very small one when going down."""
    if type(end) is int and abs(end) >= 2**31 - 1:
        end = None
    if step < 0 and type(start) is int and start >= 2**31 - 1:
        start = None
    if step > 0 and type(start) is int and start == 0:
        start = None
    return slice(start, end, None if step == 1 else step)


def _backwards(call: Call, value: Any, axis: int, cut: slice) -> Any:
    """A slice with a negative step, which torch has not: the elements by number, or all of them turned round."""
    shape = call.about().shape
    size = None if shape is None else shape[axis]
    if size is not None and are_constant([cut.start, cut.stop]):
        return value.index_select(axis, _index(call, list(range(size))[cut], value))
    if cut.start in (None, -1) and cut.stop is None:
        turned = value.flip(axis)
        cuts = [slice(None)] * call.rank()
        cuts[axis] = slice(None, None, -(cut.step or -1))
        return turned[tuple(cuts)] if cut.step != -1 else turned
    raise BodyDoubleError("Slice backwards over sizes known at run time only")


def _index(call: Call, numbers: list[int], beside: Any) -> Any:
    index = torch.tensor(numbers, dtype=torch.int64)
    return call.proxy(index) if isinstance(beside, fx.Proxy) else index


@operator("Expand")
def _expand(call: Call) -> Any:
    wanted = call.numbers(1)
    shape = call.about().shape
    if shape is None:
        raise BodyDoubleError("Expand of an unknown number of axes")
    x = call.tensor()
    extra = len(wanted) - len(shape)
    sizes: list[Any] = []
    for axis in range(max(len(wanted), len(shape))):
        goal = wanted[axis + min(extra, 0)] if axis + min(extra, 0) >= 0 else 1
        have = shape[axis - max(extra, 0)] if axis >= extra else 1
        keeps = axis >= extra and type(goal) is int and goal == 1
        # ONNX broadcasts both ways: where the input has more than one element its own size stands.
        sizes.append(-1 if keeps or (have is not None and have != 1) else goal)
    return x.expand(sizes) if any(type(n) is not int or n != -1 for n in sizes) else x


@operator("Tile")
def _tile(call: Call) -> Any:
    return call.tensor().repeat(call.numbers(1))


@operator("ConstantOfShape")
def _constant_of_shape(call: Call) -> Any:
    stored = call.attribute("value")
    fill = torch.zeros(1) if stored is None else constant(stored)
    sizes = call.numbers(0)
    if are_constant(sizes):
        return torch.full(sizes, fill.item(), dtype=fill.dtype)
    # Not a bool: the TorchScript exporter has no `full` of one.
    value = int(fill.item()) if fill.dtype == torch.bool else fill.item()
    return torch.full(sizes, value, dtype=fill.dtype, device=call.scope.device())


@operator("Range")
def _range(call: Call) -> Any:
    ends = [call.numbers(position)[0] for position in range(3)]
    dtype = call.about(0).dtype or torch.int64
    if are_constant(ends):
        return torch.arange(*ends, dtype=dtype)
    return torch.arange(*ends, dtype=dtype, device=call.scope.device())


@operator("Pad")
def _pad(call: Call) -> Any:
    mode = call.attribute("mode", b"constant").decode()
    rank, pads = call.rank(), call.numbers(1)
    axes = call.plain(3, "axes") if call.has(3) else list(range(rank))
    before: list[Any] = [0] * rank
    after: list[Any] = [0] * rank
    for place, axis in enumerate(axes):
        before[axis], after[axis] = pads[place], pads[place + len(axes)]
    x = call.tensor()
    if mode == "constant":
        fill = call.constant(2) if call.has(2) else torch.zeros(1)
        if fill is None:
            raise BodyDoubleError("Pad with a value known at run time only")
        if call.about().dtype == torch.bool:  # torch pads no truth values
            return functional.pad(x.to(torch.uint8), _pairs(before, after), value=int(fill.item())).to(torch.bool)
        return functional.pad(x, _pairs(before, after), value=fill.item())
    for axis in range(rank):
        if type(before[axis]) is int and before[axis] == 0 == after[axis]:
            continue
        size = call.size(axis)
        if not are_constant([before[axis], after[axis], size]):
            raise BodyDoubleError(f"Pad ({mode}) over sizes known at run time only")
        numbers = _padded_index(size, before[axis], after[axis], mode)
        x = x.index_select(axis, _index(call, numbers, x))
    return x


def _padded_index(size: int, before: int, after: int, mode: str) -> list[int]:
    """Which element of an axis each one of the padded axis shows."""
    kept = np.arange(size)[max(-before, 0) : size - max(-after, 0)]
    numpys: dict[str, Any] = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}
    if mode not in numpys:
        raise BodyDoubleError(f"Pad with mode {mode}")
    return [int(n) for n in np.pad(kept, (max(before, 0), max(after, 0)), mode=numpys[mode])]


def _pairs(before: list[Any], after: list[Any]) -> list[Any]:
    """Pads as torch has them: from the last axis; axes at the front that need none are left out."""
    count = len(before)
    skip = 0
    while skip < count - 1 and type(before[skip]) is type(after[skip]) is int and before[skip] == after[skip] == 0:
        skip += 1
    return [n for axis in reversed(range(skip, count)) for n in (before[axis], after[axis])]


@operator("DepthToSpace")
def _depth_to_space(call: Call) -> Any:
    block, x = call.attribute("blocksize"), call.running()
    if call.attribute("mode", b"DCR") == b"CRD":
        return functional.pixel_shuffle(x, block)
    _, channels, height, width = (call.size(axis) for axis in range(4))
    thin = channels // block**2
    parts = x.reshape([-1, block, block, thin, height, width]).permute([0, 3, 4, 1, 5, 2])
    return parts.reshape([-1, thin, height * block, width * block])


@operator("SpaceToDepth")
def _space_to_depth(call: Call) -> Any:
    block, x = call.attribute("blocksize"), call.running()
    _, channels, height, width = (call.size(axis) for axis in range(4))
    parts = x.reshape([-1, channels, height // block, block, width // block, block]).permute([0, 3, 5, 1, 2, 4])
    return parts.reshape([-1, channels * block**2, height // block, width // block])


@operator("NonZero")
def _non_zero(call: Call) -> Any:
    return torch.nonzero(call.tensor()).permute([1, 0])


@operator("Compress")
def _compress(call: Call) -> Any:
    x, axis = call.tensor(), call.attribute("axis")
    chosen = torch.nonzero(call.tensor(1)).reshape([-1])
    return (x.reshape([-1]) if axis is None else x).index_select(0 if axis is None else axis, chosen)


@operator("OneHot")
def _one_hot(call: Call) -> Any:
    depth, axis = call.numbers(1)[0], call.attribute("axis", -1)
    index, values = call.running(0), call.running(2)
    places = torch.arange(depth, device=call.scope.device())
    hot = torch.remainder(index, depth).unsqueeze(-1) == places
    hot = torch.where(hot, values[1], values[0])
    return hot if axis in (-1, call.rank()) else hot.movedim(-1, axis)


@operator("Trilu")
def _trilu(call: Call) -> Any:
    offset = call.plain(1, "its diagonal")[0] if call.has(1) else 0
    return (torch.triu if call.attribute("upper", 1) else torch.tril)(call.tensor(), offset)


@operator("EyeLike")
def _eye_like(call: Call) -> Any:
    shape = call.about().shape
    if shape is None or None in shape or call.attribute("k", 0):
        raise BodyDoubleError("EyeLike of a shape known at run time only")
    dtype = call.about().dtype
    return torch.eye(*[n or 0 for n in shape], dtype=dtype)
