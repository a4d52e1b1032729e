"""What a character does of itself: breath, blinks and sway are functions of time, small, and leave the feet alone."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from figures import lowest, motion, tails
from stick_rigs import FOX, HUMAN, rig

from bodydouble.characters import load, rest_pose
from bodydouble.retarget.drawn import HANGING
from bodydouble.retarget.idle import FADE_IN, Idle, blink, breath
from bodydouble.retarget.planar import Planar
from bodydouble.types import Rig, RigPose, State

RIGS = {"human": rig(HUMAN), "fox": rig(FOX), "tailed": rig(HUMAN, tail=0.5)}


def shown(of: Rig, until: float, fps: float, *, seed: int = 0, absent: bool = True) -> list[RigPose]:
    """What is shown of a character at rest, with its person gone from time 0 on or never gone."""
    idle = Idle(seed)
    times = np.arange(round(until * fps) + 1) / fps
    return [idle(of, rest_pose(of, float(t)), float(t), float(t) if absent else 0.0) for t in times]


def blinks(seed: int, until: float = 200.0) -> list[tuple[float, float]]:
    """Start and end of each time that the eyes are not fully open, to a millisecond."""
    times = np.arange(int(until * 100)) / 100
    shut = np.array([blink(float(t), seed) > 0 for t in times])
    edges = [_edge(float(times[at]), float(times[at + 1]), seed) for at in np.flatnonzero(np.diff(shut.astype(int)))]
    return list(zip(edges[::2], edges[1::2], strict=False))


def _edge(before: float, after: float, seed: int) -> float:
    """When the eyes begin to shut, or are open again, between two times of which one has them open."""
    first = blink(before, seed) > 0
    while after - before > 0.001:
        middle = (before + after) / 2
        before, after = (middle, after) if (blink(middle, seed) > 0) == first else (before, middle)
    return (before + after) / 2


@pytest.mark.parametrize("seed", [0, 7])
def test_blinks_are_short_and_some_seconds_apart(seed: int) -> None:
    found = blinks(seed)
    assert all(end - start == pytest.approx(0.12, abs=0.006) for start, end in found)
    gaps = np.diff([start for start, _ in found])
    double = gaps < 0.5
    assert 0.05 < double.mean() < 0.3
    singles = [start for (start, _), again in zip(found[1:], double, strict=True) if not again]
    apart = np.diff(singles)
    assert apart.min() > 3.0 - 1e-6
    assert apart.max() < 6.0 + 0.3
    assert apart.std() > 0.3


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
def test_a_blink_is_seen_at_any_frame_rate(fps: float) -> None:
    values = np.array([blink(i / fps) for i in range(int(60 * fps))])
    for start, end in blinks(0, 60.0):
        inside = values[math.ceil(start * fps) : math.floor(end * fps) + 1]
        assert inside.max() > 0.75


def test_breath_has_a_persons_rhythm() -> None:
    times = np.arange(0, 300, 0.02)
    values = np.array([breath(float(t)) for t in times])
    assert 0.0 <= values.min() < 0.02
    assert 0.8 < values.max() <= 1.0
    peaks = times[1:-1][(values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:])]
    lasts = np.diff(peaks)
    assert 12 < 60 / lasts.mean() < 18  # a minute
    assert 0.05 < lasts.std() < 0.8
    assert np.abs(np.diff(values)).max() < 0.03


@pytest.mark.parametrize("name", RIGS)
def test_feet_stay_while_it_breathes_and_sways(name: str) -> None:
    of = RIGS[name]
    poses = shown(of, 30.0, 10.0)
    for foot in ("left_foot", "right_foot"):
        places = np.array([pose.heads[of.names.index(foot)] for pose in poses])
        assert np.ptp(places, axis=0).max() < 1e-6
    toes = np.array([tails(of, pose)[of.names.index("left_foot")] for pose in poses])
    assert np.ptp(toes, axis=0).max() < 1e-6
    assert all(lowest(of, pose) == pytest.approx(of.floor, abs=1e-6) for pose in poses)


@pytest.mark.parametrize("name", RIGS)
def test_the_chest_rises_and_the_weight_shifts_a_little(name: str) -> None:
    of = RIGS[name]
    poses = shown(of, 40.0, 10.0)[20:]
    shoulder = np.array([pose.heads[of.names.index("left_upper_arm")] for pose in poses]) / of.height
    hips = np.array([pose.heads[of.names.index("spine")] for pose in poses]) / of.height
    assert 0.004 < np.ptp(shoulder[:, 1]) < 0.03
    assert 0.008 < np.ptp(hips[:, 0]) < 0.03
    assert np.ptp(hips[:, 1]) < 1e-9
    for pose in poses:
        assert np.abs(pose.angles).max() < 0.15
        assert np.abs(pose.lengths - 1).max() < 0.04
        assert pose.heads == pytest.approx(of.posed_heads(pose.angles, pose.lengths, pose.heads))


def test_both_sides_breathe_alike() -> None:
    of = RIGS["human"]
    sides = [[of.names.index(f"{side}_{part}") for part in ("clavicle", "upper_arm")] for side in ("left", "right")]
    for pose in shown(of, 8.0, 5.0, absent=False):  # no sway while somebody is there
        assert pose.angles[sides[0]] == pytest.approx(-pose.angles[sides[1]])


def test_any_frame_rate_shows_the_same_motion() -> None:
    of = RIGS["tailed"]
    slow, fast = shown(of, 6.0, 10.0), shown(of, 6.0, 60.0)[::6]
    for one, other in zip(slow, fast, strict=True):
        assert one.heads == pytest.approx(other.heads, abs=1e-9)
        assert one.blink == other.blink
    coarse, fine = Idle(), Idle()
    poses = [rest_pose(of, t) for t in (0.0, 5.0)]
    coarse(of, poses[0], 0.0, 3.0)
    fine(of, poses[0], 0.0, 3.0)
    for step in range(1, 6):
        fine(of, poses[0], step / 10, 0.0)
    assert coarse(of, poses[1], 0.5, 0.0).heads == pytest.approx(fine(of, poses[1], 0.5, 0.0).heads)


def test_it_fades_in_on_loss_and_out_on_return_without_a_jump() -> None:
    of = RIGS["human"]
    idle = Idle()
    rest = rest_pose(of)
    hips = []
    for frame in range(600):
        time = frame / 60
        absent = min(max(time - 2.0, 0.0), 4.0) if time < 6.0 else 0.0
        hips.append(idle(of, rest, time, absent).heads / of.height)
    moved = np.array(hips)
    assert np.abs(np.diff(moved, axis=0)).max() < 0.0012  # figure heights a frame at 60 fps
    spine = of.names.index("spine")
    away = np.abs(moved[:, spine, 0] - of.heads[spine, 0] / of.height)
    assert away[:120].max() == 0.0
    assert away[round(60 * (2 + FADE_IN)) : 360].max() > 0.002
    assert away[-60:].max() < 1e-4


def test_while_somebody_plays_it_only_blinks_and_hardly_breathes() -> None:
    of = RIGS["human"]
    pose = Planar(of)(motion({"left_upper_arm": 60, "left_thigh": -60}))
    idle = Idle()
    seen = [idle(of, replace(pose, time=t / 10), t / 10, 0.0) for t in range(100)]
    off = np.array([one.heads - pose.heads for one in seen])
    assert np.abs(off).max() < 0.003 * of.height
    assert max(one.blink for one in seen) == 1.0
    legs = [of.names.index(f"left_{part}") for part in ("thigh", "shin", "foot")]
    assert np.abs(off[:, legs]).max() < 1e-9


def test_two_characters_do_not_move_as_one() -> None:
    of = RIGS["human"]
    one, other = shown(of, 20.0, 5.0, seed=1), shown(of, 20.0, 5.0, seed=2)
    assert max(np.abs(a.heads - b.heads).max() for a, b in zip(one, other, strict=True)) > 0.004 * of.height
    assert [a.blink for a in one] != [b.blink for b in other]


def test_tails_sway_with_what_they_hang_from() -> None:
    of = RIGS["tailed"]
    tail = of.names.index("tail")
    turns = np.array([pose.angles[tail] for pose in shown(of, 20.0, 5.0)])
    assert 0.01 < np.ptp(turns) < 0.2


@pytest.mark.parametrize("name", ["fox", "mira"])
def test_arms_hang_at_ease_though_drawn_far_out(name: str) -> None:
    of = load(name).rig
    gone = replace(motion(), state=State.LOST)
    for easy in (False, True):
        pose = Planar(of, at_ease=easy)(gone)
        line = tails(of, pose) - pose.heads
        for side in ("left", "right"):
            for part, limit in HANGING.items():
                arm = of.names.index(f"{side}_{part}")
                out = abs(math.atan2(line[arm, 0], line[arm, 1]))
                assert out == pytest.approx(limit) if easy else abs(pose.angles[arm]) < 1e-9
        assert np.abs(pose.angles[[of.names.index(f"{side}_shin") for side in ("left", "right")]]).max() < 1e-9
