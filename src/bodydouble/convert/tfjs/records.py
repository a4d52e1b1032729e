"""A TensorFlow graph as plain records: what a reader hands to networks.py.

A tensor is named "node:0" everywhere, number included. Attributes are plain values: int, float, bool, str, numpy dtype,
shape (a tuple with -1 for unknown sizes, None for unknown rank), the name of a function, or a tuple of these.
Operators are those that tfjs-converter lists, with TensorFlow's names and channels-last weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bodydouble.convert.graph import Tensor
from bodydouble.types import BodyDoubleError


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One node. inputs: tensors ("node:0"). controls: nodes that run before ("^node"), which matter to Switch alone.

    value: the array of a Const as stored (float16 where the file has that), seen as `dtype`.
    """

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    controls: tuple[str, ...] = ()
    value: Tensor | None = None
    dtype: np.dtype[Any] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A graph to be called. arguments: tensors that the caller feeds. results: tensors that it gets.

    Tensors that are neither made by its records nor arguments are the caller's.
    """

    arguments: tuple[str, ...]
    results: tuple[str, ...]
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A model. inputs: public name -> Placeholder node. outputs: public name -> tensor. functions: by name."""

    name: str
    records: tuple[Record, ...]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    functions: Mapping[str, Function] = field(default_factory=dict)


def tensor_of(reference: str) -> str:
    """ "node" or "node:1" or "node:output:1" as "node:1"."""
    parts = reference.split(":")
    return f"{parts[0]}:{parts[-1] if len(parts) > 1 and parts[-1].isdigit() else 0}"


def node_of(tensor: str) -> str:
    """The node that makes a tensor."""
    return tensor.split(":")[0]


def ordered(function: Function) -> tuple[Record, ...]:
    """The records that the results need, each after those it reads. Raises BodyDoubleError for a circle."""
    records = {record.name: record for record in function.records}
    for argument in function.arguments:
        records.pop(node_of(argument), None)
    done: dict[str, Record] = {}
    open_: set[str] = set()
    stack = [node_of(tensor) for tensor in reversed(function.results)]
    while stack:
        name = stack[-1]
        record = records.get(name)
        if record is None or name in done:
            stack.pop()
            continue
        wanted = [node for node in dict.fromkeys(map(node_of, reads(record))) if node in records and node not in done]
        if not wanted:
            done[name] = record
            open_.discard(name)
            stack.pop()
        elif name in open_:
            raise BodyDoubleError(f"the network has a circle through {name}")
        else:
            open_.add(name)
            stack.extend(reversed(wanted))
    return tuple(done.values())


def reads(record: Record) -> list[str]:
    """The tensors that a record reads, those that functions inside it find around them too."""
    found = list(record.inputs)
    for value in record.attributes.values():
        if isinstance(value, Function):
            inside = {node_of(tensor) for tensor in value.arguments} | {inner.name for inner in value.records}
            everything = [tensor for inner in value.records for tensor in reads(inner)] + list(value.results)
            found += [tensor for tensor in everything if node_of(tensor) not in inside]
    return found


def needed(function: Function) -> Function:
    """The function with only the records that its results need; circles of loops may still be in it."""
    records = {record.name: record for record in function.records}
    kept: dict[str, Record] = {}
    stack = [node_of(tensor) for tensor in function.results]
    while stack:
        name = stack.pop()
        if name in records and name not in kept:
            kept[name] = records[name]
            stack += [*map(node_of, reads(records[name])), *records[name].controls]
    return Function(function.arguments, function.results, tuple(r for r in function.records if r.name in kept))
