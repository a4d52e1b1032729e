"""How long a frame takes to become a pose, a posed character and a picture: percentiles over the last seconds.

Times are seconds on the program's clock, figures milliseconds. Memory is bounded: what is older than WINDOW is dropped,
and there is a most of everything. Any thread may call. What pages say is checked: a wrong clock changes nothing.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterable

from bodydouble.live.moment import LatencyFigures

WINDOW = 10.0  # seconds that the figures are of
MOST = 4096  # values kept of each kind: ten seconds of six pages at 60 Hz
AWAITED = 1024  # moments whose acknowledgement is still expected: ten seconds at 100 Hz
AHEAD = 1.0  # seconds by which a page's clock may be wrong before its word is not taken
FRESH = 2.0  # seconds for which a page's own rate counts after it was told
SETTLING = 0.5  # seconds in which the delay that prediction makes up for follows the measured one
MOST_WORK = 10e3  # milliseconds for a picture that no page takes
MOST_RATE = 1000.0  # pictures a second that no screen has


class Latency:
    """Collects what was published and what pages have made of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._captured: dict[int, float] = {}  # by sequence, in order
        self._ready: deque[tuple[float, float]] = deque(maxlen=MOST)  # (when, seconds since capture)
        self._posed: deque[tuple[float, float]] = deque(maxlen=MOST)
        self._drawn: deque[tuple[float, float]] = deque(maxlen=MOST)
        self._rates: deque[tuple[float, float]] = deque(maxlen=MOST)
        self._work: deque[tuple[float, float]] = deque(maxlen=MOST)
        self._delay: float | None = None
        self._delay_at = 0.0

    def published(self, sequence: int, captured: float, ready: float) -> None:
        """A moment with a frame behind it was published."""
        with self._lock:
            self._captured[sequence] = captured
            if len(self._captured) > AWAITED:
                del self._captured[next(iter(self._captured))]
            self._ready.append((ready, ready - captured))
            if not self._posed or ready - self._posed[-1][0] > WINDOW:
                self._settle(ready - captured, ready)  # no page tells: the program's own share is all that is known

    def acknowledge(
        self, sequence: int, posed: float, drawn: float, draw_rate: float, now: float, work: float = 0.0
    ) -> None:
        """A page posed the character with moment `sequence`, and drew it (0: it was overtaken before).

        draw_rate: pictures a second. work: milliseconds of its main thread for one.
        """
        with self._lock:
            captured = self._captured.get(sequence)
            if captured is None or not all(map(math.isfinite, (posed, drawn, draw_rate, work))):
                return
            if captured <= posed <= now + AHEAD:
                self._posed.append((now, posed - captured))
                self._settle(posed - captured, now)
            if captured <= drawn <= now + AHEAD:
                self._drawn.append((now, drawn - captured))
            if 0 <= draw_rate <= MOST_RATE:
                self._rates.append((now, draw_rate))
            if 0 < work <= MOST_WORK:
                self._work.append((now, work))

    def delay(self) -> float:
        """Seconds from a frame's capture until the character shows it, smoothed; 0 before anything is known."""
        with self._lock:
            return self._delay or 0.0

    def figures(self, now: float) -> LatencyFigures:
        """The figures as of `now`."""
        with self._lock:
            for values in (self._ready, self._posed, self._drawn, self._work):
                while values and now - values[0][0] > WINDOW:
                    values.popleft()
            rates = [rate for time, rate in self._rates if now - time <= FRESH]
            return LatencyFigures(
                ready=_percentiles(value for _, value in self._ready),
                posed=_percentiles(value for _, value in self._posed),
                drawn=_percentiles(value for _, value in self._drawn),
                pose_rate=_rate([time for time, _ in self._ready if now - time <= FRESH], now),
                draw_rate=max(rates, default=0.0),
                work=_percentiles(1e-3 * value for _, value in self._work)[0],
            )

    def _settle(self, value: float, now: float) -> None:
        """Let the delay follow `value`: steadily, so that what is predicted for never leaps."""
        if self._delay is None:
            self._delay = value
        else:
            self._delay += -math.expm1(-max(now - self._delay_at, 0.0) / SETTLING) * (value - self._delay)
        self._delay_at = now


def _percentiles(values: Iterable[float]) -> tuple[float, float]:
    """50th and 95th percentile in milliseconds, (0, 0) of nothing."""
    ordered = sorted(values)
    if not ordered:
        return 0.0, 0.0
    last = len(ordered) - 1
    return 1e3 * ordered[round(0.5 * last)], 1e3 * ordered[round(0.95 * last)]


def _rate(times: list[float], now: float) -> float:
    """Events a second: their intervals, and the wait since the last if that is longer than usual."""
    if len(times) < 2:
        return 0.0
    spacing = (times[-1] - times[0]) / (len(times) - 1)
    return 1 / max(spacing, (now - times[0]) / len(times), 1e-9)
