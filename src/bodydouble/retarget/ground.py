"""Where a posed figure stands: feet on the floor, planted feet still, and its share of the person's place.

Character pixels, y down; figure heights on the stage; seconds. The lowest foot stands on the floor exactly in every
frame. Sideways the planted feet are the anchor, and the figure goes back to its place while it steps. What noise and
other proportions still move a planted foot by is taken up by its leg (`pull`). Why: docs/decisions/feel.md
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bodydouble.retarget.calibration import RATIOS
from bodydouble.skeletons import BONE_INDEX
from bodydouble.types import Array, Placement, Rig

# The person's own leg from the middle of the hips to the ankle, in body heights.
LEGS = np.array([[BONE_INDEX[f"{side}_{part}"] for part in ("pelvis", "thigh", "shin")] for side in ("left", "right")])
LEG_RATIOS = np.array([RATIOS[part] for part in ("pelvis", "thigh", "shin")])

KNEE, SEAT = (
    0.03,
    0.05,
)  # figure heights from a knee or hip joint to the skin that a kneeling or sitting figure rests on
SOLE = 0.06  # figure heights: a sole is no thicker, so a foot drawn higher at rest is a raised foot
LOW = 0.03  # body heights: an ankle this much above the lower one carries little
STILL = 0.15  # body heights a second: a faster ankle is stepping (a slow step has 0.5)
SPEED_SECONDS = 0.06  # time constant that steadies ankle speeds
# The way back to the middle: time constant in seconds, the drift in figure heights at which it doubles, and the speed
# in figure heights a second that nobody notices in somebody who steps; it may go faster while the hips move anyway, by
# that share of their speed. On both feet it stays where it is, or they would slide.
RETURN_SECONDS, FAR, UNSEEN, HIDDEN = 1.5, 0.22, 0.03, 0.35
HASTE = 4.0  # a second: and it goes back at this rate from what is beyond FAR
# A planted foot is kept in its place on the stage by at most so many figure heights; one that steps is let go of with
# this time constant.
MOST_PULL = 0.035
LET_GO = 0.05
LEAST_WEIGHT = 0.05  # with less weight on both feet than this the figure is in the air, and nothing holds it
LANDING_SECONDS = 0.15  # a figure whose person is lost in mid-air comes down this fast
USUAL_SECONDS = 20.0  # the apparent size a person usually has is learnt this slowly
SIZE_SECONDS = 0.25  # and the shown size follows their own this fast
LEAST_SIZE, MOST_SIZE = 0.3, 3.0


@dataclass(frozen=True, slots=True)
class Contact:
    """A point that may touch the floor, fixed to a bone: pixels along its rest direction (stretched with it) and aside.

    radius: pixels of flesh below it whichever way it is turned. side: 0 left, 1 right foot, -1 no foot.
    """

    bone: int
    along: float
    aside: float
    radius: float
    side: int


def contacts(rig: Rig) -> tuple[Contact, ...]:
    """The points of a character's legs that can stand, kneel or sit on the floor."""
    found = []
    for side, name in enumerate(("left", "right")):
        for i, follows in enumerate(rig.follows):
            line = rig.tails[i] - rig.heads[i]
            length = max(float(np.hypot(*line)), 1e-9)
            if follows == f"{name}_foot" or (follows == f"{name}_shin" and f"{name}_foot" not in rig.follows):
                for joint in (rig.heads[i], rig.tails[i]) if follows.endswith("foot") else (rig.tails[i],):
                    down = min(rig.floor - float(joint[1]), SOLE * rig.height)
                    x, y = joint - rig.heads[i] + np.array([0.0, down])
                    along, aside = (x * line[0] + y * line[1]) / length, (y * line[0] - x * line[1]) / length
                    found.append(Contact(i, float(along), float(aside), 0.0, side))
            if follows == f"{name}_thigh":
                found.append(Contact(i, length, 0.0, KNEE * rig.height, -1))
                found.append(Contact(i, 0.0, 0.0, SEAT * rig.height, -1))
    return tuple(found)


