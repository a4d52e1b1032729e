"""Films of recordings: the motion that was shown, made beside the run, and cancelled without a trace."""

from __future__ import annotations

import shlex
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest

from bodydouble import characters, pipeline
from bodydouble.cli.filming import how_to_film
from bodydouble.live.filming import Filming
from bodydouble.live.look import from_settings
from bodydouble.live.recording import Recorder
from bodydouble.outputs.draw import Figure, Stage
from bodydouble.outputs.take import read_take
from bodydouble.types import Image
from moved_live import MadeLive

PATIENCE = 120.0


@pytest.fixture(scope="module")
def shared() -> MadeLive:
    return MadeLive(background="#336699", framing="half", mirror=False, smooth=0.3, fps=15.0)


@pytest.fixture
def recorder(shared: MadeLive, tmp_path: Path) -> Recorder:
    recorder = Recorder()
    recorder.start(shared, tmp_path, True)
    return recorder


def off(recorder: Recorder) -> None:
    end = time.monotonic() + PATIENCE
    while recorder.report.state != "off":
        assert time.monotonic() < end
        threading.Event().wait(0.05)


def expected(take: Path, size: tuple[int, int]) -> list[Image]:
    """The pictures that the film is to show, drawn here."""
    recorded = read_take(take)
    look = from_settings(recorded.info)
    puppet = characters.load(look.character, pixels=1920)
    watched = ((time, index, people, None) for index, time, people in recorded)
    size_of = recorded.info.source.size
    moments = pipeline.moments(watched, puppet.rig, look.config, size_of, alive=True)
    stage = Stage(size, look.background, shadow=look.shadow, framing=look.framing)
    shown = pipeline.at_rate(moments, puppet.rig, look.fps, recorded.info.source.duration)
    return [stage.render([Figure(puppet, rig) for rig in moment.rigs.values()]) for moment in shown]


def test_the_film_shows_what_was_shown(shared: MadeLive, recorder: Recorder) -> None:
    shared.play(1.0)
    take = recorder.stop()
    assert recorder.report.state == "saving"
    off(recorder)
    state = recorder.report
    assert state.film == take.with_suffix(".mp4"), state.message
    assert state.film.name in state.message
    with av.open(str(state.film)) as film:
        assert film.streams.video[0].average_rate == 15 and not film.streams.audio
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    wanted = expected(take, pictures[0].shape[1::-1])
    assert len(pictures) == len(wanted) == 15
    for picture, drawn in zip(pictures, wanted, strict=True):
        assert np.abs(picture.astype(int) - drawn).mean() < 3  # the encoder's own loss
    moved = np.abs(wanted[-1].astype(int) - wanted[0]).mean()
    assert np.abs(pictures[-1].astype(int) - pictures[0]).mean() == pytest.approx(moved, rel=0.2) and moved > 3
    recorder.close()
    assert sorted(path.suffix for path in take.parent.iterdir()) == [".mp4", ".parquet"]


def test_closing_cancels_a_film_and_leaves_the_take(shared: MadeLive, recorder: Recorder) -> None:
    shared.play(30.0)  # a film of some length, so that it is not done before it is cancelled
    before = set(threading.enumerate())
    take = recorder.stop()
    end = time.monotonic() + PATIENCE
    while not recorder.report.progress:
        assert time.monotonic() < end and recorder.report.state == "saving", recorder.report
        threading.Event().wait(0.02)
    recorder.close()
    assert [path.name for path in take.parent.iterdir()] == [take.name]
    assert not set(threading.enumerate()) - before
    assert recorder.report.state == "off" and recorder.report.film is None
    assert recorder.report.unfilmed == (take,)
    command = shlex.split(how_to_film(take))
    assert command[:3] == ["bodydouble", "animate", str(take)] and command[-1] == str(take.with_suffix(".mp4"))


def test_a_film_that_does_not_hear_that_it_is_cancelled_is_ended_all_the_same(
    shared: MadeLive, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bodydouble.live.filming.PATIENCE", 0.0)
    shared.play(30.0)
    take = recorder.stop()
    end = time.monotonic() + PATIENCE
    while not recorder.report.progress:
        assert time.monotonic() < end and recorder.report.state == "saving", recorder.report
        threading.Event().wait(0.02)
    recorder.close()
    assert [path.name for path in take.parent.iterdir()] == [take.name]
    assert recorder.report.unfilmed == (take,)


def test_what_cannot_be_filmed_is_said(shared: MadeLive, recorder: Recorder, tmp_path: Path) -> None:
    for step in range(5):
        shared.publish(shared.moment(step / 30))
    recorder.stop()
    off(recorder)
    assert "no person was found" in recorder.report.message and recorder.report.film is None
    recorder.close()
    filming = Filming()
    filming.close()
    filming.make(tmp_path / "a.parquet")  # after the end: nothing
    assert not filming.state.busy
