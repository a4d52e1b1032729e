"""Lists of tensors, which TensorFlow has in two kinds (TensorList, TensorArray) and ONNX as sequences.

A list that is known item by item while converting needs nothing in the graph. A list of alike tensors is one tensor
with a new first axis. Only what a loop fills in no known order, or with tensors of different shapes, is a sequence.
A list is never changed: setting an item gives another list.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Dim, Dims, Value
from bodydouble.convert.tfjs.slicing import stacked
from bodydouble.types import BodyDoubleError

LONGEST = 4096  # items of a list that is followed one by one


class NotCollectedError(BodyDoubleError):
    """A loop uses a list in another way than to write one item after the other."""


@dataclass(frozen=True, slots=True, eq=False)
class TensorList:
    """One list, in one of four forms: `items` (None for one not set yet), `dense` (n, ...), `sequence`, or, with none
    of these, `size` items that are not set. collecting: in a loop, the list as it came in; written: what was set then.

    element: dims of an item, where they are known. size: an int32 value.
    """

    dtype: np.dtype[Any]
    element: Dims | None = None
    items: tuple[str | None, ...] | None = None
    dense: str = ""
    sequence: str = ""
    size: str = ""
    collecting: object | None = None
    written: tuple[tuple[str, str], ...] = field(default=())


def reserved(g: Emitter, count: str, dtype: npt.DTypeLike, element: Dims | None) -> TensorList:
    """A list of items that are not set."""
    known = g.known(count)
    kind = np.dtype(dtype)
    if known is not None and 0 <= int(known.ravel()[0]) <= LONGEST:
        return TensorList(kind, element, items=(None,) * int(known.ravel()[0]))
    return TensorList(kind, element, size=g.emit("Reshape", g.cast(count, np.int32), scalar_shape(g)))


def scalar_shape(g: Emitter) -> str:
    """The shape of a tensor without axes."""
    return g.constant(np.zeros(0, np.int64), name="ints")


def of_tensor(g: Emitter, tensor: str) -> TensorList:
    """The slices of a tensor along its first axis."""
    dims = g.dims_or_none(tensor)
    return TensorList(g.dtype(tensor), None if dims is None else dims[1:], dense=tensor)


def _index(g: Emitter, index: str) -> str:
    return g.emit("Reshape", g.cast(index, np.int64), scalar_shape(g))


def length(g: Emitter, of: TensorList) -> str:
    """How many items, int32."""
    if of.items is not None:
        return g.scalar(len(of.items), np.int32)
    if of.dense:
        return g.cast(g.emit("Squeeze", g.emit("Shape", of.dense, start=0, end=1), g.ints(0)), np.int32)
    if of.sequence:
        return g.cast(g.emit("SequenceLength", of.sequence), np.int32)
    return of.size


def _plain(of: TensorList) -> None:
    if of.collecting is not None:
        raise NotCollectedError("a list that a loop reads and writes")


def item(g: Emitter, of: TensorList, index: str) -> str:
    """One item. Raises BodyDoubleError for one that is not set or not there."""
    _plain(of)
    known = g.known(index)
    if of.items is not None and known is not None:
        number = int(known.ravel()[0])
        found = of.items[number] if -len(of.items) <= number < len(of.items) else None
        return found if found is not None else _unset(g, of)
    if of.sequence:
        value = g.emit("SequenceAt", of.sequence, _index(g, index))
        if of.element is not None and g.dims_or_none(value) is None:
            dims = tuple(f"{value}.{axis}" if size in ("", -1) else size for axis, size in enumerate(of.element))
            g.values[value] = Value(value, dims, g.dtype(value))
        return value
    return g.emit("Gather", together(g, of), _index(g, index), axis=0)


def _unset(g: Emitter, of: TensorList) -> str:
    """An item that was never set is zeros, of a shape that has to be known."""
    if of.element is None or not all(isinstance(size, int) for size in of.element):
        raise BodyDoubleError("an item of a list that is not set")
    return g.constant(np.zeros([int(size) for size in of.element], of.dtype), name="zeros")


def with_item(g: Emitter, of: TensorList, index: str, value: str) -> TensorList:
    """The list with another item at an index."""
    if of.collecting is not None:
        return replace(of, written=(*of.written, (index, value)))
    known = g.known(index)
    if of.items is not None and known is not None:
        number = int(known.ravel()[0])
        if number < 0:
            raise BodyDoubleError(f"item {number} of a list")
        items = list(of.items) + [None] * (number + 1 - len(of.items))
        items[number] = value
        return replace(of, items=tuple(items))
    if of.sequence or not _has_shape(g, of):
        sequence, place = as_sequence(g, of), _index(g, index)
        without = g.emit("SequenceErase", sequence, place)
        return replace(of, items=None, dense="", sequence=g.emit("SequenceInsert", without, value, place))
    whole = together(g, of)
    place = g.emit("Reshape", g.cast(index, np.int64), g.ints(1, 1))
    return replace(
        of, items=None, dense=g.emit("ScatterND", whole, place, g.emit("Unsqueeze", value, g.ints(0))), size=""
    )


def _has_shape(g: Emitter, of: TensorList) -> bool:
    """Whether the list can be one tensor, items that are not set included."""
    if of.dense or (of.items is not None and all(entry is not None for entry in of.items) and of.items):
        return True
    return of.element is not None and all(isinstance(size, int) and size >= 0 for size in of.element)


def together(g: Emitter, of: TensorList) -> str:
    """All items as one tensor with a new first axis."""
    _plain(of)
    if of.dense:
        return of.dense
    if of.sequence:
        value = g.emit("ConcatFromSequence", of.sequence, axis=0, new_axis=1)
        if g.dims_or_none(value) is None and of.element is not None:
            dims: list[Dim] = [f"{value}.0", *of.element]
            named = tuple(f"{value}.{axis}" if size in ("", -1) else size for axis, size in enumerate(dims))
            g.values[value] = Value(value, named, g.dtype(value))
        return value
    if of.items is not None:
        if not of.items:
            if of.element is None or not all(isinstance(size, int) for size in of.element):
                raise BodyDoubleError("an empty list of tensors of unknown shape")
            return g.constant(np.zeros([0, *(int(n) for n in of.element)], of.dtype), name="zeros")
        like = next((entry for entry in of.items if entry is not None), None)
        dims_of = g.dims_or_none(like) if like else None
        if dims_of is not None and all(isinstance(size, int) for size in dims_of):
            of = replace(of, element=dims_of)
        entries = of.items or ()
        return stacked(g, [entry if entry is not None else _unset(g, of) for entry in entries], 0)
    if of.element is None or not all(isinstance(size, int) and size >= 0 for size in of.element):
        raise BodyDoubleError("a list of tensors of unknown shape")
    sizes = g.emit(
        "Concat", g.emit("Reshape", g.cast(of.size, np.int64), g.ints(1)), g.ints(*map(int, of.element)), axis=0
    )
    return g.emit("Expand", g.scalar(0, of.dtype), sizes)


def as_sequence(g: Emitter, of: TensorList) -> str:
    """The list as ONNX's sequence; items that are not set are single zeros."""
    _plain(of)
    if of.sequence:
        return of.sequence
    if of.items is not None:
        if not of.items:
            from bodydouble.convert.inference import tensor_type

            return g.emit("SequenceEmpty", dtype=tensor_type(of.dtype))
        zero = g.scalar(0, of.dtype)
        return g.emit("SequenceConstruct", *[entry if entry is not None else zero for entry in of.items])
    if of.dense:
        return g.emit("SplitToSequence", of.dense, axis=0, keepdims=0)
    count = g.emit("Reshape", g.cast(of.size, np.int64), g.ints(1))
    zeros = g.emit("Expand", g.scalar(0, of.dtype), count)
    return g.emit("SplitToSequence", zeros, axis=0, keepdims=0)


