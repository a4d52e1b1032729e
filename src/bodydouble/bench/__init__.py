"""Measuring: every stage on a clip (stages.py), and the speed of several models on several devices (speed.py)."""

from bodydouble.bench.speed import measure_models
from bodydouble.bench.stages import measure

__all__ = ["measure", "measure_models"]
