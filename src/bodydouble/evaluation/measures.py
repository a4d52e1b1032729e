"""How well people are hit: OKS, PCK and the error of every point, over all annotated people.

COCO's average precision judges a ranking; these judge the points. With the annotated boxes given, a result belongs to
the person of its box; otherwise results and people of a picture are paired one to one, the best OKS first. Whoever is
found by nobody has OKS 0, no point right, and is left out of the distances only. Distances are shares of the person's
size, the longer side of the annotated box. Crowds and people without a labelled point neither gain nor cost anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bodydouble.evaluation.results import Result
from bodydouble.evaluation.truth import Person, Truth
from bodydouble.types import Array, BodyDoubleError

MISSED = 0.1  # an OKS below it is chance: the person was not found, the result is of nobody
FOUND = 0.5  # COCO's loosest threshold
PCK_SHARES = (0.05, 0.1, 0.2)  # of the person's size


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """One annotated person and what was found of them.

    oks: 0..1, 0 for nobody. similarity: (K,) exp(-e) of every point; distance: (K,) share of the person's size; both
    NaN where the point is not labelled; without a result similarity 0 and distance infinite.
    """

    person: Person
    result: Result | None
    oks: float
    similarity: Array
    distance: Array


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """The hits of one model, in the truth's order, and the results of nobody. K points, N people.

    mean_oks: over all people. found: share with an OKS of FOUND or more. pck: share of all labelled points within each
    of PCK_SHARES. error: mean distance of the labelled points of people found, in shares of their size.
    point_oks, point_pck, point_error: (K,) the same of every point (PCK at 0.1), NaN where none is labelled.
    """

    hits: tuple[Hit, ...]
    invented: tuple[Result, ...]
    points: tuple[str, ...]

    @property
    def oks(self) -> Array:
        """(N,) OKS of every person."""
        return np.array([hit.oks for hit in self.hits])

    @property
    def mean_oks(self) -> float:
        """Mean OKS, 0 where there is nobody."""
        return float(self.oks.mean()) if self.hits else 0.0

    @property
    def found(self) -> float:
        """Share of people with an OKS of FOUND or more."""
        return float((self.oks >= FOUND).mean()) if self.hits else 0.0

    @property
    def missed(self) -> list[Hit]:
        """The people whom no result is near."""
        return [hit for hit in self.hits if hit.oks < MISSED]

    @property
    def pck(self) -> dict[float, float]:
        """Share of the labelled points within each of PCK_SHARES."""
        distance = self._stacked("distance")
        labelled = distance[~np.isnan(distance)]
        return {share: float((labelled <= share).mean()) if len(labelled) else 0.0 for share in PCK_SHARES}

    @property
    def error(self) -> float:
        """Mean distance of the labelled points of people who have a result, in shares of their size."""
        distance = self._stacked("distance")
        known = distance[np.isfinite(distance)]
        return float(known.mean()) if len(known) else float("nan")

    @property
    def point_oks(self) -> Array:
        """(K,) mean similarity of every point."""
        return _mean(self._stacked("similarity"))

    @property
    def point_pck(self) -> Array:
        """(K,) share of every point within 0.1."""
        distance = self._stacked("distance")
        return _mean(np.where(np.isnan(distance), np.nan, distance <= PCK_SHARES[1]))

    @property
    def point_error(self) -> Array:
        """(K,) mean distance of every point of people who have a result."""
        distance = self._stacked("distance")
        return _mean(np.where(np.isfinite(distance), distance, np.nan))

    def _stacked(self, name: str) -> Array:
        return np.array([getattr(hit, name) for hit in self.hits]).reshape(-1, len(self.points))


def _mean(values: Array) -> Array:
    """(K,) means of the columns without their NaN; NaN for a column of nothing else."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    mean: Array = np.divide(total, count, out=np.full(values.shape[1], np.nan), where=count > 0)
    return mean


def similarities(person: Person, points: Array, sigmas: Array) -> Array:
    """(K,) exp(-e) of every point as cocoeval.py has it; OKS is the mean over the labelled ones.

    Of a person without a labelled point it tells whether the points lie in twice their box. points: (K, 2) pixels.
    """
    if (person.visible > 0).any():
        apart = points - person.points
    else:
        low, high = person.box[:2] - person.box[2:], person.box[:2] + 2 * person.box[2:]
        apart = np.maximum(0.0, low - points) + np.maximum(0.0, points - high)
    squared: Array = (apart**2).sum(axis=1) / (2 * sigmas) ** 2 / (person.area + np.spacing(1)) / 2
    return np.exp(-squared)


def oks(person: Person, points: Array, sigmas: Array) -> float:
    """Object keypoint similarity, 0..1."""
    labelled = person.visible > 0
    every = similarities(person, points, sigmas)
    return float(every[labelled].mean() if labelled.any() else every.mean())


def measure(truth: Truth, results: Sequence[Result]) -> Measures:
    """The hits of a model's results in the truth's pictures.

    Raises BodyDoubleError for a result with the box of somebody who is not annotated.
    """
    by_picture: dict[int, list[Result]] = {}
    for result in results:
        by_picture.setdefault(result.picture, []).append(result)
    hits: list[Hit] = []
    invented: list[Result] = []
    for picture, people in truth.by_picture().items():
        wanted = [person for person in people if person.counts]
        found = by_picture.get(picture, [])
        pairs = (
            _given(wanted, found, truth) if any(r.person is not None for r in found) else _paired(wanted, found, truth)
        )
        hits += [_hit(person, pairs.get(person.id), truth.sigmas) for person in wanted]
        used = {id(result) for result in pairs.values()}
        others = [person for person in people if not person.counts]
        invented += [
            result
            for result in found
            if id(result) not in used and not any(oks(one, result.points, truth.sigmas) >= FOUND for one in others)
        ]
    return Measures(tuple(hits), tuple(invented), truth.points)


def _given(people: Sequence[Person], results: Sequence[Result], truth: Truth) -> dict[int, Result]:
    """Results by the person whose box they were made with."""
    known = {person.id for person in people}
    for result in results:
        if result.person not in known:
            raise BodyDoubleError(
                f"a result for annotation {result.person}, which {truth.name} does not have in image {result.picture}; "
                "evaluate results with the annotations that they were made with"
            )
    return {result.person: result for result in results if result.person is not None}


def _paired(people: Sequence[Person], results: Sequence[Result], truth: Truth) -> dict[int, Result]:
    """Results by person, each once, the most similar pair first; pairs below MISSED are none."""
    table = np.array([[oks(person, result.points, truth.sigmas) for result in results] for person in people])
    pairs: dict[int, Result] = {}
    while table.size and table.max() >= MISSED:
        row, column = divmod(int(table.argmax()), len(results))
        pairs[people[row].id] = results[column]
        table[row, :] = -1.0
        table[:, column] = -1.0
    return pairs


def _hit(person: Person, result: Result | None, sigmas: Array) -> Hit:
    unknown = person.visible == 0
    if result is None:
        nothing = np.where(unknown, np.nan, 0.0)
        return Hit(person, None, 0.0, nothing, np.where(unknown, np.nan, np.inf))
    similarity = np.where(unknown, np.nan, similarities(person, result.points, sigmas))
    distance = np.linalg.norm(result.points - person.points, axis=1) / person.size
    return Hit(person, result, oks(person, result.points, sigmas), similarity, np.where(unknown, np.nan, distance))
