"""Recurrent layers: ONNX's own RNN, GRU and LSTM where they compute the same, else a Scan over a step of the cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Graph, Value
from bodydouble.convert.keras.calls import Call, Flow, Result, layer
from bodydouble.convert.keras.cells import Cell, PictureCell, Step, cells_of, stacked_step
from bodydouble.types import BodyDoubleError

MASKING = frozenset({"SimpleRNN", "GRU", "LSTM", "RNN", "ConvLSTM2D"})
# Activations that ONNX's recurrent operators have, with the slopes that Keras means by default.
_NATIVE = {
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "hard_sigmoid": "HardSigmoid",
    "relu": "Relu",
    "softsign": "Softsign",
    "softplus": "Softplus",
}
_OPERATORS = {"SimpleRNN": "RNN", "GRU": "GRU", "LSTM": "LSTM"}
# Where ONNX has the gates that Keras has as in, forget, candidate, out.
_ORDERS = {"SimpleRNN": (0,), "GRU": (0, 1, 2), "LSTM": (0, 3, 1, 2)}
LAST = np.iinfo(np.int64).min  # an end before the first of any axis


@dataclass(frozen=True, slots=True)
class Run:
    """What a recurrent layer computes. sequence: (N, T, ...) in the order of time, whatever the direction."""

    sequence: str
    states: tuple[str, ...]


@layer("SimpleRNN", "GRU", "LSTM", "RNN", "ConvLSTM2D")
def _recurrent(call: Call) -> Result:
    backwards = call.flag("go_backwards")
    done = run(call, backwards)
    sequence = done.sequence
    if backwards:
        sequence = reversed_in_time(call.g, sequence)
    return results(call, sequence, done.states)


def results(call: Call, sequence: str, states: Sequence[str]) -> list[Flow]:
    """What the layer's options ask for of it."""
    whole = call.flag("return_sequences")
    first = Flow(sequence, call.mask) if whole else Flow(states[0])
    return [first, *(Flow(state) for state in states)] if call.flag("return_state") else [first]


def reversed_in_time(g: Emitter, x: str) -> str:
    """(N, T, ...) from the last step to the first."""
    return g.emit("Slice", x, g.ints(-1), g.ints(LAST), g.ints(1), g.ints(-1))


def run(call: Call, backwards: bool) -> Run:
    """The layer over all its steps. Its inputs after the first are the states that it begins with."""
    if call.flag("stateful"):
        raise BodyDoubleError("that keeps its state from one run to the next (stateful), which no ONNX model can")
    if call.layer.kind == "ConvLSTM2D":
        return _pictures(call, backwards)
    cells = cells_of(call)
    sizes = [size for cell in reversed(cells) for size in cell.sizes]
    states = call.xs[1:] or _zeros(call, [(size,) for size in sizes])
    if len(states) != len(sizes):
        raise BodyDoubleError(f"of {len(sizes)} states that is given {len(states)}")
    if len(cells) == 1 and call.mask is None and _is_native(cells[0]):
        return _native(call, cells[0], states, backwards)
    return scanned(call, stacked_step(call, cells), states, backwards)


def _is_native(cell: Cell) -> bool:
    inner = cell.inner in _NATIVE or cell.kind == "SimpleRNN"
    return cell.activation in _NATIVE and inner


def _native(call: Call, cell: Cell, states: Sequence[str], backwards: bool) -> Run:
    g, count = call.g, len(_ORDERS[cell.kind])
    order = np.concatenate([np.arange(cell.units) + gate * cell.units for gate in _ORDERS[cell.kind]])
    kernel, recurrent = (call.constant(array.T[order][None]) for array in (cell.kernel, cell.recurrent))
    inputs = [g.emit("Transpose", call.x, perm=[1, 0, 2]), kernel, recurrent]
    if cell.bias is not None:
        both = cell.bias if cell.resets_after else np.stack([cell.bias, np.zeros_like(cell.bias)])
        inputs.append(call.constant(both[:, order].reshape(1, -1), "bias"))
    else:
        inputs.append("")
    inputs += ["", *(g.emit("Unsqueeze", state, g.ints(0)) for state in states)]
    inner, outer = _NATIVE.get(cell.inner, ""), _NATIVE[cell.activation]
    options: dict[str, Any] = {"linear_before_reset": int(cell.resets_after)} if cell.kind == "GRU" else {}
    made = g.emit_all(
        _OPERATORS[cell.kind],
        inputs,
        1 + len(states),
        hidden_size=cell.units,
        direction="reverse" if backwards else "forward",
        activations={1: [outer], 3: [inner, outer], 4: [inner, outer, outer]}[count],
        **options,
    )
    sequence = g.emit("Transpose", g.emit("Squeeze", made[0], g.ints(1)), perm=[1, 0, 2])
    return Run(sequence, tuple(g.emit("Squeeze", state, g.ints(0)) for state in made[1:]))


