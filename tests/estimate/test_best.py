"""The best combination: regions turned with the body, two models' points joined, and what it finds."""

import math

import cv2
import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.estimate import Aimed, best_join, best_turned, load
from bodydouble.estimate.graph import Preparation
from bodydouble.estimate.sight import Sight
from bodydouble.skeletons import BLAZEPOSE_33, COCO_17
from bodydouble.sources import open_source
from bodydouble.types import Frame

# A standing figure, 17 points in units of its height, y down, hips at the origin.
STANDING = {
    "nose": (0, -0.42),
    "left_eye": (0.02, -0.44),
    "right_eye": (-0.02, -0.44),
    "left_ear": (0.04, -0.43),
    "right_ear": (-0.04, -0.43),
    "left_shoulder": (0.12, -0.32),
    "right_shoulder": (-0.12, -0.32),
    "left_elbow": (0.15, -0.15),
    "right_elbow": (-0.15, -0.15),
    "left_wrist": (0.16, 0.0),
    "right_wrist": (-0.16, 0.0),
    "left_hip": (0.08, 0.0),
    "right_hip": (-0.08, 0.0),
    "left_knee": (0.08, 0.24),
    "right_knee": (-0.08, 0.24),
    "left_ankle": (0.08, 0.48),
    "right_ankle": (-0.08, 0.48),
}


def body(turn: float = 0.0, height: float = 200.0, middle: tuple[float, float] = (320, 240)) -> np.ndarray:
    """(17, 3) points of the figure, turned clockwise as drawn, all sure."""
    flat = np.array([STANDING[name] for name in COCO_17.points])
    cos, sin = math.cos(turn), math.sin(turn)
    placed = height * flat @ np.array([[cos, sin], [-sin, cos]]) + middle
    return np.column_stack([placed, np.full(17, 0.8)])


@given(st.floats(-3.1, 3.1))
def test_a_trunk_leans_as_the_body_is_turned(turn):
    assert best_turned.lean(body(turn)) == pytest.approx(turn, abs=1e-9)


@given(st.floats(-3.1, 3.1), st.floats(50, 400))
def test_the_square_holds_the_body_turned_nearly_upright(turn, height):
    points = body(turn, height)
    where = best_turned.around(points, 640, 480)
    assert abs(math.remainder(turn - where.rotation, 2 * math.pi)) <= best_turned.LEANING + 1e-9
    offsets = points[:, :2] - (where.x, where.y)
    cos, sin = math.cos(where.rotation), math.sin(where.rotation)
    inside = offsets @ np.array([[cos, -sin], [sin, cos]])
    assert np.abs(inside).max() <= where.size / 2 / best_turned.CLOSE + 1e-6


@given(st.floats(-1.5, 1.5))
def test_the_region_turns_without_a_jump(turn):
    one, other = (best_turned.around(body(angle), 640, 480) for angle in (turn, turn + 1e-6))
    assert abs(one.rotation - other.rotation) < 1e-5
    assert abs(one.size - other.size) < 1e-2


NETWORK = onnx.parser.parse_model(
    '<ir_version: 8, opset_import: ["": 17]> net (int32[1, 64, 64, 3] input) => (float[1, 1, 17, 3] output) '
    "{ output = Identity(answer) }"
)
ANSWER = np.random.default_rng(3).uniform(0.05, 0.95, (1, 1, 17, 3)).astype(np.float32)
NETWORK.graph.initializer.append(onnx.numpy_helper.from_array(ANSWER, "answer"))
TURNED = onnxruntime.InferenceSession(
    best_turned.turned_graph(NETWORK, 64, Preparation.IMAGE).SerializeToString(), providers=["CPUExecutionProvider"]
)


@settings(deadline=None, max_examples=30)
@given(st.floats(-200, 900), st.floats(-200, 900), st.floats(10, 900), st.floats(-3.1, 3.1))
def test_points_come_back_from_a_turned_crop(x, y, size, turn):
    region = np.array([x, y, size, turn], np.float32)
    points, score = TURNED.run(None, {"image": np.zeros((48, 64, 3), np.uint8), "region": region})
    places = ANSWER[0, 0, :, [1, 0]].T.astype(float) - 0.5
    cos, sin = math.cos(turn), math.sin(turn)
    want = size * places @ np.array([[cos, sin], [-sin, cos]]) + (x, y)
    np.testing.assert_allclose(points[:, :2], want, atol=1e-3 * size + 1e-2)
    likely = ANSWER[0, 0, :, 2]
    np.testing.assert_array_equal(points[:, 2], likely)
    assert score[0] == pytest.approx(likely[likely > 0.2].mean(), rel=1e-5)


