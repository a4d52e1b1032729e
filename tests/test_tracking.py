"""Identities stay with people, and states change when they should and not before."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import mocap
from bodydouble.skeletons import BLAZEPOSE_33, skeleton
from bodydouble.tracking import Tracker
from bodydouble.types import Array, BodyDoubleError, Camera, Pose, State

SIZE = (1280, 720)
CAMERA = Camera(SIZE, float(np.radians(50)))
FPS = 30.0
WALK = 1.4  # m/s
LEGS = [
    i for i, name in enumerate(BLAZEPOSE_33.points) if any(p in name for p in ("hip", "knee", "ankle", "heel", "foot"))
]


@pytest.fixture(scope="module")
def dance(test_data: Path) -> mocap.Clip:
    return mocap.load(test_data / "mocap" / "jesse_dance.bvh")


def person(clip: mocap.Clip, path: Array, *, start: int = 0, yaw: float | Array = 0.0) -> list[Pose]:
    """Somebody who dances along `path` (N, 3): metres right, up, in front of the camera."""
    times, points = mocap.resampled(clip, FPS)
    points = points[start : start + len(path)]
    points = points - mocap._hips(points)[:, None]
    yaws = np.broadcast_to(yaw, len(path))
    points = np.stack([mocap.turned(p, float(y)) for p, y in zip(points, yaws, strict=True)])
    return mocap.view(points + (path * [1, 1, -1])[:, None], times[: len(path)], CAMERA)


def line(begin: tuple[float, float, float], end: tuple[float, float, float], count: int) -> Array:
    return np.linspace(begin, end, count)


def shaken(poses: list[Pose], seed: int) -> list[Pose]:
    rng = np.random.default_rng(seed)
    return [replace(p, points=p.points + 3 * rng.standard_normal(p.points.shape)) for p in poses]


def follow(tracker: Tracker, *people: list[Pose | None]) -> list[list[Pose]]:
    """What the tracker says frame by frame; None: that person is not found."""
    out = []
    for i, frame in enumerate(zip(*people, strict=True)):
        out.append(tracker([pose for pose in frame if pose is not None], SIZE, i / FPS))
    return out


def owner(pose: Pose, *people: list[Pose | None], frame: int) -> int:
    """Which of the people a pose is, by its points."""
    return next(
        i for i, p in enumerate(people) if p[frame] is not None and np.array_equal(p[frame].points, pose.points)
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("apart", [0.0, 0.4, 1.0])
def test_crossing_people_keep_their_identities(dance: mocap.Clip, seed: int, apart: float) -> None:
    count = 60
    reach = WALK * count / FPS / 2
    rng = np.random.default_rng(seed)
    one = shaken(person(dance, line((-reach, 0, 4), (reach, 0, 4), count), start=int(rng.integers(0, 200))), seed)
    two = shaken(
        person(dance, line((reach, 0, 4 + apart), (-reach, 0, 4 + apart), count), start=int(rng.integers(0, 200))),
        seed + 9,
    )
    owners = {
        (pose.person, owner(pose, one, two, frame=i))
        for i, named in enumerate(follow(Tracker("all"), one, two))
        for pose in named
    }
    assert len(owners) == 2 and {identity for identity, _ in owners} == {1, 2}


@pytest.mark.parametrize("hidden", [8, 15, 24])
def test_one_hidden_behind_the_other_is_recognised_again(dance: mocap.Clip, hidden: int) -> None:
    count = 70
    one: list[Pose | None] = list(person(dance, line((-1.5, 0, 3.5), (1.5, 0, 3.5), count)))
    two: list[Pose | None] = list(person(dance, line((1.5, 0, 4.2), (-1.5, 0, 4.2), count), start=120))
    middle = count // 2
    two[middle - hidden // 2 : middle - hidden // 2 + hidden] = [None] * hidden
    owners = {
        (pose.person, owner(pose, one, two, frame=i))
        for i, named in enumerate(follow(Tracker("all"), one, two))
        for pose in named
    }
    assert len(owners) == 2 and {identity for identity, _ in owners} == {1, 2}


def test_identities_count_from_one_largest_first_and_do_not_return(dance: mocap.Clip) -> None:
    near = person(dance, line((-0.8, 0, 3), (-0.8, 0, 3), 90))
    far: list[Pose | None] = list(person(dance, line((0.9, 0, 5), (0.9, 0, 5), 90), start=50))
    far[20:60] = [None] * 40  # more than a second
    named = follow(Tracker("all"), far, near)
    assert [pose.person for pose in named[0]] == [1, 2]
    assert np.array_equal(named[0][0].points, near[0].points)
    assert [pose.person for pose in named[60]] == [1, 3]


def test_short_absence_keeps_the_identity(dance: mocap.Clip) -> None:
    alone: list[Pose | None] = list(person(dance, line((0, 0, 3), (0, 0, 3), 60)))
    alone[20:45] = [None] * 25
    named = follow(Tracker("all"), alone)
    assert named[30] == []
    assert {pose.person for frame in named for pose in frame} == {1}


def test_exchanged_sides_keep_the_identity(dance: mocap.Clip) -> None:
    alone = person(dance, line((0, 0, 3), (0, 0, 3), 40))
    order = list(skeleton(alone[0].skeleton).mirrored)
    for i in range(15, 25):  # the model takes the person's front for the back
        alone[i] = replace(alone[i], points=alone[i].points[order])
    named = follow(Tracker("largest"), alone)
    assert [len(frame) for frame in named] == [1] * 40
    assert {pose.person for frame in named for pose in frame} == {1}


def test_identities_go_on_after_recall(dance: mocap.Clip) -> None:
    """A second tracker that recalls the first's names goes on with them, whoever is larger now."""
    left = person(dance, line((-0.8, 0, 3), (-0.8, 0, 3), 60))
    right = person(dance, line((0.8, 0, 4), (0.8, 0, 2.2), 60))
    first = Tracker("all")
    named = follow(first, left[:30], right[:30])
    second = Tracker("all")
    for i, frame in enumerate(named):
        second.recall(frame, SIZE, i / FPS)
    for i in range(30, 60):
        frame = second([right[i], left[i]], SIZE, i / FPS)
        assert [owner(pose, left, right, frame=i) for pose in frame] == [0, 1]


