"""Who is measured: our models on devices, and peers with the same model, each a process that answers frame by frame.

The processes speak lines of JSON (worker.py). Peers are run by the user's own interpreters and packages.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bodydouble import models
from bodydouble.types import BodyDoubleError

PEERS = ("mediapipe", "litert", "tfjs")
SCRIPTS = Path(__file__).with_name("peers")
COMPLEXITY = {"blazepose-lite": 0, "blazepose-full": 1, "blazepose-heavy": 2}
KINDS = {  # of the published detectors in TensorFlow.js
    "movenet-lightning": "SinglePose.Lightning",
    "movenet-thunder": "SinglePose.Thunder",
    "movenet-multipose": "MultiPose.Lightning",
    "posenet-mobilenet": "PoseNet",
}
UNIT, SIGNED = (1 / 255, 0.0), (1 / 127.5, -1.0)  # what networks that take floats want to see of a byte


@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody to measure. model: its name in the zoo. where: a device, or a peer's name. peer: whether it is one.

    command: of its process, where {frames} stands for the file of frames. hint: what to do if it does not start.
    """

    model: str
    where: str
    command: tuple[str, ...]
    peer: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Tools:
    """What peers need. python: an interpreter with mediapipe 0.10.21 or ai-edge-litert. modules: a folder of Node
    packages. tflite: files for LiteRT of models that come as TensorFlow.js files, by model.
    """

    python: Path = field(default_factory=lambda: Path(sys.executable))
    modules: Path = Path("node_modules")
    tflite: dict[str, Path] = field(default_factory=dict)


def ours(model: str, device: str, threads: int | None, people: int) -> Contender:
    """A model of ours on a device."""
    command = (sys.executable, "-m", "bodydouble.bench.worker", "{frames}", model, device, str(threads or 0))
    return Contender(model, device, (*command, str(people)))


def peer(name: str, model: str, threads: int, tools: Tools) -> Contender | None:
    """A peer with the same model, or None if it has none. Raises BodyDoubleError for an unknown peer."""
    if name not in PEERS:
        raise BodyDoubleError(f'--against "{name}"; choose from {", ".join(PEERS)}')
    if name == "mediapipe" and model in COMPLEXITY:
        tracking = (str(tools.python), str(SCRIPTS / "mediapipe_peer.py"), "{frames}", str(COMPLEXITY[model]))
        return Contender(model, name, tracking, True, "--peer-python: an interpreter with mediapipe 0.10.21")
    if name == "litert":
        file = tools.tflite.get(model) or (models.fetch(model) if model in COMPLEXITY else None)
        if file is None:
            return None
        scale, offset = UNIT if model in COMPLEXITY else SIGNED
        here = importlib.util.find_spec("ai_edge_litert") is not None  # the other Python may be MediaPipe's
        python = sys.executable if here else str(tools.python)
        network = (python, str(SCRIPTS / "litert_peer.py"), "{frames}", str(file), str(threads))
        hint = "--peer-python: an interpreter with ai-edge-litert and opencv-python-headless"
        return Contender(model, name, (*network, str(scale), str(offset)), True, hint)
    if name == "tfjs" and model in KINDS:
        node = shutil.which("node")
        if node is None:
            raise BodyDoubleError("--against tfjs needs Node.js 20 or later, and there is no node; install it")
        script = (node, str(SCRIPTS / "tfjs_peer.mjs"), "{frames}", str(tools.modules), str(models.fetch(model)))
        packages = "@tensorflow/tfjs @tensorflow/tfjs-backend-wasm @tensorflow-models/pose-detection"
        hint = f"npm install {packages}, and --peer-modules: the folder where that was"
        return Contender(model, name, (*script, KINDS[model], str(threads)), True, hint)
    return None


class Running:
    """A contender's process. about: what it said of its start."""

    def __init__(self, contender: Contender, frames: Path) -> None:
        """Starts it and waits for its first frame. Raises BodyDoubleError, with its own words, if it does not start."""
        self.contender = contender
        command = [part.replace("{frames}", str(frames)) for part in contender.command]
        # a pipe that nobody reads would stop it; closed by close()
        self._said = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                text=True,
                start_new_session=True,  # Ctrl-C is for us, who then end it
            )
        except OSError as fault:
            raise BodyDoubleError(f"{contender.where} does not start: {fault}; {contender.hint}") from None
        self.about = self._answer()

    def __call__(self, frame: int) -> dict[str, Any]:
        """What it says of one frame."""
        pipe = self._process.stdin
        if pipe is None:
            raise BodyDoubleError(f"{self.contender.where} cannot be spoken to")
        with suppress(BrokenPipeError):  # what it said before it ended is in the answer
            pipe.write(f"{frame}\n")
            pipe.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        while line and not line.startswith("{"):  # runtimes greet on standard output
            line = self._process.stdout.readline() if self._process.stdout else ""
        name = f"{self.contender.model} on {self.contender.where}"
        if not line:
            code = self._process.wait()
            self._said.seek(0)
            words = self._said.read().strip().splitlines()
            told = [word.strip() for word in words if "Error" in word and not word.startswith(" ")]
            said = (told or words)[-1].strip() if words else f"exit {code}"
            raise BodyDoubleError(f"{name} does not run ({said[:160]}); {self.contender.hint}".rstrip("; "))
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise BodyDoubleError(f"{name}: {answer['error']}")
        return answer

    def close(self) -> None:
        """Ends it."""
        for pipe in (self._process.stdin, self._process.stdout, self._said):
            if pipe is not None:
                with suppress(BrokenPipeError):  # it may have ended by itself
                    pipe.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
