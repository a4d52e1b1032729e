"""Which model: the heaviest that holds the rate, without going back and forth. Only decisions; no clock, no model.

A rung of the ladder is left downwards as soon as frames take longer than they may, over DOWN_SECONDS. It is left
upwards only after CALM seconds in which the next one would have had room to spare, as the times measured and the costs
known say; a climb that fails is remembered, and tried again after a wait that doubles. Seconds.
Why these figures: docs/decisions/live.md
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bodydouble.types import BodyDoubleError

DOWN_AT, UP_AT, LANDING = 0.95, 0.70, 0.85  # shares of the period: too slow, room to spare, good enough to fall to
DOWN_SECONDS = 1.2  # measured before a model is given up
CALM = 8.0  # seconds of room to spare before a heavier one is tried
SETTLE = 0.7  # seconds after an exchange that are not measured: caches are cold, people are looked for
FEWEST, LEAST_FRAMES = 3, 8  # measured before a model is given up, before a heavier one is tried
FAILED_WITHIN = 20.0  # a fall so soon after a climb means that the climb was wrong
FIRST_WAIT, LONGEST_WAIT = 30.0, 600.0  # seconds until a failed climb is tried again: at first, and at most
GONE = 300.0  # seconds until a model that could not be had is asked for again
LEARNT = 0.5  # share of what is known of a cost that a new measurement replaces
TRUSTED = 2.5  # ratio by which a measured cost may differ from the known one
QUANTILE = 0.8  # of the times of frames: one in five may be late
MOST_PERIOD = 1 / 20  # seconds that a model may take however slow the camera is: the character would lag


@dataclass(frozen=True, slots=True)
class Rung:
    """A model and how long it takes for a frame, as a ratio to the others'."""

    model: str
    cost: float


@dataclass(frozen=True, slots=True)
class _Sample:
    time: float
    model: float
    rest: float


