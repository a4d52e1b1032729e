"""The folder where fetched files and converted models are kept, and safe ways to write there.

files/ holds what was fetched, onnx/ converted models with their hash beside them, downloads/ archives and parts not yet
used up, locks/ a file for each thing that only one process at a time may make.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from bodydouble.models.fetchers import Progress, silent
from bodydouble.types import BodyDoubleError

ENVIRONMENT = "BODYDOUBLE_CACHE"
SOON = 0.2  # seconds to wait for a lock before saying that another process holds it


def cache_dir() -> Path:
    """Where everything fetched is kept: $BODYDOUBLE_CACHE, else the system's own folder for caches."""
    return Path(os.environ.get(ENVIRONMENT) or platformdirs.user_cache_dir("bodydouble", appauthor=False)).absolute()


def file_hash(path: Path) -> str:
    """SHA-256 of a file as hex digits, "" if it is not there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def write_whole(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file so that nobody ever sees a part of it: beside, then renamed. mode: less what the umask takes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        beside.touch(mode, exist_ok=False)
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)  # there only if something went wrong


@contextmanager
def locked(key: str, progress: Progress = silent) -> Iterator[None]:
    """Only one process at a time in here for a key; says so while it waits."""
    folder = cache_dir() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{key}.lock")
    try:
        lock.acquire(timeout=SOON)
    except Timeout:
        progress(0, None, f"another process is at work on {key}: waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def usable() -> Iterator[None]:
    """Turns the system's refusals to read or write in the cache into one line; also a decorator."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise BodyDoubleError(
            f"cannot use the cache {cache_dir()} ({reason}): make room there, or set {ENVIRONMENT} to another folder"
        ) from error
