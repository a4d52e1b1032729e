"""How steady the smoother is on motion capture with seeded noise, against 310 settings of four other filters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from itertools import product
from pathlib import Path

import numpy as np

from bodydouble.bench import bvh, filters, landmarks, steadiness, trials
from bodydouble.bench.filters import Family, Setting
from bodydouble.bench.landmarks import View
from bodydouble.bench.steadiness import SPACES, Figures, Filtered, Lateness
from bodydouble.bench.trials import Sights
from bodydouble.films import Told
from bodydouble.smooth import Smoother
from bodydouble.types import Array, BodyDoubleError, Pose

Filter = tuple[str, str]  # family, setting in words
VIEW = View()
AMOUNTS = (0.25, 0.5, 0.6, 0.75, 1.0)
OURS, NOTHING = "bodydouble", "no filter"
LAGS = (10.0, 20.0, 33.0, 67.0)  # ms at which the best are chosen
SHORTEST, LONGEST = 2.0, 30.0  # seconds of a motion: below nothing can be judged, beyond is not looked at


@dataclass(frozen=True, slots=True, eq=False)
class _Motion:
    """A file's name, its first pose and its motion."""

    name: str
    first: Pose
    truth: Sights


@dataclass(frozen=True, slots=True)
class Row:
    """What one filter did: its family and setting, in one space, on one motion with one seed; ours with ms a frame."""

    family: str
    words: str
    space: str
    motion: str
    seed: int
    figures: Figures
    ms: float = 0.0


@dataclass(slots=True)
class Steadiness:
    """All that was measured. complete: whether nothing was stopped."""

    motions: list[str]
    seeds: int
    rows: list[Row] = field(default_factory=list)
    complete: bool = True

    def means(self, space: str, motion: str = "") -> dict[Filter, Figures]:
        """Each filter's figures in a space, means over seeds and motions, or on one motion."""
        groups: dict[Filter, list[Figures]] = {}
        for row in self.rows:
            if row.space == space and motion in ("", row.motion):
                groups.setdefault((row.family, row.words), []).append(row.figures)
        return {which: _over(figures, np.mean) for which, figures in groups.items()}

    def worst(self, space: str) -> dict[Filter, Figures]:
        """Each filter's worst figures in a space: of its motions, each the mean of its seeds."""
        each = [self.means(space, motion) for motion in dict.fromkeys(row.motion for row in self.rows)]
        return {which: _over([means[which] for means in each if which in means], np.max) for which in each[0]}

    def ms(self, which: Filter) -> float:
        """Milliseconds a frame that one of ours took, median."""
        return float(np.median([row.ms for row in self.rows if (row.family, row.words) == which]))


def best(means: Mapping[Filter, Figures], lag: float, ours: bool) -> Filter | None:
    """The filter with the least jitter at rest that is at most `lag` ms late: one of ours, or one of all others."""
    fits = [which for which, figures in means.items() if figures.lag <= lag and (which[0] == OURS) == ours]
    return min(fits, key=lambda which: means[which].rest, default=None)


def measure_smoothing(
    files: Sequence[Path], told: Told, *, seeds: int = 2, amounts: Sequence[float] = AMOUNTS, view: View = VIEW
) -> Steadiness:
    """Every filter on every file with every seed. What was measured before Ctrl-C is kept.

    Raises BodyDoubleError for a file that cannot be used, before anything is measured.
    """
    motions = [_truth(path, view) for path in files]
    results = Steadiness([motion.name for motion in motions], seeds)
    total = len(motions) * seeds
    try:
        for done, (motion, seed) in enumerate(product(motions, range(seeds))):
            told.step(done, total, f"{motion.name}, seed {seed}")
            results.rows += _measured(motion, seed, amounts, view)
    except KeyboardInterrupt:
        results.complete = False
    if not results.rows:
        raise BodyDoubleError("stopped before anything was measured")
    return results


def _truth(path: Path, view: View) -> _Motion:
    """A file's motion, of LONGEST seconds at most."""
    motion = bvh.read(path)
    if motion.times[-1] < SHORTEST:
        raise BodyDoubleError(f"{path}: {motion.times[-1]:.1f} s of motion; wanted {SHORTEST:g} s at least")
    poses = landmarks.poses(motion, view)[: round(LONGEST * view.fps)]
    return _Motion(path.name, poses[0], trials.sights(poses))


def _measured(motion: _Motion, seed: int, amounts: Sequence[float], view: View) -> list[Row]:
    """All filters on one motion with one seed."""
    one = trials.trial(motion.truth, view, seed)
    step, arm = trials.stepped(motion.truth, view)
    late = {space: Lateness(steadiness.metres(one.truth, space, view), one.warm, view.fps) for space in SPACES}
    rows = []
    for space in SPACES:
        streams = [steadiness.metres(seen, space, view) for seen in (one.good, one.bad, one.rest, step)]
        scale = 1.0 if space == "world" else 1 / float(np.ptp(streams[0], axis=1).mean())
        for family in (Family((Setting(NOTHING, ""),), _nothing), *filters.families(space)):
            outs = [family.run(values, 1 / view.fps, scale) for values in streams]
            filtered = Filtered(outs[0], outs[1], outs[2], outs[3][:, :, arm, 1])
            for setting, figures in zip(
                family.settings, steadiness.judged(filtered, one, late[space], space, view), strict=True
            ):
                rows.append(Row(setting.family, setting.words, space, motion.name, seed, figures))
    for amount in amounts:
        outs_ours, ms = [], []
        for seen in (one.good, one.bad, one.rest, step):
            out, spent = _smoothed(seen.poses(motion.first), amount)
            outs_ours.append(out)
            ms.append(spent)
        for space in SPACES:
            values = [steadiness.metres(seen, space, view)[None] for seen in outs_ours]
            filtered = Filtered(values[0], values[1], values[2], values[3][:, :, arm, 1])
            (figures,) = steadiness.judged(filtered, one, late[space], space, view)
            rows.append(Row(OURS, f"{amount:g}", space, motion.name, seed, figures, ms[0]))
    return rows


def _nothing(values: Array, step: float, scale: float) -> Array:
    """No filter, as a family of one setting."""
    return values[None]


def _smoothed(poses: list[Pose], amount: float) -> tuple[Sights, float]:
    """What the smoother makes of poses, and milliseconds a frame."""
    smooth = Smoother(amount)
    start = time.perf_counter()
    out = [smooth(pose) for pose in poses]
    return trials.sights(out), (time.perf_counter() - start) / len(poses) * 1000


def _over(figures: Iterable[Figures], of: Callable[[list[float]], np.floating]) -> Figures:
    """Figures taken together, one by one."""
    return Figures(*(float(of(list(column))) for column in zip(*map(astuple, figures), strict=True)))
