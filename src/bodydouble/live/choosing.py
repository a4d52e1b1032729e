"""Whom to follow, by a point of the picture: a click.

Models that follow one person see nobody else, so the newest frame is searched for everybody beside the run, and the
model is then pointed at the one who was meant. Fractions of the picture, x right, y down; boxes in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodydouble.estimate import Steered, load
from bodydouble.live.background import Worker
from bodydouble.live.estimators import live_threads
from bodydouble.live.models import Models
from bodydouble.live.newest import Newest
from bodydouble.live.performance import Performance
from bodydouble.pipeline import PEOPLE_AT_MOST
from bodydouble.tracking import VISIBLE, beside
from bodydouble.types import Array, Frame, Pose

NOBODY = "Nobody was found where you clicked; click on the middle of a person"
NOT_NOW = "Everybody has a character of their own now; choose one person in the settings to follow somebody"
PATIENCE = 3.0  # seconds in which a model that sees everybody finds the one who was clicked


@dataclass(frozen=True, slots=True)
class _Place:
    """A point of a picture in pixels."""

    x: float
    y: float


class Choosing:
    """Carries out clicks. `ask` is for any thread, `step` for the engine's."""

    def __init__(self) -> None:
        self._asked: Newest[tuple[float, float]] = Newest()
        self._finder: Worker[list[Pose]] = Worker("choosing")
        self._meant: tuple[float, float, float] | None = None  # x, y and until when a model that sees all may find it

    def ask(self, x: float, y: float) -> None:
        """Follow whoever is there, soon."""
        self._asked.put((x, y))

    def step(self, frame: Frame, performance: Performance, models: Models, time: float) -> str:
        """Go on with a frame that was just looked at. Returns why a click came to nothing, "" if none did."""
        click = self._asked.take(0.0)
        if click is not None:
            if performance.config.person == "all":
                return NOT_NOW
            if isinstance(performance.watch and performance.watch.estimate, Steered) and models.people == 1:
                model = models.wanted
                self._finder.ask(click, lambda: _everybody(frame, model.model, model.device))
            else:
                models.see_all()
                self._meant = (*click, time + PATIENCE)
        return self._found(frame, performance) or self._met(frame, performance, models, time)

    def close(self) -> None:
        """Stop searching."""
        self._asked.close()
        self._finder.close()

    def _found(self, frame: Frame, performance: Performance) -> str:
        """Point the model at the one whom the search found."""
        outcome = self._finder.take()
        if outcome is None:
            return ""
        if outcome.value is None:
            return outcome.fault
        if not isinstance(outcome.key, tuple):
            return ""
        x, y = outcome.key
        place = _Place(x * frame.size[0], y * frame.size[1])
        there = [pose for pose in outcome.value if beside(pose, place.x, place.y) <= 0]
        if not there:
            return NOBODY
        meant = min(there, key=lambda pose: _from_middle(pose, place))
        return "" if performance.follow(frame, box(meant)) else NOBODY

    def _met(self, frame: Frame, performance: Performance, models: Models, time: float) -> str:
        """Choose among the people whom a model sees that sees everybody."""
        if self._meant is None or performance.watch is None:
            return ""
        x, y, until = self._meant
        if models.people > 1 and performance.watch.identify.choose(x * frame.size[0], y * frame.size[1]):
            self._meant = None
        elif models.people > 1 and time > until:
            self._meant = None
            return NOBODY
        elif models.people == 1:  # still being loaded
            self._meant = (x, y, time + PATIENCE)
        return ""


def _everybody(frame: Frame, model: str, device: str) -> list[Pose]:
    """All people of one frame."""
    estimator = load(model, device=device, people=PEOPLE_AT_MOST, threads=live_threads())
    return estimator(frame)


def _seen(pose: Pose) -> Array:
    """(N, 2) the points that are seen, or all of them when hardly any is."""
    seen = pose.scores >= VISIBLE
    return pose.points[seen] if np.count_nonzero(seen) > 2 else pose.points


def _from_middle(pose: Pose, place: _Place) -> float:
    points = _seen(pose)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    return float(np.hypot(*(middle - (place.x, place.y))))


def box(pose: Pose) -> Array:
    """(4,) x, y, width, height in pixels around what is seen of a person."""
    points = _seen(pose)
    low, high = points.min(axis=0), points.max(axis=0)
    return np.concatenate([low, high - low])
