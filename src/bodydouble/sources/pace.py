"""When each picture of a clip that plays in a loop is due, and which ones to leave out when it is late.

Seconds on the live clock; no clock of its own, so it can be tested without waiting.
"""

from __future__ import annotations

import math

CATCH_UP_SECONDS = 0.4  # a clip that stays late for so long goes on from where it is, instead of racing after the clock
SHOWN_AT_LEAST = 0.1  # seconds between pictures of a clip that is late: ten a second still look like motion
SLOW_SECONDS = 5.0  # so long after having given up catching up, a clip counts as too heavy for the machine


class Pace:
    """The clock of one clip. step: seconds from picture to picture, as a rule. now: when it starts.

    Loops follow each other without a gap: the due times are the start plus whole periods plus the clip's own times.
    """

    def __init__(self, step: float, now: float) -> None:
        self._step = step
        self._start = now
        self._period = 0.0
        self._shown = -math.inf
        self._late_since: float | None = None
        self._gave_up = -math.inf

    def due(self, at: float) -> float:
        """When the picture at `at` seconds of the clip is due."""
        return self._start + at

    def shows(self, at: float, now: float) -> bool:
        """Whether to show the picture at `at`, rather than leave it out to catch up.

        Whole loops that were missed are left out at once. A clip that cannot catch up plays on from here.
        """
        late = now - self.due(at)
        if self._period and late >= self._period:
            self._start += math.floor(late / self._period) * self._period
            late = now - self.due(at)
        if late <= self._step:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = now
        elif now - self._late_since >= CATCH_UP_SECONDS:
            self._start, self._late_since, self._gave_up = now - at, None, now
        if self._late_since is not None and now - self._shown < SHOWN_AT_LEAST:
            return False
        self._shown = now
        return True

    def loops(self, period: float) -> None:
        """The clip begins again; it took `period` seconds."""
        self._start += period
        self._period = period

    def is_slow(self, now: float) -> bool:
        """Whether the clip was too heavy for the machine a moment ago."""
        return now - self._gave_up < SLOW_SECONDS