def test_the_locked_person_stays_when_a_nearer_one_walks_by(dance: mocap.Clip) -> None:
    count = 120
    user: list[Pose | None] = list(shaken(person(dance, line((0, 0, 3.5), (0, 0, 3.5), count)), 1))
    passer: list[Pose | None] = [None] * 20 + list(
        shaken(person(dance, line((-2, 0, 2), (2, 0, 2), count - 20), start=80), 2)
    )
    user[65:75] = [None] * 10  # hidden behind the passer-by
    named = follow(Tracker("largest"), user, passer)
    for i, frame in enumerate(named):
        assert [owner(pose, user, passer, frame=i) for pose in frame] == ([] if user[i] is None else [0])


def test_another_is_taken_only_after_two_seconds(dance: mocap.Clip) -> None:
    count = 130
    user: list[Pose | None] = list(person(dance, line((-1.2, 0, 3), (-1.2, 0, 3), count)))
    other: list[Pose | None] = list(person(dance, line((1.2, 0, 7), (1.2, 0, 7), count), start=100))
    user[30:] = [None] * (count - 30)
    named = follow(Tracker("largest"), user, other)
    assert all(frame == [] for frame in named[30:88])
    assert [pose.person for pose in named[-1]] == [2]


def test_a_number_follows_that_person(dance: mocap.Clip) -> None:
    near = person(dance, line((-0.8, 0, 3), (-0.8, 0, 3), 10))
    far = person(dance, line((0.9, 0, 5), (0.9, 0, 5), 10), start=50)
    for i, frame in enumerate(follow(Tracker(2), near, far)):
        assert [owner(pose, near, far, frame=i) for pose in frame] == [1]
    assert follow(Tracker(3), near, far)[-1] == []


