"""The annotated pictures on disk: which of them are there, and their pixels the way they were annotated.

(H, W, 3) uint8 RGB. COCO's annotations are of the pixels as stored, without the orientation tag; where a file's width
and height fit the upright picture only, the tag is applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bodydouble.evaluation.truth import Picture, Truth
from bodydouble.sources.images import read_stored
from bodydouble.sources.upright import turned
from bodydouble.types import BodyDoubleError, Image

_NAMED = 3  # missing pictures that a message names


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the pictures lie. Their names may have folders of their own, which may be left out on disk."""

    path: Path

    def find(self, picture: Picture) -> Path | None:
        """The picture's file, None if it is not there."""
        for place in (self.path / picture.name, self.path / Path(picture.name).name):
            if place.is_file():
                return place
        return None

    def read(self, picture: Picture) -> Image:
        """The pixels that were annotated. Raises BodyDoubleError if the file is missing, broken or of another size."""
        place = self.find(picture)
        if place is None:
            raise BodyDoubleError(f"no picture {picture.name} in {self.path}; give the folder it lies in with --images")
        stored, orientation = read_stored(place)
        if _fits(stored, picture):
            return stored
        upright = np.ascontiguousarray(turned(stored, orientation))
        if _fits(upright, picture):
            return upright
        width, height = picture.size
        raise BodyDoubleError(
            f"{picture.name} is {stored.shape[1]}x{stored.shape[0]} and was annotated at {width}x{height}; "
            "give the pictures that the annotations are of"
        )


def _fits(image: Image, picture: Picture) -> bool:
    return 0 in picture.size or (image.shape[1], image.shape[0]) == picture.size


def present(truth: Truth, folder: Folder, limit: int | None = None) -> tuple[Truth, list[Picture]]:
    """The truth of the pictures that are there, the first `limit` of them, and the pictures that are missing.

    Raises BodyDoubleError if none is there.
    """
    if not folder.path.is_dir():
        raise BodyDoubleError(f"no folder {folder.path}; give the pictures' folder with --images")
    missing = [picture for picture in truth.pictures if folder.find(picture) is None]
    absent = {picture.id for picture in missing}
    there = [picture for picture in truth.pictures if picture.id not in absent]
    if not there:
        raise BodyDoubleError(
            f"none of the {len(truth.pictures)} pictures of {truth.name} is in {folder.path} "
            f"({_names(missing) or 'it lists none'}); give their folder with --images"
        )
    return truth.only(there[:limit]), missing


def missing_note(missing: Sequence[Picture], total: int, folder: Folder) -> str:
    """One line about pictures that are left out."""
    return f"{len(missing)} of {total} pictures are not in {folder.path} and are left out ({_names(missing)})"


def _names(pictures: Sequence[Picture]) -> str:
    rest = ", ..." if len(pictures) > _NAMED else ""
    return ", ".join(picture.name for picture in pictures[:_NAMED]) + rest
