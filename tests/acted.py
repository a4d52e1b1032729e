"""A real person who raises his left arm, as a file that Chromium takes for its camera.

The first half second of the clip walk-front (30 of 60 pictures a second), in which the man's right arm goes from below
his hips to above his shoulder while the left one hangs; turned about like a mirror, it is his left arm.
"""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

RISING = 30  # pictures of the clip until the arm is up
HELD = 75  # pictures for which it stays up, and then down; Chromium shows 30 a second
SIZE = (640, 480)
# Rows of the clip's 1080x1920 pictures in which he is, whole.
TOP, BOTTOM = 330, 1200


def left_arm_raised(clip: Path, path: Path) -> Path:
    """Motion JPEG at `path`: the left arm hangs, rises, stays up and sinks."""
    with av.open(str(clip)) as container:
        pictures = []
        for frame in container.decode(video=0):
            pictures.append(_framed(frame.to_ndarray(format="rgb24")))
            if len(pictures) == RISING:
                break
    assert len(pictures) == RISING
    shown = [pictures[0]] * HELD + pictures + [pictures[-1]] * HELD + pictures[::-1]
    with av.open(str(path), "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=30, options={"qmin": "3", "qmax": "3"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuvj420p"
        for picture in shown:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def _framed(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The man, whole and turned about, in a picture that is wider than high."""
    part = image[TOP:BOTTOM, ::-1]
    side = (part.shape[0] * SIZE[0] // SIZE[1] - part.shape[1]) // 2
    whole = cv2.copyMakeBorder(np.ascontiguousarray(part), 0, 0, side, side, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(whole, SIZE, interpolation=cv2.INTER_AREA), np.uint8)
