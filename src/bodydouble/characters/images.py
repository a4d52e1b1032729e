"""The pictures of parts: PNG and SVG files as premultiplied RGBA at the scale that drawing needs.

Image: (H, W, 4) uint8 RGBA, colour multiplied by alpha. scale: image pixels a character pixel. y down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bodydouble.characters.problems import Problems
from bodydouble.characters.svg import Drawing, rasterise, read_svg, unused_layers
from bodydouble.types import Image

VISIBLE = 8  # of 255: what is fainter is scanner dust or blur's tail and shapes no mesh
SUFFIXES = (".png", ".svg")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A part's texture. image: premultiplied RGBA. scale: its pixels a character pixel. size: in character pixels."""

    image: Image
    scale: float
    size: tuple[float, float]


def premultiplied(image: Image) -> Image:
    """Straight-alpha RGBA with its colours multiplied by alpha, rounded."""
    alpha = image[..., 3:].astype(np.uint16)
    colour = (image[..., :3].astype(np.uint16) * alpha + 127) // 255
    return np.concatenate([colour, alpha], axis=2).astype(np.uint8)


def decode(path: Path, problems: Problems) -> Image | None:
    """A PNG (or other bitmap) as straight-alpha RGBA uint8; grey, palette and 16-bit ones included."""
    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        problems.error(path.name, f"cannot be read: {error.strerror}")
        return None
    image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if image is None:
        problems.error(path.name, "is no picture that can be read; save it as PNG")
        return None
    if image.dtype != np.uint8:
        image = (image.astype(np.float64) / np.iinfo(image.dtype).max * 255).round().astype(np.uint8)
    if image.ndim == 2:
        image = image[..., None]
    if image.shape[2] == 2:  # grey with alpha
        image = image[..., [0, 0, 0, 1]]
    code = {1: cv2.COLOR_GRAY2RGBA, 3: cv2.COLOR_BGR2RGBA, 4: cv2.COLOR_BGRA2RGBA}[image.shape[2]]
    rgba: Image = cv2.cvtColor(image, code)
    return rgba


class Pictures:
    """Reads the pictures of one character; a file that several parts share is parsed once."""

    def __init__(self, folder: Path, problems: Problems) -> None:
        self.folder = folder
        self.problems = problems
        self._drawings: dict[str, Drawing | None] = {}

    def read(self, part: str, image: str, layer: str, scale: float) -> Picture | None:
        """The picture of a part; None, with the reason told, if there is none. scale: its pixels a character pixel."""
        path = self.folder / image
        where = f"parts.{part}.image"
        if path.suffix.lower() not in SUFFIXES:
            self.problems.error(where, f'"{image}" is neither PNG nor SVG; save it as one of them')
        elif Path(image).is_absolute() or ".." in Path(image).parts:
            self.problems.error(where, f'"{image}" lies outside the character\'s folder; put it inside')
        elif not path.is_file():
            beside = sorted(item.name for item in self.folder.glob("*") if item.suffix.lower() in SUFFIXES)
            listed = ", ".join(beside) if beside else "no PNG or SVG"
            self.problems.error(where, f'no file "{image}" in the folder; it holds {listed}')
        elif path.suffix.lower() == ".svg":
            return self._svg(image, layer, scale)
        else:
            if layer:
                self.problems.error(f"parts.{part}.layer", f'"{image}" is a PNG, which has no layers; leave layer out')
            return self._png(path, scale)
        return None

    def unused(self, used: Mapping[str, set[str]]) -> list[tuple[str, str]]:
        """(file, layer) of the groups that no part draws; used: the layers drawn of each file, by its name."""
        return [
            (name, layer)
            for name, drawing in self._drawings.items()
            if drawing is not None
            for layer in unused_layers(drawing.root, used.get(name, set()))
        ]

    def _svg(self, name: str, layer: str, scale: float) -> Picture | None:
        if name not in self._drawings:
            self._drawings[name] = read_svg(self.folder / name, self.problems)
        drawing = self._drawings[name]
        if drawing is None:
            return None
        image = rasterise(drawing, layer, scale, self.problems)
        if image is None:
            return None
        return Picture(image, scale, drawing.size)

    def _png(self, path: Path, scale: float) -> Picture | None:
        image = decode(path, self.problems)
        if image is None:
            return None
        height, width = image.shape[:2]
        if not (image[..., 3] >= VISIBLE).any():
            self.problems.error(path.name, "is wholly transparent; wanted a picture of the part")
            return None
        image = premultiplied(image)
        scale = min(scale, 1.0)  # a bitmap gains nothing by being enlarged
        if scale < 1.0:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return Picture(image, scale, (float(width), float(height)))
