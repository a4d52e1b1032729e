"""Feet that stand do not slide; legs come and go whole; who walks out of the picture leaves no wild limbs behind."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from figures import CAMERA, lowest, motion, tails
from stick_rigs import HUMAN, rig

import mocap
from bodydouble.characters import load
from bodydouble.retarget.calibration import Calibration
from bodydouble.retarget.legs import leg_of
from bodydouble.retarget.placement import Placer
from bodydouble.retarget.planar import LEGS_APPEAR, Planar
from bodydouble.retarget.posture import posture
from bodydouble.skeletons import BLAZEPOSE_33, BONE_INDEX
from bodydouble.types import Array, Motion, Placement, Pose, Rig, RigPose, State

INDEX = BLAZEPOSE_33.index
STANDS = 0.12  # metres a second: a person's foot slower than this stands


def ankles(of: Rig, pose: RigPose) -> list[complex]:
    """Where the legs end, pixels."""
    return [
        complex(*tails(of, pose)[of.names.index(f"{side}_shin")] + pose.offset * [of.height, 0])
        for side in ("left", "right")
    ]


def told(poses: list[Pose], noise: float) -> list[Motion]:
    """The motion of each pose. noise: metres."""
    calibration, placer = Calibration(), Placer(CAMERA.size)
    rng = np.random.default_rng(4)
    motions = []
    for pose in poses:
        assert pose.world is not None
        world = pose.world + noise * rng.normal(size=pose.world.shape)
        noisy = replace(pose, world=world, points=pose.points + 300 * noise * rng.normal(size=pose.points.shape))
        body = calibration.update(noisy)
        seen = posture(noisy, body, CAMERA)
        motions.append(Motion(seen, placer(noisy, body, CAMERA), pose.time, 1))
    return motions


@cache
def dance(path: Path) -> tuple[list[Motion], Array]:
    """Motions of a clip as steadied, and (T - 1, 2) whether the left and right foot stood since the frame before."""
    times, points = mocap.resampled(mocap.load(path), 30.0)
    hips = points[0, [INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=0)
    points = mocap.turned(points - hips, -float(mocap.heading(points)[0])) + np.array([0.0, 0.0, -3.5])
    stands = []
    for side in ("left", "right"):
        foot = points[:, [INDEX[f"{side}_{part}"] for part in ("ankle", "heel", "foot_index")]].mean(axis=1)
        speed = np.linalg.norm(np.diff(foot, axis=0), axis=1) * 30
        stands.append((speed < STANDS) & (foot[1:, 1] < np.quantile(foot[:, 1], 0.3) + 0.05))
    return told(mocap.view(points, times, CAMERA), 0.001), np.array(stands).T


@cache
def figure(character: str) -> Rig:
    return load(character).rig


@pytest.mark.parametrize("place", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("clip", "most"), [("wave_hello.bvh", 0.002), ("jesse_dance.bvh", 0.02)])
@pytest.mark.parametrize("character", ["fox", "mira"])
def test_feet_that_stand_do_not_slide(test_data: Path, character: str, clip: str, most: float, place: float) -> None:
    of = figure(character)
    motions, stood = dance(test_data / "mocap" / clip)
    assert stood[8:].sum() > 25
    planar = Planar(of, place=place)
    shown = [planar(motion) for motion in motions]
    slid = np.abs(np.diff(np.array([ankles(of, pose) for pose in shown]).real, axis=0)) * 30 / of.height
    assert slid[8:][stood[8:]].mean() < most  # figure heights a second; 0.001 to 0.034 before feet were kept in place


def test_a_person_who_sways_on_both_feet_sways_the_character_over_its_feet() -> None:
    of = figure("mira")
    planar = Planar(of, place=0.3)
    feet, hips = [], []
    for frame in range(180):
        lean = 6 * math.sin(frame / 30 * 2)
        x = -0.5 * math.sin(math.radians(lean))  # over ankles that stay where they are
        legs = {f"{side}_{part}": -90 + lean for side in ("left", "right") for part in ("thigh", "shin")}
        pose = planar(motion(legs, time=frame / 30, place=Placement(x, 0.0, 0.6, score=1.0)))
        feet.append(ankles(of, pose))
        hips.append(pose.heads[of.names.index("left_thigh"), 0] + pose.offset[0] * of.height)
    assert np.ptp(np.array(feet).real, axis=0).max() < 0.012 * of.height
    assert np.ptp(hips) > 0.04 * of.height


def test_a_stepping_foot_is_let_go_of() -> None:
    of = rig(HUMAN)
    planar, free = Planar(of), Planar(of)
    for frame in range(60):
        away = 30 * max(0.0, math.sin(frame / 6))
        pose = planar(motion({"left_thigh": -90 + away, "left_shin": -90 + away}, time=frame / 30))
    plain = free(motion({"left_thigh": -90 + away, "left_shin": -90 + away}))
    line = ankles(of, pose)[0] - ankles(of, pose)[1]
    assert abs(line - (ankles(of, plain)[0] - ankles(of, plain)[1])) < 0.02 * of.height


def test_a_leg_is_pulled_by_its_ankle_and_no_longer_than_it_is() -> None:
    of = rig(HUMAN, stretch=(0.3, 1.05))
    leg = leg_of(of, "left")
    assert leg is not None
    rest = Planar(of)(motion())
    stretch = of.stretch.T.copy()
    for by in (-60.0, -5.0, 5.0, 60.0, 400.0):
        heads, angles, lengths = rest.heads.copy(), rest.angles.copy(), rest.lengths.copy()
        before = leg.ankle(heads, angles, lengths)
        leg.pull(heads, angles, lengths, stretch, by)
        after = leg.ankle(heads, angles, lengths)
        assert after.imag == pytest.approx(before.imag)
        assert lengths.max() <= 1.05 + 1e-9
        assert heads == pytest.approx(of.posed_heads(angles, lengths, heads))
        if abs(by) < 100:
            assert after.real - before.real == pytest.approx(by)
        foot = of.names.index("left_foot")
        assert angles[foot] == rest.angles[foot]
        assert complex(*heads[foot]) == pytest.approx(after)


def test_legs_come_and_go_whole_and_take_their_time() -> None:
    of = rig(HUMAN)
    planar = Planar(of)
    raised = {"left_thigh": -40, "left_shin": -100}
    thigh, shin = of.names.index("left_thigh"), of.names.index("left_shin")
    pose = planar(motion(raised, unseen=["left_shin", "left_foot"]))
    assert pose.angles[[thigh, shin]] == pytest.approx([0.0, 0.0])  # a thigh alone says nothing
    turns = []
    for frame in range(1, 61):
        state = State.TRACKED if frame <= 30 else State.UPPER_BODY
        pose = planar(motion(raised, time=frame / 30, state=state))
        turns.append(pose.angles[thigh])
        assert lowest(of, pose) == pytest.approx(of.floor, abs=1e-6)
    share = np.array(turns) / turns[29]
    assert share[5] == pytest.approx(1 - math.exp(-0.2 / LEGS_APPEAR), abs=0.05)
    assert share[17] > 0.93
    assert share[45] < 0.15
    assert np.abs(np.diff(share)).max() < 0.2


def test_legs_at_the_edge_of_being_seen_do_not_flicker() -> None:
    of = rig(HUMAN)
    planar = Planar(of)
    rng = np.random.default_rng(2)
    thigh = BONE_INDEX["left_thigh"]
    planar(motion({"left_thigh": -50, "left_shin": -90}, state=State.UPPER_BODY))
    turns = []
    for frame in range(1, 90):
        told = motion({"left_thigh": -50 + rng.normal(0, 2), "left_shin": -90}, time=frame / 30)
        scores = told.posture.scores.copy()
        scores[thigh] = rng.uniform(0.2, 0.6)
        turns.append(planar(replace(told, posture=replace(told.posture, scores=scores))).angles[0 + thigh])
    assert np.abs(np.degrees(np.diff(turns))).max() < 8


def test_hips_go_against_a_lean_when_legs_are_unseen() -> None:
    of = rig(HUMAN)
    for lean in (-25, 25):
        planar = Planar(of)
        planar(motion(state=State.UPPER_BODY))
        for frame in range(1, 60):
            turned = {"spine": 90 - lean * min(frame / 30, 1), "head": 90 - lean * min(frame / 30, 1)}
            pose = planar(motion(turned, time=frame / 30, state=State.UPPER_BODY))
        spine, ankle = of.names.index("spine"), ankles(of, pose)
        hips = pose.heads[spine, 0] - np.mean(ankle).real
        assert -math.copysign(1, lean) * hips > 0.01 * of.height
        assert abs(hips) < 0.08 * of.height
        assert pose.heads[spine, 1] == pytest.approx(of.heads[spine, 1], abs=0.01 * of.height)


@pytest.mark.parametrize("side", [-1, 1])
def test_who_walks_out_of_the_picture_leaves_no_wild_limbs(test_data: Path, side: int) -> None:
    exact = mocap.poses(test_data / "mocap" / "wave_hello.bvh", camera=CAMERA)[:90]
    calibration = Calibration()
    rng = np.random.default_rng(3)
    of = figure("mira")
    planar, placer = Planar(of, place=0.3, at_ease=True), Placer(CAMERA.size)
    hands = []
    for frame, pose in enumerate(exact):
        points = pose.points + np.array([side * 14.0 * frame, 0.0])
        out = np.maximum(-points[:, 0], points[:, 0] - CAMERA.size[0])
        wild = out > 0.25 * 700  # of the person's height in pixels: sure of itself, and wrong
        points = points + 60.0 * rng.normal(size=points.shape) * wild[:, None]
        seen = replace(pose, points=points)
        body = calibration.update(seen)
        shown = planar(Motion(posture(seen, body, CAMERA), placer(seen, body, CAMERA), pose.time, 1))
        hands.append(tails(of, shown)[[of.names.index(f"{s}_forearm") for s in ("left", "right")]] / of.height)
    speed = np.abs(np.diff(np.array(hands), axis=0)).max(axis=(1, 2)) * 30
    gone = np.flatnonzero([14 * frame > CAMERA.size[0] * 0.62 for frame in range(len(exact))])
    assert speed[gone[0] : gone[-1]].max() < 0.8  # figure heights a second
    assert speed[gone[0] + 15 : gone[-1]].max() < 0.2  # still easing to hang


def test_a_floor_that_was_taken_too_low_is_found_once_the_feet_are_still(test_data: Path) -> None:
    stands = mocap.poses(test_data / "mocap" / "wave_hello.bvh", camera=CAMERA, place=(0.0, 0.0, 4.0))[0]
    placer, body = Placer(CAMERA.size), Calibration().update(stands)
    feet = [INDEX[name] for name in INDEX if name.endswith(("ankle", "heel", "foot_index"))]
    points = stands.points.copy()
    points[feet, 1] += 25.0  # as where only a part of the person was seen, coming in
    placer(replace(stands, points=points), body, CAMERA)
    heights = [placer(replace(stands, time=frame / 30), body, CAMERA).y for frame in range(1, 61)]
    assert heights[5] > 0.01
    assert max(heights[45:]) < 0.001