class Governor:
    """Chooses among models, lightest first; start: the one to begin with. Raises BodyDoubleError if it is not there."""

    def __init__(self, ladder: Sequence[Rung], start: str) -> None:
        names = [rung.model for rung in ladder]
        if start not in names or any(a.cost > b.cost for a, b in pairwise(ladder)):
            raise BodyDoubleError(f'a ladder of {", ".join(names)} that starts at "{start}"; wanted lightest first')
        self._ladder = tuple(ladder)
        self._cost = [rung.cost for rung in ladder]
        self._choice = self._using = names.index(start)
        self._samples: deque[_Sample] = deque()
        self._since: float | None = None  # when the model in use was taken up
        self._climbed_at: float | None = None
        self._waits = [0.0] * len(ladder)
        self._barred = [0.0] * len(ladder)  # until when each may not be climbed to
        self._before: tuple[int, float] | None = None  # what was used before, and how long it took

    @property
    def choice(self) -> str:
        """The model to use."""
        return self._ladder[self._choice].model

    @property
    def lighter(self) -> str | None:
        """The next lighter model than the one chosen: what a fall would need."""
        return self._ladder[self._choice - 1].model if self._choice else None

    def using(self, model: str, time: float) -> None:
        """The model that looks at frames from now on."""
        row = next((row for row, rung in enumerate(self._ladder) if rung.model == model), None)
        if row is None or (row == self._using and self._since is not None):
            return
        if self._since is not None and len(self._samples) >= LEAST_FRAMES:
            self._before = (self._using, self._times()[0])
        self._climbed_at = time if row > self._using and self._since is not None else None
        self._using, self._since = row, time
        self._samples.clear()

    def unavailable(self, model: str, time: float) -> None:
        """A model could not be had: go on with the one in use, or if there is none with another."""
        row = next((row for row, rung in enumerate(self._ladder) if rung.model == model), None)
        if row is None:
            return
        self._barred[row] = time + GONE
        if self._choice != row:
            return
        if self._since is not None and self._using != row:
            self._choice = self._using
            return
        free = [other for other in range(len(self._ladder)) if self._barred[other] <= time]
        below = [other for other in free if other < row]
        self._choice = max(below) if below else min(free, default=row)

    def observe(self, time: float, model: float, rest: float, period: float) -> None:
        """One frame with somebody in it: seconds the model took, and all else; period: between two frames."""
        if self._since is None or time - self._since < SETTLE:
            return
        self._samples.append(_Sample(time, model, rest))
        while time - self._samples[0].time > CALM:
            self._samples.popleft()
        period = min(period, MOST_PERIOD)
        if self._choice >= self._using and self._too_slow(time, period):
            self._fall(time, period)
        elif self._choice == self._using:
            self._learn(time)
            self._climb(time, period)

    def _late(self, time: float) -> list[_Sample]:
        """The samples that tell whether the model is too slow now."""
        recent = [sample for sample in self._samples if time - sample.time <= DOWN_SECONDS]
        return recent if len(recent) >= FEWEST else list(self._samples)[-FEWEST:]

    def _times(self, samples: Iterable[_Sample] | None = None) -> tuple[float, float]:
        """How long the model and all else take, of some samples or of all."""
        recent = list(self._samples if samples is None else samples)
        return _quantile([sample.model for sample in recent]), _quantile([sample.rest for sample in recent])

    def _predicted(self, row: int, times: tuple[float, float]) -> float:
        """Seconds a frame would take with another model."""
        return times[0] * self._cost[row] / self._cost[self._using] + times[1]

    def _too_slow(self, time: float, period: float) -> bool:
        if len(self._samples) < FEWEST or time - self._samples[0].time < 0.8 * DOWN_SECONDS:
            return False
        recent = self._late(time)
        return _quantile([sample.model + sample.rest for sample in recent]) > DOWN_AT * period

    def _fall(self, time: float, period: float) -> None:
        """To the heaviest lighter model that should hold the rate, else the lightest."""
        row = self._using
        if row == 0:
            self._choice = 0
            return
        times = self._times(self._late(time))
        fits = [low for low in range(row) if self._predicted(low, times) <= LANDING * period]
        self._choice = max(fits, default=0)
        failed = self._climbed_at is not None and time - self._climbed_at <= FAILED_WITHIN
        wait = min(max(2 * self._waits[row], FIRST_WAIT), LONGEST_WAIT) if failed else CALM
        if failed:
            self._waits[row] = wait
        for above in range(self._choice + 1, len(self._ladder)):
            self._barred[above] = max(self._barred[above], time + wait) if above >= row else self._barred[above]

    def _climb(self, time: float, period: float) -> None:
        """To the heaviest model that would have had room to spare all the while."""
        if not self._samples or time - self._samples[0].time < 0.95 * CALM or len(self._samples) < LEAST_FRAMES:
            return
        times = self._times()
        free = [
            row
            for row in range(self._using + 1, len(self._ladder))
            if self._barred[row] <= time and self._predicted(row, times) <= UP_AT * period
        ]
        self._choice = max(free, default=self._using)

    def _learn(self, time: float) -> None:
        """What the model costs against the one used before, as soon as enough of it is measured."""
        if self._before is None or self._since is None or time - self._since < SETTLE + DOWN_SECONDS:
            return
        (row, took), self._before = self._before, None
        now = self._times()[0]
        if took <= 0 or now <= 0:
            return
        known = self._ladder[row].cost / self._ladder[self._using].cost
        measured = min(max(took / now, known / TRUSTED), known * TRUSTED)
        ratio = self._cost[row] / self._cost[self._using]
        self._cost[row] = self._cost[self._using] * ratio ** (1 - LEARNT) * measured**LEARNT


def _quantile(values: Sequence[float]) -> float:
    """The QUANTILE of some values, 0 of none."""
    ordered = sorted(values)
    return ordered[min(int(QUANTILE * len(ordered)), len(ordered) - 1)] if ordered else 0.0