@pytest.mark.parametrize("person_wanted", ["biggest", 0, -1, 1.5])
def test_unknown_choice_is_refused(person_wanted: object) -> None:
    with pytest.raises(BodyDoubleError, match="choose largest, all or a number"):
        Tracker(person_wanted)  # type: ignore[arg-type]


def test_nobody_is_nobody_and_time_backwards_starts_anew(dance: mocap.Clip) -> None:
    tracker = Tracker("all")
    pose = person(dance, line((0, 0, 3), (0, 0, 3), 1))[0]
    assert tracker([], SIZE, 0.0) == []
    assert tracker([pose], SIZE, 1.0)[0].person == 1
    assert tracker([pose], SIZE, 1.0)[0].person == 1
    assert tracker([pose, replace(pose, points=pose.points + 900)], SIZE, 0.5)[0].person == 1


def states(poses: list[Pose]) -> list[State]:
    tracker = Tracker("all")
    return [tracker([pose], SIZE, i / FPS)[0].state for i, pose in enumerate(poses)]


def changes(sequence: list[State]) -> int:
    return sum(a is not b for a, b in pairwise(sequence))


def with_scores(poses: list[Pose], points: list[int], values: Array) -> list[Pose]:
    out = []
    for pose, value in zip(poses, values, strict=True):
        scores = pose.scores.copy()
        scores[points] = value
        out.append(replace(pose, scores=np.clip(scores, 0, 1)))
    return out


def test_whole_body_is_tracked(dance: mocap.Clip) -> None:
    assert set(states(person(dance, line((0, 0.2, 4.5), (0, 0.2, 4.5), 250)))) == {State.TRACKED}


def test_legs_below_the_picture_are_upper_body(dance: mocap.Clip) -> None:
    down = line((0, 0.2, 4.5), (0, -1.2, 1.8), 60)
    path = np.concatenate(
        [np.repeat(down[:1], 30, 0), down, np.repeat(down[-1:], 60, 0), down[::-1], np.repeat(down[:1], 30, 0)]
    )
    seen = states(person(dance, path))
    assert seen[0] is State.TRACKED
    assert seen[130] is State.UPPER_BODY
    assert seen[-1] is State.TRACKED
    assert changes(seen) == 2


def test_legs_never_seen_are_upper_body_from_the_start(dance: mocap.Clip) -> None:
    still = person(dance, line((0, 0, 4.5), (0, 0, 4.5), 30))
    assert set(states(with_scores(still, LEGS, np.full(30, 0.1)))) == {State.UPPER_BODY}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("level", [0.3, 0.5, 0.7])
