"""A layers model as plain records: layers with their options, models of layers, who reads from whom.

Spellings of Keras 1, 2 and 3 and of TensorFlow.js are brought to one: options in snake_case as Keras 2 names them.
Source: tfjs-layers, engine/container (fromConfig), models; keras, saving.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bodydouble.convert.model_json import read_json
from bodydouble.types import BodyDoubleError

MODELS = frozenset({"Model", "Functional", "Sequential", "LayersModel"})
INPUT = "InputLayer"
KERAS_TENSOR = "__keras_tensor__"

# Options that other versions of Keras spell otherwise.
_OTHER_SPELLINGS = {
    "nb_filter": "filters",
    "subsample": "strides",
    "subsample_length": "strides",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "bias": "use_bias",
    "pool_length": "pool_size",
    "filter_length": "kernel_size",
    "atrous_rate": "dilation_rate",
    "inner_activation": "recurrent_activation",
    "p": "rate",
    "batch_shape": "batch_input_shape",
}
_OTHER_VALUES = {"tf": "channels_last", "th": "channels_first"}
_OTHER_CLASSES = {
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "LSTMV2": "LSTM",
    "GRUV2": "GRU",
    "DenseV2": "Dense",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """One output: of which layer, of which of its calls, which tensor."""

    layer: str
    call: int
    tensor: int


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer. kind: its class. options: as Keras 2 names them. calls: what each call of it reads."""

    kind: str
    name: str
    options: Mapping[str, Any]
    calls: tuple[tuple[Reference, ...], ...] = ()
    model: Model | None = None

    def option(self, name: str, default: Any = None) -> Any:
        """An option, or the default where it is absent or null."""
        value = self.options.get(name)
        return default if value is None else value


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Layers by name. A chain (Sequential) has neither inputs nor outputs: each layer reads the one before."""

    name: str
    layers: tuple[Layer, ...]
    chain: bool
    inputs: tuple[Reference, ...] = ()
    outputs: tuple[Reference, ...] = ()

    def kinds(self) -> Iterator[str]:
        """The class of every layer, those inside others too."""
        for layer in self.layers:
            if layer.model is not None:
                yield from layer.model.kinds()
            else:
                yield from _kinds(layer)


def _kinds(layer: Layer) -> Iterator[str]:
    yield layer.kind
    inner = layer.options.get("layer")
    if isinstance(inner, Mapping):
        wrapped = layer_of(inner)
        yield from wrapped.model.kinds() if wrapped.model is not None else _kinds(wrapped)


def read(path: Path) -> tuple[Model, Sequence[Mapping[str, Any]]]:
    """The model, and the manifest of its weights.

    Raises BodyDoubleError, in one line, for a file that cannot be read or is no sound layers model.
    """
    content = read_json(path)
    try:
        topology = content.get("modelTopology", content)
        if isinstance(topology, str):
            topology = json.loads(topology)
        topology = topology.get("model_config", topology)
        found = layer_of(topology)
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        what = f"{type(error).__name__}: {error}".replace("\n", " ")
        raise BodyDoubleError(f"{path} is no sound layers model ({what}): fetch it again") from error
    if found.model is None:
        raise BodyDoubleError(f"{path} holds one layer, {found.kind}; wanted a model of layers")
    return found.model, content.get("weightsManifest") or []


def layer_of(entry: Mapping[str, Any]) -> Layer:
    """A layer, or a model that stands in the place of one."""
    entry = {_snake(key): value for key, value in entry.items()}
    kind = _OTHER_CLASSES.get(entry["class_name"], str(entry["class_name"]))
    config = entry.get("config") or {}
    calls = tuple(tuple(_references(call)) for call in entry.get("inbound_nodes") or ())
    if kind in MODELS:
        model = _model(kind, config)
        name = str(entry.get("name") or model.name)
        return Layer(kind, name, {}, tuple(call for call in calls if call), model)
    options = _options(config)
    name = str(entry.get("name") or options.get("name") or kind.lower())
    return Layer(kind, name, options, tuple(call for call in calls if call))


def _model(kind: str, config: Any) -> Model:
    if isinstance(config, list):  # a Sequential of Keras 1 and early TensorFlow.js
        config = {"layers": config}
    config = {_snake(key): value for key, value in config.items()}
    layers = tuple(layer_of(entry) for entry in config["layers"])
    name = str(config.get("name") or kind.lower())
    if kind == "Sequential":
        return Model(name, layers, chain=True)
    return Model(name, layers, False, tuple(_ends(config["input_layers"])), tuple(_ends(config["output_layers"])))


def _ends(entries: Any) -> Iterator[Reference]:
    """Inputs or outputs of a model: one [name, call, tensor], a list of them, or a dict of them."""
    if isinstance(entries, Mapping):
        for entry in entries.values():
            yield from _ends(entry)
    elif entries and isinstance(entries[0], str):
        yield Reference(str(entries[0]), int(entries[1]), int(entries[2]))
    else:
        for entry in entries:
            yield from _ends(entry)


def _references(call: Any) -> Iterator[Reference]:
    """What one call of a layer reads: lists of [name, call, tensor, ...], or Keras 3's tensors among arguments."""
    if isinstance(call, Mapping):
        if call.get("class_name") == KERAS_TENSOR:
            yield from _ends(call["config"]["keras_history"])
        else:
            for key, value in call.items():
                if key != "class_name" and isinstance(value, Mapping | list):
                    yield from _references(value)
    elif isinstance(call, list) and len(call) >= 3 and isinstance(call[0], str) and isinstance(call[1], int):
        yield Reference(call[0], call[1], int(call[2]))
        if len(call) > 3 and isinstance(call[3], Mapping):  # initial states and the like, as keywords
            yield from _references(dict(call[3]))
    elif isinstance(call, list):
        for item in call:
            yield from _references(item)


def _options(config: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key, value in config.items():
        name = _snake(key)
        name = _OTHER_SPELLINGS.get(name, name)
        if isinstance(value, str) and name == "data_format":
            value = _OTHER_VALUES.get(value, value)
        if value is not None or name not in options:
            options[name] = value
    if "nb_row" in options and "nb_col" in options:
        options["kernel_size"] = [options["nb_row"], options["nb_col"]]
    if "kernel_size" not in options and "kernel_dim1" in options:
        options["kernel_size"] = [options[f"kernel_dim{axis}"] for axis in (1, 2, 3)]
    return options


def _snake(name: str) -> str:
    """camelCase as snake_case; what is no camelCase stays."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: "_" + found.group(1).lower(), name)


def plain(text: str) -> str:
    """A name of an activation, a padding or a mode as Keras writes it: hardSigmoid is hard_sigmoid."""
    return _snake(text).lower()
