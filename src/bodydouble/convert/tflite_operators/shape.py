"""Operators that move, cut, join, repeat or make up elements."""

from __future__ import annotations

import numpy as np

from bodydouble.convert.graph import Dim, Dims, Tensor
from bodydouble.convert.operators.sizes import broadcast, product
from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_operators.registry import handles
from bodydouble.types import BodyDoubleError

FAR = int(np.iinfo(np.int32).max)  # ONNX's Slice: as far as there is


@handles("SHAPE")
def _shape(call: Call) -> Result:
    dims = call.dims()
    if all(isinstance(size, int) for size in dims):
        return np.array(dims, call.made())
    return call.cast(call.add("Shape", [call.input()], (len(dims),), np.int64), call.made())


@handles("RANK")
def _rank(call: Call) -> Result:
    return np.array(call.rank(), call.made())


@handles("RESHAPE", "STABLEHLO_RESHAPE")
def _reshape(call: Call) -> Result:
    """To sizes that are a constant, an option, computed, or stated of the output, in this order."""
    x, dims = call.input(), call.dims()
    sizes = call.known(1) if call.kind == "RESHAPE" else None
    wanted: Dims | None = None
    if sizes is not None and sizes.ndim == 1:
        wanted = tuple(int(n) for n in sizes)
    elif call.has(1) and sizes is None and call.kind == "RESHAPE":
        return _computed(call, x)
    elif call.option("NewShape", ()):
        wanted = tuple(call.option("NewShape"))
    if call.pairs:
        return call.reshaped(x, (*filled(call, dims[:-1], wanted or call.stated()), 2))
    if wanted is None or (-1 not in wanted and product(wanted) == 1 and product(dims) != 1):
        wanted = call.stated()  # a scalar's shape is also what is there when there is none
    return call.reshaped(x, filled(call, dims, wanted))


def _computed(call: Call, x: str) -> str:
    """To sizes known only at run time; the file says at least how many there are."""
    if call.pairs:
        raise BodyDoubleError("RESHAPE of complex numbers to sizes that are computed")
    sizes = call.cast(call.input(1), np.int64)
    (count,) = call.builder.dims(sizes)
    stated = call.stated()
    if len(stated) != count:
        stated = tuple(call.builder.fresh("size") for _ in range(int(count))) if isinstance(count, int) else stated
    return call.add("Reshape", [x, sizes], stated)


def filled(call: Call, dims: Dims, wanted: Dims) -> Dims:
    """The wanted sizes with -1 replaced by what is left, a name where that is open."""
    total = product(dims)
    known = product(tuple(n for n in wanted if n != -1))
    if -1 not in wanted:
        if total is not None and known is not None and total != known:
            raise BodyDoubleError(f"{dims} cannot be reshaped to {wanted}")
        return wanted
    if total is None or not known:
        rest: Dim = call.builder.fresh("rest")
        # The first axis stays as it is where the rest is what it was: a batch keeps its name.
        if wanted[0] == -1 and dims and isinstance(dims[0], str) and known == product(dims[1:]):
            rest = dims[0]
    elif total % known:
        raise BodyDoubleError(f"{dims} cannot be reshaped to {wanted}")
    else:
        rest = total // known
    return tuple(rest if n == -1 else n for n in wanted)


@handles("SQUEEZE")
def _squeeze(call: Call) -> Result:
    x, dims, rank = call.input(), call.dims(), len(call.dims()) - call.pairs
    axes = {call.axis(axis, rank) for axis in call.option("SqueezeDims", ())}
    gone = sorted(axes or {axis for axis, n in enumerate(dims[:rank]) if n == 1})
    rest = tuple(n for axis, n in enumerate(dims) if axis not in gone)
    if sum(isinstance(n, str) for n in rest) <= 1:
        return call.reshaped(x, rest)
    return call.add("Squeeze", [x, call.array(gone, name="axes")], rest) if gone else x


@handles("EXPAND_DIMS")
def _expand_dims(call: Call) -> Result:
    axis = call.axis(call.numbers(1)[0], call.rank() - call.pairs + 1)
    dims = call.dims()
    return unsqueezed(call, call.input(), axis, (*dims[:axis], 1, *dims[axis:]))


def unsqueezed(call: Call, x: str, axis: int, dims: Dims) -> str:
    """The value with an axis of size 1 more."""
    if sum(isinstance(n, str) for n in dims) <= 1:
        return call.reshaped(x, dims)
    return call.add("Unsqueeze", [x, call.array([axis], name="axes")], dims)


@handles("TRANSPOSE")
def _transpose(call: Call) -> Result:
    dims, rank = call.dims(), call.rank() - call.pairs
    order = [*(call.axis(axis, rank) for axis in call.numbers(1)), *range(rank, len(dims))]
    if sorted(order) != list(range(len(dims))):
        raise BodyDoubleError(f"TRANSPOSE of {len(dims)} axes by {order}")
    return call.add("Transpose", [call.input()], tuple(dims[axis] for axis in order), perm=tuple(order))


