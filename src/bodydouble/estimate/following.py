"""Who is followed from frame to frame: each person's next region, loss, and looking for people again.

Pixels and seconds; distances between people are in region sides, so that nothing depends on the image's size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bodydouble.estimate import region
from bodydouble.estimate.one_euro import OneEuro
from bodydouble.estimate.region import Region
from bodydouble.types import Array, Image

MIN_PRESENCE = 0.5  # below it the person is lost (pose_landmark_by_roi_cpu.pbtxt: threshold)
SECOND_LOOK = 0.1  # a new person less present than MIN_PRESENCE but more than this is looked at again, better centred
MIN_CUTOFF, BETA = 0.01, 10.0  # One Euro of the auxiliary points (pose_landmark_filtering.pbtxt)

MAX_SPEED = 2.5  # region sides a second; a sprinter's hips move at about 3, a region is about 2.3 m wide
MAX_STEP = 0.15  # region sides of error that one frame may add to it
MAX_GROWTH = 1.35  # ratio of region sides between frames, and for every GROWTH_TIME
PATIENCE = 1.0  # seconds after a loss during which only somebody at the same place is taken
GROWTH_TIME = 0.1  # seconds
SAME_PLACE = 0.12  # region sides between middles of what is taken for one person
SAME_POINTS = 0.05  # region sides between the points of one body seen twice
SMALLEST = 4.0  # pixels a region's side
SAME_SIZE = 1.6  # ratio of region sides of what is taken for one person
SEARCH_EVERY = 0.25  # seconds between searches for more people
LOOKS = 3  # candidates looked at in one frame while nobody is followed


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A person as the landmark model saw them.

    points: (P, 5) x, y, depth in pixels, visibility, presence. world: (K, 3) metres, +Y up, +Z to the camera.
    score: presence of the person, 0..1. hips, rim: (2,) the points that the next region comes from.
    """

    points: Array
    world: Array
    score: float
    hips: Array
    rim: Array

    @property
    def region(self) -> Region:
        """Where the person is."""
        return region.from_alignment(self.hips, self.rim)


class Eyes(Protocol):
    """What the follower looks with."""

    def detect(self, image: Image, areas: Iterable[Region]) -> list[Region]:
        """Regions of people in any of the areas, best first."""
        ...

    def look(self, image: Image, where: Region) -> Sight:
        """The person in a region."""
        ...


class Followed:
    """One person: the last sighting, and where to look next."""

    def __init__(self, sight: Sight, time: float) -> None:
        self._filter = OneEuro(MIN_CUTOFF, BETA)
        self.see(sight, time)

    def see(self, sight: Sight, time: float) -> None:
        """Takes in a sighting."""
        self.sight = sight
        self.time = time
        size = max(sight.region.size / region.BODY_SCALE, 1.0)
        steady = self._filter(np.concatenate([sight.hips, sight.rim]), time, size)
        self.region = region.from_alignment(steady[:2], steady[2:])

    def could_be(self, place: Region, time: float) -> bool:
        """Whether a body can have come from its last place to this one."""
        step = max(time - self.time, 0.0)
        last = self.sight.region
        growth = MAX_GROWTH ** max(1.0, step / GROWTH_TIME)
        return distance(place, last) <= MAX_STEP + MAX_SPEED * step and 1 / growth <= place.size / last.size <= growth


class Follower:
    """Follows up to `people` people through the frames.

    One person: the largest at the start; after a loss, for PATIENCE seconds only somebody near the last place. Several:
    each has a region, and a search finds others every SEARCH_EVERY seconds and at once when somebody was lost.
    """

    def __init__(self, eyes: Eyes, people: int) -> None:
        self._eyes = eyes
        self._most = people
        self.reset()

    def reset(self) -> None:
        """Forget everybody."""
        self._people: list[Followed] = []
        self._missed: Followed | None = None
        self._searched = -math.inf

    def __call__(self, image: Image, time: float) -> list[Sight]:
        """Everybody who is there now, in the order they were found in. image: (H, W, 3) uint8 RGB."""
        before = self._people
        self._people = without_doubles([person for person in before if self._seen_again(person, image, time)])
        lost = [person for person in before if person not in self._people]
        if lost:
            self._missed = lost[0]
        if self._most == 1:
            if not self._people:
                self._find_one(image, time)
        elif len(self._people) < self._most and (lost or not 0 <= time - self._searched < SEARCH_EVERY):
            self._searched = time
            self._find_more(image, time)
        return [person.sight for person in self._people]

    def _seen_again(self, person: Followed, image: Image, time: float) -> bool:
        """Looks where the person should be; False if nobody is there, or somebody who cannot be them."""
        sight = self._eyes.look(image, person.region)
        if sight.score < MIN_PRESENCE or not usable(sight) or not person.could_be(sight.region, time):
            return False
        person.see(sight, time)
        return True

    def _find_one(self, image: Image, time: float) -> None:
        """Takes the person who was lost a moment ago, or after PATIENCE the largest."""
        found = self._eyes.detect(image, [_whole(image)])
        missed = self._missed
        if missed is not None and 0 <= time - missed.time < PATIENCE:
            found = [place for place in found if missed.could_be(place, time)]
            found.sort(key=lambda place: distance(place, missed.region))
        else:
            found.sort(key=lambda place: -place.size)
        for place in found[:LOOKS]:
            sight = self._meet(image, place)
            if sight is not None:
                self._people = [Followed(sight, time)]
                return

    def _find_more(self, image: Image, time: float) -> None:
        """Adds people who are not followed yet, the surest first."""
        for place in self._eyes.detect(image, [_whole(image)]):
            if len(self._people) == self._most:
                return
            if any(same_place(place, person.sight.region) for person in self._people):
                continue
            sight = self._meet(image, place)
            if sight is not None:
                self._people = without_doubles([*self._people, Followed(sight, time)])

    def _meet(self, image: Image, place: Region) -> Sight | None:
        """Looks at somebody new, a second time from a better centred region if the first leaves a doubt."""
        sight = self._eyes.look(image, place)
        if SECOND_LOOK <= sight.score < MIN_PRESENCE and usable(sight):
            sight = self._eyes.look(image, sight.region)
        return sight if sight.score >= MIN_PRESENCE and usable(sight) else None


def usable(sight: Sight) -> bool:
    """Whether the alignment points give a region of some size."""
    return sight.region.size >= SMALLEST


def distance(one: Region, other: Region) -> float:
    """Between the middles, in sides of the greater region."""
    return math.hypot(one.x - other.x, one.y - other.y) / max(one.size, other.size)


def same_place(one: Region, other: Region) -> bool:
    """Whether two regions are of one person, without looking."""
    ratio = one.size / other.size
    return distance(one, other) <= SAME_PLACE and 1 / SAME_SIZE <= ratio <= SAME_SIZE


def same_person(one: Sight, other: Sight) -> bool:
    """Whether two sightings are of one person: most of their points coincide."""
    apart = np.linalg.norm(one.points[:, :2] - other.points[:, :2], axis=1)
    return float(np.median(apart)) <= SAME_POINTS * max(one.region.size, other.region.size)


def without_doubles(people: Sequence[Followed]) -> list[Followed]:
    """The people, each once; of two on one body the one found first stays."""
    kept: list[Followed] = []
    for person in people:
        if not any(same_person(person.sight, other.sight) for other in kept):
            kept.append(person)
    return kept


def _whole(image: Image) -> Region:
    height, width = image.shape[:2]
    return region.whole_image(width, height)
