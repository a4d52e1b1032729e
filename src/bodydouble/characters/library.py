"""Finds characters: the samples that come with the package, and folders of one's own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from bodydouble.characters.drawing import CONFIG, read_drawing
from bodydouble.characters.folder import read_puppet
from bodydouble.characters.manifest import FILE
from bodydouble.characters.problems import Problems
from bodydouble.characters.puppet import Puppet
from bodydouble.types import BodyDoubleError

SHARP_AT = 1080  # pixels of height at which a character is sharp, unless asked for more


def samples() -> dict[str, Path]:
    """The characters that come with the package: folders by name."""
    folder = Path(str(files("bodydouble.characters"))) / "samples"
    if not folder.is_dir():
        return {}
    return {item.name: item for item in sorted(folder.iterdir()) if (item / FILE).is_file()}


def find(name_or_path: str | Path) -> Path:
    """The folder of a character: a sample's name, a folder's path, or the path of its puppet.toml or char_cfg.yaml.

    Raises BodyDoubleError that lists the samples if there is no such character.
    """
    known = samples()
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    path = Path(name_or_path)
    if path.is_file() and path.name in (FILE, CONFIG):
        return path.parent
    if not path.exists():
        raise BodyDoubleError(
            f'no character "{name_or_path}"; choose from {", ".join(known)}, or give the path of a character\'s folder'
        )
    if not path.is_dir():
        raise BodyDoubleError(f"{path} is a file; wanted a character's folder, with a {FILE} or {CONFIG} in it")
    if not (path / FILE).is_file() and not (path / CONFIG).is_file():
        raise BodyDoubleError(f"{path} holds neither {FILE} nor {CONFIG}, so it is no character; see docs/puppets.md")
    return path


def read(folder: Path, pixels: int, problems: Problems) -> Puppet | None:
    """The character in a folder, puppet or Animated Drawings; None, with the reasons told, if it cannot be used."""
    if (folder / FILE).is_file():
        return read_puppet(folder, pixels, problems)
    return read_drawing(folder, pixels, problems)


def load(name_or_path: str | Path, *, pixels: int = SHARP_AT) -> Puppet:
    """The character called so, or in the folder given, ready to move; its textures are sharp at `pixels` of height.

    Raises BodyDoubleError with the first fault of a character that cannot be used.
    """
    folder = find(name_or_path)
    problems = Problems()
    puppet = read(folder, pixels, problems)
    problems.stop_on_error(folder)
    if puppet is None:
        raise BodyDoubleError(f"{folder}: cannot be read as a character; try bodydouble characters check {folder}")
    return puppet
