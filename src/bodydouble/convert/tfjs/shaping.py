"""Operators that give elements another shape or type: reshape, squeeze, cast, transpose, broadcast; shapes."""

from __future__ import annotations

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Dim
from bodydouble.convert.tfjs.calls import Call, Thing, handles
from bodydouble.types import BodyDoubleError

INT = np.dtype(np.int32)


@handles("Const")
def _const(call: Call) -> str:
    array, dtype = call.record.value, call.record.dtype
    if array is None:
        raise BodyDoubleError("Const without a value")
    return call.g.constant(array, dtype, "weights" if array.size > 1 else "constant")


@handles("Identity", "StopGradient", "Snapshot", "PreventGradient", "CheckNumerics", "PlaceholderWithDefault")
def _identity(call: Call) -> Thing:
    if not call.given:
        raise BodyDoubleError(f"{call.record.op} without input 0")
    return call.given[0]


@handles("Print", "FakeQuantWithMinMaxVars", "EnsureShape")
def _first(call: Call) -> str:
    """What TensorFlow.js passes on as it is."""
    return call.x(0)


@handles("IdentityN")
def _identity_n(call: Call) -> tuple[Thing, ...]:
    return call.given


@handles("NoOp", "Assert")
def _no_op(call: Call) -> tuple[Thing, ...]:
    return ()


@handles("Placeholder")
def _placeholder(call: Call) -> str:
    """Those that are inputs are there before; this one is none."""
    found = call.env.get(f"{call.record.name}:0")
    if not isinstance(found, str):
        raise BodyDoubleError(f"Placeholder {call.record.name}, which is no input")
    return found


def shape_of(g: Emitter, x: str) -> str:
    """The shape as an int64 vector."""
    return g.emit("Shape", x)


@handles("Shape")
def _shape(call: Call) -> str:
    return call.g.cast(shape_of(call.g, call.x()), INT)


@handles("ShapeN")
def _shape_n(call: Call) -> tuple[str, ...]:
    return tuple(call.g.cast(shape_of(call.g, x), INT) for x in call.xs())


@handles("Rank")
def _rank(call: Call) -> str:
    g, x = call.g, call.x()
    if g.dims_or_none(x) is not None:
        return g.scalar(g.rank(x), INT)
    return g.cast(g.emit("Squeeze", shape_of(g, shape_of(g, x)), g.ints(0)), INT)


@handles("Size")
def _size(call: Call) -> str:
    g, x = call.g, call.x()
    return g.cast(g.emit("ReduceProd", shape_of(g, x), axes=[0], keepdims=0), INT)


def to_sizes(g: Emitter, sizes: str) -> str:
    """A tensor of sizes as the int64 vector that ONNX takes."""
    sizes = g.cast(sizes, np.int64)
    return sizes if g.dims_or_none(sizes) is not None and g.rank(sizes) == 1 else g.emit("Reshape", sizes, g.ints(-1))


@handles("Reshape")
def _reshape(call: Call) -> str:
    return call.g.emit("Reshape", call.x(0), to_sizes(call.g, call.x(1)))


@handles("Squeeze")
def _squeeze(call: Call) -> str:
    g, x = call.g, call.x()
    axes = [int(axis) for axis in call.attr("squeeze_dims", call.attr("axis", ()))]
    if not axes and g.dims_or_none(x) is None:
        return g.emit("Squeeze", x)
    if not axes:
        axes = [axis for axis, size in enumerate(g.dims(x)) if size == 1]
    return g.emit("Squeeze", x, g.ints(*axes))


@handles("ExpandDims")
def _expand_dims(call: Call) -> str:
    return call.g.emit("Unsqueeze", call.x(0), call.g.ints(int(call.number(1))))


@handles("Cast")
def _cast(call: Call) -> str:
    dtype = call.attr("DstT")
    if dtype is None or dtype.kind == "c":
        raise BodyDoubleError(f"Cast to {dtype}")
    return call.g.cast(call.x(), dtype)


@handles("Transpose")
def _transpose(call: Call) -> str:
    return call.g.emit("Transpose", call.x(0), perm=tuple(call.numbers(1)))


