"""How a long live run went, minute by minute. Milliseconds, megabytes; times in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MINUTE = 60.0
FEWEST = 2  # minutes that make a course


@dataclass(frozen=True, slots=True)
class Stretch:
    """A minute or a little more. end: seconds since the beginning. p50, p95: from capture until a page had posed the
    character, 0 if none did, of `count` frames. megabytes: of the program, median.
    """

    end: float
    p50: float
    p95: float
    count: int
    megabytes: float


def course(
    when: Sequence[float], took: Sequence[float], megabytes: Sequence[float], begun: float, seconds: float
) -> tuple[Stretch, ...]:
    """The stretches of a run, all equally long; none of one that was short.

    when, took: when frames were posed, and how long after their capture. megabytes: looked at all the while, evenly.
    begun: when it began; seconds: how long it lasted.
    """
    count = int(seconds // MINUTE)
    if count < FEWEST:
        return ()
    shares = (np.array(when) - begun) / seconds
    taken = 1e3 * np.array(took)
    stretches = []
    for number, memory in enumerate(np.array_split(np.array(megabytes), count)):
        own = taken[(shares >= number / count) & (shares < (number + 1) / count)]
        p50, p95 = np.percentile(own, (50, 95)) if len(own) else (0.0, 0.0)
        middle = float(np.median(memory)) if len(memory) else 0.0
        stretches.append(Stretch((number + 1) / count * seconds, float(p50), float(p95), len(own), middle))
    return tuple(stretches)


def course_lines(stretches: Sequence[Stretch]) -> list[str]:
    """A line for each stretch, under a heading; none for none."""
    if not stretches:
        return []
    lines = [f"{'until':>6} {'posed p50':>10} {'p95 ms':>7} {'frames':>7} {'memory MB':>10}"]
    for one in stretches:
        minutes, rest = divmod(round(one.end), 60)
        clock = f"{minutes}:{rest:02d}"
        lines.append(f"{clock:>6} {one.p50:10.1f} {one.p95:7.1f} {one.count:7d} {one.megabytes:10.0f}")
    return lines
