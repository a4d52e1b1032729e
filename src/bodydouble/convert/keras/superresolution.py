"""Layers that networks which enlarge pictures bring along, known by name: Keras has none, and files hold no code.

As idealo's image-super-resolution defines them and UpscalerJS's ESRGAN models have them.
"""

from __future__ import annotations

import numpy as np

from bodydouble.convert.keras.calls import Call, Result, layer, number
from bodydouble.types import BodyDoubleError

BETA = 0.2  # of a residual, where the file does not say
SCALES = (2, 3, 4, 8)


@layer("MultiplyBeta")
def _multiply_beta(call: Call) -> Result:
    return call.g.emit("Mul", call.x, call.g.scalar(number(call.option("beta", BETA), "beta"), np.float32))


def _pixel_shuffle(scale: int) -> None:
    """(N, H, W, scale * scale * C) to (N, scale * H, scale * W, C)."""

    @layer(f"PixelShuffle{scale}x")
    def _shuffled(call: Call) -> Result:
        if int(call.option("scale", scale)) != scale:
            raise BodyDoubleError(f"scale {call.option('scale')} of PixelShuffle{scale}x")
        first = call.g.emit("Transpose", call.x, perm=(0, 3, 1, 2))
        larger = call.g.emit("DepthToSpace", first, blocksize=scale, mode="DCR")
        return call.g.emit("Transpose", larger, perm=(0, 2, 3, 1))


for _scale in SCALES:
    _pixel_shuffle(_scale)
