"""Anchors against the published golden file; laws of decoding and of weighted suppression."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.estimate import ssd


def test_anchors_are_those_of_the_golden_file(test_data):
    golden = np.array(json.loads((test_data / "tfjs" / "anchor_golden_file_0.json").read_text()))
    assert golden.shape == (2944, 4)
    np.testing.assert_allclose(ssd.anchors(256, (8, 16, 32, 32, 32)), golden[:, :2], atol=1e-7)


def test_the_person_detector_has_2254_anchors():
    centres = ssd.anchors(224, (8, 16, 32, 32, 32))
    assert centres.shape == (2254, 2)
    assert centres.min() > 0 and centres.max() < 1


def test_decoding_adds_the_anchor_and_turns_middles_into_corners():
    raw = np.array([[22.4, 44.8, 112.0, 56.0, 0.0, 22.4]])
    boxes, points = ssd.decode(raw, np.array([[0.5, 0.25]]), 224)
    np.testing.assert_allclose(boxes, [[0.6 - 0.25, 0.45 - 0.125, 0.5, 0.25]])
    np.testing.assert_allclose(points, [[[0.5, 0.35]]])


def _detections(boxes, scores):
    boxes = np.array(boxes, dtype=float)
    return ssd.Detections(boxes, boxes[:, None, :2].copy(), np.array(scores, dtype=float))


def test_boxes_that_overlap_are_averaged_by_score():
    found = ssd.suppress(_detections([[0, 0, 10, 10], [1, 2, 10, 10], [50, 50, 5, 5]], [0.9, 0.6, 0.7]))
    assert len(found) == 2
    np.testing.assert_allclose(found.boxes[0], [0.4, 0.8, 10, 10])
    np.testing.assert_allclose(found.points[0], [[0.4, 0.8]])
    np.testing.assert_allclose(found.scores, [0.9, 0.7])


def test_nothing_found_stays_nothing():
    empty = ssd.Detections(np.zeros((0, 4)), np.zeros((0, 4, 2)), np.zeros(0))
    assert len(ssd.suppress(empty)) == 0


def test_a_box_without_area_ends_the_search():
    assert len(ssd.suppress(_detections([[0, 0, 0, 0], [0, 0, 0, 0]], [0.9, 0.8]))) == 2


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_suppression_keeps_the_best_score_and_leaves_no_two_the_same(seed, count):
    rng = np.random.default_rng(seed)
    boxes = np.concatenate([rng.uniform(0, 50, (count, 2)), rng.uniform(5, 40, (count, 2))], axis=1)
    scores = rng.permutation(np.linspace(0.5, 1, count))
    found = ssd.suppress(_detections(boxes, scores))
    assert 1 <= len(found) <= count
    assert found.scores[0] == scores.max()
    assert (np.diff(found.scores) <= 0).all()
    order = rng.permutation(count)
    again = ssd.suppress(_detections(boxes[order], scores[order]))
    np.testing.assert_allclose(again.boxes, found.boxes)


@pytest.mark.parametrize(("other", "want"), [([0, 0, 10, 10], 1), ([5, 0, 10, 10], 1 / 3), ([10, 0, 10, 10], 0)])
def test_overlap_is_intersection_over_union(other, want):
    got = ssd.overlap(np.array([0.0, 0, 10, 10]), np.array([other], dtype=float))
    assert got[0] == pytest.approx(want)
