"""One-file graphs against the estimators and the numpy they are made of."""

import json

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.estimate import assemble, blazepose_fused, fused, load, region, ssd
from bodydouble.estimate.assemble import Wiring, value
from bodydouble.estimate.following import Manner
from bodydouble.estimate.fused_looks import Parts
from bodydouble.sources import open_source
from bodydouble.types import BodyDoubleError

LIKE = onnx.parser.parse_model(
    '<ir_version: 8, opset_import: ["": 17]> net (float[1] x) => (float[1] y) { y = Identity(x) }'
)


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


PEOPLE = 5
SUPPRESS = session(blazepose_fused.suppress(LIKE, PEOPLE))
ALIGN = session(blazepose_fused.from_alignment(LIKE, 1))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.floats(0.1, 0.95))
def test_people_are_told_apart_as_by_suppress(seed, crowd, share):
    rng = np.random.default_rng(seed)
    count = blazepose_fused.DETECTOR_OUTPUTS.best
    middles = rng.uniform(0, 1000, (crowd, 2))[rng.integers(0, crowd, count)] + rng.normal(0, 15, (count, 2))
    boxes = np.concatenate([middles, rng.uniform(60, 200, (count, 2))], axis=1).astype(np.float32)
    points = (middles[:, None] + rng.normal(0, 60, (count, 4, 2))).astype(np.float32)
    scores = np.sort(rng.uniform(0, 1, count))[::-1].astype(np.float32)
    scores[int(share * count) :] *= 0.4  # less than the detector's threshold
    found, best_scores = SUPPRESS.run(None, {"boxes": boxes, "points": points, "scores": scores})
    likely = scores >= blazepose_fused.MIN_DETECTION
    people = ssd.suppress(ssd.Detections(boxes[likely], points[likely].astype(float), scores[likely].astype(float)))
    want = np.zeros((PEOPLE, 4))
    for row, pair in zip(want, people.points, strict=False):
        row[:] = region.from_alignment(pair[0], pair[1]).array()
    assert_same_regions(found, want)
    count = min(PEOPLE, len(people))
    np.testing.assert_array_equal(best_scores[:count], people.scores[:count].astype(np.float32))
    assert not best_scores[count:].any()


@given(st.floats(-500, 500), st.floats(-500, 500))
def test_a_region_turns_as_from_alignment(across, down):
    pair = np.array([[100.0, 200.0], [100.0 + across, 200.0 + down]])
    (found,) = ALIGN.run(None, {"pairs": pair[None].astype(np.float32), "found": np.ones(1, np.float32)})
    single = pair.astype(np.float32).astype(float)
    if np.hypot(*(single[1] - single[0])) > 1e-3:
        assert_same_regions(found, region.from_alignment(single[0], single[1]).array()[None])


@pytest.mark.parametrize(("rim", "degrees"), [((0, -10), 0), ((10, 0), 90), ((0, 10), 180), ((-10, 0), -90)])
def test_the_four_directions(rim, degrees):
    pair = np.array([[[0, 0], rim]], np.float32)
    ((_, _, side, turn),) = ALIGN.run(None, {"pairs": pair, "found": np.ones(1, np.float32)})[0]
    assert side == pytest.approx(25)
    assert np.degrees(turn) == pytest.approx(degrees, abs=1e-3)


def assert_same_regions(found, want):
    np.testing.assert_allclose(found[:, :3], want[:, :3], rtol=2e-5, atol=2e-3)
    turn = np.remainder(found[:, 3] - want[:, 3] + np.pi, 2 * np.pi) - np.pi
    np.testing.assert_allclose(turn, 0, atol=2e-3)


SIDE = 50.0
POINTS = 3


