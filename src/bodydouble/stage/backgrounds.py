"""The pictures that a stage may stand before: those in the user's own folder, by name; a page never gives a path."""

from __future__ import annotations

from pathlib import Path

from bodydouble.stage.archive import shown
from bodydouble.types import BodyDoubleError

TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
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
