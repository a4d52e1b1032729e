"""Measuring: every stage on a clip (stages.py), models on devices (speed.py), steadiness on motions (smooth.py)."""

from bodydouble.bench.smooth import measure_smoothing
from bodydouble.bench.speed import measure_models
from bodydouble.bench.stages import measure

__all__ = ["measure", "measure_models", "measure_smoothing"]
