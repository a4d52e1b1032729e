"""Cameras as live sources: each fault has its condition and sentence and mends itself; laws over any run of faults."""

from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import pytest
from fake_cameras import STEP, FakeCapture, FakeClock, StillCamera, World, device, seen
from hypothesis import given
from hypothesis import strategies as st

from bodydouble.sources import camera as camera_module
from bodydouble.sources.camera import MOST_DAMAGED, Camera, cameras, probed
from bodydouble.sources.capture import size_to_ask
from bodydouble.sources.live import Condition, Health, open_live
from bodydouble.sources.reopening import LATEST, SOONEST
from bodydouble.types import BodyDoubleError

WEBCAM = device("HD Webcam", 0)
OTHER = device("Studio Display", 1)
HAPPENINGS = st.lists(
    st.sampled_from(
        [
            "frame",
            "frame",
            "black",
            "damaged",
            "none",
            "unplug",
            "plug",
            "plug elsewhere",
            "busy",
            "free",
            "forbid",
            "allow",
        ]
    ),
    max_size=60,
)


def conditions(world: World) -> list[Condition]:
    """The conditions that the source went through, each once in a row."""
    every = [health.condition for _, health in world.healths]
    return [every[0], *(b for a, b in pairwise(every) if a != b)] if every else []


def last(world: World) -> Health:
    return world.healths[-1][1]


def lived(happenings: list[str], *there: object, name: str = "") -> World:
    world = World(happenings, list(there) or [WEBCAM])  # type: ignore[arg-type]
    world.run(name)
    return world


def test_frames_come_with_their_times() -> None:
    world = lived(["frame"] * 10)
    assert [frame.index for frame in world.frames] == list(range(10))
    start = 1000.0 - 0.005
    assert [frame.time for frame in world.frames] == pytest.approx([start + STEP * k for k in range(1, 11)])
    assert conditions(world) == [Condition.OPENING, Condition.LIVE]
    health = last(world)
    assert (health.size, health.name, health.granted, health.message) == ((64, 48), "HD Webcam", 30.0, "")
    assert health.fps == pytest.approx(30)


def test_unplugged_and_plugged_into_another_socket() -> None:
    world = lived(["frame", "frame", "unplug", "plug elsewhere", "frame", "frame"], WEBCAM, OTHER)
    assert conditions(world) == [Condition.OPENING, Condition.LIVE, Condition.UNPLUGGED, Condition.LIVE]
    assert [(one.model, one.index) for one in world.opened] == [("HD Webcam", 0), ("HD Webcam", 5)]
    assert len(world.frames) == 4
    words = next(h.message for _, h in world.healths if h.condition is Condition.UNPLUGGED)
    assert words.startswith("HD Webcam was unplugged; plug it in again")


def test_another_camera_does_not_take_its_place() -> None:
    world = lived(["frame", "unplug", *["frame"] * 5], WEBCAM, OTHER)
    assert {one.name for one in world.opened} == {"HD Webcam"}
    assert last(world).condition is Condition.UNPLUGGED


def test_nor_does_an_equal_one_that_was_there_before() -> None:
    twin = device("HD Webcam (2)", 1, model="HD Webcam", place="socket of the twin")
    world = World(["frame", "unplug", "plug elsewhere", "frame"], [WEBCAM, twin])
    world.devices = lambda: [twin] + ([world.camera] if world.plugged else [])  # type: ignore[method-assign]
    world.run("HD Webcam")
    assert [one.place for one in world.opened] == [WEBCAM.place, "another socket"]


@pytest.mark.parametrize(
    "before, after, condition", [("busy", "free", Condition.BUSY), ("forbid", "allow", Condition.NO_PERMISSION)]
)
def test_taken_or_forbidden_at_first_and_later_free(before: str, after: str, condition: Condition) -> None:
    world = World(["busy", after, "frame", "frame"] if before == "busy" else [after, "frame", "frame"], [WEBCAM])
    world.change(before)
    world.run()
    assert conditions(world)[-2:] == [condition, Condition.LIVE]
    assert len(world.frames) == 2
    assert all(rest <= 1.0 for rest in world.rests)


def test_black_pictures_are_told_after_a_while_and_still_come() -> None:
    dark = ["black"] * 40
    world = lived(["frame", *dark, *["frame"] * 20])
    assert conditions(world) == [Condition.OPENING, Condition.LIVE, Condition.BLACK, Condition.LIVE]
    assert len(world.frames) == 61
    black = [h for _, h in world.healths if h.condition is Condition.BLACK]
    assert "lens cover" in black[0].message
    assert 0 < 40 - len(black) + 7 < 40  # not at once, and not for ever after


def test_a_cut_or_a_blink_is_not_black() -> None:
    world = lived(["frame", *["black"] * 10, "frame", *["black"] * 10, "frame"])
    assert conditions(world) == [Condition.OPENING, Condition.LIVE]


