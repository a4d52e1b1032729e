"""Takes: what was tracked, as a Parquet file that opens in pandas, polars and DuckDB (take_format.py: what is in it).

While it is being written a take is a journal beside its name, in pieces (NAME.partial-001 ...): Arrow streams of which
all but the last moment can be read after a crash, a kill or Ctrl-C. A later run may go on after them. Closing makes the
Parquet file of them, whole, under its name. Where there is no such file yet, reading the take reads its journal.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from bodydouble.outputs import journal
from bodydouble.outputs.files import NOTHING_KEPT, check_output, write_error, written
from bodydouble.outputs.take_format import LISTS, TakeFrame, TakeInfo, described, frames, rows, schema
from bodydouble.types import BodyDoubleError, Pose

# Frames held before they go to the journal: two seconds of film may be lost in a crash.
_HELD_FRAMES = 60
# Rows of a Parquet row group; about 10 MB of 33 points before compression.
_GROUP_ROWS = 4096
_READ_ROWS = 512
_KEPT = "what was recorded is kept beside it, for a later run to go on"

_log = logging.getLogger(__name__)


class TakeWriter:
    """Records a take with constant memory.

    path: a .parquet file. info: what goes with it. force: replace what exists. resume: go on after an earlier run's
    journal if it belongs to the same source and model (see `resume`), otherwise it is removed. kept: what a full disk
    leaves, in words.

    What is written goes to the journal after every 60 frames, or when `flush` is called.

    As a context manager, an exception leaves the journal and nothing under the final name; `journal` is its first
    piece, or None when there was nothing to keep. Raises BodyDoubleError, one line.
    """

    def __init__(
        self, path: str | Path, info: TakeInfo, *, force: bool = False, resume: bool = False, kept: str = _KEPT
    ) -> None:
        self._path = Path(path)
        if self._path.suffix.lower() != ".parquet":
            raise BodyDoubleError(f"a take is a .parquet file, not {self._path.name}; give it that suffix")
        check_output(self._path, force)
        self._force = force
        self._info = info
        self._schema = schema(info)
        if journal.is_held(self._path):
            raise BodyDoubleError(f"{self._path} is being recorded by another program; give another name")
        self._count, self._last = journal.done(self._path, info) if resume else (0, -1)
        self._in_journal = self._count  # frames that outlive a kill
        if not self._count:
            journal.remove(self._path)
        self._held: list[TakeFrame] = []
        self._closed = self._named = False
        self._piece = journal.place(self._path, len(journal.pieces(self._path)) + 1)
        self._kept = kept
        try:
            self._file, self._stream = journal.begin(self._piece, self._schema)
        except OSError as error:
            raise write_error(self._path, error) from error

    @property
    def journal(self) -> Path | None:
        """The first piece of what was recorded so far, beside the take; None when there is none."""
        return next(iter(journal.pieces(self._path)), None)

    @property
    def path(self) -> Path:
        """The take's own path."""
        return self._path

    @property
    def frames(self) -> int:
        """How many frames are recorded, an earlier run's included."""
        return self._count

    def write(self, frame: int, time: float, poses: list[Pose]) -> None:
        """Record one frame; their numbers increase. poses: [] for nobody; a pose's time is its frame's."""
        if self._closed:
            raise BodyDoubleError(f"{self._path.name} is closed; make another TakeWriter")
        if frame <= self._last:
            raise BodyDoubleError(
                f"frame {frame} follows frame {self._last} in {self._path.name}; numbers must increase"
            )
        for pose in poses:
            if pose.skeleton != self._info.skeleton:
                wanted = self._info.skeleton
                raise BodyDoubleError(f'a pose with skeleton "{pose.skeleton}" in a take of "{wanted}"; keep one model')
        self._last = frame
        self._held.append(TakeFrame(frame, time, list(poses)))
        self._count += 1
        if len(self._held) >= _HELD_FRAMES:
            self._flush()

    def flush(self) -> None:
        """Put all that was written into the journal: it outlives a kill. After `sync`, the loss of power too."""
        self._flush()

    def sync(self) -> None:
        """Wait until the disk has what the journal holds; another thread may go on writing meanwhile."""
        try:
            descriptor = os.dup(self._file.fileno())
        except (ValueError, OSError):  # closed meanwhile
            return
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise self._error(error) from error
        finally:
            os.close(descriptor)
        if not self._named:
            self._named = True
            journal.sync_folder(self._path.parent)

    def describe(self, info: TakeInfo) -> None:
        """What the finished take is to say of itself, where more is known now; its skeleton stays."""
        self._info = replace(info, skeleton=self._info.skeleton)

    def close(self) -> None:
        """Make the Parquet file and remove the journal. Closing twice is allowed."""
        if self._closed:
            return
        try:
            self._end_piece()
            _assemble(self._path, self._info, self._count, force=self._force)
        finally:
            self._file.close()  # held until now, or another process might take the journal for an interrupted one
        journal.remove(self._path)

    def suspend(self) -> None:
        """Stop without making the take: the journal stays, for a later run to go on. An empty one is removed."""
        if self._closed:
            return
        with suppress(BodyDoubleError):  # the disk may be what failed; what was written before stays
            self._end_piece()
        self._file.close()
        if not self._in_journal:
            journal.remove(self._path)

    def discard(self) -> None:
        """Stop and leave nothing: neither the take nor a journal."""
        if not self._closed:
            self._held = []
            with suppress(BodyDoubleError):
                self._end_piece()
            self._file.close()
        journal.remove(self._path)

    def _flush(self) -> None:
        if not self._held:
            return
        held, self._held = self._held, []  # not twice: after a fault the piece ends where it is
        try:
            self._stream.write_batch(rows(held, self._schema))
        except OSError as error:
            raise self._error(error) from error
        self._in_journal = self._count

    def _end_piece(self) -> None:
        self._closed = True
        try:
            self._flush()
            self._stream.close()
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> BodyDoubleError:
        """What went wrong in the journal, and what of it is left."""
        return write_error(self._path, error, kept=self._kept if self._in_journal else NOTHING_KEPT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.suspend()


class Take:
    """A recorded take. Iterating reads it bit by bit, each time from the start: (frame, time, poses).

    Of a take that was interrupted before it was made, what its journal holds is read.
    Raises BodyDoubleError, one line, for a file that is no take or is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        about = None if self._path.exists() else journal.about(self._path)
        self._interrupted = about is not None
        if about is not None:
            self._info, self._frames = _outgrown(about, self._path), None
            return
        with self._opened() as file:
            self._info, self._frames = described(file.schema_arrow, self._path.name)

    @property
    def interrupted(self) -> bool:
        """Whether this is what is left of a recording that was not finished, or is not yet."""
        return self._interrupted

    @property
    def info(self) -> TakeInfo:
        """What was tracked, and how."""
        return self._info

    def __len__(self) -> int:
        """Number of frames, those with nobody included."""
        if self._frames is None:
            self._frames = sum(1 for _ in self)
        return self._frames

    def __iter__(self) -> Iterator[TakeFrame]:
        if self._interrupted:
            yield from frames(journal.batches(self._path), self._info)
            return
        with self._opened() as file:
            try:
                yield from frames(file.iter_batches(batch_size=_READ_ROWS), self._info)
            except (pa.ArrowException, OSError, ValueError) as error:
                raise BodyDoubleError(f"{self._path.name} is damaged ({_line(error)}); track again") from error

    def _opened(self) -> Any:
        if not self._path.is_file():
            raise BodyDoubleError(f"no take {self._path}; check the name and where it lies")
        try:
            return pq.ParquetFile(self._path)
        except PermissionError as error:
            raise BodyDoubleError(f"no permission to read {self._path}; change who may read it") from error
        except (pa.ArrowException, OSError) as error:
            raise BodyDoubleError(f"{self._path.name} is no Parquet file or is damaged; track again") from error


def read_take(path: str | Path) -> Take:
    """Open a take to read; a warning is logged if it was interrupted. Raises BodyDoubleError, one line."""
    take = Take(path)
    if take.interrupted:
        path = Path(path)
        how = "is still being recorded" if journal.is_held(path) else "was interrupted while it was recorded"
        _log.warning("%s %s; what was written until then is read", path.name, how)
    return take


def resume(path: str | Path, info: TakeInfo) -> int:
    """How many frames an interrupted run has recorded of this take, 0 if there is none to go on with.

    The journal must be of the same source, model, skeleton and settings; the provider and version may differ. Go on
    with TakeWriter(path, info, resume=True) after that many frames of the source.
    """
    return journal.done(Path(path), info)[0]


def earlier(path: str | Path, info: TakeInfo) -> Iterator[TakeFrame]:
    """The frames that an interrupted run has recorded of this take (see `resume`), in order.

    Raises BodyDoubleError if what lies beside `path` is an interrupted take of something else.
    """
    path = Path(path)
    other = journal.foreign(path, info)
    if other is not None:
        raise BodyDoubleError(
            f"{other} is an interrupted take of another source, model or person; "
            f"remove it, or give another name than {path.name}"
        )
    yield from frames(journal.batches(path), info)


def recover(path: str | Path, *, force: bool = False) -> int:
    """Make the take of what an interrupted run recorded; returns the number of frames. Raises BodyDoubleError."""
    path = Path(path)
    if journal.is_held(path):
        raise BodyDoubleError(f"{path} is being recorded at this moment; stop the recording first")
    info = journal.about(path)
    count = 0 if info is None else journal.done(path, info)[0]
    if info is None or count == 0:
        next_ = "it is whole, use it as it is" if path.is_file() else "check the name and where it lies"
        raise BodyDoubleError(f"no interrupted recording of {path} ({journal.place(path, 1).name}); {next_}")
    check_output(path, force)
    _assemble(path, _outgrown(info, path), count, force=force)
    journal.remove(path)
    return count


def _outgrown(info: TakeInfo, path: Path) -> TakeInfo:
    """The description of an interrupted take, whose source is no shorter than what was recorded of it.

    What is recorded live is described when it begins, and again only when it ends.
    """
    index, moment = -1, 0.0
    for batch in journal.batches(path):
        if batch.num_rows:
            index, moment = batch.column("frame")[-1].as_py(), batch.column("time")[-1].as_py()
    source = info.source
    if index < 0 or (moment <= source.duration and not 0 < source.frames <= index):
        return info
    step = float(1 / source.rate) if source.rate else 0.0
    longer = replace(source, duration=max(source.duration, moment + step), frames=max(source.frames, index + 1))
    return replace(info, source=longer)


def _assemble(path: Path, info: TakeInfo, count: int, *, force: bool) -> None:
    """The Parquet file of a take's journal, which may be removed then."""
    columns = schema(info, count)
    numbers = ["time", "score", *(f"{name}.list.element" for name in LISTS)]
    with (
        written(path, force=force, kept=_KEPT) as temporary,
        pq.ParquetWriter(
            temporary,
            columns,
            compression="zstd",
            use_dictionary=["state"],
            column_encoding=dict.fromkeys(numbers, "BYTE_STREAM_SPLIT"),  # halves what zstd makes of float64
        ) as writer,
    ):
        held: list[pa.RecordBatch] = []
        for batch in journal.batches(path):
            held.append(batch)
            if sum(part.num_rows for part in held) >= _GROUP_ROWS:
                writer.write_table(pa.Table.from_batches(held).cast(columns))
                held = []
        if held:
            writer.write_table(pa.Table.from_batches(held).cast(columns))


def _line(error: BaseException) -> str:
    return str(error).split("\n")[0]
