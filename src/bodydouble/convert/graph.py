"""The small graph between a reader (TFLite, TFJS) and the ONNX file: values, nodes, constants.

Nodes speak ONNX's own operators (opset 17), so image-like tensors of Conv, MaxPool, Resize and the like are
(N, C, H, W); a reader of channels-last files puts Transpose nodes around them and passes.py takes those out again.
Every value has a name, dims and a dtype. A size known only at run time is a name ("height"): equal names are equal
sizes. `shape` answers sizes that are all known and raises otherwise; `dims` answers what there is.
A constant may be stored in a narrower dtype than its value has (float16 weights seen as float32): the writer then adds
the Cast, so files stay small. Nodes of If and Loop hold graphs, which may read the values around them: names are unique
throughout, and all values and constants, those inside too, are kept by the outermost graph.
Graphs are frozen: a pass returns a new one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from bodydouble.types import BodyDoubleError

Tensor = npt.NDArray[Any]
Shape = tuple[int, ...]
Dim = int | str
Dims = tuple[Dim, ...]
T = TypeVar("T")
WITH_BODIES = {"If", "Loop", "Scan"}
# Operators that may hold weights, whose nodes are called as the layer in the file is.
NAMED = {
    *("Conv", "ConvTranspose", "Gemm", "MatMul", "PRelu", "LSTM", "GRU", "RNN", "Add", "Sub", "Mul", "Div"),
    *("BatchNormalization", "InstanceNormalization", "LayerNormalization"),
}


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of a tensor before anything runs: its name, dims (None: not even how many) and dtype.

    sequence: a list of such tensors. numpy's object dtype stands for strings.
    """

    name: str
    dims: Dims | None
    dtype: np.dtype[Any]
    sequence: bool = False

    @property
    def shape(self) -> Shape:
        """The sizes. Raises BodyDoubleError where one is known only at run time."""
        known = tuple(size for size in self.dims or () if isinstance(size, int))
        if self.dims is None or len(known) != len(self.dims):
            raise BodyDoubleError(f"sizes known only at run time, {self.dims or 'their number too'}")
        return known


