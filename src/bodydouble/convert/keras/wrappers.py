"""Layers around a layer: TimeDistributed, Bidirectional."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bodydouble.convert.keras.calls import Call, Flow, Result, layer, sized
from bodydouble.convert.keras.recurrent import Run, reversed_in_time, run
from bodydouble.convert.keras.topology import layer_of
from bodydouble.types import BodyDoubleError

MASKING = frozenset({"Bidirectional", "TimeDistributed"})
_MERGES = {"sum": "Add", "mul": "Mul", "ave": "Add", "concat": "Concat"}


@layer("TimeDistributed")
def _time_distributed(call: Call) -> Result:
    """The layer on every step: steps and batch as one axis."""
    inner, g = layer_of(call.option("layer")), call.g
    dims = call.dims()
    if len(dims) < 3:
        raise BodyDoubleError(f"of an input of {len(dims)} axes; wanted a batch of steps")
    rest: list[int | tuple[str, int]] = [
        size if isinstance(size, int) else (call.x, axis) for axis, size in enumerate(dims) if axis > 1
    ]
    flat = Flow(sized(g, call.x, [-1, *rest]))
    scopes = [(call.layer.name,), (call.layer.name, inner.name), (inner.name,)]
    y = call.walk.apply(inner, [flat], scopes)[0].value
    if not y:
        raise BodyDoubleError(f"whose {inner.kind} cannot be converted")
    after: list[int | tuple[str, int]] = [
        size if isinstance(size, int) else (y, axis) for axis, size in enumerate(g.dims(y)) if axis > 0
    ]
    steps: int | tuple[str, int] = dims[1] if isinstance(dims[1], int) else (call.x, 1)
    return Flow(sized(g, y, [(call.x, 0), steps, *after]), call.mask)


@layer("Bidirectional")
def _bidirectional(call: Call) -> Result:
    """A recurrent layer forwards and one backwards. Source: tfjs-layers, wrappers."""
    inner = layer_of(call.option("layer"))
    mode = "none" if "merge_mode" in call.layer.options and call.layer.options["merge_mode"] is None else None
    mode = mode or call.word("merge_mode", "concat")
    states = list(call.flows[1:])
    half = len(states) // 2
    turned = inner.option("go_backwards", False) is True
    runs: list[Run] = []
    for at, (which, backwards) in enumerate((("forward", turned), ("backward", not turned))):
        flows = [call.flows[0], *states[at * half : (at + 1) * half]]
        scope = (call.layer.name, f"{which}_{inner.name}")
        runs.append(run(call.inner(inner, [scope, (*scope[:1], f"{which}_layer")], flows), backwards))
    outputs = [_output(call, done, inner.option("return_sequences", False), turned) for done in runs]
    merged = _merged(call, outputs, mode)
    if inner.option("return_sequences", False):
        merged = [replace(flow, mask=call.mask) for flow in merged]
    if inner.option("return_state", False):
        merged += [Flow(state) for done in runs for state in done.states]
    return merged


def _output(call: Call, done: Run, whole: bool, turned: bool) -> str:
    """The sequence as TensorFlow.js has it: each as it was run, then the second turned round."""
    if not whole:
        return done.states[0]
    return reversed_in_time(call.g, done.sequence) if turned else done.sequence


def _merged(call: Call, outputs: list[str], mode: str) -> list[Flow]:
    if mode == "none":
        return [Flow(value) for value in outputs]
    if mode not in _MERGES:
        raise BodyDoubleError(f"merge_mode {mode}")
    attributes: dict[str, Any] = {"axis": len(call.g.dims(outputs[0])) - 1} if mode == "concat" else {}
    y = call.g.emit(_MERGES[mode], *outputs, **attributes)
    if mode == "ave":
        y = call.g.emit("Mul", y, call.g.scalar(0.5, np.float32))
    return [Flow(y)]
