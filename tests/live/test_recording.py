"""Recording while live: what was seen is what is read, whatever ends it, and nothing else waits for it."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import weakref
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from bodydouble.live import recording, tape
from bodydouble.live.look import from_settings, look_of
from bodydouble.live.recording import Recorder, recover_all
from bodydouble.outputs import journal
from bodydouble.outputs import take as takes
from bodydouble.outputs.take import read_take
from bodydouble.types import BodyDoubleError
from moved_live import START, MadeLive, person

PATIENCE = 60.0
THREADS_BEFORE: set[threading.Thread] = set()  # each test: those that others left are not its own


@pytest.fixture(scope="module")
def shared() -> MadeLive:
    return MadeLive()


@pytest.fixture
def live(shared: MadeLive) -> MadeLive:
    shared.listeners.clear()
    shared.model = "made-model"
    THREADS_BEFORE.clear()
    THREADS_BEFORE.update(threading.enumerate())
    return shared


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def no_threads_left() -> bool:
    return not set(threading.enumerate()) - THREADS_BEFORE


def wait_for(what: str, done: object) -> None:
    """Until done() holds: another thread's work; long enough for any machine."""
    end = time.monotonic() + PATIENCE
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end, f"{what} did not come"
        threading.Event().wait(0.01)


def kept(path: Path) -> int:
    """Frames that a kill at this moment would leave."""
    return len(read_take(path)) if journal.about(path) is not None else 0


def test_what_was_seen_is_read(live: MadeLive, tmp_path: Path) -> None:
    recorder = Recorder()
    path = recorder.start(live, tmp_path / "new" / "folder")
    moments = [
        live.moment(step / 30, [person(step / 30, raised=step / 40)] if step % 3 else None) for step in range(40)
    ]
    for moment in moments:
        live.publish(moment)
    assert recorder.report.state == "recording"
    assert recorder.stop() == path
    take = read_take(path)
    assert not take.interrupted and names(path.parent) == [path.name]
    for (index, at, poses), moment in zip(take, moments, strict=True):
        assert index == moment.sequence - moments[0].sequence
        assert at == pytest.approx(moment.captured - moments[0].captured, abs=1e-9)
        assert len(poses) == len(moment.seen)
        for pose, seen in zip(poses, moment.seen, strict=True):
            assert np.array_equal(pose.points, seen.points) and np.array_equal(pose.world, seen.world)
    assert take.info.source.name == "made camera" and take.info.source.size == (64, 48)
    assert (take.info.model, take.info.provider, take.info.source.frames) == ("made-model", "cpu", 40)
    state = recorder.report
    assert (state.state, state.frames, state.path) == ("off", 40, path)
    assert state.seconds == pytest.approx(39 / 30)
    recorder.close()
    assert no_threads_left() and not live.listeners


def test_it_says_how_it_was_shown(tmp_path: Path) -> None:
    config = {"mirror": True, "smooth": 0.25, "place": 0.7, "fov": None, "background": "picture:beach.png"}
    live = MadeLive("mira", framing="half", shadow=False, fps=24.0, **config)
    recorder = Recorder(pictures=tmp_path / "pictures")
    recorder.start(live, tmp_path)
    live.play(0.1)
    info = read_take(recorder.stop()).info
    look = from_settings(info)
    assert look == look_of(live.config, tmp_path / "pictures")
    assert (look.character, look.mirror, look.smooth, look.place, look.fov) == ("mira", True, 0.25, 0.7, None)
    assert (look.framing, look.shadow, look.fps) == ("half", False, 24.0)
    assert look.background == str(tmp_path / "pictures" / "beach.png")
    assert info.settings["smooth"] == "0"  # the points are those measured
    recorder.close()


