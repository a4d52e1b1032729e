"""The report of an evaluation: one HTML file that needs nothing else, in light and dark, to read, print or send.

Several models stand side by side: their figures in a table, charts, and the pictures that went best and worst.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import numpy as np

from bodydouble.evaluation import charts
from bodydouble.evaluation.coco import NOBODY
from bodydouble.evaluation.gallery import Gallery
from bodydouble.evaluation.measures import FOUND, MISSED
from bodydouble.evaluation.pictures import Folder
from bodydouble.evaluation.results import Result
from bodydouble.evaluation.run import Verdict
from bodydouble.evaluation.truth import Picture, Truth
from bodydouble.outputs.files import written
from bodydouble.types import Array

SHOWN = 5  # pictures at each end
LISTED = 24  # missed people with a picture of their own, and invented ones
ROW = 4  # panels beside each other at most; more models go on below

_CROPS = {
    "gt": "each annotated person's box was given to the model",
    "detect": "the model looked for people in the whole picture",
    "": "results read from a file",
}


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the table. best: +1 where more is better, -1 where less is, 0 where neither."""

    head: str
    value: Callable[[Verdict], float | None]
    form: str = ".3f"
    best: int = 1


_COLUMNS = (
    _Column("mean<br>OKS", lambda v: v.measures.mean_oks),
    _Column("AP", lambda v: v.figures.ap),
    _Column("AP<sub>50</sub>", lambda v: v.figures.ap50),
    _Column("AP<sub>75</sub>", lambda v: v.figures.ap75),
    _Column("AP<sub>M</sub>", lambda v: v.figures.ap_medium),
    _Column("AP<sub>L</sub>", lambda v: v.figures.ap_large),
    _Column("AR", lambda v: v.figures.ar),
    _Column("PCK<br>0.1", lambda v: v.measures.pck[0.1]),
    _Column("error<br>% of size", lambda v: 100 * v.measures.error, ".1f", -1),
    _Column("missed", lambda v: len(v.measures.missed), ".0f", -1),
    _Column("in-<br>vented", lambda v: len(v.measures.invented), ".0f", -1),
    _Column("ms", lambda v: v.run.milliseconds, ".1f", -1),
)


_NOTE = (
    "AP and AR as COCO computes them (OKS 0.50 to 0.95; M and L by the person's area). Mean OKS counts a person whom "
    f"nothing is near (OKS below {MISSED:g}) as 0; such people are missed, results near nobody invented. "
    "PCK 0.1: labelled points within a tenth of the person's longer side. Error: mean distance of the points of people "
    "who have a result. ms: median of the model's answer for a person's box or a whole picture."
)


def write_report(
    path: Path, truth: Truth, verdicts: Sequence[Verdict], folder: Folder | None, *, force: bool = False
) -> None:
    """Write the report of some runs over the same pictures.

    folder: the pictures; without it the report has none. Raises BodyDoubleError where the file cannot be written.
    """
    page = _page(truth, verdicts, None if folder is None else Gallery(truth, folder))
    with written(path, force=force) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _page(truth: Truth, verdicts: Sequence[Verdict], gallery: Gallery | None) -> str:
    sections = [_head(truth, verdicts), _table(verdicts), _charts(truth, verdicts)]
    if gallery is not None:
        sections += [_ends(truth, verdicts, gallery), _lost(truth, verdicts, gallery)]
        sections.append(gallery.definitions())
    style = resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    names = ", ".join(verdict.run.name for verdict in verdicts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(names)} on {escape(truth.name)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n{chr(10).join(sections)}\n</body>\n</html>\n"
    )


def _head(truth: Truth, verdicts: Sequence[Verdict]) -> str:
    people = len(verdicts[0].measures.hits)
    crops = sorted({_CROPS[verdict.run.crop] for verdict in verdicts})
    return (
        f"<header><h1>Keypoint evaluation</h1><p class='soft'>{escape(truth.name)}: {people} people with labelled "
        f"points in {len(truth.pictures)} pictures; {'; '.join(crops)}. "
        f"bodydouble {version('bodydouble')}.</p></header>"
    )


