"""The chain of a live run without threads: no jump and no step back in time, whatever happens or is exchanged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standing import SIZE, Model, frame, standing

from bodydouble import characters
from bodydouble.characters import Puppet
from bodydouble.live.performance import AHEAD_MOST, Performance, Shown
from bodydouble.pipeline import Config
from bodydouble.retarget.neutral import NeutralWatch
from bodydouble.skeletons import COCO_17
from bodydouble.types import Frame, Pose, RigPose, State

CONFIG = Config(mirror=True, place=0.3)
RATE = 1 / 30


@pytest.fixture(scope="module")
def fox() -> Puppet:
    return characters.load("fox", pixels=200)


@pytest.fixture(scope="module")
def cat() -> Puppet:
    return characters.load(next(name for name in characters.samples() if name != "fox"), pixels=200)


def waving(picture: Frame) -> list[Pose]:
    raised = 1.2 + math.sin(2 * picture.time)
    return [standing(picture.time, size=picture.size, raised=raised)]


def nobody(picture: Frame) -> list[Pose]:
    return []


def running(puppet: Puppet, sees: Callable[[Frame], list[Pose]] = waving) -> Performance:
    performance = Performance(puppet, CONFIG)
    performance.estimate_with(Model(sees=sees))
    return performance


def played(performance: Performance, begin: float, seconds: float, *, ahead: float = 0.05) -> Iterator[Shown]:
    for i in range(round(seconds / RATE)):
        captured = begin + i * RATE
        yield performance.frame(frame(captured), ahead, captured + 0.03)


def only(shown: Shown) -> RigPose:
    return next(iter(shown.rigs.values()))


def leap(puppet: Puppet, shown: list[Shown]) -> float:
    """The furthest that the end of any bone moves between two moments, in character heights."""
    ends = []
    for moment in shown:
        pose = only(moment)
        line = puppet.rig.tails - puppet.rig.heads
        c, s = np.cos(pose.angles), np.sin(pose.angles)
        turned = np.stack([c * line[:, 0] - s * line[:, 1], s * line[:, 0] + c * line[:, 1]], axis=1)
        ends.append(pose.heads + turned * pose.lengths[:, None])
    return float(np.abs(np.diff(ends, axis=0)).max()) / puppet.rig.height


def test_poses_are_for_the_moment_predicted(fox: Puppet) -> None:
    performance = running(fox)
    shown = list(played(performance, 10.0, 3.0, ahead=0.05))
    assert shown[-1].time == pytest.approx(10.0 + 89 * RATE + 0.05, abs=1e-3)
    assert shown[0].time == pytest.approx(10.0, abs=1e-3)  # the amount is eased into
    late = [*shown, *played(performance, 13.0, 3.0, ahead=5.0)]
    assert late[-1].time - (13.0 + 89 * RATE) == pytest.approx(AHEAD_MOST, abs=1e-3)
    steps = np.diff([moment.time for moment in late])
    assert (steps > 0.7 * RATE).all()
    assert (steps < 1.3 * RATE).all()
    assert not late[-1].idle


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("fpt"), st.floats(0.001, 0.4)), min_size=10, max_size=40))
def test_time_never_runs_back_whatever_comes(fox: Puppet, events: list[tuple[str, float]]) -> None:
    """Frames that are late or early, ticks in between, in any order."""
    performance, now, captured, last = running(fox), 100.0, 99.0, -math.inf
    for kind, wait in events:
        now += wait
        if kind == "t":
            shown = performance.tick(0.05, now)
        else:
            captured = max(captured + 1e-3, now - (0.3 if kind == "p" else 0.02))
            shown = performance.frame(frame(captured), 0.05, now)
        assert shown.time > last
        assert shown.time < now + 0.2
        assert all(pose.time == shown.time for pose in shown.rigs.values())
        last = shown.time


def test_frames_that_stop_and_come_again_make_no_jump(fox: Puppet) -> None:
    performance = running(fox)
    shown = list(played(performance, 10.0, 2.0))
    usual = leap(fox, shown[30:])
    shown += [performance.tick(0.05, 12.25 + i * RATE) for i in range(90)]
    assert shown[-1].idle
    shown += list(played(performance, 15.3, 2.0))
    assert not shown[-1].idle
    assert leap(fox, shown[30:]) < max(2 * usual, 0.12)


def test_while_no_model_is_there_the_character_idles_and_lives(fox: Puppet) -> None:
    performance = Performance(fox, CONFIG)
    shown = list(played(performance, 5.0, 4.0))
    assert all(moment.idle for moment in shown)
    assert 0 < leap(fox, shown) < 0.05
    assert max(only(moment).blink for moment in (*shown, *played(performance, 9.0, 10.0))) > 0.5


@pytest.mark.parametrize(
    "change", [{"mirror": False}, {"place": 1.0}, {"smooth": 1.0}, {"fov": None}, {"fov": 1.4}, {"person": "all"}]
)
def test_a_setting_changes_without_a_jump(fox: Puppet, change: dict[str, object]) -> None:
    performance = running(fox)
    shown = list(played(performance, 10.0, 3.0))
    usual = leap(fox, shown[45:])
    performance.change(replace(CONFIG, **change), None)  # type: ignore[arg-type]
    after = list(played(performance, 13.0, 2.0))
    assert leap(fox, [shown[-1], *after]) < max(2.5 * usual, 0.12)
    assert after[-1].people[0].person == shown[-1].people[0].person


def test_the_bridge_is_needed(fox: Puppet, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test before would see without it."""
    monkeypatch.setattr("bodydouble.live.performance.BRIDGE", 1e-9)
    performance = running(fox)
    shown = list(played(performance, 10.0, 3.0))
    performance.change(replace(CONFIG, mirror=False), None)
    assert leap(fox, [shown[-1], *played(performance, 13.0, 0.2)]) > 0.2


