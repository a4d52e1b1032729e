"""Motions made by hand or from motion capture, and what the figure they pose looks like."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from stick_rigs import FOX, HUMAN, rig

import mocap
from bodydouble.retarget.calibration import Calibration
from bodydouble.retarget.ground import contacts
from bodydouble.retarget.placement import Placer
from bodydouble.retarget.planar import Planar
from bodydouble.retarget.posture import posture
from bodydouble.skeletons import BODY_BONES
from bodydouble.types import Array, Camera, Motion, Placement, Posture, Rig, RigPose, State

NAMES = tuple(bone.name for bone in BODY_BONES)
CAMERA = Camera((1280, 720), math.radians(60))
# Degrees in the picture, 0 = picture right, 90 = up, of a person who stands upright with hanging arms.
STANDING = {
    "spine": 90,
    "head": 90,
    **{"left_clavicle": 0, "right_clavicle": 180, "left_pelvis": 0, "right_pelvis": 180},
    **{f"{side}_{part}": -90 for side in ("left", "right") for part in ("upper_arm", "forearm", "hand")},
    **{f"{side}_{part}": -90 for side in ("left", "right") for part in ("thigh", "shin")},
    **{"left_foot": -35, "right_foot": -145},
}
RIGS = {"human": rig(HUMAN), "fox": rig(FOX)}


def motion(
    angles: Mapping[str, float] | None = None,
    *,
    time: float = 0.0,
    drawn: Mapping[str, float] | None = None,
    unseen: Iterable[str] = (),
    state: State = State.TRACKED,
    place: Placement | None = None,
) -> Motion:
    """STANDING with some bones at other angles, and drawn at shares of their length (leaning towards the camera)."""
    degrees = STANDING | dict(angles or {})
    shares = np.array([(drawn or {}).get(name, 1.0) for name in NAMES])
    turns = np.radians([degrees[name] for name in NAMES])
    directions = np.stack((shares * np.cos(turns), shares * np.sin(turns), np.sqrt(1 - shares**2)), axis=1)
    scores = np.array([0.0 if name in unseen else 1.0 for name in NAMES])
    return Motion(Posture(NAMES, directions, scores), place or Placement(0.0, 0.0, 0.6, score=1.0), time, 1, state)


def tails(of: Rig, pose: RigPose) -> Array:
    line = of.tails - of.heads
    angle = np.arctan2(line[:, 1], line[:, 0]) + pose.angles
    length = np.hypot(line[:, 0], line[:, 1]) * pose.lengths
    return pose.heads + np.stack((length * np.cos(angle), length * np.sin(angle)), axis=1)


def drawn_angle(of: Rig, pose: RigPose, bone: str) -> float:
    """Degrees, 0 = picture right, 90 = up."""
    i = of.names.index(bone)
    x, y = tails(of, pose)[i] - pose.heads[i]
    return math.degrees(math.atan2(-y, x))


def lowest(of: Rig, pose: RigPose) -> float:
    """The lowest y of the points that may touch the floor."""
    line = of.tails - of.heads
    angles = np.arctan2(line[:, 1], line[:, 0]) + pose.angles
    return max(
        pose.heads[c.bone, 1]
        + c.along * pose.lengths[c.bone] * math.sin(angles[c.bone])
        + c.aside * math.cos(angles[c.bone])
        + c.radius
        for c in contacts(of)
    )


def dancing(
    test_data: Path, of: Rig, clip: str = "jesse_dance.bvh", **options: object
) -> tuple[list[Motion], list[RigPose]]:
    calibration, placer = Calibration(), Placer(CAMERA.size)
    planar = Planar(of, **options)  # type: ignore[arg-type]
    motions = []
    for pose in mocap.poses(test_data / "mocap" / clip, camera=CAMERA):
        body = calibration.update(pose)
        motions.append(Motion(posture(pose, body, CAMERA), placer(pose, body, CAMERA), pose.time, 1))
    return motions, [planar(m) for m in motions]
