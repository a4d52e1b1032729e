"""Whether a camera sees nothing: a covered lens, a privacy switch, a picture of one colour. With hysteresis."""

from __future__ import annotations

import numpy as np

from bodydouble.types import Image

# Levels of 0..255 that 95 of 100 pixels stay below. Covered sensors gave 0 to 12 with their noise; a face lit by a
# screen alone has skin above 40.
DARK, LIGHT = 20.0, 28.0
FLAT = 3  # levels between the lightest and darkest of a picture of one colour; noise alone makes more
DARK_SECONDS = 1.0  # cameras start with a few black pictures, and films have cuts
LIGHT_SECONDS = 0.2
_SAMPLES = 45  # of the shorter side


class BlackWatch:
    """Call with each picture and its time: True while the camera sees nothing."""

    def __init__(self) -> None:
        self._blind = False
        self._since: float | None = None

    def __call__(self, image: Image, now: float) -> bool:
        """image: (H, W, 3) uint8 RGB. now: seconds."""
        step = max(1, min(image.shape[:2]) // _SAMPLES)
        few = image[::step, ::step]
        level = float(np.percentile(few.max(axis=2), 95))
        flat = int(few.max()) - int(few.min()) <= FLAT or bool((np.ptp(few, axis=(0, 1)) <= FLAT).all())
        nothing = level < DARK or flat
        something = level > LIGHT and not flat
        changing = something if self._blind else nothing
        if not changing:
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since >= (LIGHT_SECONDS if self._blind else DARK_SECONDS):
            self._blind, self._since = not self._blind, None
        return self._blind
