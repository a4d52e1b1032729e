"""Which of several people is the one that is followed, by where their points are.

Pixels and seconds. A person is an array (17, 3) of x, y, score. Distances between people are in sizes of a body, the
spread of its points, which is about a quarter of its height.
"""

from __future__ import annotations

import numpy as np

from bodydouble.types import Array

PATIENCE = 1.0  # seconds after a loss during which nobody else is taken
NEARBY = 1.5  # sizes between the points of one person in two frames, and a change of size by e counts as one more


class Lock:
    """Keeps to one person: the largest at first, then whoever is where they were."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget whom."""
        self._last: Array | None = None
        self._time = 0.0

    def __call__(self, people: Array, scores: Array, time: float) -> int | None:
        """Which of the people it is, None if none of them. people: (P, 17, 3), P at least 1. scores: (P,) of people."""
        if self._last is not None and not 0 <= time - self._time <= PATIENCE:
            self._last = None
        if self._last is None:
            chosen = int(np.argmax([size(person) * score for person, score in zip(people, scores, strict=True)]))
        else:
            unlike = [apart(self._last, person) + other_size(self._last, person) for person in people]
            chosen = int(np.argmin(unlike))
            if unlike[chosen] > NEARBY:
                return None
        self._last, self._time = people[chosen], time
        return chosen


def size(person: Array) -> float:
    """How far a person's points spread around their middle, pixels: root of the mean square, sure ones count more."""
    points, weights = person[:, :2], _shares(person[:, 2])
    away = points - weights @ points
    return float(np.sqrt(weights @ (away**2).sum(axis=1)))


def apart(person: Array, other: Array) -> float:
    """Mean distance between the same points of two people, in sizes of the first, where both are sure."""
    distances = np.linalg.norm(person[:, :2] - other[:, :2], axis=1)
    return float(_shares(person[:, 2] * other[:, 2]) @ distances) / max(size(person), 1.0)


def other_size(person: Array, other: Array) -> float:
    """How much larger or smaller the other is: the logarithm of the ratio of their sizes, 0 for equal ones."""
    return abs(float(np.log(max(size(other), 1.0) / max(size(person), 1.0))))


def _shares(weights: Array) -> Array:
    """Weights that sum to 1, equal if there are none."""
    total = weights.sum()
    return weights / total if total > 0 else np.full(len(weights), 1 / len(weights))
