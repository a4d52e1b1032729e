"""Where frames come from: video files, single images and folders of images behind one interface.

`open_source` chooses by what the path is. Cameras offer the same Source.
"""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

from bodydouble.sources.images import FOLDER_RATE, IMAGE_SUFFIXES, ImageSource
from bodydouble.sources.source import Source, SourceWarning
from bodydouble.sources.video import VideoSource
from bodydouble.types import BodyDoubleError

_ADDRESSES = {("http:",), ("https:",), ("rtsp:",)}
__all__ = ["Source", "SourceWarning", "open_source"]


def open_source(path: str | Path, *, rate: Fraction = FOLDER_RATE, threads: int = 0) -> Source:
    """Open a video file, an image or a folder of images.

    rate: frames a second of a folder of images. threads: decoding threads for video, 0 for as many as there are cores.
    Raises BodyDoubleError, one line, for what is missing, unreadable or holds no picture.
    """
    path = Path(os.path.expanduser(path))  # noqa: PTH111  pathlib's raises where there is no such user
    if not path.exists() and path.parts[:1] in _ADDRESSES:  # pathlib makes one of its two slashes
        raise BodyDoubleError(
            f"{path.parts[0]}//... is an address; download the file and give that (bodydouble live takes addresses)"
        )
    if not path.exists():
        raise BodyDoubleError(f"no file or folder {path}; check the name and where it lies")
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageSource(path, rate=rate)
    if not path.is_file():
        raise BodyDoubleError(f"{path} is neither a file nor a folder; give a video, image or folder of images")
    if path.stat().st_size == 0:
        raise BodyDoubleError(f"{path.name} is empty; give a video, image or folder of images")
    return VideoSource(path, threads=threads)
