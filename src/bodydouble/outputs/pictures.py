"""Pictures as an output: one PNG, or a folder of them, frame_000000.png and on. RGB, or RGBA with straight alpha."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from bodydouble.outputs.alpha import straight
from bodydouble.types import BodyDoubleError, Image

FRAME_NAME = "frame_{:06d}.png"
# zlib's least effort and runs only: measured on drawn 720p pictures 8 ms against 27, files as small as the default's.
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # OpenCV 4.11 and later try all filters unless told
    _PNG += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB]


class Pictures:
    """A folder of PNG pictures, numbered in the order written; times are not kept.

    folder: exists and is empty. transparent: keep the fourth channel.
    """

    def __init__(self, folder: Path, *, transparent: bool) -> None:
        self._folder = folder
        self._transparent = transparent
        self._count = 0

    def write(self, image: Image, time: float) -> None:
        """Write the next picture."""
        _write(self._folder / FRAME_NAME.format(self._count), image, self._transparent)
        self._count += 1

    def finish(self) -> None:
        """Nothing is left to do."""

    def abort(self) -> None:
        """Nothing is held open."""


class OnePicture:
    """One PNG file. A second frame raises BodyDoubleError."""

    def __init__(self, path: Path, name: str, *, transparent: bool) -> None:
        self._path = path
        self._name = name
        self._transparent = transparent
        self._written = False

    def write(self, image: Image, time: float) -> None:
        """Write the picture."""
        if self._written:
            raise BodyDoubleError(
                f"{self._name} holds one picture and the source has more; give a name without a suffix (a folder)"
            )
        _write(self._path, image, self._transparent)
        self._written = True

    def finish(self) -> None:
        """Nothing is left to do."""

    def abort(self) -> None:
        """Nothing is held open."""


def _write(path: Path, image: Image, transparent: bool) -> None:
    if image.shape[2] == 4 and transparent:
        pixels = cv2.cvtColor(straight(image), cv2.COLOR_RGBA2BGRA)
    else:
        pixels = cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".png", pixels, _PNG)
    path.write_bytes(data.tobytes())
