"""Single-shot detector arithmetic: anchors, decoding, weighted suppression.

Boxes and points are in units of the detector's square input (0..1, x right, y down) unless said otherwise.
Source: google-ai-edge/mediapipe, calculators/tflite/ssd_anchors_calculator.cc,
calculators/tensor/tensors_to_detections_calculator.cc, calculators/util/non_max_suppression_calculator.cc
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from bodydouble.types import Array

ANCHORS_PER_LAYER = 2  # aspect ratio 1 and the interpolated one; both have the fixed size 1 x 1
ANCHOR_OFFSET = 0.5  # anchors lie at the middle of their cell
MAX_OVERLAP = 0.3  # intersection over union above which two boxes are one person


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """N candidate people, best first. boxes: (N, 4) x, y, width, height from the top-left corner.
    points: (N, P, 2). scores: (N,) 0..1.
    """

    boxes: Array
    points: Array
    scores: Array

    def __len__(self) -> int:
        return len(self.scores)


def anchors(size: int, strides: Sequence[int]) -> Array:
    """(N, 2) anchor centres of a detector with a square input of `size` pixels and one layer a stride.

    Neighbouring layers of the same stride share their cells: all anchors of a cell follow each other.
    """
    centres = []
    for stride, layers in groupby(strides):
        cells = -(-size // stride)
        repeats = ANCHORS_PER_LAYER * len(list(layers))
        line = (np.arange(cells) + ANCHOR_OFFSET) / cells
        grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, repeats, axis=0))
    return np.concatenate(centres)


def decode(raw: Array, centres: Array, size: int) -> tuple[Array, Array]:
    """Boxes (N, 4) and points (N, P, 2) from a detector's raw values.

    raw: (N, 4 + 2 P) pixels of the detector's input, relative to the anchor: middle x, y, width, height, then points.
    centres: (N, 2) as `anchors` gives them.
    """
    values = raw.reshape(len(raw), -1, 2) / size
    middle = values[:, 0] + centres
    extent = values[:, 1]
    return np.concatenate([middle - extent / 2, extent], axis=1), values[:, 2:] + centres[:, None]


def overlap(box: Array, boxes: Array) -> Array:
    """(N,) intersection over union of one box (4,) with many (N, 4), all x, y, width, height."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0.0, None), axis=1)
    union = np.prod(box[2:]) + np.prod(boxes[:, 2:], axis=1) - shared
    share: Array = np.divide(shared, union, out=np.zeros(len(boxes)), where=union > 0)
    return share


def suppress(found: Detections, max_overlap: float = MAX_OVERLAP) -> Detections:
    """Weighted non-maximum suppression: boxes that overlap the best one are averaged with it by score.

    Each result keeps the score of its best box. Results are in order of score.
    """
    order = np.argsort(-found.scores, kind="stable")
    boxes, points, scores = found.boxes[order], found.points[order], found.scores[order]
    kept: list[tuple[Array, Array, float]] = []
    while len(scores):
        same = overlap(boxes[0], boxes) > max_overlap
        same[0] = True  # a box without area overlaps nothing, itself included
        weights = scores[same] / scores[same].sum()
        kept.append((weights @ boxes[same], np.tensordot(weights, points[same], axes=1), float(scores[0])))
        boxes, points, scores = boxes[~same], points[~same], scores[~same]
    if not kept:
        return found
    return Detections(*(np.array(column) for column in zip(*kept, strict=True)))
