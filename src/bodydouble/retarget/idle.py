"""What a character does of itself: it breathes and blinks, and while nobody is there it shifts its weight a little.

Laid over a RigPose: character pixels, y down; angles in radians, clockwise as drawn; seconds. All motion is a function
of the time and a seed, so any frame rate shows the same; only how much of it shows is remembered. Feet stay where they
are. Why: docs/decisions/feel.md

    idle = Idle()
    shown = idle(rig, planar(motion), time, absent)  # absent: seconds since the person was last seen, 0.0 while here
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bodydouble.retarget.legs import Leg, leg_of
from bodydouble.types import Rig, RigPose

# Breath. An adult at rest breathes 12 to 18 times a minute, breathing out longer than in (West, Respiratory
# Physiology). How far is looked for on the samples: a chest rises about 1 cm, a character's has to be seen.
BREATH_SECONDS = 4.2
BREATH_WANDER = 0.5  # radians by which the rhythm wanders off its mean
INHALE = 0.42  # share of a breath that goes in
SPINE_GROWS = 0.028  # of its length, at the height of a breath
SHOULDERS_RISE = 0.05  # radians
ARMS_SPREAD = 0.02  # radians
TRACE = 0.12  # share of the breath that shows while a person plays the character

# Blinks: 10 to 20 a minute, 100 to 150 ms each, now and then two in a row (Stern, Walrath and Goldstein 1984, The
# endogenous eyeblink). One falls into each slot, off its middle by at most APART / 2, so that 3 to 6 s lie between two.
BLINK_SLOT = 4.5
BLINK_APART = 1.5
CLOSING, CLOSED, OPENING = 0.040, 0.035, 0.045
DOUBLE = 0.15  # share of blinks that are two
DOUBLE_AFTER = 0.26  # seconds from one to the other

# Idle sway, looked for on the samples: slow and small, so that it is felt more than seen.
SWAY_SECONDS = 7.3  # the period of its slowest part
SWAY = 0.010  # character heights that the hips go to either side
LEAN = 0.016  # radians that the spine leans against it
HEAD_TURN = 0.035  # radians
LOOSE = 0.05  # radians that a bone of spring 1 sways (tails, ears)

FADE_IN = 1.2  # seconds from the person's loss until all of it shows
FADE_OUT = 0.25  # time constant of its end when the person is back

_MIX = 0x9E3779B97F4A7C15
_ALL = (1 << 64) - 1


def chance(seed: int, count: int) -> float:
    """0..1, the same for the same numbers and unlike for others. Source: Vigna's splitmix64."""
    value = (seed * 0xD1B54A32D192ED03 + (count + 1) * _MIX) & _ALL
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & _ALL
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & _ALL
    return float((value ^ value >> 31) >> 11) / (1 << 53)


def wander(time: float, seed: int, period: float) -> float:
    """-1..1, smooth, never quite the same again: three sines of periods that share no multiple. period: the longest."""
    total = 0.0
    for part, (faster, share) in enumerate(((1.0, 0.55), (1.618, 0.3), (2.903, 0.15))):
        total += share * math.sin(math.tau * (time * faster / period + chance(seed, part)))
    return total


def breath(time: float, seed: int = 0) -> float:
    """0 breathed out .. 1 breathed in, at `time`."""
    slow = BREATH_WANDER * wander(time, seed + 1, 31.0)
    share = (time / BREATH_SECONDS + slow / math.tau + chance(seed, 7)) % 1.0
    # in over a shorter, out over a longer half of a cosine; both ends are still
    turn = 0.5 * share / INHALE if share < INHALE else 0.5 + 0.5 * (share - INHALE) / (1 - INHALE)
    return (0.5 - 0.5 * math.cos(math.tau * turn)) * (0.9 + 0.1 * wander(time, seed + 2, 23.0))


