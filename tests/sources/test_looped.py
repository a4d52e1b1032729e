"""Files in place of a camera: due times are exact over any number of loops, late pictures are left out, faults mend."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_cameras import FakeClock, seen
from hypothesis import given
from hypothesis import strategies as st

from bodydouble.sources import looped as looped_module
from bodydouble.sources.live import Condition, Health, open_live
from bodydouble.sources.looped import Looped
from bodydouble.sources.pace import CATCH_UP_SECONDS, SHOWN_AT_LEAST, Pace
from bodydouble.sources.playing import HELD_SECONDS
from bodydouble.types import BodyDoubleError, Frame
from made_clips import QUADRANTS, make_clip, picture


class Player(Looped):
    """A looped source that runs in the test's thread until it has given so many pictures, or rested so often."""

    def _start(self) -> None:
        pass


class Show:
    """What a file gave: frames, and how the source did at each rest."""

    def __init__(self, path: Path, *, frames: int = 0, rests: int = 10_000, fps: float = 30.0) -> None:
        self.clock = FakeClock()
        self.frames: list[Frame] = []
        self.healths: list[Health] = []
        self.at_rest: Callable[[int], None] = lambda count: None
        self.late: dict[int, float] = {}
        self.wanted, self.rests, self.rested = frames, rests, 0
        self.source = Player(path, fps=fps, clock=self.clock, rest=self.rest)

    def rest(self, seconds: float) -> bool:
        self.rested += 1
        self.clock.now += seconds + self.late.pop(self.rested, 0.0)
        self.take()
        self.at_rest(self.rested)
        done = bool(self.wanted and len(self.frames) >= self.wanted) or self.rested >= self.rests
        if done:
            self.source._stopped.set()
        return done

    def take(self) -> None:
        frame = self.source.read(0)
        if frame is not None:
            self.frames.append(frame)
        self.healths.append(self.source.health)

    def run(self) -> Show:
        self.source._run()
        self.take()
        return self

    @property
    def times(self) -> np.ndarray:
        return np.array([frame.time for frame in self.frames]) - 1000.0


def number(frame: Frame) -> int:
    """Which picture of a made clip it is, by the bar at its top."""
    return int(np.abs(frame.image[0].astype(int) - 128).sum(axis=1).argmin()) // 2


def test_a_clip_plays_in_real_time_and_loops_without_a_jump(tmp_path: Path) -> None:
    show = Show(make_clip(tmp_path / "a.mp4", frames=20, rate=20), frames=70).run()
    assert [number(frame) for frame in show.frames[:45]] == [*range(20), *range(20), *range(5)]
    assert show.times[:70] == pytest.approx(np.arange(70) / 20, abs=1e-9)
    assert [frame.index for frame in show.frames[:70]] == list(range(70))
    health = show.healths[-1]
    assert (health.condition, health.message, health.dropped, health.size) == (Condition.LIVE, "", 0, (64, 48))
    assert health.fps == pytest.approx(20)


def test_variable_rates_are_kept_and_the_last_picture_stands_as_long_as_the_file_says(tmp_path: Path) -> None:
    times = [Fraction(0), Fraction(1, 25), Fraction(1, 7), Fraction(3, 10), Fraction(2, 5)]
    in_order = {"qp": "4", "bf": "0"}  # with reordered pictures MP4 does not say how long the last one stands
    clip = make_clip(tmp_path / "a.mp4", times=times, last=Fraction(1, 10), options=in_order)
    show = Show(clip, frames=15).run()
    want = [float(t) + loop / 2 for loop in range(3) for t in times]
    assert show.times[:15] == pytest.approx(want, abs=2e-5)


def test_a_thousand_loops_do_not_drift() -> None:
    pace, period = Pace(1 / 30, 1000.0), 13 / 30
    for loop in range(1000):
        for index in range(13):
            at = index / 30
            assert pace.shows(at, pace.due(at) + 0.001)
            assert pace.due(at) == pytest.approx(1000.0 + loop * period + at, abs=1e-9)
        pace.loops(period)


