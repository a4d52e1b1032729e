"""A motion file as a pose model would see it: joints -> BlazePose-33 points, metres, +Y up, person 3 m from a camera.

The unit and the up axis are told from the body itself. Face, hands and feet that a file has not are fixed to head,
wrist and ankle as on a plain adult: they point where the body does on average. The camera's axes are Pose.world's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bodydouble.bench.bvh import Bvh
from bodydouble.bench.joints import FINGERS, Joints, Site
from bodydouble.skeletons import BLAZEPOSE_33, swap_side
from bodydouble.types import Array, BodyDoubleError, Camera, Pose

# Where points lie from the joint they are fixed to: metres to the person's left (right for the right side), up and
# forward; a plain adult of 1.75 m.
FACE = {
    "nose": (0.0, 0.065, 0.115),
    "left_eye_inner": (0.017, 0.1, 0.09),
    "left_eye": (0.032, 0.1, 0.085),
    "left_eye_outer": (0.047, 0.1, 0.075),
    "left_ear": (0.075, 0.08, 0.015),
    "mouth_left": (0.027, 0.025, 0.09),
}
HEEL, TOES, TIP = (0.0, -0.06, -0.05), (0.0, -0.06, 0.19), (0.0, 0.0, 0.07)  # from ankle, ankle, and the toes' joint
FINGER = {"index": (0.085, 0.03), "pinky": (0.075, -0.035), "thumb": (0.045, 0.045)}  # along the forearm, across
LEG = 0.49  # hip to ankle, shares of stature: Winter, Biomechanics and Motor Control of Human Movement, figure 4.1
LEGS = (0.55, 1.1)  # metres that a person's leg may have
UNITS = (1.0, 0.01, 0.001, 0.0254)  # metres, centimetres, millimetres, inches
STATURE = 1.7  # metres of a person whose file's unit is none of those
UPRIGHT = 0.2  # share of the frames in which head and feet are farthest apart: there the body is upright
STRAY = 1.0  # metres from its middle that a path may go; beyond, the camera walks along
ALONG = 2.0  # seconds over which the path that the camera walks is levelled


@dataclass(frozen=True, slots=True)
class View:
    """How a motion is seen. camera; distance in metres of the hips from it; fps: frames a second."""

    camera: Camera = Camera((1280, 720), float(np.radians(50)))  # noqa: RUF009 - frozen
    distance: float = 3.0
    fps: float = 30.0

    @property
    def pixel(self) -> float:
        """Metres across a pixel at the person."""
        return self.distance / self.camera.focal


def sites(motion: Bvh) -> tuple[dict[str, Site], float, Array]:
    """Every BlazePose point as a site, metres a file unit, and (3, 3) the file's axes -> x, +Y up, z."""
    joints = Joints(motion)
    found: dict[str, Site] = {}
    for side in ("left", "right"):
        for names, limb in (
            (("shoulder", "elbow", "wrist"), joints.arm(side)),
            (("hip", "knee", "ankle"), joints.leg(side)),
        ):
            found |= {f"{side}_{name}": site for name, site in zip(names, limb, strict=True)}
    head = joints.head()
    paths = {name: site.path(motion) for name, site in found.items()}
    unit = _unit(paths)
    stature = unit * _leg(paths) / LEG
    axes = _body_axes(paths)
    plain = stature / 1.75 / unit  # file units in a metre of the plain adult
    for point, offset in FACE.items():
        found[point] = _fixed(motion, head, axes, np.array(offset) * plain)
        found[swap_side(point)] = _fixed(motion, head, axes, np.array(offset) * [-plain, plain, plain])
    for side in ("left", "right"):
        ankle, wrist = found[f"{side}_ankle"], found[f"{side}_wrist"]
        toe = joints.toe(ankle, side)
        found[f"{side}_heel"] = _fixed(motion, ankle, axes, np.array(HEEL) * plain)
        found[f"{side}_foot_index"] = _fixed(motion, toe or ankle, axes, np.array(TIP if toe else TOES) * plain)
        along = _along(motion, wrist, paths[f"{side}_elbow"])
        across = _across(motion, wrist, axes, along)
        for finger in FINGERS:
            far, off = FINGER[finger]
            site = joints.finger(wrist, finger)
            found[f"{side}_{finger}"] = site or Site(wrist.joint, wrist.local + plain * (far * along + off * across))
    return found, unit, _upright(head.path(motion), paths)


def _leg(paths: Mapping[str, Array]) -> float:
    """Hip to ankle along the leg, the longer one, file units."""
    lengths = [
        np.linalg.norm(paths[f"{side}_{a}"][0] - paths[f"{side}_{b}"][0])
        for side in ("left", "right")
        for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    return float(max(lengths[0] + lengths[1], lengths[2] + lengths[3]))


def _unit(paths: Mapping[str, Array]) -> float:
    """Metres a file unit: the one that gives a human leg, else what gives a person of STATURE."""
    leg = _leg(paths)
    if not leg > 0:
        raise BodyDoubleError("legs without length; wanted a BVH file of a person with OFFSETs")
    return next((unit for unit in UNITS if LEGS[0] < unit * leg < LEGS[1]), LEG * STATURE / leg)


def _upright(head: Array, paths: Mapping[str, Array]) -> Array:
    """(3, 3) turn after which +Y is up, told by where the head is when it is farthest from the feet."""
    up = head - (paths["left_ankle"] + paths["right_ankle"]) / 2
    long = np.linalg.norm(up, axis=1)
    mean = up[long >= np.quantile(long, 1 - UPRIGHT)].mean(axis=0)
    axis = int(np.argmax(np.abs(mean)))
    sign = float(np.sign(mean[axis])) or 1.0
    turn = np.zeros((3, 3))
    turn[1, axis] = sign
    turn[0, (axis + 2) % 3] = 1.0
    turn[2, (axis + 1) % 3] = sign
    return turn


def _body_axes(paths: Mapping[str, Array]) -> Array:
    """(T, 3, 3) the trunk's axes as columns: to the left, up, forward."""
    shoulders = (paths["left_shoulder"] + paths["right_shoulder"]) / 2
    hips = (paths["left_hip"] + paths["right_hip"]) / 2
    across = paths["left_shoulder"] - paths["right_shoulder"] + paths["left_hip"] - paths["right_hip"]
    up = _unit_vectors(shoulders - hips)
    left = _unit_vectors(across - (across * up).sum(axis=1, keepdims=True) * up)
    return np.stack([left, up, np.cross(left, up)], axis=2)


def _unit_vectors(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))


