"""The one frame that a live source keeps, with its counts, its rate and how it does.

Holds no device and no thread: whoever captures calls `put`, whoever wants a picture calls `read`. Times are seconds on
the given clock; those of the frames only grow.
"""

from __future__ import annotations

import math
import threading
from collections import deque

from bodydouble.sources.live import Clock, Condition, Health
from bodydouble.types import Frame, Image

STALL_SECONDS = 2.0  # without a picture for so long, a source that was well is not: 1 fps cameras are the slowest
RATE_SECONDS = 2.0  # the rate is measured over so much of the past
OLDEST = 60.0  # seconds: no picture of a live source is older, whatever its clock says
LEAST_STEP = 1e-3  # seconds between two frames at least: no camera gives more than 1000 a second


class Newest:
    """Newest wins: a frame that is not read before the next comes is counted as dropped.

    name: what people call the source. stalled: the condition and the sentence when pictures stop coming; stall: after
    so many seconds.
    """

    def __init__(
        self, name: str, clock: Clock, stalled: tuple[Condition, str], *, stall: float = STALL_SECONDS
    ) -> None:
        self._name = name
        self._clock = clock
        self._stalled = stalled
        self._stall = stall
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._closed = False
        self._condition, self._message = Condition.OPENING, ""
        self._size = (0, 0)
        self._granted = 0.0
        self._captured = self._dropped = 0
        self._times: deque[float] = deque(maxlen=512)
        self._since = clock()

    def put(self, image: Image, taken: float, condition: Condition = Condition.LIVE, message: str = "") -> bool:
        """A picture that was taken at `taken`; True if it is kept, False if it came too late.

        A time that lies ahead, or is no number, counts as now, one before OLDEST as OLDEST ago. condition, message:
        how the source does with it.
        """
        with self._changed:
            now = self._clock()
            taken = max(min(taken, now), now - OLDEST) if math.isfinite(taken) else now
            self._condition, self._message = condition, message
            self._captured += 1
            self._since = now
            if self._closed or (self._times and taken < self._times[-1] + LEAST_STEP):
                self._dropped += 1
                return False
            self._dropped += self._frame is not None
            self._times.append(taken)
            self._size = (image.shape[1], image.shape[0])
            self._frame = Frame(image=image, time=taken, index=self._captured - 1)
            self._changed.notify_all()
            return True

    def skip(self) -> None:
        """A picture came and was overtaken before it was made: it counts as captured and dropped."""
        with self._changed:
            self._captured += 1
            self._dropped += 1
            self._since = self._clock()

    def trouble(self, condition: Condition, message: str) -> None:
        """No picture comes, and why."""
        with self._changed:
            self._condition, self._message = condition, message

    def named(self, name: str, granted: float = 0.0) -> None:
        """The source is now known by this name; granted: the rate it promised."""
        with self._changed:
            self._name, self._granted = name, granted

    def expect(self, stalled: tuple[Condition, str]) -> None:
        """What it means from now on when pictures stop coming."""
        with self._changed:
            self._stalled = stalled

    def read(self, timeout: float) -> Frame | None:
        """The newest frame not read before, waiting at most `timeout` real seconds; None if none came."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._frame is not None or self._closed, max(0.0, timeout)):
                return None
            frame, self._frame = self._frame, None
            return None if self._closed else frame

    @property
    def health(self) -> Health:
        """How the source does now; a source that was well and has stalled says so."""
        with self._changed:
            now = self._clock()
            condition, message = self._condition, self._message
            stalled = now - self._since >= self._stall
            if stalled and condition in (Condition.LIVE, Condition.BLACK):
                condition, message = self._stalled
            return Health(
                condition=condition,
                message=message,
                size=self._size,
                fps=0.0 if stalled else self._rate(),
                captured=self._captured,
                dropped=self._dropped,
                name=self._name,
                granted=self._granted,
            )

    def close(self) -> None:
        """Nothing more can be read; who waits is woken."""
        with self._changed:
            if self._frame is not None:
                self._dropped += 1
            self._frame, self._closed = None, True
            self._changed.notify_all()

    def _rate(self) -> float:
        """Pictures a second over the last RATE_SECONDS."""
        if not self._times:
            return 0.0
        recent = [moment for moment in self._times if moment >= self._times[-1] - RATE_SECONDS]
        return (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0
