"""A character that can move: its rig, and parts that are textured, skinned triangle meshes.

Coordinates are pixels of the character's own picture, y down. A Puppet never changes; deform.py moves its points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from bodydouble.characters.mesh import Indices
from bodydouble.types import Array, Image, Rig

ALWAYS, OPEN, SHUT, LID = "", "open", "shut", "lid"  # values of Part.shown
SHOWN = (ALWAYS, OPEN, SHUT, LID)
LEAST_LID = 0.15  # of RigPose.blink: a lid that is less far down is but a jagged line over an open eye
HALF_SHUT = 0.5  # of RigPose.blink: from here on eyes count as shut


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One part at rest.

    bones: indices into the rig of the bones it is made to follow. texture: (H, W, 4) uint8 premultiplied RGBA; parts of
    one drawing share the same array. points: (V, 2) character pixels at rest. uv: (V, 2) the same points in texture
    pixels. triangles: (T, 3) indices of points. columns: (V, 4) rig bones that move each point, weights: (V, 4) their
    shares, rows summing to 1. order: greater is in front. behind: the order while the limb is behind the body, if any.
    shown: when it is drawn, by RigPose.blink (0 eyes open .. 1 shut):
        ""      always.
        "open"  while blink < 0.5; "shut": while blink >= 0.5 (one drawing in place of another).
        "lid"   while blink >= 0.15; it comes down from its upper edge: before anything else moves them, its points at
                rest are drawn together to `top`, the least y of all its points: y = top + blink * (y - top).
    """

    name: str
    bones: tuple[int, ...]
    texture: Image
    points: Array
    uv: Array
    triangles: Indices
    columns: Indices
    weights: Array
    order: float
    behind: float | None = None
    shown: str = ""

    def __post_init__(self) -> None:
        for name in ("texture", "points", "uv", "triangles", "columns", "weights"):
            getattr(self, name).flags.writeable = False


@dataclass(frozen=True, slots=True, eq=False)
class Skin:
    """The points of all parts in one row, so that all are moved at once.

    points: (N,) complex, x + iy at rest. columns, weights: (N, 4). ends: where each part ends. drop: (N,) how far each
    point of a lid lies below its part's upper edge, 0 for all others; None where no part is a lid.
    """

    points: np.ndarray[tuple[int], np.dtype[np.complex128]]
    columns: Indices
    weights: Array
    ends: tuple[int, ...]
    drop: Array | None = None


@dataclass(frozen=True, eq=False)
class Puppet:
    """A character. size: width, height of its picture in pixels. scale: texture pixels a character pixel.

    joints: every joint by name, in character pixels. path: the folder that it was read from.
    """

    name: str
    size: tuple[int, int]
    rig: Rig
    parts: tuple[Part, ...]
    joints: dict[str, tuple[float, float]]
    scale: float
    path: Path
    author: str = ""
    licence: str = ""

    @cached_property
    def skin(self) -> Skin:
        """All points of all parts, made once."""
        points = np.concatenate([part.points for part in self.parts])
        drops = [
            part.points[:, 1] - part.points[:, 1].min() if part.shown == LID else np.zeros(len(part.points))
            for part in self.parts
        ]
        return Skin(
            points=points[:, 0] + 1j * points[:, 1],
            columns=np.concatenate([part.columns for part in self.parts]),
            weights=np.concatenate([part.weights for part in self.parts]),
            ends=tuple(int(end) for end in np.cumsum([len(part.points) for part in self.parts])),
            drop=np.concatenate(drops) if any(part.shown == LID for part in self.parts) else None,
        )

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of all parts at rest."""
        points = np.concatenate([part.points for part in self.parts])
        left, top = points.min(axis=0)
        right, bottom = points.max(axis=0)
        return float(left), float(top), float(right), float(bottom)

    def __repr__(self) -> str:
        return f"Puppet({self.name!r}, {len(self.rig.names)} bones, {len(self.parts)} parts)"
