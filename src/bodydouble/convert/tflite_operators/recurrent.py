"""Recurrent layers over sequences and single steps.

A layer over a sequence starts from zeros in every run: TFLite keeps its last state for the next run, which for a whole
sequence is what nobody wants (Keras does not). A single step (LSTM, RNN, SVDF) is nothing without its state, which
becomes an input and an output of the model, as variables do.
"""

from __future__ import annotations

import numpy as np
import tflite

from bodydouble.convert.graph import Dim, Dims, Tensor
from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_operators.elementwise import pair
from bodydouble.convert.tflite_operators.registry import handles
from bodydouble.types import BodyDoubleError

_ACTIVATIONS = {
    tflite.ActivationFunctionType.NONE: None,
    tflite.ActivationFunctionType.RELU: "Relu",
    tflite.ActivationFunctionType.TANH: "Tanh",
}

# Places of the inputs of a one-way LSTM, in TFLite's order of gates: input, forget, cell, output.
_INPUT, _RECURRENT, _PEEPHOLE, _BIAS, _PROJECTION, _STATE, _NORM = 1, 5, 9, 12, 16, 18, 20


def _activation(call: Call) -> str:
    name = _ACTIVATIONS.get(int(call.option("FusedActivationFunction")))
    if name is None:
        raise BodyDoubleError(f"{call.kind} with fused activation number {call.option('FusedActivationFunction')}")
    return name


class _Gates:
    """The weights of an LSTM whose first weight is at `at`, stacked in ONNX's order: input, output, forget, cell."""

    def __init__(self, call: Call, at: int) -> None:
        self.call, self.at = call, at
        forget, cell, output = (call.constant(at + n) for n in (1, 2, 3))
        self.coupled = not call.has(at)
        # A coupled input gate is 1 - forget: the same sums with the other sign.
        self.input = np.stack([[-forget if self.coupled else call.constant(at), output, forget, cell]])
        self.units = forget.shape[0]

    def weights(self, at: int) -> Tensor:
        """(1, 4 units, n) of the four matrices that begin `at`."""
        call = self.call
        forget, cell, output = (call.constant(at + n) for n in (1, 2, 3))
        first = -forget if self.coupled else call.constant(at)
        return np.concatenate([first, output, forget, cell])[None].astype(np.float32)

    def vectors(self, at: int, *, cell: bool) -> Tensor | None:
        """(1, 4 or 3 units): biases, or the diagonals from the cell to the gates; None where there are none."""
        call = self.call
        count = 4 if cell else 3
        if not any(call.has(at + n) for n in range(count)):
            return None
        nothing = np.zeros(self.units, np.float32)
        parts = [call.constant(at + n) if call.has(at + n) else nothing for n in range(count)]
        if cell:
            first, forget, middle, output = parts
            order = [-forget if self.coupled else first, output, forget, middle]
        else:
            first, forget, output = parts
            order = [-forget if self.coupled else first, output, forget]
        return np.concatenate(order)[None].astype(np.float32)


def _lstm(
    call: Call, x: str, shift: int, states: tuple[str, str] | None, *, backwards: bool = False
) -> tuple[str, ...]:
    """(T, N, in) to (T, N, units), the last state and the last cell. shift: of the places of the inputs."""
    if any(call.has(shift + at) for at in (_PROJECTION, _PROJECTION + 1)):
        raise BodyDoubleError(f"{call.kind} with a projection")
    gates = _Gates(call, shift + _INPUT)
    batch, units = call.builder.dims(x)[1], gates.units
    w, r = gates.weights(shift + _INPUT), gates.weights(shift + _RECURRENT)
    bias = gates.vectors(shift + _BIAS, cell=True)
    both = np.concatenate([bias, np.zeros_like(bias)], axis=1) if bias is not None else None
    peep = gates.vectors(shift + _PEEPHOLE, cell=False)
    inputs = [x, call.builder.constant(w, name="weights"), call.builder.constant(r, name="weights")]
    inputs.append(call.builder.constant(both, name="bias") if both is not None else "")
    inputs.append("")
    for state in states or ("", ""):
        inputs.append(call.reshaped(state, (1, *call.builder.dims(state))) if state else "")
    if peep is not None:
        inputs.append(call.builder.constant(peep, name="peepholes"))
    clip = float(call.option("CellClip"))
    if clip:
        raise BodyDoubleError(f"{call.kind} that clips its cells")
    time = call.builder.dims(x)[0]
    kinds: list[tuple[Dims | None, type]] = [((time, 1, batch, units), np.float32)]
    kinds += [((1, batch, units), np.float32)] * 2
    y, last, cells = call.builder.add_all(
        "LSTM", inputs, kinds, hidden_size=units, activations=["Sigmoid", _activation(call), _activation(call)],
        direction="reverse" if backwards else "forward",
    )  # fmt: skip
    return call.reshaped(y, (time, batch, units)), last, cells


def _time_first(call: Call, x: str, *, back: bool = False) -> str:
    """(N, T, ...) to (T, N, ...), unless the file has it so; and the way back, which is the same."""
    del back
    if call.option("TimeMajor"):
        return x
    dims = call.builder.dims(x)
    return call.add("Transpose", [x], (dims[1], dims[0], *dims[2:]), perm=(1, 0, *range(2, len(dims))))


@handles("UNIDIRECTIONAL_SEQUENCE_LSTM")
def _sequence_lstm(call: Call) -> Result:
    if any(call.has(_NORM + n) for n in range(4)):
        raise BodyDoubleError(f"{call.kind} with layer normalization")
    y, _, _ = _lstm(call, _time_first(call, call.input()), 0, None)
    return _time_first(call, y)