def sight_of(points: np.ndarray) -> Sight:
    """What BlazePose would say of a body: MoveNet's points, the others near the points that carry them."""
    names = dict(zip(COCO_17.points, points[:, :2], strict=True))
    places = np.array([names.get(n, names.get(best_join.CARRIERS.get(n, ""), (0, 0))) for n in BLAZEPOSE_33.points])
    rows = np.column_stack([places, np.arange(33.0), np.full((33, 2), 0.9)])
    world = np.column_stack([places / 100, np.zeros(33)])
    extra = np.zeros((2, 5))
    return Sight(np.concatenate([rows, extra]), world, 0.99, np.zeros(2), np.ones(2), np.zeros(3))


def test_movenet_says_where_blazepose_adds_hands_that_stay_on_the_wrist():
    points = body()
    seen = sight_of(points)
    points[COCO_17.index["left_wrist"], :2] += (7, -3)
    pose = best_join.joined(points, 0.8, seen, 1.5)
    index = BLAZEPOSE_33.index
    np.testing.assert_allclose(pose.points[index["left_wrist"]], points[COCO_17.index["left_wrist"], :2])
    before = seen.points[index["left_index"], :2]
    np.testing.assert_allclose(pose.points[index["left_index"]], before + np.array([7, -3]))
    np.testing.assert_allclose(pose.points[index["right_index"]], seen.points[index["right_index"], :2])
    assert pose.scores[index["left_index"]] == pytest.approx(0.81)
    assert (pose.time, pose.score, pose.skeleton) == (1.5, 0.8, "blazepose-33")


def test_a_back_taken_for_a_front_is_exchanged():
    points = body()
    pose = best_join.joined(points, 0.8, best_join.exchanged(sight_of(points)), 0.0)
    index = BLAZEPOSE_33.index
    world = sight_of(points).world
    np.testing.assert_allclose(pose.world[index["left_shoulder"]], world[index["left_shoulder"]])
    assert (pose.scores > 0).all()


def test_what_blazepose_saw_of_somebody_else_does_not_count():
    points = body()
    pose = best_join.joined(points, 0.8, sight_of(body(middle=(480, 240))), 0.0)
    only = np.setdiff1d(np.arange(33), best_join.SHARED)
    assert (pose.scores[only] == 0).all()
    np.testing.assert_allclose(pose.scores[best_join.SHARED], 0.8)


@given(st.floats(-3.1, 3.1))
def test_blazepose_looks_at_the_whole_body_turned_upright(turn):
    points = body(turn)
    where = best_join.body_region(points)
    assert math.remainder(where.rotation - turn, 2 * math.pi) == pytest.approx(0, abs=1e-6)
    assert np.linalg.norm(points[:, :2] - (where.x, where.y), axis=1).max() < where.size / 2
    unsure = points * (1, 1, 0)
    assert best_join.body_region(unsure) is None


@pytest.fixture(scope="module")
def estimate():
    return load("best", device="cpu", people=4)


@pytest.mark.models
def test_who_lies_is_seen_as_well_as_who_stands(estimate, test_data):
    with open_source(test_data / "coco" / "000000000785.jpg") as source:
        (frame,) = source
    estimate.reset()
    (standing, *_) = estimate(frame)
    lying_image = np.ascontiguousarray(cv2.rotate(frame.image, cv2.ROTATE_90_CLOCKWISE))
    estimate.reset()
    (lying, *_) = estimate(Frame(lying_image, 0.0, 0))
    height = frame.image.shape[0]
    turned = np.column_stack([height - standing.points[:, 1], standing.points[:, 0]])
    shared = best_join.SHARED
    off = np.linalg.norm(lying.points[shared] - turned[shared], axis=1)
    assert np.median(off) < 0.03 * np.ptp(standing.points[:, 1])


@pytest.mark.models
def test_a_box_tells_who_is_meant(estimate, test_data):
    assert isinstance(estimate, Aimed)
    with open_source(test_data / "coco" / "000000197388.jpg") as source:
        (frame,) = source
    estimate.reset()
    for pose in estimate(frame):
        sure = pose.points[best_join.SHARED][pose.scores[best_join.SHARED] > 0.3]
        low, size = sure.min(axis=0), np.ptp(sure, axis=0)
        found = estimate.estimate_in(frame, np.array([*(low - 0.1 * size), *(1.2 * size)]))
        apart = np.linalg.norm(found.points - pose.points, axis=1)[best_join.SHARED]
        assert np.median(apart) < 0.1 * size.max()
    assert estimate.estimate_in(frame, np.array([0, 0, 0, 10.0])) is None
