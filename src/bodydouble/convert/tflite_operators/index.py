"""Operators that pick or place elements by index: gathers, scatters, sorts, one-hot, segments, diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from bodydouble.convert.graph import Dim, Dims
from bodydouble.convert.operators.sizes import product
from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_operators.elementwise import compare, pair
from bodydouble.convert.tflite_operators.registry import handles
from bodydouble.types import BodyDoubleError


@handles("GATHER")
def _gather(call: Call) -> Result:
    """Slices along an axis; the first batch_dims axes of both inputs go together."""
    dims, index = call.dims(0), call.dims(1)
    axis, batch = call.axis(int(call.option("Axis")), len(dims)), int(call.option("BatchDims"))
    batch = call.axis(batch, len(index) + 1) if batch < 0 else batch
    indices = call.input(1) if call.dtype(1) in (np.int32, np.int64) else call.cast(call.input(1), np.int32)
    made = (*dims[:axis], *index[batch:], *dims[axis + 1 :])
    if not batch:
        return call.add("Gather", [call.input(), indices], made, axis=axis)
    if axis < batch:
        raise BodyDoubleError(f"GATHER along axis {axis} within {batch} common axes")
    # The gathered axis first after the common ones, then GatherND, then its place again.
    order = [*range(batch), axis, *(n for n in range(batch, len(dims)) if n != axis)]
    x = call.add("Transpose", [call.input()], tuple(dims[n] for n in order), perm=tuple(order))
    wide = call.add("Unsqueeze", [call.cast(indices, np.int64), call.array([-1])], (*index, 1))
    rest = [n for n in range(batch, len(dims)) if n != axis]
    found = call.add("GatherND", [x, wide], (*index, *(dims[n] for n in rest)), batch_dims=batch)
    count = len(index) - batch
    before = axis - batch
    back = [*range(batch), *range(batch + count, batch + count + before), *range(batch, batch + count),
            *range(batch + count + before, len(index) + len(rest))]  # fmt: skip
    return call.add("Transpose", [found], made, perm=tuple(back))


@handles("GATHER_ND")
def _gather_nd(call: Call) -> Result:
    dims, index = call.dims(0), call.dims(1)
    depth = index[-1]
    if isinstance(depth, str):
        raise BodyDoubleError("GATHER_ND with places of unknown length")
    indices = call.cast(call.input(1), np.int64)
    return call.add("GatherND", [call.input(), indices], (*index[:-1], *dims[depth:]))


@handles("EMBEDDING_LOOKUP")
def _embedding_lookup(call: Call) -> Result:
    """Rows of a table; the indices come first."""
    dims = call.dims(1)
    return call.add("Gather", [call.input(1), call.input(0)], (*call.dims(0), *dims[1:]), axis=0)


def zeros(call: Call, sizes: str, dims: Dims, dtype: np.dtype[Any]) -> str:
    """An array of zeros of sizes that may be computed."""
    return call.add("Expand", [call.array(0, dtype), call.cast(sizes, np.int64)], dims, dtype)


def _sized(call: Call, position: int) -> tuple[str, Dims]:
    """An input that holds sizes, and the sizes as far as they are known."""
    known = call.known(position)
    return call.input(position), tuple(int(n) for n in known) if known is not None else call.stated()


@handles("SCATTER_ND")
def _scatter_nd(call: Call) -> Result:
    """Adds slices at their places into zeros. Inputs: places, slices, sizes of the result."""
    sizes, dims = _sized(call, 2)
    x = zeros(call, sizes, dims, call.dtype(1))
    places = call.cast(call.input(0), np.int64)
    if call.dtype(1) == np.bool_:
        return call.add("ScatterND", [x, places, call.input(1)], dims)
    return call.add("ScatterND", [x, places, call.input(1)], dims, reduction="add")


@handles("SPARSE_TO_DENSE")
def _sparse_to_dense(call: Call) -> Result:
    """Inputs: places, sizes, values (or one for all), what is elsewhere."""
    sizes, dims = _sized(call, 1)
    elsewhere = call.reshaped(call.input(3), ())
    x = call.add("Expand", [elsewhere, call.cast(sizes, np.int64)], dims)
    places, rank = call.cast(call.input(0), np.int64), len(dims)
    index = call.builder.dims(places)
    if len(index) < 2:
        index = (index[0] if index and rank == 1 else 1, rank)
        places = call.reshaped(places, index)
    values = call.input(2)
    if not call.dims(2):
        values = call.add("Expand", [values, call.array(index[:1], name="sizes")], index[:1])
    return call.add("ScatterND", [x, places, values], dims)


@handles("DYNAMIC_UPDATE_SLICE")
def _dynamic_update_slice(call: Call) -> Result:
    """A block put into an array at a place, which is moved so that the block fits."""
    shape, block = call.shape(0), call.shape(1)
    start = call.cast(call.input(2), np.int64)
    most = call.array([n - m for n, m in zip(shape, block, strict=True)], name="last")
    start = call.add("Max", [call.add("Min", [start, most], (len(shape),)), call.array(0)], (len(shape),))
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in block), indexing="ij"), axis=-1).reshape(-1, len(shape))
    places = call.add("Add", [call.array(grid, name="grid"), start], grid.shape)
    values = call.reshaped(call.input(1), (len(grid),))
    return call.add("ScatterND", [call.input(), places, values], shape)


@handles("ONE_HOT")
def _one_hot(call: Call) -> Result:
    """Inputs: indices, depth, the value at the index, the value elsewhere."""
    dims, depth = call.dims(), call.known(1)
    axis = int(call.option("Axis", -1))
    axis = call.axis(axis, len(dims) + 1)
    count: Dim = int(depth.ravel()[0]) if depth is not None else call.builder.fresh("depth")
    made = (*dims[:axis], count, *dims[axis:])
    kind = call.dtype(2)
    wide = np.dtype(np.int64 if kind.kind == "i" else np.float32)  # the kinds that ONNX Runtime has
    both = [call.reshaped(call.cast(call.input(n), wide), (1,)) for n in (3, 2)]
    values = call.add("Concat", both, (2,), axis=0)
    # ONNX counts indices below zero from the end; TensorFlow has nothing there: they are moved out of reach.
    indices = call.cast(call.input(0), np.int64)
    below = compare(call, "LESS", indices, call.array(0))
    indices = call.add("Where", [below, call.array(1 << 31), indices], dims, np.int64)
    number = call.cast(call.reshaped(call.input(1), (1,)), np.int64)
    hot = call.add("OneHot", [indices, number, values], made, wide, axis=axis)
    return call.cast(hot, kind)


@handles("WHERE")
def _where(call: Call) -> Result:
    """The places of what is not zero, one a row."""
    rank, count = call.rank(), call.builder.fresh("found")
    x = call.input()
    x = x if call.dtype() in (np.bool_, np.float32, np.int32, np.int64) else call.cast(x, np.int32)
    found = call.add("NonZero", [x], (rank, count), np.int64)
    return call.cast(call.add("Transpose", [found], (count, rank), perm=(1, 0)), call.made())


@handles("TOPK_V2")
def _top_k(call: Call) -> Result:
    dims, count = call.dims(), call.known(1)
    size: Dim = int(count.ravel()[0]) if count is not None else call.builder.fresh("best")
    made = (*dims[:-1], size)
    x, kind = call.input(), call.dtype()
    wide = x if kind in (np.float32, np.int32, np.int64) else call.cast(x, np.int32)
    number = call.cast(call.reshaped(call.input(1), (1,)), np.int64)
    kinds = [(made, call.builder.values[wide].dtype), (made, np.dtype(np.int64))]
    values, places = call.builder.add_all("TopK", [wide, number], kinds, axis=-1, largest=1, sorted=1)
    return [call.cast(values, kind), call.cast(places, call.made(1))]


@handles("UNIQUE")
def _unique(call: Call) -> Result:
    """Each value once, in the order of first sight, and for each element which of them it is."""
    count, wide = call.builder.fresh("unique"), np.dtype(np.int64)
    x, kind = call.input(), call.dtype()
    x = call.cast(x, np.int64) if kind == np.int32 else x
    kinds = [((count,), call.builder.values[x].dtype), ((count,), wide), (call.dims(), wide), ((count,), wide)]
    values, _, places, _ = call.builder.add_all("Unique", [x], kinds, sorted=0)
    return [call.cast(values, kind), call.cast(places, call.made(1))]


_SEGMENTS = {"SUM": "add", "PROD": "mul", "MAX": "max", "MIN": "min"}


@handles("UNSORTED_SEGMENT_SUM", "UNSORTED_SEGMENT_PROD", "SEGMENT_SUM")
def _segments(call: Call) -> Result:
    """Rows added or multiplied by the number of the segment that each is in; rows below zero are left out."""
    dims = call.dims()
    count: Dim
    if call.kind == "SEGMENT_SUM":
        known = call.constant(1)
        count, number = int(known.max(initial=-1)) + 1, call.array([int(known.max(initial=-1)) + 1])
        segments = call.array(known, name="segments")
    else:
        total = call.known(2)
        count = int(total.ravel()[0]) if total is not None else call.builder.fresh("segments")
        number = call.cast(call.reshaped(call.input(2), (1,)), np.int64)
        segments = call.cast(call.input(1), np.int64)
    if len(call.builder.dims(segments)) != 1:
        raise BodyDoubleError(f"{call.kind} by segments of several axes")
    rest = dims[1:]
    if product(rest) is None or not isinstance(count, int):
        raise BodyDoubleError(f"{call.kind} of a size known only at run time")
    # One row more takes what is left out.
    below = compare(call, "LESS", segments, call.array(0))
    segments = call.add("Where", [below, number, segments], call.builder.dims(segments), np.int64)
    wide = call.add("Unsqueeze", [segments, call.array([-1])], (dims[0], 1))
    first = np.full([count + 1, *(n for n in rest if isinstance(n, int))], call.kind.endswith("PROD"), call.dtype())
    start = call.builder.constant(first, name="start")
    how = _SEGMENTS[call.kind.rsplit("_", 1)[1]]
    summed = call.add("ScatterND", [start, wide, call.input()], (count + 1, *rest), reduction=how)
    ends = [call.array([0]), call.array([count]), call.array([0])]
    return call.add("Slice", [summed, *ends], (count, *rest))


@handles("UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_MIN")
def _segment_extremes(call: Call) -> Result:
    """The largest or smallest of each segment's rows; the lowest or highest number there is of one without rows."""
    count, shape = call.numbers(2)[0], call.shape()
    kind, high = call.dtype(), call.kind.endswith("MAX")
    limits = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    far = np.asarray(limits.min if high else limits.max, kind)
    segments = call.reshaped(call.cast(call.input(1), np.int64), (1, shape[0], *[1] * (len(shape) - 1)))
    numbers = call.array(np.arange(count).reshape(count, *[1] * len(shape)), name="segments")
    inside = compare(call, "EQUAL", segments, numbers)
    rows = call.reshaped(call.input(), (1, *shape))
    chosen = call.add("Where", [inside, rows, call.builder.constant(far)], (count, *shape), kind)
    op = "ReduceMax" if high else "ReduceMin"
    return call.add(op, [chosen], (count, *shape[1:]), axes=[1], keepdims=0)