def _fixed(motion: Bvh, site: Site, axes: Array, offset: Array) -> Site:
    """A site `offset` (3,) off another: to the left, up and forward as the body's axes lie in its joint on average."""
    mean = (np.swapaxes(motion.turns[:, site.joint], 1, 2) @ axes).mean(axis=0)
    u, _, v = np.linalg.svd(mean)
    turn = u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v
    return Site(site.joint, site.local + turn @ offset)


def _along(motion: Bvh, wrist: Site, elbow: Array) -> Array:
    """(3,) the forearm's direction in the wrist's joint, on average."""
    ways = _unit_vectors(wrist.path(motion) - elbow)
    local = np.swapaxes(motion.turns[:, wrist.joint], 1, 2) @ ways[..., None]
    return _unit_vectors(local[..., 0].mean(axis=0))


def _across(motion: Bvh, wrist: Site, axes: Array, along: Array) -> Array:
    """(3,) the thumb's side of the hand in the wrist's joint: forward of the body on average, square to the forearm."""
    forward = (np.swapaxes(motion.turns[:, wrist.joint], 1, 2) @ axes[:, :, 2:])[..., 0].mean(axis=0)
    least = np.eye(3)[int(np.argmin(np.abs(along)))]
    side = forward - (forward @ along) * along
    return _unit_vectors(side if np.linalg.norm(side) > 0.1 else np.cross(along, least))


def keypoints(motion: Bvh, fps: float) -> tuple[Array, Array]:
    """Times (N,) at an even rate, and (N, 33, 3) points in metres, +Y up, cubic between the file's frames."""
    found, unit, upright = sites(motion)
    points = np.stack([found[name].path(motion) for name in BLAZEPOSE_33.points], axis=1) @ upright.T * unit
    times = np.arange(int(motion.times[-1] * fps + 1e-6) + 1) / fps
    return times, _between(motion.times, points, times)


def _between(times: Array, points: Array, wanted: Array) -> Array:
    """(N, K, 3) points at the times wanted: Catmull-Rom splines through those at (T,) even times."""
    at = wanted / (times[1] - times[0])
    low = np.clip(at.astype(int), 0, len(times) - 2)
    s = (at - low)[:, None, None]
    before, a, b, after = (points[np.clip(low + k, 0, len(times) - 1)] for k in (-1, 0, 1, 2))
    slope_a, slope_b = (b - before) / 2, (after - a) / 2
    return np.asarray(
        a + s * slope_a + s**2 * (3 * (b - a) - 2 * slope_a - slope_b) + s**3 * (2 * (a - b) + slope_a + slope_b)
    )


def poses(motion: Bvh, view: View) -> list[Pose]:
    """Exact poses of a motion before a camera, facing it at first; on long ways the camera walks along."""
    times, points = keypoints(motion, view.fps)
    index = BLAZEPOSE_33.index
    across = points[0, index["left_hip"]] - points[0, index["right_hip"]]
    yaw = np.arctan2(across[2], across[0])
    c, s = np.cos(yaw), np.sin(yaw)
    points = points @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T
    hips = points[:, [index["left_hip"], index["right_hip"]]].mean(axis=1)
    points = points - _walked(hips, view.fps)[:, None] - [0.0, hips[:, 1].mean(), view.distance]
    hips = points[:, [index["left_hip"], index["right_hip"]]].mean(axis=1)
    world = points - hips[:, None]
    middle = np.array(view.camera.size) / 2
    pixels = middle + view.camera.focal * points[..., :2] * [1, -1] / -points[..., 2:]
    depth = -world[..., 2] * view.camera.focal / -hips[:, None, 2]
    sure = np.ones(len(BLAZEPOSE_33))
    return [
        Pose(BLAZEPOSE_33.name, pixels[i], sure, 1.0, float(time), depth[i], world[i], visibility=sure, presence=sure)
        for i, time in enumerate(times)
    ]


def _walked(hips: Array, fps: float) -> Array:
    """(T, 3) the camera's path over the floor: its middle, or for who goes farther than STRAY, the path levelled."""
    ground = hips * [1.0, 0.0, 1.0]
    middle = (ground.max(axis=0) + ground.min(axis=0)) / 2
    if np.abs(ground - middle).max() <= STRAY:
        return np.broadcast_to(middle, ground.shape)
    width = max(round(ALONG * fps) // 2, 1)
    padded = np.concatenate([np.repeat(ground[:1], width, 0), ground, np.repeat(ground[-1:], width, 0)])
    sums = np.cumsum(np.concatenate([np.zeros((1, 3)), padded]), axis=0)
    return np.asarray((sums[2 * width + 1 :] - sums[: -2 * width - 1]) / (2 * width + 1))