def picked(g: Emitter, of: TensorList, indices: str) -> str:
    """Some items as one tensor with a new first axis."""
    known = g.known(indices)
    if of.items is not None and known is not None:
        numbers = [int(n) for n in known.ravel()]
        chosen = [of.items[n] if 0 <= n < len(of.items) else None for n in numbers]
        return together(g, replace(of, items=tuple(chosen)))
    whole = together(g, of)
    maker, dims = g.makers.get(indices), g.dims_or_none(indices)
    if maker is not None and maker.op == "Range" and dims is not None and dims[0] == g.dims(whole)[0]:
        start, step = (g.known(maker.inputs[n]) for n in (0, 2))
        if start is not None and step is not None and (int(start), int(step)) == (0, 1):
            return whole
    return g.emit("Gather", whole, g.cast(indices, np.int64), axis=0)


def end_to_end(g: Emitter, of: TensorList) -> tuple[str, str]:
    """All items joined along their own first axis, and how long each is (int32)."""
    if of.items is not None and all(entry is not None for entry in of.items) and of.items:
        entries = [entry for entry in of.items if entry is not None]
        lengths = [g.emit("Shape", entry, start=0, end=1) for entry in entries]
        return g.emit("Concat", *entries, axis=0), g.cast(g.emit("Concat", *lengths, axis=0), np.int32)
    if of.dense:
        dims = g.emit("Shape", of.dense)
        rest = g.emit("Slice", dims, g.ints(2), g.ints(g.rank(of.dense)), g.ints(0))
        flat = g.emit("Reshape", of.dense, g.emit("Concat", g.ints(-1), rest, axis=0))
        count, each = (g.emit("Slice", dims, g.ints(n), g.ints(n + 1), g.ints(0)) for n in (0, 1))
        return flat, g.cast(g.emit("Expand", each, count), np.int32)
    value = g.emit("ConcatFromSequence", as_sequence(g, of), axis=0, new_axis=0)
    if g.dims_or_none(value) is None and of.element is not None:
        g.values[value] = Value(value, (f"{value}.0", *of.element[1:]), g.dtype(value))
    return value, ""


