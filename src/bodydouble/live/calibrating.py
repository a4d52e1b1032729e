"""One button's calibration: a countdown, then standing still until enough is seen, then the neutral posture or why not.

Time comes with every call. Seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from bodydouble.live.moment import CalibrationState
from bodydouble.retarget.neutral import Neutral, NeutralWatch
from bodydouble.types import BodyDoubleError, Camera, Pose

SHOWN = 8.0  # seconds for which "done" or "failed" is shown
MOST_COUNTDOWN = 60.0


class Calibrating:
    """Where a calibration is. `step` is for the engine's thread, all else for any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watch: NeutralWatch | None = None
        self._state = "none"
        self._until = 0.0
        self._message = ""

    def begin(self, seconds: float, time: float) -> None:
        """Count down from now. Raises BodyDoubleError for a time that nobody would wait."""
        if not 0 < seconds <= MOST_COUNTDOWN:
            raise BodyDoubleError(
                f"a countdown of {seconds:g} seconds; wanted more than 0 and at most {MOST_COUNTDOWN:g}"
            )
        with self._lock:
            self._state, self._until, self._message = "countdown", time + seconds, ""
            self._watch = None

    def forget(self) -> None:
        """Leave off whatever is going on."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._state, self._message, self._watch = "none", "", None

    def step(self, people: Sequence[Pose], time: float, camera: Camera | None) -> Neutral | None:
        """Go on with one frame's people; what was learnt, when it is done, else None.

        camera: as posture() takes it.
        """
        with self._lock:
            if self._state in ("done", "failed") and time >= self._until:
                self._forget()
            if self._state == "countdown" and time >= self._until:
                self._state, self._watch = "holding", NeutralWatch(camera)
            watch = self._watch
            if watch is None:
                return None
            watch.add(people, time)
            if not watch.finished:
                self._until = time + watch.seconds
                return None
            self._watch = None
            self._until = time + SHOWN
            try:
                learnt = watch.result()
            except BodyDoubleError as fault:
                self._state, self._message = "failed", str(fault)
                return None
            self._state, self._message = "done", learnt.note
            return learnt

    def report(self, time: float) -> CalibrationState:
        """How far it is."""
        with self._lock:
            counting = self._state in ("countdown", "holding")
            left = max(self._until - time, 0.0) if counting else 0.0
            return CalibrationState(self._state, left, self._message)
