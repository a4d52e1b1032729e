"""Takes out the Transpose nodes that a channels-last file needs around each channels-first operator.

A Transpose is not run but remembered: its output is a view of its input. Operators that treat all axes alike run on the
views' sources, and their output becomes a view in turn, so that a Transpose travels down until its opposite meets it.
Where neither happens (a Reshape that mixes axes, an output of the graph) the view is made real, once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bodydouble.convert.graph import Builder, Dims, Graph, Node, permuted, renamed
from bodydouble.convert.operators.conv import CHANNELS_FIRST

Axes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A value that is its source with axes in another order: axis i of it is axis axes[i] of the source."""

    source: str
    axes: Axes


Carrier = Callable[["_Layout", Node, Axes], Node | None]
CARRIERS: dict[str, Carrier] = {}


def carries(*ops: str) -> Callable[[Carrier], Carrier]:
    """Register how operators run on sources whose views have the given axes; None where that cannot be."""

    def register(carrier: Carrier) -> Carrier:
        for op in ops:
            if op in CARRIERS:
                raise ValueError(f"two carriers for {op}")
            CARRIERS[op] = carrier
        return carrier

    return register


def remove_transposes(graph: Graph) -> Graph:
    """The same function with as few Transpose nodes as the rule above leaves."""
    return _Layout(graph).run()


def inverse(axes: Axes) -> Axes:
    """The order that undoes the order."""
    return tuple(int(axis) for axis in np.argsort(axes))


def _keeps_elements(shape: Dims, axes: Axes) -> bool:
    """Whether reordering an array of the shape so leaves its elements in place (only axes of size 1 move)."""
    moved = [axis for axis in axes if shape[axis] != 1]
    return moved == sorted(moved)


class _Layout:
    """One walk over the graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.builder = Builder(graph)
        self.views: dict[str, View] = {}
        self.real: dict[View, str] = {}

    def run(self) -> Graph:
        """The graph rebuilt."""
        for name in self.graph.inputs:
            self._turn_input(name)
        for node in self.graph.nodes:
            self.builder.layer = node.layer
            if node.op == "Transpose":
                self._view(node)
            elif node.op == "Reshape" and node.inputs[0] in self.views:
                self._reshape(node)
            elif not self._carry(node) and not self._sum_up(node):
                self.builder.keep(renamed(node, self.made_real))
        outputs = {public: self.made_real(name) for public, name in self.graph.outputs.items()}
        return self.builder.graph(outputs)

    def _turn_input(self, name: str) -> None:
        """Let an image-like input travel channels first from the start, for a Pad before the first convolution.

        Where nothing uses that, the input is read as it is and the Transpose is pruned.
        """
        shape = self.builder.values[name].dims
        if shape is not None and len(shape) == len(CHANNELS_FIRST):
            turned = permuted(shape, CHANNELS_FIRST)
            view = View(self.builder.add("Transpose", [name], turned, perm=CHANNELS_FIRST), inverse(CHANNELS_FIRST))
            self.views[name], self.real[view] = view, name

    def _view(self, node: Node) -> None:
        of = self.views.get(node.inputs[0], View(node.inputs[0], tuple(node.attributes["perm"])))
        axes = tuple(node.attributes["perm"])
        if node.inputs[0] in self.views:
            axes = permuted(of.axes, axes)
        self.views[node.outputs[0]] = View(of.source, axes)

    def made_real(self, name: str) -> str:
        """A value with the view's content: its source, or a Transpose or Reshape of it."""
        view = self.views.get(name)
        if view is None:
            return name
        shape = self.builder.dims(view.source)
        if view.axes == tuple(range(len(view.axes))):
            return view.source
        if view not in self.real:
            turned = permuted(shape, view.axes)
            named = [size for size in turned if isinstance(size, str)]
            if _keeps_elements(shape, view.axes) and len(named) <= 1:
                sizes = self.builder.constant(
                    np.array([-1 if n in named else n for n in turned], np.int64), name="shape"
                )
                self.real[view] = self.builder.add("Reshape", [view.source, sizes], turned)
            else:
                self.real[view] = self.builder.add("Transpose", [view.source], turned, perm=view.axes)
        return self.real[view]

    def _reshape(self, node: Node) -> None:
        """A Reshape needs no Transpose before it if only axes of size 1 moved."""
        view = self.views[node.inputs[0]]
        sizes = self.builder.stored(node.inputs[1])  # a size of 0 takes over the input's, which would be another's
        skip = _keeps_elements(self.builder.dims(view.source), view.axes) and sizes is not None and 0 not in sizes
        source = view.source if skip else self.made_real(node.inputs[0])
        self.builder.keep(replace(node, inputs=(source, *node.inputs[1:])))

    def _carry(self, node: Node) -> bool:
        """Run the node on its inputs' sources if it can; its output is then a view."""
        carrier, output = CARRIERS.get(node.op), node.outputs[0]
        axes = next((self.views[name].axes for name in node.inputs if name in self.views), None)
        if carrier is None or axes is None or len(self.builder.values[output].dims or ()) != len(axes):
            return False
        carried = carrier(self, node, axes)
        if carried is None:
            return False
        kinds = [
            (permuted(self.builder.dims(name), inverse(axes)), self.builder.values[name].dtype) for name in node.outputs
        ]
        names = [carried.op] * len(kinds)
        sources = self.builder.add_all(carried.op, carried.inputs, kinds, names=names, **carried.attributes)
        for name, source in zip(node.outputs, sources, strict=True):
            self.views[name] = View(source, axes)
        return True

    def _sum_up(self, node: Node) -> bool:
        """A reduction that drops its axes runs on its input's source if the axes left are in the same order there."""
        if not node.op.startswith("Reduce"):
            return False
        view = self.views.get(node.inputs[0])
        over = self.reduced_axes(node)
        if view is None or not over or node.attributes.get("keepdims", 1):
            return False
        places = {view.axes[axis] for axis in over}
        left = [view.axes[axis] for axis in range(len(view.axes)) if view.axes[axis] not in places]
        if left != sorted(left):
            return False
        self.builder.keep(_reducing(self, node, view.source, sorted(places)))
        return True

    def reduced_axes(self, node: Node) -> list[int]:
        """The axes of a reduction, counted from 0; [] where they are not stated."""
        stated = node.attributes.get("axes")
        if stated is None and len(node.inputs) > 1:
            stated = self.builder.stored(node.inputs[1])
        if stated is None or not node.op.startswith("Reduce"):
            return []
        rank = len(self.builder.values[node.inputs[0]].dims or ())
        return [int(axis) % rank for axis in stated] if rank else []

    def source(self, name: str, axes: Axes) -> str | None:
        """A value whose view with these axes is the named one; None if it cannot be had."""
        builder, rank = self.builder, len(axes)
        shape = builder.values[name].dims
        stored = builder.stored(name)
        if stored is not None:
            if stored.size == 1:
                return name if stored.ndim == 0 else self._constant(name, stored.reshape(()))
            if stored.ndim > rank:
                return None
            full = stored.reshape((1,) * (rank - stored.ndim) + stored.shape)
            return self._constant(name, full.transpose(inverse(axes)))
        if shape is None or len(shape) != rank:
            return None
        view = self.views.get(name, View(name, tuple(range(rank))))
        turned = View(view.source, permuted(view.axes, inverse(axes)))
        placeholder = f"{name} as {axes}"
        self.views[placeholder] = turned
        return self.made_real(placeholder)

    def _constant(self, name: str, array: np.ndarray) -> str:
        return self.builder.constant(array, self.builder.values[name].dtype, name)


