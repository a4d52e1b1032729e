"""Motion capture as a pose model would see it: BVH -> joints by forward kinematics -> BlazePose-33 poses.

Metres, seconds, radians; +Y up, right-handed. The camera's axes are Pose.world's: +x picture right, +Y up, +Z to the
camera. Keypoints are exact: world points are joints minus the hips' middle, image points their pinhole projection.
BVH as the Wisconsin cs-838 page has it: channel rotations in the listed order, each post-multiplied; OFFSETs at rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from bodydouble.skeletons import BLAZEPOSE_33, BODY_BONES, swap_side
from bodydouble.types import Array, Camera, Pose

Vector = tuple[float, float, float]
Sites = dict[str, tuple[str, Vector]]
NOWHERE = (0.0, 0.0, 0.0)

# Where face points lie from the base of the skull: metres to the left, up and forward; a plain adult head.
FACE: dict[str, Vector] = {
    "nose": (0.0, 0.065, 0.115),
    "left_eye_inner": (0.017, 0.1, 0.09),
    "left_eye": (0.032, 0.1, 0.085),
    "left_eye_outer": (0.047, 0.1, 0.075),
    "left_ear": (0.075, 0.08, 0.015),
    "mouth_left": (0.027, 0.025, 0.09),
}
LIMBS = {"shoulder": "Arm", "elbow": "ForeArm", "wrist": "Hand", "hip": "UpLeg", "knee": "Leg", "ankle": "Foot"}


@dataclass(frozen=True)
class Layout:
    """How one family of BVH files names and orients things.

    unit: metres a file unit. up: the file's up axis, "y" or "z". head: axes of the head's own frame that point to the
    left, up and forward. sites: further points as (joint, metres in that joint's frame).
    """

    unit: float
    up: str
    head: tuple[Vector, Vector, Vector]
    sites: Sites

    def all_sites(self) -> Sites:
        """Every BlazePose point as (joint, metres in the joint's frame)."""
        sites = dict(self.sites)
        for side in ("Left", "Right"):
            sites |= {f"{side.lower()}_{point}": (side + joint, NOWHERE) for point, joint in LIMBS.items()}
        for point, (left, up, forward) in FACE.items():
            for name, sideways in ((point, left), (swap_side(point), -left)):
                local = (
                    sideways * np.array(self.head[0]) + up * np.array(self.head[1]) + forward * np.array(self.head[2])
                )
                sites[name] = ("Head", (float(local[0]), float(local[1]), float(local[2])))
        return sites


def _rokoko_side(side: str) -> Sites:
    """Rokoko has fingers. In a foot's own axes (x down to the toes, y up to the front) the heel is behind and below."""
    low = side.lower()
    return {
        f"{low}_index": (f"{side}HandIndex1", NOWHERE),
        f"{low}_pinky": (f"{side}HandPinky1", NOWHERE),
        f"{low}_thumb": (f"{side}HandThumb2", NOWHERE),
        f"{low}_foot_index": (f"{side}ToeBase", (0.073, 0.0, 0.0)),
        f"{low}_heel": (f"{side}Foot", (0.078, -0.102, 0.0)),
    }


def _fair1_side(side: str, sign: float) -> Sites:
    """fair1 has one hand bone and a thumb: x along the arm, -y to the thumb's side, z up."""
    low = side.lower()
    return {
        f"{low}_index": (f"{side}Hand", (sign * 0.085, -0.03, 0.0)),
        f"{low}_pinky": (f"{side}Hand", (sign * 0.075, 0.035, 0.0)),
        f"{low}_thumb": (f"{side}HandThumb1", NOWHERE),
        f"{low}_foot_index": (f"{side}ToeBase", (0.0, -0.072, 0.0)),
        f"{low}_heel": (f"{side}Foot", (0.0, 0.05, -0.06)),
    }


LAYOUTS = {
    "rokoko": Layout(
        0.01,
        "y",
        ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        _rokoko_side("Left") | _rokoko_side("Right"),
    ),
    # The file names no unit; 0.042 m makes its person, 39.5 units from floor to crown, 1.66 m tall.
    "fair1": Layout(
        0.042,
        "z",
        ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
        _fair1_side("Left", 1.0) | _fair1_side("Right", -1.0),
    ),
}


@dataclass(frozen=True)
class Clip:
    """A motion in metres, +Y up.

    times: (T,) seconds from 0. joints: (T, 3) by BVH name. turns: (T, 3, 3) by BVH name, each joint's own axes as
    columns.
    """

    times: Array
    joints: dict[str, Array]
    turns: dict[str, Array]
    layout: Layout


def _rotation(axis: str, degrees: Array) -> Array:
    """(T, 3, 3) turns about one axis, for (T,) degrees."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis]
    out = np.tile(np.eye(3), (len(degrees), 1, 1))
    out[:, i, i], out[:, j, j], out[:, i, j], out[:, j, i] = c, c, -s, s
    return out


@dataclass
class _Joint:
    name: str
    parent: str
    offset: Array
    channels: tuple[str, ...]


def _hierarchy(words: list[str]) -> list[_Joint]:
    """Joints in the file's order, parents first; end sites have no channels and are left out."""
    joints: list[_Joint] = []
    open_blocks: list[_Joint | None] = []
    at = 0
    while at < len(words):
        word = words[at]
        if word in ("ROOT", "JOINT"):
            parents = [block for block in open_blocks if block is not None]
            joints.append(_Joint(words[at + 1], parents[-1].name if parents else "", np.zeros(3), ()))
            open_blocks.append(joints[-1])
            at += 3
        elif word == "End":
            open_blocks.append(None)
            at += 3
        elif word == "OFFSET":
            if open_blocks[-1] is not None:
                open_blocks[-1].offset = np.array(words[at + 1 : at + 4], dtype=np.float64)
            at += 4
        elif word == "CHANNELS":
            count = int(words[at + 1])
            assert open_blocks[-1] is not None
            open_blocks[-1].channels = tuple(words[at + 2 : at + 2 + count])
            at += 2 + count
        elif word == "}":
            open_blocks.pop()
            at += 1
        else:
            raise ValueError(f"unexpected {word!r} in a BVH hierarchy")
    return joints


def load(path: Path) -> Clip:
    """A BVH file of the Rokoko or the fair1 skeleton, by forward kinematics, in metres and +Y up."""
    head, motion = path.read_text().split("MOTION", 1)
    _, count, _, _, step, *rest = motion.replace(":", " ").split()
    values = np.array(rest, dtype=np.float64).reshape(int(count), -1)
    skeleton = _hierarchy(head.split()[1:])
    layout = LAYOUTS["rokoko" if any(joint.name == "LeftHandIndex1" for joint in skeleton) else "fair1"]
    joints: dict[str, Array] = {}
    turns: dict[str, Array] = {}
    column = 0
    for joint in skeleton:
        turn = np.tile(np.eye(3), (len(values), 1, 1))
        moved = np.tile(joint.offset, (len(values), 1))
        if any(name.endswith("position") for name in joint.channels):
            moved = np.zeros_like(moved)  # both families repeat the root's offset in its channels, or have none
        for name in joint.channels:
            if name.endswith("position"):
                moved[:, "XYZ".index(name[0])] += values[:, column]
            else:
                turn = turn @ _rotation(name[0], values[:, column])
            column += 1
        if joint.parent:
            moved = joints[joint.parent] + (turns[joint.parent] @ moved[..., None])[..., 0]
            turn = turns[joint.parent] @ turn
        joints[joint.name], turns[joint.name] = moved, turn
    if layout.up == "z":
        upright = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
        joints = {name: value @ upright.T for name, value in joints.items()}
        turns = {name: upright @ value for name, value in turns.items()}
    return Clip(
        np.arange(len(values), dtype=np.float64) * float(step),
        {name: value * layout.unit for name, value in joints.items()},
        turns,
        layout,
    )


def keypoints(clip: Clip) -> Array:
    """(T, 33, 3) BlazePose points in the clip's own axes."""
    sites = clip.layout.all_sites()
    columns = []
    for name in BLAZEPOSE_33.points:
        joint, local = sites[name]
        columns.append(clip.joints[joint] + clip.turns[joint] @ np.array(local))
    return np.stack(columns, axis=1)


def _hips(points: Array) -> Array:
    """(T, 3) middle between the hips."""
    index = BLAZEPOSE_33.index
    return np.asarray(points[:, [index["left_hip"], index["right_hip"]]].mean(axis=1))


def heading(points: Array) -> Array:
    """(T,) yaw of the chest: 0 faces +Z, +pi/2 faces +x."""
    index = BLAZEPOSE_33.index
    across = points[:, index["left_shoulder"]] - points[:, index["right_shoulder"]]
    return np.asarray(np.arctan2(-across[:, 2], across[:, 0]))


def turned(points: Array, yaw: float) -> Array:
    """Points (..., 3) turned about +Y through the origin; +pi/2 brings +Z to +x."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.asarray(points @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T)


def scaled(points: Array, limb_scale: Mapping[str, float]) -> Array:
    """The same motion of a body of other proportions: (T, 33, 3) with bones of other lengths and the same directions.

    limb_scale: ratio by name of BODY_BONES. Give both sides of clavicles and pelvis, as "neck" and "hip" are the middle
    between shoulders and hips. Face, finger and heel points scale with head, hand and foot.
    """
    unknown = set(limb_scale) - {bone.name for bone in BODY_BONES}
    if unknown:
        raise ValueError(f"no body bone {sorted(unknown)}")
    index = BLAZEPOSE_33.index
    middles = {"hip": ("left_hip", "right_hip"), "neck": ("left_shoulder", "right_shoulder")}
    old = {name: points[:, index[name]] for name in index}
    old |= {name: (old[a] + old[b]) / 2 for name, (a, b) in middles.items()}
    new = {"hip": old["hip"]}
    tails = {  # points that hang on a bone's start, rigid with it
        "head": ("neck", [n for n in index if n in FACE or swap_side(n) in FACE]),
        **{f"{s}_hand": (f"{s}_wrist", [f"{s}_index", f"{s}_pinky", f"{s}_thumb"]) for s in ("left", "right")},
        **{f"{s}_foot": (f"{s}_ankle", [f"{s}_heel", f"{s}_foot_index"]) for s in ("left", "right")},
    }
    for bone in BODY_BONES:
        for end in tails[bone.name][1] if bone.name in tails else [bone.end]:
            new[end] = new[bone.start] + limb_scale.get(bone.name, 1.0) * (old[end] - old[bone.start])
    return np.stack([new[name] for name in BLAZEPOSE_33.points], axis=1)


def resampled(clip: Clip, fps: float) -> tuple[Array, Array]:
    """Times (N,) at an even rate and keypoints (N, 33, 3) between frames (linear: 0.1 % of a bone at most)."""
    points = keypoints(clip)
    times = np.arange(int(clip.times[-1] * fps + 1e-6) + 1) / fps
    after = np.clip(np.searchsorted(clip.times, times), 1, len(clip.times) - 1)
    share = ((times - clip.times[after - 1]) / (clip.times[after] - clip.times[after - 1]))[:, None, None]
    return times, points[after - 1] * (1 - share) + points[after] * share


def project(points: Array, camera: Camera) -> Array:
    """(..., 2) pixels of (..., 3) points in camera axes, with the camera at the origin looking along -Z."""
    width, height = camera.size
    away = -points[..., 2:]
    return np.asarray(np.array([width / 2, height / 2]) + camera.focal * points[..., :2] * [1, -1] / away)


def view(points: Array, times: Array, camera: Camera) -> list[Pose]:
    """Poses of (T, 33, 3) points in camera axes (camera at the origin, looking along -Z)."""
    hips = _hips(points)
    world = points - hips[:, None]
    pixels = project(points, camera)
    depth = -world[..., 2] * camera.focal / -hips[:, None, 2]
    sure = np.ones(len(BLAZEPOSE_33))
    return [
        Pose(BLAZEPOSE_33.name, pixels[i], sure, 1.0, float(time), depth[i], world[i], visibility=sure, presence=sure)
        for i, time in enumerate(times)
    ]


def blazepose(
    clip: Clip,
    *,
    camera: Camera,
    place: Vector = (0.0, 0.0, 3.0),
    fps: float = 30.0,
    yaw: float = 0.0,
    limb_scale: Mapping[str, float] | None = None,
) -> list[Pose]:
    """Exact poses of a clip before a camera.

    place: where the hips start: metres right, up, and in front of the camera. yaw: where the person faces in the first
    frame, 0 the camera, +pi/2 picture right. limb_scale: see scaled.
    """
    times, points = resampled(clip, fps)
    points = turned(points - _hips(points)[0], yaw - float(heading(points)[0]))
    if limb_scale:
        points = scaled(points, limb_scale)
    x, y, z = place
    return view(points + np.array([x, y, -z]), times, camera)


def poses(
    path: Path,
    *,
    camera: Camera,
    place: Vector = (0.0, 0.0, 3.0),
    fps: float = 30.0,
    yaw: float = 0.0,
    limb_scale: Mapping[str, float] | None = None,
) -> list[Pose]:
    """Exact poses of a BVH file before a camera; see blazepose."""
    return blazepose(load(path), camera=camera, place=place, fps=fps, yaw=yaw, limb_scale=limb_scale)


def bone_lengths(points: Array) -> dict[str, Array]:
    """(T,) length of every limb edge between points that BlazePose has, for (T, 33, D) points."""
    index = BLAZEPOSE_33.index
    edges = [edge for bone in BODY_BONES for edge in pairwise((bone.start, bone.end)) if set(edge) <= set(index)]
    return {f"{a}-{b}": np.linalg.norm(points[:, index[b]] - points[:, index[a]], axis=-1) for a, b in edges}
