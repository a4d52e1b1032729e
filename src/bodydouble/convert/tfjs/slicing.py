"""Operators that cut tensors up, join them, and pick or place elements by index."""

from __future__ import annotations

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Dim
from bodydouble.convert.tfjs.arithmetic import chosen, wider
from bodydouble.convert.tfjs.calls import Call, handles
from bodydouble.convert.tfjs.shaping import to_sizes
from bodydouble.types import BodyDoubleError

# Beyond any size: "to the end" of an ONNX Slice, or with a minus "to before the first".
FAR = (1 << 31) - 1


@handles("ConcatV2")
def _concat_v2(call: Call) -> str:
    return joined(call, call.xs(0, -1), int(call.number(-1)))


@handles("Concat")
def _concat(call: Call) -> str:
    return joined(call, call.xs(1), int(call.number(0)))


def joined(call: Call, parts: list[str], axis: int) -> str:
    """Joined along an axis; parts without elements do not count, whatever their shape."""
    g = call.g
    full = [part for part in parts if 0 not in (g.dims_or_none(part) or ())] or parts[:1]
    full = wider(g, *full)
    return g.emit("Concat", *full, axis=call.axis(axis, g.rank(full[0])))


@handles("Pack", "Stack")
def _pack(call: Call) -> str:
    return stacked(call.g, call.xs(), int(call.attr("axis", 0)))


def stacked(g: Emitter, parts: list[str], axis: int) -> str:
    """Joined along a new axis."""
    parts = wider(g, *parts)
    axis %= g.rank(parts[0]) + 1
    return g.emit("Concat", *[g.emit("Unsqueeze", part, g.ints(axis)) for part in parts], axis=axis)


@handles("Unpack", "Unstack")
def _unpack(call: Call) -> tuple[str, ...]:
    return unstacked(call, call.x(), int(call.attr("axis", 0)), int(call.attr("num", 0)))


def unstacked(call: Call, x: str, axis: int, count: int) -> tuple[str, ...]:
    """Cut into single slices along an axis, which goes. count: for an axis whose size is not known."""
    g = call.g
    axis = call.axis(axis, g.rank(x))
    size = g.dims(x)[axis]
    size = count if isinstance(size, str) else size
    if not size:
        raise BodyDoubleError(f"{call.record.op} into an unknown number of parts")
    parts = [x] if size == 1 else split(g, x, axis, [1] * size)
    return tuple(g.emit("Squeeze", part, g.ints(axis)) for part in parts)


def split(g: Emitter, x: str, axis: int, sizes: list[int]) -> tuple[str, ...]:
    """Cut along an axis into parts of these sizes."""
    if len(sizes) == 1:
        return (x,)
    content = g.content(x)
    if content is not None:  # sizes are followed through slices of their vectors
        ends = np.cumsum(sizes)
        return tuple(cut(g, x, axis, int(end - size), int(end)) for end, size in zip(ends, sizes, strict=True))
    return g.emit_all("Split", [x, g.ints(*sizes)], len(sizes), axis=axis)


def cut(g: Emitter, x: str, axis: int, start: int, end: int) -> str:
    """x from start to before end along an axis."""
    return g.emit("Slice", x, g.ints(start), g.ints(end), g.ints(axis))