@handles("BroadcastTo")
def _broadcast_to(call: Call) -> str:
    g, x = call.g, call.x(0)
    sizes = to_sizes(g, call.x(1))
    content = g.content(sizes)
    dims: list[Dim] = list(content) if content is not None else list(g.open_dims(sizes))
    if g.dtype(x) == np.bool_:
        return g.cast(g.emit("Expand", g.cast(x, INT), sizes, dims=dims), np.bool_)
    return g.emit("Expand", x, sizes, dims=dims)


@handles("BroadcastArgs")
def _broadcast_args(call: Call) -> str:
    """The shape that two shapes broadcast to."""
    g = call.g
    a, b = (to_sizes(g, call.x(position)) for position in (0, 1))
    lengths = [g.dims(name)[0] for name in (a, b)]
    if not all(isinstance(length, int) for length in lengths):
        raise BodyDoubleError("BroadcastArgs of shapes of unknown length")
    rank = max(int(length) for length in lengths)
    full = [
        g.emit("Concat", g.ints(*[1] * (rank - int(length))), name, axis=0) if int(length) < rank else name
        for name, length in zip((a, b), lengths, strict=True)
    ]
    ones = g.emit("Equal", full[0], g.ints(1))
    return g.cast(g.emit("Where", ones, full[1], full[0]), INT)


@handles("Tile")
def _tile(call: Call) -> str:
    g, x = call.g, call.x(0)
    if g.dtype(x) == np.bool_:
        return g.cast(g.emit("Tile", g.cast(x, INT), to_sizes(g, call.x(1))), np.bool_)
    return g.emit("Tile", x, to_sizes(g, call.x(1)))


@handles("Pad", "PadV2")
def _pad(call: Call) -> str:
    g, x = call.g, call.x(0)
    fill = call.as_type(2, call.dtype(0)) if call.has(2) else g.scalar(call.attr("constant_value", 0), call.dtype(0))
    amounts = g.emit("Reshape", g.emit("Transpose", g.cast(call.x(1), np.int64), perm=(1, 0)), g.ints(-1))
    known = g.known(amounts)
    if known is not None and not known.any():
        return x
    if g.dims_or_none(fill) != ():
        fill = g.emit("Reshape", fill, g.constant(np.zeros(0, np.int64), name="ints"))
    return g.emit("Pad", x, amounts, fill, dims=padded_dims(g, x, amounts), mode="constant")


def padded_dims(g: Emitter, x: str, amounts: str) -> list[Dim]:
    """Dims after a Pad by amounts (before each axis, then after each); where nothing is added they stay."""
    content, dims = g.content(amounts), g.dims(x)
    if content is None:
        return [""] * len(dims)
    pairs = content.reshape(2, -1).T
    return [size if list(pair) == [0, 0] else "" for size, pair in zip(dims, pairs, strict=True)]


@handles("MirrorPad")
def _mirror_pad(call: Call) -> str:
    g, x = call.g, call.x(0)
    amounts = call.array(1).astype(np.int64)
    if str(call.attr("mode", "REFLECT")).upper() == "REFLECT":
        return g.emit("Pad", x, g.ints(*amounts.T.ravel()), mode="reflect")
    # SYMMETRIC repeats the border itself, which ONNX has not: pieces of the picture, reversed.
    for axis, (before, after) in enumerate(amounts):
        parts = [x]
        if before:
            parts.insert(0, _cut(g, x, axis, int(before) - 1, -(1 << 31), -1))
        if after:
            parts.append(_cut(g, x, axis, -1, -int(after) - 1, -1))
        x = g.emit("Concat", *parts, axis=axis)
    return x


def _cut(g: Emitter, x: str, axis: int, start: int, end: int, step: int) -> str:
    return g.emit("Slice", x, g.ints(start), g.ints(end), g.ints(axis), g.ints(step))


