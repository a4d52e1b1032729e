"""Laws of what is shown besides a frame's own pose: predicted to a later moment, from another model, with own limbs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import made_motions
from bodydouble.bench import bvh, landmarks, steadiness, trials
from bodydouble.bench.landmarks import View
from bodydouble.skeletons import BLAZEPOSE_33, COCO_17, HALPE_26, select
from bodydouble.smooth import Smoother
from bodydouble.types import Array, Pose

VIEW = View()


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> list[Pose]:
    path = made_motions.written(tmp_path_factory.mktemp("made") / "walk.bvh", made_motions.walk(3, seconds=4))
    return landmarks.poses(bvh.read(path), VIEW)


def noisy(poses: list[Pose], seed: int = 0) -> list[Pose]:
    return trials.noisy(trials.sights(poses), VIEW, np.random.default_rng(seed)).poses(poses[0])


def still(pose: Pose, count: int) -> list[Pose]:
    return [replace(pose, time=i / VIEW.fps) for i in range(count)]


def world(pose: Pose | None) -> Array:
    assert pose is not None and pose.world is not None
    return pose.world


def moved(pose: Pose, by: float, pixels: float) -> Pose:
    right = np.array([1.0, 0.0, 0.0])
    return replace(pose, world=world(pose) + by * right, points=pose.points + pixels * right[:2])


def limbs(points: Array) -> Array:
    return steadiness.lengths(points[None])[0]


def in_layout(pose: Pose, layout=COCO_17) -> Pose:
    points, scores = select(BLAZEPOSE_33, layout.points, pose.points, pose.scores)
    return Pose(layout.name, points, scores, 1.0, pose.time)


def test_nothing_is_predicted_of_nobody_and_now_is_now(walk: list[Pose]) -> None:
    smooth = Smoother()
    assert smooth.predict(0.1) is None
    shown = smooth(walk[0])
    assert smooth.predict(0.0) is shown and smooth.predict(-1.0) is shown
    smooth.reset()
    assert smooth.predict(0.1) is None


def test_predicting_changes_nothing(walk: list[Pose]) -> None:
    plain, asked = Smoother(), Smoother()
    for pose in noisy(walk)[:60]:
        one, other = plain(pose), asked(pose)
        ahead = asked.predict(0.08)
        assert np.array_equal(one.points, other.points) and np.array_equal(world(one), world(other))
        assert ahead is not None and ahead.time == pytest.approx(pose.time + 0.08)
        assert ahead.person == pose.person and np.array_equal(ahead.scores, other.scores)


@pytest.mark.parametrize(
    ("kind", "in_world", "in_picture"), [("walk", 0.97, 0.9), ("kick", 0.97, 1.1), ("squat", 1.02, 0.95)]
)
@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_prediction_is_nearer_to_what_comes(
    tmp_path: Path, kind: str, in_world: float, in_picture: float, ahead: int
) -> None:
    """World landmarks start at the hips and are too noisy in depth to gain in a slow squat; a kick that turns within a
    tenth of a second cannot be known a tenth ahead, but is not passed far."""
    path = made_motions.written(tmp_path / "made.bvh", made_motions.MOTIONS[kind](5, seconds=4))
    truth = landmarks.poses(bvh.read(path), VIEW)
    smooth = Smoother()
    off: dict[str, list[tuple[Array, Array]]] = {"world": [], "picture": []}
    for pose, later in zip(noisy(truth), truth[ahead:], strict=False):
        shown = smooth(pose)
        predicted = smooth.predict(ahead / VIEW.fps)
        assert predicted is not None
        off["world"].append((world(predicted) - world(later), world(shown) - world(later)))
        off["picture"].append((predicted.points - later.points, shown.points - later.points))
    for space, bound in (("world", in_world), ("picture", in_picture)):
        with_it, without = (np.sqrt(np.mean(np.stack(rows[30:]) ** 2)) for rows in zip(*off[space], strict=True))
        assert with_it < bound * without, space


@pytest.mark.parametrize("ahead", [0.03, 0.06, 0.1])
def test_rest_stays_at_rest(walk: list[Pose], ahead: float) -> None:
    smooth = Smoother()
    shown, predicted = [], []
    for pose in noisy(still(walk[0], 200)):
        shown.append(world(smooth(pose)))
        predicted.append(world(smooth.predict(ahead)))
    jitter = [steadiness.acceleration(np.stack(rows)[None, 60:], VIEW.fps)[0] for rows in (shown, predicted)]
    assert jitter[1] < 1.15 * jitter[0]


def test_far_ahead_is_bounded_and_limbs_keep_their_lengths(walk: list[Pose]) -> None:
    smooth = Smoother()
    for pose in noisy(walk)[:70]:
        shown = smooth(pose)
        for ahead in (0.05, 0.3, 1000.0):
            later = world(smooth.predict(ahead))
            assert np.linalg.norm(later - world(shown), axis=-1).max() < 0.6
            assert np.allclose(limbs(later), limbs(world(shown)), atol=1e-9)


def test_a_sudden_stop_is_hardly_passed(walk: list[Pose]) -> None:
    """An arm goes up by 1.5 m/s and stops; predicted 60 ms ahead it may pass by what it goes in about that time."""
    arm = [BLAZEPOSE_33.index[f"left_{name}"] for name in ("elbow", "wrist", "pinky", "index", "thumb")]
    smooth, past = Smoother(), []
    for i, pose in enumerate(still(walk[0], 90)):
        up = 1.5 * np.clip(i / VIEW.fps - 1.0, 0, 0.4)
        points, in_world = pose.points.copy(), world(pose).copy()
        points[arm, 1] -= up / VIEW.pixel
        in_world[arm, 1] += up
        smooth(replace(pose, points=points, world=in_world))
        later = smooth.predict(0.06)
        assert later is not None
        past.append((walk[0].points[arm, 1] - later.points[arm, 1]).max() * VIEW.pixel - 0.6)
    assert max(past) < 1.5 * 0.06 * 1.1
    assert max(past[50:]) < 0.01


@pytest.mark.parametrize("moving", [False, True])
def test_what_is_shown_glides_to_another_models_pose(walk: list[Pose], moving: bool) -> None:
    """The other sees all 5 cm and 20 pixels to the side: no leap, there after about 0.3 s."""
    truth = walk[:90] if moving else still(walk[0], 90)
    plain, handed = Smoother(), Smoother()
    apart = []
    for i, pose in enumerate(truth):
        if i == 60:
            handed.handover()
        one, other = plain(pose), handed(moved(pose, 0.05, 20.0) if i >= 60 else pose)
        apart.append((world(other) - world(one))[:, 0].mean())
        if i == 60:
            assert (other.scores == one.scores).all()
    steps = np.diff(apart)
    assert abs(apart[60]) < 0.005
    assert steps.max() < 0.02
    assert apart[60 + 10] == pytest.approx(0.05, abs=0.006)
    assert apart[-1] == pytest.approx(0.05, abs=0.003)


@pytest.mark.parametrize("layout", [COCO_17, HALPE_26])
def test_another_layout_takes_over_and_hands_back(walk: list[Pose], layout) -> None:
    smooth = Smoother()
    shown: list[Pose] = []
    for i, pose in enumerate(noisy(walk)[:90]):
        if i in (30, 60):
            smooth.handover()
        seen = in_layout(moved(pose, 0.0, 15.0), layout) if 30 <= i < 60 else pose
        shown.append(smooth(seen))
        assert smooth.predict(0.05) is not None
    assert [pose.skeleton for pose in shown[29:31]] == [BLAZEPOSE_33.name, layout.name]
    for i in (30, 60):
        before, after = (
            select(BLAZEPOSE_33 if len(p.points) == 33 else layout, COCO_17.points, p.points, p.scores)[0]
            for p in shown[i - 1 : i + 1]
        )
        own = np.abs(walk[i].points - walk[i - 1].points).max()
        assert np.abs(after - before).max() < own + 6
    assert shown[60].world is not None and shown[45].world is None
    assert (shown[60].scores[BLAZEPOSE_33.index["left_wrist"]]) > 0.9


def test_a_handover_of_nobody_and_after_reset_is_nothing(walk: list[Pose]) -> None:
    smooth = Smoother()
    smooth.handover()
    assert np.array_equal(smooth(walk[0]).points, walk[0].points)
    smooth.handover()
    smooth.reset()
    assert np.array_equal(smooth(walk[50]).points, walk[50].points)


@pytest.mark.parametrize("kind", ["walk", "kick", "wave"])
def test_limbs_keep_their_own_lengths(tmp_path: Path, kind: str) -> None:
    """Half the change of length that is seen, at most, and no bias."""
    path = made_motions.written(tmp_path / "made.bvh", made_motions.MOTIONS[kind](1, seconds=4), size=0.8)
    truth = landmarks.poses(bvh.read(path), VIEW)
    seen = noisy(truth, 1)
    smooth = Smoother()
    shown = np.stack([limbs(world(smooth(pose))) for pose in seen])[45:]
    raw = np.stack([limbs(world(pose)) for pose in seen])[45:]
    own = limbs(world(truth[0]))
    assert (shown.std(axis=0) / raw.std(axis=0)).mean() < 0.5
    assert np.abs(shown.mean(axis=0) / own - 1).max() < 0.06


def test_limbs_are_as_seen_when_nothing_is_smoothed(walk: list[Pose]) -> None:
    smooth = Smoother(0.0)
    for pose in noisy(walk)[:40]:
        assert np.allclose(world(smooth(pose)), world(pose), atol=1e-12)