@handles("PACK")
def _pack(call: Call) -> Result:
    dims = call.dims()
    axis = call.axis(int(call.option("Axis")), len(dims) + 1)
    parts = [unsqueezed(call, part, axis, (*dims[:axis], 1, *dims[axis:])) for part in call.inputs()]
    return call.add("Concat", parts, (*dims[:axis], len(parts), *dims[axis:]), axis=axis)


@handles("UNPACK")
def _unpack(call: Call) -> Result:
    dims, count = call.dims(), len(call.operator.outputs)
    axis = call.axis(int(call.option("Axis")), len(dims))
    rest = (*dims[:axis], *dims[axis + 1 :])
    return [
        call.add("Gather", [call.input(), call.array(index, name="index")], rest, axis=axis) for index in range(count)
    ]


@handles("SPLIT", "SPLIT_V")
def _split(call: Call) -> Result:
    """SPLIT: axis and value. SPLIT_V: value, sizes, axis; one size may be -1."""
    at, axis_at = (1, 0) if call.kind == "SPLIT" else (0, 2)
    x, dims, count = call.input(at), call.dims(at), len(call.operator.outputs)
    axis = call.axis(call.numbers(axis_at)[0], len(dims))
    total = dims[axis]
    if isinstance(total, str):
        raise BodyDoubleError(f"{call.kind} along an axis whose size is known only at run time")
    sizes = [total // count] * count if call.kind == "SPLIT" else call.numbers(1)
    sizes = [total - sum(n for n in sizes if n >= 0) if n < 0 else n for n in sizes]
    if sum(sizes) != total or len(sizes) != count:
        raise BodyDoubleError(f"{call.kind} of {total} elements in parts of {sizes}")
    kinds = [((*dims[:axis], size, *dims[axis + 1 :]), call.dtype(at)) for size in sizes]
    if count == 1:
        return x
    return call.builder.add_all("Split", [x, call.array(sizes, name="sizes")], kinds, axis=axis)


@handles("CONCATENATION")
def _concatenation(call: Call) -> Result:
    return call.activated(joined(call, call.inputs(), int(call.option("Axis"))))


def joined(call: Call, parts: list[str], axis: int) -> str:
    """Values one after another along an axis."""
    shapes = [call.builder.dims(part) for part in parts]
    axis = call.axis(axis, len(shapes[0]))
    if len({len(dims) for dims in shapes}) != 1:
        raise BodyDoubleError(f"{call.kind} along axis {axis} of shapes {shapes}")
    sizes = [dims[axis] for dims in shapes]
    known = [n for n in sizes if isinstance(n, int)]
    total: Dim = sum(known) if len(known) == len(sizes) else call.builder.fresh("joined")
    made = list(shapes[0])
    for dims in shapes[1:]:
        made = [a if isinstance(a, int) else b for a, b in zip(made, dims, strict=True)]
    made[axis] = total
    return call.add("Concat", parts, tuple(made), axis=axis)


@handles("PAD", "PADV2")
def _pad(call: Call) -> Result:
    x, amounts = call.input(), call.known(1)
    fill = call.known(2) if call.has(2) else np.zeros(1)
    number = call.input(2) if fill is None else call.like(float(fill.ravel()[0]), x)
    if fill is not None and fill.size != 1:
        raise BodyDoubleError(f"{call.kind} with {fill.size} values")
    if amounts is None:
        turned = call.add("Transpose", [call.cast(call.input(1), np.int64)], (2, call.rank()), perm=(1, 0))
        return call.add("Pad", [x, call.reshaped(turned, (2 * call.rank(),)), number], call.stated(), mode="constant")
    pads, dims = _amounts(call, amounts)
    return call.add("Pad", [x, pads, number], dims, mode="constant")


def _amounts(call: Call, amounts: Tensor) -> tuple[str, Dims]:
    """Elements before and after each axis as ONNX has them, and the sizes that result."""
    dims = call.dims()
    if amounts.shape != (len(dims), 2) or (amounts < 0).any():
        raise BodyDoubleError(f"padding {amounts.tolist()} of an input of shape {dims}")
    made = tuple(
        n + int(before) + int(after)
        if isinstance(n, int)
        else n
        if not before + after
        else call.builder.fresh("padded")
        for n, (before, after) in zip(dims, amounts, strict=True)
    )
    return call.array(amounts.T.ravel(), name="pads"), made


_REFLECT = 0  # MirrorPadMode: 0 leaves out the edge, 1 repeats it


@handles("MIRROR_PAD")
def _mirror_pad(call: Call) -> Result:
    amounts = call.constant(1)
    pads, dims = _amounts(call, amounts)
    if call.option("Mode") == _REFLECT and call.dtype().kind == "f":
        return call.add("Pad", [call.input(), pads], dims, mode="reflect")
    value = call.input()
    for axis, (before, after) in enumerate(amounts.tolist()):
        size = call.shape()[axis]
        if before or after:
            indices, around = np.arange(size), (int(before), int(after))
            reflected = call.option("Mode") == _REFLECT
            places = np.pad(indices, around, mode="reflect") if reflected else np.pad(indices, around, mode="symmetric")
            made = (*call.builder.dims(value)[:axis], len(places), *call.builder.dims(value)[axis + 1 :])
            value = call.add("Gather", [value, call.array(places, name="places")], made, axis=axis)
    return value


@handles("TILE")
def _tile(call: Call) -> Result:
    times, dims = call.known(1), call.dims()
    if times is None:
        return call.add("Tile", [call.input(), call.cast(call.input(1), np.int64)], call.stated())
    made = tuple(
        n * int(t) if isinstance(n, int) else n if t == 1 else call.builder.fresh("tiled")
        for n, t in zip(dims, times.ravel(), strict=True)
    )
    return call.add("Tile", [call.input(), call.array(times.ravel(), name="times")], made)


@handles("FILL", "BROADCAST_TO")
def _fill(call: Call) -> Result:
    at, sizes_at = (1, 0) if call.kind == "FILL" else (0, 1)
    sizes = call.known(sizes_at)
    if sizes is not None:
        made: Dims = tuple(int(n) for n in sizes.ravel())
        number = call.known(at)
        if number is not None and number.size == 1 and (product(made) or 0) <= 1:
            return np.full(tuple(int(n) for n in sizes.ravel()), number.ravel()[0], number.dtype)
        return call.add("Expand", [call.input(at), call.array(made, name="sizes")], made)
    return call.add("Expand", [call.input(at), call.cast(call.input(sizes_at), np.int64)], call.stated())


@handles("BROADCAST_ARGS")
def _broadcast_args(call: Call) -> Result:
    known = [call.known(0), call.known(1)]
    if known[0] is not None and known[1] is not None:
        return np.array(np.broadcast_shapes(tuple(known[0]), tuple(known[1])), call.made())
    sizes = [call.cast(call.input(n), np.int64) for n in (0, 1)]
    counts = [call.builder.shape(value)[0] for value in sizes]
    longest = max(counts)
    for n in (0, 1):
        if counts[n] < longest:
            pads = call.array([longest - counts[n], 0], name="pads")
            sizes[n] = call.add("Pad", [sizes[n], pads, call.array(1)], (longest,), mode="constant")
    return call.cast(call.add("Max", sizes, (longest,)), call.made())


@handles("RANGE")
def _range(call: Call) -> Result:
    ends = [call.known(n) for n in range(3)]
    if all(end is not None for end in ends):
        first, last, step = (end.ravel()[0] for end in ends if end is not None)
        count = max(0, int(np.ceil((last - first) / step)))
        return np.asarray(first + np.arange(count, dtype=call.made()) * step, call.made())
    scalars = [call.reshaped(call.input(n), ()) for n in range(3)]
    return call.add("Range", scalars, (call.builder.fresh("count"),))


@handles("REVERSE_V2")
def _reverse(call: Call) -> Result:
    axes = [call.axis(axis, call.rank()) for axis in call.numbers(1)]
    ends = [
        call.array([-1] * len(axes)),
        call.array([-FAR - 1] * len(axes)),
        call.array(axes),
        call.array([-1] * len(axes)),
    ]
    return call.add("Slice", [call.input(), *ends], call.dims())


@handles("REVERSE_SEQUENCE")
def _reverse_sequence(call: Call) -> Result:
    """The first so many elements of each sequence backwards. ONNX knows two layouts: batch and time, in any order."""
    time, batch = int(call.option("SeqDim")), int(call.option("BatchDim"))
    x, dims, lengths = call.input(), call.dims(), call.cast(call.input(1), np.int64)
    rest = [axis for axis in range(len(dims)) if axis not in (time, batch)]
    order = [batch, time, *rest]
    turned = call.add("Transpose", [x], tuple(dims[a] for a in order), perm=tuple(order))
    turned = call.add("ReverseSequence", [turned, lengths], call.builder.dims(turned), batch_axis=0, time_axis=1)
    back = tuple(int(n) for n in np.argsort(order))
    return call.add("Transpose", [turned], dims, perm=back)


@handles("SELECT", "SELECT_V2", "STABLEHLO_SELECT")
def _select(call: Call) -> Result:
    """SELECT's condition may have one element for each entry of the first axis."""
    condition, dims = call.input(0), call.dims(1)
    own = call.dims(0)
    if call.kind == "SELECT" and len(own) == 1 and len(dims) > 1:
        condition = call.reshaped(condition, (*own, *[1] * (len(dims) - 1)))
    made = broadcast(call.builder.dims(condition), broadcast(dims, call.dims(2), call.kind), call.kind)
    return call.add("Where", [condition, call.input(1), call.input(2)], made, call.dtype(1))


@handles("BITCAST")
def _bitcast(call: Call) -> Result:
    if call.dtype() == call.made():
        return call.input()
    raise BodyDoubleError(f"BITCAST from {call.dtype()} to {call.made()}, which opset 17 has not")
