"""LSTM, GRU and RNN as layers of torch.nn, and ReverseSequence. (time, batch, features), as ONNX has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from bodydouble.convert.torch_call import Call, operator
from bodydouble.types import BodyDoubleError

# Places of ONNX's inputs.
SEQUENCE_LENS, INITIAL_H, INITIAL_C, PEEPHOLES = 4, 5, 6, 7
# torch's order of the gates, by their places in ONNX's: input, forget, cell, output; reset, update, new.
GATES = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
ACTIVATIONS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
SIDES = ("", "_reverse")


@operator("LSTM", "GRU", "RNN")
def _recurrent(call: Call) -> Any:
    kind = call.node.op_type
    weights, repeats = call.constant(1), call.constant(2)
    if weights is None or repeats is None or (call.has(3) and call.constant(3) is None):
        raise BodyDoubleError(f"{kind} with weights that are no constant")
    options = _options(call, len(weights))
    back = call.attribute("direction", b"forward") == b"reverse"
    layer: Any = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}[kind](
        weights.shape[2], repeats.shape[2], bias=call.has(3), bidirectional=len(weights) > 1, device="meta", **options
    )
    for number, side in zip(range(len(weights)), SIDES, strict=False):
        for name, position in (("weight_ih", 1), ("weight_hh", 2)):
            setattr(layer, f"{name}_l0{side}", _part(call, position, number))
        if call.has(3):
            for half, name in enumerate(("bias_ih", "bias_hh")):
                setattr(layer, f"{name}_l0{side}", _part(call, 3, number, half))
    x = call.running(0)
    states = [call.running(position) for position in (INITIAL_H, INITIAL_C) if call.has(position)]
    given = [tuple(states) if kind == "LSTM" else states[0]] if states else []
    if kind == "LSTM" and len(states) == 1:
        raise BodyDoubleError("LSTM with one of its two initial states")
    answer = call.apply(layer, x.flip(0) if back else x, *given)
    y = answer[0].unflatten(2, (len(weights), repeats.shape[2])).permute(0, 2, 1, 3)
    last = (answer[1][0], answer[1][1]) if kind == "LSTM" else (answer[1],)
    return (y.flip(0) if back else y, *last)


def _options(call: Call, sides: int) -> dict[str, Any]:
    """What torch's layer is told. Raises BodyDoubleError for what it has not."""
    kind = call.node.op_type
    names = [name.decode() for name in call.attribute("activations", [])] or ACTIVATIONS[kind] * sides
    plain = [name.capitalize() for name in names]
    wrong = {
        "lengths of their own": call.has(SEQUENCE_LENS),
        "peepholes": call.has(PEEPHOLES),
        "batches first": bool(call.attribute("layout", 0)),
        "clipping": call.attribute("clip") is not None,
        "input_forget": bool(call.attribute("input_forget", 0)),
        "the reset before the product": kind == "GRU" and not call.attribute("linear_before_reset", 0),
        f"{', '.join(names)}": plain != ACTIVATIONS[kind] * sides and not (kind == "RNN" and set(plain) == {"Relu"}),
    }
    for what, there in wrong.items():
        if there:
            raise BodyDoubleError(f"{kind} with {what}")
    return {"nonlinearity": plain[0].lower()} if kind == "RNN" else {}


def _part(call: Call, position: int, number: int, half: int | None = None) -> nn.Parameter:
    """One direction's weights, or a half of its biases, in torch's order of the gates."""
    stored = call.constant(position)
    if stored is None:
        raise BodyDoubleError(f"{call.node.op_type} with weights that are no constant")
    part = stored[number] if half is None else stored[number].chunk(2)[half]
    order: Sequence[int] = GATES[call.node.op_type]
    gates = part.chunk(len(order))
    return call.parameter(position, f"{number} {half}", torch.cat([gates[gate] for gate in order]))


@operator("ReverseSequence")
def _reverse_sequence(call: Call) -> Any:
    """The first so many entries of each row in the opposite order, the rest as they are."""
    time, batch = call.attribute("time_axis", 0), call.attribute("batch_axis", 1)
    x, lengths = call.running(0), call.running(1)
    shape = [1] * call.rank(0)
    shape[time] = -1
    steps = torch.arange(call.size(time), device=x.device).reshape(shape)
    shape[time], shape[batch] = 1, -1
    ends = lengths.reshape(shape)
    places = torch.where(steps < ends, ends - 1 - steps, steps)
    return torch.gather(x, time, places.expand(x.shape))
