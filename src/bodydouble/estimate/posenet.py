"""PoseNet: 17 points of one person or several from one look at the whole picture.

Source pixels. One graph from picture to keypoints; people are told apart in it (posenet_decode.py).
Source of the scheme: tensorflow/tfjs-models, pose-detection/src/posenet; docs/decisions/estimate-posenet.md
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from bodydouble.estimate import aiming, cropping, graph, graph_input, posenet_decode
from bodydouble.estimate.family import Estimator, family
from bodydouble.estimate.posenet_decode import RADIUS, THRESHOLD, Decoding, Outputs
from bodydouble.estimate.posenet_lock import Lock
from bodydouble.estimate.posenet_network import reshaped
from bodydouble.estimate.region import Region
from bodydouble.estimate.session import Session, open_sessions
from bodydouble.models import Progress, onnx_path, silent
from bodydouble.skeletons import COCO_17, Skeleton
from bodydouble.types import Array, BodyDoubleError, Frame, Image, Pose

MODELS = ("posenet-mobilenet",)
MIN_SCORE = 0.15  # of a person (demos/camera.js: minPoseConfidence); below it are traces of others
BOX_SIDE = 1.25  # of the square that is seen around a box, over the box's longer side; 1 to 1.4 do nearly as well
RIVALS = 5  # people told apart while one is followed (MULTI_PERSON_ESTIMATION_CONFIG: maxPoses)
OUTPUTS = ("heatmap", "offsets", "forward", "backward")  # roles in the zoo, as posenet_decode.Outputs has them
VALUES = graph.Values(1 / 127.5, -1.0)  # of MobileNet: -1..1

# Devices where OpenCV's crop is the faster one: docs/decisions/estimate-crop.md
CROP_DEVICES = ("cpu", "openvino")


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be chosen of the network and the decoder.

    width, height: pixels of the network's input, whole strides and one more. stride: pixels between cells; less is
    finer and slower. threshold: heat from which on a point may be a person's first. radius: pixels of the input within
    which two points of a kind are one.
    """

    width: int = 385
    height: int = 385
    stride: int = 16
    threshold: float = THRESHOLD
    radius: float = RADIUS

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise BodyDoubleError(f"a threshold of {self.threshold}; give 0 to 1")
        if not self.radius > 0:
            raise BodyDoubleError(f"a radius of {self.radius} pixels; give more than 0")


DEFAULT = Choices()


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
    """The graph in use. preparation: where crops are made."""

    session: Session
    wanted: graph.Input
    preparation: graph.Preparation

    def look(self, image: Image, where: Region) -> Found:
        """The people in an upright region of the picture."""
        feed: dict[str, npt.NDArray[np.generic]] = {"region": where.array()}
        if self.preparation is graph.Preparation.IMAGE:
            feed["image"] = image
        else:
            feed["crop"] = cropping.cut(image, where, self.wanted)
        values = dict(zip(self.session.outputs, self.session(feed), strict=True))
        count = int(values["count"][0])
        return Found(
            people=values["keypoints"][:count].astype(np.float64),
            scores=values["scores"][:count].astype(np.float64),
            single=values["single"][0].astype(np.float64),
            single_score=float(values["single_score"][0]),
        )


def letterbox(width: float, height: float, wanted: graph.Input) -> Region:
    """The region around the whole picture with the input's aspect ratio."""
    return Region(width / 2, height / 2, max(width, height * wanted.width / wanted.height))


class PoseNet:
    """The estimator of a PoseNet model (see family.Estimator).

    With one person to follow, the answer is the single pose while nobody else is seen, else whoever is followed.
    """

    skeleton: Skeleton = COCO_17

    def __init__(self, model: str, network: Network, people: int) -> None:
        self.model = model
        self.provider = network.session.device
        self._network = network
        self._lock = Lock() if people == 1 else None

    def __call__(self, frame: Frame) -> list[Pose]:
        """The people in the frame, in its pixels; [] means looked, and nobody is there."""
        found = self._network.look(frame.image, letterbox(*frame.size, self._network.wanted))
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
        found = self._network.look(frame.image, aiming.around(inside, BOX_SIDE))
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
    return PoseNet(model, open_network(load_network(model, progress), device, people, threads), people)


def load_network(model: str, progress: Progress = silent) -> onnx.ModelProto:
    """The converted network of a model of the zoo; its outputs are those of OUTPUTS, in order."""
    return onnx.load(onnx_path(model, outputs=OUTPUTS, progress=progress))


def open_network(
    network: onnx.ModelProto, device: str, people: int, threads: int | None = None, choices: Choices = DEFAULT
) -> Network:
    """A session of a network from load_network that tells up to `people` people apart.

    Raises BodyDoubleError for choices that the network does not allow, and as open_sessions does.
    """
    how = Decoding(RIVALS if people == 1 else people, True, choices.threshold, choices.radius)
    wanted = wanted_input(network, choices)

    def preparation(name: str) -> graph.Preparation:
        return graph.Preparation.CROP if name in CROP_DEVICES else graph.Preparation.IMAGE

    def graphs(name: str) -> dict[str, onnx.ModelProto]:
        return {"network": posenet_graph(network, choices, how, preparation(name))}

    session = open_sessions(graphs, device, threads)["network"]
    return Network(session, wanted, preparation(session.device))


def wanted_input(network: onnx.ModelProto, choices: Choices) -> graph.Input:
    """What the network wants to see: the picture in its aspect ratio, its border continued around it."""
    return graph.Input(
        network.graph.input[0].name,
        choices.width,
        choices.height,
        VALUES,
        graph.Border.REPLICATE,
        rounding=graph.Rounding.NONE,
        upright=True,
    )


def posenet_graph(
    network: onnx.ModelProto, choices: Choices, how: Decoding, preparation: graph.Preparation
) -> onnx.ModelProto:
    """One graph: `image` or `crop` and `region` (4,) in, the outputs of posenet_decode.decode out."""
    wanted = wanted_input(network, choices)
    sized = reshaped(network, choices.width, choices.height, choices.stride)
    outputs = Outputs(*(value.name for value in network.graph.output))
    decoding = posenet_decode.decode(sized, wanted, choices.stride, outputs, how)
    return graph.compose(sized, graph_input.prepare(sized, wanted, preparation), decoding)
