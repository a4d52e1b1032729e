"""Operators that move, cut, join or sum up elements: reshape, pad, concatenate, slice, mean, fully connected."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bodydouble.convert.graph import Builder, Tensor
from bodydouble.types import BodyDoubleError


def _ints(builder: Builder, numbers: Sequence[int], name: str) -> str:
    return builder.constant(np.array(numbers, np.int64), name=name)


def reshape(builder: Builder, x: str, shape: Sequence[int]) -> str:
    """Same elements in another shape; one entry may be -1."""
    count = math.prod(builder.shape(x))
    known = math.prod(n for n in shape if n != -1)
    full = tuple(count // max(known, 1) if n == -1 else int(n) for n in shape)
    if math.prod(full) != count:
        raise BodyDoubleError(f"{builder.shape(x)} cannot be reshaped to {tuple(shape)}")
    return builder.add("Reshape", [x, _ints(builder, full, "shape")], full)


def pad(builder: Builder, x: str, amounts: Tensor, value: float = 0.0) -> str:
    """amounts: (rank, 2) elements before and after each axis."""
    if amounts.shape != (len(builder.shape(x)), 2):
        raise BodyDoubleError(f"padding {amounts.shape} of an input of shape {builder.shape(x)}")
    shape = [size + int(before) + int(after) for size, (before, after) in zip(builder.shape(x), amounts, strict=True)]
    fill = builder.constant(np.array(value, builder.values[x].dtype), name="fill")
    pads = _ints(builder, [int(n) for n in amounts.T.ravel()], "pads")
    return builder.add("Pad", [x, pads, fill], tuple(shape), mode="constant")


def concatenate(builder: Builder, parts: Sequence[str], axis: int) -> str:
    """Join along one axis; negative counts from the last."""
    shape = list(builder.shape(parts[0]))
    if not -len(shape) <= axis < len(shape) or len({len(builder.shape(part)) for part in parts}) != 1:
        raise BodyDoubleError(f"concatenation along axis {axis} of shapes {[builder.shape(part) for part in parts]}")
    axis %= len(shape)
    shape[axis] = sum(builder.shape(part)[axis] for part in parts)
    return builder.add("Concat", list(parts), tuple(shape), axis=axis)


def slices(builder: Builder, x: str, cuts: Sequence[slice], drop: Sequence[int] = ()) -> str:
    """x[cuts] with one slice an axis, then without the axes in `drop` (each of size 1)."""
    if len(cuts) != len(builder.shape(x)) or any(cut.step == 0 for cut in cuts):
        raise BodyDoubleError(f"slices {list(cuts)} of an input of shape {builder.shape(x)}")
    ranges = [range(*cut.indices(size)) for cut, size in zip(cuts, builder.shape(x), strict=True)]
    shape = tuple(len(r) for r in ranges)
    # A range that runs down to index 0 ends at -1, which ONNX reads as "the last": end before the beginning instead.
    ends = [r.stop if r.stop >= 0 else -size - 1 for r, size in zip(ranges, builder.shape(x), strict=True)]
    if shape != builder.shape(x) or any(r.step < 0 for r in ranges):
        inputs = [
            x,
            _ints(builder, [r.start for r in ranges], "starts"),
            _ints(builder, ends, "ends"),
            _ints(builder, list(range(len(ranges))), "axes"),
            _ints(builder, [r.step for r in ranges], "steps"),
        ]
        x = builder.add("Slice", inputs, shape)
    if drop:
        x = reshape(builder, x, [n for axis, n in enumerate(shape) if axis not in drop])
    return x


def mean(builder: Builder, x: str, axes: Sequence[int], *, keep: bool) -> str:
    """Mean over some axes; keep: leave them with size 1."""
    shape = builder.shape(x)
    if any(not -len(shape) <= axis < len(shape) for axis in axes):
        raise BodyDoubleError(f"mean over axes {list(axes)} of shape {shape}")
    over = sorted({axis % len(shape) for axis in axes})
    kept = tuple(1 if axis in over else n for axis, n in enumerate(shape))
    y = builder.add("ReduceMean", [x], kept, axes=over, keepdims=1)
    return y if keep else reshape(builder, y, [n for axis, n in enumerate(shape) if axis not in over])


def fully_connected(builder: Builder, x: str, weights: Tensor, bias: str, *, keep: bool = False) -> str:
    """x @ weights.T + bias. weights: stored array (out, in). keep: only the last axis changes, else x becomes 2D."""
    shape = builder.shape(x)
    if weights.ndim != 2 or math.prod(shape) % weights.shape[1]:
        raise BodyDoubleError(f"fully connected weights {weights.shape} do not fit an input {shape}")
    count, size = weights.shape
    flat = reshape(builder, x, [-1, size]) if len(shape) != 2 or shape[1] != size else x
    matrix = builder.constant(weights, np.float32, "weights")
    inputs = [flat, matrix, *([bias] if bias else [])]
    y = builder.add("Gemm", inputs, (builder.shape(flat)[0], count), transB=1)
    return reshape(builder, y, [*shape[:-1], count]) if keep and len(shape) != 2 else y
