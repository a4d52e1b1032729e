"""Who is followed from frame to frame: each person's next region, loss, and looking for people again.

Pixels and seconds; distances between people are in region sides, so that nothing depends on the image's size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bodydouble.estimate import region
from bodydouble.estimate.one_euro import OneEuro
from bodydouble.estimate.region import Region
from bodydouble.estimate.sight import SMALLEST, Sight, distance, nested, points_between, same_person, same_place, usable
from bodydouble.types import Image

MIN_PRESENCE = 0.5  # below it the person is lost (pose_landmark_by_roi_cpu.pbtxt: threshold)
SECOND_LOOK = 0.1  # a new person less present than MIN_PRESENCE but more than this is looked at again, better centred
MIN_CUTOFF, BETA = 0.01, 10.0  # One Euro of the auxiliary points (pose_landmark_filtering.pbtxt)

MAX_SPEED = 2.5  # region sides a second; a sprinter's hips move at about 3, a region is about 2.3 m wide
MAX_STEP = 0.15  # region sides of error that one frame may add to it
CALM_STEP, CALM_SPEED = 0.04, 1.0  # the same, of all points of a body; more is a leap, or somebody else
LEAP_MEMORY = 0.5  # seconds after a leap in which other colours tell that it was somebody else
OTHER_COLOUR = 75.0  # distance in RGB 0..255; arms in front of the trunk make 65, light as it mostly changes less
SAME_COLOUR = 45.0  # the same for who was hidden and appears again
COLOUR_MEMORY = 1.0  # seconds; a person who turns round changes colour slower than that
HIDDEN_FOR = 2.0  # seconds at most behind somebody who passes
SEARCH_EVERY = 0.2  # seconds between searches for somebody hidden
APART = 0.1  # region sides between the points of two people
MAX_GROWTH = 1.35  # ratio of region sides between frames, and for every GROWTH_TIME
PATIENCE = 1.0  # seconds after a loss during which only somebody at the same place is taken
NEARBY = 0.7  # region sides; how far from that place
GROWTH_TIME = 0.1  # seconds
LOOKS = 3  # candidates looked at in one frame while one person is looked for

# The detector sees people from about a third of its input's height on, so smaller ones are looked for in tiles.
TILE_SCALES = (0.6, 0.4)  # of the longer image side
TILE_OVERLAP = 0.4  # of a tile's side; head and hips of a person fit in it
SMALLEST_TILE = 96.0  # pixels a side; the detector would see nothing but enlarged pixels
AREAS_A_FRAME = 1  # searched in turn while somebody is followed; a detection takes as long as a look
AROUND = 1.5  # side of the area searched after a loss, in sides of the lost person's region
SMALL = 0.4  # of the longer image side: a region that the detector finds in tiles only
DWARFS = 1.5  # ratio of region sides from which on somebody else is the one meant
COMPARE_EVERY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Manner:
    """How people are followed by a family's networks; the defaults are BlazePose's.

    min_score: below it the person is lost. second_look: somebody new between this and min_score is looked at again.
    first_looks: looks at somebody new, each where the one before says. max_step, max_growth: MAX_STEP and MAX_GROWTH.
    seek_every: seconds at least between searches for more people while some are known.
    """

    min_score: float = MIN_PRESENCE
    second_look: float = SECOND_LOOK
    first_looks: int = 1
    max_step: float = MAX_STEP
    max_growth: float = MAX_GROWTH
    seek_every: float = 0.0


class Eyes(Protocol):
    """What the follower looks with."""

    def detect(self, image: Image, area: Region) -> list[tuple[Region, float]]:
        """Regions and scores of the people in an upright area, best first."""
        ...

    def look(self, image: Image, where: Region) -> Sight:
        """The person in a region."""
        ...


class Followed:
    """One person: the last sighting that is surely theirs, and where to look next."""

    def __init__(self, sight: Sight, time: float, manner: Manner) -> None:
        self._manner = manner
        self.sight = sight
        self.time = time
        self.hidden_since: float | None = None
        self.searched = -math.inf
        self._leapt = -math.inf
        self._colour = sight.colour
        self._filter = OneEuro(MIN_CUTOFF, BETA)
        self.see(sight, time)

    def see(self, sight: Sight, time: float) -> None:
        """Takes in a sighting."""
        share = 1 - math.exp(-self._since(time) / COLOUR_MEMORY)
        self._colour = self._colour + share * (sight.colour - self._colour)
        self.sight = sight
        self.time = time
        self.hidden_since = None
        size = max(sight.region.size / region.BODY_SCALE, 1.0)
        steady = self._filter(np.concatenate([sight.hips, sight.rim]), time, size)
        self.region = region.from_alignment(steady[:2], steady[2:])

    def could_be(self, place: Region, time: float) -> bool:
        """Whether a body can have come from its last place to this one."""
        growth = self._manner.max_growth ** max(1.0, self._since(time) / GROWTH_TIME)
        ratio = place.size / self.sight.region.size
        moved = distance(place, self.sight.region)
        return moved <= self._manner.max_step + MAX_SPEED * self._since(time) and 1 / growth <= ratio <= growth

    def is_other(self, sight: Sight, time: float) -> bool:
        """Whether the look slid to somebody who passes in front: all points leapt, and the clothes are others.

        Who still looks so after HIDDEN_FOR is taken for the person all the same: the light may have changed.
        """
        if self.hidden_since is None:
            if points_between(sight, self.sight) > CALM_STEP + CALM_SPEED * self._since(time):
                self._leapt = time
            if not 0 <= time - self._leapt <= LEAP_MEMORY or not self.looks_strange(sight):
                return False
            self.hidden_since = time
        if not 0 <= time - self.hidden_since <= HIDDEN_FOR:
            self._colour = sight.colour
            return False
        return self.looks_strange(sight)

    def looks_strange(self, sight: Sight) -> bool:
        """Whether somebody wears other colours than this person; while they are hidden, small doubts count."""
        limit = OTHER_COLOUR if self.hidden_since is None else SAME_COLOUR
        return float(np.linalg.norm(sight.colour - self._colour)) > limit

    def _since(self, time: float) -> float:
        return max(time - self.time, 0.0)


class Follower:
    """Follows up to `people` people through the frames.

    One person: the largest at the start; after a loss, for PATIENCE seconds only somebody near the last place. Several:
    each has a region, and every frame searches some areas for others, all of them while nobody is known.
    """

    def __init__(self, eyes: Eyes, people: int, manner: Manner = Manner()) -> None:
        self._eyes = eyes
        self._manner = manner
        self._most = people
        self.reset()

    def reset(self) -> None:
        """Forget everybody."""
        self._people: list[Followed] = []
        self.others = 0  # people who were found beside the one who was taken
        self._chosen = False  # somebody was asked for: a larger person is not the one meant
        self._missed: Followed | None = None
        self._nobody_since: float | None = None
        self._next_area = 0
        self._compared = -math.inf
        self._sought = -math.inf

    def __call__(self, image: Image, time: float) -> list[Sight]:
        """Everybody who is there now, in the order they were found in. image: (H, W, 3) uint8 RGB."""
        before = self._people
        self._people = without_doubles([person for person in before if self._still_there(person, image, time)])
        lost = [person for person in before if person not in self._people]
        if lost:
            self._missed = lost[0]
        if self._most == 1:
            self._find_one(image, time)
        elif len(self._people) < self._most:
            self._find_more(image, time, lost)
        return [person.sight for person in self._people if person.hidden_since is None]

    def follow(self, sight: Sight, time: float) -> None:
        """From now on follow the one person of this sight."""
        self._people = [Followed(sight, time, self._manner)]
        self._chosen, self.others = True, 0
        self._missed = self._nobody_since = None

    def take_over(self, before: Follower) -> None:
        """Follow whom another follower of the same manner does, from where they were."""
        self.reset()
        self._people = list(before._people[: self._most])
        self._missed, self._chosen, self.others = before._missed, before._chosen, before.others
        self._compared, self._sought = before._compared, before._sought

    def _still_there(self, person: Followed, image: Image, time: float) -> bool:
        """Looks where the person should be; False if nobody is there, or somebody who cannot be them."""
        sight = self._eyes.look(image, person.region)
        if sight.score < self._manner.min_score or not usable(sight):
            return False
        if person.is_other(sight, time):
            behind = self._behind(person, sight, image, time)
            if behind is not None:
                person.see(behind, time)
            return True
        if not person.could_be(sight.region, time):
            return False
        person.see(sight, time)
        return True

    def _behind(self, person: Followed, front: Sight, image: Image, time: float) -> Sight | None:
        """The person themselves, when somebody else is in front of them; None while they are hidden."""
        if 0 <= time - person.searched < SEARCH_EVERY:
            return None
        person.searched = time
        around = Region(person.region.x, person.region.y, AROUND * person.region.size)
        for place in self._search(image, [around])[:LOOKS]:
            sight = self._meet(image, place) if person.could_be(place, time) else None
            if sight is not None and points_between(sight, front) > APART and not person.looks_strange(sight):
                return sight
        return None

    def _find_one(self, image: Image, time: float) -> None:
        """Takes the person who was lost a moment ago, or after PATIENCE the largest."""
        if self._people:
            self._nobody_since = None
            compared = self._chosen or 0 <= time - self._compared < COMPARE_EVERY
            if self._is_small(image) and not compared:
                self._compared = time
                self._take(
                    image, time, [place for place in self._search(image, [_whole(image)]) if self._dwarfs(place)]
                )
            return
        found = self._search(image, [_whole(image)])
        if self._nobody_since is None or time < self._nobody_since:
            self._nobody_since = time
        if not found and time - self._nobody_since >= PATIENCE:
            found = self._search(image, self._some_areas(image, AREAS_A_FRAME))
        missed = self._missed
        if missed is not None and 0 <= time - missed.time < PATIENCE:
            near = [p for p in found if missed.could_be(p, time) and distance(p, missed.region) <= NEARBY]
            self._take(image, time, sorted(near, key=lambda place: distance(place, missed.region)), missed)
        else:
            self._chosen = False
            self._take(image, time, sorted(found, key=lambda place: -place.size))

    def _take(self, image: Image, time: float, places: Sequence[Region], waited_for: Followed | None = None) -> None:
        """Follows who is at the first of the places, or the first who may be the one waited for; nobody else."""
        for place in places[:LOOKS]:
            sight = self._meet(image, place)
            if sight is not None and not (waited_for is not None and waited_for.looks_strange(sight)):
                self._people = [Followed(sight, time, self._manner)]
                self.others = len(places) - 1 if waited_for is None else self.others
                return

    def _is_small(self, image: Image) -> bool:
        """Whether the one person may be somebody in the background, found while nobody else was there."""
        return self._people[0].sight.region.size < SMALL * float(max(image.shape[:2]))

    def _dwarfs(self, place: Region) -> bool:
        """Whether somebody is so much larger than the person followed that they must be the one meant."""
        return place.size > DWARFS * self._people[0].sight.region.size

    def _find_more(self, image: Image, time: float, lost: Sequence[Followed]) -> None:
        """Adds people who are not followed yet, the surest first."""
        if self._people and not lost and 0 <= time - self._sought < self._manner.seek_every:
            return
        self._sought = time
        areas = [Region(one.region.x, one.region.y, AROUND * one.region.size) for one in lost]
        areas += self._some_areas(image, AREAS_A_FRAME if self._people else None)
        for place in self._search(image, areas):
            if len(self._people) == self._most:
                return
            if any(same_place(place, person.sight.region) for person in self._people):
                continue
            sight = self._meet(image, place)
            if sight is not None:
                self._people = without_doubles([*self._people, Followed(sight, time, self._manner)])

    def _some_areas(self, image: Image, count: int | None) -> list[Region]:
        """The next `count` of the areas of the image in turn, None for all of them."""
        height, width = image.shape[:2]
        areas = [_whole(image)]
        for side in (scale * max(width, height) for scale in TILE_SCALES):
            if side >= SMALLEST_TILE:
                areas += region.tiles(width, height, side, TILE_OVERLAP)
        if count is None:
            return areas
        first = self._next_area
        self._next_area = (first + count) % len(areas)
        return [areas[(first + step) % len(areas)] for step in range(count)]

    def _search(self, image: Image, areas: Sequence[Region]) -> list[Region]:
        """Where the detector sees people in any of the areas, each once, the surest first."""
        found = [pair for area in areas for pair in self._eyes.detect(image, area)]
        found.sort(key=lambda pair: -pair[1])
        places: list[Region] = []
        for place, _ in found:
            if place.size >= SMALLEST and not any(same_place(place, other) for other in places):
                places.append(place)
        return places

    def _meet(self, image: Image, place: Region) -> Sight | None:
        """Looks at somebody new, a second time from a better centred region if the first leaves a doubt."""
        least = self._manner.min_score
        sight = self._eyes.look(image, place)
        if self._manner.second_look <= sight.score < least and usable(sight):
            sight = self._eyes.look(image, sight.region)
        for _ in range(self._manner.first_looks - 1):
            if sight.score >= least and usable(sight):
                sight = self._eyes.look(image, sight.region)
        return sight if sight.score >= least and usable(sight) else None


def without_doubles(people: Sequence[Followed]) -> list[Followed]:
    """The people, each once: of two on one body the one found first stays, of a body and a part of it the body."""
    kept: list[Followed] = []
    for person in people:
        if not any(same_person(person.sight, other.sight) for other in kept):
            kept.append(person)
    return [
        person for person in kept if not any(nested(person.sight, other.sight) for other in kept if other is not person)
    ]


def _whole(image: Image) -> Region:
    height, width = image.shape[:2]
    return region.whole_image(width, height)
