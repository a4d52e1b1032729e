"""Options that several commands share, and the reading of their values."""

from __future__ import annotations

import math
import shlex
import subprocess
import sys
from typing import Annotated

import typer

from bodydouble.types import BodyDoubleError

Model = Annotated[str, typer.Option("--model", help="Pose model (bodydouble models list).")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, tensorrt, directml, coreml or openvino.")]
Person = Annotated[
    str, typer.Option("--person", help="largest: lock on to one; N: the Nth person to appear; all: everybody.")
]
Fov = Annotated[
    float,
    typer.Option(
        "--fov", help="Degrees that the camera sees across the picture's longer side; 0 leaves perspective in."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace an output that exists.")]

PLACES = {"stay": 0.0, "follow": 1.0}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def person_of(text: str) -> str | int:
    """`largest`, `all` or a number from 1."""
    if text in ("largest", "all"):
        return text
    if _is_number(text) and int(text) >= 1:
        return int(text)
    raise BodyDoubleError(f'--person "{text}"; wanted largest, all or a number from 1')


def place_of(text: str) -> float:
    """The gain of the placement: stay = 0, follow = 1, or a number from 0 to 5."""
    if text in PLACES:
        return PLACES[text]
    try:
        gain = float(text)
    except ValueError:
        gain = math.nan
    if not 0 <= gain <= 5:
        raise BodyDoubleError(f'--place "{text}"; wanted stay, follow or a gain from 0 to 5')
    return gain


def size_of(text: str) -> tuple[int, int]:
    """`WxH` in pixels, each from 16 to 8192."""
    parts = text.lower().split("x")
    if len(parts) == 2 and all(_is_number(part) for part in parts):
        width, height = int(parts[0]), int(parts[1])
        if 16 <= width <= 8192 and 16 <= height <= 8192:
            return width, height
    raise BodyDoubleError(f'--size "{text}"; wanted WIDTHxHEIGHT in pixels from 16 to 8192, such as 1280x720')


def fov_of(degrees: float) -> float | None:
    """Radians, or None for 0."""
    if degrees == 0:
        return None
    if not 5 <= degrees <= 170:
        raise BodyDoubleError(f"--fov {degrees:g}; wanted degrees from 5 to 170, or 0 to leave perspective in")
    return math.radians(degrees)


def typed(*words: str) -> str:
    """A command as it is typed in this system's terminal: paths with spaces in quotes."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def share_of(value: float, name: str) -> float:
    """A number from 0 to 1."""
    if not 0 <= value <= 1:
        raise BodyDoubleError(f"{name} {value:g}; wanted a number from 0 to 1")
    return value


def rate_of(fps: float) -> float | None:
    """Pictures a second, or None for 0: the source's own time stamps."""
    if fps == 0:
        return None
    if not 1 <= fps <= 240:
        raise BodyDoubleError(f"--fps {fps:g}; wanted a number from 1 to 240, or 0 for the source's own time stamps")
    return fps
