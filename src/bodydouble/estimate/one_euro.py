"""The One Euro filter, for the points that place the next region.

Any unit of value; seconds; cutoffs in hertz. Source: Casiez, Roussel, Vogel, "1 euro filter", CHI 2012, with the speed
measured in object sizes a second as in google-ai-edge/mediapipe, util/filtering/one_euro_filter.cc
"""

from __future__ import annotations

import math

import numpy as np

from bodydouble.types import Array

SPEED_CUTOFF = 1.0  # hertz; derivate_cutoff there
UNKNOWN_STEP = 1 / 30  # seconds taken to have passed when time stamps stand still or run backwards


class OneEuro:
    """A low-pass filter whose cutoff grows with speed."""

    def __init__(self, min_cutoff: float, beta: float) -> None:
        self.min_cutoff = min_cutoff
        self.beta = beta
        self._time = -math.inf
        self._raw: Array | None = None
        self._value: Array = np.zeros(0)
        self._speed: Array = np.zeros(0)

    def __call__(self, raw: Array, time: float, size: float) -> Array:
        """The steadied value. size: of the object, in the value's unit; speeds count in sizes a second."""
        if self._raw is None:
            self._raw, self._value, self._speed = raw, raw, np.zeros_like(raw)
        else:
            step = time - self._time if time > self._time else UNKNOWN_STEP
            speed = (raw - self._raw) / (size * step)
            self._speed = self._speed + _share(SPEED_CUTOFF, step) * (speed - self._speed)
            share = _share(self.min_cutoff + self.beta * np.abs(self._speed), step)
            self._value = self._value + share * (raw - self._value)
            self._raw = raw
        self._time = time
        return self._value


def _share(cutoff: Array | float, step: float) -> Array:
    """The new value's weight in a low-pass filter of this cutoff, `step` seconds after the last value."""
    return np.asarray(1.0 / (1.0 + 1.0 / (2 * math.pi * cutoff * step)))