@carries(
    *["Relu", "Clip", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "LeakyRelu", "Exp", "Abs", "Neg", "Sqrt", "Cast"],
    *["Floor", "Ceil", "Round", "Elu", "Erf", "Sin", "Cos", "Log", "Sign", "Reciprocal", "Softplus"],
    *["QuantizeLinear", "DequantizeLinear"],
)
def _first(layout: _Layout, node: Node, axes: Axes) -> Node | None:
    """One tensor and, for Clip, scalar bounds."""
    source = layout.source(node.inputs[0], axes)
    return replace(node, inputs=(source, *node.inputs[1:])) if source else None


@carries(
    *["Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu", "Pow", "Mod", "Where", "And", "Or", "Xor", "Equal"],
    *["Less", "LessOrEqual", "Greater", "GreaterOrEqual"],
)
def _all(layout: _Layout, node: Node, axes: Axes) -> Node | None:
    sources = [layout.source(name, axes) for name in node.inputs]
    known = [source for source in sources if source is not None]
    return replace(node, inputs=tuple(known)) if len(known) == len(sources) else None


@carries("Concat")
def _concat(layout: _Layout, node: Node, axes: Axes) -> Node | None:
    carried = _all(layout, node, axes)
    return carried and replace(carried, attributes={**node.attributes, "axis": axes[node.attributes["axis"]]})


@carries("Softmax", "LogSoftmax", "Split")
def _along(layout: _Layout, node: Node, axes: Axes) -> Node | None:
    """One tensor along one axis."""
    carried = _first(layout, node, axes)
    axis = node.attributes.get("axis", 0 if node.op == "Split" else -1)
    return carried and replace(carried, attributes={**node.attributes, "axis": axes[axis]})


@carries("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd")
def _reduce(layout: _Layout, node: Node, axes: Axes) -> Node | None:
    """Those that keep their axes; the others are run by _sum_up."""
    over = layout.reduced_axes(node)
    source = layout.source(node.inputs[0], axes) if over and node.attributes.get("keepdims", 1) else None
    return _reducing(layout, node, source, sorted(axes[axis] for axis in over)) if source else None


def _reducing(layout: _Layout, node: Node, source: str, over: list[int]) -> Node:
    """A reduction over other axes; ReduceSum alone has them as an input."""
    if "axes" in node.attributes:
        return replace(node, inputs=(source,), attributes={**node.attributes, "axes": over})
    return replace(node, inputs=(source, layout.builder.constant(np.array(over, np.int64), name="axes")))


@carries("Pad")
def _pad(layout: _Layout, node: Node, axes: Axes) -> Node | None:
    carried, amounts = _first(layout, node, axes), layout.builder.stored(node.inputs[1])
    if carried is None or amounts is None:
        return None
    turned = amounts.reshape(2, -1)[:, list(inverse(axes))].ravel()
    return replace(carried, inputs=(carried.inputs[0], layout.builder.constant(turned, name="pads"), *node.inputs[2:]))


@carries("Slice")
def _slice(layout: _Layout, node: Node, axes: Axes) -> Node | None:
    carried, over = _first(layout, node, axes), layout.builder.stored(node.inputs[3])
    if carried is None or over is None:
        return None
    turned = np.array([axes[axis] for axis in over], np.int64)
    places = layout.builder.constant(turned, name="axes")
    return replace(carried, inputs=(*carried.inputs[:3], places, *node.inputs[4:]))