def test_noisy_leg_scores_do_not_flicker(dance: mocap.Clip, seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    still = person(dance, line((0, 0.2, 4.5), (0, 0.2, 4.5), 300))
    assert changes(states(with_scores(still, LEGS, level + 0.2 * rng.standard_normal(300)))) <= 1


def test_one_bad_frame_changes_nothing(dance: mocap.Clip) -> None:
    values = np.ones(90)
    values[[30, 31, 60]] = 0
    still = person(dance, line((0, 0.2, 4.5), (0, 0.2, 4.5), 90))
    assert changes(states(with_scores(still, list(range(33)), values))) == 0


def test_a_state_lasts(dance: mocap.Clip) -> None:
    still = person(dance, line((0, 0.2, 4.5), (0, 0.2, 4.5), 240))
    seen = states(with_scores(still, LEGS, np.where(np.arange(240) // 9 % 2, 1.0, 0.0)))
    at = [i for i, (a, b) in enumerate(pairwise(seen)) if a is not b]
    assert len(at) > 2
    assert min(b - a for a, b in pairwise(at)) >= 0.4 * FPS


def test_turning_away_and_back(dance: mocap.Clip) -> None:
    turn = np.concatenate(
        [np.zeros(40), np.linspace(0, np.pi, 30), np.full(60, np.pi), np.linspace(np.pi, 0, 30), np.zeros(60)]
    )
    count = len(turn)
    rng = np.random.default_rng(3)
    turning = person(dance, line((0, 0.2, 4.5), (0, 0.2, 4.5), count), yaw=turn)
    face = np.where(np.cos(turn) > 0, 0.9, 0.4) + 0.1 * rng.standard_normal(count)
    seen = states(shaken(with_scores(turning, list(range(11)), face), 4))
    assert seen[30] is State.TRACKED
    assert set(seen[85:125]) == {State.TURNED_AWAY}
    assert seen[-1] is State.TRACKED
    assert changes(seen) == 2


@pytest.mark.parametrize("yaw", [-1.9, -1.5, -1.0, 1.0, 1.5, 1.7, 1.9])
@pytest.mark.parametrize("seed", range(3))
def test_sideways_does_not_flicker(dance: mocap.Clip, yaw: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    swaying = yaw + 0.15 * np.sin(np.arange(240) / 5) + 0.05 * rng.standard_normal(240)
    sideways = person(dance, line((0, 0.2, 4.5), (0, 0.2, 4.5), 240), yaw=swaying)
    assert changes(states(shaken(sideways, seed))) <= 1


def test_a_doubtful_pose_is_lost(dance: mocap.Clip) -> None:
    values = np.concatenate([np.ones(30), np.full(60, 0.1), np.ones(60)])
    still = person(dance, line((0, 0.2, 4.5), (0, 0.2, 4.5), 150))
    seen = states(with_scores(still, list(range(33)), values))
    assert seen[85] is State.LOST
    assert seen[-1] is State.TRACKED


@pytest.mark.parametrize("choice", ["largest", "all"])
def test_a_picture_that_changes_its_size_changes_nobody(dance: mocap.Clip, choice: str) -> None:
    people = [person(dance, line((x, 0, z), (x, 0, z), 30)) for x, z in ((-0.8, 3.0), (0.9, 4.0))]
    tracker = Tracker(choice)
    named = []
    for i, poses in enumerate(zip(*people, strict=True)):
        size = SIZE if i < 15 else (640, 360)
        ratio = np.array(size) / SIZE
        named.append(tracker([replace(pose, points=pose.points * ratio) for pose in poses], size, i / FPS))
    assert len({tuple(pose.person for pose in poses) for poses in named}) == 1


def test_one_person_stays_who_they_are_when_the_picture_becomes_narrower(dance: mocap.Clip) -> None:
    alone = person(dance, line((1.2, 0, 4.0), (1.2, 0, 4.0), 30))
    tracker = Tracker()
    for i, pose in enumerate(alone):
        if i >= 15:  # the left three quarters are cut off
            pose = replace(pose, points=pose.points - [960, 0])
        (seen,) = tracker([pose], SIZE if i < 15 else (320, 720), i / FPS)
        assert seen.person == 1


def test_hips_at_a_desk_are_no_legs(test_data: Path) -> None:
    """Hips surely seen and all below them not is upper body only, though hips alone are a third of the leg's points."""
    desk = Tracker()
    pose = mocap.poses(test_data / "mocap" / "wave_hello.bvh", camera=CAMERA, fps=10)[0]
    scores = np.ones_like(pose.scores)
    for name, index in BLAZEPOSE_33.index.items():
        if any(part in name for part in ("knee", "ankle", "heel", "foot")):
            scores[index] = 0.05
    states = []
    for step in range(30):
        seen = np.ones_like(scores) if step < 10 else scores
        (told,) = desk([replace(pose, scores=seen, time=step / 10)], (1280, 720), step / 10)
        states.append(told.state)
    assert states[9] is State.TRACKED
    assert all(state is State.UPPER_BODY for state in states[20:])
