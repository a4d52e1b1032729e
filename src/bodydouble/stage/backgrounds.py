"""The pictures that a stage may stand before: those in the user's own folder, by name; a page never gives a path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from bodydouble.models.cache import write_whole
from bodydouble.stage.archive import check_name, check_pixels, shown
from bodydouble.stage.picture_sizes import size_of_photo, size_of_png, size_of_webp
from bodydouble.types import BodyDoubleError

TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
SIZES = {".png": size_of_png, ".jpg": size_of_photo, ".jpeg": size_of_photo, ".webp": size_of_webp}
MOST = 500  # pictures that are listed


def backgrounds(folder: Path) -> dict[str, Path]:
    """The pictures in `folder` by their names."""
    if not folder.is_dir():
        return {}
    found = [item for item in sorted(folder.iterdir()) if item.suffix.lower() in TYPES and item.is_file()]
    return {item.name: item for item in found[:MOST] if not item.name.startswith(".")}


def find_background(folder: Path, name: str) -> Path:
    """The picture called so. Raises BodyDoubleError that lists them for a name that is none of them."""
    found = backgrounds(folder)
    if name not in found:
        there = f"choose from {', '.join(found)}" if found else f"put pictures (png, jpg, webp) into {folder}"
        raise BodyDoubleError(f'no background "{shown(name)}"; {there}')
    return found[name]


def add_backgrounds(folder: Path, uploads: Sequence[tuple[str, bytes]]) -> str:
    """Keep pictures that a page sent, (name, content) each; returns the first one's name.

    None is replaced: a number is put behind a name that is taken. Raises BodyDoubleError for what is refused, and then
    none is kept.
    """
    if not uploads:
        raise BodyDoubleError("nothing was sent; choose a picture")
    if len(backgrounds(folder)) + len(uploads) > MOST:
        raise BodyDoubleError(f"there would be more than {MOST} pictures in {folder}; remove some first")
    for name, content in uploads:
        _check(name, content)
    names = []
    for name, content in uploads:
        path = _free(folder, name)
        try:
            write_whole(path, content)
        except OSError as error:
            raise BodyDoubleError(f"cannot keep the picture in {folder} ({error.strerror})") from error
        names.append(path.name)
    return names[0]


def remove_background(folder: Path, name: str) -> None:
    """Remove the picture called so. Raises BodyDoubleError if there is none, or it cannot be removed."""
    path = find_background(folder, name)
    try:
        path.unlink()
    except OSError as error:
        raise BodyDoubleError(f"cannot remove {path} ({error.strerror})") from error


def _check(name: str, content: bytes) -> None:
    """Raises BodyDoubleError for what is no picture of a known kind, or too large."""
    check_name(name)
    size = SIZES.get(PurePosixPath(name).suffix.lower())
    if "/" in name or size is None:
        raise BodyDoubleError(f'"{shown(name)}" is no picture that can be shown; taken are {", ".join(TYPES)}')
    try:
        check_pixels(size(content))
    except BodyDoubleError as fault:
        raise BodyDoubleError(f'"{shown(name)}": {fault}') from fault


def _free(folder: Path, name: str) -> Path:
    """Where a picture can be kept without replacing another."""
    path, number = folder / name, 2
    while path.exists():
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
        number += 1
    return path