@handles("MATRIX_DIAG")
def _matrix_diag(call: Call) -> Result:
    """Vectors along the last axis as diagonals of square matrices."""
    dims = call.dims()
    wide = call.add("Unsqueeze", [call.input(), call.array([-1])], (*dims, 1))
    if not isinstance(dims[-1], int):
        raise BodyDoubleError("MATRIX_DIAG of a size known only at run time")
    return pair(call, "Mul", wide, call.builder.constant(np.eye(dims[-1], dtype=call.dtype()), name="diagonal"))


@handles("MATRIX_SET_DIAG")
def _matrix_set_diag(call: Call) -> Result:
    shape = call.shape()
    rows, columns = shape[-2:]
    on = np.eye(rows, columns, dtype=bool)
    diagonal = call.input(1)
    if columns > min(rows, columns):
        pads = np.zeros((2, len(shape) - 1), np.int64)
        pads[1, -1] = columns - rows
        made = (*shape[:-2], columns)
        diagonal = call.add("Pad", [diagonal, call.array(pads.ravel()), call.like(0, diagonal)], made)
    # Element (i, i) of the result is element i, which stands in column i of any row.
    wide = call.add("Unsqueeze", [diagonal, call.array([-2])], (*shape[:-2], 1, columns))
    return call.add("Where", [call.array(on, np.bool_, "diagonal"), wide, call.input()], shape, call.dtype())


@handles("HASHTABLE_LOOKUP")
def _hashtable_lookup(call: Call) -> Result:
    """Rows of values by key. Inputs: queries, keys, values. A second output tells which queries were found."""
    keys, queries = call.input(1), call.input(0)
    (count,), (asked,) = call.builder.shape(keys), call.builder.shape(queries)
    wide = call.add("Unsqueeze", [queries, call.array([1])], (asked, 1))
    same = call.cast(compare(call, "EQUAL", wide, keys), np.float32)
    hit = call.add("ReduceMax", [same], (asked,), axes=[1], keepdims=0)
    place = call.add("ArgMax", [same], (asked,), np.int64, axis=1, keepdims=0)
    rest = call.dims(2)[1:]
    rows = call.add("Gather", [call.input(2), place], (asked, *rest), axis=0)
    shown = call.reshaped(call.cast(hit, call.dtype(2)), (asked, *[1] * len(rest)))
    del count
    return [pair(call, "Mul", rows, shown), call.cast(hit, np.uint8)]
