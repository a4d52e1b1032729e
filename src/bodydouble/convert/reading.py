"""Which reader a file wants, by what is in it, and what the caller asks of it.

A reader is a function from a path and the Request to a Graph and the model's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bodydouble.convert.graph import Graph
from bodydouble.convert.model_json import parse_json
from bodydouble.types import BodyDoubleError

TFLITE_MARK = b"TFL3"  # bytes 4 to 8 of every TFLite file
START = 4096  # bytes of a file that tell what it is
# The first bytes of other programs' files (HDF5's signature, a zip's) -> what they are and what makes one of ours.
OTHERS = {
    b"\x89HDF": "a Keras model in HDF5: tensorflowjs_converter --input_format keras makes a model.json of it",
    b"PK\x03\x04": "a zip, as .keras and PyTorch's .pt are: unpack it, or let Keras (tensorflowjs_converter) or"
    " PyTorch (torch.onnx.export) write what is wanted",
}
SAVED_MODEL = "saved_model.pb"  # TensorFlow's name for the network of a SavedModel folder
INSTEAD = "a TensorFlow SavedModel: tf.lite.TFLiteConverter or tensorflowjs_converter makes a file that is read here"
InputShapes = Sequence[int] | Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted of a file.

    outputs: names in order, None for the file's. input_shapes: the shape of the only input, or shapes by name, None for
    the file's. quantized: whether integers with a scale stay as QDQ pairs or become floats.
    """

    outputs: Sequence[str] | None = None
    input_shapes: InputShapes | None = None
    quantized: Literal["qdq", "float"] = "qdq"

    def shapes(self, inputs: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """Name -> the shape asked for, of the model's inputs.

        Raises BodyDoubleError for an input that the model has not, a single shape where it has several inputs, and a
        size below one.
        """
        given = self.input_shapes
        if given is None:
            return {}
        listed = ", ".join(inputs)
        if not isinstance(given, Mapping):
            if len(inputs) != 1:
                raise BodyDoubleError(f"one input shape for {len(inputs)} inputs; name them: {listed}")
            given = {inputs[0]: given}
        unknown = sorted(set(given) - set(inputs))
        if unknown:
            raise BodyDoubleError(f'no input "{unknown[0]}" to give a shape; choose from {listed}')
        wrong = next(((name, tuple(shape)) for name, shape in given.items() if any(n < 1 for n in shape)), None)
        if wrong:
            raise BodyDoubleError(f"shape {wrong[1]} of input {wrong[0]}: every size has to be at least 1")
        return {name: tuple(int(n) for n in shape) for name, shape in given.items()}


def read(path: Path, request: Request) -> tuple[Graph, str]:
    """The graph of a model file and the model's name.

    Raises BodyDoubleError, in one line, for a file that is none, is damaged, or cannot be converted.
    """
    return READERS[kind_of(path)](path, request)


def kind_of(path: Path) -> str:
    """ "tflite", "graph-model" or "layers-model" (TensorFlow.js), by content.

    Raises BodyDoubleError for a file that cannot be read or is none of these.
    """
    try:
        with path.open("rb") as file:
            start = file.read(START)
            data = start[:8]
            text = start + file.read() if data.lstrip()[:1] == b"{" else b""
    except OSError as error:
        raise BodyDoubleError(f"cannot read the model {path}: {_unread(path, error)}") from error
    if not data:
        raise BodyDoubleError(f"{path} is empty; wanted a model: fetch it again")
    if data[4:8] == TFLITE_MARK:
        return "tflite"
    if not text:
        if b'"paths"' in start and start.lstrip()[:1] == b"[":
            raise BodyDoubleError(
                f"{path} lists weights and has no network, which is in the program that loads it (or, in files of"
                " TensorFlow.js before 1.0, in a .pb file); wanted a model.json with modelTopology"
            )
        other = INSTEAD if path.name == SAVED_MODEL else OTHERS.get(data[:4])
        raise BodyDoubleError(
            f"{path} is no TFLite model (no {TFLITE_MARK.decode()} mark) and no TensorFlow.js model.json; "
            + (f"it is {other}" if other else "wanted one of these")
        )
    return _json_kind(path, parse_json(path, text))


def _unread(path: Path, error: OSError) -> str:
    """Why it cannot be read, and what to do: a folder and an address are often given in place of a file."""
    if path.parts[:1] in (("http:",), ("https:",)):
        return "it is an address; download the model.json and the weights it names (or the .tflite) and give the file"
    if (path / SAVED_MODEL).is_file():
        return f"it is {INSTEAD}"
    if path.is_dir():
        models = sorted(one.name for suffix in ("*.json", "*.tflite") for one in path.glob(suffix))
        return f"it is a folder; give the file in it{', such as ' + models[0] if models else ' (model.json, .tflite)'}"
    return f"{error.strerror}; check the name and where it lies"


def _json_kind(path: Path, content: Mapping[str, object]) -> str:
    """The kind that the file names, or, in older ones that name none, that its topology shows."""
    kind, topology = content.get("format"), content.get("modelTopology")
    if kind is None and isinstance(topology, Mapping):
        kind = "graph-model" if "node" in topology else "layers-model"
    if not isinstance(kind, str) or kind not in READERS or kind == "tflite":
        raise BodyDoubleError(
            f'{path} is JSON of format "{kind}"; wanted a TensorFlow.js graph-model or layers-model (model.json)'
        )
    return str(kind)


def _tflite(path: Path, request: Request) -> tuple[Graph, str]:
    from bodydouble.convert import tflite, tflite_graph
    from bodydouble.convert.tflite_operators import HANDLERS

    model = tflite.read(path).pruned(request.outputs)
    graph = tflite_graph.to_graph(model, HANDLERS, input_shapes=request.input_shapes, quantized=request.quantized)
    return graph, model.name


def _graph_model(path: Path, request: Request) -> tuple[Graph, str]:
    from bodydouble.convert.tfjs import files, networks

    return networks.to_graph(files.read(path), request), path.stem


def _layers_model(path: Path, request: Request) -> tuple[Graph, str]:
    from bodydouble.convert.keras import networks

    return networks.to_graph(path, request), path.stem


READERS: dict[str, Callable[[Path, Request], tuple[Graph, str]]] = {
    "tflite": _tflite,
    "graph-model": _graph_model,
    "layers-model": _layers_model,
}