def test_another_character_takes_the_pose_of_now(fox: Puppet, cat: Puppet) -> None:
    performance = running(fox)
    before = list(played(performance, 10.0, 3.0))[-1]
    performance.play(cat)
    shown = list(played(performance, 13.0, 1.0))
    assert len(only(shown[0]).angles) == len(cat.rig.names)
    assert shown[0].people[0].person == before.people[0].person
    assert leap(cat, shown) < 0.1


@pytest.mark.parametrize("skeleton", [None, COCO_17])
def test_another_model_keeps_the_person_and_does_not_jump(fox: Puppet, skeleton: object) -> None:
    performance = running(fox)
    shown = list(played(performance, 10.0, 3.0))
    usual = leap(fox, shown[45:])

    def off(picture: Frame) -> list[Pose]:  # another model sees points elsewhere
        pose = standing(picture.time, raised=1.2 + math.sin(2 * picture.time), skeleton=skeleton or model.skeleton)  # type: ignore[arg-type]
        return [replace(pose, points=pose.points + np.array([12.0, -8.0]))]

    model = Model("other", off, *([] if skeleton is None else [skeleton]))  # type: ignore[list-item]
    performance.estimate_with(model)
    after = list(played(performance, 13.0, 2.0))
    assert model.frames
    assert {moment.people[0].person for moment in after} == {shown[-1].people[0].person}
    assert leap(fox, [shown[-1], *after]) < max(2.5 * usual, 0.12)


def test_another_size_of_the_picture_makes_no_jump(fox: Puppet) -> None:
    performance = running(fox)
    shown = list(played(performance, 10.0, 3.0))
    small = np.full((360, 640, 3), 90, dtype=np.uint8)
    for i in range(30):
        shown.append(performance.frame(frame(13.0 + i * RATE, image=small), 0.05, 13.03 + i * RATE))
    assert leap(fox, shown[45:]) < 0.12


def test_whoever_leaves_comes_back_eased(fox: Puppet) -> None:
    performance = running(fox)
    shown = list(played(performance, 10.0, 2.0))
    usual = leap(fox, shown[30:])
    performance.watch.estimate.sees = nobody  # type: ignore[union-attr]
    shown += list(played(performance, 12.0, 4.0))
    assert shown[-1].idle
    performance.watch.estimate.sees = waving  # type: ignore[union-attr]
    shown += list(played(performance, 16.0, 2.0))
    assert leap(fox, shown[30:]) < max(2.5 * usual, 0.12)


def test_everybody_has_a_character_when_all_play(fox: Puppet) -> None:
    def two(picture: Frame) -> list[Pose]:
        return [standing(picture.time, tall=0.6, middle=share) for share in (0.25, 0.75)]

    performance = running(fox, two)
    assert len(list(played(performance, 10.0, 1.0))[-1].rigs) == 1
    performance.change(replace(CONFIG, person="all"), None)
    assert len(list(played(performance, 11.0, 1.0))[-1].rigs) == 2
    performance.change(CONFIG, None)
    shown = list(played(performance, 12.0, 1.0))[-1]
    assert len(shown.rigs) == 1
    assert only(shown).state is State.TRACKED


def test_a_calibration_is_taken_up_without_a_jump(fox: Puppet) -> None:
    performance = running(fox, lambda picture: [standing(picture.time)])
    watch = NeutralWatch(performance.camera)
    shown = list(played(performance, 10.0, 4.0))
    for moment in shown:
        watch.add(moment.people, moment.people[0].time)
    neutral = watch.result()
    performance.change(CONFIG, neutral)
    after = list(played(performance, 14.0, 1.0))
    assert leap(fox, [shown[-1], *after]) < 0.05
    assert performance.camera is not None
    assert performance.camera.size == SIZE


def test_a_camera_that_changes_its_size_loses_nobody_and_moves_nothing(fox: Puppet) -> None:
    performance = Performance(fox, replace(CONFIG, fov=None))
    performance.estimate_with(Model(sees=waving))
    shown = list(played(performance, 10.0, 1.0))
    small = np.zeros((360, 640, 3), np.uint8)
    for i in range(30):
        captured = 11.0 + i * RATE
        shown.append(performance.frame(frame(captured, image=small), 0.05, captured + 0.03))
    assert all(only(moment).state is State.TRACKED for moment in shown)
    assert len({pose.person for moment in shown for pose in moment.people}) == 1
    assert leap(fox, shown[25:]) < 1.5 * leap(fox, shown[10:30]) + 0.005


@pytest.mark.parametrize("between", [0.6, 2.0, 30.0])
def test_frames_that_come_rarely_do_not_carry_the_character_away(fox: Puppet, between: float) -> None:
    """A camera of a frame a second or less, a machine that is overwhelmed, a tab that is hidden."""
    places = np.random.default_rng(0).uniform(0.1, 0.9, 60)

    def about(picture: Frame) -> list[Pose]:
        middle = places[picture.index]
        legs = standing(picture.time, size=picture.size, middle=middle, raised=middle)
        if picture.index % 3 == 0:  # a step to the side
            lean = np.linspace(0, 0.2 * picture.size[0], len(legs.points))[:, None] * (1, 0)
            return [replace(legs, points=legs.points + lean, world=None)]
        return [legs]

    performance = running(fox, about)
    shown = [performance.frame(frame(10.0 + i * between, i), 0.05, 10.0 + i * between) for i in range(len(places))]
    far = max(float(np.abs(only(moment).heads - fox.rig.heads).max()) for moment in shown)
    assert far < 2.5 * fox.rig.height
