"""The source of a live run: read by one thread, exchanged while it runs, the old one closed beside it.

A camera that is asked for another size must be let go of before it is opened again; another camera is opened first.
"""

from __future__ import annotations

import threading

from bodydouble.live.background import Worker
from bodydouble.live.clock import now
from bodydouble.live.memory import give_back
from bodydouble.sources.live import Condition, Health, LiveSource, open_live
from bodydouble.types import BodyDoubleError, Frame


class Intake:
    """Gives the newest frame of the source of the moment. `read` is for one thread, all else for any."""

    def __init__(self, source: LiveSource) -> None:
        self._lock = threading.Lock()
        self._source: LiveSource | None = source
        self._worker: Worker[None] = Worker("cameras")
        self._woken = threading.Event()
        self._leaving: list[LiveSource] = []  # to be closed before the next one is opened
        self._closers: list[threading.Thread] = []
        self._last = 0.0
        self._captured = self._dropped = 0  # frames of the sources before this one
        self._late = 0  # frames not newer than the one before, as of another source
        self._fault = ""
        self._name = ""
        self._asked = 0  # grows with every other source that is asked for: only what was asked last is taken up
        self._closed = False

    @property
    def source(self) -> LiveSource | None:
        """The source of the moment; None while one is closed for another."""
        return self._source

    @property
    def health(self) -> Health:
        """How the source does; while there is none, what became of opening it."""
        source = self._source
        if source is not None:
            return source.health
        condition = Condition.FAILED if self._fault else Condition.OPENING
        return Health(condition, self._fault, (0, 0), 0.0, 0, 0, self._name)

    @property
    def late(self) -> int:
        """Frames that came and were not used, as a newer one of another source had been."""
        return self._late

    @property
    def counts(self) -> tuple[int, int]:
        """Frames captured, and those of them not used, of this source and all before it."""
        with self._lock:
            health = self.health
            return self._captured + health.captured, self._dropped + health.dropped + self._late

    def read(self, timeout: float) -> Frame | None:
        """The newest frame not read before, waiting at most `timeout` seconds."""
        began = now()
        outcome = self._worker.take()
        if outcome is not None and outcome.key == self._asked:
            self._fault = outcome.fault
        source = self._source
        frame = source.read(timeout) if source is not None else None
        if frame is not None and frame.time > self._last:
            self._last = frame.time
            return frame
        self._late += frame is not None
        left = timeout - (now() - began)
        if frame is None and left > 0:  # there is no source, or it was closed: it gives nothing at once
            self._woken.wait(left)
            self._woken.clear()
        return None

    def exchange(self, source: LiveSource) -> None:
        """Go on with another source, which is open; the old one is closed."""
        with self._lock:
            self._asked += 1
            self._count()
            old, self._source = (source, None) if self._closed else (self._source, source)
            self._closers = [thread for thread in self._closers if thread.is_alive()]
            if old is not None:  # a camera may take a second to let go
                self._closers.append(
                    threading.Thread(target=_close, args=(old,), name="bodydouble-closing", daemon=True)
                )
                self._closers[-1].start()
        self._woken.set()

    def reopen(self, name: str, size: tuple[int, int] | None, fps: float) -> None:
        """Close the source, then open the same camera with another size or rate."""
        with self._lock:
            self._count()
            if self._source is not None:
                self._leaving.append(self._source)
            self._source, self._fault, self._name = None, "", name
            self._asked += 1
            number = self._asked

        def again() -> None:
            self._close_leaving()
            self._adopt(opened(name, size, fps), number)

        self._worker.ask(number, again)

    def close(self) -> None:
        """Close the source and whatever is being opened."""
        with self._lock:
            self._closed = True
            source = self._source
        self._woken.set()
        if source is not None:
            source.close()
        self._worker.close()
        self._close_leaving()
        for thread in self._closers:
            thread.join()

    def _count(self) -> None:
        """Add up what the source that is left has given. With the lock held."""
        if self._source is not None and not self._closed:
            health = self._source.health
            self._captured, self._dropped = self._captured + health.captured, self._dropped + health.dropped

    def _close_leaving(self) -> None:
        """Close what reopen() left behind."""
        with self._lock:
            leaving, self._leaving = self._leaving, []
        for source in leaving:
            source.close()

    def _adopt(self, source: LiveSource, number: int) -> None:
        """Take up a source that was opened beside the run, unless another was asked for meanwhile."""
        with self._lock:
            wanted = number == self._asked and not self._closed
            if wanted:
                self._source = source
        if wanted:
            self._woken.set()
        else:
            source.close()


def _close(source: LiveSource) -> None:
    """Close a source that is read no more, and let its pictures' memory go."""
    source.close()
    give_back()


def opened(name: str, size: tuple[int, int] | None, fps: float) -> LiveSource:
    """A source on the run's clock. Raises BodyDoubleError for what can never work."""
    try:
        return open_live(name, size=size, fps=fps, clock=now)
    except OSError as fault:
        raise BodyDoubleError(f'camera "{name}" cannot be opened: {fault.strerror or fault}') from fault