@handles("Split")
def _split(call: Call) -> tuple[str, ...]:
    g, x = call.g, call.x(1)
    axis, count = call.axis(int(call.number(0)), g.rank(x)), int(call.attr("num_split", 1))
    size = g.dims(x)[axis]
    if isinstance(size, str):
        return g.emit_all("Split", [x], count, axis=axis) if count > 1 else (x,)
    if count < 1 or size % count:
        raise BodyDoubleError(f"Split of {size} into {count} equal parts")
    return split(g, x, axis, [size // count] * count)


@handles("SplitV")
def _split_v(call: Call) -> tuple[str, ...]:
    g, x = call.g, call.x(0)
    axis, sizes = call.axis(int(call.number(2)), g.rank(x)), call.numbers(1)
    whole = g.dims(x)[axis]
    if -1 in sizes:
        if isinstance(whole, str):
            raise BodyDoubleError("SplitV of an unknown size with an open part")
        sizes = [whole - sum(sizes) - 1 if size == -1 else size for size in sizes]
    return split(g, x, axis, sizes)


@handles("Slice")
def _slice(call: Call) -> str:
    """From begin on, `size` elements of each axis; -1 takes the rest."""
    g, x = call.g, call.x(0)
    begin, size = to_sizes(g, call.x(1)), to_sizes(g, call.x(2))
    rank = g.rank(x)
    known = g.known(size)
    if known is None:
        rest = g.emit("Equal", size, g.ints(-1))
        ends = g.emit("Where", rest, g.ints(FAR), g.emit("Add", begin, size))
        content = g.content(size)
        # A size that is a name gives an axis of that size.
        dims: list[Dim] = ["" if n == -1 else n for n in content] if content is not None else [""] * rank
    else:
        far = np.where(known == -1, FAR, 0)
        ends = g.emit("Add", begin, g.ints(*np.where(known == -1, 0, known)))
        if far.any():
            ends = g.emit("Where", g.constant(known == -1, name="rest"), g.ints(FAR), ends)
        dims = ["" if n == -1 else int(n) for n in known]
    return g.emit("Slice", x, begin, ends, g.ints(*range(rank)), dims=dims)


@handles("StridedSlice")
def _strided_slice(call: Call) -> str:
    """x[begin:end:stride] with TensorFlow's masks: bit i speaks of entry i."""
    g, x = call.g, call.x(0)
    steps = call.numbers(3)
    begins, ends = (_entries(g, call.x(position), len(steps)) for position in (1, 2))
    mask = {name: int(call.attr(f"{name}_mask", 0)) for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}

    def is_set(name: str, entry: int) -> bool:
        return bool(mask[name] >> entry & 1)

    starts: list[str] = []
    stops: list[str] = []
    axes: list[int] = []
    strides: list[int] = []
    added, dropped = [], []
    axis = place = 0  # of the input; of the result before axes are dropped
    for entry, step in enumerate(steps):
        if is_set("ellipsis", entry):
            later = sum(not is_set("new_axis", other) for other in range(entry + 1, len(steps)))
            skipped = g.rank(x) - axis - later
            axis, place = axis + skipped, place + skipped
            continue
        if is_set("new_axis", entry):
            added.append(place)
            place += 1
            continue
        start, stop = begins[entry], ends[entry]
        if is_set("shrink_axis", entry):
            dropped.append(place)
            start, stop, step = begins[entry], _after(g, begins[entry]), 1
        else:
            start = g.ints(0 if step > 0 else FAR) if is_set("begin", entry) else start
            stop = g.ints(FAR if step > 0 else -FAR) if is_set("end", entry) else stop
        starts.append(start)
        stops.append(stop)
        axes.append(axis)
        strides.append(step)
        axis, place = axis + 1, place + 1
    y = _cut_all(g, x, starts, stops, axes, strides)
    # The dropped axes are counted with the added ones in place.
    y = g.emit("Unsqueeze", y, g.ints(*added)) if added else y
    return g.emit("Squeeze", y, g.ints(*dropped)) if dropped else y


def _entries(g: Emitter, vector: str, count: int) -> list[str]:
    """Each number of a vector as an int64 vector of one."""
    vector = to_sizes(g, vector)
    if count == 1:
        return [vector]
    return [g.emit("Slice", vector, g.ints(entry), g.ints(entry + 1), g.ints(0)) for entry in range(count)]


def _after(g: Emitter, index: str) -> str:
    """The end of a slice of one element: index + 1, but after the last (-1) the end."""
    content = g.content(index)
    following = g.emit("Add", index, g.ints(1))
    if content is not None and isinstance(content.ravel()[0], int):
        return g.ints(FAR) if content.ravel()[0] == -1 else following
    return g.emit("Where", g.emit("Equal", index, g.ints(-1)), g.ints(FAR), following)


def _cut_all(g: Emitter, x: str, starts: list[str], stops: list[str], axes: list[int], strides: list[int]) -> str:
    """One Slice along the axes that are really cut."""
    real = []
    for position, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        first, end = g.known(start), g.known(stop)
        size = (g.dims_or_none(x) or ("",) * 9)[axes[position]]
        whole = end is not None and (end[0] >= FAR or end[0] == size)
        if not (whole and first is not None and first[0] == 0 and strides[position] == 1):
            real.append(position)
    if not real:
        return x
    joined_starts = g.emit("Concat", *[starts[n] for n in real], axis=0)
    joined_stops = g.emit("Concat", *[stops[n] for n in real], axis=0)
    over, steps = g.ints(*[axes[n] for n in real]), g.ints(*[strides[n] for n in real])
    dims = g.dims_or_none(x)
    hint: list[Dim] = [] if dims is None else list(dims)
    for n in real:
        if hint:
            hint[axes[n]] = _length(g, starts[n], stops[n], strides[n])
    return g.emit("Slice", x, joined_starts, joined_stops, over, steps, dims=hint)


def _length(g: Emitter, start: str, stop: str, step: int) -> Dim:
    """How many elements a slice has, where its end says so: x[0:height] has `height`."""
    first, end = g.content(start), g.content(stop)
    if step != 1 or first is None or end is None:
        return ""
    a, b = first.ravel()[0], end.ravel()[0]
    if isinstance(a, int) and isinstance(b, str) and a == 0:
        return str(b)
    return ""


@handles("Reverse", "ReverseV2")
def _reverse(call: Call) -> str:
    g, x = call.g, call.x(0)
    if call.record.op == "Reverse":  # a flag for each axis
        axes = [axis for axis, flag in enumerate(call.numbers(1)) if flag]
    else:
        axes = [call.axis(axis, g.rank(x)) for axis in call.numbers(1)]
    return reversed_along(g, x, axes)


def reversed_along(g: Emitter, x: str, axes: list[int]) -> str:
    """The elements along the axes the other way round."""
    if not axes:
        return x
    count = len(axes)
    minus = g.ints(*[-1] * count)
    return g.emit("Slice", x, minus, g.ints(*[-FAR] * count), g.ints(*axes), minus, dims=g.dims(x))


@handles("GatherV2", "Gather")
def _gather(call: Call) -> str:
    g, x, indices = call.g, call.x(0), call.x(1)
    rank = g.rank(x)
    axis = call.axis(int(call.number(2)), rank) if call.has(2) else 0
    batch = int(call.attr("batch_dims", 0))
    batch += g.rank(indices) if batch < 0 else 0
    if batch == 0:
        return g.emit("Gather", x, g.cast(indices, np.int64), axis=axis)
    # The axis comes right behind the batches, where GatherND picks; afterwards its place is that of the indices' axes.
    order = [*range(batch), axis, *[n for n in range(batch, rank) if n != axis]]
    places = g.emit("Unsqueeze", g.cast(indices, np.int64), g.ints(-1))
    picked = g.emit("GatherND", g.emit("Transpose", x, perm=order), places, batch_dims=batch)
    extra = g.rank(indices) - batch
    total = g.rank(picked)
    inner = range(batch, batch + extra)
    between = range(batch + extra, batch + extra + axis - batch)
    return g.emit("Transpose", picked, perm=[*range(batch), *between, *inner, *range(axis + extra, total)])


@handles("GatherNd")
def _gather_nd(call: Call) -> str:
    return call.g.emit("GatherND", call.x(0), call.as_type(1, np.int64))


@handles("ScatterNd")
def _scatter_nd(call: Call) -> str:
    """Updates that meet add up."""
    g = call.g
    base = g.emit("Expand", g.scalar(0, call.dtype(1)), to_sizes(g, call.x(2)))
    return g.emit("ScatterND", base, call.as_type(0, np.int64), call.x(1), reduction="add")


@handles("TensorScatterUpdate")
def _tensor_scatter_update(call: Call) -> str:
    tensor, updates = wider(call.g, call.x(0), call.x(2))
    return call.g.emit("ScatterND", tensor, call.as_type(1, np.int64), updates)


@handles("SparseToDense")
def _sparse_to_dense(call: Call) -> str:
    g = call.g
    indices, values = call.as_type(0, np.int64), call.x(2)
    default = call.as_type(3, call.dtype(2)) if call.has(3) else g.scalar(0, call.dtype(2))
    base = g.emit("Expand", default, to_sizes(g, call.x(1)))
    if g.rank(indices) == 0:
        indices = g.emit("Reshape", indices, g.ints(1, 1))
    elif g.rank(indices) == 1:
        indices = g.emit("Unsqueeze", indices, g.ints(1))
    count = g.emit("Slice", g.emit("Shape", indices), g.ints(0), g.ints(1), g.ints(0))
    return g.emit("ScatterND", base, indices, g.emit("Expand", values, count))


@handles("MatrixBandPart")
def _matrix_band_part(call: Call) -> str:
    """Only the elements at most `lower` below and `upper` above the diagonal; -1 keeps all."""
    g, x = call.g, call.x(0)
    rank = g.rank(x)
    zero, one = g.scalar(0, np.int64), g.scalar(1, np.int64)
    sizes = [g.emit("Gather", g.emit("Shape", x), g.scalar(rank - back, np.int64), axis=0) for back in (2, 1)]
    rows = g.emit("Unsqueeze", g.emit("Range", zero, sizes[0], one), g.ints(1))
    ahead = g.emit("Sub", g.emit("Range", zero, sizes[1], one), rows)  # columns right of the diagonal
    keep = ""
    for position, distance in ((1, g.emit("Neg", ahead)), (2, ahead)):
        limit = g.emit("Reshape", call.as_type(position, np.int64), g.constant(np.zeros(0, np.int64)))
        near = g.emit("Or", g.emit("Less", limit, zero), g.emit("LessOrEqual", distance, limit))
        keep = g.emit("And", keep, near) if keep else near
    return chosen(g, keep, x, g.scalar(0, call.dtype()))
