"""One step of a recurrent network: SimpleRNN, GRU, LSTM and their convolutional and stacked kin.

A cell reads what comes in and its states, and answers its new states, of which the first is also what goes out.
Source: tfjs-layers, recurrent and convolutional_recurrent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Tensor
from bodydouble.convert.keras.activations import activated, named
from bodydouble.convert.keras.calls import Call
from bodydouble.convert.keras.topology import Layer, layer_of, plain
from bodydouble.convert.keras.windows import convolved, filters_first, to_first, to_last
from bodydouble.types import BodyDoubleError

GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}
Step = Callable[[str, Sequence[str]], list[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """kind: SimpleRNN, GRU or LSTM. Arrays as stored: kernel (in, gates * units), recurrent (units, gates * units),
    bias (gates * units), or (2, gates * units) of a GRU that resets after; None for none."""

    kind: str
    units: int
    activation: str
    inner: str
    kernel: Tensor
    recurrent: Tensor
    bias: Tensor | None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of each state, how long it is."""
        return (self.units,) * (2 if self.kind == "LSTM" else 1)

    @property
    def resets_after(self) -> bool:
        """A GRU with a bias for both of its products."""
        return self.bias is not None and self.bias.ndim == 2


def cell_of(call: Call, layer: Layer, kind: str, scopes: Sequence[tuple[str, ...]]) -> Cell:
    """The cell that a layer has, or is."""
    names = ["kernel", "recurrent_kernel", *(["bias"] if layer.option("use_bias", True) else [])]
    kernel, recurrent, *bias = call.inner(layer, scopes, ()).weights(*names)
    # tfjs-layers: recurrentActivation, and activation of LSTM, may be null, which is linear.
    inner_default = "hard_sigmoid" if "recurrent_activation" not in layer.options else "linear"
    default = "tanh" if "activation" not in layer.options or kind == "SimpleRNN" else "linear"
    units = recurrent.shape[-2]
    if recurrent.shape[-1] != units * GATES[kind] or kernel.shape[-1] != units * GATES[kind]:
        raise BodyDoubleError(f"weights {kernel.shape} and {recurrent.shape}")
    return Cell(
        kind,
        units,
        named(layer.options.get("activation"), default),
        named(layer.options.get("recurrent_activation"), inner_default),
        kernel,
        recurrent,
        bias[0] if bias else None,
    )


def cells_of(call: Call) -> list[Cell]:
    """The cells of a recurrent layer, the first to be run first."""
    layer, scopes = call.layer, list(call.scopes) or [(call.layer.name,)]
    if layer.kind in GATES:
        return [cell_of(call, layer, layer.kind, scopes)]
    given = layer.option("cell")
    entries = given if isinstance(given, list) else [given]
    found: list[Cell] = []
    for entry in entries:
        inner = layer_of(entry)
        stacked = [layer_of(one) for one in inner.option("cells", [])] if inner.kind == "StackedRNNCells" else [inner]
        for at, cell in enumerate(stacked):
            kind = cell.kind.removesuffix("Cell")
            if kind not in GATES:
                raise BodyDoubleError(f"with cells of class {cell.kind}")
            places = [(*scope, f"RNNCell_{at}") for scope in scopes] + [(*scope, cell.name) for scope in scopes]
            found.append(cell_of(call, cell, kind, places if len(stacked) > 1 else [*places, *scopes]))
    return found


