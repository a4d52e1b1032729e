"""PoseNet: 17 points of one person or several from one look at the whole picture.

Source pixels. One graph from picture to keypoints (posenet_graph.py); people are told apart in it (posenet_decode.py).
Why it is as it is: docs/decisions/estimate-posenet.md
"""

from __future__ import annotations

from contextvars import copy_context
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from bodydouble.estimate import aiming, cropping, graph
from bodydouble.estimate.family import Estimator, family
from bodydouble.estimate.posenet_graph import (
    DEFAULT,
    Choices,
    decoding_for,
    letterbox,
    load_network,
    posenet_graph,
    preparation_on,
    wanted_input,
)
from bodydouble.estimate.posenet_lock import Lock
from bodydouble.estimate.region import Region
from bodydouble.estimate.session import Session, open_sessions
from bodydouble.models import Progress
from bodydouble.skeletons import COCO_17, Skeleton
from bodydouble.types import Array, Frame, Image, Pose

MODELS = ("posenet-mobilenet",)
MIN_SCORE = 0.15  # of a person (posenet/demos/camera.js: minPoseConfidence); below it are traces of others
BOX_SIDE = 1.25  # of the square that is seen around a box, over the box's longer side; 1.1 to 1.4 do as well
MOST_SHAPES = 4  # of pictures for which a graph is kept ready


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One look. people: (P, 17, 3) x, y in pixels, score, the surest root first; scores: (P,).

    single: (17, 3) with every part where it is surest, as if there were one person; single_score: 0..1.
    """

    people: Array
    scores: Array
    single: Array
    single_score: float


@dataclass(frozen=True, slots=True)
class Network:
    """A graph in use. preparation: where crops are made."""

    session: Session
    wanted: graph.Input
    preparation: graph.Preparation

    def look(self, image: Image, where: Region) -> Found:
        """The people in an upright region of the picture."""
        feed: dict[str, npt.NDArray[np.generic]] = {"region": where.array()}
        if self.preparation is graph.Preparation.CROP:
            feed["crop"] = cropping.cut(image, where, self.wanted)
        else:
            feed["image"] = image
        values = dict(zip(self.session.outputs, self.session(feed), strict=True))
        count = int(values["count"][0])
        return Found(
            people=values["keypoints"][:count].astype(np.float64),
            scores=values["scores"][:count].astype(np.float64),
            single=values["single"][0].astype(np.float64),
            single_score=float(values["single_score"][0]),
        )

    def look_at_all(self, image: Image) -> Found:
        """The people in the whole picture."""
        return self.look(image, letterbox(image.shape[1], image.shape[0], self.wanted))


class Networks:
    """The graphs of a network, one for each shape of input that pictures of other shapes want."""

    def __init__(
        self,
        network: onnx.ModelProto,
        device: str,
        people: int,
        threads: int | None = None,
        choices: Choices = DEFAULT,
    ) -> None:
        """Opens the graph for square regions; raises BodyDoubleError as posenet_graph and open_sessions do.

        network: of load_network. device, threads: see family.load. people: the most that are told apart.
        """
        self._network, self._choices, self._threads = network, choices, threads
        self._how = decoding_for(people, choices)
        self._open: dict[tuple[int, int], Network] = {}
        self.whole = self._opened(choices, device)
        # Who listens for sessions that are opened (session.opened) also hears of those that are opened later.
        self._context = copy_context()

    def on(self, image: Image) -> Network:
        """The graph that sees pictures of this one's shape best."""
        fitting = self._choices.on(image.shape[1], image.shape[0])
        if fitting == self._choices:
            return self.whole
        size = (fitting.width, fitting.height)
        if size not in self._open:
            if len(self._open) == MOST_SHAPES:
                del self._open[next(iter(self._open))]
            self._open[size] = self._context.run(self._opened, fitting, self.whole.session.device)
        return self._open[size]

    def _opened(self, choices: Choices, device: str) -> Network:
        def graphs(name: str) -> dict[str, onnx.ModelProto]:
            return {"network": posenet_graph(self._network, choices, self._how, preparation_on(name))}

        session = open_sessions(graphs, device, self._threads)["network"]
        return Network(session, wanted_input(self._network, choices), preparation_on(session.device))


class PoseNet:
    """The estimator of a PoseNet model (see family.Estimator).

    With one person to follow, the answer is the single pose while nobody else is seen, else whoever is followed.
    """

    skeleton: Skeleton = COCO_17

    def __init__(self, model: str, networks: Networks, people: int) -> None:
        self.model = model
        self.provider = networks.whole.session.device
        self._networks = networks
        self._lock = Lock() if people == 1 else None

    def __call__(self, frame: Frame) -> list[Pose]:
        """The people in the frame, in its pixels; [] means looked, and nobody is there."""
        found = self._networks.on(frame.image).look_at_all(frame.image)
        sure = found.scores >= MIN_SCORE
        people, scores = found.people[sure], found.scores[sure]
        if self._lock is None:
            return [_pose(points, score, frame.time) for points, score in zip(people, scores.tolist(), strict=True)]
        if len(people) < 2:
            people, scores = found.single[None], np.array([found.single_score])
        if scores.max() < MIN_SCORE:
            return []
        chosen = self._lock(people, scores, frame.time)
        return [] if chosen is None else [_pose(people[chosen], float(scores[chosen]), frame.time)]

    def estimate_in(self, frame: Frame, box: Array) -> Pose | None:
        """The person in a box (see family.Aimed)."""
        inside = aiming.checked_box(box, frame.image)
        if inside is None:
            return None
        found = self._networks.whole.look(frame.image, aiming.around(inside, BOX_SIDE))
        people, scores = found.people, found.scores
        if not len(people):
            people, scores = found.single[None], np.array([found.single_score])
        fit = [score * _filled(points, inside) for points, score in zip(people, scores, strict=True)]
        best = int(np.argmax(fit))
        return _pose(people[best], float(scores[best]), frame.time)

    def reset(self) -> None:
        """Forget everybody."""
        if self._lock is not None:
            self._lock.reset()


def _pose(points: Array, score: float, time: float) -> Pose:
    """Keypoints as the other stages know them."""
    return Pose(skeleton=COCO_17.name, points=points[:, :2], scores=points[:, 2], score=score, time=time)


def _filled(points: Array, box: Array) -> float:
    """How well a person's points fill a box, 0..1."""
    ones = np.ones((len(points), 1))
    return aiming.filled(np.hstack([points[:, :2], ones, points[:, 2:], ones]), box)


@family(*MODELS)
def posenet(model: str, device: str, people: int, threads: int | None, progress: Progress) -> Estimator:
    """An estimator of a PoseNet model; see family.load."""
    return PoseNet(model, Networks(load_network(model, progress), device, people, threads), people)
