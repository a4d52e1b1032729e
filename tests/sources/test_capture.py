"""OpenCV's capture itself, reading a file where a camera would be, and what is asked of it."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.sources import capture as capture_module
from bodydouble.sources import hindrance
from bodydouble.sources.capture import OpenCVCapture, as_rgb
from bodydouble.sources.devices import Device
from bodydouble.sources.live import Condition
from bodydouble.sources.reopening import Fault
from made_clips import QUADRANTS, make_clip

REAL = cv2.VideoCapture


class Asked:
    """cv2.VideoCapture that opens a file in place of a V4L2 camera and notes what it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path, self.sets, self.opened = path, [], []

    def __call__(self, index: int, backend: int) -> object:
        self.opened.append((index, backend))
        real = REAL(str(self.path), cv2.CAP_FFMPEG)
        asked = self

        class Seen:
            isOpened, grab, retrieve, release = real.isOpened, real.grab, real.retrieve, real.release

            @staticmethod
            def get(name: int) -> float:
                return 0.0 if name == cv2.CAP_PROP_POS_MSEC else float(real.get(name))

            @staticmethod
            def set(name: int, value: float) -> bool:
                asked.sets.append((name, value))
                return False

        return Seen()


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    made = Asked(make_clip(tmp_path / "a.mp4", frames=3, rate=20))
    monkeypatch.setattr(capture_module.cv2, "VideoCapture", made)
    monkeypatch.setattr(hindrance, "before", lambda device: None)
    return made


CAMERA = Device("Cam", "Cam", "/made", "", ((3, cv2.CAP_V4L2),))


def test_pictures_are_rgb_of_their_own_memory(asked: Asked) -> None:
    capture = OpenCVCapture(CAMERA, (64, 48), 30)
    images = []
    while capture.grab():
        image = capture.picture()
        assert image is not None
        images.append(image)
    capture.release()
    assert asked.opened == [(3, cv2.CAP_V4L2)]
    assert capture.rate == 20
    assert len(images) == 3
    assert np.abs(images[0][12, 16].astype(int) - QUADRANTS["top_left"]).max() < 12
    assert not any(np.shares_memory(images[0], other) for other in images[1:])
    assert capture.age() == 0.0
    assert capture.picture() is None


@pytest.mark.parametrize(
    "size, fps, compressed", [((640, 480), 30, False), ((1280, 720), 30, True), ((640, 480), 60, True)]
)
def test_what_is_asked(asked: Asked, size: tuple[int, int], fps: float, compressed: bool) -> None:
    OpenCVCapture(CAMERA, size, fps).release()
    names = [name for name, _ in asked.sets]
    assert dict(asked.sets)[cv2.CAP_PROP_FRAME_WIDTH] == size[0]
    assert dict(asked.sets)[cv2.CAP_PROP_FRAME_HEIGHT] == size[1]
    assert dict(asked.sets)[cv2.CAP_PROP_FPS] == fps
    assert (cv2.CAP_PROP_FOURCC in names) == compressed
    if compressed:  # drivers offer sizes by format: the format comes first
        assert names.index(cv2.CAP_PROP_FOURCC) < names.index(cv2.CAP_PROP_FRAME_WIDTH)


def test_a_second_way_in_is_tried(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = asked.path
    two = Device("Cam", "Cam", "/made", "", ((0, cv2.CAP_MSMF), (1, cv2.CAP_DSHOW)))

    def opens(index: int, backend: int) -> object:
        asked.path = whole if backend == cv2.CAP_DSHOW else Path("/no/such/file")
        return asked(index, backend)

    monkeypatch.setattr(capture_module.cv2, "VideoCapture", opens)
    capture = OpenCVCapture(two, (64, 48), 30)
    assert capture.grab()
    capture.release()
    assert asked.opened == [(0, cv2.CAP_MSMF), (1, cv2.CAP_DSHOW)]


@pytest.mark.skipif(sys.platform != "linux", reason="device files")
def test_a_device_file_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Fault) as caught:
        OpenCVCapture(Device("/dev/video99", "x", "/dev/video99", "", ((99, cv2.CAP_V4L2),)), (640, 480), 30)
    assert caught.value.condition is Condition.UNPLUGGED


@pytest.mark.skipif(sys.platform != "linux", reason="device files")
def test_one_that_does_not_open_and_nobody_knows_why(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hindrance, "before", lambda device: None)
    with pytest.raises(Fault, match="Cam cannot be opened; close other programs") as caught:
        OpenCVCapture(Device("Cam", "Cam", "/dev/video99", "", ((99, cv2.CAP_V4L2),)), (640, 480), 30)
    assert caught.value.condition is Condition.FAILED
    assert "WARN" not in capfd.readouterr().err


@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
def test_whatever_opencv_gives_becomes_rgb(channels: int) -> None:
    shape = (4, 6) if channels == 0 else (4, 6, channels)
    image = as_rgb(np.full(shape, 128, np.uint8))
    assert image is not None
    assert image.shape == (4, 6, 3)
    assert np.abs(image.astype(int) - 128).max() <= 3


def test_what_is_no_picture() -> None:
    assert as_rgb(None) is None
    assert as_rgb(np.zeros((0, 4, 3), np.uint8)) is None
    assert as_rgb(np.zeros((4, 4, 5), np.uint8)) is None
    assert as_rgb(np.zeros((4, 4, 3), np.uint16)) is None  # type: ignore[arg-type]