def pushed(g: Emitter, of: TensorList, value: str) -> TensorList:
    """The list with one more item at its end."""
    if of.items is not None:
        return replace(of, items=(*of.items, value))
    return replace(of, dense="", size="", sequence=g.emit("SequenceInsert", as_sequence(g, of), value))


def popped(g: Emitter, of: TensorList) -> tuple[TensorList, str]:
    """The list without its last item, and that."""
    if of.items:
        *rest, final = of.items
        return replace(of, items=tuple(rest)), final if final is not None else _unset(g, of)
    sequence = as_sequence(g, of)
    end = g.scalar(-1, np.int64)
    shorter = replace(of, items=None, dense="", size="", sequence=g.emit("SequenceErase", sequence, end))
    return shorter, item(g, replace(of, items=None, dense="", sequence=sequence), end)


def resized(g: Emitter, of: TensorList, count: str) -> TensorList:
    """The list cut off, or with more items that are not set."""
    known = g.known(count)
    if of.items is None or known is None:
        raise BodyDoubleError("a list whose new length is known only at run time")
    wanted = int(known.ravel()[0])
    return replace(of, items=tuple(list(of.items)[:wanted] + [None] * (wanted - len(of.items))))


def parts(g: Emitter, tensor: str, lengths: Sequence[int]) -> tuple[str, ...]:
    """A tensor cut along its first axis into pieces of these lengths."""
    ends = np.cumsum(lengths)
    size = g.dims(tensor)[0]
    if isinstance(size, int) and size != sum(lengths):
        raise BodyDoubleError(f"{size} rows cut into {math.fsum(lengths):.0f}")
    return tuple(
        g.emit("Slice", tensor, g.ints(int(end - n)), g.ints(int(end)), g.ints(0))
        for end, n in zip(ends, lengths, strict=True)
    )
