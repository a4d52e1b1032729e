"""MoveNet for up to six people at once, and as the finder for the networks that see one person.

Source pixels. Who is who over time is tracking.py's to say; here only the one person of `people=1` is kept in mind.
Source: tensorflow/tfjs-models, pose-detection/src/movenet/detector.ts
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from bodydouble.estimate import cropping, graph, movenet_graph
from bodydouble.estimate.family import Estimator, family
from bodydouble.estimate.movenet_box import fit, inside
from bodydouble.estimate.movenet_published import MIN_PERSON
from bodydouble.estimate.session import Session, open_sessions
from bodydouble.models import Progress, onnx_path
from bodydouble.skeletons import COCO_17, Skeleton
from bodydouble.types import Array, Frame, Image, Pose

FINDER = "movenet-multipose"
SAME_BODY = 0.1  # of the larger body's size, the median distance between the points of one person found twice
SAME_PERSON = 0.5  # body sizes that the one person followed may have moved, and SPEED a second more
SPEED = 1.5
PATIENCE = 1.0  # seconds that the one person is waited for (maxAge of the published trackers)
BOX_MARGIN = 0.5  # of a box's sides, seen around it on each side

# Where pictures are cropped, by device; elsewhere in the graph (docs/decisions/movenet.md).
PREPARATIONS = {"cpu": graph.Preparation.RESIZE, "openvino": graph.Preparation.CROP}


def preparation_on(device: str) -> graph.Preparation:
    """Where crops are made for a device."""
    return PREPARATIONS.get(device, graph.Preparation.IMAGE)


def feed(image: Image, wanted: graph.Whole, preparation: graph.Preparation) -> dict[str, np.ndarray]:
    """What movenet_graph.several_graph takes, of a picture."""
    if preparation is not graph.Preparation.CROP:
        return {"image": np.ascontiguousarray(image)}
    crop, extent = cropping.whole(image, wanted)
    return {"crop": crop, "extent": extent}


def people_in(points: Array, scores: Array, least: float) -> list[int]:
    """Rows of the people who score `least` or more, best first, each body once. points: (N, 17, 3)."""
    kept: list[int] = []
    for row in np.argsort(-scores, kind="stable"):
        if scores[row] >= least and not any(same_body(points[row], points[other]) for other in kept):
            kept.append(int(row))
    return kept


def size_of(points: Array) -> float:
    """Pixels of the diagonal of a body's points."""
    return float(np.hypot(*np.ptp(points[:, :2], axis=0)))


def same_body(one: Array, other: Array) -> bool:
    """Whether two people are one person found twice."""
    between = np.median(np.linalg.norm(one[:, :2] - other[:, :2], axis=1))
    return bool(between <= SAME_BODY * max(size_of(one), size_of(other)))


class Several:
    """The estimator of MoveNet for several people (see family.Aimed)."""

    model: str = FINDER
    skeleton: Skeleton = COCO_17

    def __init__(self, network: Session, wanted: graph.Whole, preparation: graph.Preparation, people: int) -> None:
        self.provider = network.device
        self._network = network
        self._wanted = wanted
        self._preparation = preparation
        self._most = people
        self.reset()

    def __call__(self, frame: Frame) -> list[Pose]:
        """The people in the frame, in its pixels, the surest first; [] means looked, and nobody is there."""
        points, _, scores = self._look(frame.image)
        found = [(points[row], float(scores[row])) for row in people_in(points, scores, MIN_PERSON)]
        if self._most == 1:
            found = self._only(found, frame.time)
        return [pose_of(person, score, frame.time) for person, score in found[: self._most]]

    def estimate_in(self, frame: Frame, box: Array) -> Pose | None:
        """The person in a box x, y, width, height of the frame's pixels; see family.Aimed."""
        if not inside(box, frame.size):
            return None
        x, y, width, height = box
        low = np.maximum([x - BOX_MARGIN * width, y - BOX_MARGIN * height], 0).astype(int)
        high = np.array([x + (1 + BOX_MARGIN) * width, y + (1 + BOX_MARGIN) * height]).astype(int) + 1
        points, _, scores = self._look(frame.image[low[1] : high[1], low[0] : high[0]])
        points[:, :, :2] += low
        best = max(range(len(points)), key=lambda row: fit(points[row], box) * scores[row] ** 0.5)
        return pose_of(points[best], float(scores[best]), frame.time)

    def reset(self) -> None:
        """Forget who is followed."""
        self._one: Array | None = None
        self._time = -np.inf

    def _look(self, image: Image) -> tuple[Array, Array, Array]:
        points, boxes, scores = self._network(feed(image, self._wanted, self._preparation))
        return points.astype(np.float64), boxes.astype(np.float64), scores.astype(np.float64)

    def _only(self, found: Sequence[tuple[Array, float]], time: float) -> list[tuple[Array, float]]:
        """The one person followed: who is where they were, or after PATIENCE the largest."""
        gone = time - self._time
        if self._one is None or not 0 <= gone <= PATIENCE:
            chosen = max(found, key=lambda pair: size_of(pair[0]), default=None)
        else:
            before = self._one
            reach = (SAME_PERSON + SPEED * gone) * size_of(before)
            near = [(apart(pair[0], before), pair) for pair in found]
            near = [(far, pair) for far, pair in near if far <= reach]
            chosen = min(near, key=lambda entry: entry[0])[1] if near else None
        if chosen is None:
            return []
        self._one, self._time = chosen[0], time
        return [chosen]


def apart(one: Array, other: Array) -> float:
    """Pixels between two bodies' points on average."""
    return float(np.linalg.norm(one[:, :2] - other[:, :2], axis=1).mean())


def pose_of(points: Array, score: float, time: float) -> Pose:
    """Points (17, 3) x, y, score as the other stages know them."""
    return Pose(skeleton=COCO_17.name, points=points[:, :2], scores=points[:, 2], score=score, time=time)


@family(FINDER)
def several(model: str, device: str, people: int, threads: int | None, progress: Progress) -> Estimator:
    """An estimator of the network for several people; see family.load."""
    network = onnx.load(onnx_path(model, progress=progress))
    wanted = movenet_graph.several_input(network)

    def graphs(name: str) -> dict[str, onnx.ModelProto]:
        return {"network": movenet_graph.several_graph(network, preparation_on(name))}

    session = open_sessions(graphs, device, threads)["network"]
    return Several(session, wanted, preparation_on(session.device), people)
