"""COCO's own keypoint figures, by faster-coco-eval or, where only that is there, pycocotools.

The figures are the tool's, to the last bit: nothing of the protocol is written again here. -1 is COCO's word for "there
is nobody of that size".
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

import numpy as np

from bodydouble.evaluation.results import Result
from bodydouble.evaluation.truth import Person, Truth
from bodydouble.types import Array, BodyDoubleError

MOST_PEOPLE = 20  # results a picture that count, the best ones (cocoeval.py, maxDets of keypoints)
NOBODY = -1.0
_AREA_ALL, _MOST = 0, 0  # places of "all sizes" and "20 people" in COCO's table of precisions


@dataclass(frozen=True, slots=True)
class Figures:
    """What COCO reports, 0..1 or NOBODY: average precision and recall over OKS 0.50 to 0.95, at 0.50, at 0.75, and of
    people of 32^2 to 96^2 square pixels and of larger ones.
    """

    ap: float
    ap50: float
    ap75: float
    ap_medium: float
    ap_large: float
    ar: float
    ar50: float
    ar75: float
    ar_medium: float
    ar_large: float

    def as_dict(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Precision over recall, all sizes. recall: (101,). precision: (T, 101), -1 for nobody. thresholds: (T,) OKS."""

    recall: Array
    precision: Array
    thresholds: Array

    def at(self, threshold: float) -> Array:
        """(101,) precision at the threshold next to this one."""
        row: Array = self.precision[int(np.argmin(np.abs(self.thresholds - threshold)))]
        return row


def coco_figures(truth: Truth, results: Sequence[Result], tool: str | None = None) -> tuple[Figures, Curves]:
    """COCO's figures of some results for all pictures of `truth`.

    tool: "faster-coco-eval" or "pycocotools"; None takes the first that is installed. Raises BodyDoubleError if there
    is none, or for a result of another picture or with another number of points.
    """
    known = {picture.id for picture in truth.pictures}
    for result in results:
        if result.picture not in known or result.points.shape != (len(truth.points), 2):
            raise BodyDoubleError(
                f"a result for image {result.picture} with {len(result.points)} points; wanted images of {truth.name} "
                f"and {len(truth.points)} points"
            )
    coco_class, evaluator_class = _tool(tool)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints as it goes
        evaluator = evaluator_class(
            _indexed(coco_class, truth, [_annotation(truth, person) for person in truth.people]),
            _indexed(coco_class, truth, [_detection(truth, i, one) for i, one in enumerate(results, start=1)]),
            "keypoints",
        )
        evaluator.params.kpt_oks_sigmas = truth.sigmas
        evaluator.params.imgIds = [picture.id for picture in truth.pictures]
        evaluator.params.catIds = [truth.category]
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    stats = [float(value) for value in evaluator.stats[:10]]
    params = evaluator.params
    precision = np.asarray(evaluator.eval["precision"], dtype=np.float64)[:, :, 0, _AREA_ALL, _MOST]
    return Figures(*stats), Curves(np.asarray(params.recThrs), precision, np.asarray(params.iouThrs))


# The module, and in it the names of the classes COCO and COCOeval.
_TOOLS = {
    "faster-coco-eval": (("faster_coco_eval", "COCO"), ("faster_coco_eval", "COCOeval_faster")),
    "pycocotools": (("pycocotools.coco", "COCO"), ("pycocotools.cocoeval", "COCOeval")),
}


def _tool(wanted: str | None) -> tuple[Any, Any]:
    """The classes COCO and COCOeval of a tool."""
    for name, ((home, coco), (other_home, evaluator)) in _TOOLS.items():
        if wanted in (None, name):
            try:
                return getattr(import_module(home), coco), getattr(import_module(other_home), evaluator)
            except ImportError:
                continue
    raise BodyDoubleError(f'no {wanted or " or ".join(_TOOLS)} here; add the extra: pip install "bodydouble[eval]"')


def _indexed(coco_class: Any, truth: Truth, annotations: list[dict[str, Any]]) -> Any:
    """A COCO object without a file."""
    made = coco_class()
    made.dataset = {
        "images": [{"id": picture.id} for picture in truth.pictures],
        "categories": [{"id": truth.category, "name": "person"}],
        "annotations": annotations,
    }
    made.createIndex()
    return made


def _annotation(truth: Truth, person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "image_id": person.picture,
        "category_id": truth.category,
        "bbox": person.box.tolist(),
        "area": person.area,
        "iscrowd": int(person.crowd),
        "num_keypoints": person.labelled,
        "keypoints": np.column_stack([person.points, person.visible]).ravel().tolist(),
    }


def _detection(truth: Truth, number: int, result: Result) -> dict[str, Any]:
    """As COCO.loadRes makes it: box and area are those of all points, missing ones included."""
    low, extent = result.points.min(axis=0), np.ptp(result.points, axis=0)
    return {
        "id": number,
        "image_id": result.picture,
        "category_id": truth.category,
        "keypoints": np.column_stack([result.points, result.scores]).ravel().tolist(),
        "score": result.score,
        "bbox": [*low.tolist(), *extent.tolist()],
        "area": float(extent[0] * extent[1]),
    }
