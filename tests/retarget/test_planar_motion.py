"""Laws of the planar retargeting over time: what comes and goes does so smoothly, and feet stay where they stand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from figures import RIGS, dancing, drawn_angle, lowest, motion
from stick_rigs import FOX, rig

from bodydouble.retarget.planar import Planar
from bodydouble.skeletons import BONE_INDEX
from bodydouble.types import Placement, State


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


def test_an_arm_that_points_at_the_camera_keeps_its_angle() -> None:
    of = RIGS["human"]
    planar = Planar(of)
    rng = np.random.default_rng(3)
    planar(motion({"left_forearm": 20}))
    for frame in range(1, 30):
        noise = float(rng.uniform(-180, 180))
        pose = planar(motion({"left_forearm": noise}, drawn={"left_forearm": 0.08}, time=frame / 30))
        assert drawn_angle(of, pose, "left_forearm") == pytest.approx(20, abs=1)


def test_turning_round_exchanges_the_sides_gently() -> None:
    of = RIGS["human"]
    planar = Planar(of)
    behind = {"left_clavicle": 180.0, "right_clavicle": 0.0, "left_pelvis": 180.0, "right_pelvis": 0.0}
    behind |= {"left_upper_arm": 150.0, "left_forearm": 150.0, "right_upper_arm": -60.0, "right_forearm": 10.0}
    shown = []
    for frame in range(60):
        state = State.TURNED_AWAY if 10 <= frame < 40 else State.TRACKED
        shown.append(planar(motion(behind, time=frame / 30, state=state)))
    steps = np.diff([pose.angles for pose in shown], axis=0)
    steps = np.degrees(np.abs(np.remainder(steps + np.pi, 2 * np.pi) - np.pi)).max(axis=1)
    assert steps[9] < 2 and steps[39] < 2  # it begins as gently as it ends
    assert steps.max() < 25
    assert drawn_angle(of, shown[30], "right_upper_arm") == pytest.approx(150, abs=1)
    assert drawn_angle(of, shown[-1], "left_upper_arm") == pytest.approx(150, abs=1)


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


def test_time_that_runs_back_starts_afresh() -> None:
    of = RIGS["human"]
    planar = Planar(of)
    planar(motion({"left_upper_arm": 80}, time=5.0))
    again = planar(motion(time=0.0))
    assert np.array_equal(again.angles, Planar(of)(motion()).angles)
