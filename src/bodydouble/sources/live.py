"""Live sources: a camera, the browser's camera, a stream, or a file played as if it were a camera.

A live source runs by itself in its own thread and keeps one frame: the newest. Frame.time is when the picture was
taken, in seconds on the clock that the source was given; times only grow. Images are (H, W, 3) uint8 RGB, upright, and
never written to again. What goes wrong is a Health, in words for people, and mends itself when the cause is gone.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from bodydouble.types import BodyDoubleError, Frame

Clock = Callable[[], float]
Kind = Literal["browser", "camera", "file", "stream"]

BROWSER = "browser"  # the name of the page's own camera
# Addresses that FFmpeg is asked to read; others (concat:, data:, subfile:) would read things nobody meant.
SCHEMES = ("http", "https", "rtmp", "rtmps", "rtp", "rtsp", "rtsps", "srt", "tcp", "udp")
_ADDRESS = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+)://.*", re.DOTALL)
_DEVICE = re.compile(r"\d+|/dev/\S+")
_FILM_SUFFIXES = frozenset({".avi", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpg", ".ts", ".webm", ".wmv"})
_PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


class Condition(StrEnum):
    """How a live source does, in one word."""

    OPENING = "opening"
    LIVE = "live"
    WAITING = "waiting"
    BUSY = "busy"
    NO_PERMISSION = "no_permission"
    UNPLUGGED = "unplugged"
    BLACK = "black"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Health:
    """How a live source does at one moment.

    message: one plain sentence that says what to do, "" if all is well. size: width, height of the newest picture,
    (0, 0) before the first. fps: pictures a second as measured, 0 while none come. captured: pictures since the start;
    each was read, waits to be read, or was overtaken by a newer one, which `dropped` counts. name: as people call it.
    granted: pictures a second that the device promised, 0 when it does not say.
    """

    condition: Condition
    message: str
    size: tuple[int, int]
    fps: float
    captured: int
    dropped: int
    name: str
    granted: float = 0.0


class LiveSource(Protocol):
    """A source that never ends by itself. All may be called from any thread; closing twice is allowed."""

    def read(self, timeout: float) -> Frame | None:
        """The newest frame that was not read before; waits `timeout` seconds at most. None: none came, see health.

        index counts every captured picture from 0, so a gap tells how many were overtaken.
        """
        ...

    @property
    def health(self) -> Health:
        """How it does now."""
        ...

    def close(self) -> None:
        """Let go of the device and end the thread. read() then gives None at once."""
        ...


def kind_of(name: str) -> Kind:
    """What `name` (a `--camera` value) stands for; nothing is opened.

    Raises BodyDoubleError for an address of a kind that is not read.
    """
    name = name.strip()
    if name.lower() == BROWSER:
        return "browser"
    address = _ADDRESS.fullmatch(name)
    if address:
        scheme = address[1].lower()
        if scheme == "file":
            return "file"
        if scheme not in SCHEMES:
            wanted = ", ".join(SCHEMES)
            raise BodyDoubleError(f'an address "{scheme}://" cannot be read; wanted one of {wanted}, or a file\'s name')
        return "stream"
    if not name or _DEVICE.fullmatch(name):
        return "camera"
    looks_like_file = "/" in name or "\\" in name or Path(name).suffix.lower() in _FILM_SUFFIXES | _PICTURE_SUFFIXES
    return "file" if looks_like_file or path_of(name).exists() else "camera"


def path_of(name: str) -> Path:
    """The file or folder that a name or a file:// address stands for."""
    name = name.strip()
    if name.lower().startswith("file://"):
        return Path(url2pathname(urlsplit(name).path))
    return Path(os.path.expanduser(name))  # noqa: PTH111  pathlib's raises where there is no such user


def open_live(
    name: str, *, size: tuple[int, int] | None = None, fps: float = 30.0, clock: Clock = time.monotonic
) -> LiveSource:
    """Open a camera by name, "browser", a file, a folder of images or a stream's address, and start it.

    name: "" is the first camera; a unique part of a camera's name is enough. size, fps: asked of a camera; fps is also
    the rate of images, which have none of their own. Raises BodyDoubleError only for what can never work, such as a
    file that is not there; a camera that is missing or busy is a Health, and is taken up when it comes.
    """
    if not 1 <= fps <= 1000:
        raise BodyDoubleError(f"{fps:g} pictures a second; wanted a number from 1 to 1000, for example 30")
    kind = kind_of(name)
    if kind == "browser":
        from bodydouble.sources.pushed import Pushed

        return Pushed(clock=clock)
    if kind == "stream":
        from bodydouble.sources.stream import Stream

        return Stream(name.strip(), clock=clock)
    if kind == "file" and not _is_camera_after_all(name):
        from bodydouble.sources.looped import Looped

        return Looped(path_of(name), fps=fps, clock=clock)
    from bodydouble.sources.camera import Camera

    return Camera(name.strip(), size=size, fps=fps, clock=clock)


def _is_camera_after_all(name: str) -> bool:
    """Whether a name that looks like a file's, and is of none, is that of a camera: some have a slash in theirs."""
    if path_of(name).exists():
        return False
    from bodydouble.sources.devices import matching, plugged_in

    return bool(matching(name, plugged_in()))
