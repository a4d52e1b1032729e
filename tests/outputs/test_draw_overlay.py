"""Skeletons over the source's picture, and pictures side by side."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.outputs.overlay import LEFT, RIGHT, draw_skeleton, side_by_side
from bodydouble.skeletons import COCO_17
from bodydouble.types import BodyDoubleError, Pose, State


def pose(scores=1.0, **rest):
    """Somebody who faces us: the left side at picture right."""
    points = np.zeros((17, 2))
    for name, at in (("shoulder", (30, 80)), ("elbow", (45, 120)), ("wrist", (50, 160)), ("hip", (18, 170))):
        points[COCO_17.index[f"left_{name}"]] = (150 + at[0], at[1])
        points[COCO_17.index[f"right_{name}"]] = (150 - at[0], at[1])
    given = np.zeros(17)
    given[(points > 0).all(axis=1)] = scores
    return Pose("coco-17", points, given, 1.0, 0.0, **rest)


def like(picture, colour, within=40):
    return np.abs(picture.astype(int) - colour).sum(axis=2) < within


def test_left_and_right_have_their_colours_on_their_sides():
    picture = np.full((240, 300, 3), 120, dtype=np.uint8)
    drawn = draw_skeleton(picture, [pose()])
    assert np.nonzero(like(drawn, LEFT))[1].min() > 150
    assert np.nonzero(like(drawn, RIGHT))[1].max() < 150
    assert (picture == 120).all()
    assert drawn.shape == picture.shape and drawn.dtype == np.uint8


def test_what_is_unsure_is_faint_and_what_is_missing_is_not_drawn():
    picture = np.full((240, 300, 3), 120, dtype=np.uint8)

    def change(drawn):
        return np.abs(drawn[60:].astype(int) - 120).sum()  # below the label

    sure, unsure, lost = (draw_skeleton(picture, [pose(score)]) for score in (1.0, 0.4, 0.0))
    assert change(sure) > 1.5 * change(unsure) > 0
    assert (lost == picture).all()
    assert change(draw_skeleton(picture, [pose(state=State.LOST)])) < change(sure)


def test_people_are_labelled_inside_the_picture():
    picture = np.zeros((240, 300, 3), dtype=np.uint8) + 120
    one, two = (draw_skeleton(picture, [pose(person=person)]) for person in (1, 2))
    rows, columns = np.nonzero((one != two).any(axis=2))
    assert 0 < len(rows) < 300
    assert rows.max() < 80 and columns.min() > 0


def test_nobody_changes_nothing_and_a_wrong_picture_is_refused():
    picture = np.full((24, 30, 3), 9, dtype=np.uint8)
    drawn = draw_skeleton(picture, [])
    assert (drawn == picture).all() and drawn is not picture
    with pytest.raises(BodyDoubleError, match="RGB"):
        draw_skeleton(picture[..., 0], [])


def test_side_by_side_has_the_height_of_the_right_one():
    left, right = np.full((100, 40, 3), 10, np.uint8), np.full((50, 80, 3), 200, np.uint8)
    both = side_by_side(left, right)
    assert both.shape == (50, 100, 3)
    assert (both[:, :20] == 10).all() and (both[:, 20:] == 200).all()
    clear = side_by_side(left, np.zeros((50, 80, 4), np.uint8))
    assert clear.shape == (50, 100, 4)
    assert (clear[:, :20, 3] == 255).all() and (clear[:, 20:] == 0).all()
