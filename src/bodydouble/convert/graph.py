"""The small graph between a reader (TFLite now) and the ONNX file: values, nodes, constants.

Nodes speak ONNX's own operators (opset `OPSET`), so image-like tensors of Conv, MaxPool, Resize and the like are
(N, C, H, W); a reader of channels-last files puts Transpose nodes around them and passes.py takes those out again.
Every value has a name, a full static shape and a dtype. A constant may be stored in a narrower dtype than its value
has (float16 weights seen as float32): the writer then adds the Cast, so files stay small.
Graphs are frozen: a pass returns a new one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

# Opset 17 is read by every ONNX Runtime since 1.12 and by OpenVINO, CoreML and TensorRT releases of the same age.
OPSET = 17

Tensor = npt.NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of a tensor before anything runs: its name, shape and dtype."""

    name: str
    shape: Shape
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class Node:
    """One ONNX operator. inputs: value names, "" for an optional input left out. Attributes as ONNX names them."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Nodes in running order, with everything they name.

    inputs: values fed from outside. outputs: public name -> value. constants: stored arrays, of the value's shape.
    """

    inputs: tuple[str, ...]
    outputs: Mapping[str, str]
    nodes: tuple[Node, ...]
    values: Mapping[str, Value]
    constants: Mapping[str, Tensor]

    def pruned(self) -> Graph:
        """The same graph without nodes, constants and values that no output needs. Inputs stay."""
        needed = set(self.outputs.values())
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                kept.append(node)
                needed.update(name for name in node.inputs if name)
        named = needed.union(self.inputs, *(node.outputs for node in kept))
        return Graph(
            self.inputs,
            self.outputs,
            tuple(reversed(kept)),
            {name: value for name, value in self.values.items() if name in named},
            {name: array for name, array in self.constants.items() if name in needed},
        )

    def uses(self) -> Counter[str]:
        """How often each value is read, by nodes and as an output."""
        counts = Counter(name for node in self.nodes for name in node.inputs if name)
        counts.update(self.outputs.values())
        return counts


class Builder:
    """Grows a graph: each `add` appends a node and answers the name of its first output."""

    def __init__(self, start: Graph | None = None) -> None:
        self.inputs: list[str] = list(start.inputs) if start else []
        self.nodes: list[Node] = []
        self.values: dict[str, Value] = {}
        self.constants: dict[str, Tensor] = {}
        self._scalars: dict[tuple[str, bytes], str] = {}
        if start:  # a pass: nodes are added again one by one, names stay
            self.values.update(start.values)
            self.constants.update(start.constants)

    def _fresh(self, wish: str) -> str:
        name, count = wish, 1
        while name in self.values:
            count += 1
            name = f"{wish}_{count}"
        return name

    def input(self, name: str, shape: Shape, dtype: npt.DTypeLike = np.float32) -> str:
        """A value fed from outside."""
        name = self._fresh(name)
        self.values[name] = Value(name, tuple(shape), np.dtype(dtype))
        self.inputs.append(name)
        return name

    def constant(self, array: Tensor, dtype: npt.DTypeLike | None = None, name: str = "constant") -> str:
        """A constant, seen by nodes as `dtype` (default: as stored). Small ones that are equal are shared."""
        array = np.ascontiguousarray(array) if array.ndim else array
        kind = np.dtype(dtype) if dtype is not None else array.dtype
        key = (f"{kind} {array.dtype} {array.shape}", array.tobytes() if array.size <= 8 else b"")
        if array.size <= 8 and key in self._scalars:
            return self._scalars[key]
        name = self._fresh(name)
        self.values[name] = Value(name, array.shape, kind)
        self.constants[name] = array
        if array.size <= 8:
            self._scalars[key] = name
        return name

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        shape: Shape,
        *,
        dtype: npt.DTypeLike | None = None,
        name: str = "",
        **attributes: Any,
    ) -> str:
        """Append a node of one output and answer its name. dtype: default is the first input's."""
        kind = np.dtype(dtype) if dtype is not None else self.values[inputs[0]].dtype
        name = self._fresh(name or op)
        self.values[name] = Value(name, tuple(int(n) for n in shape), kind)
        self.nodes.append(Node(op, tuple(inputs), (name,), attributes))
        return name

    def keep(self, node: Node) -> None:
        """Append a node as it is; its values are known already (passes)."""
        self.nodes.append(node)

    def shape(self, name: str) -> Shape:
        """The shape of a value."""
        return self.values[name].shape

    def stored(self, name: str) -> Tensor | None:
        """The stored array of a constant, None for any other value."""
        return self.constants.get(name)

    def graph(self, outputs: Mapping[str, str]) -> Graph:
        """The graph so far, without what the outputs (public name -> value) do not need."""
        return Graph(tuple(self.inputs), dict(outputs), tuple(self.nodes), self.values, self.constants).pruned()


def permuted(items: Sequence[int], order: Iterable[int]) -> tuple[int, ...]:
    """items in the given order, as numpy.transpose does with a shape."""
    return tuple(items[axis] for axis in order)
