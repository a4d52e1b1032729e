"""The loop: one character that is always there, interpolation in time, and whole films of the real clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

import bodydouble
import mocap
from bodydouble import characters, pipeline
from bodydouble.outputs.take import read_take
from bodydouble.pipeline import Act, Cast, Config, Moment, Steady, at_rate, blend
from bodydouble.types import Camera, Pose, RigPose, State

SIZE = (1280, 720)
CAMERA = Camera(SIZE, np.radians(50))


@pytest.fixture(scope="session")
def dance(test_data: Path) -> list[Pose]:
    return mocap.poses(test_data / "mocap" / "jesse_dance.bvh", camera=CAMERA, place=(0.0, 0.0, 3.0))[:150]


@pytest.fixture(scope="session")
def fox() -> characters.Puppet:
    return characters.load("fox")


def named(pose: Pose, person: int) -> Pose:
    return replace(pose, person=person)


def test_the_only_character_is_there_before_and_after_the_person(fox: characters.Puppet, dance: list[Pose]) -> None:
    cast = Cast(fox.rig, Config(), SIZE)
    before = cast([], 0.0)
    assert len(before) == 1
    rest = next(iter(before.values()))
    assert np.abs(rest.angles).max() < 1e-9
    during = [next(iter(cast([named(p, 1)], p.time + 0.1).values())) for p in dance[:40]]
    assert np.abs(during[-1].angles).max() > 0.2
    after = [next(iter(cast([], dance[40].time + 0.1 + i / 30).values())) for i in range(60)]
    assert after[-1].state is State.LOST
    driven = [i for i, spring in enumerate(fox.rig.spring) if spring == 0]
    assert np.abs(after[-1].angles[driven]).max() < 0.05  # eased back to rest
    shown = [rig.angles[driven] for rig in [*during[-2:], *after]]
    steps = np.abs(np.diff(shown, axis=0)).max(axis=1)
    assert steps.max() < 0.5  # a quarter of a second for a large way, no jump
    assert (steps[10:] < 0.12).all()


def test_several_people_have_a_character_each_from_left_to_right(fox: characters.Puppet, dance: list[Pose]) -> None:
    cast = Cast(fox.rig, Config(person="all"), SIZE)
    assert cast([], 0.0) == {}
    right = replace(dance[0], person=1, points=dance[0].points + np.array([300, 0]))
    left = replace(dance[0], person=2, points=dance[0].points - np.array([300, 0]))
    assert list(cast([right, left], 0.0)) == [2, 1]
    assert list(cast([right], 0.5)) == [2, 1]
    assert list(cast([right], 0.5 + pipeline.LEAVE_SECONDS + 0.1)) == [1]


def moments_of(poses: list[Pose], rig: bodydouble.types.Rig) -> Iterator[Moment]:
    frames = ((pose.time, i, [named(pose, 1)], None) for i, pose in enumerate(poses))
    return pipeline.moments(frames, rig, Config(), SIZE)


@pytest.mark.parametrize("rate", [7.0, 30.0, 50.0, 120.0])
def test_rate_covers_the_whole_time_evenly(fox: characters.Puppet, dance: list[Pose], rate: float) -> None:
    duration = len(dance) / 30
    out = list(at_rate(moments_of(dance, fox.rig), fox.rig, rate, duration))
    assert len(out) == pytest.approx(duration * rate, abs=1)
    assert np.allclose([moment.time for moment in out], np.arange(len(out)) / rate)
    assert all(moment.rigs for moment in out)


def test_a_moment_between_lies_between_and_keeps_the_bones_together(fox: characters.Puppet, dance: list[Pose]) -> None:
    rigs = [next(iter(moment.rigs.values())) for moment in moments_of(dance, fox.rig)]
    for before, after in zip(rigs[20:100:8], rigs[24:104:8], strict=True):
        middle = blend(fox.rig, before, after, 0.5)
        assert np.allclose(middle.angles, (before.angles + after.angles) / 2)
        for i, parent in enumerate(fox.rig.parents):
            if parent >= 0:
                own = np.linalg.norm(fox.rig.heads[i] - fox.rig.heads[parent])
                drawn = np.linalg.norm(middle.heads[i] - middle.heads[parent])
                assert drawn <= own * max(1.0, middle.lengths[parent]) + 1e-6


def test_a_lost_whole_turn_is_no_spin(fox: characters.Puppet, dance: list[Pose]) -> None:
    before = next(iter(next(moments_of(dance, fox.rig)).rigs.values()))
    after = replace(before, angles=before.angles + 2 * np.pi, time=before.time + 0.1)
    assert np.allclose(blend(fox.rig, before, after, 0.5).angles, before.angles)


def test_person_who_is_not_seen_fades_and_goes(dance: list[Pose]) -> None:
    steady = Steady(0.5)
    for pose in dance[:30]:
        assert len(steady([named(pose, 1)], pose.time)) == 1
    held = [steady([], dance[30].time + i / 30) for i in range(120)]
    assert held[0][0].scores.mean() > held[8][0].scores.mean()
    assert held[-1] == []


def test_left_arm_moves_the_left_arm(fox: characters.Puppet, test_data: Path) -> None:
    """The wave of the motion capture raises one arm: the character's arm of that side goes up, the other stays down."""
    poses = mocap.poses(test_data / "mocap" / "wave_hello.bvh", camera=CAMERA, place=(0.0, 0.0, 3.0))
    index = {name: i for i, name in enumerate(fox.rig.names)}
    layout = bodydouble.skeletons.skeleton(poses[0].skeleton).index
    act = Act(fox.rig, Config(smooth=0.0), SIZE)
    rigs: list[RigPose] = [act(named(pose, 1)) for pose in poses]
    heights = {
        side: np.array([p.points[layout[f"{side}_shoulder"], 1] - p.points[layout[f"{side}_wrist"], 1] for p in poses])
        for side in ("left", "right")
    }
    side = max(heights, key=lambda name: float(heights[name].max()))
    peak = int(heights[side].argmax())
    assert heights[side][peak] > 0, "nobody waves in this motion"
    drawn = {
        arm: rigs[peak].heads[index[f"{arm}_upper_arm"], 1] - rigs[peak].heads[index[f"{arm}_hand"], 1]
        for arm in ("left", "right")
    }
    other = "right" if side == "left" else "left"
    assert drawn[side] > 0 > drawn[other]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Path:
    folder = tmp_path_factory.mktemp("films")
    clip = test_data / "clips" / "pose_squats.mp4"
    bodydouble.animate(clip, "fox", folder / "fox.mp4", take=folder / "take.parquet", size=(320, 320))
    return folder


