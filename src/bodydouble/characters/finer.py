"""The same character with finer textures: for pictures that show it large, or only its head.

Its mesh and bones stay as they are, so that poses and whatever was made of it go on fitting.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bodydouble.characters.library import load
from bodydouble.characters.puppet import Part, Puppet
from bodydouble.types import BodyDoubleError


def finer(puppet: Puppet, pixels: int) -> Puppet:
    """The character with textures that are sharp at `pixels` of height, as load() takes it; up to a second of work.

    The character as it is if it has no finer pictures, or if its folder has changed or gone since it was read.
    """
    try:
        fine = load(puppet.path, pixels=pixels)
    except BodyDoubleError:
        return puppet
    same = [part.name for part in fine.parts] == [part.name for part in puppet.parts] and fine.size == puppet.size
    if not same or fine.scale <= puppet.scale:
        return puppet
    parts = tuple(_refined(part, by) for part, by in zip(puppet.parts, fine.parts, strict=True))
    return replace(puppet, parts=parts, scale=fine.scale)


def _refined(part: Part, by: Part) -> Part:
    """A part with another's texture, of the same picture. Both say by their points where their texture lies."""
    spread = np.maximum(np.ptp(by.points, axis=0), 1e-9)
    pixels = np.ptp(by.uv, axis=0) / spread
    return replace(part, texture=by.texture, uv=(part.points - by.points[0]) * pixels + by.uv[0])
