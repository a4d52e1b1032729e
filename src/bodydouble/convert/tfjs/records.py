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
