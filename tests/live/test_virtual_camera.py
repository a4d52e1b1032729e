"""The virtual camera while live: the newest pose in the colours asked for, failures that mend, nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from bodydouble.live import virtual_camera
from bodydouble.live.virtual_camera import NOTE, VirtualCamera
from bodydouble.types import BodyDoubleError, Image
from moved_live import MadeLive, person

PATIENCE = 60.0
SIZE = (160, 96)


class FakeDevice:
    """Keeps the newest picture; fails when it is told to."""

    def __init__(self) -> None:
        self.name = "/dev/video9"
        self.picture: Image | None = None
        self.sent = 0
        self.closed = False
        self.fails = False
        self.changed = threading.Condition()

    def send(self, picture: Image) -> None:
        with self.changed:
            if self.fails:
                raise BodyDoubleError("it was pulled out")
            self.picture, self.sent = picture, self.sent + 1
            self.changed.notify_all()

    def close(self) -> None:
        self.closed = True

    def wait(self, more: int = 1) -> Image:
        """The picture after so many more."""
        with self.changed:
            goal = self.sent + more
            assert self.changed.wait_for(lambda: self.sent >= goal, PATIENCE)
            assert self.picture is not None
            return self.picture


class Devices:
    """Opens one after the other; `there` says whether one can be had."""

    def __init__(self) -> None:
        self.made: list[FakeDevice] = []
        self.there = True
        self.asked: list[tuple[tuple[int, int], float]] = []
        self.came = threading.Event()

    def __call__(self, size: tuple[int, int], fps: float) -> FakeDevice:
        self.asked.append((size, fps))
        if not self.there:
            raise BodyDoubleError("there is no virtual camera; modprobe it")
        self.made.append(FakeDevice())
        if len(self.made) > 1:
            self.came.set()
        return self.made[-1]


@pytest.fixture(scope="module")
def shared() -> MadeLive:
    return MadeLive(background="#336699")


@pytest.fixture
def live(shared: MadeLive) -> Iterator[MadeLive]:
    config = shared.config
    yield shared
    shared.config = config
    assert not shared.listeners
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"bodydouble-virtual-camera", "bodydouble-textures"}


def test_the_newest_pose_is_shown_at_the_size_asked_for(live: MadeLive) -> None:
    devices = Devices()
    camera = VirtualCamera(open_device=devices)
    assert camera.report.on is False
    assert camera.start(live, SIZE, 60.0) == "/dev/video9"
    live.publish(live.moment(0.0, [person(0.0)]))
    down = devices.made[0].wait(3)
    live.publish(live.moment(0.1, [person(0.1)], turns={"left_upper_arm": -120.0}))
    up = devices.made[0].wait(3)
    assert down.shape == (96, 160, 3) and down.dtype == np.uint8
    assert tuple(down[0, 0]) == (0x33, 0x66, 0x99)
    changed = np.abs(up.astype(int) - down).max(axis=2) > 40
    assert changed.any()
    assert np.argwhere(changed)[:, 1].mean() > 80  # the character faces us: its left arm is at our right
    assert devices.asked == [(SIZE, 60.0)]
    state = camera.report
    assert state.on and state.device == "/dev/video9" and state.message == "" and state.sent >= 4
    with pytest.raises(BodyDoubleError, match="on already"):
        camera.start(live)
    camera.stop()
    camera.stop()
    assert devices.made[0].closed and not camera.report.on


def test_transparency_becomes_green_and_is_told(live: MadeLive) -> None:
    devices = Devices()
    live.config = MadeLive(background="transparent").config
    camera = VirtualCamera(open_device=devices)
    camera.start(live, SIZE, 60.0)
    live.publish(live.moment(0.0, [person(0.0)]))
    assert tuple(devices.made[0].wait(2)[0, 0]) == (0, 255, 0)
    assert camera.report.message == NOTE
    live.config = MadeLive(background="picture:gone.png").config
    live.publish(live.moment(0.1, [person(0.0)]))
    assert tuple(devices.made[0].wait(3)[0, 0]) == (0, 255, 0)
    camera.close()


def test_another_character_and_background_are_taken_up(live: MadeLive) -> None:
    devices = Devices()
    other = MadeLive("mira", background="#000000")
    other.revision = 2
    camera = VirtualCamera(open_device=devices)
    camera.start(live, SIZE, 60.0)
    live.publish(live.moment(0.0, [person(0.0)]))
    devices.made[0].wait(2)
    live.config = other.config
    live.publish(other.moment(0.1, [person(0.0)]))
    picture = devices.made[0].wait(3)
    assert tuple(picture[0, 0]) == (0, 0, 0) and picture.max() > 100
    camera.stop()


def test_a_device_that_fails_is_opened_again(live: MadeLive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_camera, "RETRY", 0.01)
    devices = Devices()
    camera = VirtualCamera(open_device=devices)
    camera.start(live, SIZE, 60.0)
    live.publish(live.moment(0.0, [person(0.0)]))
    first = devices.made[0]
    first.wait()
    devices.there = False
    first.fails = True
    while len(devices.asked) < 4:
        threading.Event().wait(0.01)
    assert first.closed and camera.report.on and "modprobe" in camera.report.message
    devices.there = True
    assert devices.came.wait(PATIENCE)
    live.publish(live.moment(0.1, [person(0.0)]))
    devices.made[1].wait(2)
    assert camera.report.message == ""
    camera.stop()
    assert devices.made[1].closed


def test_without_a_device_nothing_is_left_running(live: MadeLive) -> None:
    devices = Devices()
    devices.there = False
    camera = VirtualCamera(open_device=devices)
    with pytest.raises(BodyDoubleError, match="modprobe"):
        camera.start(live)
    assert not camera.report.on and not live.listeners
    devices.there = True
    camera.start(live, SIZE)
    camera.stop()


def test_a_driver_that_hangs_is_left_behind(live: MadeLive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_camera, "PATIENCE", 0.05)
    go_on = threading.Event()

    def hang(size: tuple[int, int], fps: float) -> FakeDevice:
        assert go_on.wait(PATIENCE)
        raise BodyDoubleError("too late")

    camera = VirtualCamera(open_device=hang)
    with pytest.raises(BodyDoubleError, match="does not answer"):
        camera.start(live, SIZE)
    assert not camera.report.on
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "bodydouble-virtual-camera":
            thread.join(PATIENCE)


def test_a_picture_that_cannot_be_drawn_is_not_the_last(live: MadeLive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_camera, "RETRY", 0.01)
    devices = Devices()
    camera = VirtualCamera(open_device=devices)
    camera.start(live, SIZE, 60.0)
    wrong = live.moment(0.0, [person(0.0)])
    wrong.rigs[1] = None  # type: ignore[assignment]
    live.publish(wrong)
    assert devices.came.wait(PATIENCE)  # given back, and opened again
    assert devices.made[0].closed
    live.publish(live.moment(0.1, [person(0.0)]))
    devices.made[-1].wait(2)
    assert camera.report.on and camera.report.message == ""
    camera.stop()