@given(st.lists(st.floats(0, 0.3), min_size=1, max_size=200), st.integers(1, 40))
def test_lateness_never_moves_the_clock_while_it_can_be_caught_up(delays: list[float], frames: int) -> None:
    """Whatever single waits are overslept, due times keep their phase: whole periods from where they would be."""
    step = 1 / 30
    pace, now, period = Pace(step, 0.0), 0.0, frames * step
    shown: list[float] = []
    for count, delay in enumerate(delays):
        index = count % frames
        if pace.shows(index * step, now):
            now = max(now, pace.due(index * step))
            shown.append(pace.due(index * step))
            now += delay if count % 7 == 0 else 0.0  # then time to catch up
        if index == frames - 1:
            pace.loops(period)
    assert all(a < b for a, b in pairwise(shown))
    if not pace.is_slow(now):
        phases = np.array(shown) / step
        assert phases == pytest.approx(np.rint(phases), abs=1e-6)


def test_late_pictures_are_left_out_and_the_clock_goes_on(tmp_path: Path) -> None:
    show = Show(make_clip(tmp_path / "a.mp4", frames=40, rate=20), frames=60)
    show.late[10] = 0.42  # an overslept wait: eight pictures
    show.run()
    health = show.healths[-1]
    assert 6 <= health.dropped <= 9
    assert health.captured == len(show.frames) + health.dropped
    assert np.all(np.diff(show.times) > 0)
    assert show.times[-1] == pytest.approx((health.captured - 1) / 20, abs=1e-9)


def test_whole_loops_that_were_missed_are_left_out_at_once(tmp_path: Path) -> None:
    show = Show(make_clip(tmp_path / "a.mp4", frames=20, rate=20), frames=60)
    show.late[30] = 3600.0  # the machine slept
    show.run()
    assert show.healths[-1].captured < 150
    assert np.diff(show.times).max() > 3500
    phases = show.times * 20
    assert phases == pytest.approx(np.rint(phases), abs=1e-5)


def test_a_clip_that_is_too_heavy_plays_slower_and_says_so() -> None:
    """Decoding takes twice as long as the pictures stand: ten a second are shown at least, none piles up."""
    pace, now, step = Pace(1 / 30, 0.0), 0.0, 1 / 30
    shown, slow = [], False
    for index in range(600):
        now += 2 * step
        if pace.shows(index * step, now):
            shown.append(max(now, pace.due(index * step)))
        slow = slow or pace.is_slow(now)
    assert slow
    assert np.diff(shown).max() <= SHOWN_AT_LEAST + 2 * step + 1e-9
    assert now - pace.due(600 * step) < CATCH_UP_SECONDS + 0.2


def test_a_picture_that_stands_long_is_given_again(tmp_path: Path) -> None:
    show = Show(make_clip(tmp_path / "a.mp4", times=[0, 2.2, 2.4], last=0.2), frames=12).run()
    assert np.diff(show.times).max() <= 1.5 * HELD_SECONDS + 1e-6
    for due in (0.0, 2.2, 2.4, 2.6):
        assert np.abs(show.times - due).min() < 2e-5
    assert {health.condition for health in show.healths[1:]} == {Condition.LIVE}


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_phone_videos_are_upright(tmp_path: Path, turn: int) -> None:
    frame = Show(make_clip(tmp_path / "a.mp4", turn=turn), frames=1).run().frames[0]
    assert frame.size == ((64, 48) if turn % 180 == 0 else (48, 64))
    corner = {0: (12, 16), 90: (16, 36), 180: (36, 48), 270: (48, 12)}[turn]
    assert np.abs(frame.image[corner].astype(int) - QUADRANTS["top_left"]).max() < 8


def test_no_two_frames_share_memory(tmp_path: Path) -> None:
    frames = Show(make_clip(tmp_path / "a.mp4", frames=5), frames=12).run().frames
    assert not any(np.shares_memory(a.image, b.image) for a, b in pairwise(frames))


def test_an_image_is_given_at_the_rate_and_cannot_be_written_to(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), picture((60, 40))[..., ::-1])
    show = Show(path, frames=30, fps=25).run()
    assert show.times[:30] == pytest.approx(np.arange(30) / 25, abs=1e-9)
    assert np.array_equal(show.frames[3].image, picture((60, 40)))
    assert not show.frames[3].image.flags.writeable


