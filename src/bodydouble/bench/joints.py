"""Which joint of a motion file is which of the body's, by the patterns of names that programs give.

Ends of limbs are found by name, the rest of a limb by going up from there: what one program calls the shoulder, another
calls the upper arm, but the joint above the elbow is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bodydouble.bench.bvh import Bvh
from bodydouble.types import Array, BodyDoubleError

SIDES = {"left": ("left", "l", "lft", "lf"), "right": ("right", "r", "rgt", "rt")}
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
WRIST, ANKLE = re.compile("hand|wrist|palm"), re.compile("foot|ankle")
ELBOW = re.compile("forearm|elbow|lowerarm|lowarm|radius|ulna|lorearm")
KNEE = re.compile("knee|shin|calf|tibia|lowerleg|lowleg|leg$")
TOE, HEAD, NECK = re.compile("toe|ball"), re.compile("head|skull"), re.compile("neck")
FINGERS = {"index": re.compile("index"), "pinky": re.compile("pinky|little"), "thumb": re.compile("thumb")}
FINGER = "thumb|index|middle|ring|pinky|little|finger|meta|carpal|prop"
NO_JOINT = re.compile("end|nub|site|ik|top|tip|weapon|roll|twist")  # helpers that bear a joint's name
PARTS = re.compile(f"{WRIST.pattern}|{ANKLE.pattern}|{ELBOW.pattern}|{KNEE.pattern}|{TOE.pattern}|thigh|femur|arm|leg")
APART = 0.01  # shares of the skeleton's extent; joints nearer than this are one joint in two pieces
NAMED = 8  # joints that an error names


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A point fixed to a joint: `local` (3,) in the joint's own axes, file units."""

    joint: int
    local: Array

    def path(self, motion: Bvh) -> Array:
        """(T, 3) where it is."""
        return np.asarray(motion.places[:, self.joint] + motion.turns[:, self.joint] @ self.local)


def side_and_part(name: str) -> tuple[str, str]:
    """("left", "right" or "", what is left of the name in small letters): "mixamorig:LeftForeArm" -> left, forearm."""
    words = [word.lower() for word in WORDS.findall(name.rpartition(":")[2])]
    for side, called in SIDES.items():
        for word in words:
            if word in called:
                return side, "".join(other for other in words if other != word)
    joined = "".join(words)
    for side, called in SIDES.items():
        if side in joined:
            return side, joined.replace(side, "")
        if joined[:1] == called[1] and PARTS.match(joined[1:]):
            return side, joined[1:]
    return "", joined


class Joints:
    """Finds the body's joints in one motion. Raises BodyDoubleError naming what it does not find."""

    def __init__(self, motion: Bvh) -> None:
        self._motion = motion
        self._called = [side_and_part(name) for name in motion.names]
        self._depth: list[int] = []
        for parent in motion.parents:
            self._depth.append(0 if parent < 0 else self._depth[parent] + 1)

    def arm(self, side: str) -> tuple[Site, Site, Site]:
        """Shoulder, elbow, wrist."""
        return self._limb(side, ("shoulder", "elbow", "wrist"), WRIST, ELBOW, FINGER)

    def leg(self, side: str) -> tuple[Site, Site, Site]:
        """Hip, knee, ankle."""
        return self._limb(side, ("hip", "knee", "ankle"), ANKLE, KNEE, "toe|ball|upleg|upperleg")

    def head(self) -> Site:
        """The base of the skull: the head joint, or the neck's end."""
        head = self._first("", HEAD, "")
        if head is None:
            neck = self._first("", NECK, "")
            if neck is None:
                raise self._missing("head", "Head or Neck")
            return self._end(neck)
        return Site(head, np.zeros(3))

    def toe(self, ankle: Site, side: str) -> Site | None:
        """The toes' joint below an ankle, if there is one. SMPL calls it the foot, below the ankle."""
        return self._below(
            ankle.joint,
            lambda name: bool(TOE.search(name[1])) or (name[0] == side and bool(ANKLE.search(name[1]))),
        )

    def finger(self, wrist: Site, which: str) -> Site | None:
        """The first joint of the finger called index, pinky or thumb below a wrist."""
        return self._below(wrist.joint, lambda name: bool(FINGERS[which].search(name[1])))

    def _limb(
        self, side: str, points: tuple[str, str, str], last: re.Pattern[str], middle: re.Pattern[str], no: str
    ) -> tuple[Site, Site, Site]:
        """The three joints of a limb: its end by name, or the end of its middle, and two above."""
        end = self._first(side, last, no)
        if end is None:
            bend = self._first(side, middle, no)
            if bend is None:
                raise self._missing(f"{side} {points[2]}", f"{side.title()}{last.pattern.split('|')[0].title()}")
            tip = self._end(bend)
        else:
            tip = Site(end, np.zeros(3))
            above = self._above(end)
            if above is None:
                raise self._missing(f"{side} {points[1]}", "a joint above the " + points[2])
            bend = above
        start = self._above(bend)
        if start is None or self._motion.parents[start] < 0:
            raise self._missing(f"{side} {points[0]}", f"two joints between the {points[2]} and the root")
        return Site(start, np.zeros(3)), Site(bend, np.zeros(3)), tip

    def _first(self, side: str, pattern: re.Pattern[str], no: str) -> int | None:
        """The joint nearest the root whose name fits."""
        fits = [
            row
            for row, (its, part) in enumerate(self._called)
            if its == side and pattern.search(part) and not NO_JOINT.search(part) and not (no and re.search(no, part))
        ]
        return min(fits, key=lambda row: (self._depth[row], row)) if fits else None

    def _above(self, row: int) -> int | None:
        """The next joint towards the root that is no helper and lies apart."""
        parent = self._motion.parents[row]
        while parent >= 0:
            if not NO_JOINT.search(self._called[parent][1]) and self._length(parent, row) > APART * self._extent():
                return parent
            parent = self._motion.parents[parent]
        return None

    def _below(self, top: int, wanted: Callable[[tuple[str, str]], bool]) -> Site | None:
        """The first joint under `top` whose side and part are wanted and that lies apart from it."""
        family = {top}
        for row, parent in enumerate(self._motion.parents):
            if parent in family:
                family.add(row)
                if wanted(self._called[row]) and self._length(row, top) > APART * self._extent():
                    return Site(row, np.zeros(3))
        return None

    def _end(self, row: int) -> Site:
        """Where a joint's bone ends: at its End Site, else at its first child."""
        if row in self._motion.ends:
            return Site(row, self._motion.ends[row])
        children = self._motion.children(row)
        if not children:
            raise self._missing(f"end of {self._motion.names[row]}", "an End Site")
        return Site(children[0], np.zeros(3))

    def _length(self, a: int, b: int) -> float:
        """Distance of two joints in the first frame, file units."""
        return float(np.linalg.norm(self._motion.places[0, a] - self._motion.places[0, b]))

    def _extent(self) -> float:
        """The skeleton's extent in the first frame, file units."""
        return float(np.ptp(self._motion.places[0], axis=0).max())

    def _missing(self, what: str, wanted: str) -> BodyDoubleError:
        names = ", ".join(self._motion.names[:NAMED]) + (", ..." if len(self._motion.names) > NAMED else "")
        return BodyDoubleError(f"{self._motion.name}: no {what} among its joints ({names}); wanted {wanted}")
