"""Pieces that find people and tell them apart in a graph, against the numpy they stand for."""

import numpy as np
import onnx.parser
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.estimate import following, fused_apart, fused_search, sight
from bodydouble.estimate.following import Follower
from bodydouble.estimate.region import Region
from bodydouble.estimate.sight import Sight

LIKE = onnx.parser.parse_model(
    '<ir_version: 8, opset_import: ["": 17]> net (float[1] x) => (float[1] y) { y = Identity(x) }'
)
PEOPLE, POINTS = 3, 17


def session(model):
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


AREAS = session(fused_search.areas(LIKE))
PLACES = {people: session(fused_search.places(LIKE, people)) for people in (1, 4)}
APART = session(fused_apart.told_apart(LIKE, PEOPLE, POINTS))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 2000), st.integers(1, 2000))
def test_areas_are_those_that_the_follower_searches_at_first(width, height):
    image = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (height, width, 3))
    (found,) = AREAS.run(None, {"image": np.ascontiguousarray(image)})
    want = Follower(None, 2)._some_areas(image, None)
    np.testing.assert_allclose(found, [area.array() for area in want], rtol=1e-6)


def test_a_small_image_has_no_tiles():
    assert len(AREAS.run(None, {"image": np.zeros((90, 150, 3), np.uint8)})[0]) == 1


class Given:
    """Eyes that detect what they are told."""

    def __init__(self, found):
        self.found = found

    def detect(self, image, area):
        return self.found


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(0, 25))
def test_places_are_those_of_the_follower(seed, count):
    rng = np.random.default_rng(seed)
    middles = rng.uniform(0, 300, (5, 2))[rng.integers(0, 5, count)] + rng.normal(0, 8, (count, 2))
    regions = np.column_stack([middles, rng.choice([0, 20, 100, 130, 200], count), rng.uniform(-3, 3, count)])
    regions = regions.astype(np.float32)
    scores = rng.uniform(0, 1, count).astype(np.float32)
    pairs = [(Region(*row.tolist()), float(score)) for row, score in zip(regions, scores, strict=True)]
    want = Follower(Given(pairs), 4)._search(None, [None])
    (found,) = PLACES[4].run(None, {"regions": regions, "scores": scores})
    np.testing.assert_array_equal(found, np.reshape([place.array() for place in want], (-1, 4)))
    (found,) = PLACES[1].run(None, {"regions": regions, "scores": scores})
    want = sorted(want, key=lambda place: -place.size)[: following.LOOKS]
    np.testing.assert_array_equal(found, np.reshape([place.array() for place in want], (-1, 4)))


def body(rng, middle, size, visible):
    """Points and where they are: a sight, and the same as the graph knows it."""
    place = (middle + rng.uniform(-0.4, 0.4, (POINTS, 2)) * size).astype(np.float32)
    seen = (rng.uniform(0, 1, POINTS) < visible).astype(np.float32)
    region = Region(*middle.astype(np.float32).tolist(), float(np.float32(size)))
    points = np.column_stack([place, np.zeros(POINTS), seen, seen]).astype(float)
    hips = np.array([region.x, region.y])
    whole = Sight(points, np.zeros((0, 3)), 1.0, hips, hips - (0, region.size / 2.5), np.zeros(3))
    return whole, np.column_stack([place, seen]), region.array()


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([0.0, 2.0, 30.0]))
def test_bodies_are_told_apart_as_in_sight(seed, visible, shift):
    rng = np.random.default_rng(seed)
    new = body(rng, np.array([200.0, 200.0]), rng.uniform(50, 300), visible)
    kept = [body(rng, np.array([200.0, 200.0]) + shift, rng.uniform(30, 400), 0.8) for _ in range(PEOPLE - 1)]
    again = new[1] + [shift, 0, 0]
    moved = new[0].points + np.array([shift, 0, 0, 0, 0])
    kept.append((Sight(moved, *(getattr(new[0], name) for name in NAMES)), again, new[2]))
    feed = {
        "kept_seen": np.stack([one[1] for one in kept]).astype(np.float32),
        "kept_regions": np.stack([one[2] for one in kept]).astype(np.float32),
        "seen": new[1].astype(np.float32),
        "region": new[2],
    }
    same, part, kept_part = APART.run(None, feed)
    assert same.tolist() == [sight.same_person(new[0], one[0]) for one in kept]
    for found, pairs in ((part, [(new, one) for one in kept]), (kept_part, [(one, new) for one in kept])):
        for here, (inner, outer) in zip(found.tolist(), pairs, strict=True):
            assert here in by_outline(inner[0], outer[0])


def by_outline(inner, outer):
    """What sight.nested says, with outlines a little tighter and wider: the graph's are not exact."""
    answers = set()
    for margin in (0.75 * sight.NESTED_MARGIN, 1.25 * sight.NESTED_MARGIN):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sight, "NESTED_MARGIN", margin)
            answers.add(sight.nested(inner, outer))
    return answers


NAMES = ("world", "score", "hips", "rim", "colour")


def test_a_body_within_another_is_a_part_of_it():
    rng = np.random.default_rng(3)
    large, small = (body(rng, np.array([200.0, 200.0]), size, 1.0) for size in (300.0, 60.0))
    far = body(rng, np.array([900.0, 200.0]), 300.0, 1.0)
    kept = [large, far, small]
    feed = {
        "kept_seen": np.stack([one[1] for one in kept]).astype(np.float32),
        "kept_regions": np.stack([one[2] for one in kept]).astype(np.float32),
    }
    same, part, kept_part = APART.run(None, {**feed, "seen": small[1].astype(np.float32), "region": small[2]})
    assert same.tolist() == [False, False, True]
    assert part.tolist() == [True, False, False]
    assert not kept_part.any()
    _, part, kept_part = APART.run(None, {**feed, "seen": large[1].astype(np.float32), "region": large[2]})
    assert kept_part.tolist() == [False, False, True]


@pytest.mark.parametrize("same", [np.zeros((0, 0), bool), np.eye(3, dtype=bool), np.ones((4, 4), bool)])
def test_the_first_of_each_is_kept(same):
    (kept,) = session(fused_apart.firsts(LIKE)).run(None, {"same": same})
    assert kept.tolist() == ([True] * 3 if len(same) == 3 else [True, False, False, False][: len(same)])


def test_who_is_like_one_that_was_dropped_stays():
    same = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]], bool)
    assert session(fused_apart.firsts(LIKE)).run(None, {"same": same})[0].tolist() == [True, False, True]
