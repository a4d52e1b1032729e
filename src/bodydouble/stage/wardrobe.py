"""The characters that a page may choose: samples, the user's own folder, and one named on the command line.

A page names a character, never a path. Uploads are checked whole, as a folder beside the others, before they appear
among them. Any thread.
"""

from __future__ import annotations

import os
import shutil
import threading
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import cv2

from bodydouble.characters import Puppet, check, find, load, rest_pose, samples
from bodydouble.characters.drawing import CONFIG, TEXTURE
from bodydouble.characters.folder import texture_scale
from bodydouble.characters.library import SHARP_AT
from bodydouble.characters.manifest import FILE, read_manifest
from bodydouble.characters.problems import Problems
from bodydouble.characters.svg import read_svg
from bodydouble.outputs.alpha import straight
from bodydouble.outputs.draw import Figure, Stage
from bodydouble.stage.archive import Files, checked_path, files_of, shown
from bodydouble.stage.picture_sizes import size_of_png
from bodydouble.stage.reports import CharacterChoice
from bodydouble.types import BodyDoubleError

THUMBNAIL = 256  # pixels a side; shown at up to 128 on a screen of double density
MOST_OWN = 200  # characters of the user's own folder that are listed
MOST_PARTS = 200  # and bones; the samples have 20
MOST_DRAWN = 100_000_000  # pixels of all of a character's textures together: 400 MB while they are made
DRAWING = "drawing"  # the name of one that came without
_LEFT_BEHIND = ".upload-"  # what a folder is called until it is checked


