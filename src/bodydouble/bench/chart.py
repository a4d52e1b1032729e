"""The chart of what was measured: a bar for each, models as groups, as SVG or PNG.

Bars are medians, the thin line reaches to the 95th percentile; milliseconds from image to keypoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from xml.sax.saxutils import escape

import cv2
import numpy as np

from bodydouble.bench.report import name_of
from bodydouble.bench.speed import Measured, Results
from bodydouble.outputs.files import check_output, written
from bodydouble.types import BodyDoubleError, Image

WIDTH, LEFT, RIGHT = 960, 250, 110  # pixels; names stand on the left, figures on the right
ROW, GAP, TOP, BOTTOM = 24, 16, 64, 48
TICKS = 6  # at most, along the axis
OURS, GRAPH, PEER, INK, FAINT = "#7aa6d8", "#2f6db3", "#b9b4a7", "#222222", "#dddddd"
LETTER = 30.0  # pixels of text at scale 1 of OpenCV's letters, which are wide
FONT = "font-family='DejaVu Sans, Helvetica, Arial, sans-serif'"


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle: left, top, width, height in pixels, colour #rrggbb."""

    x: float
    y: float
    width: float
    height: float
    colour: str

    def svg(self) -> str:
        """As SVG."""
        place = f"x='{self.x:.1f}' y='{self.y:.1f}' width='{max(self.width, 0):.1f}' height='{self.height:.1f}'"
        return f"<rect {place} fill='{self.colour}'/>"

    def paint(self, image: Image) -> None:
        """Into a picture."""
        left, top = round(self.x), round(self.y)
        right, bottom = left + max(round(self.width), 0), top + max(round(self.height), 1)
        image[top:bottom, left:right] = [int(self.colour[i : i + 2], 16) for i in (1, 3, 5)]


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text whose base line is at x, y. anchor: start, middle or end of it is there. size: pixels."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    size: int = 13
    bold: bool = False

    def svg(self) -> str:
        """As SVG."""
        weight = " font-weight='bold'" if self.bold else ""
        place = f"x='{self.x:.1f}' y='{self.y:.1f}' text-anchor='{self.anchor}' font-size='{self.size}' fill='{INK}'"
        return f"<text {place} {FONT}{weight}>{escape(self.text)}</text>"

    def paint(self, image: Image) -> None:
        """Into a picture."""
        scale, thickness = self.size / LETTER, 2 if self.bold else 1
        (width, _), _ = cv2.getTextSize(self.text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
        left = self.x - {"start": 0, "middle": width / 2, "end": width}[self.anchor]
        colour = tuple(int(INK[i : i + 2], 16) for i in (1, 3, 5))
        place = (round(left), round(self.y))
        cv2.putText(image, self.text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness, cv2.LINE_AA)


@dataclass(frozen=True, slots=True)
class Bar:
    """One row. spent: median milliseconds. graph: those in the graphs, 0 if unknown. late: 95th percentile."""

    model: str
    name: str
    spent: float
    graph: float
    late: float
    peer: bool


def bar_of(one: Measured) -> Bar:
    """The row of a contender."""
    spent, late = (float(value) for value in np.percentile(one.values("ms"), (50, 95)))
    graph = 0.0 if one.contender.peer else one.typical("graph") or 0.0
    return Bar(one.contender.model, name_of(one), spent, min(graph, spent), late, one.contender.peer)


class Shape(Protocol):
    """What a chart is made of."""

    def svg(self) -> str:
        """As SVG."""

    def paint(self, image: Image) -> None:
        """Into a picture."""


def svg(results: Results) -> str:
    """The chart as SVG text."""
    return svg_of(*drawing(results))


def svg_of(shapes: Sequence[Shape], size: tuple[int, int]) -> str:
    """Shapes from back to front as SVG text. size: width, height in pixels."""
    width, height = size
    body = "\n".join(shape.svg() for shape in shapes)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' viewBox='0 0 {width} {height}'>\n"
        f"<rect width='{width}' height='{height}' fill='#ffffff'/>\n{body}\n</svg>\n"
    )


