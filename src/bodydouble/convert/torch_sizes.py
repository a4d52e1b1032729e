"""Shape arithmetic: ONNX's operators on Sizes, as arithmetic of Python numbers that torch.fx records.

A number may be known (int, float, bool) or a Proxy. Everything here stays valid when it is traced again, compiled or
exported, where a tensor made of shapes would not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch
from torch import fx

from bodydouble.convert.torch_call import Call
from bodydouble.convert.torch_graph import DTYPES, Sizes
from bodydouble.types import BodyDoubleError

LONGEST = 16  # elements; what is longer is data, not a shape


def of_constant(value: torch.Tensor) -> Sizes | None:
    """A small constant as Sizes; None for any other."""
    if value.ndim > 1 or value.numel() > LONGEST:
        return None
    return Sizes(tuple(value.reshape(-1).tolist()), scalar=value.ndim == 0)


def _as_sizes(value: Any) -> Sizes | None:
    if isinstance(value, Sizes):
        return value
    return of_constant(value) if isinstance(value, torch.Tensor) else None


def _floor(x: Any) -> Any:
    return math.floor(x) * 1.0 if isinstance(x, int | float) else x // 1


def _divided(a: Any, b: Any, whole: bool) -> Any:
    # ONNX's division of integers rounds towards zero, Python's down.
    return torch.sym_int(a / b) if whole else a / b


ARITHMETIC: dict[str, Callable[..., Any]] = {
    "Abs": abs,
    "Add": lambda a, b: a + b,
    "And": lambda a, b: _both(a, b),
    "Ceil": lambda a: -_floor(-a),
    "Equal": lambda a, b: a == b,
    "Floor": _floor,
    "Greater": lambda a, b: a > b,
    "GreaterOrEqual": lambda a, b: a >= b,
    "Identity": lambda a: a,
    "Less": lambda a, b: a < b,
    "LessOrEqual": lambda a, b: a <= b,
    "Mul": lambda a, b: a * b,
    "Neg": lambda a: -a,
    "Not": torch.sym_not,
    "Or": lambda a, b: _either(a, b),
    "Sub": lambda a, b: a - b,
    "Sum": lambda *parts: reduce(lambda a, b: a + b, parts),
    "Where": lambda condition, a, b: _chosen(condition, a, b),
}


def _chosen(condition: Any, a: Any, b: Any) -> Any:
    if isinstance(condition, fx.Proxy):
        return torch.sym_ite(condition, a, b)
    return a if condition else b


def _both(a: Any, b: Any) -> Any:
    # With a known truth value nothing is left to compute: an exporter has not "and" of a tensor and a Python bool.
    known, other = (a, b) if isinstance(a, bool) else (b, a)
    return (other if known else False) if isinstance(known, bool) else a & b


def _either(a: Any, b: Any) -> Any:
    known, other = (a, b) if isinstance(a, bool) else (b, a)
    return (True if known else other) if isinstance(known, bool) else a | b


def larger(a: Any, b: Any) -> Any:
    """The larger of two whole numbers, where torch.sym_max does not take the tensors that sizes are to an exporter."""
    return (a + b + abs(a - b)) // 2


def smaller(a: Any, b: Any) -> Any:
    """The smaller of two whole numbers; right next to the largest of 64 bits, too, since sums wrap around twice."""
    return (a + b - abs(a - b)) // 2


# By operator, and whether it is of fractions: those are never tensors, for torch.sym_float makes Python's numbers.
EXTREMES: dict[tuple[str, bool], Callable[[Any, Any], Any]] = {
    ("Max", False): larger,
    ("Max", True): torch.sym_max,
    ("Min", False): smaller,
    ("Min", True): torch.sym_min,
}


def on_sizes(call: Call) -> Sizes | None:
    """The operator's output as Sizes, where all its inputs are numbers and one at least comes from a shape."""
    values = [call.value(position) for position in range(len(call.node.input))]
    if not any(isinstance(value, Sizes) for value in values):
        return None
    inputs = [_as_sizes(value) for value in values]
    given = [item for item in inputs if item is not None]
    kind = call.node.op_type
    if len(given) != len(inputs):
        return None
    if kind == "Cast":
        dtype = DTYPES[call.attribute("to")]
        return Sizes(tuple(_cast(item, dtype) for item in given[0].items), given[0].scalar)
    if kind == "Div":
        whole = not _float(call)
        return _each(lambda a, b: _divided(a, b, whole), given)
    if kind in ("Max", "Min"):
        picked = EXTREMES[kind, _float(call)]
        return _each(lambda *parts: reduce(picked, parts), given)
    if kind == "Mod" and not call.attribute("fmod", 0):
        return _each(lambda a, b: a % b, given)
    return _each(ARITHMETIC[kind], given) if kind in ARITHMETIC else None


def _float(call: Call) -> bool:
    kinds = [call.about(position).dtype for position in range(len(call.node.input))]
    return any(kind is not None and kind.is_floating_point for kind in kinds)


def _each(function: Callable[..., Any], inputs: Sequence[Sizes]) -> Sizes:
    """The function on the elements, one element broadcasting to any number."""
    count = max(len(item.items) for item in inputs)
    if any(len(item.items) not in (1, count) for item in inputs):
        raise BodyDoubleError(f"shape arithmetic on {[len(item.items) for item in inputs]} numbers")
    columns = [item.items * count if len(item.items) == 1 else item.items for item in inputs]
    items = tuple(function(*row) for row in zip(*columns, strict=True))
    return Sizes(items, scalar=all(item.scalar for item in inputs))


def _cast(item: Any, dtype: torch.dtype) -> Any:
    if not isinstance(item, fx.Proxy):
        return torch.tensor(item).to(dtype).item()
    if dtype == torch.bool:
        return item != 0
    return torch.sym_float(item) if dtype.is_floating_point else torch.sym_int(item)


def reduced(kind: str, sizes: Sizes, keep: bool) -> Sizes | None:
    """A reduction of all the numbers; None for a kind that shapes do not need."""
    functions: dict[str, Callable[[Any, Any], Any]] = {
        "ReduceProd": lambda a, b: a * b,
        "ReduceSum": lambda a, b: a + b,
        "ReduceMax": larger,
        "ReduceMin": smaller,
    }
    return Sizes((reduce(functions[kind], sizes.items),), scalar=not keep) if kind in functions else None
