"""Arithmetic of sizes of which some are only names: what a Reshape gives, and small arrays of sizes through operators.

An array of sizes has dtype object: whole numbers, names of sizes, and "" for what is not known at all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bodydouble.convert.folding import FOLDS, MOVERS
from bodydouble.convert.graph import Dim, Dims, Tensor


def reshaped(dims: Dims | None, sizes: Tensor | None) -> Dims:
    """The dims of a Reshape of an array to sizes, of which one may be -1; () where they are not known, or are none.

    Sizes that are named cancel: (batch, 7, 7, 64) to [-1, 3136] is (batch, 3136).
    """
    if sizes is None or sizes.ndim != 1:
        return ()
    wanted: list[Dim] = list(sizes)
    if dims is not None:
        wanted = [dims[axis] if size == 0 and axis < len(dims) else size for axis, size in enumerate(wanted)]
    if -1 not in wanted:
        if dims is not None and wanted.count("") == 1:
            return tuple(_rest(dims, [size for size in wanted if size != ""]) if n == "" else n for n in wanted)
        return tuple(wanted)
    if dims is None:
        return tuple("" if size == -1 else size for size in wanted)
    rest = _rest(dims, [size for size in wanted if size != -1])
    return tuple(rest if size == -1 else size for size in wanted)


def _rest(dims: Dims, others: Sequence[Dim]) -> Dim:
    """The size that makes up for the others in an array of dims; "" if unknown."""
    names, taken = Counter(n for n in dims if isinstance(n, str)), Counter(n for n in others if isinstance(n, str))
    count = math.prod(n for n in dims if isinstance(n, int))
    other = math.prod(n for n in others if isinstance(n, int))
    if "" in names or taken - names or other < 1 or count % other:
        return ""
    left = list((names - taken).elements())
    if not left:
        return count // other
    return left[0] if len(left) == 1 and count == other else ""


def followed(op: str, contents: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Tensor | None:
    """An operator on arrays of sizes; None where it is none that sizes go through."""
    try:
        if op == "Cast":
            return contents[0]
        if op in MOVERS:
            return np.asarray(FOLDS[op](contents, attributes)[0], object)
        if op == "ReduceProd" and contents[0] is not None and contents[0].ndim == 1:
            result = _product(list(contents[0]))
            return np.array([result] if attributes.get("keepdims", 1) else result, object)
        if op in _ARITHMETIC and len(contents) == 2:
            function: Any = np.frompyfunc(_ARITHMETIC[op], 2, 1)
            return np.asarray(function(*contents), object)
    except (ValueError, IndexError, TypeError):
        return None
    return None


def _product(sizes: Sequence[Dim]) -> Dim:
    """A product; twice a name is the name "2*name"."""
    if 0 in sizes:
        return 0
    names = [size for size in sizes if isinstance(size, str)]
    known = math.prod(size for size in sizes if isinstance(size, int))
    if len(names) > 1 or "" in names:
        return ""
    return known if not names else names[0] if known == 1 else f"{known}*{names[0]}"


def _arithmetic(function: Callable[[int, int], int], neutral: int | None) -> Callable[[Dim, Dim], Dim]:
    """A function of two sizes; a name with the neutral element on its right is the name."""

    def combined(a: Dim, b: Dim) -> Dim:
        if isinstance(a, str) or isinstance(b, str):
            return a if b == neutral else ""
        return function(a, b)

    return combined


def _quotient(a: int, b: int) -> int:
    return int(math.copysign(1, a) * math.copysign(1, b)) * (abs(a) // abs(b)) if b else 0


def _sum(a: Dim, b: Dim) -> Dim:
    if isinstance(a, str) or isinstance(b, str):
        return a if b == 0 else b if a == 0 else ""
    return a + b


_ARITHMETIC: dict[str, Callable[[Dim, Dim], Dim]] = {
    "Add": _sum,
    "Sub": _arithmetic(lambda a, b: a - b, 0),
    "Mul": lambda a, b: _product([a, b]),
    "Div": _arithmetic(_quotient, 1),
    "Mod": _arithmetic(lambda a, b: a % b if b else 0, None),
    "Max": _arithmetic(max, None),
    "Min": _arithmetic(min, None),
}
