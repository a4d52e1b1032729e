"""MoveNet's crops: the published rule against the published code's own words, and the closer one."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.estimate import movenet_crop
from bodydouble.estimate.movenet_published import Published
from bodydouble.estimate.region import Region
from bodydouble.skeletons import COCO_17

AT = COCO_17.index


def standing(x=300.0, y=200.0, height=180.0, score=0.8):
    """(17, 3) somebody who stands with the arms down, feet at y + height."""
    shares = {"nose": (0, 0), "eye": (0.02, -0.02), "ear": (0.04, -0.01), "shoulder": (0.12, 0.12)}
    shares |= {
        "elbow": (0.15, 0.3),
        "wrist": (0.15, 0.45),
        "hip": (0.08, 0.45),
        "knee": (0.08, 0.72),
        "ankle": (0.08, 1),
    }
    points = np.zeros((17, 3))
    for name, row in AT.items():
        across, down = next(place for part, place in shares.items() if part in name)
        side = 1 if "left" in name else -1
        points[row] = x + side * across * height, y + down * height, score
    return points


def published_by_hand(points, width, height):
    """crop_utils.ts, determineNextCropRegion, line by line: y0, x0, y1, x1 in shares of the image."""
    scores = points[:, 2]
    hips, shoulders = ("left_hip", "right_hip"), ("left_shoulder", "right_shoulder")

    def whole():
        if width > height:
            return (height / 2 - width / 2) / height, 0.0, (height / 2 - width / 2) / height + width / height, 1.0
        return 0.0, (width / 2 - height / 2) / width, 1.0, (width / 2 - height / 2) / width + height / width

    if not (any(scores[AT[n]] > 0.2 for n in hips) and any(scores[AT[n]] > 0.2 for n in shoulders)):
        return whole()
    cy, cx = ((points[AT["left_hip"], i] + points[AT["right_hip"], i]) / 2 for i in (1, 0))
    torso_y = max(abs(cy - points[AT[n], 1]) for n in hips + shoulders)
    torso_x = max(abs(cx - points[AT[n], 0]) for n in hips + shoulders)
    body_y = max((abs(cy - y) for _, y, s in points if s >= 0.2), default=0.0)
    body_x = max((abs(cx - x) for x, _, s in points if s >= 0.2), default=0.0)
    half = max(torso_x * 1.9, torso_y * 1.9, body_y * 1.2, body_x * 1.2)
    half = min(half, max(cx, width - cx, cy, height - cy))
    if half > max(width, height) / 2:
        return whole()
    return (cy - half) / height, (cx - half) / width, (cy + half) / height, (cx + half) / width


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32 - 1), st.integers(50, 1000), st.integers(50, 1000), st.floats(0.05, 0.5))
def test_the_published_crop(seed, width, height, level):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.1, 1.1, (17, 3)) * (width, height, 1)
    points[:, :2] = points[:, :2].mean(axis=0) + rng.uniform(0.1, 1) * (points[:, :2] - points[:, :2].mean(axis=0))
    points[:, 2] = rng.uniform(0, 2 * level, 17)
    found = movenet_crop.next_square(points, width, height)
    y0, x0, y1, x1 = published_by_hand(points, width, height)
    half = found.size / 2
    got = ((found.y - half) / height, (found.x - half) / width, (found.y + half) / height, (found.x + half) / width)
    np.testing.assert_allclose(got, (y0, x0, y1, x1), atol=1e-9)


def test_the_first_square_is_in_the_middle():
    assert movenet_crop.central_square(640, 480) == Region(320, 240, 480)
    assert movenet_crop.central_square(480, 640) == Region(240, 320, 480)


def test_published_following_smooths_the_edges_and_starts_anew_after_a_loss():
    image = np.zeros((400, 600, 3), np.uint8)
    bodies = [standing(300, 100), standing(200, 120), None, standing(300, 100)]
    looked = []

    def look(_, where):
        looked.append(where)
        body = bodies[len(looked) - 1]
        return (standing(), 0.1) if body is None else (body, 0.8)

    follow = Published(look)
    answers = [follow(image) for _ in bodies]
    first, second = (movenet_crop.next_square(body, 600, 400) for body in bodies[:2])
    assert [answer is None for answer in answers] == [False, False, True, False]
    assert looked[0] == looked[3] == Region(300, 200, 400)
    assert looked[1] == first
    assert looked[2].x == pytest.approx(0.1 * first.x + 0.9 * second.x)
    assert looked[2].size == pytest.approx(0.1 * first.size + 0.9 * second.size)


@settings(deadline=None)
@given(st.floats(0, 640), st.floats(0, 480), st.floats(20, 600))
def test_the_close_crop_holds_all_that_counts_and_moves_and_grows_with_it(x, y, height):
    points = standing(x, y, height)
    found = movenet_crop.close_around(points, 640, 480)
    assert (np.abs(points[:, :2] - (found.x, found.y)).max(axis=0) <= found.size / 2 / 1.3).all()
    again = movenet_crop.close_around(points * (2, 2, 1) + (30, 40, 0), 640, 480)
    np.testing.assert_allclose((again.x, again.y, again.size), (2 * found.x + 30, 2 * found.y + 40, 2 * found.size))


def test_legs_that_are_not_seen_are_looked_for_within_the_picture():
    points = standing(300, 100, 180)
    points[[AT[f"{side}_{part}"] for side in ("left", "right") for part in ("knee", "ankle")], 2] = 0.05
    found = movenet_crop.close_around(points, 640, 480)
    assert found.y + found.size / 2 > 280  # where the feet are
    below = movenet_crop.close_around(points, 640, 190)  # a picture that ends at the hips
    assert below.size < found.size < movenet_crop.around_body(standing(300, 100, 180)).size
    assert below.y + below.size / 2 < found.y + found.size / 2


def test_a_body_without_a_torso_widens_the_crop_to_the_whole_picture():
    where = Region(500, 100, 80)
    sizes = []
    for _ in range(20):
        where = movenet_crop.widened(where, 640, 480)
        sizes.append(where.size)
    assert where == Region(320, 240, 640)
    assert all(later >= before for before, later in pairwise(sizes))