@dataclass(frozen=True, slots=True)
class Node:
    """One ONNX operator. inputs: value names, "" for an optional input left out. Attributes as ONNX names them.

    An attribute may be a Graph (branches of If, body of Loop), which reads outer values by name.
    layer: what the file calls it, "" for nothing.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    layer: str = ""

    @property
    def bodies(self) -> dict[str, Graph]:
        """The attributes that are graphs."""
        if self.op not in WITH_BODIES:
            return {}
        return {key: value for key, value in self.attributes.items() if isinstance(value, Graph)}

    def reads(self) -> Counter[str]:
        """How often each value is read, by the node itself and by its bodies."""
        counts = Counter(name for name in self.inputs if name)
        for body in self.bodies.values():
            counts.update(body.uses())
        return counts


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Nodes in running order, with everything they name.

    inputs: values fed from outside. outputs: public name -> value. constants: stored arrays, of the value's shape.
    A body's values and constants are empty: the outermost graph has them.
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
                node = with_bodies(node, {key: body.pruned() for key, body in node.bodies.items()})
                kept.append(node)
                needed.update(node.reads())
        named = needed.union(self.inputs, *(made(node) for node in kept))
        return Graph(
            self.inputs,
            self.outputs,
            tuple(reversed(kept)),
            {name: value for name, value in self.values.items() if name in named},
            {name: array for name, array in self.constants.items() if name in needed},
        )

    def uses(self) -> Counter[str]:
        """How often each value is read: by nodes, by the bodies inside them, and as an output."""
        counts: Counter[str] = Counter()
        for node in self.nodes:
            counts.update(node.reads())
        counts.update(self.outputs.values())
        return counts


def with_bodies(node: Node, bodies: Mapping[str, Graph]) -> Node:
    """The node with other graphs inside."""
    return replace(node, attributes={**node.attributes, **bodies}) if bodies else node


def renamed(node: Node, name_of: Callable[[str], str]) -> Node:
    """The node reading other values: name_of answers the name to read in the place of each, inside its bodies too."""
    bodies = {
        key: replace(
            body,
            nodes=tuple(renamed(inner, name_of) for inner in body.nodes),
            outputs={public: name_of(value) for public, value in body.outputs.items()},
        )
        for key, body in node.bodies.items()
    }
    inputs = tuple(name_of(name) if name else name for name in node.inputs)
    return with_bodies(replace(node, inputs=inputs), bodies)


def every(nodes: Iterable[Node]) -> Iterator[Node]:
    """The nodes, and those in the bodies inside them."""
    for node in nodes:
        yield node
        for body in node.bodies.values():
            yield from every(body.nodes)


def made(node: Node) -> set[str]:
    """All values that a node makes or takes in, inside its bodies too."""
    names = set(node.outputs)
    for body in node.bodies.values():
        names.update(body.inputs, *(made(inner) for inner in body.nodes))
    return names


class Builder:
    """Grows a graph: each `add` appends a node and answers the name of its first output.

    layer: what the file calls the layer whose nodes are being added.
    """

    def __init__(self, start: Graph | None = None) -> None:
        self.inputs: list[str] = list(start.inputs) if start else []
        self.nodes: list[Node] = []
        self.layer = ""
        self.values: dict[str, Value] = {}
        self.constants: dict[str, Tensor] = {}
        self._scalars: dict[Any, str] = {}
        self._next: dict[str, int] = {}
        if start:  # a pass: nodes are added again one by one, names stay
            self.values.update(start.values)
            self.constants.update(start.constants)

    def fresh(self, wish: str) -> str:
        """A name that no value has: the wish, or the wish and a number."""
        name = wish
        while name in self.values or not name:
            self._next[wish] = self._next.get(wish, 1) + 1
            name = f"{wish}_{self._next[wish]}"
        return name

    def input(self, name: str, shape: Dims | None, dtype: npt.DTypeLike = np.float32) -> str:
        """A value fed from outside."""
        name = self.fresh(name)
        self.values[name] = Value(name, None if shape is None else tuple(shape), np.dtype(dtype))
        self.inputs.append(name)
        return name

    def constant(self, array: Tensor, dtype: npt.DTypeLike | None = None, name: str = "constant") -> str:
        """A constant, seen by nodes as `dtype` (default: as stored). Small ones that are equal are shared."""
        array = np.ascontiguousarray(array) if array.ndim else array
        kind = np.dtype(dtype) if dtype is not None else array.dtype
        shared = array.size <= 8 and array.dtype != object
        key = (kind.str, array.dtype.str, array.shape, array.tobytes()) if shared else None
        if shared and key in self._scalars:
            return self._scalars[key]
        name = self.fresh(name)
        self.values[name] = Value(name, array.shape, kind)
        self.constants[name] = array
        if shared:
            self._scalars[key] = name
        return name

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        shape: Dims,
        *,
        dtype: npt.DTypeLike | None = None,
        name: str = "",
        **attributes: Any,
    ) -> str:
        """Append a node of one output and answer its name. dtype: default is the first input's."""
        kind = np.dtype(dtype) if dtype is not None else self.values[inputs[0]].dtype
        return self.add_all(op, inputs, [(shape, kind)], names=[name or op], **attributes)[0]

    def add_all(
        self,
        op: str,
        inputs: Sequence[str],
        kinds: Sequence[tuple[Dims | None, npt.DTypeLike]],
        *,
        names: Sequence[str] = (),
        **attributes: Any,
    ) -> tuple[str, ...]:
        """Append a node of several outputs, with the dims and dtype of each, and answer their names."""
        outputs = []
        for position, (dims, dtype) in enumerate(kinds):
            name = self.fresh(names[position] if names else op)
            sizes = None if dims is None else tuple(n if isinstance(n, str) else int(n) for n in dims)
            self.values[name] = Value(name, sizes, np.dtype(dtype))
            outputs.append(name)
        self.nodes.append(self.node(op, inputs, outputs, attributes))
        return tuple(outputs)

    def node(self, op: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Mapping[str, Any]) -> Node:
        """A node of the layer being added."""
        return Node(op, tuple(inputs), tuple(outputs), attributes, self.layer if op in NAMED else "")

    def keep(self, node: Node) -> None:
        """Append a node as it is; its values are known already (passes)."""
        self.nodes.append(node)

    @contextmanager
    def body(self) -> Iterator[list[Node]]:
        """Nodes added inside go to the list given, not to the graph: the nodes of a branch or of a loop."""
        outside, self.nodes = self.nodes, []
        try:
            yield self.nodes
        finally:
            self.nodes = outside

    def shape(self, name: str) -> Shape:
        """The shape of a value. Raises BodyDoubleError where a size is known only at run time."""
        return self.values[name].shape

    def dims(self, name: str) -> Dims:
        """The sizes of a value, known or named. Raises BodyDoubleError where not even their number is known."""
        dims = self.values[name].dims
        if dims is None:
            raise BodyDoubleError("an input with an unknown number of axes")
        return dims

    def stored(self, name: str) -> Tensor | None:
        """The stored array of a constant, None for any other value."""
        return self.constants.get(name)

    def graph(self, outputs: Mapping[str, str]) -> Graph:
        """The graph so far, without what the outputs (public name -> value) do not need."""
        return Graph(tuple(self.inputs), dict(outputs), tuple(self.nodes), self.values, self.constants).pruned()


def permuted(items: Sequence[T], order: Iterable[int]) -> tuple[T, ...]:
    """items in the given order, as numpy.transpose does with a shape."""
    return tuple(items[axis] for axis in order)
