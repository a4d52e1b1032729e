"""What a model found, and the file of it: COCO keypoint results, evaluated again without running the model.

Pixels of the picture as stored. A point that the model lacks is 0, 0 with score 0. In the file the third number of a
point is its score (COCO does not read it), and with the annotated boxes given, `annotation_id` says whose box it was.
Source: cocodataset.org, format-results
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bodydouble.evaluation.truth import Truth
from bodydouble.outputs.files import written
from bodydouble.skeletons import select, selection, skeleton
from bodydouble.types import Array, BodyDoubleError, Pose

# Decimals in the file: finer than any model; the figures are made from the rounded numbers.
_PIXEL_DECIMALS, _SCORE_DECIMALS = 3, 5


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One person found. picture: its id. points: (K, 2) in the truth's order. scores: (K,) 0..1. score: 0..1.

    person: the annotation whose box was given, None when the model looked by itself.
    """

    picture: int
    points: Array
    scores: Array
    score: float
    person: int | None = None


def result_of(pose: Pose, truth: Truth, picture: int, person: int | None = None) -> Result:
    """A pose as a result, its points by name in the truth's order.

    The score is the model's confidence in the person times the mean of its points' scores, by which submissions to COCO
    rank people: a confidence alone is near 1 for everybody whom a detector let pass.
    """
    points, scores = select(skeleton(pose.skeleton), truth.points, pose.points, pose.scores)
    points, scores = np.round(points, _PIXEL_DECIMALS), np.round(scores, _SCORE_DECIMALS)
    known = np.asarray((selection(skeleton(pose.skeleton), truth.points) > 0).any(axis=1))
    score = round(float(pose.score * scores[known].mean()), _SCORE_DECIMALS) if known.any() else 0.0
    return Result(picture, np.where(known[:, None], points, 0.0), np.where(known, scores, 0.0), score, person)


def as_entry(result: Result, truth: Truth) -> dict[str, Any]:
    """A result as the file has it."""
    entry: dict[str, Any] = {
        "image_id": result.picture,
        "category_id": truth.category,
        "keypoints": np.column_stack([result.points, result.scores]).ravel().tolist(),
        "score": result.score,
    }
    return entry if result.person is None else {**entry, "annotation_id": result.person}


def from_entry(entry: Mapping[str, Any], truth: Truth, where: str) -> Result:
    """A result from an entry of a file. Raises BodyDoubleError naming `where` it stands and what is wrong with it."""
    try:
        picture, score = int(entry["image_id"]), float(entry["score"])
        triples = np.array(entry["keypoints"], dtype=np.float64)
        person = entry.get("annotation_id")
        person = None if person is None else int(person)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BodyDoubleError(
            f"{where}: no image_id, score and keypoints in numbers ({error}); give COCO keypoint results"
        ) from error
    if triples.shape != (3 * len(truth.points),) or not np.isfinite(triples).all():
        raise BodyDoubleError(
            f"{where}: {triples.size} keypoint values; {truth.name} has {len(truth.points)} points, x y v each"
        )
    points = triples.reshape(-1, 3)
    return Result(picture, points[:, :2], points[:, 2], score, person)


def write_results(path: Path, results: Sequence[Result], truth: Truth, *, force: bool = False) -> None:
    """Write COCO results; the file appears whole or not at all."""
    with written(path, force=force) as temporary:
        lines = ",\n".join(json.dumps(as_entry(result, truth)) for result in results)
        temporary.write_text(f"[\n{lines}\n]\n" if results else "[]\n", encoding="utf-8")


def read_results(path: str | Path, truth: Truth) -> list[Result]:
    """The results in a file, of the truth's pictures and of people only. Raises BodyDoubleError, one line."""
    path = Path(path)
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BodyDoubleError(f"cannot read {path} ({error.strerror}); give COCO keypoint results") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BodyDoubleError(f"{path.name} is not JSON ({error}); give COCO keypoint results") from error
    if not isinstance(entries, list):
        raise BodyDoubleError(f"{path.name} holds no list; give COCO keypoint results: [{{image_id, keypoints, ...}}]")
    return list(_of_people(entries, truth, path.name))


def _of_people(entries: Iterable[Any], truth: Truth, name: str) -> Iterable[Result]:
    for number, entry in enumerate(entries):
        if isinstance(entry, dict) and entry.get("category_id", truth.category) != truth.category:
            continue
        yield from_entry(entry, truth, f"{name}, entry {number}")
