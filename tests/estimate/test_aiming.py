"""One person in a box, with eyes that know where everybody is, and with the weights."""

import numpy as np
import pytest
from test_following import IMAGE, Body, Eyes

from bodydouble.estimate import Aimed, load
from bodydouble.estimate.aiming import LOOKS, around, checked_box, filled, look_in
from bodydouble.sources import open_source
from bodydouble.types import BodyDoubleError, Frame


def box_of(body: Body) -> np.ndarray:
    points = body.sight().points[:, :2]
    return np.concatenate([points.min(axis=0), np.ptp(points, axis=0)])


@pytest.mark.parametrize("wanted", [0, 1])
def test_of_two_who_overlap_the_one_whom_the_box_fits(wanted: int) -> None:
    bodies = [Body(500.0), Body(560.0, y=400.0, size=250.0)]
    sight = look_in(Eyes(bodies), IMAGE, box_of(bodies[wanted]), 33)
    assert sight.hips == pytest.approx([bodies[wanted].x, bodies[wanted].y])


def test_looks_again_where_the_first_look_found_the_person() -> None:
    eyes = Eyes([Body(700.0)])
    eyes.detect = lambda image, area: []
    box = box_of(eyes.bodies[0])
    box[0] += 60.0  # off to the side
    look_in(eyes, IMAGE, box, 33)
    assert eyes.seen[0].x == pytest.approx(760.0)
    assert [place.x for place in eyes.seen[1:]] == [pytest.approx(700.0)] * (LOOKS - 1)


def test_around_is_the_square_about_the_middle() -> None:
    place = around(np.array([10.0, 20.0, 100.0, 40.0]), 1.5)
    assert (place.x, place.y, place.size, place.rotation) == (60.0, 40.0, 150.0, 0.0)


def test_filled_is_one_for_the_points_own_box_and_leaves_out_what_is_not_seen() -> None:
    points = np.array([[0.0, 0, 0, 1, 1], [10, 20, 0, 1, 1], [99, 99, 0, 0.0, 1]])
    assert filled(points, np.array([0.0, 0, 10, 20])) == pytest.approx(1.0)
    assert filled(points, np.array([0.0, 0, 20, 20])) == pytest.approx(0.5)
    assert filled(points, np.array([50.0, 50, 5, 5])) == 0.0


@pytest.mark.parametrize("box", [(0, 0, 0, 10), (5, 5, -3, 4), (-20, 0, 20, 10), (1280, 0, 10, 10)])
def test_a_box_without_a_region_is_none(box: tuple) -> None:
    assert checked_box(np.array(box, dtype=float), IMAGE) is None


@pytest.mark.parametrize("box", [(1.0, 2, 3), (1.0, 2, np.nan, 4)])
def test_a_box_that_is_none_is_an_error(box: tuple) -> None:
    with pytest.raises(BodyDoubleError, match="x, y, width and height"):
        checked_box(np.array(box), IMAGE)


@pytest.mark.models
@pytest.mark.clips
def test_blazepose_in_a_box_leaves_no_trace(test_data) -> None:
    with open_source(test_data / "coco" / "000000197388.jpg") as source:
        (photograph,) = source
    estimator = load("blazepose-lite", device="cpu", people=1)
    assert isinstance(estimator, Aimed)
    estimator(photograph)
    skier = estimator.estimate_in(photograph, np.array([373.0, 171.0, 267.0, 217.0]))  # lower right, leaning
    assert skier is not None
    hips = skier.points[[23, 24]].mean(axis=0)
    assert 480 < hips[0] < 600 and 250 < hips[1] < 340
    again = estimator.estimate_in(photograph, np.array([373.0, 171.0, 267.0, 217.0]))
    assert np.array_equal(again.points, skier.points)
    followed = estimator(Frame(photograph.image, 1 / 30, 1))
    fresh = load("blazepose-lite", device="cpu", people=1)
    fresh(photograph)
    assert np.array_equal(followed[0].points, fresh(Frame(photograph.image, 1 / 30, 1))[0].points)
    assert estimator.estimate_in(photograph, np.array([0.0, 0, 0, 50])) is None
