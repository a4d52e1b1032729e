"""Motion -> RigPose: a person's posture on a 2D character's own bones.

Character pixels, y down, angles clockwise as drawn; seconds. Limbs take the person's angle in the picture (an arm that
points up points up on every character); trunk, head, shoulders and pelvis take the turn from an upright body, so that a
character whose head leans keeps its look. Lengths are the character's own, foreshortened within its limits. A profile
character (Rig.facing "left" or "right") takes the same plain angles. Eased by Motion.time, so any frame rate will do.
Why: docs/decisions/planar.md
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from bodydouble.retarget.drawn import bones_of
from bodydouble.retarget.ground import Ground
from bodydouble.retarget.legs import leg_of
from bodydouble.retarget.sides import Sides, smoothstep
from bodydouble.retarget.spring import Spring
from bodydouble.skeletons import BONE_INDEX
from bodydouble.types import Array, Motion, Rig, RigPose

# Directions of trunk bones of an upright body that faces the camera, as drawn (y down): radians.
NEUTRAL = {"spine": -math.pi / 2, "head": -math.pi / 2, "left_clavicle": 0.0, "left_pelvis": 0.0}
NEUTRAL |= {"right_clavicle": math.pi, "right_pelvis": math.pi}
FULL = 0.92  # a limb drawn at this share of its length is not foreshortened: nearer to 1 it is noise of a few per cent
# Drawn share of a bone's length at which its angle in the picture means nothing, and from which it is taken as it is.
# A foot that points at the camera is still drawn at 0.4 (the toes lie lower than the ankle), a hand is short and noisy.
# (Feet only of characters in profile; see FLAT.)
BLUNT = {"foot": (0.50, 0.85), "hand": (0.25, 0.60), "clavicle": (0.15, 0.45), "pelvis": (0.15, 0.45)}
BLUNT_OTHERS = (0.10, 0.28)
HOLD = 0.12  # seconds: how fast a half-meaningful angle is followed
RESTING = ("foot", "hand", "clavicle", "pelvis")  # without a meaningful angle these go to rest; longer limbs hold on
ENDS = ("foot", "hand")  # and these are drawn whole then: a shoe seen from the front is no shorter
LINES = ("clavicle", "pelvis")  # seen from behind or from the side these are still a level line, never a half turn

VANISH, APPEAR = 0.23, 0.15  # seconds: time constants to rest (0.7 s to within 5 %) and back
JUMP = 0.10  # seconds: time constant in which a sudden change of what drives a bone is made good
EXCHANGE = 0.50  # seconds in which the sides change over when the person has turned: every limb moves then, so gently
LEGS_APPEAR = 0.20  # legs take their time: 0.6 s to within 5 %, as a step does
# Who leans the trunk to one side brings the hips to the other. Legs that nobody drives lean by this share of the
# trunk's turn, at most so many radians: about what keeps the body's weight over the feet.
COUNTERLEAN, MOST_COUNTERLEAN = 0.15, 0.12
APPEARED = 0.05  # weight under which nobody saw where a bone was
WINDING = math.pi + 0.7  # radians a bone may turn from the middle of its bend before a whole turn is taken off it
# Feet of a character that faces us are drawn outwards, the person's point at us and tell little in the picture. So the
# drawn foot pitches as the person's does, whichever way that one points: FLAT is the pitch of a foot that stands (toes
# lower than the ankle), give or take LEVEL (a camera looks up or down); radians. Only a foot that points well inwards,
# as of a person side on, is drawn as seen: from these shares of its length inwards.
FLAT, LEVEL = -0.42, 0.25
INWARDS = (0.5, 0.85)
LEAST_OUTWARDS = 0.2  # cosine of a foot's drawn angle at rest: one that points straight down has no side
FLAT_FOOT = 0.6  # radians that a shin may lean before an undriven foot leaves the floor with it


class Planar:
    """Drives one character with one person's motion; remembers what it showed.

    place: 0 the character stays put, 1 it goes where the person goes, between and beyond a share of it.
    mirror: the character is the person's mirror image (their left arm is its right arm). at_ease: arms that nobody
    drives hang down, instead of going back to where they are drawn.
    """

    def __init__(self, rig: Rig, *, place: float = 0.0, mirror: bool = False, at_ease: bool = False) -> None:
        self.rig = rig
        self._mirror = mirror
        self._sides = Sides(mirror)
        follows = np.array([BONE_INDEX.get(name, -1) for name in rig.follows], dtype=np.intp)
        self._driven = follows >= 0
        self._follows = np.where(self._driven, follows, 0)
        self._bones = bones_of(rig, at_ease)
        self._rest = np.array([bone.rest for bone in self._bones])
        kinds = [name.removeprefix("left_").removeprefix("right_") for name in rig.follows]
        # Turns are counted from here: trunk bones from an upright body, limbs from their own rest direction.
        self._zero = np.array([NEUTRAL.get(name, b.rest) for name, b in zip(rig.follows, self._bones, strict=True)])
        self._blunt = np.array([BLUNT.get(kind, BLUNT_OTHERS) for kind in kinds]).reshape(-1, 2).T.copy()
        self._resting = np.array([kind in RESTING for kind in kinds])
        self._ends = np.array([kind in ENDS for kind in kinds])
        self._lines = np.flatnonzero([kind in LINES for kind in kinds])
        outwards = np.sign(np.cos(self._rest)) * (np.abs(np.cos(self._rest)) > LEAST_OUTWARDS)
        self._outwards = np.where([kind == "foot" for kind in kinds], outwards, 0.0) * (rig.facing == "front")
        self._feet = np.flatnonzero(self._outwards)
        self._appear = np.array([LEGS_APPEAR if kind in ("thigh", "shin", "foot") else APPEAR for kind in kinds])
        self._spine = rig.follows.index("spine") if "spine" in rig.follows else None
        self._own = np.array([bone.length for bone in self._bones])
        self._middle = np.array([bone.middle for bone in self._bones])
        self._stretch = rig.stretch.T.copy()
        self._limits: tuple[list[float], list[float]] = tuple(self._stretch.tolist())
        self._gains = rig.gain.tolist()
        self._ground = Ground(rig, place)
        self._legs = [leg_of(rig, side) for side in ("left", "right")]
        self.reset()

    def reset(self) -> None:
        """Forget the person: the next motion is shown as it comes."""
        count = len(self.rig.names)
        self._time: float | None = None
        self._angle = np.zeros(count)  # turn of each bone from its zero as last measured, unwrapped
        self._drawn = np.ones(count)  # share of its length that was drawn, as last measured
        self._depth = np.zeros(count)  # share that came towards us
        self._weight = np.zeros(count)  # 0 = at rest, 1 = follows the person
        self._sharp = np.zeros(count)  # how much the measured angle means
        self._turn = np.zeros(count)  # shown
        self._jump = np.zeros(count)  # what is still to be made good of a sudden change
        self._length = np.ones(count)  # shown
        self._length_jump = np.zeros(count)
        self._seen = np.zeros(count, dtype=bool)
        self._exchanged = -math.inf  # when the sides changed over, and what is to be made good of it, turns and lengths
        self._swing, self._length_swing = np.zeros(count), np.zeros(count)
        self._sides.reset()
        self._springs = [Spring(float(loose)) if loose > 0 else None for loose in self.rig.spring]
        self._ground.reset()

    def __call__(self, motion: Motion) -> RigPose:
        """The character's bones at the motion's time. A time before the last one starts afresh."""
        if self._time is not None and motion.time < self._time:
            self.reset()
        first = self._time is None
        dt = 0.0 if self._time is None else motion.time - self._time
        self._time = motion.time
        directions, sure = self._sides(motion, dt, first)
        sudden = self._measure(directions, sure, dt, first)
        if self._sides.turned and not first:
            self._exchanged = motion.time
        left = 1.0 - float(smoothstep((motion.time - self._exchanged) / EXCHANGE, 0.0, 1.0))
        lengths = self._lengths(sudden, dt, left)
        heads, nearness, touching = self._walk(lengths, sudden, dt, left)
        sign = -1.0 if self._mirror else 1.0
        ground = self._ground
        legs = directions * sure[:, None]
        ground(touching, legs, motion.placement, sign * motion.placement.x, dt)
        turns = self._turn
        if any(ground.pull):
            turned, long = turns.tolist(), lengths.tolist()
            for leg, pull in zip(self._legs, ground.pull, strict=True):
                if leg is not None:
                    leg.pull(heads, turned, long, self._limits, pull)
            turns, lengths = np.array(turned), np.array(long)
        return RigPose(
            np.array(heads).reshape(-1, 2) + np.array(ground.shift),
            turns,
            lengths,
            nearness,
            motion.time,
            offset=np.array(ground.offset),
            size=ground.size,
            facing=sign * motion.posture.facing,
            person=motion.person,
            state=motion.state,
        )

    def _measure(self, directions: Array, sure: Array, dt: float, first: bool) -> npt.NDArray[np.bool_]:
        """Take in the person's bones. Returns which rig bones may jump, as what drives them has changed at once."""
        sure = np.where(self._driven, sure[self._follows], 0.0)
        x, y, z = directions[self._follows].T
        drawn = np.hypot(x, y)
        seen = sure > 0
        sharp = smoothstep(drawn, *self._blunt)
        angle = _wrapped(np.arctan2(-y, x) - self._zero)
        if len(self._feet):
            angle[self._feet] = self._pitched(angle[self._feet], x[self._feet], y[self._feet])
            sharp[self._feet] = drawn[self._feet] = 1.0
        back = seen & (self._weight < APPEARED)  # nothing was shown of it: no need to come from where it was
        base = np.where(back, self._middle, self._angle)
        upright = 0.0 if self._spine is None else self._angle[self._spine]
        level = upright + _wrapped(2 * (angle[self._lines] - upright)) / 2
        angle = base + _wrapped(angle - base)
        angle[self._lines] = level
        sudden = seen & ~back & (~self._seen | self._sides.turned)
        unsharp = np.maximum(1.0 - sharp, 1e-9)
        follow = -np.expm1(-dt * sharp / (unsharp * HOLD))
        follow[back | (sudden & (sharp > 0))] = 1.0
        self._angle = self._angle + follow * seen * (angle - self._angle)
        np.copyto(self._drawn, np.minimum(drawn / FULL, 1.0), where=seen)
        np.copyto(self._depth, z, where=seen)
        np.copyto(self._sharp, sharp, where=seen)
        self._seen = seen
        ease = -np.expm1(-dt / np.where(sure > self._weight, self._appear, VANISH))
        self._weight = sure if first else self._weight + ease * (sure - self._weight)
        return sudden & (not first)

    def _pitched(self, angle: Array, x: Array, y: Array) -> Array:
        """(F,) turns of the feet of a character facing us. angle: (F,) as seen; x, y: (F,) of the directions."""
        pitch = np.arcsin(y) - FLAT
        outwards = self._outwards[self._feet]
        flat = -outwards * np.sign(pitch) * np.maximum(np.abs(pitch) - LEVEL, 0.0)
        return flat + smoothstep(-x * outwards, *INWARDS) * _wrapped(angle - flat)

    def _lengths(self, sudden: npt.NDArray[np.bool_], dt: float, left: float) -> Array:
        """(B,) drawn length of each bone over its rest length. left: share of an exchange still to be made good."""
        drawn = np.where(self._ends, 1 + self._sharp * (self._drawn - 1), self._drawn)
        least, most = self._stretch
        wanted = np.minimum(np.maximum(1 + self._weight * (drawn - 1), least), most)
        if self._sides.turned:
            self._length_swing, sudden = self._length - wanted, sudden & False
            self._length_jump = np.zeros_like(wanted)
        wanted = wanted + left * self._length_swing
        self._length_jump = np.where(sudden, self._length - wanted, self._length_jump * math.exp(-dt / JUMP))
        self._length = np.minimum(np.maximum(wanted + self._length_jump, least), most)
        return self._length

    def _walk(
        self, lengths: Array, sudden: npt.NDArray[np.bool_], dt: float, left: float
    ) -> tuple[list[tuple[float, float]], Array, list[tuple[float, float]]]:
        """From parents to children: turns (kept), and B heads, (B,) nearness and what may touch the floor.

        All as they are before the figure is stood up.
        """
        weights = np.where(self._resting, self._sharp, 1.0) * self._weight
        near = (self._depth * weights * self._own).tolist()
        angles, weight, length = self._angle.tolist(), weights.tolist(), lengths.tolist()
        gains, shown = self._gains, self._turn.tolist()
        jumps, fade = self._jump.tolist(), math.exp(-dt / JUMP)
        exchanged = self._sides.turned
        jumped, swings = (sudden & (not exchanged)).tolist(), self._swing.tolist()
        lean = 0.0 if self._spine is None else COUNTERLEAN * weight[self._spine] * angles[self._spine]
        lean = -min(max(lean, -MOST_COUNTERLEAN), MOST_COUNTERLEAN)
        turns: list[float] = []
        ways: list[tuple[float, float]] = []  # cosine and sine of each bone's drawn angle
        heads: list[tuple[float, float]] = []
        starts: list[float] = []
        for i, bone in enumerate(self._bones):
            parent = bone.parent
            over = turns[parent] if parent >= 0 else 0.0
            head = (bone.along, bone.aside)
            start = 0.0
            if parent >= 0:
                head = _placed(heads[parent], ways[parent], bone.along * length[parent], bone.aside)
                start = starts[parent] + near[parent] * bone.share
            turn = over
            spring = self._springs[i]
            if bone.driven:
                angles[i] -= _whole_turns(angles[i] - over - bone.middle)
                still = math.copysign(max(abs(over) - FLAT_FOOT, 0.0), over) if bone.foot else over + bone.ease
                if bone.hip:
                    still += lean
                turn = weight[i] * gains[i] * angles[i] + (1.0 - weight[i]) * still
            elif spring is not None:
                x, y = self._ground.shift
                turn = spring(bone.rest, over, (head[0] + x, head[1] + y), bone.length, dt)
            if not bone.low <= turn - over <= bone.high:
                turn = over + min(max(turn - over, bone.low), bone.high)
            if exchanged and bone.driven:
                swings[i], jumps[i] = math.remainder(shown[i] - turn, math.tau), 0.0
            turn += left * swings[i]
            jumps[i] = math.remainder(shown[i] - turn, math.tau) if jumped[i] else jumps[i] * fade
            turns.append(turn + jumps[i])
            ways.append((math.cos(bone.rest + turns[i]), math.sin(bone.rest + turns[i])))
            heads.append(head)
            starts.append(start)
        self._angle, self._turn, self._jump = np.array(angles), np.array(turns), np.array(jumps)
        self._swing = np.array(swings)
        touching = []
        for c in self._ground.contacts:
            x, y = _placed(heads[c.bone], ways[c.bone], c.along * length[c.bone], c.aside)
            touching.append((x, y + c.radius))
        return heads, np.array(starts) + 0.5 * np.array(near), touching


def _placed(head: tuple[float, float], way: tuple[float, float], along: float, aside: float) -> tuple[float, float]:
    """A point fixed to a bone that starts at `head` and points `way`: the cosine and sine of its angle."""
    c, s = way
    return head[0] + along * c - aside * s, head[1] + along * s + aside * c


def _whole_turns(angle: float) -> float:
    """Whole turns to take off an angle that has wound too far from 0."""
    return math.tau * round(angle / math.tau) if abs(angle) > WINDING else 0.0


def _wrapped(angle: Array) -> Array:
    """The same angles within -pi .. pi."""
    return np.asarray(angle - math.tau * np.rint(angle / math.tau))
