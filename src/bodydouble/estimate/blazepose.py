"""BlazePose: a person detector, then 33 points and their metric positions in a rotated region around each person.

Source pixels, radians, metres. The detector runs when somebody is looked for; a followed person's next region comes
from two auxiliary points of the landmark model (following.py).
Source of the scheme: google-ai-edge/mediapipe, modules/pose_detection and modules/pose_landmark
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from bodydouble.estimate import aiming, cropping, graph, region, ssd
from bodydouble.estimate.family import Estimator, family
from bodydouble.estimate.following import MIN_PRESENCE, Follower
from bodydouble.estimate.region import Region
from bodydouble.estimate.session import Session, open_sessions
from bodydouble.estimate.sight import Sight, colour_between, usable
from bodydouble.models import Progress, onnx_path
from bodydouble.skeletons import BLAZEPOSE_33, Skeleton
from bodydouble.types import Array, Frame, Image, Pose

DETECTOR = "blazepose-detector"
DETECTOR_STRIDES = (8, 16, 32, 32, 32)  # pose_detection_cpu.pbtxt, as the next ones
MIN_DETECTION = 0.5
MOST_CANDIDATES = 128  # kept before suppression; a person gives 10 to 40

# Values of a byte: -1..1 for the detector, 0..1 for the landmarks.
DETECTOR_INPUT = graph.Input("input_1", 224, 224, graph.Values(1 / 127.5, -1.0), graph.Border.BLACK)
DETECTOR_OUTPUTS = graph.DetectorOutputs("Identity", "Identity_1", MOST_CANDIDATES)
LANDMARK_INPUT = graph.Input("input_1", 256, 256, graph.Values(1 / 255), graph.Border.REPLICATE)
LANDMARK_OUTPUTS = graph.LandmarkOutputs(
    landmarks="Identity",
    presence="Identity_1",
    world="Identity_4",
    heatmap="Identity_3",
    total=39,
    kept=35,
    bodies=33,
    cells=64,
)
TRUNK = [BLAZEPOSE_33.index[name] for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")]
HIPS, RIM = 33, 34  # the auxiliary points: middle of the hips, and the circle around the body

# Devices where OpenCV's crop is the faster one: docs/decisions/estimate-crop.md
CROP_DEVICES = ("cpu", "openvino")


@dataclass(frozen=True, slots=True)
class Networks:
    """The two graphs of a model in use. preparation: where crops are made."""

    detector: Session
    landmarks: Session
    preparation: graph.Preparation

    def detect(self, image: Image, area: Region) -> list[tuple[Region, float]]:
        """Regions and scores of the people whom the detector sees in an upright square area, best first."""
        people = ssd.suppress(self._candidates(image, area))
        regions = [region.from_alignment(points[0], points[1]) for points in people.points]
        return list(zip(regions, people.scores.tolist(), strict=True))

    def _candidates(self, image: Image, area: Region) -> ssd.Detections:
        answers = self.detector(self._feed(image, area, DETECTOR_INPUT))
        boxes, points, scores = (answer.astype(np.float64) for answer in answers)
        likely = scores >= MIN_DETECTION
        return ssd.Detections(boxes[likely], points[likely], scores[likely])

    def look(self, image: Image, where: Region) -> Sight:
        """The person in a region."""
        points, world, score = self.landmarks(self._feed(image, where, LANDMARK_INPUT))
        values = points.astype(np.float64)
        return Sight(
            points=values,
            world=world.astype(np.float64),
            score=float(score[0]),
            hips=values[HIPS, :2],
            rim=values[RIM, :2],
            colour=colour_between(image, values[TRUNK, :2]),
        )

    def _feed(self, image: Image, where: Region, wanted: graph.Input) -> dict[str, np.ndarray]:
        if self.preparation is graph.Preparation.IMAGE:
            return {"image": image, "region": where.array()}
        return {"crop": cropping.cut(image, where, wanted), "region": where.array()}


class BlazePose:
    """The estimator of one BlazePose model (see family.Estimator, Aimed and Steered)."""

    skeleton: Skeleton = BLAZEPOSE_33

    def __init__(self, model: str, networks: Networks, people: int) -> None:
        self.model = model
        self.provider = networks.landmarks.device
        self._networks = networks
        self._follow = Follower(networks, people)
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: Frame) -> list[Pose]:
        """The people in the frame, in its pixels; [] means looked, and nobody is there."""
        if frame.size != self._size:
            self._follow.reset()
            self._size = frame.size
        return [_pose(sight, frame.time) for sight in self._follow(frame.image, frame.time)]

    def estimate_in(self, frame: Frame, box: Array) -> Pose | None:
        """The person in a box (see family.Aimed)."""
        inside = aiming.checked_box(box, frame.image)
        if inside is None:
            return None
        return _pose(aiming.look_in(self._networks, frame.image, inside, len(BLAZEPOSE_33)), frame.time)

    @property
    def others(self) -> int:
        """People who were found beside the one followed (see family.Steered)."""
        return self._follow.others

    def follow(self, frame: Frame, box: Array) -> bool:
        """Follow the one person in a box (see family.Steered)."""
        inside = aiming.checked_box(box, frame.image)
        if inside is None:
            return False
        sight = aiming.look_in(self._networks, frame.image, inside, len(BLAZEPOSE_33))
        if sight.score < MIN_PRESENCE or not usable(sight):
            return False
        self._follow.follow(sight, frame.time)
        self._size = frame.size
        return True

    def take_over(self, before: Estimator) -> bool:
        """Follow whom another BlazePose model followed (see family.Steered)."""
        if not isinstance(before, BlazePose):
            return False
        self._follow.take_over(before._follow)
        self._size = before._size
        return True

    def reset(self) -> None:
        """Forget everybody."""
        self._follow.reset()
        self._size = None


def _pose(sight: Sight, time: float) -> Pose:
    """A sighting as the other stages know it."""
    count = len(BLAZEPOSE_33)
    points = sight.points[:count]
    return Pose(
        skeleton=BLAZEPOSE_33.name,
        points=points[:, :2],
        scores=points[:, 3] * points[:, 4],
        score=sight.score,
        time=time,
        depth=points[:, 2],
        world=sight.world,
        visibility=points[:, 3],
        presence=points[:, 4],
    )


@family("blazepose-lite", "blazepose-full", "blazepose-heavy")
def blazepose(model: str, device: str, people: int, threads: int | None, progress: Progress) -> Estimator:
    """An estimator of one of the BlazePose models; see family.load."""
    return BlazePose(model, open_networks(converted(model, progress), device, threads), people)


def converted(model: str, progress: Progress) -> dict[str, onnx.ModelProto]:
    """The networks of a model as they come from the converter: "detector" and "landmarks"."""
    return {
        "detector": onnx.load(onnx_path(DETECTOR, outputs=DETECTOR_OUTPUTS.names, progress=progress)),
        "landmarks": onnx.load(onnx_path(model, outputs=LANDMARK_OUTPUTS.names, progress=progress)),
    }


def open_networks(networks: dict[str, onnx.ModelProto], device: str, threads: int | None) -> Networks:
    """Sessions of the converted "detector" and "landmarks", with the preparation that is fastest on the device."""

    def graphs(preparation: graph.Preparation) -> dict[str, onnx.ModelProto]:
        centres = ssd.anchors(DETECTOR_INPUT.size, DETECTOR_STRIDES)
        return {
            "detector": graph.detector_graph(
                networks["detector"], DETECTOR_INPUT, DETECTOR_OUTPUTS, centres, preparation
            ),
            "landmarks": graph.landmark_graph(networks["landmarks"], LANDMARK_INPUT, LANDMARK_OUTPUTS, preparation),
        }

    def preparation(name: str) -> graph.Preparation:
        return graph.Preparation.CROP if name in CROP_DEVICES else graph.Preparation.IMAGE

    sessions = open_sessions(lambda name: graphs(preparation(name)), device, threads)
    return Networks(**sessions, preparation=preparation(sessions["landmarks"].device))
