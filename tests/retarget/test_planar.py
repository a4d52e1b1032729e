"""Laws of the planar retargeting: the character does what the person does, with its own bones, on its own floor."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stick_rigs import FOX, HUMAN, rig

import mocap
from bodydouble.retarget.calibration import Calibration
from bodydouble.retarget.ground import contacts
from bodydouble.retarget.placement import Placer
from bodydouble.retarget.planar import Planar
from bodydouble.retarget.posture import posture
from bodydouble.skeletons import BODY_BONES, BONE_INDEX, swap_side
from bodydouble.types import Array, Camera, Motion, Placement, Posture, Rig, RigPose, State

NAMES = tuple(bone.name for bone in BODY_BONES)
CAMERA = Camera((1280, 720), math.radians(60))
# Degrees in the picture, 0 = picture right, 90 = up, of a person who stands upright with hanging arms.
STANDING = {
    "spine": 90,
    "head": 90,
    **{"left_clavicle": 0, "right_clavicle": 180, "left_pelvis": 0, "right_pelvis": 180},
    **{f"{side}_{part}": -90 for side in ("left", "right") for part in ("upper_arm", "forearm", "hand")},
    **{f"{side}_{part}": -90 for side in ("left", "right") for part in ("thigh", "shin")},
    **{"left_foot": -35, "right_foot": -145},
}
RIGS = {"human": rig(HUMAN), "fox": rig(FOX)}


def motion(
    angles: Mapping[str, float] | None = None,
    *,
    time: float = 0.0,
    drawn: Mapping[str, float] | None = None,
    unseen: Iterable[str] = (),
    state: State = State.TRACKED,
    place: Placement | None = None,
) -> Motion:
    """STANDING with some bones at other angles, and drawn at shares of their length (leaning towards the camera)."""
    degrees = STANDING | dict(angles or {})
    shares = np.array([(drawn or {}).get(name, 1.0) for name in NAMES])
    turns = np.radians([degrees[name] for name in NAMES])
    directions = np.stack((shares * np.cos(turns), shares * np.sin(turns), np.sqrt(1 - shares**2)), axis=1)
    scores = np.array([0.0 if name in unseen else 1.0 for name in NAMES])
    return Motion(Posture(NAMES, directions, scores), place or Placement(0.0, 0.0, 0.6, score=1.0), time, 1, state)


def tails(of: Rig, pose: RigPose) -> Array:
    line = of.tails - of.heads
    angle = np.arctan2(line[:, 1], line[:, 0]) + pose.angles
    length = np.hypot(line[:, 0], line[:, 1]) * pose.lengths
    return pose.heads + np.stack((length * np.cos(angle), length * np.sin(angle)), axis=1)


def drawn_angle(of: Rig, pose: RigPose, bone: str) -> float:
    """Degrees, 0 = picture right, 90 = up."""
    i = of.names.index(bone)
    x, y = tails(of, pose)[i] - pose.heads[i]
    return math.degrees(math.atan2(-y, x))


def lowest(of: Rig, pose: RigPose) -> float:
    """The lowest y of the points that may touch the floor."""
    line = of.tails - of.heads
    angles = np.arctan2(line[:, 1], line[:, 0]) + pose.angles
    return max(
        pose.heads[c.bone, 1]
        + c.along * pose.lengths[c.bone] * math.sin(angles[c.bone])
        + c.aside * math.cos(angles[c.bone])
        + c.radius
        for c in contacts(of)
    )


def dancing(
    test_data: Path, of: Rig, clip: str = "jesse_dance.bvh", **options: object
) -> tuple[list[Motion], list[RigPose]]:
    calibration, placer = Calibration(), Placer(CAMERA.size)
    planar = Planar(of, **options)  # type: ignore[arg-type]
    motions = []
    for pose in mocap.poses(test_data / "mocap" / clip, camera=CAMERA):
        body = calibration.update(pose)
        motions.append(Motion(posture(pose, body, CAMERA), placer(pose, body, CAMERA), pose.time, 1))
    return motions, [planar(m) for m in motions]


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


def test_a_squat_sinks_the_hips_and_keeps_the_feet() -> None:
    for of in RIGS.values():
        planar = Planar(of)
        feet, hips = [], []
        for frame in range(60):
            bend = 55 * math.sin(math.pi * frame / 60) ** 2
            knees = {"left_thigh": -90 + bend, "right_thigh": -90 - bend, "left_shin": -90 - bend / 2}
            pose = planar(motion(knees | {"right_shin": -90 + bend / 2}, time=frame / 30))
            hips.append(pose.heads[0, 1])
            feet.append(pose.heads[[of.names.index("left_foot"), of.names.index("right_foot")]].copy())
            assert lowest(of, pose) == pytest.approx(of.floor, abs=1e-6)
        leg = of.heads[of.names.index("left_foot"), 1] - of.heads[0, 1]
        assert max(hips) - hips[0] > 0.15 * leg
        assert np.ptp(np.array(feet)[:, :, 1], axis=0).max() < 0.002 * of.height
        assert abs(np.array(feet)[:, :, 0].mean(axis=1) - 500).max() < 0.01 * of.height


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


def test_an_arm_that_points_at_the_camera_keeps_its_angle() -> None:
    of = RIGS["human"]
    planar = Planar(of)
    rng = np.random.default_rng(3)
    planar(motion({"left_forearm": 20}))
    for frame in range(1, 30):
        noise = float(rng.uniform(-180, 180))
        pose = planar(motion({"left_forearm": noise}, drawn={"left_forearm": 0.08}, time=frame / 30))
        assert drawn_angle(of, pose, "left_forearm") == pytest.approx(20, abs=1)


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


@pytest.mark.parametrize("rate", [10.0, 30.0, 144.0])
def test_a_lost_person_leaves_the_character_at_rest_in_seven_tenths_of_a_second(rate: float) -> None:
    of = RIGS["human"]
    planar = Planar(of)
    pose = planar(motion({"left_upper_arm": 60}))
    start = pose.angles[of.names.index("left_upper_arm")]
    middle = start
    for frame in range(1, round(0.7 * rate) + 1):
        pose = planar(motion({"left_upper_arm": 60}, time=frame / rate, state=State.LOST))
        if frame == round(0.2 * rate):
            middle = pose.angles[of.names.index("left_upper_arm")]
    assert abs(pose.angles[of.names.index("left_upper_arm")] / start) < 0.06
    assert middle / start == pytest.approx(math.exp(-0.2 / 0.23), abs=0.01)


def test_seen_from_behind_the_sides_change_smoothly() -> None:
    of = RIGS["human"]
    planar = Planar(of)
    raised = {"left_clavicle": 180.0, "right_clavicle": 0.0, "left_pelvis": 180.0, "right_pelvis": 0.0}
    # The person has their back to us: their left hand, at picture left, is up.
    raised |= {"left_upper_arm": 130.0, "left_forearm": 120.0}
    last = planar(motion(raised))
    for frame in range(1, 31):
        state = State.TRACKED if frame < 5 else State.TURNED_AWAY
        pose = planar(motion(raised, time=frame / 30, state=state))
        step = pose.angles - last.angles  # a whole turn looks like none
        assert np.abs(np.degrees(step - 2 * np.pi * np.rint(step / (2 * np.pi)))).max() < 75
        last = pose
    assert drawn_angle(of, last, "right_upper_arm") == pytest.approx(130, abs=1)
    assert abs(last.angles[of.names.index("head")]) < 0.05
    for name in ("left_clavicle", "right_clavicle"):
        assert abs(last.angles[of.names.index(name)]) < 0.05


def test_a_dropout_of_one_frame_makes_no_jump() -> None:
    of = RIGS["human"]
    planar = Planar(of)
    last = planar(motion())
    for frame in range(1, 30):
        angle = -90.0 + 4 * frame
        hidden = ["left_upper_arm"] if frame == 15 else []
        pose = planar(motion({"left_upper_arm": angle}, time=frame / 30, unseen=hidden))
        assert np.abs(np.degrees(pose.angles - last.angles)).max() < 12
        last = pose
    assert drawn_angle(of, last, "left_upper_arm") == pytest.approx(-90 + 4 * 29, abs=1)


def test_whole_turns_are_taken_off() -> None:
    of = RIGS["human"]
    planar = Planar(of)
    arm, over = of.names.index("left_upper_arm"), of.names.index("left_clavicle")
    for frame in range(200):
        pose = planar(motion({"left_upper_arm": -90.0 + 9 * frame, "left_forearm": -90.0 + 9 * frame}, time=frame / 30))
        assert abs(pose.angles[arm] - pose.angles[over]) < 2 * math.pi
        fore = pose.angles[of.names.index("left_forearm")]
        assert abs(fore - pose.angles[arm]) < 1.0


def test_bend_limits_hold() -> None:
    of = rig(HUMAN, bend={"left_forearm": (-0.5, 1.0)})
    planar = Planar(of)
    i, parent = of.names.index("left_forearm"), of.names.index("left_upper_arm")
    for frame in range(80):
        pose = planar(motion({"left_forearm": -90.0 + 4.5 * frame}, time=frame / 30))
        assert -0.5 - 1e-9 <= pose.angles[i] - pose.angles[parent] <= 1.0 + 1e-9


@pytest.mark.parametrize("name", RIGS)
@pytest.mark.parametrize("clip", ["jesse_dance.bvh", "wave_hello.bvh"])
def test_dancing_stays_on_the_floor_without_jumps_or_slides(test_data: Path, clip: str, name: str) -> None:
    of = RIGS[name]
    motions, poses = dancing(test_data, of, clip)
    own = np.unwrap([m.posture.angles for m in motions], axis=0)
    follows = [BONE_INDEX[n] for n in of.follows]
    steps = np.abs(np.diff(own, axis=0))[:, follows]
    # a hand goes with its arm, and one that had no angle catches up a frame later
    steps = np.maximum(steps, np.where(np.array(of.parents) >= 0, steps[:, of.parents], 0.0))
    steps = np.maximum(steps, np.vstack((steps[:1], steps[:-1])))
    angles = np.array([pose.angles for pose in poses])
    shown = np.abs(np.remainder(np.diff(angles, axis=0) + np.pi, 2 * np.pi) - np.pi)
    assert np.degrees(shown - steps).max() < 20
    assert max(abs(lowest(of, pose) - of.floor) for pose in poses) < 1e-6
    hips = np.array([pose.heads[0] for pose in poses]) / of.height
    assert np.abs(np.diff(hips, axis=0)).max() < 0.06
    assert np.abs(hips[:, 0] - 500 / of.height).max() < 0.25


def test_a_planted_foot_does_not_slide() -> None:
    of = RIGS["human"]
    planar = Planar(of)
    xs = []
    for frame in range(90):
        sway = 12 * math.sin(2 * math.pi * frame / 60)  # both legs lean: the hips go from side to side
        angles = {f"{side}_{part}": -90 + sway for side in ("left", "right") for part in ("thigh", "shin")}
        away = 0.49 * math.sin(math.radians(-sway))  # where that takes the person's hips, in body heights
        pose = planar(motion(angles, time=frame / 30, place=Placement(away, 0.0, 0.6, score=1.0)))
        xs.append(pose.heads[of.names.index("left_foot"), 0] / of.height)
    speed = np.abs(np.diff(xs)) * 30
    assert speed.max() < 0.12
    assert speed.mean() < 0.06


@pytest.mark.parametrize("gain", [0.5, 1.0])
def test_place_is_followed(gain: float) -> None:
    of = RIGS["human"]
    planar = Planar(of, place=gain)
    for frame in range(30):
        place = Placement(0.02 * frame, 0.2, 0.6, score=1.0)
        pose = planar(motion(time=frame / 30, place=place))
        assert pose.offset[0] == pytest.approx(gain * place.x)
        assert pose.offset[1] == pytest.approx(-gain * 0.2)
    nearer = planar(motion(time=2.0, place=Placement(0.0, 0.0, 0.9, score=1.0)))
    assert nearer.size > 1.0
    stays = Planar(of)(motion(place=Placement(0.5, 0.3, 0.9, score=1.0)))
    assert np.allclose(stays.offset, 0.0)
    assert stays.size == 1.0


def test_a_tail_follows_through_alike_at_any_frame_rate() -> None:
    of = rig(FOX, tail=0.8)
    tail = of.names.index("tail")
    swings = {}
    for rate in (15, 30, 120):
        planar = Planar(of)
        angles = []
        for frame in range(2 * rate):
            time = frame / rate
            lean = 20 * min(max((time - 0.4) / 0.2, 0.0), 1.0)
            angles.append(planar(motion({"spine": 90 - lean}, time=time)).angles[tail])
        swings[rate] = np.degrees(angles[:: rate // 15])
    assert np.abs(swings[30] - swings[120]).max() < 2.5
    assert np.abs(swings[15] - swings[120]).max() < 5
    assert swings[120].max() > 21  # it swings past where it comes to rest
    assert abs(swings[120][-1] - 20) < 2


def test_a_figure_without_legs_or_arms_is_moved_too() -> None:
    bust = rig({n: p for n, p in HUMAN.items() if n in ("hip", "neck", "head", "left_shoulder")})
    pose = Planar(bust, place=1.0)(motion({"head": 70}, place=Placement(0.2, 0.0, 0.5, score=1.0)))
    assert np.allclose(pose.heads[0], bust.heads[0])
    assert pose.offset[0] == pytest.approx(0.2)


def test_time_that_runs_back_starts_afresh() -> None:
    of = RIGS["human"]
    planar = Planar(of)
    planar(motion({"left_upper_arm": 80}, time=5.0))
    again = planar(motion(time=0.0))
    assert np.array_equal(again.angles, Planar(of)(motion()).angles)


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
