"""The journal of a take being recorded: numbered pieces beside it, NAME.partial-001 and on, one for each run.

Each is an Arrow stream of whole frames; of one that a crash cut off, all whole batches can be read. Who writes a piece
holds a lock on it, which the system lets go when that process ends, however it ends: so what is left over can be told
from what another process is recording at this moment.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from bodydouble.outputs.take_format import TakeInfo, described
from bodydouble.types import BodyDoubleError

_HELD = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})  # how flock and Windows say that another holds it
_LOCKED_BYTE = 2**40  # beyond any piece's end: Windows keeps others from reading what is locked


def place(take: Path, number: int) -> Path:
    """Where a take's piece of that number (from 1) lies."""
    return take.with_name(f"{take.name}.partial-{number:03d}")


_PIECE = re.compile(r"(.+)\.partial-\d{3,}")


def take_of(piece: Path) -> Path | None:
    """The take that a piece of that name belongs to; None if it is not the name of a piece."""
    found = _PIECE.fullmatch(piece.name)
    return None if found is None else piece.with_name(found[1])


def lock(descriptor: int, *, wait: bool = False) -> bool:
    """Hold an open piece until it is closed; False if another process holds it, unless that is waited for.

    Where the file system knows no locks there is none, and True.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        return error.errno not in _HELD
    return True


def begin(piece: Path, columns: pa.Schema) -> tuple[Any, Any]:
    """A new piece that we hold, open to be written: the file, unbuffered so that what is written outlives a kill, and
    the stream in it.

    Raises OSError, and leaves nothing; FileExistsError if there is one: two runs must not share a piece.
    """
    piece.touch(exist_ok=False)
    try:
        file = pa.OSFile(str(piece), "wb")
        try:
            lock(file.fileno(), wait=True)  # is_held of another process holds a new piece for a moment
            stream = pa.ipc.new_stream(file, columns)
            stream.write_batch(pa.RecordBatch.from_pylist([], schema=columns))  # says what it is: it is never empty
        except OSError:
            file.close()
            raise
    except OSError:
        piece.unlink(missing_ok=True)
        raise
    return file, stream


def is_held(take: Path) -> bool:
    """Whether a process is writing a piece of this take at this moment, this one included."""
    for piece in pieces(take):
        try:
            with piece.open("rb+") as file:
                if not lock(file.fileno()):
                    return True
        except OSError:  # gone meanwhile, or not ours to write
            continue
    return False


def pieces(take: Path) -> list[Path]:
    """The pieces that there are, in order."""
    found: list[Path] = []
    while (piece := place(take, len(found) + 1)).is_file():
        found.append(piece)
    return found


def remove(take: Path) -> None:
    """Remove all pieces."""
    for piece in reversed(pieces(take)):  # the first one last: without it there is no journal
        piece.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names of a folder's files, where a system can say that of a folder."""
    if sys.platform == "win32":
        return
    with suppress(OSError):  # a file system that cannot: the file itself is on the disk
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def batches(take: Path) -> Iterator[pa.RecordBatch]:
    """All whole batches of the pieces in order; what a crash cut off ends its piece.

    Raises BodyDoubleError for a piece that cannot be read.
    """
    for piece in pieces(take):
        with _opened(piece) as file, suppress(pa.ArrowInvalid):
            yield from pa.ipc.open_stream(file)


@contextmanager
def _opened(piece: Path) -> Iterator[BinaryIO]:
    """A piece, to be read. Raises BodyDoubleError if that cannot be."""
    try:
        with piece.open("rb") as file:
            yield file
    except OSError as error:
        if error.errno is None:  # Arrow's word for a stream that ends too soon
            return
        raise BodyDoubleError(f"cannot read {piece} ({error.strerror}); look after its folder") from error


def done(take: Path, info: TakeInfo) -> tuple[int, int]:
    """How many frames the journal holds and the last one's index: (0, -1) if any piece belongs to something else."""
    if foreign(take, info) is not None:
        return 0, -1
    count, last = 0, -1
    for batch in batches(take):
        for index in batch.column("frame").to_pylist():
            count += index != last
            last = index
    return count, last


def foreign(take: Path, info: TakeInfo) -> Path | None:
    """The first piece that belongs to another source, model or settings; None if there is none."""
    for piece in pieces(take):
        other = described_in(piece)
        if other is not None and _identity(other) != _identity(info):
            return piece
    return None


def described_in(piece: Path) -> TakeInfo | None:
    """The description in a piece, None if the crash came before it was written, or it is of something else.

    Raises BodyDoubleError for a piece that cannot be read.
    """
    with _opened(piece) as file, suppress(pa.ArrowInvalid):
        found = pa.ipc.open_stream(file).schema
        with suppress(BodyDoubleError):
            return described(found, piece.name)[0]
    return None


def about(take: Path) -> TakeInfo | None:
    """The description of an interrupted take, None if there is none or nothing of it can be read."""
    first = place(take, 1)
    return described_in(first) if first.is_file() else None


def _identity(info: TakeInfo) -> tuple[Any, ...]:
    """What must be the same for two runs to make one take."""
    return info.source, info.path, info.skeleton, info.model, dict(info.settings)
