"""The virtual camera's package and driver: what is said when they are not there, on each system.

The driver is a kernel module or a program of its own, so a module of ours stands for pyvirtualcam here; the words of
its errors are those of version 0.15.
"""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from bodydouble.outputs import virtual_camera
from bodydouble.outputs.virtual_camera import VirtualCameraDevice, explained
from bodydouble.types import BodyDoubleError

NO_DEVICE = (
    "'v4l2loopback' backend: No v4l2 loopback device found at /dev/video[0-99]. Did you run 'modprobe v4l2loopback'? "
    "See also pyvirtualcam's documentation."
)


class Camera:
    """As pyvirtualcam.Camera, with a device that exists."""

    def __init__(self, width: int, height: int, fps: float, *, fmt: str) -> None:
        self.device = "/dev/video9"
        self.asked = (width, height, fps, fmt)
        self.sent: list[np.ndarray] = []
        self.closed = False

    def send(self, frame: np.ndarray) -> None:
        if self.closed:
            raise RuntimeError("device\nis gone")
        self.sent.append(frame)

    def close(self) -> None:
        self.closed = True


def put_package(monkeypatch: pytest.MonkeyPatch, camera: object) -> None:
    module = SimpleNamespace(Camera=camera, PixelFormat=SimpleNamespace(RGB="RGB"))
    monkeypatch.setitem(sys.modules, "pyvirtualcam", module)  # type: ignore[arg-type]


def refuse(words: str) -> object:
    def camera(*args: object, **more: object) -> object:
        raise RuntimeError(words)

    return camera


def opening() -> str:
    with pytest.raises(BodyDoubleError) as caught:
        VirtualCameraDevice((1280, 720), 30.0)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_pictures_go_to_the_device_as_rgb(monkeypatch: pytest.MonkeyPatch) -> None:
    put_package(monkeypatch, Camera)
    device = VirtualCameraDevice((64, 48), 30.0)
    assert device.name == "/dev/video9"
    assert device._camera.asked == (64, 48, 30.0, "RGB")
    device.send(np.zeros((48, 64, 3), np.uint8))
    assert len(device._camera.sent) == 1
    device.close()
    with pytest.raises(BodyDoubleError, match=r"takes no pictures any more .device is gone"):
        device.send(np.zeros((48, 64, 3), np.uint8))


@pytest.mark.parametrize(
    ("system", "driver"),
    [("Linux", "sudo modprobe"), ("Windows", "OBS Studio"), ("Darwin", "OBS Studio 30"), ("?", "")],
)
def test_the_package_is_missing(monkeypatch: pytest.MonkeyPatch, system: str, driver: str) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)  # importing it raises ModuleNotFoundError
    monkeypatch.setattr(virtual_camera.platform, "system", lambda: system)
    message = opening()
    assert 'pip install "bodydouble[virtualcam]"' in message
    assert driver in message


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("Linux", ["sudo modprobe v4l2loopback exclusive_caps=1", "v4l2loopback-dkms"]),
        ("Windows", ["install OBS Studio"]),
        ("Darwin", ["OBS Studio 30", "Start Virtual Camera"]),
        ("FreeBSD", ["for this system"]),
    ],
)
def test_the_driver_is_missing(monkeypatch: pytest.MonkeyPatch, system: str, words: list[str]) -> None:
    said = {"Linux": NO_DEVICE, "Darwin": "'obs' backend: OBS Virtual Camera is not installed in your system."}
    put_package(monkeypatch, refuse(said.get(system, "'obs' backend: virtual camera output could not be started")))
    monkeypatch.setattr(virtual_camera.platform, "system", lambda: system)
    if system == "FreeBSD":
        put_package(monkeypatch, refuse(""))
    message = opening()
    assert all(word in message for word in words)


@pytest.mark.parametrize(
    ("system", "said", "words"),
    [
        ("Linux", "'v4l2loopback' backend: Virtual camera device /dev/video0 is already in use.", "stop it there"),
        ("Linux", "Device or resource busy", "stop it there"),
        ("Windows", "'obs' backend: virtual camera output could not be started", "stop it there"),
        ("Windows", "'unitycapture' backend: All cameras are already in use.", "stop it there"),
        ("Darwin", "'obs' backend: virtual camera output could not be started", "stop it there"),
        ("Linux", "Could not open device /dev/video0 due to missing permissions. Did you add your user", "usermod"),
        ("Darwin", "no permission", "no permission"),
        ("Linux", "'v4l2loopback' backend: Device /dev/null is not a video output device.", "modprobe"),
    ],
)
def test_busy_and_forbidden_are_told_apart(system: str, said: str, words: str) -> None:
    assert words in explained(RuntimeError(said), system)


def test_the_package_is_imported_only_when_a_camera_is_asked_for() -> None:
    """It is under the GPL: what does not ask for it must not load it."""
    code = (
        "import sys, bodydouble.live.virtual_camera, bodydouble.outputs.virtual_camera as v\n"
        "assert 'pyvirtualcam' not in sys.modules\n"
        "print('fine')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout == "fine\n", run.stderr
