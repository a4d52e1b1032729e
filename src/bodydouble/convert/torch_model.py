"""An ONNX model as a trainable PyTorch network, and that network as a file.

The network is a torch.fx.GraphModule of plain torch.nn modules, named after the file's layers. It takes the inputs in
the file's order and layout, float32 NHWC as a rule, and answers {name of the output: tensor}.
Why it is built so: docs/decisions/torch.md
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import fx

from bodydouble.convert import (  # noqa: F401 - importing them registers their operators
    torch_control,
    torch_elementwise,
    torch_gather,
    torch_quantize,
    torch_random,
    torch_recurrent,
    torch_reduce,
    torch_resize,
    torch_shape,
)
from bodydouble.convert.torch_batch import Input, free_batch, samples
from bodydouble.convert.torch_call import convert
from bodydouble.convert.torch_gradients import add_heads
from bodydouble.convert.torch_graph import Scope, Shared
from bodydouble.types import BodyDoubleError

LAYOUTS = ("nhwc-as-file", "nchw")
PICTURE = 4  # axes
CHANNELS_LAST = [0, 2, 3, 1]
CHANNELS_FIRST = (0, 3, 1, 2)


def from_onnx(model: onnx.ModelProto, *, layout: str = "nhwc-as-file", heads: bool = True) -> fx.GraphModule:
    """The model as a network in evaluation mode; weights are parameters, other constants buffers.

    layout: "nchw" takes pictures (inputs of four axes) channels first; outputs stay as in the file.
    heads: whether layers whose weights reach the outputs only by a choice (ArgMax) become outputs after the file's.
    model.about holds "inputs" (argument -> shape in the chosen layout, None where open), "batch": whether any number of
    pictures may be sent at once, "heads": the outputs added, and "without gradient": the parameters that get none from
    any output (None: could not be tried). Raises BodyDoubleError, in one line, listing every operator it has not.
    """
    if layout not in LAYOUTS:
        raise BodyDoubleError(f"no layout {layout!r}; choose from {', '.join(LAYOUTS)}")
    opset = next((item.version for item in model.opset_import if item.domain in ("", "ai.onnx")), 0)
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except onnx.shape_inference.InferenceError as error:
        raise BodyDoubleError(f"not a valid ONNX model: {str(error).splitlines()[0]}") from error
    scope = Scope(Shared(opset), inferred)
    stored = {tensor.name for tensor in inferred.initializer}
    fed = [place.name for place in inferred.input if place.name not in stored]
    inputs: list[Input] = []
    for name in fed:
        known = scope.about(name)
        value, shape = scope.placeholder(name), known.shape
        if layout == "nchw" and shape is not None and len(shape) == PICTURE:
            value, shape = value.permute(CHANNELS_LAST), tuple(shape[axis] for axis in CHANNELS_FIRST)
        scope.define(name, value)
        inputs.append((shape, known.dtype))
    with torch.no_grad():
        convert(scope)
    _check(scope, inferred.name)
    network = _network(scope, [place.name for place in inferred.output])
    added, lost = _headed(network, scope, inputs) if heads else ((), None)
    shapes = {scope.label(name): shape for name, (shape, _) in zip(fed, inputs, strict=True)}
    open_batch = bool(shapes) and all(shape is None or not shape or shape[0] is None for shape in shapes.values())
    batch = open_batch or free_batch(network, inputs)
    network.about = {"inputs": shapes, "batch": batch, "heads": added, "without gradient": lost}
    return network


def _headed(
    network: fx.GraphModule, scope: Scope, inputs: list[Input]
) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Add the heads; see add_heads. Nothing is done to a network that does not take the noise it is tried with."""
    try:
        return add_heads(network, scope.layers, samples(inputs, 1)[0])
    except (RuntimeError, ValueError, IndexError, TypeError):
        return (), None


def _check(scope: Scope, name: str) -> None:
    missing = scope.shared.missing
    if missing:
        listed = ", ".join(f"{what} ({count})" for what, count in sorted(missing.items()))
        raise BodyDoubleError(f"{name or 'the model'} needs operators that PyTorch cannot be given: {listed}")


def _network(scope: Scope, outputs: list[str]) -> fx.GraphModule:
    """The recorded graph with its outputs, without what they do not need."""
    values = {name: scope.tensor(scope.value(name), name) for name in outputs}
    scope.graph.output(scope.tracer.create_arg(values))
    network = fx.GraphModule(scope.root, scope.graph, class_name="Converted")
    network.graph.eliminate_dead_code()
    network = fx.GraphModule(network, network.graph, class_name="Converted")  # holds what is left, no more
    return network.eval()


def saved(model: torch.nn.Module, *, weights_only: bool = False) -> bytes:
    """The network as a file's content: torch.load(path, weights_only=False) reads it without bodydouble.

    weights_only: its state_dict instead, for torch.load(path) and load_state_dict.
    """
    content: Any = model.state_dict() if weights_only else model
    buffer = io.BytesIO()  # torch itself tells of a full disk in words of its own
    torch.save(content, buffer)
    return buffer.getvalue()


def save(model: torch.nn.Module, path: Path, *, weights_only: bool = False) -> None:
    """Write the network to a file, as `saved` makes it: beside, then renamed. Raises BodyDoubleError if it cannot."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(saved(model, weights_only=weights_only))
        beside.replace(path)
    except OSError as error:
        raise BodyDoubleError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