def _table(verdicts: Sequence[Verdict]) -> str:
    columns = [(column, [column.value(verdict) for verdict in verdicts]) for column in _COLUMNS]
    columns = [(column, values) for column, values in columns if any(value is not None for value in values)]
    head = "".join(f"<th>{column.head}</th>" for column, _ in columns)
    rows = []
    for row, verdict in enumerate(verdicts):
        cells = "".join(_cell(column, values, row) for column, values in columns)
        rows.append(f"<tr><td>{_swatch(row)}{escape(verdict.run.name)}</td>{cells}<td>{verdict.run.provider}</td></tr>")
    return (
        f"<div class='scroll'><table><thead><tr><th>model</th>{head}<th>device</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        f"<p class='note'>{_NOTE}</p>"
    )


def _cell(column: _Column, values: Sequence[float | None], row: int) -> str:
    value = values[row]
    if value is None or np.isnan(value) or value == NOBODY:
        return "<td>–</td>"
    text = f"{value:{column.form}}"
    known = [other for other in values if other is not None and not np.isnan(other) and other != NOBODY]
    ahead = max(known) if column.best > 0 else min(known)
    best = len(known) > 1 and min(known) != max(known) and text == f"{ahead:{column.form}}"
    return f"<td class='best'>{text}</td>" if best else f"<td>{text}</td>"


def _swatch(model: int) -> str:
    return f"<span class='swatch' style='background:{charts.ink(model)}'></span>"


def _legend(verdicts: Sequence[Verdict]) -> str:
    if len(verdicts) == 1:
        return ""
    names = "".join(f"<span>{_swatch(row)}{escape(one.run.name)}</span>" for row, one in enumerate(verdicts))
    return f"<div class='legend'>{names}</div>"


def _charts(truth: Truth, verdicts: Sequence[Verdict]) -> str:
    models = [verdict.run.name for verdict in verdicts]
    errors = [100 * verdict.measures.point_error for verdict in verdicts]
    known = np.concatenate(errors)
    top = max(float(np.nanmax(known)), 1.0) if not np.isnan(known).all() else 1.0
    drawn = [
        ("People by OKS", charts.distribution([verdict.measures.oks for verdict in verdicts], models)),
        (
            "Precision and recall at OKS 0.50 and, broken, 0.75",
            charts.precision_recall(
                verdicts[0].curves.recall, [(one.curves.at(0.5), one.curves.at(0.75)) for one in verdicts], models
            ),
        ),
        (
            "OKS of every point",
            charts.bars(truth.points, [one.measures.point_oks for one in verdicts], models, 1.0, ".2f"),
        ),
        (
            "Error of every point, % of the person's size",
            charts.bars(truth.points, errors, models, _round_up(top), ".1f"),
        ),
    ]
    cards = "".join(f"<figure class='card'><h3>{title}</h3>{svg}</figure>" for title, svg in drawn)
    return f"<h2>Charts</h2>{_legend(verdicts)}<div class='charts'>{cards}</div>{_points(truth, verdicts)}"


def _round_up(top: float) -> float:
    """The next number whose quarters are round, for the end of an axis."""
    power = 10.0 ** np.floor(np.log10(top))
    return float(next(step * power for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if step * power >= top * 0.999))


