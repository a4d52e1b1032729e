"""Does a PyTorch network compute what the ONNX model does that it was made of?

Both add up float32 numbers, each in its own order. Where an output amplifies rounding (the segmentation of BlazePose,
whose last ten convolutions double a pixel's error one after the other) they differ by more than TOLERANCE though both
are right. The same network in float64 tells the two apart: a wrong network stays wrong in it, and far from ONNX
Runtime; of a right one, ONNX Runtime is about as far as the network's own rounding moves it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from torch import fx

from bodydouble.convert.check import Report, feeds_of, run
from bodydouble.convert.compare import differences
from bodydouble.convert.references import Feed
from bodydouble.types import BodyDoubleError

TOLERANCE = 1e-4  # of an output's range
# How much further from float64 ONNX Runtime may be than PyTorch: 2.2 times was the most seen of the 57 known models.
ROUNDING = 4.0
CEILING = 1e-2  # of an output's range: what rounds by more is no answer at all

DOUBLE = {torch.float32: torch.float64, torch.float16: torch.float64}


def check(network: torch.nn.Module, model: onnx.ModelProto, made: Sequence[Feed] = ()) -> Report:
    """Compare the network with the ONNX model in ONNX Runtime.

    made: what both are fed, by the inputs' names; else random values and pictures.
    Raises BodyDoubleError, one line, where an output differs by more than TOLERANCE and more than rounding explains.
    """
    made = made or feeds_of(model)
    content = model.SerializeToString()
    wanted = [run(content, feed) for feed in made]
    got = [answers(network, feed, list(wanted[0])) for feed in made]
    report = Report(len(made), "ONNX Runtime", tuple(differences(wanted, got)))
    off = [found for found in report.differences if not found.error <= TOLERANCE]
    allowed = _allowed(network, made, wanted, got) if off else {}
    for found in off:
        exact, limit = allowed[found.output]
        if not (found.error <= CEILING and exact <= limit):
            raise BodyDoubleError(
                f"the PyTorch model is not what ONNX Runtime computes: output {found.output} is off by "
                f"{found.error:.1e} of its range (at most {TOLERANCE:g} is allowed), and by {exact:.1e} in float64 "
                f"(rounding explains {limit:.1e}); please report the model"
            )
    return report


def answers(network: torch.nn.Module, feed: Feed, names: Sequence[str]) -> Feed:
    """The named outputs of a network; float inputs in the network's own precision."""
    first = next(network.parameters(), None)
    kind = torch.float64 if first is not None and first.dtype == torch.float64 else None
    tensors = [torch.from_numpy(np.array(values)) for values in feed.values()]
    if kind is not None:
        tensors = [tensor.to(kind) if tensor.is_floating_point() else tensor for tensor in tensors]
    with torch.no_grad():
        results = network(*tensors)
    return {name: results[name].numpy() for name in names}


def _allowed(
    network: torch.nn.Module, made: Sequence[Feed], wanted: Sequence[Feed], got: Sequence[Feed]
) -> dict[str, tuple[float, float]]:
    """Of each output: how far ONNX Runtime is from the network in float64, and how far it may be."""
    exact = in_float64(network)
    names = list(wanted[0])
    doubles = [answers(exact, feed, names) for feed in made]
    far = {found.output: found.error for found in differences(doubles, wanted)}
    rounded = {found.output: found.error for found in differences(doubles, got)}
    return {name: (far[name], max(TOLERANCE, ROUNDING * rounded[name])) for name in names}


def in_float64(network: torch.nn.Module) -> torch.nn.Module:
    """A copy that computes in float64, casts and filled tensors in it included."""
    wide = copy.deepcopy(network).double()
    for module in wide.modules():
        if isinstance(module, fx.GraphModule):
            for node in module.graph.nodes:
                node.args = fx.node.map_aggregate(node.args, _widened)
                node.kwargs = fx.node.map_aggregate(node.kwargs, _widened)
            module.recompile()
    return wide


def _widened(value: Any) -> Any:
    return DOUBLE.get(value, value) if isinstance(value, torch.dtype) else value