def test_a_frozen_camera_says_so_and_mends_itself() -> None:
    world = lived(["frame", "none", "frame"])
    assert conditions(world) == [Condition.OPENING, Condition.LIVE, Condition.FAILED, Condition.LIVE]
    words = next(h.message for _, h in world.healths if h.condition is Condition.FAILED)
    assert words == "no picture comes from HD Webcam; if it stays so, unplug it and plug it in again"
    assert world.open_now == 0


def test_a_read_that_hangs_is_seen_by_the_clock() -> None:
    world = World(["frame"], [WEBCAM])
    camera = world.run()
    world.clock.now = world.frames[-1].time + 1.9
    assert camera.health.condition is Condition.LIVE
    world.clock.now += 0.2
    health = camera.health
    assert (health.condition, health.fps) == (Condition.FAILED, 0.0)
    assert "no picture comes from HD Webcam" in health.message


def test_damaged_pictures_are_passed_over_until_there_are_too_many() -> None:
    world = lived(["frame", *["damaged"] * MOST_DAMAGED, "frame"])
    assert conditions(world) == [Condition.OPENING, Condition.LIVE]
    assert (last(world).captured, last(world).dropped) == (MOST_DAMAGED + 2, MOST_DAMAGED)
    world = lived(["frame", *["damaged"] * (MOST_DAMAGED + 1), "frame"])
    assert conditions(world) == [Condition.OPENING, Condition.LIVE, Condition.FAILED, Condition.LIVE]


def test_it_waits_longer_each_time_and_starts_over_after_success() -> None:
    world = World(["none"] * 6 + ["frame", "none", "none"], [WEBCAM])
    world.run()
    assert world.rests[:5] == [SOONEST, 1.0, 2.0, 4.0, LATEST]
    assert world.rests[6] == SOONEST


def test_no_camera_is_waited_for_and_taken() -> None:
    world = World(["plug", "frame"], [WEBCAM])
    world.plugged = False
    world.run("web")
    assert conditions(world) == [Condition.UNPLUGGED, Condition.LIVE] or conditions(world)[-1] is Condition.LIVE
    words = next(h.message for _, h in world.healths if h.condition is Condition.UNPLUGGED)
    assert words.startswith('no camera "web", nor any other; plug one in')


def test_an_unknown_name_lists_what_there_is() -> None:
    world = lived(["frame"], WEBCAM, OTHER, name="logitech")
    assert last(world).condition is Condition.UNPLUGGED
    assert last(world).message == 'no camera "logitech"; there are: HD Webcam, Studio Display (bodydouble cameras)'


def test_an_ambiguous_name_is_an_error() -> None:
    with pytest.raises(BodyDoubleError, match='"D" is the name of several cameras: HD Webcam, Studio Display'):
        StillCamera("D", devices=lambda: [WEBCAM, OTHER])


@given(HAPPENINGS)
def test_laws_over_any_faults(happenings: list[str]) -> None:
    """Times grow, counts add up, nothing stays open, faults have words, and a free camera comes back."""
    world = World([*happenings, "plug", "free", "allow", "frame", "frame"], [WEBCAM, OTHER])
    world.run()
    health = last(world)
    assert all(a.time < b.time and a.index < b.index for a, b in pairwise(world.frames))
    assert health.captured == len(world.frames) + health.dropped
    assert all(frame.time <= world.clock.now for frame in world.frames)
    assert world.open_now == 0
    assert {one.model for one in world.opened} == {"HD Webcam"}
    for _, moment in world.healths:
        assert bool(moment.message) == (moment.condition is not Condition.LIVE) or moment.captured == 0
        assert "\n" not in moment.message
    assert health.condition in (Condition.LIVE, Condition.BLACK)
    arrays = [frame.image for frame in world.frames]
    assert len({id(image) for image in arrays}) == len(arrays)


def test_whatever_a_driver_raises_is_told_and_outlived() -> None:
    world = World(["frame"] * 5, [WEBCAM])
    fails = [ZeroDivisionError("odd\ndriver"), OSError(5, "input/output error")]

    def opener(*asked: object) -> FakeCapture:
        if fails:
            raise fails.pop(0)
        return World.opener(world, *asked)  # type: ignore[arg-type]

    world.opener = opener  # type: ignore[method-assign,assignment]
    world.run()
    assert conditions(world)[-2:] == [Condition.FAILED, Condition.LIVE]
    assert any("odd driver" in h.message for _, h in world.healths)


class Blocking:
    """A camera whose read hangs until the test lets it go."""

    rate = 0.0

    def __init__(self) -> None:
        self.reading, self.let_go, self.released = threading.Event(), threading.Event(), threading.Event()

    def grab(self) -> bool:
        self.reading.set()
        return self.let_go.wait(60)

    def age(self) -> float:
        return 0.0

    def picture(self) -> object:
        return seen()

    def release(self) -> None:
        self.released.set()


