"""When the character goes on by itself, because no frame comes. Only decisions; time comes with every call. Seconds."""

from __future__ import annotations

import math

STALL = 0.25  # without a frame for so long, the character goes on; a camera in the dark gives one every 0.1 to 0.2
LONGEST_STALL = 1.5  # however rarely frames come otherwise: a hidden tab sends one a second
USUAL = 2.5  # periods of a slow source that may pass first
MOST_RATE = 60.0  # moments a second while idle: as a display draws
TURN = 0.1  # at most until what was changed is taken up while no frame comes


class Pace:
    """Knows when frames came. rate: pictures a second that the source gives, 0 unknown; asked: of the source."""

    def __init__(self) -> None:
        self._framed = self._ticked = -math.inf
        self._rate = 0.0
        self._asked = MOST_RATE

    def framed(self, time: float, rate: float, asked: float) -> None:
        """A frame was posed."""
        self._framed, self._rate, self._asked = time, rate, asked

    def due(self, time: float) -> bool:
        """Whether the character is to go on without a frame now; if so, it is taken to do so."""
        if time < self._next() - 1e-4:
            return False
        self._ticked = time
        return True

    def patience(self, time: float) -> float:
        """How long to wait for a frame."""
        return min(max(self._next() - time, 0.0), TURN)

    def period(self) -> float:
        """Between two frames, as they come, or as they were asked for."""
        return 1 / (min(self._rate, self._asked) if self._rate > 0 else self._asked)

    def _next(self) -> float:
        usual = USUAL / self._rate if self._rate > 0 else 0.0
        stall = min(max(STALL, usual), LONGEST_STALL)
        return max(self._framed + stall, self._ticked + 1 / min(self._asked, MOST_RATE))
