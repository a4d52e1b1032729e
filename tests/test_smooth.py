"""Laws of the smoother: steady at rest, prompt in motion, same in any size, place and frame rate; faults are mended."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import mocap
from bodydouble.skeletons import BLAZEPOSE_33, COCO_17
from bodydouble.smooth import Smoother
from bodydouble.types import Array, BodyDoubleError, Camera, Pose, State

CAMERA = Camera((1280, 720), float(np.radians(50)))
FPS = 30.0
PIXEL = 3.0 / CAMERA.focal  # metres at the person
INDEX = BLAZEPOSE_33.index
ARM = [INDEX[f"left_{name}"] for name in ("elbow", "wrist", "pinky", "index", "thumb")]
LEG = [INDEX[f"left_{name}"] for name in ("knee", "ankle", "heel", "foot_index")]
WRIST = INDEX["left_wrist"]
MIRRORED = list(BLAZEPOSE_33.mirrored)


@pytest.fixture(scope="module")
def dance(test_data: Path) -> list[Pose]:
    return mocap.poses(test_data / "mocap" / "jesse_dance.bvh", camera=CAMERA)


@pytest.fixture(scope="module")
def standing(test_data: Path) -> Pose:
    return mocap.poses(test_data / "mocap" / "wave_hello.bvh", camera=CAMERA)[0]


def at(pose: Pose, time: float, **changes: object) -> Pose:
    return replace(pose, time=time, **changes)  # type: ignore[arg-type]


def still(pose: Pose, count: int, fps: float = FPS) -> list[Pose]:
    return [at(pose, i / fps) for i in range(count)]


def world(pose: Pose) -> Array:
    assert pose.world is not None
    return pose.world


def depth(pose: Pose) -> Array:
    assert pose.depth is not None
    return pose.depth


def moved(pose: Pose, points: list[int], by: tuple[float, float, float]) -> Pose:
    """Some points moved by metres: right, up, to the camera; in the world and in the picture."""
    in_world, in_picture, z = world(pose).copy(), pose.points.copy(), depth(pose).copy()
    in_world[points] += by
    in_picture[points] += np.array([by[0], -by[1]]) / PIXEL
    z[points] -= by[2] / PIXEL
    return replace(pose, world=in_world, points=in_picture, depth=z)


def swapped(pose: Pose) -> Pose:
    return replace(
        pose,
        points=pose.points[MIRRORED],
        world=world(pose)[MIRRORED],
        depth=depth(pose)[MIRRORED],
        scores=pose.scores[MIRRORED],
    )


def scored(pose: Pose, points: list[int], score: float) -> Pose:
    scores = pose.scores.copy()
    scores[points] = score
    return replace(pose, scores=scores)


def noisy(poses: list[Pose], seed: int = 0) -> list[Pose]:
    rng = np.random.default_rng(seed)
    return [
        replace(
            pose,
            points=pose.points + 1.5 * rng.standard_normal(pose.points.shape),
            depth=depth(pose) + 4.5 * rng.standard_normal(len(pose.scores)),
            world=world(pose) + rng.standard_normal(world(pose).shape) * [0.01, 0.01, 0.03],
        )
        for pose in poses
    ]


def run(poses: list[Pose], amount: float = 0.5) -> list[Pose]:
    smooth = Smoother(amount)
    return [smooth(pose) for pose in poses]


def worlds(poses: list[Pose]) -> Array:
    return np.stack([world(pose) for pose in poses])


def pictures(poses: list[Pose]) -> Array:
    return np.stack([pose.points for pose in poses]) * PIXEL


def jitter(points: Array) -> float:
    """Rms acceleration, m/s2."""
    return float(np.sqrt((np.diff(points, 2, axis=0) ** 2).sum(-1).mean()) * FPS**2)


def off(a: Array, b: Array) -> float:
    """Largest distance between points."""
    return float(np.linalg.norm(a - b, axis=-1).max())


@pytest.mark.parametrize(("amount", "in_world", "in_picture"), [(0.25, 2.5, 1.7), (0.5, 6, 4), (1.0, 15, 10)])
def test_rest_is_steadier(standing: Pose, amount: float, in_world: float, in_picture: float) -> None:
    seen = noisy(still(standing, 200))
    out = run(seen, amount)
    assert jitter(worlds(out)[60:]) < jitter(worlds(seen)[60:]) / in_world
    assert jitter(pictures(out)[60:]) < jitter(pictures(seen)[60:]) / in_picture


def test_more_is_calmer(standing: Pose) -> None:
    seen = noisy(still(standing, 150))
    levels = [jitter(worlds(run(seen, amount))[60:]) for amount in (0.1, 0.3, 0.5, 0.7, 1.0)]
    assert levels == sorted(levels, reverse=True)


def test_motion_is_nearer_the_truth_than_what_was_seen(dance: list[Pose]) -> None:
    seen = noisy(dance)
    for space, share, error in (
        (worlds, 0.6, 0.9),
        (pictures, 1.0, 1.0),
    ):  # in the picture noise is hardly above motion
        raw, out = space(seen) - space(dance), space(run(seen)) - space(dance)
        assert np.sqrt((out[60:] ** 2).mean()) < error * np.sqrt((raw[60:] ** 2).mean())
        assert jitter(out[60:]) < share * jitter(raw[60:])


def test_zero_changes_nothing_that_is_sound(dance: list[Pose]) -> None:
    seen = noisy(dance[:60])
    for pose, out in zip(seen, run(seen, 0.0), strict=True):
        assert np.allclose(out.points, pose.points, atol=1e-9)
        assert np.allclose(world(out), world(pose), atol=1e-12)
        assert np.allclose(depth(out), depth(pose), atol=1e-9)
        assert np.array_equal(out.scores, pose.scores)


@pytest.mark.parametrize("scale", [0.1, 3.7])
def test_moved_and_scaled_input_gives_moved_and_scaled_output(dance: list[Pose], scale: float) -> None:
    shift = np.array([310.0, -77.0])
    seen = [scored(pose, [WRIST], 0.05 if 20 < i < 30 else 0.9) for i, pose in enumerate(noisy(dance[:80]))]
    seen[50] = swapped(seen[50])
    other = [replace(p, points=p.points * scale + shift, depth=depth(p) * scale, world=world(p) * scale) for p in seen]
    for plain, out in zip(run(seen), run(other), strict=True):
        assert np.allclose(out.points, plain.points * scale + shift, atol=1e-7)
        assert np.allclose(depth(out), depth(plain) * scale, atol=1e-7)
        assert np.allclose(world(out), world(plain) * scale, atol=1e-9)
        assert np.allclose(out.scores, plain.scores)


def test_constant_velocity_is_followed_without_lag(standing: Pose) -> None:
    speed = 1.0  # m/s
    path = [at(moved(standing, list(range(33)), (speed * i / FPS, 0, 0)), i / FPS) for i in range(60)]
    for amount in (0.25, 0.5, 1.0):
        out = run(path, amount)
        late = (worlds(path) - worlds(out))[20:, :, 0] / speed
        assert np.abs(late).max() < 0.005  # seconds


@pytest.mark.parametrize("size", [0.05, 0.1, 0.2, 0.3])
@pytest.mark.parametrize("amount", [0.25, 0.5, 1.0])
def test_a_step_is_taken_without_overshoot(standing: Pose, size: float, amount: float) -> None:
    after = moved(standing, ARM, (0, size, 0))
    out = run([*still(standing, 40), *(at(after, i / FPS) for i in range(40, 80))], amount)
    for space, goal in ((worlds, world(after)), (pictures, after.points * PIXEL)):
        beyond = np.abs(space(out)[40:, ARM, 1] - goal[ARM, 1]) * np.sign(
            (space(out)[40:, ARM, 1] - goal[ARM, 1]) * (goal[ARM, 1] - space(out)[39, ARM, 1])
        )
        assert beyond.max() < 0.03 * size
        assert np.abs(space(out)[-1] - goal).max() < 0.01


def test_frame_rate_hardly_matters(test_data: Path) -> None:
    path = test_data / "mocap" / "jesse_dance.bvh"
    fast, slow = (mocap.poses(path, camera=CAMERA, fps=fps) for fps in (60.0, 30.0))
    apart = worlds(run(fast))[::2][: len(slow)] - worlds(run(slow))[: len(fast[::2])]
    assert np.sqrt((apart**2).sum(-1).mean()) < 0.01


def test_uneven_times_are_taken_as_they_are(dance: list[Pose]) -> None:
    rng = np.random.default_rng(1)
    kept = [pose for pose in dance if rng.random() > 0.3]
    uneven, even = worlds(run(kept)) - worlds(kept), worlds(run(dance)) - worlds(dance)
    assert np.sqrt((uneven**2).mean()) < 1.3 * np.sqrt((even**2).mean())


def test_equal_times_are_one_moment_and_backwards_starts_anew(dance: list[Pose]) -> None:
    smooth = Smoother()
    first = smooth(at(dance[0], 1.0))
    again = smooth(at(dance[0], 1.0))
    assert off(world(first), world(again)) < 1e-9
    back = smooth(at(dance[100], 0.2))
    assert np.array_equal(back.points, dance[100].points)


def test_a_gap_is_eased_over(dance: list[Pose]) -> None:
    before, after = still(dance[0], 30), [at(dance[90], 3.0 + i / FPS) for i in range(30)]
    out = run([*before, *after])
    assert off(world(out[30]), world(before[-1])) < 0.02
    assert off(world(out[-1]), world(dance[90])) < 0.01


@pytest.mark.parametrize("seed", range(3))
def test_a_teleporting_point_is_not_followed(dance: list[Pose], seed: int) -> None:
    rng = np.random.default_rng(seed)
    seen = noisy(dance, seed)
    wrong = []
    for i in range(30, len(seen), 7):
        point = int(rng.integers(0, 33))
        way = rng.standard_normal(3)
        seen[i] = moved(seen[i], [point], tuple(0.6 * way / np.linalg.norm(way)))
        wrong.append((i, point))
    out = worlds(run(seen)) - worlds(dance)
    errors = [float(np.linalg.norm(out[i, point])) for i, point in wrong]
    assert np.sqrt(np.mean(np.square(errors))) < 0.08


def test_a_point_that_stays_where_it_leapt_is_believed(standing: Pose) -> None:
    after = moved(standing, [WRIST], (0.0, 0.5, 0.0))
    out = run([*still(standing, 30), *(at(after, i / FPS) for i in range(30, 60))])
    assert off(worlds(out)[30:32], world(standing)[None]) < 0.01
    steps = np.linalg.norm(np.diff(worlds(out)[:, WRIST], axis=0), axis=-1)
    assert steps.max() < 0.25
    assert off(world(out[-1]), world(after)) < 0.01


@pytest.mark.parametrize("length", [1, 3])
def test_swapped_sides_are_swapped_back(dance: list[Pose], length: int) -> None:
    seen = noisy(dance)
    bad = [i for start in range(40, 280, 23) for i in range(start, start + length)]
    for i in bad:
        seen[i] = swapped(seen[i])
    error = worlds(run(seen))[bad] - worlds(dance)[bad]
    assert np.sqrt((error**2).sum(-1).mean()) < 0.06


def test_front_taken_for_back_is_put_right(dance: list[Pose]) -> None:
    """Sides exchanged and depth turned about, for 0.4 s at a time."""
    seen = noisy(dance)
    bad = [i for start in range(40, 280, 40) for i in range(start, start + 12)]
    for i in bad:
        wrong = swapped(seen[i])
        seen[i] = replace(wrong, world=world(wrong) * [1, 1, -1], depth=None if wrong.depth is None else -wrong.depth)
    error = worlds(run(seen))[bad] - worlds(dance)[bad]
    assert np.sqrt((error**2).sum(-1).mean()) < 0.08


def test_swapped_arms_alone_are_swapped_back(standing: Pose) -> None:
    seen = still(standing, 40)
    arms = [
        INDEX[f"{side}_{name}"] for side in ("left", "right") for name in ("elbow", "wrist", "pinky", "index", "thumb")
    ]
    points, in_world = seen[20].points.copy(), world(seen[20]).copy()
    points[arms], in_world[arms] = seen[20].points[MIRRORED][arms], world(seen[20])[MIRRORED][arms]
    seen[20] = replace(seen[20], points=points, world=in_world)
    assert off(world(run(seen)[20]), world(standing)) < 0.01


PARTS = {
    "legs": ("knee", "ankle", "heel", "foot_index"),
    "knees": ("knee",),
    "feet": ("ankle", "heel", "foot_index"),
    "toes": ("heel", "foot_index"),
    "elbows": ("elbow",),
    "hands": ("wrist", "pinky", "index", "thumb"),
}


@pytest.mark.parametrize("length", [1, 3])
@pytest.mark.parametrize("fps", [30.0, 60.0])
@pytest.mark.parametrize("part", PARTS)
def test_swapped_parts_of_limbs_are_swapped_back(test_data: Path, part: str, fps: float, length: int) -> None:
    truth = mocap.poses(test_data / "mocap" / "jesse_dance.bvh", camera=CAMERA, fps=fps)
    rows = [INDEX[f"{side}_{name}"] for side in ("left", "right") for name in PARTS[part]]
    seen = noisy(truth)
    bad = [i for start in range(40, len(seen) - 10, 23) for i in range(start, start + length)]
    for i in bad:
        points, in_world, z = seen[i].points.copy(), world(seen[i]).copy(), depth(seen[i]).copy()
        wrong = swapped(seen[i])
        points[rows], in_world[rows], z[rows] = wrong.points[rows], world(wrong)[rows], depth(wrong)[rows]
        seen[i] = replace(seen[i], points=points, world=in_world, depth=z)
    error = (pictures(run(seen)) - pictures(truth))[bad][:, rows]
    assert np.sqrt((error**2).sum(-1).mean()) < 0.01


@pytest.mark.parametrize(("fps", "length"), [(60.0, 1), (60.0, 2), (60.0, 3), (30.0, 1)])
@pytest.mark.parametrize("limb", [LEG, ARM])
def test_a_limb_that_jumps_for_a_moment_is_held(standing: Pose, limb: list[int], fps: float, length: int) -> None:
    seen = [at(pose, i / fps) for i, pose in enumerate(noisy([standing] * 60))]
    for i in range(40, 40 + length):
        seen[i] = moved(seen[i], limb, (0.25, 0.2, 0.0))
    out = pictures(run(seen)) - standing.points * PIXEL
    assert np.linalg.norm(out[40:, limb], axis=-1).max() < 0.02


@pytest.mark.parametrize("part", [0.5, 0.7])
def test_legs_half_exchanged_between_exchanged_frames_are_not_shown(standing: Pose, part: float) -> None:
    """A model that is torn between the sides puts both legs somewhere between, for a frame."""
    points, in_world = standing.points.copy(), world(standing).copy()
    points[LEG, 0] += 0.4 / PIXEL  # legs wide apart
    in_world[LEG, 0] += 0.4
    apart = replace(standing, points=points, world=in_world)
    wrong = swapped(apart)
    legs = [*LEG, *(MIRRORED[row] for row in LEG)]
    points, in_world = wrong.points.copy(), world(wrong).copy()
    points[legs] += part * (apart.points - wrong.points)[legs]
    in_world[legs] += part * (world(apart) - world(wrong))[legs]
    torn = replace(wrong, points=points, world=in_world)
    seen = [apart] * 40 + [wrong] * 10 + [torn] + [wrong] * 4 + [torn] + [wrong] * 10
    out = pictures(run([at(pose, i / 60) for i, pose in enumerate(seen)]))
    assert off(out[40:], apart.points * PIXEL) < 0.02


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_hard_movements_are_not_held(test_data: Path, fps: float) -> None:
    """A dance half as fast again: hands and feet stay where they are seen."""
    truth = mocap.poses(test_data / "mocap" / "jesse_dance.bvh", camera=CAMERA, fps=fps / 1.5)
    truth = [at(pose, i / fps) for i, pose in enumerate(truth)]
    error = np.linalg.norm(pictures(run(noisy(truth))) - pictures(truth), axis=-1)
    assert error.max() < 0.05
    assert np.sqrt((error**2).mean()) < 0.006


def test_a_limb_that_stays_where_it_jumped_is_believed_and_glides(standing: Pose) -> None:
    after = moved(standing, LEG, (0.25, 0.2, 0.0))
    out = run([at(pose, i / 60) for i, pose in enumerate([standing] * 40 + [after] * 60)])
    steps = np.linalg.norm(np.diff(pictures(out)[:, LEG], axis=0), axis=-1)
    assert steps.max() < 0.1
    assert off(out[50].points, after.points) * PIXEL < 0.2
    assert off(out[-1].points, after.points) * PIXEL < 0.01


def test_lasting_exchange_of_a_part_is_soon_the_truth(standing: Pose) -> None:
    knees = [INDEX["left_knee"], INDEX["right_knee"]]
    points, in_world = standing.points.copy(), world(standing).copy()
    points[knees], in_world[knees] = points[knees[::-1]], in_world[knees[::-1]]
    crossed = replace(standing, points=points, world=in_world)
    out = run([*still(standing, 30), *(at(crossed, i / FPS) for i in range(30, 60))])
    assert off(out[32].points, standing.points) * PIXEL < 0.01
    assert off(out[42].points, points) * PIXEL < 0.03


def test_lasting_exchange_is_the_truth(standing: Pose) -> None:
    turned = swapped(standing)
    out = run([*still(standing, 30), *(at(turned, i / FPS) for i in range(30, 90))])
    assert off(world(out[35]), world(standing)) < 0.02
    assert off(world(out[-1]), world(turned)) < 0.01


def test_turning_round_is_not_fought(test_data: Path) -> None:
    clip = mocap.load(test_data / "mocap" / "wave_hello.bvh")
    times, points = mocap.resampled(clip, FPS)
    points = points[0] - mocap._hips(points)[0]
    yaws = np.concatenate([np.zeros(20), np.linspace(0, np.pi, 20), np.full(30, np.pi)])
    turning = np.stack([mocap.turned(points, float(yaw)) for yaw in yaws])
    poses = mocap.view(turning + np.array([0, 0, -3.0]), times[: len(yaws)], CAMERA)
    out = run(noisy(poses))
    error = np.linalg.norm(worlds(out) - worlds(poses), axis=-1)
    assert np.sqrt((error**2).mean()) < 0.06
    assert error[-1].max() < 0.1


def test_a_vanished_point_goes_with_its_neighbours_and_fades(dance: list[Pose]) -> None:
    rng = np.random.default_rng(2)
    seen = list(dance)
    for i in range(60, 72):
        guess = moved(dance[i], [WRIST], tuple(rng.normal(0, 0.2, 3)))
        seen[i] = scored(guess, [WRIST], 0.05)
    out = run(seen)
    errors = np.linalg.norm(worlds(out) - worlds(dance), axis=-1)[60:72, WRIST]
    assert errors.max() < 0.1
    scores = np.array([pose.scores[WRIST] for pose in out])
    assert (np.diff(scores[59:72]) < 0).all()
    assert 0 < scores[71] < 0.3
    steps = np.linalg.norm(np.diff(worlds(out)[:, WRIST] - worlds(dance)[:, WRIST], axis=0), axis=-1)
    assert steps[70:76].max() < 0.05
    assert scores[80] == 1


def test_a_point_long_unseen_has_no_score(dance: list[Pose]) -> None:
    legs = [i for name, i in INDEX.items() if any(part in name for part in ("knee", "ankle", "heel", "foot"))]
    seen = [scored(pose, legs, 0.1 if i >= 30 else 0.9) for i, pose in enumerate(dance[:60])]
    out = run(seen)
    assert (out[-1].scores[legs] == 0).all()
    assert (out[20].scores[legs] == 0.9).all()


def test_scores_between_the_two_levels_keep_what_was(standing: Pose) -> None:
    low = [at(scored(standing, [WRIST], 0.25), i / FPS) for i in range(60)]
    seen_before = [*still(standing, 10), *low[10:]]
    assert run(seen_before)[-1].scores[WRIST] == 0.25
    unseen_before = [at(scored(standing, [WRIST], 0.1), i / FPS) for i in range(40)] + low[40:]
    assert run(unseen_before)[-1].scores[WRIST] == 0


def test_a_missing_person_is_held_fades_and_is_lost(dance: list[Pose]) -> None:
    smooth = Smoother()
    assert smooth.missing(0.0) is None
    before, last = [smooth(replace(pose, person=3)) for pose in dance[:60]][-2:]
    held = [smooth.missing(last.time + i / FPS) for i in range(1, 29)]
    shown = [pose for pose in held if pose is not None]
    assert len(shown) == len(held)
    assert all(pose.person == 3 for pose in shown)
    pace = [off(world(a), world(b)) for a, b in pairwise([before, last, *shown])]
    assert 0 < pace[1] < 1.2 * pace[0]  # goes on, and stops softly
    assert pace[1:] == sorted(pace[1:], reverse=True)
    assert pace[-1] < 1e-4
    scores = np.array([pose.scores.max() for pose in shown])
    assert (np.diff(scores) <= 0).all() and scores[-1] == 0
    assert shown[0].state is State.TRACKED and shown[-1].state is State.LOST
    assert [pose.time for pose in shown] == sorted(pose.time for pose in shown)
    assert smooth.missing(last.time + 1.5) is None


def test_a_person_who_returns_glides_back(dance: list[Pose]) -> None:
    smooth = Smoother()
    for pose in dance[:60]:
        smooth(pose)
    held = [smooth.missing(dance[i].time) for i in range(60, 70)]
    assert held[-1] is not None
    out = [smooth(pose) for pose in dance[70:90]]
    assert off(world(out[0]), world(held[-1])) < 0.02
    assert off(world(out[-1]), world(dance[89])) < 0.05
    assert (out[-1].scores == 1).all()


def test_bones_stretch_no_more_than_in_what_was_seen(dance: list[Pose]) -> None:
    seen = noisy(dance)
    raw, out = mocap.bone_lengths(worlds(seen)), mocap.bone_lengths(worlds(run(seen)))
    assert np.mean([np.std(out[bone][60:]) / np.std(raw[bone][60:]) for bone in raw]) < 0.8


def test_other_layouts_and_poses_without_depth(dance: list[Pose]) -> None:
    columns = [INDEX[name] for name in COCO_17.points]
    flat = [
        Pose(COCO_17.name, pose.points[columns], pose.scores[columns], 1.0, pose.time) for pose in noisy(dance[:60])
    ]
    out = run(flat)
    assert out[-1].depth is None and out[-1].world is None
    truth = dance[59].points[columns]
    assert off(out[-1].points, truth) < 12


def test_a_new_layout_or_reset_forgets(dance: list[Pose]) -> None:
    smooth = Smoother()
    smooth(dance[0])
    smooth.reset()
    assert smooth.missing(0.1) is None
    assert np.array_equal(smooth(dance[200]).points, dance[200].points)
    flat = replace(dance[201], world=None)
    assert np.array_equal(smooth(flat).points, flat.points)


@pytest.mark.parametrize("same", [0.0, 5.0])
def test_points_without_extent_do_no_harm(same: float) -> None:
    nowhere = Pose(COCO_17.name, np.full((17, 2), same), np.ones(17), 1.0, 0.0)
    for i, pose in enumerate(run([at(nowhere, i / FPS) for i in range(5)])):
        assert np.allclose(pose.points, same), i
    unseen = replace(nowhere, scores=np.zeros(17))
    assert (run([at(unseen, i / FPS) for i in range(5)])[-1].scores == 0).all()


@pytest.mark.parametrize("amount", [-0.1, 1.1])
def test_amount_out_of_range_is_refused(amount: float) -> None:
    with pytest.raises(BodyDoubleError, match="from 0"):
        Smoother(amount)
