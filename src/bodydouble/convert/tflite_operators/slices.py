"""Operators that cut blocks out: by begins and sizes, and by numpy's begin, end and step with its masks."""

from __future__ import annotations

import numpy as np

from bodydouble.convert.graph import Dim, Dims, Tensor
from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_operators.registry import handles
from bodydouble.convert.tflite_operators.shape import FAR
from bodydouble.types import BodyDoubleError


@handles("SLICE")
def _slice(call: Call) -> Result:
    """Begins and sizes; a size of -1 is what is left."""
    begins, sizes, dims = call.known(1), call.known(2), call.dims()
    if begins is None or sizes is None:
        return _slice_computed(call)
    made: list[Dim] = []
    for n, begin, size in zip(dims, begins.tolist(), sizes.tolist(), strict=True):
        left: Dim = n - begin if isinstance(n, int) else n if not begin else call.builder.fresh("left")
        made.append(left if size < 0 else size)
    ends = [begin + size if size >= 0 else FAR for begin, size in zip(begins.tolist(), sizes.tolist(), strict=True)]
    if tuple(made) == dims:
        return call.input()
    axes = call.array(range(len(dims)), name="axes")
    cuts = [call.array(begins, name="starts"), call.array(ends, name="ends"), axes]
    return call.add("Slice", [call.input(), *cuts], tuple(made))


def _slice_computed(call: Call) -> str:
    begins, sizes = (call.cast(call.input(n), np.int64) for n in (1, 2))
    dims = call.builder.dims(begins)
    ends = call.add("Add", [begins, sizes], dims)
    whole = call.add("Less", [sizes, call.array(0)], dims, np.bool_)
    ends = call.add("Where", [whole, call.array(FAR), ends], dims, np.int64)
    known = call.known(2)
    made: Dims = call.stated()
    if known is not None and (known >= 0).all():
        made = tuple(int(n) for n in known)
    return call.add("Slice", [call.input(), begins, ends, call.array(range(call.rank()), name="axes")], made)


@handles("STRIDED_SLICE")
def _strided_slice(call: Call) -> Result:
    """numpy's x[begin:end:step] with a bit a place for "from the first", "to the last", "...", None and an index."""
    begins, ends, steps = call.known(1), call.known(2), call.constant(3)
    if begins is None or ends is None:
        return _strided_computed(call, steps)
    spec = _Spec(call, len(steps))
    cuts: list[tuple[int, slice]] = []
    dropped, added, axis = [], [], 0
    rank, made = call.rank(), 0
    for place in range(len(steps)):
        if spec.has("EllipsisMask", place):
            later = sum(not spec.has("NewAxisMask", n) for n in range(place + 1, len(steps)))
            made, axis = made + rank - later - axis, rank - later
        elif spec.has("NewAxisMask", place):
            added.append(made)
            made += 1
        else:
            begin, end, step = int(begins[place]), int(ends[place]), int(steps[place])
            if axis >= rank or step == 0:
                raise BodyDoubleError(f"STRIDED_SLICE of {rank} axes by {len(steps)} places or a step of 0")
            if spec.has("ShrinkAxisMask", place):
                # A dropped axis is one index, whatever its end says; -1 + 1 would be 0, which is before the last.
                cuts.append((axis, slice(begin, begin + 1 or None)))
                dropped.append(axis)
            else:
                end = begin + end if call.option("Offset") else end
                first = None if spec.has("BeginMask", place) else begin
                last = None if spec.has("EndMask", place) else end
                cuts.append((axis, slice(first, last, step)))
                made += 1
            axis += 1
    value = _cut(call, cuts)
    dims = call.builder.dims(value)
    kept = [n for axis, n in enumerate(dims) if axis not in dropped]
    for place in added:
        kept.insert(place, 1)
    return call.reshaped(value, tuple(kept)) if dropped or added else value


