"""From premultiplied alpha, as the stage draws, to straight alpha, as files keep it.

Pictures are (H, W, 4) uint8 RGBA.
"""

from __future__ import annotations

import cv2
import numpy as np

from bodydouble.types import Image

# Side of the cells that colour is averaged over, in pixels: it reaches this far past an edge; chroma needs two.
_CELL = 8


def straight(premultiplied: Image) -> Image:
    """A copy with colours divided by their alpha, rounded; what is fully transparent becomes black."""
    alpha = np.ascontiguousarray(premultiplied[..., 3])
    image = np.asarray(cv2.copyTo(np.ascontiguousarray(premultiplied), alpha), dtype=np.uint8)
    places = cv2.findNonZero(cv2.inRange(alpha, 1, 254))  # edges only: few pixels
    if places is not None:
        columns, rows = places.reshape(-1, 2).T  # (N, 1, 2) before OpenCV 5
        edge = image[rows, columns].astype(np.uint32)
        weight = edge[:, 3:]
        image[rows, columns, :3] = np.minimum((edge[:, :3] * 255 + weight // 2) // weight, 255)
    return image


def bled(image: Image) -> Image:
    """A copy of a straight-alpha picture whose invisible pixels near an edge take the colour of what lies beside them.

    Invisible pixels must be black. Video halves the resolution of colour, which would mix their black into the edge as
    a dark fringe.
    """
    alpha = np.ascontiguousarray(image[..., 3])
    height, width = alpha.shape
    visible = cv2.threshold(alpha, 0, 255, cv2.THRESH_BINARY)[1]
    cells = (max(1, width // _CELL), max(1, height // _CELL))
    colour = cv2.blur(cv2.resize(image, cells, interpolation=cv2.INTER_AREA).astype(np.float32), (3, 3))
    weight = cv2.blur(cv2.resize(visible, cells, interpolation=cv2.INTER_AREA).astype(np.float32), (3, 3))
    mean = np.clip(colour * (255.0 / np.maximum(weight, 1.0))[..., None], 0, 255).astype(np.uint8)
    mean[..., 3] = 0
    near = cv2.resize(mean, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.copyTo(image, visible, near), dtype=np.uint8)