class Wardrobe:
    """Characters by name. own: the user's folder of characters. given: the command line's --character."""

    def __init__(self, own: Path, given: str = "fox") -> None:
        """Raises BodyDoubleError that lists the samples if the given one is none of theirs, nor of the user's, nor a
        character's folder.
        """
        self.own = own
        known = given in samples() or (Path(given).name == given and (own / given).is_dir())
        place = Path(os.path.expanduser(given))  # noqa: PTH111  pathlib's raises where there is no such user
        self._given = None if known else find(place).resolve()
        self._lock = threading.Lock()
        self._looked: dict[Path, tuple[float, CharacterChoice, bytes]] = {}
        if own.is_dir():
            for half in own.glob(f"{_LEFT_BEHIND}*"):  # an upload that a kill interrupted
                shutil.rmtree(half, ignore_errors=True)

    @property
    def first(self) -> str | None:
        """The name of the folder given on the command line, if it is neither a sample nor the user's own."""
        return None if self._given is None else self._given.name

    def folders(self) -> dict[str, Path]:
        """Every character's folder by its name: what there is now. A sample's name is never another's."""
        found = dict(samples())
        if self.own.is_dir():
            for folder in sorted(self.own.iterdir())[:MOST_OWN]:
                if not folder.name.startswith(".") and ((folder / FILE).is_file() or (folder / CONFIG).is_file()):
                    found.setdefault(folder.name, folder)
        if self._given is not None:
            found[self._given.name] = self._given
        return found

    def find(self, name: str) -> Path:
        """The folder of a character. Raises BodyDoubleError that lists them for a name that is none of them."""
        folders = self.folders()
        if name not in folders:
            raise BodyDoubleError(f'no character "{shown(name)}"; choose from {", ".join(folders)}')
        return folders[name]

    def name_of(self, folder: Path) -> str:
        """The name of the character in a folder; the folder's own where it is not listed any more."""
        return next((name for name, path in self.folders().items() if path == folder), folder.name)

    def choices(self) -> list[CharacterChoice]:
        """The characters as a page lists them; those that cannot be loaded are left out."""
        listed = []
        for choice in self.unseen():
            try:
                listed.append(self.choice(choice.name))
            except BodyDoubleError:
                continue
        return listed

    def unseen(self) -> list[CharacterChoice]:
        """All of them by their folders alone, at once: to look at one takes a second the first time."""
        return [
            CharacterChoice(
                name,
                label=name[:1].upper() + name[1:],
                author="",
                thumbnail=f"/api/characters/{quote(name, safe='')}/thumbnail.png",
                own=folder.parent == self.own,
            )
            for name, folder in self.folders().items()
        ]

    def choice(self, name: str) -> CharacterChoice:
        """A character as a page lists it. Raises BodyDoubleError if there is none, or it cannot be loaded."""
        folder = self.find(name)
        seen, _ = self._look(folder)
        address = f"/api/characters/{quote(name, safe='')}/thumbnail.png"
        own = folder.parent == self.own
        label = seen.label or name
        if own and not (folder / FILE).is_file():  # a drawing has no name but its folder's, which we gave it
            label = (name[:1].upper() + name[1:]).replace("-", " ")
        return replace(seen, name=name, label=label, thumbnail=address, own=own)

    def place(self, name: str) -> str | Path:
        """What a live run is told of a character: a sample's name, or the folder of another."""
        return name if name in samples() else self.find(name)

    def load(self, name: str) -> Puppet:
        """A character, ready to move. Raises BodyDoubleError if there is none, or it cannot be used."""
        return load(self.find(name))

    def thumbnail(self, name: str) -> bytes:
        """A PNG of the character at rest. Raises BodyDoubleError if there is none."""
        return self._look(self.find(name))[1]

    def add(self, uploads: Sequence[tuple[str, bytes]]) -> tuple[str, list[str]]:
        """A new character from an upload; its name, and what its maker will want to know of it.

        uploads: (name, content) of one zip, or of the files of a folder. Raises BodyDoubleError for what is refused;
        nothing of it stays.
        """
        files = files_of(uploads)
        if self.own.is_dir() and sum(1 for _ in self.own.iterdir()) >= MOST_OWN:
            raise BodyDoubleError(f"there are {MOST_OWN} characters of your own; remove some first")
        beside = self.own / f"{_LEFT_BEHIND}{uuid.uuid4().hex}"
        try:
            _write(beside, files)
            warnings = _checked(beside)
            with self._lock:
                name = self._free(_plain_name(uploads, beside))
                beside.rename(self.own / name)
        except OSError as error:
            raise BodyDoubleError(f"cannot keep the character in {self.own} ({error.strerror})") from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return name, warnings

    def remove(self, name: str) -> None:
        """Remove one of the user's own characters for good. Raises BodyDoubleError for another's."""
        folder = self.find(name)
        if folder.parent != self.own:
            raise BodyDoubleError(f'"{shown(name)}" is not a character that was added here; it stays')
        try:
            if folder.is_symlink():
                folder.unlink()
            else:
                shutil.rmtree(folder)
        except OSError as error:
            raise BodyDoubleError(f"cannot remove {folder} ({error.strerror})") from error

    def _free(self, name: str) -> str:
        """`name`, or with a number behind it if it is taken."""
        taken = {each.casefold() for each in self.folders()}
        if self.own.is_dir():
            taken |= {item.name.casefold() for item in self.own.iterdir()}
        number, free = 2, name
        while free.casefold() in taken:
            free, number = f"{name}-{number}", number + 1
        return free

    def _look(self, folder: Path) -> tuple[CharacterChoice, bytes]:
        """What is shown of the character in a folder; made again when its files changed."""
        changed = max((item.stat().st_mtime for item in folder.glob("*")), default=0.0)
        with self._lock:
            known = self._looked.get(folder)
        if known is None or known[0] != changed:
            puppet = load(folder, pixels=THUMBNAIL)
            known = changed, CharacterChoice("", puppet.name, puppet.author, ""), _picture(puppet)
            with self._lock:
                self._looked[folder] = known
        return known[1], known[2]