def picture(results: Results) -> Image:
    """The chart as (H, W, 3) uint8 RGB, with the letters that OpenCV brings along."""
    return picture_of(*drawing(results))


def picture_of(shapes: Sequence[Shape], size: tuple[int, int]) -> Image:
    """Shapes from back to front as (H, W, 3) uint8 RGB. size: width, height in pixels."""
    width, height = size
    image = np.full((height, width, 3), 255, np.uint8)
    for shape in shapes:
        shape.paint(image)
    return image


def drawing(results: Results) -> tuple[list[Box | Text], tuple[int, int]]:
    """The chart's shapes from back to front, and its width and height in pixels."""
    bars = [bar_of(one) for one in results.measured]
    longest = max(bar.spent for bar in bars)
    step = tick_step(longest)
    count = int(np.ceil(1.02 * longest / step))
    per_ms = (WIDTH - LEFT - RIGHT) / (step * count)
    rows: list[Box | Text] = []
    y, last = float(TOP), ""
    for bar in bars:
        if bar.model != last:
            y += GAP if last else 0
            rows.append(Text(12, y + 16, bar.model, bold=True))
            last = bar.model
        rows += _row(bar, y, per_ms)
        y += ROW
    ticks = [shape for number in range(count + 1) for shape in _tick(step * number, per_ms, y)]
    title = f"Milliseconds a frame, from image to keypoints: {results.clip}, {results.size[0]}x{results.size[1]}"
    about = f"{results.machine}; {results.threads} threads; dark: in the graph; line: to the 95th percentile"
    head = [Text(12, 24, title, size=15, bold=True), Text(12, 44, about, size=11)]
    return [*ticks, *head, *rows], (WIDTH, round(y + BOTTOM))


def tick_step(longest: float) -> float:
    """A round number of milliseconds between ticks: 1, 2 or 5 times a power of ten."""
    rough = longest / TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    return float(next(power * times for times in (1, 2, 5, 10) if power * times >= rough))


def _row(bar: Bar, y: float, per_ms: float) -> list[Box | Text]:
    end, late = LEFT + per_ms * bar.spent, min(LEFT + per_ms * bar.late, WIDTH - RIGHT)
    middle = y + ROW / 2
    return [
        Text(LEFT - 8, middle + 4, bar.name, anchor="end", size=12),
        Box(LEFT, y + 4, per_ms * bar.spent, ROW - 8, PEER if bar.peer else OURS),
        Box(LEFT, y + 4, per_ms * bar.graph, ROW - 8, GRAPH),
        Box(end, middle - 0.5, late - end, 1, INK),
        Text(max(end, late) + 6, middle + 4, f"{bar.spent:.1f}", size=12),
    ]


def _tick(value: float, per_ms: float, bottom: float) -> list[Box | Text]:
    x = LEFT + per_ms * value
    return [Box(x, TOP - 6, 1, bottom + 10 - TOP, FAINT), Text(x, bottom + 20, f"{value:g}", anchor="middle", size=11)]


def write_chart(results: Results, path: Path) -> None:
    """The chart in a file, .svg or .png. Raises BodyDoubleError for another suffix."""
    check_chart(path)
    write_shapes(*drawing(results), path)


def write_shapes(shapes: Sequence[Shape], size: tuple[int, int], path: Path) -> None:
    """Shapes in a file whose name ends in .svg or .png."""
    if path.suffix.lower() == ".svg":
        data = svg_of(shapes, size).encode()
    else:
        data = cv2.imencode(".png", picture_of(shapes, size)[..., ::-1])[1].tobytes()
    with written(path, force=True) as temporary:
        temporary.write_bytes(data)


def check_chart(path: Path) -> None:
    """Raises BodyDoubleError unless the file's name says which kind it is, and it can be written there."""
    if path.suffix.lower() not in (".svg", ".png"):
        raise BodyDoubleError(f'--chart "{path}"; wanted a name that ends in .svg or .png')
    check_output(path, force=True)
