"""Pictures in a report: truth and predictions as SVG over the photograph, which is in the page only once.

Points in pixels of the picture. The person's left is orange, the right blue, as everywhere (outputs/overlay.py).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import cv2
import numpy as np

from bodydouble.evaluation.measures import MISSED, Hit
from bodydouble.evaluation.pictures import Folder
from bodydouble.evaluation.results import Result
from bodydouble.evaluation.run import Verdict
from bodydouble.evaluation.truth import Person, Picture, Truth
from bodydouble.outputs.overlay import FAINT, LEFT, MIDDLE, RIGHT, RIM
from bodydouble.skeletons import COCO_17
from bodydouble.types import Array

LONGEST = 720  # pixels of a picture's longer side in the page
QUALITY = 82  # of its JPEG
THICK, THINNEST = 0.016, 0.0022  # of a line: of the body's extent, and at least of the picture's longer side
TEXT = 0.026  # of the picture's longer side
HIDDEN = 0.55  # opacity of what is labelled but hidden
ROOM = 0.35  # around a person's box in a detail, of its longer side
_EDGES = COCO_17.edges


@dataclass
class Gallery:
    """Panels over pictures; `photographs` collects the pictures that panels refer to, each once."""

    truth: Truth
    folder: Folder
    photographs: dict[int, str] = field(default_factory=dict)
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)

    def definitions(self) -> str:
        """The photographs themselves, to be put in the page once."""
        return (
            '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
            + "".join(self.photographs.values())
            + "</defs></svg>"
        )

    def of_truth(self, picture: Picture, people: Sequence[Person], box: Array | None = None) -> str:
        """The picture with what was annotated in it. box: (4,) show only that part."""
        layers = [_body(self.truth.points, person.points, _sure(person)) for person in people if person.counts]
        layers += [_frame(person, self._longest(picture), "passed") for person in people if not person.counts]
        return self._panel(picture, layers, box)

    def of_model(self, picture: Picture, verdict: Verdict, box: Array | None = None) -> str:
        """The picture with what a model found: each person's OKS, who was missed, who was invented."""
        long = self._longest(picture)
        hits = [hit for hit in verdict.measures.hits if hit.person.picture == picture.id]
        invented = [result for result in verdict.measures.invented if result.picture == picture.id]
        layers = [self._drawn(hit.result) for hit in hits if hit.result is not None]
        layers += [self._drawn(result, strange=True) for result in invented]
        layers += [_frame(hit.person, long, "missed") for hit in hits if hit.oks < MISSED]
        layers += [_label(hit, long) for hit in hits if hit.oks >= MISSED]
        return self._panel(picture, layers, box)

    def _drawn(self, result: Result, strange: bool = False) -> str:
        body = _body(self.truth.points, result.points, result.scores)
        return f'<g class="invented">{body}</g>' if strange else body

    def _longest(self, picture: Picture) -> int:
        return max(self._size(picture))

    def _size(self, picture: Picture) -> tuple[int, int]:
        """Width and height; puts the picture into the page if it is not there yet."""
        if picture.id not in self.sizes:
            image = self.folder.read(picture)
            height, width = image.shape[:2]
            scale = min(1.0, LONGEST / max(width, height))
            if scale < 1:
                image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
            bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
            data = base64.b64encode(
                cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
            ).decode()
            self.sizes[picture.id] = width, height
            self.photographs[picture.id] = (
                f'<image id="p{picture.id}" width="{width}" height="{height}" preserveAspectRatio="none" '
                f'href="data:image/jpeg;base64,{data}"/>'
            )
        return self.sizes[picture.id]

    def _panel(self, picture: Picture, layers: Sequence[str], box: Array | None) -> str:
        width, height = self._size(picture)
        view = f"0 0 {width} {height}"
        if box is not None:
            side = (1 + 2 * ROOM) * float(box[2:].max())
            left, top = box[:2] + box[2:] / 2 - side / 2
            view = f"{left:.1f} {top:.1f} {side:.1f} {side:.1f}"
        return (
            f'<svg class="photo" viewBox="{view}" role="img"><title>{escape(picture.name)}</title>'
            f'<use href="#p{picture.id}"/>{"".join(layers)}</svg>'
        )


def _sure(person: Person) -> Array:
    """(K,) opacity of the annotated points."""
    return np.where(person.visible == 0, 0.0, np.where(person.visible == 1, HIDDEN, 1.0))


def _rgb(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _side(*names: str) -> str:
    if all("left" in name for name in names):
        return _rgb(LEFT)
    return _rgb(RIGHT) if all("right" in name for name in names) else _rgb(MIDDLE)


def _body(names: Sequence[str], points: Array, sure: Array) -> str:
    """A skeleton: bones between the points that are named as COCO's, and dots. sure: (K,) opacity 0..1."""
    shown = sure >= FAINT
    if not shown.any():
        return ""
    place = {name: number for number, name in enumerate(names)}
    width = max(THICK * float(np.hypot(*np.ptp(points[shown], axis=0))), 1.0)
    under, over = [], []
    for start, end in _EDGES:
        a, b = place.get(start, -1), place.get(end, -1)
        if a < 0 or b < 0 or not (shown[a] and shown[b]):
            continue
        line = 'x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"'.format(*points[a], *points[b])
        opacity = min(sure[a], sure[b], 1.0)
        under.append(
            f'<line {line} stroke="{_rgb(RIM)}" stroke-width="{1.9 * width:.1f}" opacity="{0.6 * opacity:.2f}"/>'
        )
        over.append(f'<line {line} stroke="{_side(start, end)}" stroke-width="{width:.1f}" opacity="{opacity:.2f}"/>')
    for number in np.flatnonzero(shown).tolist():
        x, y = points[number]
        over.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{1.15 * width:.1f}" fill="{_side(names[number])}" '
            f'stroke="{_rgb(RIM)}" stroke-width="{0.5 * width:.1f}" opacity="{min(sure[number], 1.0):.2f}"/>'
        )
    return f'<g stroke-linecap="round">{"".join(under + over)}</g>'


def _label(hit: Hit, long: int) -> str:
    """The OKS above a person."""
    x, y = float(hit.person.box[0]), max(float(hit.person.box[1]), TEXT * long * 1.2)
    return _plate(x, y, f"{hit.oks:.2f}", long, "good" if hit.oks >= 0.75 else "fair" if hit.oks >= 0.5 else "poor")


def _frame(person: Person, long: int, kind: str) -> str:
    """A broken outline around a person who was missed, or who does not count."""
    x, y, width, height = person.box
    outline = (
        f'<rect class="frame {kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'stroke-width="{2 * THINNEST * long:.1f}" stroke-dasharray="{0.02 * long:.1f} {0.012 * long:.1f}"/>'
    )
    return outline + (
        _plate(float(x), max(float(y), TEXT * long * 1.2), kind, long, "poor") if kind == "missed" else ""
    )


def _plate(x: float, y: float, text: str, long: int, kind: str) -> str:
    high = TEXT * long
    wide = 0.62 * high * (len(text) + 0.9)
    return (
        f'<g class="plate {kind}"><rect x="{x:.1f}" y="{y - 1.2 * high:.1f}" width="{wide:.1f}" '
        f'height="{1.2 * high:.1f}" rx="{0.2 * high:.1f}"/><text x="{x + 0.28 * high:.1f}" y="{y - 0.28 * high:.1f}" '
        f'font-size="{high:.1f}">{escape(text)}</text></g>'
    )