def _points(truth: Truth, verdicts: Sequence[Verdict]) -> str:
    """The figures of the bars, for those who want numbers."""
    heads = "".join(
        f"<th>{escape(one.run.name)}<br>{what}</th>" for one in verdicts for what in ("OKS", "PCK 0.1", "error %")
    )
    rows = []
    for number, name in enumerate(truth.points):
        cells = ""
        for verdict in verdicts:
            measures = verdict.measures
            values = measures.point_oks[number], measures.point_pck[number], 100 * measures.point_error[number]
            forms = ".3f", ".3f", ".1f"
            cells += "".join(
                f"<td>{'–' if np.isnan(value) else format(value, form)}</td>"
                for value, form in zip(values, forms, strict=True)
            )
        rows.append(f"<tr><td>{escape(name.replace('_', ' '))}</td>{cells}</tr>")
    return (
        f"<details><summary>The figures of every point</summary><div class='scroll'><table><thead><tr><th>point</th>"
        f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _ends(truth: Truth, verdicts: Sequence[Verdict], gallery: Gallery) -> str:
    """The pictures with the highest and the lowest OKS, over all models."""
    means: dict[int, list[float]] = {}
    for verdict in verdicts:
        for hit in verdict.measures.hits:
            means.setdefault(hit.person.picture, []).append(hit.oks)
    ranked = sorted(
        (picture for picture in truth.pictures if picture.id in means), key=lambda picture: np.mean(means[picture.id])
    )
    count = min(SHOWN, (len(ranked) + 1) // 2)
    worst, best = ranked[:count], ranked[max(count, len(ranked) - count) :][::-1]
    over = " over all models" if len(verdicts) > 1 else ""
    parts = [
        "<p class='soft'>Left is orange, right blue, as the person sees it. Truth: points that are hidden are faint. "
        "Plates: each person's OKS. Pink rims: invented people.</p>"
    ]
    for title, pictures in (("Worst pictures", worst), ("Best pictures", best)):
        if pictures:
            rows = "".join(_row(picture, float(np.mean(means[picture.id])), verdicts, gallery) for picture in pictures)
            parts.append(f"<h2>{title}</h2><p class='soft'>By the mean OKS of their people{over}.</p>{rows}")
    return "".join(parts)


def _row(picture: Picture, mean: float, verdicts: Sequence[Verdict], gallery: Gallery) -> str:
    people = gallery.truth.by_picture()[picture.id]
    panels = [(gallery.of_truth(picture, people), f"<b>truth</b> {escape(picture.name)}, mean OKS {mean:.2f}")]
    for number, verdict in enumerate(verdicts):
        oks = [hit.oks for hit in verdict.measures.hits if hit.person.picture == picture.id]
        caption = f"{_swatch(number)}<b>{escape(verdict.run.name)}</b> {np.mean(oks):.2f}"
        panels.append((gallery.of_model(picture, verdict), caption))
    figures = "".join(f"<figure>{svg}<figcaption>{caption}</figcaption></figure>" for svg, caption in panels)
    lines = -(-len(panels) // ROW)
    return f"<div class='row' style='--panels:{-(-len(panels) // lines)}'>{figures}</div>"


def _lost(truth: Truth, verdicts: Sequence[Verdict], gallery: Gallery) -> str:
    """Who was missed by which models, and where people were invented."""
    by_person: dict[int, list[int]] = {}
    for number, verdict in enumerate(verdicts):
        for hit in verdict.measures.missed:
            by_person.setdefault(hit.person.id, []).append(number)
    pictures = {picture.id: picture for picture in truth.pictures}
    people = [person for person in truth.people if person.id in by_person]
    people.sort(key=lambda person: (-len(by_person[person.id]), -person.area))
    missed = [
        f"<figure>{gallery.of_truth(pictures[person.picture], [person], person.box)}<figcaption>"
        f"{''.join(_swatch(number) for number in by_person[person.id])}{escape(pictures[person.picture].name)}, "
        f"annotation {person.id}, {person.box[2]:.0f} x {person.box[3]:.0f} pixels</figcaption></figure>"
        for person in people[:LISTED]
    ]
    strangers = [(number, verdict, one) for number, verdict in enumerate(verdicts) for one in verdict.measures.invented]
    strangers.sort(key=lambda stranger: -stranger[2].score)
    invented = [
        f"<figure>{gallery.of_model(pictures[one.picture], verdict, _around(one))}<figcaption>"
        f"{_swatch(number)}{escape(pictures[one.picture].name)}, score {one.score:.2f}</figcaption></figure>"
        for number, verdict, one in strangers[:LISTED]
    ]
    return (
        f"<h2>Missed people</h2><p class='soft'>{_missed_words(len(people), verdicts)}</p>"
        f"<div class='details'>{''.join(missed)}</div>"
        f"<h2>Invented people</h2><p class='soft'>{_invented_words(len(strangers), verdicts)}</p>"
        f"<div class='details'>{''.join(invented)}</div>"
    )


def _around(result: Result) -> Array:
    """(4,) the box of a result's points."""
    known = result.points[result.scores > 0] if (result.scores > 0).any() else result.points
    return np.concatenate([known.min(axis=0), np.maximum(np.ptp(known, axis=0), 1.0)])


def _invented_words(count: int, verdicts: Sequence[Verdict]) -> str:
    if count == 0:
        return "None."
    by = ", ".join(f"{one.run.name} {len(one.measures.invented)}" for one in verdicts)
    more = f" The {LISTED} surest are shown." if count > LISTED else ""
    return f"Results that are near no annotated person. {escape(by)}.{more}"


def _missed_words(count: int, verdicts: Sequence[Verdict]) -> str:
    if count == 0:
        return "Nobody."
    by = ", ".join(f"{one.run.name} {len(one.measures.missed)}" for one in verdicts)
    more = f" The {LISTED} first are shown, those whom most models missed before the others." if count > LISTED else ""
    return f"Nothing is near them (OKS below {MISSED:g}; found means {FOUND:g}). {escape(by)}.{more}"
