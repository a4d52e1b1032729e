"""Laws of posture: what a body does does not depend on its place, size, proportions or, with a camera, perspective."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mocap
from bodydouble.retarget.calibration import Body, Calibration, typical
from bodydouble.retarget.joints import ENDS, STARTS, joints
from bodydouble.retarget.posture import posture
from bodydouble.retarget.sight import looking_along
from bodydouble.skeletons import BLAZEPOSE_33, BODY_BONES, BONE_INDEX, COCO_17, swap_side
from bodydouble.types import Array, Camera, Pose, Posture

CAMERA = Camera((1280, 720), math.radians(50))
CLIPS = ("jesse_dance.bvh", "wave_hello.bvh")
NARROW = Camera((1280, 720), math.radians(2.5))
FAR = 60.0  # metres: perspective is under 0.2 degrees from here

Seen = tuple[list[Pose], Body]


def known(poses: list[Pose]) -> Body:
    calibration = Calibration()
    for pose in poses:
        body = calibration.update(pose)
    return body


def bare(pose: Pose) -> Pose:
    return replace(pose, world=None, depth=None)


def turn(a: Array, b: Array) -> Array:
    """Degrees between angles."""
    return np.abs(np.degrees((a - b + np.pi) % (2 * np.pi) - np.pi))


def true_directions(pose: Pose) -> Array:
    world = joints(pose).world
    assert world is not None
    bones = world[ENDS] - world[STARTS]
    return bones / np.linalg.norm(bones, axis=1, keepdims=True)


@pytest.fixture(scope="module", params=[False, True], ids=["world", "pictures only"])
def dance(request: pytest.FixtureRequest, test_data: Path) -> Seen:
    camera = Camera((1280, 720), math.radians(2.5))
    poses = mocap.poses(test_data / "mocap" / CLIPS[0], camera=camera, place=(0, 0, FAR))
    if request.param:
        poses = [bare(pose) for pose in poses]
    return poses, known(poses)


@settings(max_examples=40, deadline=None)
@given(
    frame=st.integers(0, 299),
    x=st.floats(-5000, 5000),
    y=st.floats(-5000, 5000),
    scale=st.floats(0.05, 20),
)
def test_place_and_size_in_the_picture_change_nothing(
    dance: Seen, frame: int, x: float, y: float, scale: float
) -> None:
    poses, body = dance
    pose = poses[frame]
    before = posture(pose, body)
    after = posture(replace(pose, points=pose.points * scale + [x, y]), body)
    assert turn(before.angles, after.angles).max() < 0.5
    assert np.abs(before.foreshortening - after.foreshortening).max() < 0.01
    assert abs(before.facing - after.facing) < 0.01


PARTS = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot", "clavicle", "pelvis", "spine", "head")


@cache
def clip(test_data: Path) -> mocap.Clip:
    return mocap.load(test_data / "mocap" / CLIPS[0])


@cache
def usual_postures(test_data: Path) -> list[Posture]:
    """The dance from FAR away, by a body that was learnt from it."""
    poses = mocap.blazepose(clip(test_data), camera=NARROW, place=(0, 0, FAR), fps=10)
    body = known(poses)
    return [posture(pose, body) for pose in poses]


@settings(max_examples=8, deadline=None)
@given(ratios=st.lists(st.floats(0.8, 1.25), min_size=len(PARTS), max_size=len(PARTS)))
def test_proportions_change_no_angle(test_data: Path, ratios: list[float]) -> None:
    ratio = dict(zip(PARTS, ratios, strict=True))
    scales = {bone.name: ratio[bone.name.removeprefix("left_").removeprefix("right_")] for bone in BODY_BONES}
    usual = usual_postures(test_data)
    other = mocap.blazepose(clip(test_data), camera=NARROW, place=(0, 0, FAR), fps=10, limb_scale=scales)
    body = known(other)
    for one, b in list(zip(usual, other, strict=True))[30:]:
        two = posture(b, body)
        assert turn(one.angles, two.angles).max() < 2.0
        assert np.abs(one.foreshortening - two.foreshortening).max() < 0.08


def test_without_perspective_directions_are_the_bodys(test_data: Path) -> None:
    camera = Camera((1280, 720), math.radians(2.5))
    poses = mocap.poses(test_data / "mocap" / CLIPS[0], camera=camera, place=(0, 0, FAR))
    body = known(poses)
    for pose in poses[60::20]:
        found, true = posture(pose, body), true_directions(pose)
        drawn = np.hypot(true[:, 0], true[:, 1]) > 0.3
        assert turn(found.angles, np.arctan2(true[:, 1], true[:, 0]))[drawn].max() < 1.0
        assert np.degrees(np.arccos(np.clip((found.directions * true).sum(axis=1), -1, 1))).max() < 12


def ray_aligned(poses: list[Pose], camera: Camera) -> list[Pose]:
    """World axes along the ray to the hips, as of a network that sees only the crop around the person."""
    turned = []
    for pose in poses:
        x, y = pose.points[[BLAZEPOSE_33.index["left_hip"], BLAZEPOSE_33.index["right_hip"]]].mean(axis=0)
        ray = np.array([x - camera.size[0] / 2, camera.size[1] / 2 - y, -camera.focal])
        assert pose.world is not None
        turned.append(replace(pose, world=pose.world @ looking_along(ray)))
    return turned


def errors(poses: list[Pose], truth: list[Pose], camera: Camera | None) -> Array:
    body = known(poses)
    true = [true_directions(pose) for pose in truth]
    return np.array(
        [turn(posture(p, body, camera).angles, np.arctan2(t[:, 1], t[:, 0])) for p, t in zip(poses, true, strict=True)]
    )


@pytest.mark.parametrize("aligned", ["camera", "ray"])
@pytest.mark.parametrize("side", [-0.8, 0.8])
@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("tall", [False, True], ids=["50 degrees across", "50 degrees up"])
def test_a_camera_undoes_its_perspective(test_data: Path, clip: str, side: float, aligned: str, tall: bool) -> None:
    fov = 2 * math.atan(math.tan(math.radians(25)) * 16 / 9) if tall else math.radians(50)
    camera = Camera((1280, 720), fov)
    truth = mocap.poses(test_data / "mocap" / clip, camera=camera, place=(side, 0, 3), fps=10)
    poses = ray_aligned(truth, camera) if aligned == "ray" else truth
    left, undone = errors(poses, truth, None), errors(poses, truth, camera)
    assert undone.mean() < 0.8
    assert np.percentile(undone, 95) < 4.5
    assert undone.mean() < 0.3 * left.mean()


@pytest.mark.parametrize("side", [-0.8, 0.8])
@pytest.mark.parametrize("clip", CLIPS)
def test_a_camera_helps_pictures_alone(test_data: Path, clip: str, side: float) -> None:
    truth = mocap.poses(test_data / "mocap" / clip, camera=CAMERA, place=(side, 0, 3), fps=10)
    poses = [bare(pose) for pose in truth]
    assert errors(poses, truth, CAMERA).mean() < 0.85 * errors(poses, truth, None).mean()


@settings(max_examples=30, deadline=None)
@given(frame=st.integers(0, 299))
def test_mirrored_person_has_mirrored_posture(dance: Seen, frame: int) -> None:
    poses, body = dance
    pose = poses[frame]
    swap = list(BLAZEPOSE_33.mirrored)
    mirrored = replace(
        pose,
        points=pose.points[swap] * [-1, 1] + [1280, 0],
        world=None if pose.world is None else pose.world[swap] * [-1, 1, 1],
        depth=None if pose.depth is None else pose.depth[swap],
    )
    one, two = posture(pose, body, CAMERA), posture(mirrored, body, CAMERA)
    sides = [BONE_INDEX[swap_side(bone.name)] for bone in BODY_BONES]
    assert np.allclose(one.directions, two.directions[sides] * [-1, 1, 1], atol=1e-6)
    assert one.facing == pytest.approx(-two.facing, abs=1e-6)


@pytest.mark.parametrize("yaw", [-2.5, -1.2, -0.4, 0.0, 0.7, 1.3, 2.2])
def test_facing_is_the_chests_yaw(test_data: Path, yaw: float) -> None:
    poses = mocap.poses(test_data / "mocap" / CLIPS[1], camera=CAMERA, fps=10, yaw=yaw)
    found = posture(poses[0], known(poses), CAMERA).facing
    assert found == pytest.approx(yaw, abs=0.1)


@pytest.mark.parametrize("yaw", [-0.8, -0.4, 0.0, 0.4, 0.8])
def test_facing_from_pictures_alone_has_the_right_side(test_data: Path, yaw: float) -> None:
    poses = [bare(p) for p in mocap.poses(test_data / "mocap" / CLIPS[1], camera=CAMERA, fps=10)]
    body = known(poses)
    turned = mocap.poses(test_data / "mocap" / CLIPS[1], camera=CAMERA, fps=10, yaw=yaw)
    assert posture(bare(turned[0]), body, CAMERA).facing == pytest.approx(yaw, abs=0.4)


def test_missing_points_leave_their_bones_unknown(dance: Seen) -> None:
    poses, body = dance
    scores = np.array(poses[0].scores)
    scores[BLAZEPOSE_33.index["left_elbow"]] = 0.0
    found = posture(replace(poses[0], scores=scores), body, CAMERA)
    lost = {name for name, score in zip(found.bones, found.scores, strict=True) if score == 0}
    assert lost == {"left_upper_arm", "left_forearm"}


@pytest.mark.parametrize("camera", [None, CAMERA])
def test_a_layout_without_hands_and_feet(camera: Camera | None) -> None:
    rng = np.random.default_rng(1)
    pose = Pose(COCO_17.name, rng.uniform(0, 720, (17, 2)), np.ones(17), 1.0, 0.0)
    found = posture(pose, typical(metric=False), camera)
    lost = {name for name, score in zip(found.bones, found.scores, strict=True) if score == 0}
    assert lost == {f"{side}_{end}" for side in ("left", "right") for end in ("hand", "foot")}


@pytest.mark.parametrize("camera", [None, CAMERA])
@pytest.mark.parametrize("world", [False, True])
def test_degenerate_points_are_survived(camera: Camera | None, world: bool) -> None:
    for scores in (np.zeros(33), np.ones(33)):
        pose = Pose(
            BLAZEPOSE_33.name, np.full((33, 2), 50.0), scores, 1.0, 0.0, world=np.zeros((33, 3)) if world else None
        )
        found: Posture = posture(pose, typical(metric=world), camera)
        assert np.allclose(np.linalg.norm(found.directions, axis=1), 1.0)
        assert not found.scores.any()


@pytest.mark.parametrize("tilt", [-20.0, 0.0, 30.0])
def test_a_face_tells_its_tilt_whatever_the_head_bone_does(dance: Seen, tilt: float) -> None:
    poses, body = dance
    pose = poses[0]
    index = BLAZEPOSE_33.index
    points, scale = pose.points.copy(), 0.1 * np.ptp(pose.points[:, 1])
    across = np.array([math.cos(math.radians(tilt)), math.sin(math.radians(tilt))])
    middle = points[[index["left_ear"], index["right_ear"]]].mean(axis=0) + 0.2 * scale * np.array([1.0, 0.0])
    for name, share in (("ear", 0.4), ("eye", 0.2)):
        for side, sign in (("left", 1), ("right", -1)):
            points[index[f"{side}_{name}"]] = middle + sign * share * scale * across
    told = posture(replace(pose, points=points), body)
    assert math.degrees(told.tilt) == pytest.approx(tilt, abs=0.1)
    assert told.face > 0.95
    swapped = points.copy()  # from behind, ears tell nothing of a face
    for name in ("ear", "eye"):
        swapped[[index[f"left_{name}"], index[f"right_{name}"]]] = points[
            [index[f"right_{name}"], index[f"left_{name}"]]
        ]
    assert posture(replace(pose, points=swapped), body).face == 0.0


def test_a_forearm_is_followed_as_far_as_its_elbow_is_in_the_picture(test_data: Path) -> None:
    camera = Camera((1280, 720), math.radians(60))
    pose = mocap.poses(test_data / "mocap" / "wave_hello.bvh", camera=camera)[0]
    body = Calibration().update(pose)
    index = BLAZEPOSE_33.index
    elbow, wrist = index["left_elbow"], index["left_wrist"]
    hand = [index[f"left_{part}"] for part in ("wrist", "pinky", "index", "thumb")]
    upper, fore = (BONE_INDEX[f"left_{part}"] for part in ("upper_arm", "forearm"))
    scores = []
    for outside in (-200.0, -10.0, 20.0, 40.0, 60.0, 100.0):
        points = pose.points.copy()
        points[elbow, 0] = 1280 + outside
        points[hand, 0] += 1280 + outside + 60 - points[wrist, 0]
        told = posture(replace(pose, points=points), body, camera)
        scores.append(told.scores[fore])
        assert told.scores[upper] == 1.0  # what is in the picture tells where it points
        assert told.scores[BONE_INDEX["right_forearm"]] == 1.0
    assert scores[0] == scores[1] == 1.0
    assert scores[1] > scores[2] > scores[3] > scores[4]
    assert scores[-1] == 0.0
    assert posture(replace(pose, points=points), body).scores[fore] == 1.0  # no camera, no picture
