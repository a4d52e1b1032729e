"""What family.Aimed asks, of one model of every family, with the weights."""

import numpy as np
import pytest

from bodydouble.estimate import Aimed, load
from bodydouble.skeletons import skeleton
from bodydouble.sources import open_source
from bodydouble.types import BodyDoubleError, Frame, Image

pytestmark = [pytest.mark.models, pytest.mark.clips]
LEANING = (373.0, 171.0, 267.0, 217.0)  # a skier in front of another


@pytest.fixture(
    scope="module", params=["blazepose-lite", "posenet-mobilenet", "movenet-lightning", "movenet-multipose"]
)
def estimator(request) -> Aimed:
    made = load(request.param, device="cpu", people=1)
    assert isinstance(made, Aimed)
    return made


@pytest.fixture(scope="module")
def image(test_data) -> Image:
    with open_source(test_data / "coco" / "000000197388.jpg") as source:
        (photograph,) = source
    return photograph.image


def hips(estimator: Aimed, image: Image, box) -> np.ndarray:
    found = estimator.estimate_in(Frame(image, 2.5, 7), np.array(box))
    assert found is not None and found.time == 2.5 and found.skeleton == estimator.skeleton.name
    index = skeleton(found.skeleton).index
    return found.points[[index["left_hip"], index["right_hip"]]].mean(axis=0)


def test_the_person_of_the_box(estimator, image) -> None:
    assert np.linalg.norm(hips(estimator, image, (139, 102, 222, 242)) - (279, 192)) < 30  # annotated hips
    assert np.linalg.norm(hips(estimator, image, LEANING) - (521, 282)) < 30


def test_no_region_no_person(estimator, image) -> None:
    frame = Frame(image, 0.0, 0)
    for box in ((0, 0, 0, 10), (-50, 0, 20, 20), (700, 0, 20, 20)):
        assert estimator.estimate_in(frame, np.array(box, dtype=float)) is None
    with pytest.raises(BodyDoubleError):
        estimator.estimate_in(frame, np.zeros(3))


def test_a_box_partly_outside_and_an_empty_place_are_answered(estimator, image) -> None:
    for box in ((600.0, 50, 200, 300), (5.0, 300, 60, 60)):  # half a skier; snow
        assert estimator.estimate_in(Frame(image, 0.0, 0), np.array(box)) is not None


def test_it_leaves_no_trace(estimator, image) -> None:
    estimator.reset()
    frames = [Frame(image, index / 30, index) for index in range(4)]
    alone = [estimator(frame) for frame in frames]
    first = estimator.estimate_in(frames[0], np.array(LEANING))
    estimator.reset()
    followed = []
    for frame in frames:
        followed.append(estimator(frame))
        again = estimator.estimate_in(frame, np.array(LEANING))
        assert np.array_equal(again.points, first.points)
    for one, other in zip(alone, followed, strict=True):
        assert [p.points.tolist() for p in one] == [p.points.tolist() for p in other]
