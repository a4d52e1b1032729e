"""The calibration by one button: what it finds of a person who stands still, and what it says when it cannot."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mocap
from bodydouble.retarget.calibration import Calibration
from bodydouble.retarget.joints import ENDS, STARTS, joints
from bodydouble.retarget.neutral import PATIENCE, Neutral, NeutralWatch, tilt
from bodydouble.retarget.placement import Placer
from bodydouble.retarget.planar import FLAT
from bodydouble.retarget.posture import posture
from bodydouble.skeletons import BLAZEPOSE_33, BODY_BONES, BONE_INDEX
from bodydouble.types import Array, BodyDoubleError, Camera, Pose, State

CAMERA = Camera((1280, 720), math.radians(60))
INDEX = BLAZEPOSE_33.index
UPRIGHT = 30  # frame of wave_hello.bvh in which the person stands at ease
LEGS = [name for name in INDEX if name.endswith(("knee", "ankle", "heel", "foot_index"))]
HIPS = ["left_hip", "right_hip"]


def waving(test_data: Path, pitch: float = 0.0, roll: float = 0.0) -> tuple[list[Pose], list[Pose]]:
    """Poses before a level camera and before a tilted one that looks at the same person; degrees."""
    times, points = mocap.resampled(mocap.load(test_data / "mocap" / "wave_hello.bvh"), 30.0)
    hips = points[:, [INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=1)
    points = mocap.turned(points - hips[0], -float(mocap.heading(points)[0]))
    points = points + np.array([0.3, 3.6 * math.tan(math.radians(pitch)), -3.6])
    tilted = points @ tilt(math.radians(pitch), math.radians(roll))
    return mocap.view(points, times, CAMERA), mocap.view(tilted, times, CAMERA)


def watched(pose: Pose, change: Callable[[Pose, int], list[Pose]] | None = None, fps: float = 30.0) -> NeutralWatch:
    """A watch that has seen one pose until it was content or out of patience."""
    watch = NeutralWatch(CAMERA)
    for i in range(int((PATIENCE + 1) * fps)):
        here = replace(pose, time=i / fps)
        watch.add([here] if change is None else change(here, i), i / fps)
        if watch.finished:
            break
    return watch


def true_directions(pose: Pose) -> Array:
    world = joints(pose).world
    assert world is not None
    lines = world[ENDS] - world[STARTS]
    return np.asarray(lines / np.linalg.norm(lines, axis=1, keepdims=True))


def unseen(pose: Pose, names: list[str]) -> Pose:
    scores = pose.scores.copy()
    scores[[INDEX[name] for name in names]] = 0.0
    return replace(pose, scores=scores)


@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (10, 0), (-10, 5), (25, 0), (-25, 0), (-15, -8)])
def test_the_cameras_tilt_is_found_and_undone(test_data: Path, pitch: float, roll: float) -> None:
    level, tilted = waving(test_data, pitch, roll)
    neutral = watched(tilted[UPRIGHT]).result()
    assert math.degrees(neutral.pitch) == pytest.approx(pitch, abs=1.5)
    assert math.degrees(neutral.roll) == pytest.approx(roll, abs=1.5)
    calibration = Calibration(neutral.body)
    off = []
    for before, pose in list(zip(level, tilted, strict=True))[::10]:
        told = posture(pose, calibration.update(pose), CAMERA)
        cosines = (told.directions @ neutral.level.T * true_directions(before)).sum(axis=1)
        off.append(np.degrees(np.arccos(np.clip(cosines, -1, 1))))
    assert np.mean(off) < 2.5  # 1.6 without a tilt; without undoing it 20 at 25 degrees


@pytest.mark.parametrize(("pitch", "roll"), [(-20, 0), (15, 8)])
def test_the_place_is_that_before_a_level_camera(test_data: Path, pitch: float, roll: float) -> None:
    _, tilted = waving(test_data, pitch, roll)
    level, _ = waving(test_data)
    neutral = watched(tilted[UPRIGHT]).result()
    raised = points_raised(tilted[UPRIGHT], 0.2, neutral.level)
    plain = points_raised(level[UPRIGHT], 0.2, np.eye(3))
    places = []
    for poses, tilts in (((tilted[UPRIGHT], raised), neutral.level), ((level[UPRIGHT], plain), None)):
        placer = Placer(CAMERA.size)
        places.append([placer(pose, neutral.body, CAMERA, tilts) for pose in poses])
    for mine, reference in zip(*places, strict=True):
        assert mine.x == pytest.approx(reference.x, abs=0.015)
        assert mine.y == pytest.approx(reference.y, abs=0.02)


def points_raised(pose: Pose, metres: float, level: Array) -> Pose:
    """The pose of the same person so much higher above the floor, as the camera would see them."""
    assert pose.world is not None and pose.depth is not None
    hips = pose.points[[INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=0)
    away = float(np.mean(-pose.world[:, 2] * CAMERA.focal / np.where(np.abs(pose.depth) < 1e-9, 1, pose.depth)))
    middle = np.array([*((hips - np.array(CAMERA.size) / 2) / CAMERA.focal * [1, -1]), -1.0]) * abs(away)
    points = pose.world + middle + metres * level.T @ [0.0, 1.0, 0.0]
    return replace(pose, points=mocap.project(points, CAMERA), time=pose.time + 1 / 30)


def test_who_stands_as_in_the_calibration_stands_as_drawn(test_data: Path) -> None:
    _, tilted = waving(test_data, -12, 3)
    pose = tilted[UPRIGHT]
    neutral = watched(pose).result()
    told = neutral.applied(posture(pose, neutral.body, CAMERA))
    turn = told.facing
    ahead = np.array([math.cos(turn), 0.0, -math.sin(turn)])
    for name, wanted in {"spine": [0, 1, 0], "head": [0, 1, 0], "left_clavicle": ahead, "right_pelvis": -ahead}.items():
        assert told.directions[BONE_INDEX[name]] == pytest.approx(np.array(wanted, dtype=float), abs=0.02), name
    for side in ("left", "right"):
        assert math.asin(told.directions[BONE_INDEX[f"{side}_foot"], 1]) == pytest.approx(FLAT, abs=0.02)
    assert told.face > 0 and told.tilt == pytest.approx(0.0, abs=math.radians(1))


@pytest.mark.parametrize("roll", [-12, -6, 0, 6, 12])
def test_a_cameras_roll_tilts_no_face(test_data: Path, roll: float) -> None:
    level, tilted = waving(test_data, 0, roll)
    ways = []
    for poses in (level, tilted):
        neutral = watched(poses[UPRIGHT]).result()
        posed = [posture(pose, neutral.body, CAMERA) for pose in poses[UPRIGHT + 10 :: 10]]
        ways.append([neutral.applied(told).tilt for told in posed if told.face > 0])
    assert len(ways[0]) == len(ways[1]) > 3
    assert np.ptp(ways[0]) > math.radians(2)  # it does tilt
    assert ways[1] == pytest.approx(ways[0], abs=math.radians(2))


def test_own_lengths_are_the_persons(test_data: Path) -> None:
    level, _ = waving(test_data)
    pose = level[UPRIGHT]
    body = watched(pose).result().body
    world = joints(pose).world
    assert world is not None
    true = np.linalg.norm(world[ENDS] - world[STARTS], axis=1)
    assert np.abs(body.lengths / true - 1).max() < 0.06  # both sides share one length
    flat = replace(pose, world=None, depth=None)
    proportions = watched(flat).result().body
    assert not proportions.metric
    arms = [BONE_INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("hand", "foot")]
    assert (proportions.confidence[arms] == 0).all()


def test_lengths_known_better_take_the_place_of_learnt_ones(test_data: Path) -> None:
    level, _ = waving(test_data)
    own = watched(level[UPRIGHT]).result().body
    for pose in level[:20]:
        body = Calibration(own).update(pose)
        assert body.lengths == pytest.approx(own.lengths, rel=0.02)
    flat = Calibration(own).update(replace(level[0], world=None, depth=None))
    assert not flat.metric
    assert flat.lengths * own.height == pytest.approx(own.lengths, rel=0.03)


@pytest.mark.parametrize("fps", [5.0, 30.0, 60.0])
def test_noise_and_sway_do_not_spoil_it(test_data: Path, fps: float) -> None:
    _, tilted = waving(test_data, -15, 0)
    rng = np.random.default_rng(5)

    def noisy(pose: Pose, i: int) -> list[Pose]:
        assert pose.world is not None
        sway = 4.0 * math.sin(i / fps * 3.0)
        points = pose.points + rng.normal(0, 1.5, pose.points.shape) + [sway, 0.0]
        points[rng.integers(len(points))] += 200.0 * (rng.random() < 0.1)
        world = pose.world + rng.normal(0, 1, pose.world.shape) * [0.01, 0.01, 0.03]
        return [replace(pose, points=points, world=world)]

    neutral = watched(tilted[UPRIGHT], noisy, fps).result()
    assert math.degrees(neutral.pitch) == pytest.approx(-15, abs=2.5)
    assert neutral.whole
    assert neutral.note == ""


def test_a_moment_of_moving_only_costs_time(test_data: Path) -> None:
    level, _ = waving(test_data)

    def stepping(pose: Pose, i: int) -> list[Pose]:
        return [replace(pose, points=pose.points + np.array([80.0 * (i < 30) * i / 30, 0.0]))]

    watch = watched(level[UPRIGHT], stepping)
    assert watch.finished
    assert watch.seconds == 0.0
    assert watch.result().whole


def test_without_legs_the_upper_part_is_calibrated(test_data: Path) -> None:
    _, tilted = waving(test_data, 10, 4)
    neutral = watched(unseen(tilted[UPRIGHT], LEGS)).result()
    assert not neutral.whole
    assert "legs" in neutral.note
    assert math.degrees(neutral.roll) == pytest.approx(4, abs=3)
    assert math.degrees(neutral.pitch) == pytest.approx(10, abs=6)  # by the spine alone
    assert (neutral.body.confidence[[BONE_INDEX["left_shin"], BONE_INDEX["right_foot"]]] == 0).all()
    alone = watched(unseen(tilted[UPRIGHT], [*LEGS, *HIPS])).result()
    assert alone.pitch == 0.0  # shoulders and head tell of the roll only, and this person's hang by 5 degrees
    assert math.degrees(alone.roll) == pytest.approx(4, abs=4)


def failing(test_data: Path) -> dict[str, Callable[[Pose, int], list[Pose]]]:
    walking = waving(test_data)[0]
    return {
        "nobody": lambda pose, i: [],
        "nobody was seen": lambda pose, i: [replace(pose, state=State.LOST)],
        "several people": lambda pose, i: [pose, replace(pose, person=2)],
        "you moved": lambda pose, i: [replace(walking[i % len(walking)], time=pose.time, points=shaken(pose, i))],
        "stand still": lambda pose, i: [replace(pose, points=shaken(pose, i))],
        "shoulders were out of view": lambda pose, i: [unseen(pose, ["left_shoulder", "right_shoulder"])],
        "turned aside": lambda pose, i: [replace(pose, state=State.TURNED_AWAY)],
        "did not stand upright": lambda pose, i: [
            replace(
                pose,
                points=pose.points[:, ::-1] * [-1, 1] + np.array([1000, -280]),
                world=pose.world[:, [1, 0, 2]] * [1, -1, 1],
            )
        ],
    }


def shaken(pose: Pose, i: int) -> Array:
    return np.asarray(pose.points + np.array([60.0 * math.sin(i / 4), 0.0]))


@pytest.mark.parametrize("why", ["nobody", "nobody was seen", "several people", "you moved", "stand still"])
def test_why_there_was_no_standing_still(test_data: Path, why: str) -> None:
    level, _ = waving(test_data)
    with pytest.raises(BodyDoubleError, match=why) as told:
        watched(level[UPRIGHT], failing(test_data)[why]).result()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("why", ["shoulders were out of view", "turned aside", "did not stand upright"])
def test_why_standing_still_was_of_no_use(test_data: Path, why: str) -> None:
    level, _ = waving(test_data)
    with pytest.raises(BodyDoubleError, match=why):
        watched(level[UPRIGHT], failing(test_data)[why]).result()


def test_a_watch_that_saw_nothing_says_so() -> None:
    with pytest.raises(BodyDoubleError, match="nobody"):
        NeutralWatch().result()


def test_it_is_kept_in_a_file_and_read_again(test_data: Path) -> None:
    _, tilted = waving(test_data, -12, 3)
    neutral = watched(tilted[UPRIGHT]).result()
    kept = neutral.to_toml()
    assert all(
        isinstance(value, int | float) or all(isinstance(item, float) for item in value) for value in kept.values()
    )
    again = Neutral.from_toml(kept)
    told = posture(tilted[60], neutral.body, CAMERA)
    assert again.applied(told).directions == pytest.approx(neutral.applied(told).directions)
    assert again.applied(told).tilt == pytest.approx(neutral.applied(told).tilt)
    assert again.level == pytest.approx(neutral.level)
    assert again.body.lengths == pytest.approx(neutral.body.lengths)
    assert again.body.metric == neutral.body.metric


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pitch", "steep"),
        ("pitch", math.nan),
        ("roll", 9.0),
        ("lengths", [1.0, 2.0]),
        ("lengths", [0.0] * len(BODY_BONES)),
        ("held", None),
        ("held", [0.0] * (3 * len(BODY_BONES))),
        ("sure", [2.0] * len(BODY_BONES)),
        ("metric", 1.0),
        ("face", 9.0),
    ],
)
def test_a_spoilt_file_is_refused(test_data: Path, key: str, value: object) -> None:
    level, _ = waving(test_data)
    kept = watched(level[UPRIGHT]).result().to_toml()
    with pytest.raises(BodyDoubleError, match="calibrat"):
        Neutral.from_toml({**kept, key: value})