def test_close_returns_while_a_read_hangs_and_the_thread_ends_when_it_can() -> None:
    capture = Blocking()
    camera = Camera("", devices=lambda: [WEBCAM], opener=lambda *asked: capture)  # type: ignore[arg-type,return-value]
    assert capture.reading.wait(60)
    waiting = threading.Thread(target=camera.read, args=(60,))
    waiting.start()
    camera.close()
    waiting.join(60)
    assert not waiting.is_alive()
    assert camera.read(60) is None
    capture.let_go.set()
    assert capture.released.wait(60)
    camera._thread.join(60)
    assert not camera._thread.is_alive()
    camera.close()


def test_the_newest_wins_and_a_waiting_reader_gets_it() -> None:
    world = World([], [WEBCAM])
    gate, ready = threading.Semaphore(0), threading.Semaphore(0)

    class Gated(FakeCapture):
        def grab(self) -> bool:
            ready.release()
            gate.acquire()
            world.clock.now += STEP
            return True

    camera = Camera("", clock=world.clock, devices=world.devices, opener=lambda *asked: Gated(world))
    for _ in range(3):
        ready.acquire()
        gate.release()
    ready.acquire()
    frame = camera.read(60)
    assert frame is not None
    assert frame.index == 2
    assert (camera.health.captured, camera.health.dropped) == (3, 2)
    assert camera.read(0) is None
    camera._stopped.set()
    gate.release()
    camera.close()
    assert not camera._thread.is_alive()


def test_no_thread_and_no_descriptor_is_left() -> None:
    before = set(threading.enumerate())
    for name in ("", "no such camera", "browser"):
        source = open_live(name)
        source.close()
        assert source.read(1) is None
    assert not set(threading.enumerate()) - before


def test_cameras_are_listed_with_what_they_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    modes = ((1280, 720, 30.0), (640, 480, 30.0))
    monkeypatch.setattr(camera_module, "_modes", lambda one: modes if one is WEBCAM else ())
    first, second = cameras(devices=lambda: [WEBCAM, OTHER])
    assert (first.name, first.modes, first.trouble) == ("HD Webcam", modes, "")
    assert (second.name, second.label, second.modes) == ("Studio Display", "Studio Display (number 1)", ())


def test_probing_says_what_was_granted() -> None:
    world = World(["frame"] * 20, [OTHER])
    assert probed(OTHER, world.opener) == ((64, 48, 30.0),)
    assert world.open_now == 0
    world.busy = True
    assert probed(OTHER, world.opener) == ()


@pytest.mark.parametrize(
    "asked, fps, modes, want",
    [
        ((800, 600), 30, (), (800, 600)),
        (None, 30, (), (1280, 720)),
        (None, 30, ((1920, 1080, 30.0), (1280, 720, 10.0), (960, 540, 30.0)), (960, 540)),
        (None, 30, ((1920, 1080, 5.0), (1280, 720, 5.0)), (1280, 720)),
        (None, 60, ((1280, 720, 30.0), (640, 480, 60.0)), (640, 480)),
        (None, 30, ((1280, 720, 29.97), (640, 480, 60.0)), (1280, 720)),
        (None, 30, ((1280, 720, 0.0),), (1280, 720)),
    ],
)
def test_the_size_that_is_asked(
    asked: tuple[int, int] | None, fps: float, modes: tuple[tuple[int, int, float], ...], want: tuple[int, int]
) -> None:
    assert size_to_ask(asked, fps, modes) == want


def test_times_are_the_cameras_own_clock() -> None:
    """A driver that stamps nothing is timed by arrival, and one that lies ahead is not believed."""
    clock = FakeClock()
    world = World(["frame"] * 3, [WEBCAM])
    world.clock = clock

    class Ahead(FakeCapture):
        def age(self) -> float:
            return -5.0

    world.run(source=lambda *a, **k: StillCamera(*a, **{**k, "opener": lambda *asked: _opened(world, Ahead)}))
    assert len(world.frames) == 3
    assert all(frame.time <= clock.now for frame in world.frames)
    assert np.all(np.diff([frame.time for frame in world.frames]) > 0)


def _opened(world: World, kind: type[FakeCapture]) -> FakeCapture:
    world.open_now += 1
    return kind(world)


@pytest.mark.parametrize("name", ["/dev/video99", "no such camera", "99"])
def test_a_real_camera_that_is_not_there_is_waited_for(name: str) -> None:
    """The real list, the real thread: the words name what was wanted, and closing does not wait for the next try."""
    told = threading.Event()

    class Told(Camera):
        def _tell(self, condition: Condition, message: str) -> None:
            super()._tell(condition, message)
            told.set()

    camera = Told(name)
    assert told.wait(60)
    health = camera.health
    camera.close()
    assert health.condition is Condition.UNPLUGGED
    assert f'no camera "{name}"' in health.message
    assert not camera._thread.is_alive()
