"""Laws of the planar retargeting: the character does what the person does, with its own bones, on its own floor."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from figures import NAMES, RIGS, drawn_angle, lowest, motion, tails
from hypothesis import given, settings
from hypothesis import strategies as st
from stick_rigs import FOX, HUMAN, rig

from bodydouble.retarget.planar import Planar
from bodydouble.skeletons import BONE_INDEX, swap_side
from bodydouble.types import Motion, Placement, Posture, State


@pytest.mark.parametrize("name", RIGS)
def test_a_person_in_the_characters_rest_posture_gives_the_rest_figure(name: str) -> None:
    of = RIGS[name]
    line = of.tails - of.heads
    rest = {n: math.degrees(math.atan2(-y, x)) for n, (x, y) in zip(of.names, line, strict=True)}
    limbs = {n: angle for n, angle in rest.items() if not n.endswith(("clavicle", "pelvis"))}
    pose = Planar(of)(motion(limbs))
    assert np.abs(pose.angles).max() < 1e-9
    assert np.allclose(pose.lengths, 1.0)
    assert np.allclose(pose.heads, of.heads, atol=1e-6)
    assert np.allclose(pose.offset, 0.0)


@pytest.mark.parametrize("name", RIGS)
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("angle", [80, 30, -20, -80, 120])
def test_a_limb_points_where_the_persons_does(name: str, side: str, angle: int) -> None:
    of = RIGS[name]
    mine = angle if side == "left" else 180 - angle
    pose = Planar(of)(motion({f"{side}_upper_arm": mine, f"{side}_forearm": mine}))
    turned = math.remainder(drawn_angle(of, pose, f"{side}_upper_arm") - mine, 360)
    assert abs(turned) < 1e-6
    other = swap_side(side)
    assert drawn_angle(of, pose, f"{other}_upper_arm") == pytest.approx(-90)


def test_a_raised_left_arm_is_the_characters_left_and_the_pictures_right() -> None:
    of = RIGS["fox"]
    pose = Planar(of)(motion({"left_upper_arm": 60, "left_forearm": 80}))
    hand = tails(of, pose)[of.names.index("left_forearm")]
    assert hand[0] > of.heads[0, 0] + 50
    assert hand[1] < of.heads[of.names.index("left_upper_arm"), 1] - 50


def test_the_trunk_turns_from_the_characters_own_rest() -> None:
    leaning = dict(FOX) | {"head": (560, 300)}
    of = rig(leaning)
    assert np.abs(Planar(of)(motion()).angles[of.names.index("head")]) < 1e-9
    pose = Planar(of)(motion({"head": 70}))
    assert math.degrees(pose.angles[of.names.index("head")]) == pytest.approx(20)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(sorted(RIGS)))
def test_bones_are_never_longer_than_the_characters(seed: int, name: str) -> None:
    of = RIGS[name]
    rng = np.random.default_rng(seed)
    planar = Planar(of)
    for frame in range(4):
        directions = rng.normal(size=(len(NAMES), 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        scores = rng.uniform(0, 1, len(NAMES))
        state = rng.choice(list(State))
        made = Motion(Posture(NAMES, directions, scores), Placement(score=1.0, size=0.5), frame / 30, 1, state)
        pose = planar(made)
        assert pose.lengths.max() <= 1.0 + 1e-9
        assert (pose.lengths >= of.stretch[:, 0] - 1e-9).all()
        assert lowest(of, pose) == pytest.approx(of.floor, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(sorted(RIGS)))
def test_mirror(seed: int, name: str) -> None:
    """mirror=True, and a mirrored person with left and right exchanged, both give the mirrored figure."""
    of = RIGS[name]
    rng = np.random.default_rng(seed)
    swap = [BONE_INDEX[swap_side(n)] for n in NAMES]
    sides = [of.names.index(swap_side(n)) for n in of.names]
    plain, mirrored, twin = Planar(of), Planar(of, mirror=True), Planar(of)
    directions = rng.normal(size=(len(NAMES), 3))
    for frame in range(3):
        directions += 0.1 * rng.normal(size=directions.shape)
        directions[[BONE_INDEX["left_pelvis"], BONE_INDEX["left_clavicle"]], 0] = 1.0
        directions[[BONE_INDEX["right_pelvis"], BONE_INDEX["right_clavicle"]], 0] = -1.0
        unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        scores = rng.uniform(0.5, 1, len(NAMES))
        place = Placement(0.3, 0.1, 0.5, score=1.0)
        one = Motion(Posture(NAMES, unit, scores, 0.4), place, frame / 30, 1)
        other = Posture(NAMES, unit[swap] * [-1, 1, 1], scores[swap], -0.4)
        poses = (plain(one), mirrored(one), twin(Motion(other, replace(place, x=-0.3), frame / 30, 1)))
        for pose in poses[1:]:
            assert np.allclose(pose.lengths[sides], poses[0].lengths)
            assert np.allclose(pose.heads[sides], poses[0].heads * [-1, 1] + [1000, 0], atol=1e-6)
            assert np.allclose(tails(of, pose)[sides], tails(of, poses[0]) * [-1, 1] + [1000, 0], atol=1e-6)
            assert pose.facing == -poses[0].facing


def test_on_one_leg_the_other_stands() -> None:
    of = RIGS["human"]
    pose = Planar(of)(motion({"left_thigh": -10, "left_shin": -60}))
    stands, lifted = of.names.index("right_foot"), of.names.index("left_foot")
    assert pose.heads[stands, 1] > pose.heads[lifted, 1] + 100
    assert lowest(of, pose) == pytest.approx(of.floor)


def test_feet_that_point_at_the_camera_stay_as_drawn_at_rest() -> None:
    of = RIGS["human"]
    feet = {"left_foot": 0.4, "right_foot": 0.4}
    pose = Planar(of)(motion({"left_foot": -90, "right_foot": -90}, drawn=feet))
    for name in feet:
        i = of.names.index(name)
        assert pose.angles[i] == pytest.approx(0.0)
        assert pose.lengths[i] == pytest.approx(1.0)


def test_foreshortening_is_kept_within_the_characters_limits() -> None:
    of = rig(HUMAN, stretch=(0.6, 1.0))
    arm = of.names.index("left_upper_arm")
    half = Planar(of)(motion(drawn={"left_upper_arm": 0.7}))
    assert half.lengths[arm] == pytest.approx(0.7 / 0.92)
    assert half.nearness[arm] > 0
    assert Planar(of)(motion(drawn={"left_upper_arm": 0.2})).lengths[arm] == pytest.approx(0.6)


LEGS = [f"{side}_{part}" for side in ("left", "right") for part in ("thigh", "shin", "foot")]


@pytest.mark.parametrize("how", ["missing points", "state"])
def test_unseen_legs_stand_at_rest(how: str) -> None:
    of = RIGS["human"]
    wild = dict.fromkeys(LEGS, 40.0)
    kind = {"unseen": LEGS} if how == "missing points" else {"state": State.UPPER_BODY}
    pose = Planar(of)(motion(wild | {"left_upper_arm": 30}, **kind))  # type: ignore[arg-type]
    for name in LEGS:
        assert pose.angles[of.names.index(name)] == pytest.approx(0.0)
    assert drawn_angle(of, pose, "left_upper_arm") == pytest.approx(30)


def test_bend_limits_hold() -> None:
    of = rig(HUMAN, bend={"left_forearm": (-0.5, 1.0)})
    planar = Planar(of)
    i, parent = of.names.index("left_forearm"), of.names.index("left_upper_arm")
    for frame in range(80):
        pose = planar(motion({"left_forearm": -90.0 + 4.5 * frame}, time=frame / 30))
        assert -0.5 - 1e-9 <= pose.angles[i] - pose.angles[parent] <= 1.0 + 1e-9


def test_a_figure_without_legs_or_arms_is_moved_too() -> None:
    bust = rig({n: p for n, p in HUMAN.items() if n in ("hip", "neck", "head", "left_shoulder")})
    pose = Planar(bust, place=1.0)(motion({"head": 70}, place=Placement(0.2, 0.0, 0.5, score=1.0)))
    assert np.allclose(pose.heads[0], bust.heads[0])
    assert pose.offset[0] == pytest.approx(0.2)


@pytest.mark.parametrize("side", ["left", "right"])
def test_feet_pitch_as_the_persons_whichever_way_they_point(side: str) -> None:
    of = RIGS["human"]
    i = of.names.index(f"{side}_foot")
    sign = 1 if side == "left" else -1
    for yaw in (-20, 0, 30, 70):  # degrees that the foot points outwards
        for pitch, turned in ((-24, 0.0), (-60, 60 - 24 - 14.3), (20, -44 + 14.3)):
            c = math.cos(math.radians(pitch))
            direction = [
                sign * c * math.sin(math.radians(yaw)),
                math.sin(math.radians(pitch)),
                c * math.cos(math.radians(yaw)),
            ]
            made = motion()
            directions = np.array(made.posture.directions)
            directions[BONE_INDEX[f"{side}_foot"]] = direction
            pose = Planar(of)(replace(made, posture=Posture(NAMES, directions, made.posture.scores)))
            assert math.degrees(pose.angles[i]) == pytest.approx(sign * turned, abs=0.5)
            assert pose.lengths[i] == pytest.approx(1.0)


def test_a_person_side_on_has_both_feet_forward() -> None:
    of = RIGS["human"]
    pose = Planar(of)(motion({"left_foot": -20, "right_foot": -20}))
    assert drawn_angle(of, pose, "right_foot") == pytest.approx(-20, abs=1)
