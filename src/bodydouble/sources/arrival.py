"""When a stream's pictures were taken, from their own time stamps and the moments at which they arrived.

Networks deliver in bursts; the stamps are even but count from anywhere. The quickest delivery so far ties the two:
a picture was taken at its stamp plus the least delay seen, which may grow slowly, as two clocks that run apart make it.
"""

from __future__ import annotations

import math

DRIFT = 1e-3  # seconds a second by which the tie may move: quartz clocks differ by 1e-4 at most
JUMP_SECONDS = 2.0  # stamps that differ from the arrivals by more have begun anew
USUAL_STEP = 1 / 30  # seconds from picture to picture where stamps are missing


class Arrival:
    """Seconds on the live clock for each picture; they never lie ahead of its arrival."""

    def __init__(self) -> None:
        self._tie: float | None = None
        self._arrived = -math.inf

    def __call__(self, stamp: float | None, arrived: float) -> float:
        """When the picture with this stamp (its stream's seconds; None: unknown) was taken, given when it arrived."""
        if stamp is None or not math.isfinite(stamp):
            return arrived
        tie = arrived - stamp
        if self._tie is None or abs(tie - self._tie) > JUMP_SECONDS:
            self._tie = tie
        else:
            self._tie = min(tie, self._tie + DRIFT * (arrived - self._arrived))
        self._arrived = arrived
        return min(stamp + self._tie, arrived)
