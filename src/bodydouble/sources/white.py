"""Laying transparent pictures on white, as a viewer on a page sees them."""

from __future__ import annotations

import cv2
import numpy as np

from bodydouble.types import Image


def on_white(rgba: Image) -> Image:
    """(H, W, 4) uint8 with straight alpha to (H, W, 3); exact where alpha is 0 or 255, else within one level."""
    colour, alpha = np.ascontiguousarray(rgba[..., :3]), rgba[..., 3]
    if alpha.min() == 255:
        return colour
    alphas = cv2.merge([alpha, alpha, alpha])
    kept = cv2.multiply(colour, alphas, scale=1 / 255)
    return np.asarray(cv2.add(kept, cv2.bitwise_not(alphas)), dtype=np.uint8)
