"""Single images and folders of images.

PNG, JPEG, WebP, BMP and TIFF by content; grey and 16-bit become 8-bit RGB, transparent ones are laid on white, the
orientation tag is applied. A folder's images come in natural order (2 before 10) at a steady rate; they may differ in
size, each frame then has its own and the source's is the first one's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.sources.upright import Orientation, degrees, from_exif, turned
from bodydouble.sources.white import on_white
from bodydouble.types import BodyDoubleError, Frame, Image, SourceInfo

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
FOLDER_RATE = Fraction(30)
_READ = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION


class ImageSource:
    """One image, or a folder's images in natural order. Source (source.py) says how to use it.

    path: the file or folder. rate: frames a second of a folder.
    """

    def __init__(self, path: Path, *, rate: Fraction = FOLDER_RATE) -> None:
        if rate <= 0:
            raise BodyDoubleError(f"rate {rate} is not above 0; give frames a second, for example 30")
        self._rate = rate
        self._closed = False
        self._name = path.name or path.resolve().name
        self._paths = images_in(path) if path.is_dir() else [path]
        first, rotation = read_upright(self._paths[0])
        count = len(self._paths)
        single = not path.is_dir()
        self._info = SourceInfo(
            name=self._name,
            size=(first.shape[1], first.shape[0]),
            rate=Fraction(0) if single else rate,
            duration=0.0 if single else float(count / rate),
            frames=count,
            rotation=rotation,
        )

    @property
    def info(self) -> SourceInfo:
        """Size and rotation are the first image's; a single image has neither rate nor duration."""
        return self._info

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, in order."""
        return tuple(self._paths)

    def __iter__(self) -> Iterator[Frame]:
        """Each image once, from the first."""
        for index, path in enumerate(self._paths):
            if self._closed:
                raise BodyDoubleError(f"{self._name} is closed; open it again to read it")
            yield Frame(image=read_upright(path)[0], time=float(index / self._rate), index=index)

    def close(self) -> None:
        """No further image is read."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def images_in(folder: Path) -> list[Path]:
    """The folder's image files in natural order, hidden ones left out. Raises BodyDoubleError when there are none."""
    found = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    if not found:
        raise BodyDoubleError(f"no images in the folder {folder}; wanted {', '.join(sorted(IMAGE_SUFFIXES))} files")
    return sorted(found, key=lambda path: _natural(path.name))


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """A key under which numbers count by value: frame_2 before frame_10. The name itself settles ties."""
    pieces = re.findall(r"\d+|\D+", name.lower())
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in pieces], name


def read_upright(path: Path) -> tuple[Image, int]:
    """(H, W, 3) uint8 RGB, upright, and the clockwise degrees that it was turned by.

    Raises BodyDoubleError, one line, for a file that is missing or no image.
    """
    stored, orientation = read_stored(path)
    return np.ascontiguousarray(turned(stored, orientation)), degrees(orientation)


def read_stored(path: Path) -> tuple[Image, Orientation]:
    """(H, W, 3) uint8 RGB as its rows are stored, and how it would have to be turned.

    Raises BodyDoubleError, one line, for a file that is missing or no image.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BodyDoubleError(
            f"cannot read {path.name} ({error.strerror}); give an image that can be opened"
        ) from error
    try:
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), _READ) if data else None
    except cv2.error as error:
        raise BodyDoubleError(
            f"cannot read {path.name} as an image ({error.err}); give a smaller or a whole one"
        ) from error
    if stored is None:
        raise BodyDoubleError(f"cannot read {path.name} as an image; wanted a whole PNG, JPEG, WebP, BMP or TIFF file")
    return np.ascontiguousarray(_rgb(_eight_bit(np.asarray(stored)))), from_exif(data)


def _eight_bit(image: npt.NDArray[Any]) -> Image:
    """Any sample type as uint8: whole numbers by their range, floating point from 0..1."""
    if image.dtype == np.uint8:
        return np.asarray(image, dtype=np.uint8)
    if np.issubdtype(image.dtype, np.unsignedinteger):
        return np.asarray(cv2.convertScaleAbs(image, alpha=255.0 / np.iinfo(image.dtype).max), dtype=np.uint8)
    return np.asarray(np.rint(np.clip(np.nan_to_num(image), 0.0, 1.0) * 255.0), dtype=np.uint8)


def _rgb(image: Image) -> Image:
    """OpenCV's grey, BGR or BGRA as RGB, transparent parts white."""
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels == 4:
        return on_white(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA), dtype=np.uint8))
    if channels == 2:  # grey with alpha
        grey, alpha = image[..., 0], image[..., 1]
        return on_white(np.dstack([grey, grey, grey, alpha]))
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if channels == 1 else cv2.COLOR_BGR2RGB), dtype=np.uint8)
