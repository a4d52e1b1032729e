"""Skeletons drawn over the source's picture, and pictures set side by side.

Pictures: (H, W, 3) uint8 RGB. Points: pixels of the picture, y down. The person's left is orange, the right blue; what
the model is unsure of is faint.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import skia

from bodydouble.skeletons import skeleton
from bodydouble.types import UNTRACKED, BodyDoubleError, Image, Pose, State

LEFT, RIGHT, MIDDLE = (255, 138, 61), (64, 156, 255), (240, 240, 240)
RIM = (16, 16, 22)  # around lines and dots, so that they show on any picture
FAINT = 0.1  # scores below are not drawn
THICK = 0.011  # of the body's extent
THINNEST, THICKEST = 1.5, 14.0  # pixels
DOT = 1.1  # a point's radius over a line's width
TEXT = 0.024  # of the picture's height
SMALLEST_TEXT = 9.0  # pixels
CAPITAL = 0.75  # height of a capital letter over that of a line
FONT = cv2.FONT_HERSHEY_SIMPLEX
UNSURE = {State.LOST: 0.35, State.TURNED_AWAY: 0.7}  # opacity of a whole person by state


def draw_skeleton(image: Image, poses: Sequence[Pose]) -> Image:
    """A copy of `image` with the poses' skeletons, each with a label of who it is and how well followed."""
    if image.ndim != 3 or image.shape[2] != 3:
        raise BodyDoubleError(f"a picture of shape {image.shape}; wanted (height, width, 3) RGB")
    if not poses:
        return image.copy()
    height, width = image.shape[:2]
    pixels = np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA))
    info = skia.ImageInfo.Make(width, height, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    surface = skia.Surface.MakeRasterDirect(info, pixels, width * 4)
    canvas = surface.getCanvas()
    for pose in poses:
        _draw_pose(canvas, pose)
    labels = [_label(canvas, pose, (width, height)) for pose in poses if len(_seen(pose))]
    del canvas, surface
    drawn: Image = cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB)
    for text, at, scale, thick in labels:  # OpenCV brings its font along; skia needs one of the system's
        cv2.putText(drawn, text, at, FONT, scale, MIDDLE, thick, cv2.LINE_AA)
    return drawn


def side_by_side(left: Image, right: Image) -> Image:
    """Both pictures in one, the left one scaled to the height of the right one.

    RGB beside RGB gives RGB; if one of them has an alpha channel (premultiplied), so has the result.
    """
    height = right.shape[0]
    if left.shape[0] != height:
        width = max(1, round(left.shape[1] * height / left.shape[0]))
        how = cv2.INTER_AREA if left.shape[0] > height else cv2.INTER_LINEAR
        left = np.asarray(cv2.resize(left, (width, height), interpolation=how), dtype=np.uint8)
    if left.shape[2] != right.shape[2]:
        left, right = _with_alpha(left), _with_alpha(right)
    return np.concatenate([left, right], axis=1)


def _with_alpha(image: Image) -> Image:
    if image.shape[2] == 4:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA), dtype=np.uint8)


def _side(name: str) -> tuple[int, int, int]:
    return LEFT if "left" in name else RIGHT if "right" in name else MIDDLE


def _seen(pose: Pose) -> np.ndarray:
    return np.asarray(pose.points[pose.scores >= FAINT])


def _width(pose: Pose) -> float:
    """The width of lines in pixels, by the extent of the body."""
    points = _seen(pose)
    if not len(points):
        return THINNEST
    return float(np.clip(THICK * np.hypot(*np.ptp(points, axis=0)), THINNEST, THICKEST))


def _draw_pose(canvas: skia.Canvas, pose: Pose) -> None:
    layout = skeleton(pose.skeleton)
    width = _width(pose)
    sure = np.clip(pose.scores, 0.0, 1.0) * UNSURE.get(pose.state, 1.0)
    rim = skia.Paint(AntiAlias=True, Style=skia.Paint.kStroke_Style, StrokeCap=skia.Paint.kRound_Cap)
    line = skia.Paint(AntiAlias=True, Style=skia.Paint.kStroke_Style, StrokeCap=skia.Paint.kRound_Cap)
    rim.setStrokeWidth(width * 1.8)
    line.setStrokeWidth(width)
    edges = [(layout.index[a], layout.index[b]) for a, b in layout.edges]
    edges = [(a, b) for a, b in edges if min(pose.scores[a], pose.scores[b]) >= FAINT]
    for a, b in edges:
        rim.setColor(_ink(RIM, 0.6 * min(sure[a], sure[b])))
        canvas.drawLine(*pose.points[a].tolist(), *pose.points[b].tolist(), rim)
    for a, b in edges:
        names = layout.points[a], layout.points[b]
        colour = _side(names[0]) if _side(names[0]) == _side(names[1]) else MIDDLE
        line.setColor(_ink(colour, min(sure[a], sure[b])))
        canvas.drawLine(*pose.points[a].tolist(), *pose.points[b].tolist(), line)
    linked = {index for edge in layout.edges for index in (layout.index[edge[0]], layout.index[edge[1]])}
    for index, (x, y) in enumerate(pose.points.tolist()):
        if pose.scores[index] < FAINT:
            continue
        radius = DOT * width * (1.0 if index in linked else 0.6)
        canvas.drawCircle(x, y, radius * 1.35, skia.Paint(AntiAlias=True, Color=_ink(RIM, 0.6 * sure[index])))
        colour = _side(layout.points[index])
        canvas.drawCircle(x, y, radius, skia.Paint(AntiAlias=True, Color=_ink(colour, sure[index])))


def _ink(colour: tuple[int, int, int], opacity: float) -> int:
    return int(skia.Color(*colour, round(255 * min(max(float(opacity), 0.0), 1.0))))


def _label(canvas: skia.Canvas, pose: Pose, size: tuple[int, int]) -> tuple[str, tuple[int, int], float, int]:
    """A plate above the body and inside the picture for who it is and its state: text, its corner, scale, thickness."""
    points = _seen(pose)
    name = "" if pose.person == UNTRACKED else f"{pose.person}  "
    text = name + pose.state.value.replace("_", " ")
    high = max(TEXT * size[1], SMALLEST_TEXT)
    thick = max(1, round(high / 14))
    scale = float(cv2.getFontScaleFromHeight(FONT, round(high * CAPITAL), thick))
    wide = cv2.getTextSize(text, FONT, scale, thick)[0][0]
    pad = high * 0.4
    middle = float(points[:, 0].min() + points[:, 0].max()) / 2
    left = float(np.clip(middle - wide / 2, pad, max(size[0] - wide - pad, pad)))
    bottom = float(np.clip(points[:, 1].min() - 3 * pad - 2 * _width(pose), high + 2 * pad, size[1] - pad))
    box = skia.Rect.MakeLTRB(left - pad, bottom - high - pad * 0.5, left + wide + pad, bottom + pad)
    canvas.drawRoundRect(box, pad, pad, skia.Paint(AntiAlias=True, Color=_ink(RIM, 0.72)))
    return text, (round(left), round(bottom)), scale, thick
