"""A model over annotated pictures: either the annotated people's boxes are given to it, or it looks by itself.

Each picture is on its own: nobody is followed from one to the next. Seconds are those of the model's answer, from uint8
image to keypoints, the reading of the file not included.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bodydouble.estimate import Aimed, Estimator
from bodydouble.evaluation.coco import MOST_PEOPLE, Curves, Figures, coco_figures
from bodydouble.evaluation.journal import Journal, Looked, journal_of
from bodydouble.evaluation.measures import Measures, measure
from bodydouble.evaluation.pictures import Folder
from bodydouble.evaluation.results import Result, result_of, write_results
from bodydouble.evaluation.truth import Person, Truth
from bodydouble.types import BodyDoubleError, Frame, Image

CROPS = ("detect", "gt")


class Told(Protocol):
    """Who hears how a run goes."""

    def step(self, done: int, total: int | None, text: str) -> None:
        """`done` of `total` pictures of what `text` names."""

    def say(self, line: str) -> None:
        """One line worth keeping."""


class Silent:
    """Tells nobody."""

    def step(self, done: int, total: int | None, text: str) -> None:
        """Nothing."""

    def say(self, line: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a model found. name: the model's, or the results file's. crop: "gt", "detect", or "" where not known.

    seconds: of every look, () for results that were read from a file. provider: the device, "" likewise.
    """

    name: str
    results: tuple[Result, ...]
    crop: str = ""
    provider: str = ""
    seconds: tuple[float, ...] = ()

    @property
    def milliseconds(self) -> float | None:
        """Median of a look: a person's box, or a whole picture; None if nothing was timed."""
        return float(1000 * np.median(self.seconds)) if self.seconds else None


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """A run judged: COCO's figures and curves, and the measures over people and points."""

    run: Run
    figures: Figures
    curves: Curves
    measures: Measures

    def as_dict(self) -> dict[str, Any]:
        """All figures, for a JSON file: names as in the classes, a point's figures by its name, None for no value."""
        measures, names = self.measures, self.measures.points
        milliseconds = self.run.milliseconds
        return {
            "model": self.run.name,
            "crop": self.run.crop,
            "provider": self.run.provider,
            "milliseconds": None if milliseconds is None else round(milliseconds, 3),
            "people": len(measures.hits),
            **self.figures.as_dict(),
            "mean_oks": measures.mean_oks,
            "found": measures.found,
            "missed": len(measures.missed),
            "invented": len(measures.invented),
            "pck": {f"{share:g}": value for share, value in measures.pck.items()},
            "error": _number(measures.error),
            "point_oks": dict(zip(names, map(_number, measures.point_oks), strict=True)),
            "point_pck": dict(zip(names, map(_number, measures.point_pck), strict=True)),
            "point_error": dict(zip(names, map(_number, measures.point_error), strict=True)),
        }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def run_model(
    estimator: Estimator,
    truth: Truth,
    folder: Folder,
    *,
    crop: str = "detect",
    out: Path | None = None,
    force: bool = False,
    keep_journal: bool = False,
    told: Told | None = None,
) -> Run:
    """What a model finds in the truth's pictures, written to `out` if that is given.

    crop: "gt" gives it the box of every annotated person who counts; "detect" lets it look for people itself. out: a
    COCO results file; interrupted, the run goes on from the journal beside it. force: replace `out` if it exists.
    keep_journal: leave it there when this model is done, for a command that has more to do.
    Raises BodyDoubleError for a model that cannot be pointed at a box, and for pictures that are missing or broken.
    """
    told = told or Silent()
    if crop not in CROPS:
        raise BodyDoubleError(f'--crop "{crop}"; choose from {", ".join(CROPS)}')
    if crop == "gt" and not isinstance(estimator, Aimed):
        raise BodyDoubleError(f"{estimator.model} cannot be pointed at a person's box; use --crop detect")
    about = {
        "model": estimator.model,
        "crop": crop,
        "provider": estimator.provider,
        "truth": [truth.name, truth.digest],
    }
    people = truth.by_picture()
    with Journal(out, truth, about) as journal:
        if journal.foreign is not None:
            told.say(f"starting over: what was interrupted here was a run of {journal.foreign.get('model', 'another')}")
        elif journal.done:
            told.say(f"{estimator.model}: going on after {len(journal.done)} pictures of an interrupted run")
        _look_at_all(estimator, truth, folder, people, crop, journal, told)
        looked = [journal.done[picture.id] for picture in truth.pictures]
        run = Run(
            estimator.model,
            tuple(result for one in looked for result in one.results),
            crop,
            estimator.provider,
            tuple(second for one in looked for second in one.seconds),
        )
        if out is not None:
            write_results(out, run.results, truth, force=force)
    if out is not None and not keep_journal:
        journal_of(out).unlink(missing_ok=True)
    return run


def _look_at_all(
    estimator: Estimator,
    truth: Truth,
    folder: Folder,
    people: dict[int, list[Person]],
    crop: str,
    journal: Journal,
    told: Told,
) -> None:
    """Every picture that the journal does not have yet."""
    total = len(truth.pictures)
    for number, picture in enumerate(truth.pictures):
        told.step(number, total, estimator.model)
        if picture.id in journal.done:
            continue
        boxes = [person for person in people[picture.id] if person.counts]
        if crop == "gt" and not boxes:
            journal.add(picture.id, Looked((), ()))
            continue
        image = folder.read(picture)
        if crop == "gt" and isinstance(estimator, Aimed):
            looked = _in_boxes(estimator, image, boxes, truth)
        else:
            looked = _by_itself(estimator, image, picture.id, truth)
        journal.add(picture.id, looked)
    told.step(total, total, estimator.model)


def _in_boxes(estimator: Aimed, image: Image, people: Sequence[Person], truth: Truth) -> Looked:
    """A look at each person's box."""
    results: list[Result] = []
    seconds: list[float] = []
    for person in people:
        begun = time.perf_counter()
        pose = estimator.estimate_in(Frame(image, 0.0, 0), person.box)
        seconds.append(time.perf_counter() - begun)
        if pose is not None:
            results.append(result_of(pose, truth, person.picture, person.id))
    return Looked(tuple(results), tuple(seconds))


def _by_itself(estimator: Estimator, image: Image, picture: int, truth: Truth) -> Looked:
    """A look at the whole picture, nobody known."""
    estimator.reset()
    begun = time.perf_counter()
    poses = estimator(Frame(image, 0.0, 0))
    seconds = time.perf_counter() - begun
    results = sorted((result_of(pose, truth, picture) for pose in poses), key=lambda result: -result.score)
    return Looked(tuple(results[:MOST_PEOPLE]), (seconds,))


def judge(truth: Truth, run: Run) -> Verdict:
    """A run's figures for all pictures of `truth`."""
    known = {picture.id for picture in truth.pictures}
    results = [result for result in run.results if result.picture in known]
    figures, curves = coco_figures(truth, results)
    return Verdict(run, figures, curves, measure(truth, results))
