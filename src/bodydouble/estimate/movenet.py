"""MoveNet: 17 points of a person in an upright square around them, or of up to six people in the whole picture.

Source pixels. Lightning and thunder see one person: the network for several people finds whom to look at, and from then
on each is followed by a crop of their own (following.py). Why not as published: docs/decisions/movenet.md
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from bodydouble.estimate import cropping, graph, movenet_crop, movenet_graph
from bodydouble.estimate.family import Estimator, family
from bodydouble.estimate.following import Follower, Manner
from bodydouble.estimate.movenet_box import square_around
from bodydouble.estimate.movenet_published import MIN_PERSON
from bodydouble.estimate.movenet_several import FINDER, feed, people_in, pose_of, preparation_on
from bodydouble.estimate.region import BODY_SCALE, Region
from bodydouble.estimate.session import Session, open_sessions
from bodydouble.estimate.sight import Sight, colour_between
from bodydouble.models import Progress, onnx_path
from bodydouble.skeletons import COCO_17, Skeleton
from bodydouble.types import Array, Frame, Image, Pose

MIN_FOUND = 0.15  # score from which somebody whom the finder sees is looked at; the look decides
FIRST_LOOKS = 2  # at somebody new: the first look gives the crop for the second
SURE = 2.5  # times a point's score, as the follower's visibility: MIN_POINT is as good as even
# A crop follows its body less steadily than BlazePose's: raised arms widen it, hips that leave the picture move it.
MANNER = Manner(
    min_score=MIN_PERSON, second_look=0.15, first_looks=FIRST_LOOKS, max_step=0.5, max_growth=3.0, seek_every=0.2
)
TRUNK = movenet_crop.TORSO


@dataclass(frozen=True, slots=True)
class Networks:
    """The two graphs of a model in use. single, several: what they want to see. preparation: where crops are made."""

    network: Session
    finder: Session
    single: graph.Input
    several: graph.Whole
    preparation: graph.Preparation

    def detect(self, image: Image, area: Region) -> list[tuple[Region, float]]:
        """Regions and scores of the people in an upright square area, best first.

        The whole image, if that is the area and nobody is found in it: the other network may see what this one misses.
        """
        height, width = image.shape[:2]
        left, top = (max(0, int(middle - area.size / 2)) for middle in (area.x, area.y))
        right, bottom = (int(middle + area.size / 2) + 1 for middle in (area.x, area.y))
        part = image[top : min(bottom, height), left : min(right, width)]
        points, _, scores = (
            answer.astype(np.float64) for answer in self.finder(feed(part, self.several, self.preparation))
        )
        people = people_in(points, scores, MIN_FOUND)
        places = [movenet_crop.around_everything(points[row] + (left, top, 0.0)) for row in people]
        if not people and area.size >= max(width, height):
            return [(area, 0.0)]
        return [(place, float(scores[row])) for place, row in zip(places, people, strict=True)]

    def look(self, image: Image, where: Region) -> Sight:
        """The person in a region, and where to look for them next."""
        height, width = image.shape[:2]
        where = movenet_crop.limited(where, width, height)
        points, score = self.points(image, where)
        torso = movenet_crop.torso_seen(points)
        after = (
            movenet_crop.close_around(points, width, height) if torso else movenet_crop.widened(where, width, height)
        )
        middle = np.array([after.x, after.y])
        sure = np.minimum(SURE * points[:, 2:], 1.0)
        return Sight(
            points=np.concatenate([points[:, :2], np.zeros_like(sure), sure, points[:, 2:]], axis=1),
            world=np.zeros((0, 3)),
            score=score,
            hips=middle,
            rim=middle - (0.0, after.size / (2 * BODY_SCALE)),
            colour=colour_between(image, points[TRUNK, :2]),
        )

    def points(self, image: Image, where: Region) -> tuple[Array, float]:
        """Points (17, 3) x, y, score and the person's score, of whom the network sees in a square."""
        points, score = self.network(self._feed(image, where))
        return points.astype(np.float64), float(score[0])

    def _feed(self, image: Image, where: Region) -> dict[str, np.ndarray]:
        if self.preparation is not graph.Preparation.CROP:
            return {"image": image, "region": where.array()}
        return {"crop": cropping.cut(image, where, self.single), "region": where.array()}


class MoveNet:
    """The estimator of MoveNet for one person, several of whom are followed one by one (see family.Aimed)."""

    skeleton: Skeleton = COCO_17

    def __init__(self, model: str, networks: Networks, people: int) -> None:
        self.model = model
        self.provider = networks.network.device
        self._networks = networks
        self._follow = Follower(networks, people, MANNER)
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: Frame) -> list[Pose]:
        """The people in the frame, in its pixels; [] means looked, and nobody is there."""
        if frame.size != self._size:
            self._follow.reset()
            self._size = frame.size
        return [
            pose_of(sight.points[:, [0, 1, 4]], sight.score, frame.time)
            for sight in self._follow(frame.image, frame.time)
        ]

    def estimate_in(self, frame: Frame, box: Array) -> Pose | None:
        """The person in a box x, y, width, height of the frame's pixels; see family.Aimed."""
        where = square_around(box, frame.size)
        if where is None:
            return None
        points, score = self._networks.points(frame.image, where)
        return pose_of(points, score, frame.time)

    def reset(self) -> None:
        """Forget everybody."""
        self._follow.reset()
        self._size = None


@family(*movenet_graph.SIDES)
def movenet(model: str, device: str, people: int, threads: int | None, progress: Progress) -> Estimator:
    """An estimator of lightning or thunder; see family.load."""
    network = onnx.load(onnx_path(model, progress=progress))
    finder = onnx.load(onnx_path(FINDER, progress=progress))
    return MoveNet(model, open_networks(network, finder, movenet_graph.SIDES[model], device, threads), people)


def open_networks(
    network: onnx.ModelProto, finder: onnx.ModelProto, side: int, device: str, threads: int | None
) -> Networks:
    """Sessions of a converted network for one person and of the finder, with the fastest preparation on the device."""

    def graphs(name: str) -> dict[str, onnx.ModelProto]:
        preparation = preparation_on(name)
        return {
            "network": movenet_graph.single_graph(network, side, preparation),
            "finder": movenet_graph.several_graph(finder, preparation),
        }

    sessions = open_sessions(graphs, device, threads)
    return Networks(
        **sessions,
        single=movenet_graph.single_input(network, side),
        several=movenet_graph.several_input(finder),
        preparation=preparation_on(sessions["network"].device),
    )
