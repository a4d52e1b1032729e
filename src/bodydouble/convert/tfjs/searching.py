"""Operators that look values up: unique ones, differences of lists, bounds in sorted rows, hash tables, segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Tensor
from bodydouble.convert.tfjs.arithmetic import numeric, wider
from bodydouble.convert.tfjs.calls import Call, handles
from bodydouble.convert.tfjs.records import node_of
from bodydouble.types import BodyDoubleError


@handles("Unique", "UniqueV2")
def _unique(call: Call) -> tuple[str, ...]:
    """The different values in the order in which they come, and for every element which of them it is."""
    g, dtype = call.g, call.dtype()
    x = g.cast(call.x(0), np.int64) if dtype.kind in "ib" else call.x(0)
    axes = call.numbers(1) if call.has(1) else []
    along: dict[str, Any] = {"axis": axes[0]} if axes else {}
    values, _, places, _ = g.emit_all("Unique", [x], 4, sorted=0, **along)
    return g.cast(values, dtype), g.cast(places, np.int32)


@handles("ListDiff")
def _list_diff(call: Call) -> tuple[str, str]:
    """The elements of x that are not in y, and where they are."""
    g = call.g
    x, y = numeric(g, call.x(0), call.x(1))
    same = g.cast(g.emit("Equal", g.emit("Unsqueeze", x, g.ints(1)), g.emit("Unsqueeze", y, g.ints(0))), np.int32)
    zero = g.scalar(0, np.int32)
    alone = g.emit("Equal", g.emit("ReduceSum", same, g.ints(1), keepdims=0), zero)
    places = g.emit("Squeeze", g.emit("NonZero", alone), g.ints(0))
    return g.emit("Gather", x, places, axis=0), g.cast(places, np.int32)


@handles("LowerBound", "UpperBound")
def _bound(call: Call) -> str:
    """How many of a sorted row are below each value (or not above it)."""
    g = call.g
    row, values = wider(g, call.x(0), call.x(1))
    op = "Less" if call.record.op == "LowerBound" else "LessOrEqual"
    below = g.emit(op, g.emit("Unsqueeze", row, g.ints(1)), g.emit("Unsqueeze", values, g.ints(2)))
    return g.emit("ReduceSum", g.cast(below, np.int32), g.ints(2), keepdims=0)


@dataclass(frozen=True, slots=True)
class Table:
    """A hash table, by the node that makes it."""

    name: str


@handles("HashTable", "HashTableV2")
def _table(call: Call) -> Table:
    return Table(call.record.name)


_IMPORTS = {"LookupTableImport", "LookupTableImportV2", "InitializeTable", "InitializeTableV2"}


@handles(*_IMPORTS)
def _import(call: Call) -> tuple[()]:
    """Tables are read where they are looked into."""
    return ()


def _entries(call: Call) -> tuple[Tensor, Tensor]:
    """Keys and values of the table that is the first input. Raises BodyDoubleError where they are not constant."""
    table = call.given[0]
    records = {record.name: record for record in call.walk.network.records}
    if isinstance(table, Table):
        for record in records.values():
            if record.op in _IMPORTS and node_of(record.inputs[0]) == table.name:
                keys, values = (records[node_of(tensor)].value for tensor in record.inputs[1:3])
                if keys is not None and values is not None:
                    return keys.ravel(), values.ravel()
    raise BodyDoubleError(f"{call.record.op} of a table that is not filled with constants")


@handles("LookupTableFind", "LookupTableFindV2")
def _find(call: Call) -> str:
    g = call.g
    keys, values = _entries(call)
    if keys.dtype == object or values.dtype == object:
        raise BodyDoubleError(f"{call.record.op} of strings")
    x = g.emit("Unsqueeze", call.as_type(1, keys.dtype), g.ints(-1))
    hits = g.cast(g.emit("Equal", x, g.constant(keys, name="keys")), np.int32)
    found = g.cast(g.emit("ReduceMax", hits, axes=[-1], keepdims=0), np.bool_)
    value = g.emit("Gather", g.constant(values, name="values"), g.emit("ArgMax", hits, axis=-1, keepdims=0), axis=0)
    return g.emit("Where", found, value, call.as_type(2, values.dtype))


@handles("LookupTableSize", "LookupTableSizeV2")
def _size(call: Call) -> str:
    return call.g.scalar(len(_entries(call)[0]), np.int32)


@handles("SparseSegmentSum", "SparseSegmentMean")
def _segments(call: Call) -> str:
    """Rows picked by number and added up by segment; segments are sorted, those without rows are 0."""
    g = call.g
    data, ids = call.as_float(0), call.as_type(2, np.int64)
    rows = g.emit("Gather", data, call.as_type(1, np.int64), axis=0)
    places = g.emit("Unsqueeze", ids, g.ints(1))
    count = g.emit("Add", g.emit("Slice", ids, g.ints(-1), g.ints((1 << 31) - 1), g.ints(0)), g.ints(1))
    sums = _summed(g, rows, places, count)
    if call.record.op == "SparseSegmentSum":
        return sums
    ones = g.emit("Expand", g.constant(np.ones((1,) * g.rank(rows), np.float32)), _ones_shape(g, rows))
    counts = _summed(g, ones, places, count)
    return g.emit("Div", sums, g.emit("Max", counts, g.scalar(1, np.float32)))


def _ones_shape(g: Emitter, rows: str) -> str:
    first = g.emit("Shape", rows, start=0, end=1)
    return g.emit("Concat", first, g.ints(*[1] * (g.rank(rows) - 1)), axis=0)


def _summed(g: Emitter, rows: str, places: str, count: str) -> str:
    rest = g.emit("Shape", rows, start=1)
    base = g.emit("Expand", g.scalar(0, np.float32), g.emit("Concat", count, rest, axis=0))
    return g.emit("ScatterND", base, places, rows, reduction="add")


@handles("SparseReshape")
def _sparse_reshape(call: Call) -> tuple[str, str]:
    """Coordinates in a tensor of another shape."""
    g = call.g
    old, new = call.numbers(1), call.numbers(2)
    if -1 in new:
        new[new.index(-1)] = int(np.prod(old)) // max(1, -int(np.prod(new)))
    steps = [int(np.prod(old[axis + 1 :])) for axis in range(len(old))]
    flat = g.emit("ReduceSum", g.emit("Mul", call.as_type(0, np.int64), g.ints(*steps)), g.ints(1), keepdims=1)
    strides = [int(np.prod(new[axis + 1 :])) for axis in range(len(new))]
    coordinates = g.emit("Mod", g.emit("Div", flat, g.ints(*strides)), g.ints(*new))
    return g.cast(coordinates, np.int32), g.constant(np.array(new, np.int32), name="shape")
