"""From the layers of a model to a graph: each layer through its handler, in the order in which they read each other.

Everything that cannot be converted is collected and said once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Dims, Graph
from bodydouble.convert.keras import handlers
from bodydouble.convert.keras.calls import PASSING, Call, Flow
from bodydouble.convert.keras.topology import INPUT, Layer, Model, Reference, layer_of, read
from bodydouble.convert.keras.weights import Store
from bodydouble.convert.reading import Request
from bodydouble.convert.tfjs.weights import read_weights
from bodydouble.types import BodyDoubleError

# More outputs than any layer has, of what could not be made.
MOST_OUTPUTS = 16
# Types of inputs as TensorFlow.js has them.
DTYPES = {"int32": np.int32, "int64": np.int32, "uint8": np.int32, "bool": np.bool_}
AXES = {4: ("batch", "height", "width", "channels"), 3: ("batch", "time", "channels")}


# What a configuration that is not as it should be raises where it is read.
DAMAGE = (LookupError, ValueError, TypeError, AttributeError, OverflowError, MemoryError, RecursionError)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".replace("\n", " ")


class Missing(Flow):
    """In the place of what could not be made."""


@dataclass(slots=True, eq=False)
class Walk:
    """One conversion. made: the outputs of the layers' last calls, by the layers' names."""

    g: Emitter
    store: Store
    missing: Counter[str] = field(default_factory=Counter)
    made: dict[str, tuple[Flow, ...]] = field(default_factory=dict)

    def apply(self, layer: Layer, flows: Sequence[Flow], scopes: Sequence[tuple[str, ...]] = ()) -> tuple[Flow, ...]:
        """What a layer, or a model in the place of one, gives."""
        if any(isinstance(flow, Missing) for flow in flows):
            results: tuple[Flow, ...] = (Missing(""),) * MOST_OUTPUTS
        elif layer.model is not None:
            results = self.model(layer.model, flows)
        else:
            try:
                results = self._call(Call(self.g, layer, tuple(flows), self.store, self, tuple(scopes)))
            except (BodyDoubleError, *DAMAGE) as error:
                what = str(error) if isinstance(error, BodyDoubleError) else f"configured oddly, {_line(error)}"
                self.missing[f"{layer.kind} {layer.name} ({what})"] += 1
                results = (Missing(""),) * MOST_OUTPUTS
        self.made[layer.name] = results
        return results

    def _call(self, call: Call) -> tuple[Flow, ...]:
        kind = call.layer.kind
        if kind not in handlers.LAYERS:
            raise BodyDoubleError("no such layer is known")
        takes = kind in PASSING or kind in handlers.MASKING
        if not takes and any(flow.mask for flow in call.flows):
            raise BodyDoubleError("it takes no mask, in TensorFlow.js neither")
        self.g.layer = call.layer.name
        results = handlers.LAYERS[kind](call)
        listed: list[str | Flow] = [results] if isinstance(results, str | Flow) else list(results)
        mask = call.mask if kind in PASSING else None
        return tuple(flow if isinstance(flow, Flow) else Flow(flow, mask) for flow in listed)

    def model(self, model: Model, given: Sequence[Flow]) -> tuple[Flow, ...]:
        """What a model gives."""
        if model.chain:
            flows = tuple(given)
            for layer in model.layers:
                if layer.kind != INPUT:
                    flows = self.apply(layer, flows)
            return flows
        return self._functional(model, given)

    def _functional(self, model: Model, given: Sequence[Flow]) -> tuple[Flow, ...]:
        layers = {layer.name: layer for layer in model.layers}
        firsts = {name: _first_call(model, name) for name in layers}
        done: dict[tuple[str, int], tuple[Flow, ...]] = {}
        if len(given) != len(model.inputs):
            raise BodyDoubleError(f"{model.name} takes {len(model.inputs)} inputs and is given {len(given)}")
        for end, flow in zip(model.inputs, given, strict=True):
            done[end.layer, end.call] = (flow,)
        waiting = [
            (layer, firsts[layer.name] + at, reads) for layer in model.layers for at, reads in enumerate(layer.calls)
        ]
        while waiting:
            ready = [entry for entry in waiting if all((ref.layer, ref.call) in done for ref in entry[2])]
            if not ready:
                raise BodyDoubleError(f"layer {waiting[0][0].name} of {model.name} reads what no layer gives")
            for layer, call, reads in ready:
                done[layer.name, call] = self.apply(layer, [_taken(done, ref) for ref in reads])
            waiting = [entry for entry in waiting if (entry[0].name, entry[1]) not in done]
        return tuple(_taken(done, end) for end in model.outputs)


def _taken(done: dict[tuple[str, int], tuple[Flow, ...]], ref: Reference) -> Flow:
    flows = done.get((ref.layer, ref.call))
    if flows is None or ref.tensor >= len(flows):
        raise BodyDoubleError(f"nothing gives tensor {ref.tensor} of call {ref.call} of layer {ref.layer}")
    return flows[ref.tensor]


def _first_call(model: Model, name: str) -> int:
    """The number of a layer's first call. A model that stands in the place of a layer was called once when it was made,
    and that call is not in the file."""
    layer = next(layer for layer in model.layers if layer.name == name)
    readers = [ref for other in model.layers for reads in other.calls for ref in reads] + list(model.outputs)
    used = [ref.call for ref in readers if ref.layer == name]
    return 1 if layer.model is not None and used and min(used) > 0 else 0


def to_graph(path: Path, request: Request) -> Graph:
    """A layers model said in ONNX's operators.

    Raises BodyDoubleError: one line with every layer, or use of one, that cannot be converted, and how often.
    """
    model, manifest = read(path)
    try:
        return _graph(path, model, manifest, request)
    except DAMAGE as error:
        raise BodyDoubleError(f"{path} is no sound layers model ({_line(error)}): fetch it again") from error


def _graph(path: Path, model: Model, manifest: Sequence[Mapping[str, Any]], request: Request) -> Graph:
    unknown = Counter(kind for kind in model.kinds() if kind not in handlers.LAYERS and kind != INPUT)
    if unknown:
        listed = ", ".join(f"{kind} ({count})" for kind, count in sorted(unknown.items()))
        raise BodyDoubleError(
            f"{path.name} needs layers that are not supported: {listed}; what somebody's own layers compute is only"
            " in the program that made the file: save it as a graph model (tensorflowjs_converter), which holds it too"
        )
    walk = Walk(Emitter(), Store(read_weights(path, manifest)))
    outputs = model_outputs(model)
    inputs = inputs_of(model)
    # An output that is an input as it came in has the input's name; ONNX wants another.
    outputs = [f"{name}_output" if name in {place.name for place in inputs} else name for name in outputs]
    flows = walk.model(model, _fed(walk.g, inputs, request))
    if walk.missing:
        listed = ", ".join(f"{what} ({count})" for what, count in sorted(walk.missing.items()))
        what = "cannot take inputs of the sizes given" if request.input_shapes else "needs what is not supported"
        raise BodyDoubleError(f"{path.name} {what}: {listed}")
    named = dict(zip(outputs, flows, strict=True))
    return walk.g.finished(_chosen(path, walk, named, request.outputs))


def _chosen(path: Path, walk: Walk, outputs: dict[str, Flow], wanted: Sequence[str] | None) -> dict[str, str]:
    """Public name -> value: the model's outputs, or those asked for, among which may be any layer."""
    if wanted is None:
        return {name: flow.value for name, flow in outputs.items()}
    chosen: dict[str, str] = {}
    for name in wanted:
        layer, _, tensor = name.partition(":")
        flows = (outputs[name],) if name in outputs else walk.made.get(layer, ())
        at = int(tensor) if tensor.isdigit() and name not in outputs else 0
        if at >= len(flows):
            raise BodyDoubleError(f'{path.name} has no output "{name}"; choose from {", ".join(outputs)} or a layer')
        chosen[name.removesuffix(":0")] = flows[at].value
    if not chosen:
        raise BodyDoubleError(f"{path.name} has no output nothing; choose from {', '.join(outputs)} or a layer")
    return chosen


