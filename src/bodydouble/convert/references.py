"""What a model file's own runtime computes, to compare a converted model with: TensorFlow.js in Node, LiteRT.

Feeds and answers are arrays by tensor name, in the file's layout. Both runtimes are the user's to install: `found`
says in one line what is missing. The plain cpu backend of TensorFlow.js is the reference: the WebAssembly one is not
right for every model.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bodydouble.types import BodyDoubleError

Tensor = npt.NDArray[Any]
Feed = dict[str, Tensor]

SCRIPT = Path(__file__).with_name("tfjs_reference.mjs")
TFJS = "@tensorflow/tfjs"
NODE_MODULES = "BODYDOUBLE_NODE_MODULES"  # environment: a folder with @tensorflow/tfjs in it
PATIENCE = 900  # seconds: the plain cpu backend takes a minute for a heavy model
# Types of TensorFlow.js, which has no other numbers.
_TFJS_TYPES = {"float32": np.float32, "int32": np.int32, "bool": np.bool_}


ERROR = re.compile(r"\s*(Uncaught )?\w*Error: ")  # how Node says what went wrong, below a line of its source


class Unavailable(BodyDoubleError):
    """A reference runtime cannot be asked: it is not installed, or does not run the model itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """An input of a model. shape: -1 for a size that is unknown, None if not even the number of axes is known."""

    name: str
    shape: tuple[int, ...] | None
    dtype: np.dtype[Any]


class Reference(Protocol):
    """A runtime with one model in it."""

    name: str

    def inputs(self) -> list[Place]:
        """What the model is fed."""

    def run(self, feeds: Sequence[Feed]) -> list[Feed]:
        """The outputs for each feed. Raises Unavailable, one line, if the runtime cannot."""


class Tfjs:
    """TensorFlow.js in Node. modules: the node_modules folder that holds it."""

    name = "TensorFlow.js"

    def __init__(self, model: Path, modules: Path | None = None) -> None:
        self.model = model
        self.node, self.modules = _node(modules)

    def inputs(self) -> list[Place]:
        """What the model is fed."""
        described = json.loads(self._call())
        return [
            Place(place["name"], place["shape"] and tuple(n or -1 for n in place["shape"]), _dtype(place["dtype"]))
            for place in described["inputs"]
        ]

    def run(self, feeds: Sequence[Feed]) -> list[Feed]:
        """The outputs for each feed."""
        with tempfile.TemporaryDirectory(prefix="bodydouble-") as name:
            folder = Path(name)
            runs = [
                [_record(folder, f"{n}-{m}", key, feed[key]) for m, key in enumerate(feed)]
                for n, feed in enumerate(feeds)
            ]
            (folder / "feeds.json").write_text(json.dumps(runs), encoding="utf-8")
            self._call(str(folder))
            answers = json.loads((folder / "outputs.json").read_text(encoding="utf-8"))
            return [{record["name"]: _array(folder, record) for record in answer} for answer in answers]

    def _call(self, *arguments: str) -> str:
        command = [self.node, str(SCRIPT), str(self.modules), str(self.model), *arguments]
        try:
            run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise Unavailable(
                f"TensorFlow.js has not run {self.model.name} in {PATIENCE // 60} minutes; fix smaller input shapes"
            ) from error
        if run.returncode:
            lines = run.stderr.strip().splitlines()
            said = [line.strip() for line in lines if ERROR.match(line)]
            told = said[0] if said else lines[-1] if lines else "no message"
            raise Unavailable(f"TensorFlow.js cannot run {self.model.name}: {told}")
        return run.stdout


