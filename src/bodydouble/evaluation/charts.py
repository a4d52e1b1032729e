"""The charts of a report, as SVG text: bars of every point, the distribution of OKS, precision over recall.

Colours are the page's (CSS variables --m0, --m1, ... a model, --ink, --soft, --line), so that light and dark fit. Sizes
are CSS pixels; every chart scales to the width it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from bodydouble.types import Array

COLOURS = 8  # models with a colour of their own; further ones repeat them with broken lines
_WIDTH = 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 12, 10, 38  # of a chart with axes
_HEIGHT = 280
_NAME = 104  # width of the names beside bars
_BAR, _GAP = 7, 7  # height of a bar, and between groups
_STEPS = 101


def ink(model: int) -> str:
    """The colour of the model of that number."""
    return f"var(--m{model % COLOURS})"


def bars(names: Sequence[str], values: Sequence[Array], models: Sequence[str], top: float, form: str) -> str:
    """Horizontal bars, a group a name and in it a bar a model.

    values: (K,) of each model, NaN for none. top: the value at the right end. form: a format for values, ".2f".
    """
    wide = _WIDTH - _NAME - 40
    bar = max(3.5, _BAR - 0.7 * (len(models) - 1))
    group = bar * len(models) + _GAP
    parts = []
    for row, name in enumerate(names):
        y = row * group
        parts.append(
            f'<text class="name" x="{_NAME - 8}" y="{y + (group - _GAP) / 2 + 4:.1f}">{escape(_plain(name))}</text>'
        )
        for number, (model, column) in enumerate(zip(models, values, strict=True)):
            value = float(column[row])
            if np.isnan(value):
                continue
            length = wide * min(max(value / top, 0.0), 1.0)
            at = y + number * bar
            parts.append(
                f'<rect x="{_NAME}" y="{at:.1f}" width="{max(length, 0.5):.1f}" height="{bar - 1:.1f}" rx="1.5" '
                f'fill="{ink(number)}"><title>{escape(_plain(name))}, {escape(model)}: {value:{form}}</title></rect>'
            )
            if len(models) == 1:
                parts.append(
                    f'<text class="value" x="{_NAME + length + 5:.1f}" y="{at + bar - 0.5:.1f}">{value:{form}}</text>'
                )
    height = len(names) * group
    ticks = [top * share for share in (0, 0.25, 0.5, 0.75, 1)]
    for tick in ticks:
        x = _NAME + wide * tick / top
        parts.insert(0, f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="-2" y2="{height:.1f}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height + 14:.1f}">{tick:.3g}</text>')
    return _svg(_WIDTH, height + 24, parts, top=-6)


def distribution(oks: Sequence[Array], models: Sequence[str]) -> str:
    """For every OKS the share of people who have at least that, a line a model. oks: (N,) of each model."""
    line = np.linspace(0, 1, _STEPS)
    curves = [np.array([(column >= x).mean() if len(column) else 0.0 for x in line]) for column in oks]
    parts = _axes("OKS", "share of people with at least that")
    parts += [_curve(line, curve, number, models[number]) for number, curve in enumerate(curves)]
    return _svg(_WIDTH, _HEIGHT, parts)


def precision_recall(recall: Array, precisions: Sequence[tuple[Array, Array]], models: Sequence[str]) -> str:
    """Precision over recall at OKS 0.50 (full line) and 0.75 (dashed), a colour a model.

    precisions: (101,) each, -1 for none.
    """
    parts = _axes("recall", "precision")
    for number, pair in enumerate(precisions):
        for curve, name, dashes in zip(pair, ("0.50", "0.75"), ("", "5 4"), strict=True):
            known = curve > 0  # beyond the last recall that was reached COCO has 0
            parts.append(_curve(recall[known], curve[known], number, f"{models[number]}, OKS {name}", dashes))
    return _svg(_WIDTH, _HEIGHT, parts)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _place(x: float, y: float) -> tuple[float, float]:
    """CSS pixels of a point of the unit square."""
    return _LEFT + x * (_WIDTH - _LEFT - _RIGHT), _TOP + (1 - y) * (_HEIGHT - _TOP - _BOTTOM)


def _axes(across: str, up: str) -> list[str]:
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _place(tick, tick)
        left, bottom = _place(0, 0)
        right, top = _place(1, 1)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>')
        parts.append(f'<line class="grid" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 15:.1f}">{tick:g}</text>')
        parts.append(f'<text class="tick side" x="{left - 7:.1f}" y="{y + 4:.1f}">{tick:g}</text>')
    parts.append(f'<text class="tick" x="{(_WIDTH + _LEFT - _RIGHT) / 2:.1f}" y="{_HEIGHT - 4}">{across}</text>')
    middle = (_HEIGHT - _BOTTOM + _TOP) / 2
    parts.append(f'<text class="tick" transform="translate(11 {middle:.1f}) rotate(-90)">{up}</text>')
    return parts


def _curve(xs: Array, ys: Array, number: int, name: str, dashes: str = "") -> str:
    """A line through points of the unit square."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_place(float(x), float(y)) for x, y in zip(xs, ys, strict=True)))
    dashes = dashes or ("" if number < COLOURS else "8 3")
    broken = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<polyline class="curve" points="{path}" stroke="{ink(number)}"{broken}>'
        f"<title>{escape(name)}</title></polyline>"
    )


def _svg(width: float, height: float, parts: Sequence[str], top: float = 0) -> str:
    return (
        f'<svg class="chart" viewBox="0 {top:g} {width:g} {height:g}" role="img" preserveAspectRatio="xMinYMin meet">'
        f"{''.join(parts)}</svg>"
    )
