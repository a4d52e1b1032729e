"""ONNX's operators that pick and place elements by number: Gather, Scatter and their kin."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from bodydouble.convert.torch_call import Call, operator
from bodydouble.convert.torch_graph import Sizes
from bodydouble.types import BodyDoubleError


@operator("Gather")
def _gather(call: Call) -> Any:
    value, axis = call.value(), call.attribute("axis", 0)
    index = call.constant(1)
    if isinstance(value, Sizes):
        if index is not None:
            picked = tuple(value.items[n] for n in index.reshape(-1).tolist())
            return Sizes(picked, scalar=index.ndim == 0)
        value = call.tensor()
    axis += call.rank() if axis < 0 else 0
    if index is not None and index.ndim == 0:
        return value.select(axis, int(index.item()))
    if index is not None and index.ndim == 1:
        return value.index_select(axis, _counted(call, index.long(), axis))
    numbers = call.running(1) if isinstance(value, fx.Proxy) else call.tensor(1)
    if isinstance(value, torch.Tensor) and isinstance(numbers, fx.Proxy):
        value = call.proxy(value)
    return value[(*[slice(None)] * axis, numbers.long())]


def _counted(call: Call, index: torch.Tensor, axis: int) -> torch.Tensor:
    """Numbers that count from the end made to count from the start."""
    if not (index < 0).any():
        return index
    size = (call.about().shape or {axis: None})[axis]
    if size is None:
        raise BodyDoubleError("Gather from the end of an axis whose size is known at run time only")
    return torch.remainder(index, size)


@operator("GatherElements")
def _gather_elements(call: Call) -> Any:
    axis = call.attribute("axis", 0)
    size = call.size(axis)
    return torch.gather(call.running(0), axis, torch.remainder(call.running(1).long(), size))


def _places(call: Call, index: Any, batch: int, count: int) -> tuple[Any, ...]:
    """Index tensors for the first axes of the data, from the last axis of `index`."""
    places: list[Any] = []
    rank = call.rank(1)
    for axis in range(batch):
        numbers = torch.arange(call.size(axis, 1), device=call.scope.device())
        places.append(numbers.reshape([-1 if n == axis else 1 for n in range(rank - 1)]))
    whole = index.long()
    return (*places, *(whole.select(-1, n) for n in range(count)))


def _depth(call: Call) -> int:
    shape = call.about(1).shape
    if shape is None or shape[-1] is None:
        raise BodyDoubleError(f"{call.node.op_type} by numbers of unknown count")
    return shape[-1]


@operator("GatherND")
def _gather_nd(call: Call) -> Any:
    places = _places(call, call.running(1), call.attribute("batch_dims", 0), _depth(call))
    return call.running(0)[places]


@operator("ScatterND")
def _scatter_nd(call: Call) -> Any:
    kind = call.attribute("reduction", b"none").decode()
    if kind not in ("none", "add"):
        raise BodyDoubleError(f"ScatterND with reduction {kind}")
    places = _places(call, call.running(1), 0, _depth(call))
    return call.running(0).index_put(places, call.running(2), accumulate=kind == "add")


@operator("ScatterElements")
def _scatter_elements(call: Call) -> Any:
    axis = call.attribute("axis", 0)
    kind = call.attribute("reduction", b"none").decode()
    x, updates = call.running(0), call.running(2)
    index = torch.remainder(call.running(1).long(), call.size(axis))
    if kind == "none":
        return x.scatter(axis, index, updates)
    names = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}
    return x.scatter_reduce(axis, index, updates, reduce=names[kind], include_self=True)