def _zeros(call: Call, shapes: Sequence[tuple[int, ...]]) -> list[str]:
    """States of zeros: (N, ...) of each shape."""
    batch = call.g.emit("Shape", call.x, start=0, end=1)
    zero = call.g.scalar(0.0, np.float32)
    return [call.g.emit("Expand", zero, call.g.emit("Concat", batch, call.g.ints(*shape), axis=0)) for shape in shapes]


def _pictures(call: Call, backwards: bool) -> Run:
    """ConvLSTM2D: (N, T, H, W, C)."""
    if call.channels_first():
        raise BodyDoubleError("with data_format channels_first")
    if call.mask is not None:
        raise BodyDoubleError("of a masked input")
    use_bias = call.flag("use_bias", True)
    kernel, recurrent, *bias = call.weights("kernel", "recurrent_kernel", *(["bias"] if use_bias else []))
    cell = PictureCell(call, kernel, recurrent, bias[0] if bias else None)
    states = call.xs[1:]
    if not states:
        # The size of the pictures inside is that of what comes in, after its convolution.
        first = cell.gates(call.g.emit("Gather", call.x, call.g.scalar(0, np.int64), axis=1))
        sizes = call.g.emit("Shape", first, start=1, end=3)
        batch = call.g.emit("Shape", call.x, start=0, end=1)
        shape = call.g.emit("Concat", batch, sizes, call.g.ints(cell.filters), axis=0)
        states = [call.g.emit("Expand", call.g.scalar(0.0, np.float32), shape)] * 2
    return scanned(call, cell.step, states, backwards)


def scanned(call: Call, step: Step, states: Sequence[str], backwards: bool) -> Run:
    """A Scan over time of one step; where the mask is false the states stay as they were."""
    g = call.g
    runs = [call.x]
    if call.mask is not None:
        runs.append(g.emit("Unsqueeze", g.cast(call.mask, np.float32), g.ints(2)))
    given = [_inside(g, name, g.dims(name)) for name in states]
    parts = [_inside(g, name, (g.dims(name)[0], *g.dims(name)[2:])) for name in runs]
    with g.body() as nodes:
        made = step(parts[0], given)
        if len(parts) > 1:
            off = g.emit("Sub", g.scalar(1.0, np.float32), parts[1])
            made = [
                g.emit("Add", g.emit("Mul", new, parts[1]), g.emit("Mul", old, off))
                for new, old in zip(made, given, strict=True)
            ]
    body = Graph(
        (*given, *parts),
        {f"{call.layer.name}.{at}": value for at, value in enumerate((*made, made[0]))},
        tuple(nodes),
        {},
        {},
    )
    each = g.dims(made[0])
    length = g.dims(call.x)[1]
    kinds = [(g.dims(value), np.dtype(np.float32)) for value in made]
    outputs = g.add_all(
        "Scan",
        [*states, *runs],
        [*kinds, ((each[0], length, *each[1:]), np.dtype(np.float32))],
        body=body,
        num_scan_inputs=len(runs),
        scan_input_axes=[1] * len(runs),
        scan_input_directions=[int(backwards)] * len(runs),
        scan_output_axes=[1],
        scan_output_directions=[int(backwards)],
    )
    return Run(outputs[-1], tuple(outputs[:-1]))


def _inside(g: Emitter, like: str, dims: Sequence[int | str]) -> str:
    """An input of a body."""
    name = g.fresh(f"{like} inside")
    g.values[name] = Value(name, tuple(dims), g.dtype(like))
    return name
