"""MoveNet's 17 points and BlazePose's 33 of one person, joined to 33 points with their places in the world.

Where a point is in the picture MoveNet tells best, also of people who overlap; BlazePose adds hands, feet, mouth and
depth. Pixels and metres; see types.Pose. Figures: docs/decisions/best.md
"""

from __future__ import annotations

import numpy as np

from bodydouble.estimate.best_turned import lean
from bodydouble.estimate.movenet_crop import HIPS, torso_seen
from bodydouble.estimate.movenet_graph import MIN_POINT
from bodydouble.estimate.region import Region, from_alignment
from bodydouble.estimate.sight import Sight
from bodydouble.skeletons import BLAZEPOSE_33, COCO_17
from bodydouble.types import Array, Pose

COUNT = len(BLAZEPOSE_33)
SHARED = [BLAZEPOSE_33.index[name] for name in COCO_17.points]
REACH = 1.15  # radius of the circle around a body against the farthest of its points; head and toes reach further
SAME = 0.12  # of the body's size: mean distance between the two models' points up to which they mean one person
SUREST = 0.3  # score of a point that is compared

# Points that MoveNet has not move with the one of its points that they hang on.
CARRIERS = {
    **{f"{side}_eye_{part}": f"{side}_eye" for side in ("left", "right") for part in ("inner", "outer")},
    "mouth_left": "nose",
    "mouth_right": "nose",
    **{f"{side}_{part}": f"{side}_wrist" for side in ("left", "right") for part in ("pinky", "index", "thumb")},
    **{f"{side}_{part}": f"{side}_ankle" for side in ("left", "right") for part in ("heel", "foot_index")},
}
CARRIED = [BLAZEPOSE_33.index[name] for name in CARRIERS]
CARRYING = [BLAZEPOSE_33.index[name] for name in CARRIERS.values()]


def body_region(points: Array) -> Region | None:
    """Where BlazePose should look for the person whose points (17, 3) these are; None while no torso is seen."""
    if not torso_seen(points):
        return None
    hips = points[HIPS, :2].mean(axis=0)
    counted = points[points[:, 2] > MIN_POINT, :2]
    radius = REACH * float(np.linalg.norm(counted - hips, axis=1).max())
    turn = lean(points)
    return from_alignment(hips, hips + radius * np.array([np.sin(turn), -np.cos(turn)]))


def apart(points: Array, sight: Sight) -> float:
    """Mean distance between the two models' points, those that MoveNet is sure of, over the body's size."""
    sure = points[:, 2] >= SUREST
    if not sure.any():
        return np.inf
    size = max(float(np.hypot(*np.ptp(points[sure, :2], axis=0))), 1.0)
    return float(np.linalg.norm(points[sure, :2] - sight.points[SHARED][sure, :2], axis=1).mean()) / size


def exchanged(sight: Sight) -> Sight:
    """The same look with left and right exchanged: a back that was taken for a front."""
    order = [*BLAZEPOSE_33.mirrored, *range(COUNT, len(sight.points))]
    world = sight.world[list(BLAZEPOSE_33.mirrored)]
    return Sight(sight.points[order], world, sight.score, sight.hips, sight.rim, sight.colour)


def joined(points: Array, score: float, sight: Sight, time: float) -> Pose:
    """One pose of both. points: (17, 3) of MoveNet. sight: what BlazePose saw of, most likely, the same person.

    Where they do not mean the same person, what only BlazePose knows has score 0.
    """
    sight = min(sight, exchanged(sight), key=lambda one: apart(points, one))
    same = apart(points, sight) <= SAME
    places, likely = sight.points[:COUNT, :2].copy(), sight.points[:COUNT, 3:5].copy()
    moved = points[:, :2] - places[SHARED]
    places[SHARED] = points[:, :2]
    by_index = np.zeros((COUNT, 2))
    by_index[SHARED] = moved
    places[CARRIED] += by_index[CARRYING]
    scores = likely.prod(axis=1) * same
    scores[SHARED] = np.clip(points[:, 2], 0.0, 1.0)
    likely[SHARED] = np.sqrt(scores[SHARED])[:, None]
    likely *= np.where(same, 1.0, np.isin(np.arange(COUNT), SHARED))[:, None]
    return Pose(
        skeleton=BLAZEPOSE_33.name,
        points=places,
        scores=scores,
        score=min(score, 1.0),
        time=time,
        depth=sight.points[:COUNT, 2],
        world=sight.world,
        visibility=likely[:, 0],
        presence=likely[:, 1],
    )