def look(shift: float, scores: dict[float, float]) -> onnx.ModelProto:
    """A look that sees somebody of the region's size, and the next region `shift` to the right.

    scores: what a look scores whose region has that x (0.9 for others).
    """
    text = """
        look (uint8[h, w, 3] image, float[4] region)
        => (float[2, 3] keypoints, float[1] score, float[4] next_region, float[3, 3] seen) {
            xyz = Slice(region, start, end)
            keypoints = Expand(xyz, table)
            next_region = Add(region, shift)
            x = Slice(region, start, first)
            same = Equal(x, xs)
            same_number = Cast<to = 1>(same)
            less = Mul(same_number, lesser)
            lost = ReduceSum<keepdims = 1>(less, axis)
            score = Sub(high, lost)
            middle = Slice(region, start, xy)
            side = Slice(region, xy, end)
            shape = Mul(triangle, side)
            place = Add(shape, middle)
            seen = Concat<axis = 1>(place, ones)
        }
    """
    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 17]>' + text)
    for name, array in {
        "start": np.array([0]),
        "end": np.array([3]),
        "first": np.array([1]),
        "xy": np.array([2]),
        "axis": np.array([0]),
        "table": np.array([2, 3]),
        "shift": np.array([shift, 0, 0, 0], np.float32),
        "xs": np.array([*scores, -1], np.float32),
        "lesser": np.array([*(0.9 - score for score in scores.values()), 0], np.float32),
        "high": np.array([0.9], np.float32),
        "triangle": np.array([[-0.3, -0.3], [0.3, -0.3], [0, 0.3]], np.float32),
        "ones": np.ones((3, 1), np.float32),
    }.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    return model


def detect(found: list[list[float]], scores: list[float]) -> onnx.ModelProto:
    """Finds these in any area."""
    wiring = Wiring()
    wiring.tensor("found", np.array(found, np.float32))
    wiring.tensor("found_scores", np.array(scores, np.float32))
    wiring.add("Identity", ["found"], ["regions"])
    wiring.add("Identity", ["found_scores"], ["scores"])
    inputs = [value("image", ("height", "width", 3), onnx.TensorProto.UINT8), value("area", (4,))]
    outputs = [value("regions", (len(found), 4)), value("scores", (len(found),))]
    return assemble.model(wiring.graph("detect", inputs, outputs), LIKE, {})


class TwoPoints:
    name = "two"
    points = ("a", "b")
    edges = (("a", "b"),)

    def __len__(self):
        return 2


TWO = [[200, 1, SIDE, 0], [0, 0, 0, 0], [100, 1, SIDE, 0]]


def fuse(found=TWO, sure=(0.5, 0, 0.7), *, people=3, regions=False, shift=5.0, scores=(), looks=1):
    manner = Manner(first_looks=looks, min_score=0.5, second_look=0.1)
    seen = look(shift, dict(scores))
    parts = Parts(detect(found, sure), seen, TwoPoints(), False, POINTS, len(found), manner)
    return session(fused.following("blazepose-full", people, regions, parts)).run


IMAGE = np.zeros((100, 120, 3), np.uint8)


def test_everybody_found_is_looked_at_the_surest_first_and_empty_places_are_zero():
    keypoints, scores = fuse()(None, {"image": IMAGE})
    np.testing.assert_allclose(scores, [0.9, 0.9, 0])
    np.testing.assert_array_equal(keypoints[:, 0], [[100, 1, SIDE], [200, 1, SIDE], [0, 0, 0]])


def test_for_one_person_the_largest_is_looked_at():
    keypoints, _ = fuse([*TWO, [300, 1, 60, 0]], [0.5, 0, 0.7, 0.4], people=1)(None, {"image": IMAGE})
    np.testing.assert_array_equal(keypoints[:, 0], [[300, 1, 60]])


def test_who_is_no_person_makes_room_for_the_next():
    keypoints, _ = fuse(people=1, scores={200: 0.05}.items())(None, {"image": IMAGE})
    np.testing.assert_array_equal(keypoints[:, 0], [[100, 1, SIDE]])


@pytest.mark.parametrize(("looks", "x"), [(1, 100), (2, 105), (3, 110)])
def test_further_looks_go_where_the_first_says(looks, x):
    keypoints, _ = fuse(looks=looks, people=2)(None, {"image": IMAGE})
    np.testing.assert_array_equal(keypoints[:, 0, 0], [x, x + 100])


def test_a_doubt_is_looked_at_again():
    keypoints, scores = fuse(scores={100: 0.2, 200: 0.2, 205: 0.3}.items())(None, {"image": IMAGE})
    np.testing.assert_allclose(scores, [0.9, 0, 0])
    np.testing.assert_array_equal(keypoints[:, 0, 0], [105, 0, 0])