def test_an_image_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), seen(50))
    show = Show(path, frames=20)
    show.at_rest = lambda count: cv2.imwrite(str(path), seen(250, (32, 32))) if count == 8 else None
    show.run()
    assert show.frames[0].image.max() == 50
    assert show.frames[-1].image.max() == 250
    assert show.healths[-1].size == (32, 32)


def test_a_folder_of_images_loops_and_passes_over_a_broken_one(tmp_path: Path) -> None:
    for index in range(4):
        cv2.imwrite(str(tmp_path / f"{index}.png"), seen(50 + 50 * index))
    show = Show(tmp_path, frames=9, fps=10)
    show.at_rest = lambda count: (tmp_path / "2.png").write_bytes(b"broken") if count == 5 else None
    show.run()
    levels = [int(frame.image.max()) for frame in show.frames]
    assert levels[:8] == [50, 100, 150, 200, 50, 100, 200, 50]
    assert show.times[:8] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8], abs=1e-9)
    health = show.healths[-1]
    assert health.condition is Condition.LIVE
    assert "is damaged (cannot read 2.png as an image" in health.message


def test_a_file_that_vanishes_is_told_and_taken_up_again(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=20, rate=20)
    away = tmp_path / "away.mp4"
    show = Show(path, rests=80)

    def at_rest(count: int) -> None:
        if count == 10:
            shutil.move(path, away)
        if count == 26:
            shutil.move(away, path)

    show.at_rest = at_rest
    show.run()
    failed = next(health for health in show.healths if health.condition is Condition.FAILED)
    assert "no file or folder" in failed.message
    assert "it goes on when the file is whole again" in failed.message
    assert show.healths[-1].condition is Condition.LIVE
    assert np.all(np.diff(show.times) > 0)
    assert len(show.frames) > 40


def test_a_file_that_is_overwritten_with_rubbish_or_cut_is_told(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=20, rate=20)
    whole = path.read_bytes()
    cut = make_clip(tmp_path / "cut.mkv", frames=40, rate=20).read_bytes()
    for broken, words in [(b"rubbish" * 100, "cannot read a.mp4 as a video"), (cut[: len(cut) // 2], "")]:
        path.write_bytes(whole)
        show = Show(path, rests=90)
        show.at_rest = lambda count, broken=broken: path.write_bytes(broken) if count == 10 else None
        show.run()
        health = show.healths[-1]
        if words:
            assert health.condition is Condition.FAILED
            assert words in health.message
        else:  # what can be read of it plays on
            assert health.condition is Condition.LIVE
            assert "a.mp4" in health.message
            assert show.times[-1] > 3


def test_what_can_never_be_played_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"hello")
    for path in (tmp_path / "a.mp4", tmp_path / "no.mp4", tmp_path):
        with pytest.raises(BodyDoubleError):
            open_live(str(path))


def test_the_real_thread_plays_and_ends(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    source = open_live(str(make_clip(tmp_path / "a.mp4", frames=10, rate=50)))
    frames = []
    while len(frames) < 25:
        frame = source.read(60)
        assert frame is not None
        frames.append(frame)
    assert all(a.time < b.time for a, b in pairwise(frames))
    source.close()
    assert source.read(60) is None
    assert not set(threading.enumerate()) - before


def test_a_long_wait_does_not_hold_up_closing(tmp_path: Path) -> None:
    source = open_live(str(make_clip(tmp_path / "a.mp4", times=[0, 900], last=1)))
    assert source.read(60) is not None
    source.close()
    assert not source._thread.is_alive()  # type: ignore[attr-defined]


def test_files_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    real = looped_module.VideoSource.pictures

    def watched(self: object, damage: object) -> object:
        try:
            yield from real(self, damage)  # type: ignore[arg-type]
        finally:
            closed.append(True)

    monkeypatch.setattr(looped_module.VideoSource, "pictures", watched)
    Show(make_clip(tmp_path / "a.mp4", frames=5), frames=12).run()
    assert len(closed) == 3