class Litert:
    """LiteRT with its plain kernels, so that no delegate's own rounding is taken for the truth, unless asked for."""

    name = "LiteRT"

    def __init__(self, model: Path, *, delegates: bool = False) -> None:
        try:
            litert = importlib.import_module("ai_edge_litert.interpreter")  # it has no types
        except ImportError as error:
            raise Unavailable(
                "LiteRT is not installed, which runs .tflite files: pip install ai-edge-litert"
            ) from error
        self.model = model
        try:
            kinds = litert.OpResolverType
            kernels = kinds.AUTO if delegates else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            self._interpreter = litert.Interpreter(model_path=str(model), experimental_op_resolver_type=kernels)
        except (ValueError, RuntimeError) as error:
            raise self._cannot(error) from error
        try:
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            if all(-1 not in place.shape for place in self.inputs() if place.shape):
                raise self._cannot(error) from error  # else the sizes to come may do

    def inputs(self) -> list[Place]:
        """What the model is fed."""
        places = self._interpreter.get_input_details()
        return [
            Place(place["name"], tuple(int(n) for n in place["shape_signature"]), np.dtype(place["dtype"]))
            for place in places
        ]

    def run(self, feeds: Sequence[Feed]) -> list[Feed]:
        """The outputs for each feed."""
        return [self._answer(feed) for feed in feeds]

    def _answer(self, feed: Feed) -> Feed:
        interpreter = self._interpreter
        try:
            for place in interpreter.get_input_details():
                if tuple(place["shape"]) != feed[place["name"]].shape:
                    interpreter.resize_tensor_input(place["index"], feed[place["name"]].shape)
            interpreter.allocate_tensors()
            for place in interpreter.get_input_details():
                interpreter.set_tensor(place["index"], feed[place["name"]])
            interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise self._cannot(error) from error
        return {
            place["name"]: interpreter.get_tensor(place["index"]).copy() for place in interpreter.get_output_details()
        }

    def _cannot(self, error: Exception) -> Unavailable:
        return Unavailable(f"LiteRT cannot run {self.model.name}: {' '.join(str(error).split())}")


def reference(model: Path, modules: Path | None = None) -> Reference:
    """The runtime that the file was made for. Raises Unavailable, one line: what is missing, how to get it."""
    with model.open("rb") as file:
        is_tflite = file.read(8)[4:] == b"TFL3"
    return Litert(model) if is_tflite else Tfjs(model, modules)


def files_of(model: Path) -> list[Path]:
    """A model's file and, of TensorFlow.js, the files with its weights."""
    if model.suffix != ".json":
        return [model]
    groups = json.loads(model.read_text(encoding="utf-8")).get("weightsManifest") or []
    return [model, *(model.parent / name for group in groups for name in group["paths"])]


def aliases(model: Path) -> dict[str, str]:
    """Tensor names of a TFJS graph model's signature to the names that it gives them; empty for other files."""
    if model.suffix != ".json":
        return {}
    content = json.loads(model.read_text(encoding="utf-8"))
    signature = content.get("signature") or (content.get("userDefinedMetadata") or {}).get("signature") or {}
    places = {**(signature.get("inputs") or {}), **(signature.get("outputs") or {})}
    return {place["name"]: name for name, place in places.items() if isinstance(place, dict) and "name" in place}


def _node(modules: Path | None) -> tuple[str, Path]:
    """The program node and a folder with TensorFlow.js: the one given, the environment's, or one above here."""
    node = shutil.which("node")
    if node is None:
        raise Unavailable("Node is not installed, which runs TensorFlow.js: install Node 18 or newer")
    named = modules or (Path(os.environ[NODE_MODULES]) if os.environ.get(NODE_MODULES) else None)
    here = Path.cwd()
    places = [named, named / "node_modules"] if named else [up / "node_modules" for up in (here, *here.parents)]
    for place in places:
        if (place / TFJS).is_dir():
            return node, place.resolve()
    where = f"not in {named}" if named else "in no node_modules folder from here upwards"
    raise Unavailable(f"{TFJS} is {where}: npm install {TFJS}@4 (or set {NODE_MODULES} to where it is)")


def _dtype(name: str) -> np.dtype[Any]:
    if name not in _TFJS_TYPES:
        raise Unavailable(f"an input of type {name}, which is not numbers")
    return np.dtype(_TFJS_TYPES[name])


def _record(folder: Path, file: str, name: str, array: Tensor) -> dict[str, Any]:
    kind = "bool" if array.dtype == np.bool_ else "float32" if array.dtype.kind == "f" else "int32"
    array.astype(_TFJS_TYPES[kind]).tofile(folder / file)
    return {"name": name, "shape": array.shape, "dtype": kind, "file": file}


def _array(folder: Path, record: dict[str, Any]) -> Tensor:
    kind = _TFJS_TYPES.get(record["dtype"], np.float32)
    return np.fromfile(folder / record["file"], kind).reshape(record["shape"])
