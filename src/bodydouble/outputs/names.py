"""Names of files that are made while live: by date and time, in a folder, never one that is taken."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path

from bodydouble.outputs.files import write_error
from bodydouble.types import BodyDoubleError

PREFIX = "bodydouble"


def dated(when: datetime) -> str:
    """bodydouble-2026-11-23-104512: a name without a suffix that sorts by time."""
    return f"{PREFIX}-{when:%Y-%m-%d-%H%M%S}"


def ready_folder(folder: Path) -> Path:
    """The folder, made if need be, that can be written to. Raises BodyDoubleError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BodyDoubleError(f"no permission to write in {folder}; choose another folder")
    return folder


def free(folder: Path, stem: str, suffixes: Sequence[str]) -> Path:
    """folder/stem with the first suffix, or stem-2, stem-3, ...: one of which no file has any of the suffixes.

    A suffix also stands for all names that go on after it: ".parquet" for ".parquet.partial-001". Raises
    BodyDoubleError if the folder cannot be read.
    """
    try:
        taken = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise write_error(folder, error) from error
    for number in count(1):
        name = stem if number == 1 else f"{stem}-{number}"
        if not any(other.startswith(f"{name}{suffix}") for other in taken for suffix in suffixes):
            return folder / f"{name}{suffixes[0]}"
    raise AssertionError  # count() does not end


def settle(temporary: Path, folder: Path, stem: str, suffix: str) -> Path:
    """Give a finished file a name as `free` chooses it, and replace nothing, even if another has just taken it.

    Raises BodyDoubleError; the temporary file is gone in any case.
    """
    try:
        while True:
            path = free(folder, stem, [suffix])
            try:
                os.link(temporary, path)  # unlike a rename it fails where there is something
            except FileExistsError:
                continue
            except OSError:  # a disk that knows no links
                temporary.rename(path)
            return path
    except OSError as error:
        raise write_error(folder / f"{stem}{suffix}", error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
