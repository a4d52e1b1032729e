"""Makes a part that moves from a picture: crops it, lays a mesh over what is visible and gives it weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from bodydouble.characters.images import VISIBLE, Picture
from bodydouble.characters.mesh import Indices, Mask, Spacing, triangulate
from bodydouble.characters.puppet import Part
from bodydouble.characters.weights import chain_weights, heat_weights, strongest
from bodydouble.types import Array, Image, Rig

MARGIN = 4.0  # texture pixels that a mesh reaches beyond the picture: still over 1 when drawn at a third of its size
TOLERANCE = 1.5  # texture pixels by which the outline is simplified
BENDS_IN = 5.0  # points across the width of a soft bend
ZONE = 0.7  # half the zone of fine points, in widths of the bend
FINEST = 1 / 15  # of the square root of a part's area: finer points than that are not seen
RIGID_SPACING = 1e5  # a part of one bone needs only its outline
TREE_POINTS = 140  # wanted points of a part whose bones branch
ALONG = 24  # places along a bone at which the thickness around it is measured
BACK = 0.3  # of its radius: how far a limb's flesh reaches back over its shoulder or hip, and the trunk's past it
BELLY = 0.75  # looked for on drawings of stout and of thin people
ROOTS = ("upper_arm", "thigh")  # bones by which limbs hang from the trunk
GIRDLES = ("clavicle", "pelvis")  # bones of the trunk that they hang from
COARSE = 6.0  # fine spacings between points away from a bend


def limb(
    name: str,
    picture: Picture,
    at: tuple[float, float],
    rig: Rig,
    bones: Sequence[int],
    *,
    bend: float,
    order: float,
    behind: float | None,
    shown: str = "",
) -> Part:
    """A part that follows `bones` (indices into the rig, in order).

    at: where the picture's top-left corner lies, in character pixels. bend: width of the soft bends, as
    weights.chain_weights. Bones that hang from each other in a row bend like a limb; others pull at what is nearest.
    shown: as Part.shown.
    """
    image, corner = cropped(picture.image)
    scale = np.array(picture.image.shape[1::-1]) / np.array(picture.size)
    heads, tails = ((points[list(bones)] - at) * scale - corner for points in (rig.heads, rig.tails))
    row = all(rig.parents[after] == before for before, after in pairwise(bones))
    mask = image[..., 3] >= VISIBLE
    joints = np.concatenate([heads, tails[-1:]])
    breadth = float(np.sqrt(mask.sum()))
    spacing = chain_spacing(joints, bend, FINEST * breadth) if row else even_spacing(breadth / np.sqrt(TREE_POINTS))
    mesh = triangulate(mask.astype(np.uint8), spacing, margin=MARGIN, tolerance=TOLERANCE)
    weights = (
        chain_weights(mesh.points, joints, bend)
        if row
        else (heat_weights(mesh, heads, tails, thickness(mask.astype(np.uint8), rig, bones, heads, tails)))
    )
    chosen, shares = strongest(weights)
    return Part(
        name=name,
        bones=tuple(bones),
        texture=image,
        points=(mesh.points + corner) / scale + at,
        uv=mesh.points,
        triangles=outward(mesh.triangles, weights, np.arange(float(len(bones)))),
        columns=np.asarray(bones, dtype=np.int64)[chosen],
        weights=shares,
        order=order,
        behind=behind,
        shown=shown,
    )


def outward(triangles: Indices, weights: Array, depth: Array) -> Indices:
    """Triangles in drawing order: those of bones nearer to a limb's end come later, and lie on top where it folds.

    weights: (V, B). depth: (B,) how far down the limb each bone is.
    """
    return triangles[np.argsort((weights @ depth)[triangles].sum(axis=1), kind="stable")]


def cropped(image: Image) -> tuple[Image, Array]:
    """The visible part of an image with room for the mesh's margin, and where its corner was, (2,) pixels."""
    room = int(MARGIN) + 2
    seen = image[..., 3] >= VISIBLE
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    padded = cv2.copyMakeBorder(image, room, room, room, room, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    piece = padded[rows[0] : rows[-1] + 2 * room + 1, columns[0] : columns[-1] + 2 * room + 1]
    return np.ascontiguousarray(piece), np.array([columns[0] - room, rows[0] - room], dtype=np.float64)


def even_spacing(step: float) -> Spacing:
    """The same spacing everywhere."""
    return lambda points: np.full(len(points), step)


def chain_spacing(joints: Array, bend: float, finest: float) -> Spacing:
    """Fine across each inner joint of a chain (n + 1, 2), coarse between them: away from a bend, a limb is rigid.

    bend: as weights.chain_weights. finest: least spacing. All in texture pixels.
    """
    steps = np.diff(joints, axis=0)
    lengths = np.hypot(*steps.T)
    if len(lengths) < 2:
        return even_spacing(RIGID_SPACING)
    units = steps / np.maximum(lengths, 1e-9)[:, None]
    widths = np.maximum(bend * np.minimum(lengths[:-1], lengths[1:]), 2 * BENDS_IN)
    fine = np.maximum(widths / BENDS_IN, finest)

    def spacing(points: Array) -> Array:
        wanted = np.full(len(points), COARSE * float(fine.max()))
        for joint, before, after, width, step in zip(joints[1:-1], units[:-1], units[1:], widths, fine, strict=True):
            along = before + after
            along = along / max(float(np.hypot(*along)), 1e-6)
            off = np.abs((points - joint) @ along) / width
            wanted = np.minimum(wanted, np.where(off < ZONE, step, step * (1 + COARSE * (off - ZONE))))
        return wanted

    return spacing


def thickness(mask: Mask, rig: Rig, bones: Sequence[int], heads: Array, tails: Array) -> Array:
    """(B, ALONG) pixels to the edge of the mask along each bone; heads, tails: (B, 2) pixels of the mask.

    A limb's bone has one thickness, the middle value along its farther half, which lies in the limb and not in the
    trunk that the limb starts in; at shoulder and hip it ends flat, or the thigh would take the belt along. The spine
    is as thick as the trunk at each place, and at its ends at least BELLY of its greatest: a belly hangs over its hips.
    """
    inside = cv2.copyMakeBorder((mask > 0).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1]
    height, width = depth.shape
    share = np.linspace(0.0, 1.0, ALONG)[:, None]
    places = heads[:, None] + share * (tails - heads)[:, None]
    columns = np.clip(places[..., 0], 0, width - 1).astype(int)
    rows = np.clip(places[..., 1], 0, height - 1).astype(int)
    found = np.maximum(depth[rows, columns].astype(np.float64), 1.0)
    limb_like = np.array([rig.follows[bone] != "spine" for bone in bones])
    found = np.maximum(found, BELLY * found.max(axis=1, keepdims=True))
    found[limb_like] = np.median(found[limb_like, ALONG // 2 :], axis=1, keepdims=True)
    along = share[:, 0] * np.hypot(*(tails - heads).T)[:, None]
    for row, bone in enumerate(bones):
        if rig.follows[bone].endswith(ROOTS):
            found[row] = np.minimum(found[row], BACK * found[row] + along[row])
        elif rig.follows[bone].endswith(GIRDLES):
            found[row] = np.minimum(found[row], BACK * found[row] + along[row, ::-1])
    return np.asarray(np.maximum(found, 1.0), dtype=np.float64)