class Ground:
    """Shifts one figure; remembers where it stood. place: share of the person's own place that it takes."""

    def __init__(self, rig: Rig, place: float) -> None:
        self.contacts = contacts(rig)
        self._points = [[i for i, c in enumerate(self.contacts) if c.side == side] for side in (0, 1)]
        self._rig = rig
        self._place = place
        self.reset()

    def reset(self) -> None:
        """Forget the person: the figure stands at its place."""
        self.shift = (0.0, 0.0)
        self.offset = (0.0, 0.0)
        self.size = 1.0
        self._away = 0.0  # figure heights that the figure has walked from its place
        self._feet: list[float] | None = None
        self._pins = [0.0, 0.0]  # where each foot is planted on the stage, figure heights
        self.pull = (0.0, 0.0)
        self._on_foot = True  # and not on a knee or the seat
        self._ankles = [0.0, 0.0]
        self._speeds = [0.0, 0.0]
        self._usual = 0.0

    def __call__(self, touching: list[tuple[float, float]], legs: Array, place: Placement, x: float, dt: float) -> None:
        """Stand the figure. Sets shift (pixels), offset (figure heights), size and pull.

        pull: (left, right) pixels that each ankle has to be moved to the right for its foot to stay in its place.

        touching: posed x, y of each contact, y with its radius. legs: (B, 3) the body bones' directions, zeros for legs
        that are not followed. x: the person's place, mirrored where the figure is.
        """
        self._follow(place, x, dt)
        if not self.contacts:
            return
        down = self._rig.floor - max(y for _, y in touching)
        self._on_foot = max(zip(touching, self.contacts, strict=True), key=lambda pair: pair[0][1])[1].side >= 0
        self._walk(touching, legs, x if place.score > 0 else 0.0, dt)
        self.shift = ((self._away - self.offset[0]) * self._rig.height, down)

    def _follow(self, place: Placement, x: float, dt: float) -> None:
        """Take the wanted share of the person's place and size; hold them while the person is not seen."""
        if place.score <= 0 or place.size <= 0 or self._place == 0:
            self.offset = (self.offset[0], self.offset[1] * math.exp(-dt / LANDING_SECONDS))
            return
        if self._usual == 0:
            self._usual = place.size
            self._away = x * self._place
        self._usual *= (place.size / self._usual) ** -math.expm1(-dt / USUAL_SECONDS)
        wanted = min(max(1 + self._place * (place.size / self._usual - 1), LEAST_SIZE), MOST_SIZE)
        self.size += -math.expm1(-dt / SIZE_SECONDS) * (wanted - self.size)
        self.offset = (x * self._place, -place.y * self._place)

    def _walk(self, touching: list[tuple[float, float]], legs: Array, x: float, dt: float) -> None:
        """Move the figure against its planted feet, and a little towards its place."""
        known = bool(legs[LEGS].any(axis=(1, 2)).all())
        feet = [
            sum(touching[i][0] for i in self._points[side]) / max(len(self._points[side]), 1) / self._rig.height
            for side in (0, 1)
        ]
        ankles: list[list[float]] = (LEG_RATIOS @ legs[LEGS, :2]).tolist()
        planted = [0.0, 0.0]
        if self._feet is not None and dt > 0:
            share = -math.expm1(-dt / SPEED_SECONDS)
            floor = min(ankles[0][1], ankles[1][1])
            total = slip = 0.0
            for side, (across, up) in enumerate(ankles):
                speed = (across + x - self._ankles[side]) / dt
                self._speeds[side] += share * (speed - self._speeds[side])
                weight = math.exp(-(((up - floor) / LOW) ** 2)) / (1 + (self._speeds[side] / STILL) ** 2) ** 2
                total += weight
                slip += weight * (feet[side] - self._feet[side])
                planted[side] = weight
            slip /= max(total, LEAST_WEIGHT)
            steps = min(max(2.0 - total, 0.0), 1.0) if known else 1.0
            self._away -= slip
            drift = self._away - self.offset[0]
            back = drift / RETURN_SECONDS * (1 + (drift / FAR) ** 2)
            limit = steps * (UNSEEN + HIDDEN * abs(slip) / dt) + max(abs(drift) - FAR, 0.0) * HASTE
            way = min(min(abs(back), limit) * dt, abs(drift))  # not beyond its place, however rarely frames come
            self._away -= math.copysign(way, drift)
        self._pin(feet, planted if known and self._on_foot else [0.0, 0.0], dt)
        self._feet = feet
        self._ankles = [across + x for across, _ in ankles]

    def _pin(self, feet: list[float], planted: list[float], dt: float) -> None:
        """Keep planted feet in their places. feet: x of each, figure heights. planted: 0..1."""
        pull = [0.0, 0.0]
        for side in (0, 1):
            at = feet[side] + self._away
            free = 1.0 - planted[side]
            if self._feet is None:
                self._pins[side] = at
            self._pins[side] += -math.expm1(-dt * free / LET_GO) * (at - self._pins[side])
            off = min(max(self._pins[side] - at, -MOST_PULL), MOST_PULL)
            self._pins[side] = at + off
            pull[side] = off * self._rig.height
        self.pull = (pull[0], pull[1])