def blink(time: float, seed: int = 0) -> float:
    """0 eyes open .. 1 shut, at `time`."""
    slot = math.floor(time / BLINK_SLOT)
    shut = 0.0
    for number in (slot - 1, slot, slot + 1):
        start = (number + 0.5) * BLINK_SLOT + (chance(seed + 3, number) - 0.5) * BLINK_APART
        shut = max(shut, _lid(time - start))
        if chance(seed + 4, number) < DOUBLE:
            shut = max(shut, _lid(time - start - DOUBLE_AFTER))
    return shut


def _lid(since: float) -> float:
    """How far one blink has shut the eyes, `since` seconds after it began."""
    if since <= 0.0 or since >= CLOSING + CLOSED + OPENING:
        return 0.0
    share = min(since / CLOSING, (CLOSING + CLOSED + OPENING - since) / OPENING, 1.0)
    return share * share * (3.0 - 2.0 * share)


class Idle:
    """Lays breath, blinks and sway over the poses of one character. seed: two characters take different ones."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._rig: Rig | None = None
        self._legs: list[Leg] = []
        self.reset()

    def reset(self) -> None:
        """Forget what was shown."""
        self._shows = 0.0
        self._time: float | None = None

    def __call__(self, rig: Rig, pose: RigPose, time: float, absent: float) -> RigPose:
        """`pose` with what the character does of itself at `time`.

        absent: seconds since the person was last seen, 0.0 while they are here. The pose's own time stays.
        """
        step = 0.0 if self._time is None else max(time - self._time, 0.0)
        self._time = time
        share = min(max(absent / FADE_IN, 0.0), 1.0)
        self._shows = max(share * share * (3.0 - 2.0 * share), self._shows * math.exp(-step / FADE_OUT))
        seed, shows = self._seed, self._shows
        chest = breath(time, seed) * (TRACE + (1.0 - TRACE) * shows)
        sway = shows * wander(time, seed + 5, SWAY_SECONDS)
        turn = shows * wander(time, seed + 6, 1.7 * SWAY_SECONDS)
        if self._rig is not rig:
            legs = (leg_of(rig, "left"), leg_of(rig, "right"))
            self._rig, self._legs = rig, [leg for leg in legs if leg is not None]
        moved = _moved(
            rig, self._legs, pose, chest, sway, turn, [shows * wander(time, seed + 20 + i, 5.1) for i in (0, 1)]
        )
        return replace(moved, blink=blink(time, seed))


def _moved(
    rig: Rig, legs: Sequence[Leg], pose: RigPose, chest: float, sway: float, turn: float, loose: list[float]
) -> RigPose:
    """The pose with its chest lifted, its weight shifted and its head turned; its ankles stay.

    chest: 0..1. sway, turn: -1..1 to picture right, clockwise. loose: (2,) -1..1 for what hangs on it, by turns.
    """
    count = len(rig.names)
    own = np.zeros(count)
    angles, lengths = pose.angles.copy(), pose.lengths.copy()
    for bone, (follows, parent) in enumerate(zip(rig.follows, rig.parents, strict=True)):
        side = 1.0 if follows.startswith("left") else -1.0  # left is at picture right: up is anticlockwise there
        if rig.facing != "front":
            side = 0.0
        if follows == "spine":
            own[bone] = -LEAN * sway
            lengths[bone] *= 1.0 + SPINE_GROWS * chest
        elif follows == "head":
            own[bone] = HEAD_TURN * turn
        elif follows.endswith("clavicle"):
            own[bone] = -LEAN * sway - side * SHOULDERS_RISE * chest
        elif follows.endswith("upper_arm"):
            own[bone] = -side * ARMS_SPREAD * chest
        elif not follows:
            over = own[parent] if parent >= 0 else 0.0
            own[bone] = over + LOOSE * float(rig.spring[bone]) * loose[bone % 2]
    angles += own
    heads = rig.posed_heads(angles, lengths, pose.heads + np.array([SWAY * rig.height * sway, 0.0]))
    for leg in legs if sway else ():
        ankle = leg.ankle(pose.heads, pose.angles, pose.lengths)
        leg.place(heads, angles, lengths, complex(*heads[leg.bones[0]]), ankle)
    return replace(pose, heads=heads, angles=angles, lengths=lengths)
