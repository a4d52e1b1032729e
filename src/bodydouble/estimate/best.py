"""The most accurate combination of the models: --model best.

MoveNet for several people and BlazePose's detector find people; MoveNet thunder says where each one's points are, in a
close square that is turned with the body; BlazePose full adds hands, feet and the third dimension. Source pixels,
radians, metres. Why so, what it gains and what it costs: docs/decisions/best.md
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import onnx

from bodydouble.estimate import blazepose, movenet, movenet_crop, movenet_graph
from bodydouble.estimate.best_join import apart, body_region, exchanged, joined
from bodydouble.estimate.best_turned import around, lean, turned_graph, turned_input
from bodydouble.estimate.family import Estimator, family
from bodydouble.estimate.following import Follower
from bodydouble.estimate.graph import Preparation
from bodydouble.estimate.movenet_box import fit, inside
from bodydouble.estimate.movenet_several import FINDER
from bodydouble.estimate.region import BODY_SCALE, Region
from bodydouble.estimate.session import open_sessions
from bodydouble.estimate.sight import Sight, colour_between, distance
from bodydouble.models import Progress, onnx_path
from bodydouble.skeletons import BLAZEPOSE_33, Skeleton
from bodydouble.types import Array, Frame, Image, Pose

THUNDER, BODY = "movenet-thunder", "blazepose-full"

BOX_MARGIN = 1.0  # side of the square around a known box against its longer side; more lets neighbours in
TURN_AGAIN = 0.5  # radians that a body leans in the first look from which on it is looked at turned upright
DOUBTFUL = 0.5  # mean score below which a body is also tried lying on either side and head down
BETTER = 0.05  # of the score times the fit, by which such a look must win
APART = 0.25  # region sides between somebody whom BlazePose's detector finds and all whom MoveNet found


@dataclass(frozen=True, slots=True)
class Eyes:
    """What people are found and seen with. thunder: its `network` takes rotated regions."""

    thunder: movenet.Networks
    body: blazepose.Networks

    def detect(self, image: Image, area: Region) -> list[tuple[Region, float]]:
        """Regions and scores of the people in an upright square area, best first."""
        places = [pair for pair in self.thunder.detect(image, area) if pair[1] > 0]
        others = [
            (place, score)
            for place, score in self.body.detect(image, area)
            if all(distance(place, known) > APART for known, _ in places)
        ]
        return [*places, *others]

    def look(self, image: Image, where: Region) -> Sight:
        """The person in a region, as MoveNet sees them, and where to look for them next."""
        height, width = image.shape[:2]
        if where.rotation == 0.0:
            where = movenet_crop.limited(where, width, height)
        points, score = self.thunder.points(image, where)
        seen = movenet_crop.torso_seen(points)
        after = around(points, width, height) if seen else movenet_crop.widened(where, width, height)
        middle = np.array([after.x, after.y])
        radius = after.size / (2 * BODY_SCALE)
        sure = np.minimum(movenet.SURE * points[:, 2:], 1.0)
        return Sight(
            points=np.concatenate([points[:, :2], np.zeros_like(sure), sure, points[:, 2:]], axis=1),
            world=np.zeros((0, 3)),
            score=score,
            hips=middle,
            rim=middle + radius * np.array([np.sin(after.rotation), -np.cos(after.rotation)]),
            colour=colour_between(image, points[movenet.TRUNK, :2]),
        )

    def whole(self, image: Image, points: Array, score: float, time: float) -> Pose:
        """The person whose points (17, 3) MoveNet found, with what BlazePose sees of them."""
        height, width = image.shape[:2]
        where = body_region(points) or movenet_crop.limited(_rectangle(points), width, height)
        sights = [self.body.look(image, where)]
        if _apart(points, sights[0]) > APART and sights[0].region.size > 1:
            sights.append(self.body.look(image, sights[0].region))
        return joined(points, score, min(sights, key=lambda sight: _apart(points, sight)), time)


class Best:
    """The estimator of the combination (see family.Aimed)."""

    model: str = "best"
    skeleton: Skeleton = BLAZEPOSE_33

    def __init__(self, eyes: Eyes, people: int) -> None:
        self.provider = eyes.thunder.network.device
        self._eyes = eyes
        self._follow = Follower(eyes, people, movenet.MANNER)
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: Frame) -> list[Pose]:
        """The people in the frame, in its pixels; [] means looked, and nobody is there."""
        if frame.size != self._size:
            self._follow.reset()
            self._size = frame.size
        seen = self._follow(frame.image, frame.time)
        return [self._eyes.whole(frame.image, sight.points[:, [0, 1, 4]], sight.score, frame.time) for sight in seen]

    def estimate_in(self, frame: Frame, box: Array) -> Pose | None:
        """The person in a box x, y, width, height of the frame's pixels; see family.Aimed."""
        if not inside(box, frame.size):
            return None
        x, y, width, height = (float(value) for value in box)
        square = Region(x + width / 2, y + height / 2, BOX_MARGIN * max(width, height))
        points, score = self._turned(frame.image, square, box)
        return self._eyes.whole(frame.image, points, score, frame.time)

    def _turned(self, image: Image, square: Region, box: Array) -> tuple[Array, float]:
        """The look into a square, upright or turned, whose points fill the box best and are the surest."""

        def look(turn: float) -> tuple[Array, float]:
            return self._eyes.thunder.points(image, replace(square, rotation=turn))

        def worth(answer: tuple[Array, float]) -> float:
            return float(answer[0][:, 2].mean() * np.sqrt(fit(answer[0], box)))

        answers = [look(0.0)]
        leaning = lean(answers[0][0])
        if abs(leaning) > TURN_AGAIN:
            answers.append(look(leaning))
        best = max(answers, key=worth)
        if best[0][:, 2].mean() < DOUBTFUL:
            other = max((look(turn) for turn in (np.pi / 2, -np.pi / 2, np.pi)), key=worth)
            best = other if worth(other) > worth(best) + BETTER else best
        return best

    def reset(self) -> None:
        """Forget everybody."""
        self._follow.reset()
        self._size = None


def _apart(points: Array, sight: Sight) -> float:
    """apart, whichever way round BlazePose took the person."""
    return min(apart(points, sight), apart(points, exchanged(sight)))


def _rectangle(points: Array) -> Region:
    """The square around all points."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    x, y = (low + high) / 2
    return Region(float(x), float(y), max(movenet_crop.CLOSE * float((high - low).max()), 1.0))


@family("best")
def best(model: str, device: str, people: int, threads: int | None, progress: Progress) -> Estimator:
    """An estimator of the combination; see family.load."""
    network = onnx.load(onnx_path(THUNDER, progress=progress))
    finder = onnx.load(onnx_path(FINDER, progress=progress))
    side = movenet_graph.SIDES[THUNDER]
    several = movenet_graph.several_input(finder)

    def graphs(name: str) -> dict[str, onnx.ModelProto]:
        preparation = Preparation.CROP if name in blazepose.CROP_DEVICES else Preparation.IMAGE
        return {
            "network": turned_graph(network, side, preparation),
            "finder": movenet_graph.several_graph(finder, preparation),
        }

    sessions = open_sessions(graphs, device, threads)
    used = sessions["network"].device
    thunder = movenet.Networks(
        **sessions,
        single=turned_input(network, side),
        several=several,
        preparation=Preparation.CROP if used in blazepose.CROP_DEVICES else Preparation.IMAGE,
    )
    body = blazepose.open_networks(blazepose.converted(BODY, progress), used, threads)
    return Best(Eyes(thunder, body), people)