def _picture(puppet: Puppet) -> bytes:
    """A PNG of a puppet at rest, on nothing."""
    drawn = Stage((THUMBNAIL, THUMBNAIL), "transparent", shadow=False).render([Figure(puppet, rest_pose(puppet.rig))])
    done, data = cv2.imencode(".png", cv2.cvtColor(straight(drawn), cv2.COLOR_RGBA2BGRA))
    if not done:
        raise RuntimeError(f"OpenCV could not write a PNG of {drawn.shape}")
    return data.tobytes()


def _write(folder: Path, files: Files) -> None:
    """Write files whose paths were checked into a new folder."""
    folder.mkdir(parents=True)
    for path, content in files.items():
        if checked_path(str(path)) is None:
            continue
        target = folder.joinpath(*path.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _checked(folder: Path) -> list[str]:
    """What is to be said of a character that was just written. Raises BodyDoubleError if it cannot be used."""
    if (folder / FILE).is_file():
        _check_amount(folder)
    elif not (folder / CONFIG).is_file():
        raise BodyDoubleError(
            "nothing among the files says where the joints are, so it is no character yet; add what a drawing needs "
            f"({TEXTURE}, mask.png and {CONFIG}) or a puppet ({FILE} and its parts' pictures): docs/puppets.md"
        )
    report = check(folder)
    if not report.ok:
        more = f" (and {len(report.errors) - 1} more)" if len(report.errors) > 1 else ""
        raise BodyDoubleError(f"{report.errors[0]}{more}" if report.errors else "it cannot be read as a character")
    return list(report.warnings)


def _check_amount(folder: Path) -> None:
    """Raises BodyDoubleError if a puppet's textures together are more than a machine should be asked for."""
    problems = Problems()
    manifest = read_manifest(folder / FILE, problems)
    if manifest is None or problems.errors:
        return  # check() says what is wrong
    if max(len(manifest.parts), len(manifest.bones)) > MOST_PARTS:
        raise BodyDoubleError(
            f"{len(manifest.parts)} parts and {len(manifest.bones)} bones; at most {MOST_PARTS} of each are taken"
        )
    scale = texture_scale(manifest, SHARP_AT)
    sizes: dict[str, float] = {}
    for entry in manifest.parts:
        if entry.image not in sizes:
            sizes[entry.image] = _drawn(folder, entry.image, scale)
    total = sum(sizes[entry.image] for entry in manifest.parts)
    if total > MOST_DRAWN:
        raise BodyDoubleError(
            f"its parts are {total / 1e6:.0f} million pixels together; at most {MOST_DRAWN // 1_000_000} are taken: "
            "crop each part's picture, or make them smaller"
        )


def _drawn(folder: Path, image: str, scale: float) -> float:
    """Pixels of a part's texture at `scale`; 0 for what is not there, of which check() speaks."""
    path = folder / image
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        return 0.0
    if path.suffix.lower() == ".svg":
        drawing = read_svg(path, Problems())
        return 0.0 if drawing is None else drawing.size[0] * drawing.size[1] * scale**2
    if path.suffix.lower() != ".png":
        return 0.0
    width, height = size_of_png(path.read_bytes())
    return float(width * height)


def _plain_name(uploads: Sequence[tuple[str, bytes]], folder: Path) -> str:
    """A name for a new character: what its maker called it, fit for a folder and an address.

    A drawing has none in its files, which all drawings call alike: that of its zip or folder, else DRAWING.
    """
    wished = ""
    if (folder / FILE).is_file():
        manifest = read_manifest(folder / FILE, Problems())
        wished = manifest.name if manifest is not None else ""
    first = uploads[0][0]
    if not wished and first.lower().endswith(".zip"):
        wished = first.rpartition("/")[2].rpartition(".")[0]
    wished = wished or first.rpartition("/")[0].partition("/")[0] or DRAWING
    letters = "".join(letter if letter.isalnum() else "-" for letter in wished.lower())
    plain = "-".join(piece for piece in letters.split("-") if piece)[:40].strip("-")
    reserved = {"con", "prn", "aux", "nul"}
    return plain if plain and plain not in reserved else "character"
