"""The one clock of a live run: captures, poses, pictures and pages all tell the time by it."""

from __future__ import annotations

import time


def now() -> float:
    """Seconds on a clock that never runs backwards and is the same for all threads of the process."""
    return time.monotonic()
