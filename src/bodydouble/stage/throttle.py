"""How fast one page may talk: so many messages a second, some more at once. Token bucket, no clock of its own."""

from __future__ import annotations

from collections.abc import Callable

RATE = 240.0  # messages a second; a page at 144 Hz acknowledges each picture, and drags sliders
BURST = 480.0


class Throttle:
    """Counts one page's messages."""

    def __init__(self, clock: Callable[[], float], rate: float = RATE, burst: float = BURST) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._since = clock()

    def spend(self) -> float:
        """One message came: seconds to wait before the next is read, 0 if there is room."""
        time = self._clock()
        self._left = min(self._burst, self._left + (time - self._since) * self._rate) - 1
        self._since = time
        return max(0.0, -self._left / self._rate)
