"""Sizes of what operators make, where some are known only at run time."""

from __future__ import annotations

from bodydouble.convert.graph import Dim, Dims
from bodydouble.types import BodyDoubleError


def broadcast(a: Dims, b: Dims, what: str) -> Dims:
    """The sizes of two values combined element by element, as numpy does; an open size is taken to fit.

    Raises BodyDoubleError where known sizes do not fit.
    """
    rank = max(len(a), len(b))
    full = [(1,) * (rank - len(dims)) + dims for dims in (a, b)]
    return tuple(_one(left, right, f"{what} of shapes {a} and {b}") for left, right in zip(*full, strict=True))


def _one(left: Dim, right: Dim, what: str) -> Dim:
    if left == right or right == 1:
        return left
    if left == 1 or isinstance(left, str):
        return right
    if isinstance(right, str):
        return left
    raise BodyDoubleError(f"{what} does not broadcast")


def product(dims: Dims) -> int | None:
    """The number of elements, None where a size is open."""
    count = 1
    for size in dims:
        if isinstance(size, str):
            return None
        count *= size
    return count
