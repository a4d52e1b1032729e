"""A clip played over and over at a camera's rate, for measuring: whatever rate it was filmed at, it is never slower."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from bodydouble.live.clock import now
from bodydouble.sources import open_source
from bodydouble.sources.live import Condition, Health
from bodydouble.sources.newest import Newest
from bodydouble.types import Frame, Image

JOIN = 5.0  # seconds


class Paced:
    """A LiveSource: at every tick the picture that the clip shows then. Raises BodyDoubleError if it cannot be read.

    Pictures are decoded ahead of the tick they are for, as a camera's are; Frame.time is the tick.
    """

    def __init__(self, path: Path, rate: float) -> None:
        with open_source(path) as source:
            self.size = source.info.size
        self._path = path
        self._rate = rate
        self._newest = Newest(path.name, now, (Condition.FAILED, f"{path.name} cannot be read any more"))
        self._newest.named(path.name, rate)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bodydouble-clip", daemon=True)
        self._thread.start()

    def read(self, timeout: float) -> Frame | None:
        """See LiveSource."""
        return self._newest.read(timeout)

    @property
    def health(self) -> Health:
        """See LiveSource."""
        return self._newest.health

    def close(self) -> None:
        """See LiveSource."""
        self._closing.set()
        self._newest.close()
        self._thread.join(JOIN)

    def _run(self) -> None:
        due = now()
        for image in self._pictures():
            if self._closing.wait(max(due - now(), 0.0)):
                return
            self._newest.put(image, now())
            due = max(due + 1 / self._rate, now() - 1 / self._rate)  # what cannot be made up for is not

    def _pictures(self) -> Iterator[Image]:
        """The clip's picture of each tick, without end."""
        while True:
            time, last = 0.0, None
            with open_source(self._path) as source:
                for frame in source:
                    while last is not None and time < frame.time:
                        yield last
                        time += 1 / self._rate
                    last = frame.image
            if last is not None:
                yield last