def test_one_body_found_at_two_places_is_one_person():
    found = [[100, 1, 50, 0], [109, 1, 50, 0], [400, 1, 50, 0]]  # as far as two looks at one body may be apart
    _, scores = fuse(found, [0.9, 0.8, 0.7], shift=0)(None, {"image": IMAGE})
    assert (scores > 0).sum() == 3
    found[1][0] = 102
    keypoints, _ = fuse(found, [0.9, 0.8, 0.7], shift=0)(None, {"image": IMAGE})
    np.testing.assert_array_equal(keypoints[:, 0, 0], [100, 400, 0])


def test_a_part_of_a_body_makes_room_for_the_body():
    found = [[100, 1, 30, 0], [100, 1, 300, 0], [500, 1, 50, 0]]
    keypoints, _ = fuse(found, [0.9, 0.8, 0.7], shift=0)(None, {"image": IMAGE})
    np.testing.assert_array_equal(keypoints[:, 0, 2], [300, 50, 0])


def test_known_people_are_looked_at_once_where_they_were():
    run = fuse(looks=2, regions=True)
    _, scores, following = run(None, {"image": IMAGE, "regions": np.zeros((3, 4), np.float32)})
    np.testing.assert_array_equal(following[:, 0], [110, 210, 0])
    _, scores, following = run(None, {"image": IMAGE, "regions": following})
    np.testing.assert_allclose(scores, [0.9, 0.9, 0])
    np.testing.assert_array_equal(following[:, 0], [115, 215, 0])


def test_who_is_lost_leaves_their_place_empty_and_the_others_where_they_are():
    run = fuse(regions=True, scores={115: 0.4}.items())
    regions = np.array([[115, 1, SIDE, 0], [0, 0, 0, 0], [215, 1, SIDE, 0]], np.float32)
    keypoints, scores, following = run(None, {"image": IMAGE, "regions": regions})
    np.testing.assert_allclose(scores, [0, 0, 0.9])
    np.testing.assert_array_equal(following[:, 0], [0, 0, 220])
    np.testing.assert_array_equal(keypoints[:, 0, 0], [0, 0, 215])


def test_a_piece_with_other_names_is_refused():
    with pytest.raises(BodyDoubleError, match="takes x and gives y"):
        Wiring().piece(LIKE, "p/", {"z": "here"}, {"y": "there"})


@pytest.mark.parametrize(
    ("model", "people", "words"),
    [("no-such", 1, "choose from"), ("blazepose-lite", 0, "give 1 to"), ("blazepose-lite", 99, "give 1 to")],
)
def test_bad_wishes_are_one_line(model, people, words):
    with pytest.raises(BodyDoubleError, match=words) as caught:
        fused.fused(model, people)
    assert "\n" not in str(caught.value)


@pytest.mark.models
def test_one_file_finds_what_the_estimator_finds(test_data):
    graph = fused.fused("blazepose-lite", 1)
    run = session(graph).run
    estimate = load("blazepose-lite", device="cpu")
    with open_source(test_data / "coco") as source:
        for frame in source:
            keypoints, scores, world = run(None, {"image": frame.image})
            estimate.reset()
            (pose,) = estimate(frame)
            person = np.argmin(np.linalg.norm(keypoints[..., :2] - pose.points, axis=-1).mean(axis=1))
            # OpenCV's crop rounds positions to 1/32 pixel, the graph's does not
            height = np.ptp(pose.points[:, 1])
            assert np.linalg.norm(keypoints[person, :, :2] - pose.points, axis=1).mean() < 0.01 * height
            np.testing.assert_allclose(keypoints[person, :, 2], pose.scores, atol=0.05)
            np.testing.assert_allclose(world[person], pose.world, atol=0.03)
            assert scores[person] == pytest.approx(pose.score, abs=0.02)


@pytest.mark.models
def test_the_file_says_what_it_is():
    facts = {entry.key: entry.value for entry in fused.fused("blazepose-lite", 1).metadata_props}
    assert json.loads(facts["keypoints"])[0] == "nose"
    assert facts["licence"] == "Apache-2.0"
    assert facts["model"] == "blazepose-lite"
