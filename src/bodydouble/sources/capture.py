"""One open camera, through OpenCV: asked for a size and a rate, then read picture by picture.

`Capture` is what camera.py needs of it; tests have their own. Times are seconds.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from bodydouble.sources import hindrance
from bodydouble.sources.devices import Device
from bodydouble.sources.v4l2 import Mode
from bodydouble.types import Image

# Uncompressed pictures of more pixels a second do not fit through USB 2 (VGA at 30): compressed ones are asked for.
_MOST_RAW = 640 * 480 * 30
_BEST_SIZE = (1280, 720)  # asked for where nothing is: people show well in it, and nearly all cameras have it
# Two buffers on Linux: with one, the camera has nowhere to put the next picture while this one is decoded, and gives
# every second one only; more would only make pictures older. Elsewhere the system decides.
_BUFFERS = {"linux": 2}
_WAIT_SECONDS = 2  # a read on Linux returns after so long without a picture; OpenCV's own limit is 10
_OLDEST = 1.0  # an age beyond this is no age but a driver's clock of another kind

os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(_WAIT_SECONDS))
os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")  # they make opening take up to half a minute
os.environ.setdefault("OPENCV_AVFOUNDATION_SKIP_AUTH", "1")  # hindrance.py asks: OpenCV could only in the main thread


class Capture(Protocol):
    """An open camera. One thread uses it; grab may block for as long as the driver does."""

    rate: float  # pictures a second that the camera promised, 0 if it does not say

    def grab(self) -> bool:
        """Wait for the next picture; False when none came or the camera is gone."""
        ...

    def age(self) -> float:
        """Seconds since the grabbed picture was taken, 0 if that is not known."""
        ...

    def picture(self) -> Image | None:
        """The grabbed picture, (H, W, 3) uint8 RGB in memory of its own; None if it is damaged."""
        ...

    def release(self) -> None:
        """Let go of the camera."""
        ...


class OpenCVCapture:
    """A camera opened by OpenCV. Raises Fault with the reason if it does not open.

    size, fps: asked for; the camera grants what it can.
    """

    def __init__(self, device: Device, size: tuple[int, int], fps: float) -> None:
        reason = hindrance.before(device)
        if reason is not None:
            raise reason
        _hush()
        for index, backend in device.ways:
            self._capture = cv2.VideoCapture(index, backend)
            if self._capture.isOpened():
                self._backend = backend
                break
            self._capture.release()
        else:
            raise hindrance.after(device)
        self._ask(size, fps)
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate if 0 < rate <= 1000 else 0.0  # drivers that do not know say 0, -1 or a million

    def _ask(self, size: tuple[int, int], fps: float) -> None:
        width, height = size
        ask = self._capture.set
        ask(cv2.CAP_PROP_BUFFERSIZE, _BUFFERS.get(sys.platform, 1))
        if width * height * fps > _MOST_RAW and self._backend in (cv2.CAP_V4L2, cv2.CAP_DSHOW):
            ask(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        ask(cv2.CAP_PROP_FRAME_WIDTH, width)
        ask(cv2.CAP_PROP_FRAME_HEIGHT, height)
        ask(cv2.CAP_PROP_FPS, fps)

    def grab(self) -> bool:
        """Wait for the next picture."""
        try:
            return bool(self._capture.grab())
        except cv2.error:
            return False

    def age(self) -> float:
        """By the driver's time stamp, which on Linux is on the clock of time.monotonic."""
        if self._backend != cv2.CAP_V4L2:
            return 0.0
        age = time.monotonic() - float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        return age if 0 <= age <= _OLDEST else 0.0

    def picture(self) -> Image | None:
        """The grabbed picture as RGB."""
        try:
            given, image = self._capture.retrieve()
            return as_rgb(image) if given else None
        except cv2.error:
            return None

    def release(self) -> None:
        """Let go of the camera."""
        self._capture.release()


def as_rgb(image: Image | None) -> Image | None:
    """What OpenCV gives (BGR, grey, BGRA or two channels of YUYV) as (H, W, 3) RGB, copied; None for nothing."""
    if image is None or image.ndim not in (2, 3) or min(image.shape[:2]) < 1 or image.dtype != np.uint8:
        return None
    channels = 1 if image.ndim == 2 else image.shape[2]
    codes = {
        1: cv2.COLOR_GRAY2RGB,
        2: cv2.COLOR_YUV2RGB_YUYV,
        3: cv2.COLOR_BGR2RGB,
        4: cv2.COLOR_BGRA2RGB,
    }
    return np.asarray(cv2.cvtColor(image, codes[channels]), dtype=np.uint8) if channels in codes else None


def size_to_ask(size: tuple[int, int] | None, fps: float, modes: Sequence[Mode]) -> tuple[int, int]:
    """The size asked of a camera: the user's, or the one nearest 1280x720 that it gives at the rate wanted.

    modes: what the camera offers; rates of 0 are unknown and count as fast enough.
    """
    if size is not None:
        return size
    fast = [mode for mode in modes if mode[2] == 0 or mode[2] >= fps - 1] or list(modes)
    if not fast:
        return _BEST_SIZE
    pixels = _BEST_SIZE[0] * _BEST_SIZE[1]

    def distance(mode: Mode) -> tuple[float, float]:
        width, height, rate = mode
        return abs(np.log(width * height / pixels)) + abs(np.log(width / height * 9 / 16)), -rate

    width, height, _ = min(fast, key=distance)
    return width, height


def _hush() -> None:
    """Keep OpenCV's own warnings off the terminal: what is wrong is told in our words."""
    logging = getattr(cv2.utils, "logging", None)
    if logging is not None:
        logging.setLogLevel(logging.LOG_LEVEL_ERROR)
