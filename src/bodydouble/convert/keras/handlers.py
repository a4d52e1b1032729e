"""All handlers of layers, by their classes."""

from __future__ import annotations

from bodydouble.convert.keras import (
    core,
    merging,
    normalization,
    preprocessing,
    recurrent,
    superresolution,
    windows,
    wrappers,
)
from bodydouble.convert.keras.calls import LAYERS, PASSING

# Classes that take masks and say themselves what becomes of them.
MASKING = frozenset({*core.MASKING, *merging.MASKING, *recurrent.MASKING, *wrappers.MASKING})

__all__ = [
    "LAYERS",
    "MASKING",
    "PASSING",
    "core",
    "merging",
    "normalization",
    "preprocessing",
    "superresolution",
    "windows",
]