def model_outputs(model: Model) -> list[str]:
    """The names of a model's outputs: of the layers that give them, numbered where one gives several."""
    if model.chain:
        last = model.layers[-1]
        alone = last.model if len(model.layers) == 1 else None
        return model_outputs(alone) if alone is not None else [last.name]
    seen: Counter[str] = Counter()
    names = []
    for end in model.outputs:
        names.append(f"{end.layer}_{seen[end.layer]}" if seen[end.layer] else end.layer)
        seen[end.layer] += 1
    return names


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a model. shape: None for sizes that the file leaves open."""

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]


def inputs_of(model: Model) -> list[Input]:
    """What a model is fed. Raises BodyDoubleError where the file does not say the shape."""
    if model.chain:
        if not model.layers:
            raise BodyDoubleError(f"{model.name} has no layers")
        first = model.layers[0]
        if first.model is not None:
            return inputs_of(first.model)
        return [_input(first, first.name if first.kind == INPUT else f"{first.name}_input")]
    layers = {layer.name: layer for layer in model.layers}
    return [_input(layers[end.layer], end.layer) for end in model.inputs]


def _input(layer: Layer, name: str) -> Input:
    shape = layer.option("batch_input_shape")
    if shape is None:
        wanted = layer.option("input_shape")
        if wanted is None and layer.option("input_dim") is not None and layer.kind != "Embedding":
            wanted = [layer.option("input_length"), layer.option("input_dim")]
            wanted = wanted if layer.option("input_length") else wanted[1:]
        if wanted is None and layer.kind == "Embedding":
            wanted = [layer.option("input_length")]
        if wanted is None and layer.kind in ("TimeDistributed", "Bidirectional"):
            return _input(layer_of(layer.options["layer"]), name)
        if wanted is None:
            raise BodyDoubleError(f"layer {layer.name} says no shape of its input; the file is not whole")
        shape = [None, *wanted]
    dtype = layer.option("dtype", "float32")
    if isinstance(dtype, dict):
        dtype = (dtype.get("config") or {}).get("name", "float32")
    if dtype == "string":
        raise BodyDoubleError(f"input {name} is text, which cannot be converted")
    return Input(name, tuple(shape), np.dtype(DTYPES.get(str(dtype), np.float32)))


def _fed(g: Emitter, inputs: Sequence[Input], request: Request) -> list[Flow]:
    shapes = request.shapes([place.name for place in inputs])
    return [
        Flow(g.input(place.name, _dims(place, shapes.get(place.name), len(inputs)), place.dtype)) for place in inputs
    ]


def _dims(place: Input, asked: tuple[int, ...] | None, count: int) -> Dims:
    """The shape asked for, else the file's with names for open sizes."""
    rank = len(place.shape)
    if asked is not None:
        if len(asked) != rank:
            raise BodyDoubleError(f"shape {asked} for input {place.name}, which the file gives {rank} axes")
        return asked
    names = AXES.get(rank, ("batch", *(f"axis{axis}" for axis in range(1, rank))))
    return tuple(
        size if isinstance(size, int) and size > 0 else name if count == 1 or axis == 0 else f"{place.name}.{name}"
        for axis, (size, name) in enumerate(zip(place.shape, names, strict=True))
    )
