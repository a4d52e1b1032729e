"""The stage: draws puppets on a background.

Stage pixels, y down. Pictures are (H, W, 3) uint8 RGB, or (H, W, 4) uint8 premultiplied RGBA on a transparent stage.
skia draws the triangles; it does not smooth their edges, the soft edge of the texture within them does. Textures are
made once for each puppet, at the size they are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import skia

from bodydouble.characters.deform import DrawOrder, deform, draw_order
from bodydouble.characters.puppet import Puppet
from bodydouble.outputs.colours import TRANSPARENT, colour, is_colour
from bodydouble.outputs.framing import Place, Places, fit, place_points, reach
from bodydouble.outputs.shots import FULL, Shots, View, check_framing, place_close, view
from bodydouble.types import UNTRACKED, Array, BodyDoubleError, Image, RigPose

SIZES = 4  # texture sizes an octave: drawn textures have 1 to 1.19 pixels a stage pixel, neither soft nor ragged
LEAST_SCALE = 1e-3  # stage pixels a character pixel
LEAST_SIDE, MOST_SIDE = 16, 8192  # of a stage, in pixels

SHADOW = 0.30  # darkness of the contact shadow in its middle, 0..1
SHADOW_FLAT = 0.22  # its height over its width
SHADOW_FOOT = 0.13  # its reach around a foot, in character heights
SHADOW_FADE = 0.12  # character heights above the floor over which it fades to 1/e
SHADOW_COLOUR = (24, 20, 40)
_FEET = ("foot", "shin", "thigh")


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A puppet in a pose."""

    puppet: Puppet
    pose: RigPose


