"""Poses of a live run to takes, in a thread of its own: the engine hands over and goes on, whatever the disk does.

What came is in the file two or three times a second, so that a kill loses less than a second; a second thread has the
disk itself take it, which may last, so that a loss of power loses little more. A take has one skeleton and one picture
size: when a model of another skeleton or a camera of another size takes over, the take is ended and the next one begun
beside it (NAME-2). Seconds; times in a take count from its own first frame.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bodydouble.live.moment import LiveMoment
from bodydouble.outputs.files import write_error
from bodydouble.outputs.names import free
from bodydouble.outputs.take import TakeWriter
from bodydouble.outputs.take_format import TakeInfo
from bodydouble.skeletons import BLAZEPOSE_33
from bodydouble.types import BodyDoubleError, Pose

FLUSH_SECONDS = 0.4  # between writes to the disk; with what a frame takes to get here, a kill loses about half a second
MOST_HELD = 900  # frames that wait while the disk is busy: half a minute of a camera, some 5 MB
MOST_EMPTY = 18_000  # frames with nobody at a take's start that are remembered until its skeleton is known: ten minutes
TRIES = 5  # names that are tried when others take them at the same moment
# A recording's name is taken if any of these is there: its films are made later.
SUFFIXES = (".parquet", ".mp4", ".webm")

KEPT = "what was recorded until then can be read as"  # before the take's name

Describe = Callable[[], TakeInfo]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """What is kept of a moment until it is written: no picture."""

    captured: float
    index: int
    size: tuple[int, int]
    people: list[Pose]
    model: str


class Tape:
    """One recording, from its start to `end`.

    folder: exists. stem: the first take's name without a suffix. describe: what a take made now is to say of itself;
    skeleton and picture size are set here. Faults end the recording: `fault` says why, in a sentence.
    """

    def __init__(self, folder: Path, stem: str, describe: Describe) -> None:
        self.path = free(folder, stem, SUFFIXES)
        self.paths: list[Path] = []
        self.frames = 0
        self.seconds = 0.0
        self.missed = 0
        self.fault = ""
        self.note = ""
        self._folder, self._stem = folder, stem
        self._describe = describe
        self._held: deque[_Heard] = deque()
        self._lock = threading.Lock()
        self._last = 0.0
        self._before = 0.0  # seconds in the takes before this one
        self._take: _Take | None = None
        self._ended = threading.Event()
        self._unsafe = ""  # why the disk did not take what was written
        self._thread = threading.Thread(target=self._run, name="bodydouble-recording", daemon=True)
        self._syncing = threading.Thread(target=self._sync, name="bodydouble-recording-sync", daemon=True)
        self._thread.start()
        self._syncing.start()

    def put(self, moment: LiveMoment) -> None:
        """Take over what was seen in a new frame; returns at once. Other moments are passed over."""
        frame = moment.frame
        if frame is None or moment.captured <= self._last or self._ended.is_set():
            return
        self._last = moment.captured
        with self._lock:
            if len(self._held) >= MOST_HELD:
                self.missed += 1
                return
            self._held.append(_Heard(moment.captured, frame.index, frame.size, moment.seen, moment.model))

    def end(self) -> None:
        """Write what is left and make the take whole; returns when that is done."""
        self._ended.set()
        self._thread.join()
        self._syncing.join()

    @property
    def running(self) -> bool:
        """Whether it still records: not ended, and nothing went wrong."""
        return self._thread.is_alive() and not self._ended.is_set()

    def _run(self) -> None:
        try:
            ended = False
            while not ended:
                ended = self._ended.wait(FLUSH_SECONDS)
                self._drain()
                if self._take is not None and not ended:
                    self._take.writer.flush()
                if self._unsafe:
                    raise BodyDoubleError(self._unsafe)
            if self._take is not None:
                self._finish(self._take)
        except (BodyDoubleError, OSError) as error:
            self._stop(str(error if isinstance(error, BodyDoubleError) else write_error(self.path, error)))
        except Exception as error:  # noqa: BLE001
            _log.exception("recording failed")  # our bug; what was written is kept
            self._stop(f"{type(error).__name__}: {error}")
        with self._lock:
            self._held.clear()

    def _stop(self, fault: str) -> None:
        """End because of a fault; what was recorded until then stays."""
        self.fault = fault
        self._ended.set()
        if self._take is not None:
            self._take.writer.suspend()

    def _sync(self) -> None:
        while not self._ended.wait(FLUSH_SECONDS):
            take = self._take
            if take is not None:
                try:
                    take.writer.sync()
                except BodyDoubleError as error:
                    self._unsafe = str(error)
                    return

    def _drain(self) -> None:
        """Write what was handed over."""
        while True:
            with self._lock:
                if not self._held:
                    return
                heard = self._held.popleft()
            take = self._take_for(heard)
            take.write(heard)
            self.frames += 1
            self.seconds = self._before + take.seconds

    def _take_for(self, heard: _Heard) -> _Take:
        """The take that goes on with this frame; another one if it cannot."""
        take = self._take
        if take is not None:
            why = take.refuses(heard)
            if not why:
                return take
            self._finish(take)
            self._before += take.seconds
            self._take = None
            self.note = why
        for _ in range(TRIES - 1):
            try:
                return self._begin(heard)
            except BodyDoubleError:
                if free(self._folder, self._stem, SUFFIXES) == self.path:  # else another program has just taken it
                    raise
        return self._begin(heard)

    def _begin(self, heard: _Heard) -> _Take:
        self.path = free(self._folder, self._stem, SUFFIXES)
        self._take = _Take(self.path, heard, self._describe)
        self.paths.append(self.path)
        if len(self.paths) > 1:
            self.note += f"; the recording goes on in {self.path.name}"
        return self._take

    def _finish(self, take: _Take) -> None:
        take.writer.describe(take.described())
        take.writer.close()


class _Take:
    """One take being written; it begins at the frame that it is made for."""

    def __init__(self, path: Path, heard: _Heard, describe: Describe) -> None:
        self.seconds = 0.0
        self._path = path
        self._describe = describe
        self._size = heard.size
        self._begun, self._first = heard.captured, heard.index
        self._index = -1
        self._models: list[str] = []
        self._empty: list[tuple[int, float]] | None = []  # frames so far, while nobody was in any of them
        self._skeleton = heard.people[0].skeleton if heard.people else BLAZEPOSE_33.name  # the default model's
        self.writer = self._writer()

    def refuses(self, heard: _Heard) -> str:
        """Why this frame cannot go into this take, "" if it can."""
        if heard.size != self._size:
            return f"the camera's picture is {heard.size[0]}x{heard.size[1]} now"
        if heard.people and heard.people[0].skeleton != self._skeleton and self._empty is None:
            return f"the model {heard.model} has other points"
        return ""

    def write(self, heard: _Heard) -> None:
        """Add a frame."""
        if heard.model and heard.model not in self._models:
            self._models.append(heard.model)
        if heard.people:
            if heard.people[0].skeleton != self._skeleton:
                self._start_again(heard.people[0].skeleton)
            self._empty = None
        time = heard.captured - self._begun
        self._index = max(self._index + 1, heard.index - self._first)  # a camera opened anew counts anew
        if self._empty is not None:
            self._empty.append((self._index, time))
            if len(self._empty) > MOST_EMPTY:
                self._empty = None
        self.writer.write(self._index, time, heard.people)
        self.seconds = time

    def _start_again(self, skeleton: str) -> None:
        """The first person has another skeleton than was thought: the frames before, all empty, are written again."""
        self.writer.discard()
        self._skeleton = skeleton
        self.writer = self._writer()
        for index, time in self._empty or ():
            self.writer.write(index, time, [])

    def _writer(self) -> TakeWriter:
        return TakeWriter(self._path, self.described(), kept=f"{KEPT} {self._path.name}")

    def described(self) -> TakeInfo:
        """What the take says of itself, as far as is known."""
        info = self._describe()
        rate = info.source.rate
        source = replace(info.source, size=self._size)
        if self._index >= 0:
            duration = self.seconds + (float(1 / rate) if rate else 0.0)
            source = replace(source, duration=duration, frames=self.writer.frames)
        return replace(info, skeleton=self._skeleton, model=", ".join(self._models) or info.model, source=source)