def test_names_tell_the_time_and_nothing_is_replaced(
    live: MadeLive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Then(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 11, 23, 10, 45, 12)

    monkeypatch.setattr(recording, "datetime", Then)
    (tmp_path / "bodydouble-2026-11-23-104512.mp4").write_bytes(b"mine")
    (tmp_path / "bodydouble-2026-11-23-104512-3.parquet.partial-001").write_bytes(b"mine, too")
    recorder = Recorder()
    made = []
    for _ in range(2):
        recorder.start(live, tmp_path)
        live.play(0.1)
        made.append(recorder.stop().name)
    assert made == ["bodydouble-2026-11-23-104512-2.parquet", "bodydouble-2026-11-23-104512-4.parquet"]
    recorder.close()


def test_other_sizes_and_skeletons_go_on_in_another_take(live: MadeLive, tmp_path: Path) -> None:
    recorder = Recorder()
    first = recorder.start(live, tmp_path)
    live.play(0.2)
    live.model = "other-model"
    live.play(0.2, start=1.0)  # the same skeleton: the same take
    live.play(0.2, start=2.0, skeleton="blazepose-33")
    for step in range(6):
        live.publish(live.moment(3 + step / 30, [person(0.0, size=(48, 64))], size=(48, 64)))
    assert recorder.stop() == first
    assert "-3.parquet" in recorder.report.message and "48x64" in recorder.report.message
    found = [read_take(tmp_path / f"{first.stem}{ending}.parquet") for ending in ("", "-2", "-3")]
    assert [take.info.skeleton for take in found] == ["coco-17", "blazepose-33", "coco-17"]
    assert [take.info.source.size for take in found] == [(64, 48), (64, 48), (48, 64)]
    assert [len(take) for take in found] == [12, 6, 6]
    assert found[0].info.model == "made-model, other-model"
    assert all(next(iter(take)).time == 0 for take in found)
    assert recorder.report.frames == 24
    recorder.close()


def test_nobody_at_first_is_kept_whatever_the_skeleton_is(live: MadeLive, tmp_path: Path) -> None:
    recorder = Recorder()
    path = recorder.start(live, tmp_path)
    for step in range(10):
        live.publish(live.moment(step / 30))
    live.play(0.2, start=1.0)
    recorder.stop()
    take = read_take(path)
    assert names(tmp_path) == [path.name] and take.info.skeleton == "coco-17"
    assert [len(poses) for _, _, poses in take] == [0] * 10 + [1] * 6
    recorder.close()


def test_moments_without_a_new_frame_are_passed_over(live: MadeLive, tmp_path: Path) -> None:
    recorder = Recorder()
    path = recorder.start(live, tmp_path)
    for step, captured in enumerate((START, START, 0.0, START + 0.1)):
        live.publish(live.moment(step / 30, [person(0.0)], captured=captured))
    live.publish(live.moment(0.2, [person(0.0)], index=3))  # the camera came back and counts anew
    recorder.stop()
    frames = [(frame.frame, round(frame.time, 6)) for frame in read_take(path)]
    assert [at for _, at in frames] == [0.0, 0.1, 0.2]
    assert [index for index, _ in frames] == sorted({index for index, _ in frames})
    recorder.close()


def test_what_cannot_be_done_is_one_line(live: MadeLive, tmp_path: Path) -> None:
    recorder = Recorder()
    with pytest.raises(BodyDoubleError, match="nothing is being recorded"):
        recorder.stop()
    (tmp_path / "file").write_text("")
    with pytest.raises(BodyDoubleError, match="file"):
        recorder.start(live, tmp_path / "file")
    path = recorder.start(live, tmp_path)
    with pytest.raises(BodyDoubleError, match="already recording"):
        recorder.start(live, tmp_path)
    with pytest.raises(BodyDoubleError, match="no picture came"):
        recorder.stop()
    assert names(tmp_path) == ["file"] and not path.exists()
    recorder.close()


def test_closing_completes_a_recording(live: MadeLive, tmp_path: Path) -> None:
    recorder = Recorder()
    path = recorder.start(live, tmp_path)
    live.play(0.2)
    recorder.close()
    recorder.close()
    assert len(read_take(path)) == 6 and names(tmp_path) == [path.name]
    assert no_threads_left()


def test_a_slow_disk_never_makes_the_engine_wait(
    live: MadeLive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked, go_on = threading.Event(), threading.Event()
    rows = takes.rows

    def stuck(*args: object) -> object:
        if args[0]:
            blocked.set()
            assert go_on.wait(PATIENCE)
        return rows(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(takes, "rows", stuck)
    monkeypatch.setattr(tape, "MOST_HELD", 50)
    recorder = Recorder()
    path = recorder.start(live, tmp_path)
    live.play(1 / 30)  # one frame: of more, some might come after the disk hangs
    assert blocked.wait(PATIENCE)
    live.play(3.0, start=1.0)  # returns while the disk hangs; 50 of 90 frames find room
    assert "40 frames were not recorded" in recorder.report.message
    go_on.set()
    recorder.stop()
    assert len(read_take(path)) == 51
    recorder.close()


def test_a_disk_that_is_slow_to_be_sure_does_not_delay_what_a_kill_spares(
    live: MadeLive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked, go_on = threading.Event(), threading.Event()

    def stuck(descriptor: int) -> None:
        blocked.set()
        assert go_on.wait(PATIENCE)

    monkeypatch.setattr(takes.os, "fsync", stuck)
    recorder = Recorder()
    path = recorder.start(live, tmp_path)
    live.play(0.1)
    assert blocked.wait(PATIENCE)
    live.play(1.0, start=1.0)
    wait_for("the frames", lambda: kept(path) == 33)
    go_on.set()
    recorder.stop()
    recorder.close()


def test_a_disk_that_does_not_keep_what_it_was_given_is_told(
    live: MadeLive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(takes.os, "fsync", broken)
    recorder = Recorder()
    recorder.start(live, tmp_path)
    live.play(0.1)
    wait_for("the end", lambda: recorder.report.state == "off")
    assert "Input/output error" in recorder.report.message
    recorder.close()
    assert no_threads_left()


def test_a_full_disk_ends_the_recording_and_nothing_else(
    live: MadeLive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, full = takes.rows, threading.Event()

    def written(*args: object) -> object:
        if full.is_set():
            raise OSError(28, "No space left on device")
        return rows(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(takes, "rows", written)
    recorder = Recorder()
    path = recorder.start(live, tmp_path)
    live.play(1.0)
    wait_for("the first second on disk", lambda: recorder.report.frames == 30)
    wait_for("its journal", lambda: kept(path) == 30)
    full.set()
    live.play(1.0, start=1.0)
    wait_for("the end", lambda: recorder.report.state == "off")
    live.play(1.0, start=2.0)
    state = recorder.report
    assert "no space left" in state.message and "can be read" in state.message and "\n" not in state.message
    take = read_take(path)
    assert take.interrupted and len(take) == 30
    with pytest.raises(BodyDoubleError, match="no space left"):
        recorder.stop()
    full.clear()
    path = recorder.start(live, tmp_path)  # and it can be begun anew
    live.play(0.1, start=3.0)
    assert recorder.stop() == path
    recorder.close()
    assert [(done.frames, done.path.exists()) for done in recover_all(tmp_path)] == [(30, True)]


def test_a_disk_that_is_full_from_the_start_leaves_nothing(
    live: MadeLive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **more: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "lock", full)
    recorder = Recorder()
    recorder.start(live, tmp_path)
    live.play(0.1)
    wait_for("the end", lambda: recorder.report.state == "off")
    assert "no space left" in recorder.report.message and "can be read" not in recorder.report.message
    assert names(tmp_path) == []
    recorder.close()


PROGRAM = """
import sys, threading
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from moved_live import MadeLive, person
from bodydouble.live.recording import Recorder
live, recorder, step = MadeLive(), Recorder(), 0
recorder.start(live, Path(sys.argv[1]))
while True:
    live.publish(live.moment(step / 30, [person(step / 30, raised=step % 60 / 60)]))
    print(step, flush=True)
    step += 1
    threading.Event().wait(1 / 30)
"""


@pytest.mark.parametrize("steps", [1, 40, 75])
def test_kill_9_loses_at_most_the_last_second(tmp_path: Path, steps: int) -> None:
    tests = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), tests]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        last = 0
        for line in process.stdout:
            last = int(line)
            if last >= steps:
                break
        os.kill(process.pid, signal.SIGKILL)
        last = max([last, *(int(line) for line in process.stdout.read().split())])
        assert process.wait() == -signal.SIGKILL
    least = last + 1 - 30  # at 30 a second
    left = list(tmp_path.iterdir())
    assert all(path.stat().st_size for path in left) and len(left) <= 1
    read = [len(read_take(path.with_name(path.name.split(".partial")[0]))) for path in left]
    assert sum(read) >= least
    recovered = recover_all(tmp_path)
    assert sum(done.frames for done in recovered) == sum(read)
    assert all(re.fullmatch(r"bodydouble-[\d-]+\.parquet", name) for name in names(tmp_path))
    assert len(names(tmp_path)) == (1 if sum(read) else 0)


def test_what_is_being_recorded_is_left_alone(live: MadeLive, tmp_path: Path) -> None:
    recorder = Recorder()
    path = recorder.start(live, tmp_path)
    live.play(0.5)
    wait_for("its frames", lambda: kept(path) == 15)
    assert recover_all(tmp_path) == []
    with pytest.raises(BodyDoubleError, match="being recorded"):
        takes.recover(path)
    with pytest.raises(BodyDoubleError, match="being recorded"):
        takes.TakeWriter(path, read_take(path).info)
    recorder.stop()
    assert len(read_take(path)) == 15
    recorder.close()


def test_an_interrupted_run_over_a_file_is_not_ours(tmp_path: Path) -> None:
    """`bodydouble track` goes on after its journal: it stays what it is."""
    live = MadeLive()
    info = recording._info(live, None)
    writer = takes.TakeWriter(tmp_path / "a.parquet", takes.replace(info, settings={}))
    writer.write(0, 0.0, [])
    writer.suspend()
    assert recover_all(tmp_path) == []
    assert names(tmp_path) == ["a.parquet.partial-001"]


def test_a_long_recording_holds_nothing(live: MadeLive, tmp_path: Path) -> None:
    """What is held between two writes does not grow with the recording."""
    recorder = Recorder()
    recorder.start(live, tmp_path)
    moment = live.moment(0.0, [person(0.0)])
    assert moment.frame is not None
    picture = weakref.ref(moment.frame.image)
    sizes = []
    tracemalloc.start()
    for part in range(3):
        for step in range(200):
            at = START + part * 10 + step / 30
            own = replace(moment.seen[0], points=moment.seen[0].points + step)  # else all would be one and the same
            live.publish(replace(moment, captured=at, seen=[own]))
        wait_for("the disk", lambda part=part: recorder.report.frames == 200 * (part + 1))
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[2] - sizes[1] < 60_000, sizes  # points alone of 200 frames more would be as much
    live.publish(replace(moment, captured=START + 100))
    del moment
    gc.collect()
    assert picture() is None  # no picture is kept, however long its people wait to be written
    recorder.close()


def test_a_fault_of_our_own_ends_the_recording_in_words(live: MadeLive, tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.start(live, tmp_path)
    live.play(0.5)
    wait_for("frames are written", lambda: recorder.report.frames >= 15)
    live.publish(replace(live.moment(0.6, [person(0.6)]), seen=[None]))  # type: ignore[list-item]
    wait_for("it has stopped", lambda: recorder.report.state == "off")
    assert "stopped by itself: AttributeError" in recorder.report.message
    with pytest.raises(BodyDoubleError, match="stopped by itself"):
        recorder.stop()
    recorder.close()
    recover_all(tmp_path)
    assert len(list(read_take(tmp_path / names(tmp_path)[0]))) == 15
    assert no_threads_left()
