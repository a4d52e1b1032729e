"""A picture of a character's joints and bones, with their names, for its maker.

Character pixels, y down; the picture is (H, W, 3) uint8 RGB. The character's left is orange, its right blue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import cv2
import numpy as np
import skia

from bodydouble.characters.deform import is_shown
from bodydouble.characters.mesh import edges_of
from bodydouble.characters.puppet import Puppet
from bodydouble.types import Array, Image

TALL = 1000.0  # pixels of the longer side that the character is shown at
BORDER = 150  # pixels around it, for names
PAPER = skia.Color(255, 255, 255)
FADED = 130  # of 255: how strongly the character shows below its bones
LEFT, RIGHT, MIDDLE = skia.Color(206, 66, 20), skia.Color(24, 92, 196), skia.Color(70, 70, 78)
MESH = skia.Color(0, 140, 90, 120)
HALO = skia.Color(255, 255, 255, 225)
FONT = cv2.FONT_HERSHEY_SIMPLEX
TEXT = 0.5  # of the font's own size
DOT = 5.5  # radius of a joint in pixels
BONE = 7.0  # half the width of a bone in pixels, at its head
NEAREST, FARTHEST, STEP = 16.0, 130.0, 12.0  # how far from its joint a name may stand, in pixels
DIRECTIONS = 24

Box = tuple[float, float, float, float]
Shown = Callable[[Array], Array]


def joints_picture(puppet: Puppet, *, mesh: bool = False) -> Image:
    """The character at rest, faded, with its bones, joints and their names, and its triangles if asked."""
    left, top, right, bottom = puppet.box
    ends = np.concatenate([puppet.rig.heads, puppet.rig.tails, [[left, top], [right, bottom]]])
    low, high = ends.min(axis=0), ends.max(axis=0)
    scale = TALL / max(float((high - low).max()), 1.0)
    width, height = (int(side) + 2 * BORDER for side in (high - low) * scale)

    def shown(points: Array) -> Array:
        return np.asarray((points - low) * scale + BORDER, dtype=np.float64)

    pixels = np.zeros((height, width, 4), dtype=np.uint8)
    info = skia.ImageInfo.Make(width, height, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    surface = skia.Surface.MakeRasterDirect(info, pixels, width * 4)
    canvas = surface.getCanvas()
    canvas.clear(PAPER)
    canvas.saveLayerAlpha(skia.Rect.MakeWH(width, height), FADED)
    _draw_parts(canvas, puppet, shown)
    canvas.restore()
    if mesh:
        _draw_mesh(canvas, puppet, shown)
    _draw_bones(canvas, puppet, shown)
    labels = _draw_joints(canvas, puppet, shown, (width, height))
    del canvas, surface
    picture: Image = cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB)
    for name, at in labels:  # OpenCV brings its font along; skia needs one of the system's
        cv2.putText(picture, name, at, FONT, TEXT, _rgb(side_colour(name)), 1, cv2.LINE_AA)
    return picture


def side_colour(name: str) -> int:
    """The colour of a joint or bone by its side."""
    if name.startswith("left"):
        return int(LEFT)
    return int(RIGHT if name.startswith("right") else MIDDLE)


def _points(points: Array) -> list[skia.Point]:
    return [skia.Point(x, y) for x, y in points.tolist()]


def _draw_parts(canvas: skia.Canvas, puppet: Puppet, shown: Shown) -> None:
    sampling = skia.SamplingOptions(skia.FilterMode.kLinear, skia.MipmapMode.kLinear)
    seen = [part for part in puppet.parts if is_shown(part, 0.0)]
    for part in sorted(seen, key=lambda part: part.order):
        image = skia.Image.fromarray(
            np.ascontiguousarray(part.texture), skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType
        )
        mesh = skia.Vertices(
            skia.Vertices.kTriangles_VertexMode,
            _points(shown(part.points)),
            _points(part.uv),
            None,
            part.triangles.ravel().tolist(),
        )
        canvas.drawVertices(mesh, skia.Paint(Shader=image.makeShader(sampling)))


def _draw_mesh(canvas: skia.Canvas, puppet: Puppet, shown: Shown) -> None:
    paint = skia.Paint(Color=MESH, AntiAlias=True, StrokeWidth=0.8)
    for part in puppet.parts:
        points = shown(part.points)
        for a, b in edges_of(part.triangles):
            canvas.drawLine(*points[a].tolist(), *points[b].tolist(), paint)


def _draw_bones(canvas: skia.Canvas, puppet: Puppet, shown: Shown) -> None:
    """Each bone as a slim kite, wide near its head."""
    rig = puppet.rig
    for name, head, tail in zip(rig.names, shown(rig.heads), shown(rig.tails), strict=True):
        along = tail - head
        length = max(float(np.hypot(*along)), 1e-6)
        across = np.array([-along[1], along[0]]) / length * min(BONE, length / 5)
        shoulder = head + along * min(0.2, 20 / length)
        path = skia.Path()
        path.addPoly(_points(np.array([head, shoulder + across, tail, shoulder - across])), True)
        canvas.drawPath(path, skia.Paint(Color=HALO, AntiAlias=True, Style=skia.Paint.kStroke_Style, StrokeWidth=3))
        canvas.drawPath(path, skia.Paint(Color=side_colour(name), AntiAlias=True, Alphaf=0.75))


def _draw_joints(
    canvas: skia.Canvas, puppet: Puppet, shown: Shown, size: tuple[int, int]
) -> list[tuple[str, tuple[int, int]]]:
    """Joints as dots, with plates for their names where they cover neither dots nor each other.

    Returns the names and where each begins, at the foot of its letters.
    """
    names = list(puppet.joints)
    places = shown(np.array([puppet.joints[name] for name in names]).reshape(-1, 2))
    taken: list[Box] = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in places.tolist()]
    for name, (x, y) in zip(names, places.tolist(), strict=True):
        canvas.drawCircle(x, y, DOT + 1.5, skia.Paint(Color=HALO, AntiAlias=True))
        canvas.drawCircle(x, y, DOT, skia.Paint(Color=side_colour(name), AntiAlias=True))
    middle = size[0] / 2
    labels = []
    # outermost first: they have the free room beside them
    for index in sorted(range(len(names)), key=lambda index: -abs(places[index, 0] - middle)):
        name, (x, y) = names[index], places[index].tolist()
        wide, high = cv2.getTextSize(name, FONT, TEXT, 1)[0]
        box = _free_box((x, y), (wide + 8, high + 8), taken, size, outward=x >= middle)
        taken.append(box)
        _draw_plate(canvas, side_colour(name), (x, y), box)
        labels.append((name, (round(box[0] + 4), round(box[3] - 4))))
    return labels


def _draw_plate(canvas: skia.Canvas, colour: int, at: tuple[float, float], box: Box) -> None:
    """A pale plate for a name, with a line to its joint."""
    left, top, right, bottom = box
    near = (min(max(at[0], left), right), min(max(at[1], top), bottom))
    canvas.drawLine(*at, *near, skia.Paint(Color=colour, AntiAlias=True, StrokeWidth=1, Alphaf=0.8))
    rect = skia.Rect.MakeLTRB(left, top, right, bottom)
    canvas.drawRoundRect(rect, 4, 4, skia.Paint(Color=HALO, AntiAlias=True))


def _rgb(colour: int) -> tuple[int, int, int]:
    return colour >> 16 & 255, colour >> 8 & 255, colour & 255


def _free_box(
    at: tuple[float, float], extent: tuple[float, float], taken: list[Box], size: tuple[int, int], *, outward: bool
) -> Box:
    """A box of `extent` (width, height) near `at` that covers nothing; the least bad one if there is no room."""
    wide, high = extent
    best: tuple[float, Box] | None = None
    begin = 0.0 if outward else np.pi
    for away in np.arange(NEAREST, FARTHEST, STEP):
        for turn in _turns():
            angle = begin + turn
            x = at[0] + away * np.cos(angle)
            y = at[1] + away * np.sin(angle) - high / 2
            left = x if np.cos(angle) > 0.3 else x - wide if np.cos(angle) < -0.3 else x - wide / 2
            box = (left, y, left + wide, y + high)
            outside = max(0.0, 2 - box[0], 2 - box[1], box[2] - size[0] + 2, box[3] - size[1] + 2)
            cost = 50 * outside + sum(_overlap(box, other) for other in taken)
            if cost == 0:
                return box
            if best is None or cost < best[0]:
                best = (cost, box)
    return best[1] if best is not None else (at[0], at[1], at[0] + wide, at[1] + high)


def _turns() -> Iterable[float]:
    """Directions, the straight one first, then ever farther to both sides."""
    for step in range(DIRECTIONS // 2 + 1):
        yield step * 2 * np.pi / DIRECTIONS
        yield -step * 2 * np.pi / DIRECTIONS


def _overlap(a: Box, b: Box) -> float:
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    return wide * high if wide > 0 and high > 0 else 0.0
