"""Operators whose results' size depends on their inputs' values: suppression, the largest k, where, unique."""

from __future__ import annotations

from typing import Any

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.tfjs.calls import Call, handles
from bodydouble.convert.tfjs.shaping import to_sizes
from bodydouble.types import BodyDoubleError


@handles("TopKV2")
def _top_k(call: Call) -> tuple[str, ...]:
    g, x = call.g, call.x(0)
    count = to_sizes(g, call.x(1))
    content = g.content(count)
    dims = [*g.dims(x)[:-1], content.item() if content is not None and content.size == 1 else ""]
    kept: dict[str, Any] = {"axis": -1, "largest": 1, "sorted": int(bool(call.attr("sorted", True)))}
    values, places = g.emit_all("TopK", [x, count], 2, dims=dims, **kept)
    return values, g.cast(places, np.int32)


@handles("Where")
def _where(call: Call) -> str:
    """(count, axes) coordinates of the elements that are true."""
    g = call.g
    return g.cast(g.emit("Transpose", g.emit("NonZero", call.as_type(0, np.bool_)), perm=(1, 0)), np.int32)


_SUPPRESSIONS = [f"NonMaxSuppressionV{version}" for version in (2, 3, 4, 5)]


@handles(*_SUPPRESSIONS, "NonMaxSuppression")
def _non_max_suppression(call: Call) -> tuple[str, ...]:
    g, version = call.g, call.record.op[-1]
    if version == "5" and call.has(5) and call.number(5) != 0:
        raise BodyDoubleError("NonMaxSuppressionV5 with soft scores")
    scores = call.as_float(1)
    kept = _kept(call)
    if version == "5":
        return kept, g.emit("Gather", scores, g.cast(kept, np.int64), axis=0)
    if version == "4":
        return _padded(call, kept)
    return (kept,)


def _kept(call: Call) -> str:
    """Numbers of the boxes that stay, best first."""
    g = call.g
    boxes, scores = call.as_float(0), call.as_float(1)
    count = g.emit("Reshape", call.as_type(2, np.int64), g.ints(1))
    overlap = g.emit("Reshape", call.as_float(3), g.ints(1)) if call.has(3) else _one(g, 0.5)
    least = g.emit("Reshape", call.as_float(4), g.ints(1)) if call.has(4) else _one(g, -np.inf)
    threshold = g.known(least)
    if threshold is not None and np.isinf(threshold).any():
        least = _one(g, float(np.finfo(np.float32).min))
    picked = g.emit(
        "NonMaxSuppression",
        g.emit("Unsqueeze", boxes, g.ints(0)),
        g.emit("Unsqueeze", scores, g.ints(0, 1)),
        count,
        overlap,
        least,
    )
    return g.cast(g.emit("Gather", picked, g.scalar(2, np.int64), axis=1), np.int32)


def _one(g: Emitter, number: float) -> str:
    return g.constant(np.array([number], np.float32))


def _padded(call: Call, kept: str) -> tuple[str, ...]:
    """Version 4: the numbers, with zeros behind up to the most that may stay if so asked, and how many are valid."""
    g = call.g
    valid = g.emit("Shape", kept)
    count = g.cast(g.emit("Squeeze", valid, g.ints(0)), np.int32)
    if not call.attr("pad_to_max_output_size", False):
        return kept, count
    most = int(call.number(2))
    missing = g.emit("Sub", g.ints(most), valid)
    pads = g.emit("Concat", g.ints(0), missing, axis=0)
    return g.emit("Pad", kept, pads, g.scalar(0, np.int32), dims=[most], mode="constant"), count