class _Spec:
    """The masks of a STRIDED_SLICE: of several ellipses the first counts."""

    def __init__(self, call: Call, count: int) -> None:
        self.masks = {
            name: int(call.option(name))
            for name in ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask")
        }
        first = self.masks["EllipsisMask"] & -self.masks["EllipsisMask"]
        self.masks["EllipsisMask"] = first & ((1 << count) - 1)

    def has(self, name: str, place: int) -> bool:
        return bool(self.masks[name] >> place & 1)


def _cut(call: Call, cuts: list[tuple[int, slice]]) -> str:
    """x[cuts]; of an axis whose size is open, the size stays open unless all of it is taken."""
    x, dims = call.input(), call.dims()
    made = list(dims)
    starts, ends, axes, steps = [], [], [], []
    for axis, cut in cuts:
        size, step = dims[axis], cut.step or 1
        if isinstance(size, int):
            taken = range(*cut.indices(size))
            made[axis] = len(taken)
            if len(taken) == size and step == 1:
                continue
            # Down to index 0 ends at -1, which ONNX reads as "the last": end before the beginning instead.
            starts.append(taken.start)
            ends.append(taken.stop if taken.stop >= 0 else -size - 1)
        else:
            if cut.start in (None, 0) and cut.stop is None and step == 1:
                continue
            known = cut.start is not None and cut.stop is not None and (cut.start < 0) == (cut.stop < 0)
            single = cut.start == -1 and cut.stop is None
            count = len(range(cut.start, cut.stop, step)) if known else 1 if single else -1
            made[axis] = count if count >= 0 and (count <= 1 or step == 1) else call.builder.fresh("cut")
            starts.append(cut.start if cut.start is not None else (0 if step > 0 else FAR))
            ends.append(cut.stop if cut.stop is not None else (FAR if step > 0 else -FAR - 1))
        axes.append(axis)
        steps.append(step)
    if not axes:
        return x
    numbers = zip((starts, ends, axes, steps), ("starts", "ends", "axes", "steps"), strict=True)
    return call.add("Slice", [x, *(call.array(n, name=name) for n, name in numbers)], tuple(made))


def _strided_computed(call: Call, steps: Tensor) -> str:
    """Places known only at run time; the masks are put into them."""
    count, dims = len(steps), call.dims()
    spec = _Spec(call, count)
    if spec.masks["EllipsisMask"] or spec.masks["NewAxisMask"] or call.option("Offset") or (steps < 0).any():
        raise BodyDoubleError("STRIDED_SLICE at computed places with an ellipsis, a new axis or a step back")
    begins, ends = (call.cast(call.input(n), np.int64) for n in (1, 2))
    flags = {name: [spec.has(name, n) for n in range(count)] for name in spec.masks}
    after = call.add("Add", [begins, call.array(1)], (count,))
    far, zero = call.array(FAR), call.array(0)
    last = call.add("Equal", [after, zero], (count,), np.bool_)
    single = call.add("Where", [last, far, after], (count,), np.int64)
    ends = call.add("Where", [call.array(flags["EndMask"], np.bool_), far, ends], (count,), np.int64)
    ends = call.add("Where", [call.array(flags["ShrinkAxisMask"], np.bool_), single, ends], (count,), np.int64)
    begins = call.add("Where", [call.array(flags["BeginMask"], np.bool_), zero, begins], (count,), np.int64)
    shrunk = [n for n in range(count) if flags["ShrinkAxisMask"][n]]
    both = [flags["BeginMask"][n] and flags["EndMask"][n] and steps[n] == 1 for n in range(count)]
    made: Dims = tuple(
        1 if n in shrunk else dims[n] if n >= count or both[n] else call.builder.fresh("cut") for n in range(len(dims))
    )
    places = [begins, ends, call.array(range(count), name="axes"), call.array(steps, name="steps")]
    value = call.add("Slice", [call.input(), *places], made)
    if not shrunk:
        return value
    kept = tuple(n for axis, n in enumerate(made) if axis not in shrunk)
    return call.add("Squeeze", [value, call.array(shrunk, name="axes")], kept)
