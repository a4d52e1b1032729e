"""Outputs that appear whole or not at all: written beside their name, renamed when complete.

Until then the name holds what it held before. Folders are outputs too (picture sequences, one JSON file a frame); one
that exists is replaced only if everything in it is of the kind that we write ourselves.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bodydouble.types import BodyDoubleError

# What our own folders hold: pictures.FRAME_NAME and OpenPose's *_keypoints.json.
_OURS = re.compile(r"frame_\d{6,}\.png|.+_keypoints\.json")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NOTHING_KEPT = "nothing was kept"
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def is_folder_name(path: Path) -> bool:
    """Whether an output of this name is a folder: it is one already, or its name has no suffix."""
    return path.is_dir() or path.suffix == ""


def check_output(path: str | Path, force: bool = False) -> None:
    """Find out, before any work, whether `path` can be written. force: what exists may be replaced.

    Raises BodyDoubleError, one line, when it exists, when it is a folder that holds other things, or when there is no
    folder to put it in or that folder may not be written to.
    """
    path = Path(path)
    parent = path.absolute().parent
    try:
        if is_folder_name(path):
            _check_folder(path, force)
        elif path.exists() and not force:
            raise BodyDoubleError(f"{path} exists; give another name or --force to replace it")
        if not parent.is_dir():
            what = "is not a folder" if parent.exists() else "does not exist"
            raise BodyDoubleError(f"cannot write {path}: the folder {parent} {what}; make it or choose another")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise BodyDoubleError(f"cannot write {path}: no permission to write in {parent}; choose another folder")
    except OSError as error:
        raise write_error(path, error) from error


def _check_folder(path: Path, force: bool) -> None:
    """A folder to be must be absent, empty, or (with force) hold our own files only."""
    if not path.exists():
        return
    if not path.is_dir():
        raise BodyDoubleError(f"{path} is a file, and a name without a suffix stands for a folder; give another name")
    names = [entry.name for entry in path.iterdir()]
    foreign = sorted(name for name in names if not _OURS.fullmatch(name))
    if foreign:
        raise BodyDoubleError(f"the folder {path} holds other things ({foreign[0]}); give a new or an empty folder")
    if names and not force:
        raise BodyDoubleError(f"{path} exists and is not empty; give another name or --force to replace its files")


def write_error(path: Path, error: OSError, *, kept: str = NOTHING_KEPT) -> BodyDoubleError:
    """What went wrong while writing `path`, in one line. kept: what a full disk leaves."""
    if error.errno in _FULL:
        return BodyDoubleError(f"no space left to write {path}; free some or choose another disk ({kept})")
    if error.errno in _DENIED:
        return BodyDoubleError(f"no permission to write {path}; choose another folder")
    return BodyDoubleError(f"cannot write {path} ({error.strerror or error}); choose another name or folder")


class Pending:
    """An output being written: `temporary` now, `path` after commit(), nothing after discard().

    Raises BodyDoubleError as check_output does. For a folder `temporary` is a new folder.
    """

    def __init__(self, path: Path, *, force: bool = False) -> None:
        check_output(path, force)
        self.path = path
        self._folder = is_folder_name(path)
        self._done = False
        self.temporary = beside(path, f"{os.getpid()}.part")
        if self._folder:
            try:
                self.temporary.mkdir()
            except OSError as error:
                raise write_error(path, error) from error

    def commit(self) -> None:
        """Give the output its name, replacing what had it."""
        if self._done:
            return
        try:
            if self._folder and self.path.exists():
                _check_folder(self.path, force=True)  # it may have changed since
                shutil.rmtree(self.path)
            self.temporary.replace(self.path)
        except OSError as error:
            self.discard()
            raise write_error(self.path, error) from error
        except BodyDoubleError:
            self.discard()
            raise
        self._done = True

    def discard(self) -> None:
        """Remove what was written."""
        if self._done:
            return
        self._done = True
        if self._folder:
            shutil.rmtree(self.temporary, ignore_errors=True)
        else:
            self.temporary.unlink(missing_ok=True)


def beside(path: Path, ending: str) -> Path:
    """A hidden name in the same folder, so that renaming never crosses disks: .fox.mp4.ENDING"""
    return path.with_name(f".{path.name}.{ending}")


@contextmanager
def written(path: Path, *, force: bool = False, kept: str = NOTHING_KEPT) -> Iterator[Path]:
    """A temporary path to write; renamed to `path` at the end, removed on any exception.

    OSErrors while writing become BodyDoubleErrors of one line; kept: what a full disk leaves.
    """
    pending = Pending(path, force=force)
    try:
        yield pending.temporary
    except OSError as error:
        pending.discard()
        raise write_error(path, error, kept=kept) from error
    except BaseException:
        pending.discard()
        raise
    pending.commit()
