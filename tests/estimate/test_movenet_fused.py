"""MoveNet as one file: its pieces against the numpy they are made of, the file against the estimator."""

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.estimate import fused, load, movenet_crop, movenet_fused, movenet_fused_find
from bodydouble.estimate.region import Region
from bodydouble.sources import open_source
from bodydouble.types import BodyDoubleError, Frame

LIKE = onnx.parser.parse_model(
    '<ir_version: 8, opset_import: ["": 17]> net (float[1] x) => (float[1] y) { y = Identity(x) }'
)
CROWD = "coco/000000196141.jpg"


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


NEXT = session(movenet_fused.following_square(LIKE))
LIMIT = session(movenet_fused.limit(LIKE))
CHOOSE = {people: session(movenet_fused_find.choose(LIKE, people, 0.3)) for people in (1, 4)}


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.6))
def test_the_next_region_is_that_of_movenet_crop(seed, level):
    rng = np.random.default_rng(seed)
    width, height = rng.integers(40, 400, 2).tolist()
    points = (rng.uniform(-0.2, 1.2, (17, 3)) * (width, height, 2 * level)).astype(np.float32)
    where = Region(*rng.uniform(30, 200, 3).astype(np.float32).tolist())
    feed = {
        "image": np.zeros((height, width, 3), np.uint8),
        "region": where.array(),
        "points": points,
    }
    after, visible = NEXT.run(None, feed)
    seen = movenet_crop.torso_seen(points)
    around = movenet_crop.close_around if seen else None
    want = around(points, width, height) if around else movenet_crop.widened(where, width, height)
    np.testing.assert_allclose(after, want.array(), rtol=1e-4, atol=1e-2)
    np.testing.assert_array_equal(visible[:, :2], points[:, :2])
    np.testing.assert_array_equal(visible[:, 2], points[:, 2] > 0.2)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 300), st.integers(1, 300), st.floats(-50, 350), st.floats(-50, 350), st.floats(1, 800))
def test_a_region_is_limited_as_by_movenet_crop(width, height, x, y, size):
    (found,) = LIMIT.run(None, {"image": np.zeros((height, width, 3), np.uint8), "region": Region(x, y, size).array()})
    np.testing.assert_allclose(found, movenet_crop.limited(Region(x, y, size), width, height).array(), atol=1e-2)


@pytest.mark.parametrize("people", CHOOSE)
def test_people_are_chosen_and_places_filled_with_nobody(people):
    rng = np.random.default_rng(5)
    points = rng.uniform(0, 100, (6, 17, 3)).astype(np.float32)
    points[4] *= 3  # the largest
    scores = np.array([0.2, 0.9, 0.1, 0.5, 0.4, 0.29], np.float32)
    chosen, found = CHOOSE[people].run(None, {"points": points, "scores": scores})
    order = [4] if people == 1 else [1, 3, 4]
    for place, row in enumerate(order):
        np.testing.assert_array_equal(chosen[place], points[row])
        assert found[place] == scores[row]
    assert not chosen[len(order) :].any() and not found[len(order) :].any()
    assert len(chosen) == len(found) == people


def test_multipose_takes_no_regions():
    with pytest.raises(BodyDoubleError, match="takes no regions"):
        fused.fused("movenet-multipose", 2, regions=True)


def image_of(path):
    with open_source(path) as source:
        return next(iter(source)).image


@pytest.mark.models
@pytest.mark.clips
@pytest.mark.parametrize("model", ["movenet-lightning", "movenet-multipose"])
def test_one_file_gives_what_the_estimator_gives(model, test_data):
    image = image_of(test_data / "coco/000000000785.jpg")
    (pose,) = load(model, device="cpu", people=1)(Frame(image, 0.0, 0))
    keypoints, scores = session(fused.fused(model)).run(["keypoints", "scores"], {"image": image})
    size = np.hypot(*np.ptp(pose.points, axis=0))
    assert np.linalg.norm(keypoints[0, :, :2] - pose.points, axis=1).mean() < 0.01 * size
    assert scores[0] == pytest.approx(pose.score, abs=0.02)


@pytest.mark.models
@pytest.mark.clips
def test_people_are_followed_by_their_regions(test_data):
    image = image_of(test_data / CROWD)
    run = session(fused.fused("movenet-lightning", 4, regions=True)).run
    names = ["keypoints", "scores", "next_regions"]
    first, scores, regions = run(names, {"image": image, "regions": np.zeros((4, 4), np.float32)})
    assert (scores > 0.25).sum() >= 2
    again, sure, after = run(names, {"image": image, "regions": regions})
    for before, now, score in zip(first, again, sure, strict=True):
        if score:
            size = np.hypot(*np.ptp(before[:, :2], axis=0))
            assert np.linalg.norm(before[:, :2] - now[:, :2], axis=1).mean() < 0.1 * size
    assert (after[scores == 0] == 0).all()
