"""Steadiness as tables for the terminal, and as a chart: lag against jitter at rest, a dot for every setting."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from bodydouble.bench import chart
from bodydouble.bench.chart import Box, Text
from bodydouble.bench.filters import MEDIAPIPE_WORDS
from bodydouble.bench.smooth import LAGS, NOTHING, OURS, Filter, Steadiness, best
from bodydouble.bench.steadiness import NAMES, SPACES, Figures
from bodydouble.types import Image

TITLES = {"world": "world landmarks", "image": "image points"}
EXPLAINED = (
    "metres of image points: through the size of a pixel at the person. lag: ms; rest: acceleration of who stands "
    "still, m/s²; moving: acceleration error in motion, m/s²; error: distance from the truth, cm; gap: of unseen "
    "points, cm; wrong: of teleported and exchanged ones, cm; over: beyond a step of 20 cm, %; stretch: change of limb "
    "lengths, %; ms: a frame"
)
COLOURS = {
    "EMA": "#b9b4a7",
    "One Euro": "#d98a3d",
    "Kalman": "#5f9e6e",
    "Savitzky-Golay": "#a07cc0",
    OURS: "#2f6db3",
}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, BETWEEN = 1000, 480, 64, 84, 52, 72  # pixels
LATEST = 100.0  # ms of lag, the chart's right end
DOT, OUR_DOT = 3.0, 5.5  # pixels


@dataclass(frozen=True, slots=True)
class Dot:
    """A filled circle: its middle and radius in pixels, colour #rrggbb."""

    x: float
    y: float
    radius: float
    colour: str

    def svg(self) -> str:
        """As SVG."""
        return f"<circle cx='{self.x:.1f}' cy='{self.y:.1f}' r='{self.radius:g}' fill='{self.colour}'/>"

    def paint(self, image: Image) -> None:
        """Into a picture."""
        colour = tuple(int(self.colour[i : i + 2], 16) for i in (1, 3, 5))
        cv2.circle(image, (round(self.x), round(self.y)), round(self.radius), colour, -1, cv2.LINE_AA)


def tables(results: Steadiness) -> list[Table]:
    """For each space the best at each lag; the figures of ours, of no filter, of the best others; ours at its worst."""
    return [make(results, space) for space in SPACES for make in (_best, _means, _worst)]


def _best(results: Steadiness, space: str) -> Table:
    means = results.means(space)
    shown = _table(
        f"{TITLES[space]}: least jitter at rest, m/s²", "lag", "of all others", "rest", "ours", "rest", "ratio"
    )
    for lag in LAGS:
        other, ours = best(means, lag, False), best(means, lag, True)
        ratio = f"{means[ours].rest / means[other].rest:.2f}" if ours and other and means[other].rest > 0 else ""
        shown.add_row(f"{lag:g} ms", *_named(other, means), *_named(ours, means), ratio)
    return shown


def _named(which: Filter | None, means: dict[Filter, Figures]) -> tuple[str, str]:
    return ("none", "") if which is None else (name_of(which), f"{means[which].rest:.2f}")


def name_of(which: Filter) -> str:
    """A filter's family and setting."""
    return " ".join(which).strip()


def _means(results: Steadiness, space: str) -> Table:
    means = results.means(space)
    chosen = {best(means, lag, False) for lag in LAGS}
    shown = _table(f"{TITLES[space]}: means", "filter", *_names(space), "ms")
    for which, figures in means.items():
        if which in chosen or which[0] in (OURS, NOTHING) or which[1] == MEDIAPIPE_WORDS:
            shown.add_row(
                name_of(which), *_values(figures, space), f"{results.ms(which):.2f}" if which[0] == OURS else ""
            )
    return shown


def _worst(results: Steadiness, space: str) -> Table:
    shown = _table(f"{TITLES[space]}: the worst motion", "filter", *_names(space))
    for which, figures in results.worst(space).items():
        if which[0] == OURS:
            shown.add_row(name_of(which), *_values(figures, space))
    return shown


def _names(space: str) -> list[str]:
    """The figures that mean something in a space: limbs in a picture are foreshortened anyhow."""
    return [name for name in NAMES if name != "stretch" or space == "world"]


def _values(figures: Figures, space: str) -> list[str]:
    return [f"{getattr(figures, name):.1f}" for name in _names(space)]


def _table(title: str, *columns: str) -> Table:
    shown = Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), title=title, title_justify="left")
    for column in shown.columns[1:]:
        column.no_wrap = True
        column.justify = "left" if column.header in ("of all others", "ours") else "right"
    return shown


def drawing(results: Steadiness) -> tuple[list[Box | Text | Dot], tuple[int, int]]:
    """The chart's shapes from back to front, and its width and height in pixels: a panel for each space."""
    motions = ", ".join(results.motions[:3]) + (f" and {len(results.motions) - 3} more" * (len(results.motions) > 3))
    shapes: list[Box | Text | Dot] = [
        Text(12, 24, f"Jitter at rest (m/s², logarithmic) against lag (ms): {motions}", size=15, bold=True)
    ]
    for column, (family, colour) in enumerate(COLOURS.items()):
        shapes += [Dot(18 + 150 * column, 46, 5, colour), Text(28 + 150 * column, 50, family, size=12)]
    wide = (WIDTH - 2 * LEFT - BETWEEN / 2) / len(SPACES)
    for number, space in enumerate(SPACES):
        shapes += _panel(results, space, LEFT + number * (wide + BETWEEN), wide - BETWEEN / 4)
    return shapes, (WIDTH, HEIGHT)


def _panel(results: Steadiness, space: str, left: float, wide: float) -> list[Box | Text | Dot]:
    means = {which: figures for which, figures in results.means(space).items() if figures.lag <= LATEST}
    rests = [max(figures.rest, 1e-3) for figures in means.values()]
    low, high = np.floor(np.log10(min(rests)) * 2) / 2, np.ceil(np.log10(max(rests)) * 2) / 2
    bottom, tall = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    first = min(0.0, 10 * np.floor(min(figures.lag for figures in means.values()) / 10))

    def place(lag: float, rest: float) -> tuple[float, float]:
        return left + wide * (lag - first) / (LATEST - first), bottom - tall * (np.log10(rest) - low) / (high - low)

    shapes: list[Box | Text | Dot] = [Text(left, TOP - 12, TITLES[space], bold=True)]
    for lag in np.arange(0, LATEST + 1, 20):
        x, _ = place(float(lag), 1)
        shapes += [Box(x, TOP, 1, tall, chart.FAINT), Text(x, bottom + 18, f"{lag:g}", anchor="middle", size=11)]
    for rest in (base * 10.0**power for power in range(-3, 4) for base in (1, 3)):
        if low <= np.log10(rest) <= high:
            _, y = place(0, rest)
            shapes += [Box(left, y, wide, 1, chart.FAINT), Text(left - 6, y + 4, f"{rest:g}", anchor="end", size=11)]
    for ours in (False, True):
        for (family, _words), figures in means.items():
            if family in COLOURS and (family == OURS) == ours:
                x, y = place(figures.lag, max(figures.rest, 1e-3))
                shapes.append(Dot(x, y, OUR_DOT if ours else DOT, COLOURS[family]))
    return shapes


def write_chart(results: Steadiness, path: Path) -> None:
    """The chart in a file, .svg or .png. Raises BodyDoubleError for another suffix."""
    chart.check_chart(path)
    chart.write_shapes(*drawing(results), path)