def step_of(call: Call, cell: Cell) -> Step:
    """The cell as nodes for one step: x (N, in), states (N, units)."""
    g = call.g
    kernel, recurrent = call.constant(cell.kernel, "kernel"), call.constant(cell.recurrent, "recurrent_kernel")
    biases = [] if cell.bias is None else list(cell.bias) if cell.resets_after else [cell.bias]
    held = [call.constant(np.ascontiguousarray(bias), "bias") for bias in biases]

    def with_input(x: str) -> str:
        return g.emit("Gemm", x, kernel, *held[:1])

    def simple(x: str, states: Sequence[str]) -> list[str]:
        total = g.emit("Add", with_input(x), g.emit("MatMul", states[0], recurrent))
        return [activated(g, total, cell.activation)]

    def lstm(x: str, states: Sequence[str]) -> list[str]:
        total = g.emit("Add", with_input(x), g.emit("MatMul", states[0], recurrent))
        return gated(g, parts_of(g, total, 4, cell.units), states[1], cell.activation, cell.inner)

    def gru(x: str, states: Sequence[str]) -> list[str]:
        h = states[0]
        update, reset, candidate = parts_of(g, with_input(x), 3, cell.units)
        if cell.resets_after:
            products = parts_of(g, g.emit("Gemm", h, recurrent, *held[1:]), 3, cell.units)
        else:
            both = call.constant(np.ascontiguousarray(cell.recurrent[:, : 2 * cell.units]), "recurrent_kernel")
            products = parts_of(g, g.emit("MatMul", h, both), 2, cell.units)
        z = activated(g, g.emit("Add", update, products[0]), cell.inner)
        r = activated(g, g.emit("Add", reset, products[1]), cell.inner)
        if cell.resets_after:
            kept = g.emit("Mul", r, products[2])
        else:
            last = call.constant(np.ascontiguousarray(cell.recurrent[:, 2 * cell.units :]), "recurrent_kernel")
            kept = g.emit("MatMul", g.emit("Mul", r, h), last)
        new = activated(g, g.emit("Add", candidate, kept), cell.activation)
        rest = g.emit("Sub", g.scalar(1.0, np.float32), z)
        return [g.emit("Add", g.emit("Mul", z, h), g.emit("Mul", rest, new))]

    return {"SimpleRNN": simple, "LSTM": lstm, "GRU": gru}[cell.kind]


def parts_of(g: Emitter, x: str, count: int, size: int) -> list[str]:
    """Equal parts along the last axis."""
    axis = len(g.dims(x)) - 1
    edges = [at * size for at in range(count + 1)]
    return [g.emit("Slice", x, g.ints(a), g.ints(b), g.ints(axis)) for a, b in pairwise(edges)]


def gated(g: Emitter, parts: Sequence[str], carry: str, activation: str, inner: str) -> list[str]:
    """The states h and c of an LSTM from the sums at its gates: in, forget, candidate, out."""
    i, f, o = (activated(g, parts[at], inner) for at in (0, 1, 3))
    c = g.emit("Add", g.emit("Mul", f, carry), g.emit("Mul", i, activated(g, parts[2], activation)))
    return [g.emit("Mul", o, activated(g, c, activation)), c]


def stacked_step(call: Call, cells: Sequence[Cell]) -> Step:
    """Cells on top of each other. The states of the last come first (tfjs-layers, StackedRNNCells)."""
    steps = [step_of(call, cell) for cell in cells]

    def step(x: str, states: Sequence[str]) -> list[str]:
        counts = [len(cell.sizes) for cell in reversed(cells)]
        starts = np.cumsum([0, *counts])
        groups = [list(states[a:b]) for a, b in pairwise(starts)][::-1]
        made: list[list[str]] = []
        for one, group in zip(steps, groups, strict=True):
            made.append(one(x, group))
            x = made[-1][0]
        return [state for group in reversed(made) for state in group]

    return step if len(cells) > 1 else steps[0]


@dataclass(frozen=True, slots=True, eq=False)
class PictureCell:
    """An LSTM of pictures: its products are convolutions. Arrays as Keras stores them."""

    call: Call
    kernel: Tensor
    recurrent: Tensor
    bias: Tensor | None

    @property
    def filters(self) -> int:
        """Channels of the states."""
        return int(self.recurrent.shape[2])

    def gates(self, x: str) -> str:
        """What comes in, at all four gates: (N, H, W, 4 * filters)."""
        y = convolved(
            self.call.g,
            to_first(self.call.g, x),
            self.call.constant(filters_first(self.kernel), "kernel"),
            None if self.bias is None else self.call.constant(self.bias, "bias"),
            strides=self.call.sizes("strides", 2),
            dilations=self.call.sizes("dilation_rate", 2),
            padding=plain(str(self.call.option("padding", "valid"))),
        )
        return to_last(self.call.g, y)

    def step(self, x: str, states: Sequence[str]) -> list[str]:
        """One step: pictures channels last."""
        g = self.call.g
        kernel = self.call.constant(filters_first(self.recurrent), "recurrent_kernel")
        kept = convolved(g, to_first(g, states[0]), kernel, None, strides=(1, 1), dilations=(1, 1), padding="same")
        total = g.emit("Add", self.gates(x), to_last(g, kept))
        options = self.call.layer.options
        inner = named(options.get("recurrent_activation"), "hard_sigmoid")
        return gated(g, parts_of(g, total, 4, self.filters), states[1], named(options.get("activation"), "tanh"), inner)
