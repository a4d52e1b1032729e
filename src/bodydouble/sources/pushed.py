"""Pictures that somebody else takes and hands in: the browser's own camera.

`push` may be called from any thread and returns at once; a thread of its own decodes, the newest picture first and
only. No more than one picture waits, so memory does not grow with what is pushed.
"""

from __future__ import annotations

import math
import threading
import time

import cv2
import numpy as np

from bodydouble.sources.black import BlackWatch
from bodydouble.sources.jpeg import LONGEST_SIDE, size_of_jpeg
from bodydouble.sources.live import BROWSER, Clock, Condition, Health
from bodydouble.sources.newest import Newest
from bodydouble.types import BodyDoubleError, Frame, Image

SILENCE_SECONDS = 1.5  # pages send 15 to 60 pictures a second; a hidden tab is slowed to one
OLDEST_SECONDS = 10.0  # a picture said to be older than this comes from a page whose clock is not set yet
# A page's clock that jumps back is made up for in steps of this share of the time between pictures.
CATCHING_UP = 0.5
LONGEST_REASON = 300  # characters of a page's own reason that are shown
_JOIN_SECONDS = 5.0  # the largest picture allowed decodes in a tenth of a second

FIRST = "waiting for the browser's camera; open the control page and allow it to use the camera"
SILENT = "no picture comes from the browser's camera; keep its page open and in front, a hidden tab is slowed down"
BLACK = "the browser's camera shows nothing; open its lens cover or privacy switch, or turn on a light"
UNREADABLE = "the browser's pictures cannot be decoded; reload the control page"


class Pushed:
    """The browser's camera as a LiveSource (live.py). WAITING until the first picture, and when they stop."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._newest = Newest(BROWSER, clock, (Condition.WAITING, SILENT), stall=SILENCE_SECONDS)
        self._newest.trouble(Condition.WAITING, FIRST)
        self._times = Retimed()
        self._changed = threading.Condition()
        self._waiting: tuple[bytes, float] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="bodydouble-browser-camera", daemon=True)
        self._thread.start()

    def push(self, jpeg: bytes, captured: float) -> None:
        """Hand in a picture, taken at `captured` on the clock. A time ahead of the clock or running back is set right.

        Raises BodyDoubleError for what is no JPEG, is cut short, or is over 4096 pixels a side or 8 MB; nothing stops.
        """
        if not isinstance(jpeg, bytes | bytearray | memoryview):
            raise BodyDoubleError(f"a picture of type {type(jpeg).__name__}; wanted the bytes of a JPEG")
        data = bytes(jpeg)
        size_of_jpeg(data)
        with self._changed:
            if self._closed:
                return
            taken = self._times(_number(captured), self._clock())
            if taken is None or self._waiting is not None:
                self._newest.skip()
            if taken is not None:
                self._waiting = data, taken
                self._newest.expect((Condition.WAITING, SILENT))
                self._changed.notify()

    def waiting(self, message: str) -> None:
        """Say why no picture comes, in the page's own words; the next picture takes it back. "" for no reason known."""
        reason = (Condition.WAITING, " ".join(message.split())[:LONGEST_REASON] or SILENT)
        with self._changed:
            self._drop_waiting()
            self._newest.expect(reason)  # a picture that is just being decoded may still come after this
            self._newest.trouble(*reason)

    def read(self, timeout: float) -> Frame | None:
        """The newest frame not read before; None after `timeout` seconds without one."""
        return self._newest.read(timeout)

    @property
    def health(self) -> Health:
        """How the page's camera does."""
        return self._newest.health

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._drop_waiting()
            self._closed = True
            self._changed.notify()
        self._newest.close()
        self._thread.join(_JOIN_SECONDS)

    def _drop_waiting(self) -> None:
        """Forget the picture that waits to be decoded."""
        if self._waiting is not None:
            self._waiting = None
            self._newest.skip()

    def _run(self) -> None:
        blind = BlackWatch()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting is not None)
                waiting, self._waiting = self._waiting, None
            if waiting is None:
                return
            image = decode(waiting[0])
            if image is None:
                self._newest.skip()
                self._newest.trouble(Condition.FAILED, UNREADABLE)
            elif blind(image, waiting[1]):
                self._newest.put(image, waiting[1], Condition.BLACK, BLACK)
            else:
                self._newest.put(image, waiting[1])


def decode(jpeg: bytes) -> Image | None:
    """(H, W, 3) uint8 RGB, upright by its orientation tag; None if the decoder cannot read it."""
    try:
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        if image is None or max(image.shape[:2]) > LONGEST_SIDE:
            return None
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    except (cv2.error, MemoryError):
        return None


class Retimed:
    """Times as a page gives them, made to grow and never to lie ahead of now."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._arrived = 0.0

    def __call__(self, captured: float, now: float) -> float | None:
        """Seconds of a picture that arrived `now`; None for one that came at the same moment as the last.

        A page whose clock is set back goes on in half steps until its times have caught up: the steps between pictures
        stay near what they were, and speeds that are worked out from them stay sane.
        """
        taken = captured if now - OLDEST_SECONDS <= captured <= now else now
        if self._last is not None:
            step = CATCHING_UP * (now - self._arrived)
            taken = min(max(taken, self._last + step), now)
            if taken <= self._last:
                return None
        self._last, self._arrived = taken, now
        return taken


def _number(captured: float) -> float:
    """The time as a float; what is no finite number lies infinitely far ahead, and so counts as now."""
    try:
        value = float(captured)
    except (TypeError, ValueError, OverflowError):
        return math.inf
    return value if math.isfinite(value) else math.inf
