"""A person as the landmark model saw them, and whether two of them are one.

Pixels; distances between people are in region sides, so that nothing depends on the image's size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from bodydouble.estimate.region import Region, from_alignment
from bodydouble.types import Array, Image

COLOUR_SAMPLES = 8  # a side of the grid that samples a colour
COLOUR_MARGIN = 0.2  # of the trunk's width and height left out at its edges
SAME_PLACE = 0.12  # region sides between middles of what is taken for one person
SAME_SIZE = 1.6  # ratio of region sides of what is taken for one person
SAME_POINTS = 0.05  # region sides between the points of one body seen twice
NESTED_SIZE = 0.75  # ratio of region sides below which one body may be a part of another
NESTED_MARGIN = 0.02  # region sides outside the other's outline that still count as inside; points lie within limbs
NESTED_SHARE = 0.8  # of its visible points inside the other's outline
SEEN = 0.5  # visibility of a point that counts
SMALLEST = 24.0  # pixels a region side; nobody can be made out in less

# Shares of the grid's points in what is to the left and to the right, (n * n, 1) each, then of above and below.
_INNER = np.linspace(COLOUR_MARGIN, 1 - COLOUR_MARGIN, COLOUR_SAMPLES)
_ACROSS, _DOWN = np.tile(_INNER, COLOUR_SAMPLES)[:, None], np.repeat(_INNER, COLOUR_SAMPLES)[:, None]
_LEFT, _ABOVE = 1 - _ACROSS, 1 - _DOWN


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A person as the landmark model saw them.

    points: (P, 5) x, y, depth in pixels, visibility, presence. world: (K, 3) metres, +Y up, +Z to the camera.
    score: presence of the person, 0..1. hips, rim: (2,) the points that the next region comes from.
    colour: (3,) mean RGB of what they wear on the trunk, 0..255. region: where the person is, of hips and rim.
    """

    points: Array
    world: Array
    score: float
    hips: Array
    rim: Array
    colour: Array
    region: Region = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "region", from_alignment(self.hips, self.rim))


def colour_between(image: Image, corners: Array) -> Array:
    """(3,) mean RGB 0..255 inside four points of the image, away from their edges.

    corners: (4, 2) pixels, the upper two, then the two below them.
    """
    upper = _LEFT * corners[0] + _ACROSS * corners[1]
    lower = _LEFT * corners[2] + _ACROSS * corners[3]
    height, width = image.shape[:2]
    at = np.minimum(np.maximum(_ABOVE * upper + _DOWN * lower, 0), (width - 1, height - 1)).astype(np.intp)
    return np.asarray(np.add.reduce(image[at[:, 1], at[:, 0]], axis=0, dtype=np.float64) / len(at))


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
    return points_between(one, other) <= SAME_POINTS


def points_between(one: Sight, other: Sight) -> float:
    """Median distance of the points of two sightings, in sides of the greater region."""
    step = one.points[:, :2] - other.points[:, :2]
    between = np.sort(np.add.reduce(step * step, axis=1))  # np.median and np.linalg.norm take four times as long
    middle = len(between) // 2
    median = (math.sqrt(between[middle]) + math.sqrt(between[-1 - middle])) / 2
    return median / max(one.region.size, other.region.size)


def nested(one: Sight, other: Sight) -> bool:
    """Whether `one` is a part of the other's body, taken for a smaller person."""
    if one.region.size >= NESTED_SIZE * other.region.size:
        return False
    outline = cv2.convexHull(other.points[other.points[:, 3] > SEEN, :2].astype(np.float32).reshape(-1, 1, 2))
    seen = one.points[one.points[:, 3] > SEEN, :2]
    if outline is None or len(seen) == 0:
        return outline is not None
    margin = NESTED_MARGIN * other.region.size
    inside = [cv2.pointPolygonTest(outline, (float(x), float(y)), True) >= -margin for x, y in seen]
    return float(np.mean(inside)) >= NESTED_SHARE