@handles("SpaceToBatchND")
def _space_to_batch(call: Call) -> str:
    g, x = call.g, call.x(0)
    block, pads = call.numbers(1), call.x(2)
    spatial, rank = len(block), g.rank(x)
    before_after = g.emit("Transpose", g.cast(pads, np.int64), perm=(1, 0))
    parts = []
    for end in (0, 1):
        amounts = g.emit("Squeeze", g.emit("Slice", before_after, g.ints(end), g.ints(end + 1), g.ints(0)), g.ints(0))
        parts += [g.ints(0), amounts, *([g.ints(*[0] * (rank - 1 - spatial))] if rank - 1 > spatial else [])]
    flat = g.emit("Concat", *parts, axis=0)
    known = g.known(flat)
    if known is None or known.any():
        x = g.emit("Pad", x, flat, g.scalar(0, g.dtype(x)), dims=padded_dims(g, x, flat), mode="constant")
    # (N, s1 b1, s2 b2, rest) -> (N, s1, b1, s2, b2, rest) -> (b1, b2, N, s1, s2, rest) -> (b1 b2 N, s1, s2, rest)
    sizes = _divided(g, x, block)
    split = g.emit("Reshape", x, _interleaved(g, x, sizes, block))
    count = 2 * spatial + 1
    inner = tuple(range(2, count, 2))
    y = g.emit("Transpose", split, perm=(*inner, 0, *range(1, count, 2), *range(count, rank + spatial)))
    return g.emit("Reshape", y, g.emit("Concat", g.ints(-1), *sizes, *_rest(g, x, 1 + spatial), axis=0))


@handles("BatchToSpaceND")
def _batch_to_space(call: Call) -> str:
    g, x = call.g, call.x(0)
    block, crops = call.numbers(1), g.cast(call.x(2), np.int64)
    spatial, rank = len(block), g.rank(x)
    sizes = [_one(g, x, axis) for axis in range(1, 1 + spatial)]
    rest = _rest(g, x, 1 + spatial)
    split = g.emit("Reshape", x, g.emit("Concat", g.ints(*block, -1), *sizes, *rest, axis=0))
    order = [spatial]
    for axis in range(spatial):
        order += [spatial + 1 + axis, axis]
    y = g.emit("Transpose", split, perm=(*order, *range(2 * spatial + 1, rank + spatial)))
    grown = [g.emit("Mul", size, g.ints(factor)) for size, factor in zip(sizes, block, strict=True)]
    y = g.emit("Reshape", y, g.emit("Concat", g.ints(-1), *grown, *rest, axis=0))
    known = g.known(crops)
    if known is not None and not known.any():
        return y
    starts = g.emit("Squeeze", g.emit("Slice", crops, g.ints(0), g.ints(1), g.ints(1)), g.ints(1))
    cut = g.emit("Squeeze", g.emit("Slice", crops, g.ints(1), g.ints(2), g.ints(1)), g.ints(1))
    ends = g.emit("Sub", g.emit("Concat", *grown, axis=0), cut)
    return g.emit("Slice", y, starts, ends, g.ints(*range(1, 1 + spatial)), dims=[""] * rank)


def _one(g: Emitter, x: str, axis: int) -> str:
    """One size, as a vector of one number."""
    return g.emit("Slice", shape_of(g, x), g.ints(axis), g.ints(axis + 1), g.ints(0))


def _rest(g: Emitter, x: str, start: int) -> list[str]:
    """The sizes from an axis on, if there are any."""
    if start >= g.rank(x):
        return []
    return [g.emit("Slice", shape_of(g, x), g.ints(start), g.ints(g.rank(x)), g.ints(0))]


def _divided(g: Emitter, x: str, block: list[int]) -> list[str]:
    return [g.emit("Div", _one(g, x, 1 + axis), g.ints(factor)) for axis, factor in enumerate(block)]


def _interleaved(g: Emitter, x: str, sizes: list[str], block: list[int]) -> str:
    """(N, s1, b1, s2, b2, rest) for a Reshape."""
    parts = [g.ints(-1)]
    for size, factor in zip(sizes, block, strict=True):
        parts += [size, g.ints(factor)]
    return g.emit("Concat", *parts, *_rest(g, x, 1 + len(block)), axis=0)