class Stage:
    """Draws figures. Remembers textures, draw orders and places of people; reset() forgets the latter two."""

    def __init__(
        self,
        size: tuple[int, int],
        background: str | Path = "#f4f1ea",
        *,
        shadow: bool = True,
        framing: str = FULL,
    ) -> None:
        """size: width, height in pixels. background: a CSS colour, the path of a picture, or "transparent".

        framing: how much of the figures is shown: "full", "half" (from the waist up) or "head".
        Raises BodyDoubleError for a background or framing that is none, and for a size that cannot be drawn.
        """
        width, height = size
        if not (LEAST_SIDE <= width <= MOST_SIDE and LEAST_SIDE <= height <= MOST_SIDE):
            raise BodyDoubleError(f"a stage of {width}x{height}; wanted {LEAST_SIDE} to {MOST_SIDE} pixels a side")
        self.size = (int(width), int(height))
        self.shadow = shadow
        self.framing = check_framing(framing)
        self.transparent = str(background).strip().lower() == TRANSPARENT
        self._background = _background(background, self.size)
        self._pixels = np.zeros((self.size[1], self.size[0], 4), dtype=np.uint8)
        info = skia.ImageInfo.Make(*self.size, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
        self._surface = skia.Surface.MakeRasterDirect(info, self._pixels, self.size[0] * 4)
        self._sheets: dict[int, _Sheet] = {}
        self._orders: dict[int, DrawOrder] = {}
        self._places = Places()
        self._shots = Shots()

    def render(self, figures: Sequence[Figure]) -> Image:
        """A new picture of the figures, the first hindmost, side by side in their order.

        Returns (H, W, 3) RGB, or (H, W, 4) premultiplied RGBA if the stage is transparent.
        """
        np.copyto(self._pixels, self._background)
        canvas = self._surface.getCanvas()
        shares = self._places([figure.pose for figure in figures])
        for index, (figure, place) in enumerate(zip(figures, self._placed(figures, shares), strict=True)):
            sheet = self._sheet(figure.puppet)
            key = figure.pose.person if figure.pose.person != UNTRACKED else -1 - index
            self._draw(canvas, figure, sheet, place, key)
        if self.transparent:
            return self._pixels.copy()
        picture: Image = cv2.cvtColor(self._pixels, cv2.COLOR_RGBA2RGB)
        return picture

    def reset(self) -> None:
        """Forget the people; textures stay."""
        self._orders.clear()
        self._places.reset()
        self._shots.reset()

    def _placed(self, figures: Sequence[Figure], shares: Sequence[tuple[float, float]]) -> list[Place]:
        """The place of each figure; shares: centre and width of each one's part of the stage."""
        sheets = [self._sheet(figure.puppet) for figure in figures]
        if self.framing == FULL:
            return [
                fit(self.size, sheet.reach, centre=centre, share=share)
                for sheet, (centre, share) in zip(sheets, shares, strict=True)
            ]
        views = [sheet.view(self.framing) for sheet in sheets]
        puppets, poses = [figure.puppet for figure in figures], [figure.pose for figure in figures]
        return self._shots(views, puppets, poses, shares, self.size)

    def _sheet(self, puppet: Puppet) -> _Sheet:
        sheet = self._sheets.get(id(puppet))
        if sheet is None:
            sheet = self._sheets[id(puppet)] = _Sheet(puppet)
        return sheet

    def _draw(self, canvas: skia.Canvas, figure: Figure, sheet: _Sheet, place: Place, key: int) -> None:
        puppet, pose = figure.puppet, figure.pose
        points = np.concatenate([*deform(puppet, pose), pose.heads])
        if self.framing == FULL:
            placed = place_points(points, puppet, pose, place, self.size)
        else:
            placed = place_close(points, puppet, pose, place)
        if self.shadow:
            _draw_shadow(canvas, puppet, pose, place, placed[-len(pose.heads) :])
        order = self._orders[key] = draw_order(puppet, pose, self._orders.get(key))
        skia_points = list(map(skia.Point, *placed[: -len(pose.heads)].T.tolist()))
        cutouts = sheet.at(place.scale * pose.size)
        for index in order.parts:
            cutouts[index].draw(canvas, skia_points)


class _Sheet:
    """A puppet's textures as skia wants them, at the sizes that a stage draws them."""

    def __init__(self, puppet: Puppet) -> None:
        self.puppet = puppet  # kept, so that its id stays its own
        self.reach = reach(puppet)
        self._sizes: dict[float, list[_Cutout]] = {}
        self._views: dict[str, View] = {}

    def view(self, framing: str) -> View:
        """What a close shot shows of the puppet."""
        if framing not in self._views:
            self._views[framing] = view(self.puppet, framing)
        return self._views[framing]

    def at(self, scale: float) -> list[_Cutout]:
        """The parts for a figure drawn at `scale` stage pixels a character pixel."""
        needed = max(scale, LEAST_SCALE) / self.puppet.scale
        ratio = min(1.0, 2.0 ** (math.ceil(SIZES * math.log2(needed)) / SIZES))
        if ratio not in self._sizes:
            self._sizes[ratio] = self._cut(ratio)
        return self._sizes[ratio]

    def _cut(self, ratio: float) -> list[_Cutout]:
        shaders: dict[int, tuple[skia.Shader, Array]] = {}
        cutouts = []
        start = 0
        for part in self.puppet.parts:
            if id(part.texture) not in shaders:
                shaders[id(part.texture)] = _shader(part.texture, ratio)
            shader, scale = shaders[id(part.texture)]
            corners = list(map(skia.Point, *(part.uv * scale).T.tolist()))
            end = start + len(corners)
            cutouts.append(_Cutout(start, end, corners, part.triangles.ravel().tolist(), skia.Paint(Shader=shader)))
            start = end
        return cutouts


@dataclass(frozen=True, slots=True, eq=False)
class _Cutout:
    """A part ready to draw. start, end: its points among all of the puppet's. corners: the same in the texture."""

    start: int
    end: int
    corners: list[skia.Point]
    triangles: list[int]
    paint: skia.Paint

    def draw(self, canvas: skia.Canvas, points: list[skia.Point]) -> None:
        """points: all points of the puppet, in stage pixels."""
        own = points[self.start : self.end]
        mesh = skia.Vertices(skia.Vertices.kTriangles_VertexMode, own, self.corners, None, self.triangles)
        canvas.drawVertices(mesh, self.paint)


def _shader(texture: Image, ratio: float) -> tuple[skia.Shader, Array]:
    """A shader of the texture at `ratio` of its size, and (2,) its pixels a pixel of the texture."""
    height, width = texture.shape[:2]
    image = texture
    if ratio < 1.0:
        smaller = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        image = np.asarray(cv2.resize(texture, smaller, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    scale = np.array([image.shape[1] / width, image.shape[0] / height])
    pixels = skia.Image.fromarray(
        np.ascontiguousarray(image), skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType, copy=True
    )
    # skia 144 draws the same pixels without the MipmapMode, in twice the time
    sampling = skia.SamplingOptions(skia.FilterMode.kLinear, skia.MipmapMode.kLinear)
    return pixels.makeShader(skia.TileMode.kClamp, skia.TileMode.kClamp, sampling), scale


def _draw_shadow(canvas: skia.Canvas, puppet: Puppet, pose: RigPose, place: Place, heads: Array) -> None:
    """A soft shadow on the floor below the feet, fainter the higher they are. heads: (B, 2) stage pixels."""
    standing = feet(puppet)
    height = puppet.rig.height * place.scale * pose.size
    above = np.maximum(place.floor - heads[standing, 1], 0.0) / max(height, 1e-6)
    rest = np.maximum(puppet.rig.floor - puppet.rig.heads[standing, 1], 0.0) / puppet.rig.height
    fade = float(np.exp(-max(float((above - rest).min()), 0.0) / SHADOW_FADE))
    low, high = float(heads[standing, 0].min()), float(heads[standing, 0].max())
    radius = (high - low) / 2 + SHADOW_FOOT * height
    if fade < 0.02 or radius < 1:
        return
    red, green, blue = SHADOW_COLOUR
    # a Gaussian's fall, in five stops
    stops = [0.0, 0.25, 0.5, 0.75, 1.0]
    colours = [
        skia.Color(red, green, blue, round(255 * SHADOW * fade * (math.exp(-4 * s * s) - math.exp(-4)))) for s in stops
    ]
    shader = skia.GradientShader.MakeRadial(skia.Point(0, 0), 1.0, colours, stops)
    canvas.save()
    canvas.translate((low + high) / 2, place.floor)
    canvas.scale(radius, radius * SHADOW_FLAT)
    canvas.drawCircle(0, 0, 1, skia.Paint(Shader=shader, AntiAlias=True))
    canvas.restore()


def feet(puppet: Puppet) -> list[int]:
    """The bones whose heads are the character's feet: its foot bones, else what is nearest to them, else the root."""
    for kind in _FEET:
        found = [bone for bone, follows in enumerate(puppet.rig.follows) if follows.endswith(kind)]
        if found:
            return found
    return [puppet.rig.parents.index(-1)]


def _background(background: str | Path, size: tuple[int, int]) -> Image:
    """(H, W, 4) premultiplied RGBA."""
    width, height = size
    text = str(background).strip()
    if text.lower() == TRANSPARENT:
        return np.zeros((height, width, 4), dtype=np.uint8)
    if is_colour(text):
        return np.full((height, width, 4), (*colour(text), 255), dtype=np.uint8)
    path = Path(background)
    if not path.is_file():
        if text.startswith("#") or (path.suffix == "" and path.name == text):
            colour(text)  # raises with a hint at the nearest colour
        raise BodyDoubleError(f'no background "{text}"; wanted a CSS colour, a picture\'s path, or transparent')
    data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise BodyDoubleError(f"background {path} is no picture that can be read; save it as PNG or JPEG")
    return _cover(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGBA), dtype=np.uint8), size)


def _cover(image: Image, size: tuple[int, int]) -> Image:
    """The middle of a picture, scaled so that it covers a stage of `size` wholly."""
    width, height = size
    scale = max(width / image.shape[1], height / image.shape[0])
    wide, high = max(width, round(image.shape[1] * scale)), max(height, round(image.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    image = np.asarray(cv2.resize(image, (wide, high), interpolation=how), dtype=np.uint8)
    x, y = (wide - width) // 2, (high - height) // 2
    return np.ascontiguousarray(image[y : y + height, x : x + width])