# A two-way LSTM has the weights of both ways after one another (17 places each), then four states, an auxiliary input.
_BACKWARDS = 17


@handles("BIDIRECTIONAL_SEQUENCE_LSTM")
def _both_ways_lstm(call: Call) -> Result:
    if any(call.has(n) for n in range(39, 48)):
        raise BodyDoubleError(f"{call.kind} with an auxiliary input")
    x = _time_first(call, call.input())
    ways = [_lstm(call, x, shift, None, backwards=shift > 0)[0] for shift in (0, _BACKWARDS)]
    return _merged(call, [_time_first(call, y) for y in ways])


def _merged(call: Call, ways: list[str]) -> Result:
    """Both outputs, side by side if the file wants one."""
    if not call.option("MergeOutputs"):
        return ways
    dims = call.builder.dims(ways[0])
    sizes = [call.builder.dims(way)[2] for way in ways]
    total: Dim = sum(size for size in sizes if isinstance(size, int))
    return call.add("Concat", ways, (*dims[:2], total), axis=2)


def _rnn(call: Call, x: str, at: int, state: str = "", *, backwards: bool = False) -> tuple[str, str]:
    """(T, N, in) to (T, N, units) and the last state. at: place of the weights, recurrent weights and bias."""
    w, r, bias = (call.constant(at + n) for n in range(3))
    (time, batch), units = call.builder.dims(x)[:2], w.shape[0]
    both = np.concatenate([bias, np.zeros_like(bias)])[None]
    inputs = [x, *(call.builder.constant(v, name="weights") for v in (w[None], r[None], both)), ""]
    if state:
        inputs.append(call.reshaped(state, (1, *call.builder.dims(state))))
    kinds: list[tuple[Dims | None, type]] = [((time, 1, batch, units), np.float32), ((1, batch, units), np.float32)]
    y, last = call.builder.add_all(
        "RNN", inputs, kinds, hidden_size=units, activations=[_activation(call)],
        direction="reverse" if backwards else "forward",
    )  # fmt: skip
    return call.reshaped(y, (time, batch, units)), last


@handles("UNIDIRECTIONAL_SEQUENCE_RNN")
def _sequence_rnn(call: Call) -> Result:
    return _time_first(call, _rnn(call, _time_first(call, call.input()), 1)[0])


@handles("BIDIRECTIONAL_SEQUENCE_RNN")
def _both_ways_rnn(call: Call) -> Result:
    """Inputs: x, three weights and the state of the one way, the same of the other, and an auxiliary input."""
    if any(call.has(n) for n in range(9, 12)):
        raise BodyDoubleError(f"{call.kind} with an auxiliary input")
    x = _time_first(call, call.input())
    ways = [_rnn(call, x, at, backwards=at > 1)[0] for at in (1, 5)]
    return _merged(call, [_time_first(call, y) for y in ways])


def _state(call: Call, position: int) -> tuple[int, str]:
    """The variable behind an input that an operator keeps by itself."""
    tensor = call.tensor(position)
    variables = call.scope.conversion.variables
    number = variables.number(tensor.name)
    return number, variables.state(call.builder, tensor.name, tensor.shape)


def _keep(call: Call, number: int, value: str, dims: Dims) -> None:
    call.scope.conversion.variables.assign(number, call.reshaped(value, dims))


@handles("RNN")
def _rnn_step(call: Call) -> Result:
    number, state = _state(call, 4)
    batch, size = call.dims()
    y, last = _rnn(call, call.reshaped(call.input(), (1, batch, size)), 1, state)
    dims = call.builder.dims(state)
    _keep(call, number, last, dims)
    return call.reshaped(y, dims)


_BASIC = 1  # LSTMKernelType


@handles("LSTM")
def _lstm_step(call: Call) -> Result:
    if call.option("KernelType") == _BASIC or any(call.has(_NORM + n) for n in range(4)):
        raise BodyDoubleError("LSTM of the basic kind, or with layer normalization")
    (n_state, state), (n_cell, cell) = (_state(call, _STATE + n) for n in (0, 1))
    batch, size = call.dims()
    y, last, cells = _lstm(call, call.reshaped(call.input(), (1, batch, size)), 0, (state, cell))
    _keep(call, n_state, last, call.builder.dims(state))
    _keep(call, n_cell, cells, call.builder.dims(cell))
    return call.reshaped(y, call.builder.dims(state))


@handles("SVDF")
def _svdf(call: Call) -> Result:
    """A filter over features, its last outputs kept, and a filter over these; `rank` of both added to a unit."""
    features, times, rank = call.constant(1), call.constant(2), int(call.option("Rank", 1))
    filters, memory = times.shape
    number, state = _state(call, 4)
    (batch, _), units = call.dims(), filters // rank
    newest = call.add(
        "Gemm", [call.input(), call.builder.constant(features, name="weights")], (batch, filters), transB=1
    )
    kept = call.reshaped(state, (batch, filters, memory))
    ends = [call.array([1]), call.array([memory]), call.array([2])]
    older = call.add("Slice", [kept, *ends], (batch, filters, memory - 1))
    column = call.reshaped(newest, (batch, filters, 1))
    line = call.add("Concat", [older, column], (batch, filters, memory), axis=2)
    _keep(call, number, line, call.builder.dims(state))
    weighed = pair(call, "Mul", line, call.builder.constant(times, name="weights"))
    summed = call.add("ReduceSum", [weighed, call.array([2])], (batch, filters), keepdims=0)
    summed = call.reshaped(summed, (batch, units, rank))
    value = call.add("ReduceSum", [summed, call.array([2])], (batch, units), keepdims=0)
    return call.activated(pair(call, "Add", value, call.input(3)) if call.has(3) else value)
