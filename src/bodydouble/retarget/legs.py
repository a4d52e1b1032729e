"""A leg moved as a whole: its ankle goes where it should be, its hip stays.

Character pixels, y down; angles clockwise as drawn. Heads, angles and lengths may be arrays or lists of them: a leg is
so few bones that plain numbers are faster.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

from bodydouble.types import Array, Rig

Heads = Array | list[tuple[float, float]]
Numbers = Array | list[float]

SHORTEST = 1e-6  # pixels: a leg drawn shorter than that has no direction
STANDING = 0.5  # a leg that stands has its ankle this share of its length below the hip, and its knee well above that


@dataclass(frozen=True, slots=True, eq=False)
class Leg:
    """One leg of a rig.

    line: its last bone at rest. bones: thigh and shin. foot: the foot and what hangs from it. limb: bones, and what
    hangs from them otherwise.
    """

    line: complex
    bones: tuple[int, ...]
    limb: tuple[int, ...]
    foot: tuple[int, ...]

    def pull(
        self, heads: Heads, angles: Numbers, lengths: Numbers, stretch: tuple[Numbers, Numbers], by: float
    ) -> None:
        """Move the ankle `by` pixels to the right at its height, or as far as it reaches; in place.

        stretch: (B,) least and (B,) greatest length as a ratio of rest. A leg that kneels, or is drawn as short as it
        may be, is left alone.
        """
        hip = complex(*heads[self.bones[0]])
        ankle = self.ankle(heads, angles, lengths)
        away, knee = ankle - hip, complex(*heads[self.bones[-1]]) - hip
        if away.imag < STANDING * abs(away) or abs(away) < SHORTEST:
            return
        room = min(stretch[1][bone] / max(lengths[bone], SHORTEST) for bone in self.bones)
        least = max(stretch[0][bone] / max(lengths[bone], SHORTEST) for bone in self.bones)
        aside = math.sqrt(max((max(room, 1.0) * abs(away)) ** 2 - away.imag**2, away.real**2))
        to = complex(min(max(away.real + by, -aside), aside), away.imag)
        above = away.imag - max(knee.imag, (knee * to / away).imag)
        if abs(to) >= least * abs(away) and above >= STANDING / 2 * away.imag:
            self.place(heads, angles, lengths, hip, hip + to)

    def ankle(self, heads: Heads, angles: Numbers, lengths: Numbers) -> complex:
        """Where the leg ends, x + iy."""
        last = self.bones[-1]
        return complex(*heads[last]) + cmath.rect(lengths[last], angles[last]) * self.line

    def place(self, heads: Heads, angles: Numbers, lengths: Numbers, hip: complex, ankle: complex) -> None:
        """Carry the leg, as posed, to other ends, x + iy, in place; the foot keeps its angle."""
        start, end = complex(*heads[self.bones[0]]), self.ankle(heads, angles, lengths)
        if abs(end - start) < SHORTEST or abs(ankle - hip) < SHORTEST:
            return
        ratio = (ankle - hip) / (end - start)
        turn, longer, moved = cmath.phase(ratio), abs(ratio), ankle - end
        for bone in self.limb:
            at = hip + ratio * (complex(*heads[bone]) - start)
            heads[bone] = at.real, at.imag
            angles[bone] += turn
        for bone in self.foot:
            x, y = heads[bone]
            heads[bone] = x + moved.real, y + moved.imag
        for bone in self.bones:
            lengths[bone] *= longer


def leg_of(rig: Rig, side: str) -> Leg | None:
    """The leg of a side, "left" or "right"; None if the rig has none, or its shin does not hang from its thigh."""
    bones = [rig.follows.index(name) for name in (f"{side}_thigh", f"{side}_shin") if name in rig.follows]
    if not bones or (len(bones) == 2 and rig.parents[bones[1]] != bones[0]):
        return None
    below: dict[int, bool] = {bones[0]: False}  # what hangs from the thigh, and whether from its foot
    for bone, parent in enumerate(rig.parents):
        if parent in below:
            below[bone] = below[parent] or rig.follows[bone] == f"{side}_foot"
    limb = tuple(bone for bone, on_foot in below.items() if not on_foot)
    foot = tuple(bone for bone, on_foot in below.items() if on_foot)
    line = complex(*(rig.tails[bones[-1]] - rig.heads[bones[-1]]))
    return Leg(line, tuple(bones), limb, foot)