@pytest.mark.models
@pytest.mark.clips
def test_time_stamps_are_the_sources(made: Path, test_data: Path) -> None:
    times = []
    for path in (test_data / "clips" / "pose_squats.mp4", made / "fox.mp4"):
        with av.open(str(path)) as container:
            times.append([frame.time for frame in container.decode(video=0)])
    assert np.allclose(times[0], times[1], atol=1e-3)


@pytest.mark.models
@pytest.mark.clips
def test_take_has_every_frame_and_the_person_in_each(made: Path) -> None:
    frames = list(read_take(made / "take.parquet"))
    assert len(frames) == 65
    assert all(len(frame.poses) == 1 for frame in frames)
    assert {frame.poses[0].person for frame in frames} == {1}


@pytest.mark.models
@pytest.mark.clips
def test_a_take_makes_the_same_film_without_the_model(
    made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(pipeline, "load", never)
    bodydouble.animate(made / "take.parquet", "fox", tmp_path / "again.mp4", size=(320, 320))
    films = []
    for path in (made / "fox.mp4", tmp_path / "again.mp4"):
        with av.open(str(path)) as container:
            films.append([frame.to_ndarray(format="gray") for frame in container.decode(video=0)])
    assert len(films[0]) == len(films[1])
    assert max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(*films, strict=True)) <= 2


@pytest.mark.models
@pytest.mark.clips
def test_squatting_sinks_and_the_feet_stay(made: Path) -> None:
    puppet = characters.load("mira")
    index = {name: i for i, name in enumerate(puppet.rig.names)}
    act = Act(puppet.rig, Config(), (720, 1280))
    rigs = [act(frame.poses[0]) for frame in read_take(made / "take.parquet")]
    hips = np.array([rig.heads[index["spine"], 1] for rig in rigs])
    assert np.ptp(hips) > 0.08 * puppet.rig.height  # the hips go down and up again
    feet = np.array([max(rig.heads[index[f"{side}_foot"], 1] for side in ("left", "right")) for rig in rigs])
    assert np.ptp(feet) < 0.03 * puppet.rig.height  # the lower ankle stays at its height
