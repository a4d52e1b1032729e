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
WHOLE = session(blazepose_fused.whole_image(LIKE))


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
    (found,) = SUPPRESS.run(None, {"boxes": boxes, "points": points, "scores": scores})
    likely = scores >= blazepose_fused.MIN_DETECTION
    people = ssd.suppress(ssd.Detections(boxes[likely], points[likely].astype(float), scores[likely].astype(float)))
    want = np.zeros((PEOPLE, 4))
    for row, pair in zip(want, people.points, strict=False):
        row[:] = region.from_alignment(pair[0], pair[1]).array()
    assert_same_regions(found, want)


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


@pytest.mark.parametrize("size", [(480, 640), (1280, 720), (1, 7)])
def test_the_letterbox_is_the_square_around_the_image(size):
    (found,) = WHOLE.run(None, {"image": np.zeros((*size, 3), np.uint8)})
    np.testing.assert_array_equal(found, region.whole_image(size[1], size[0]).array())


def look_once(shift: float) -> onnx.ModelProto:
    """A look that finds the next region `shift` pixels to the right, and says where it looked."""
    text = """
        look (uint8[h, w, 3] image, float[4] region)
        => (float[2, 3] keypoints, float[1] score, float[4] next_region) {
            xyz = Slice(region, start, end)
            keypoints = Expand(xyz, table)
            score = Slice(region, start, first)
            next_region = Add(region, shift)
        }
    """
    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 17]>' + text)
    for name, array in {
        "start": np.array([0]),
        "end": np.array([3]),
        "first": np.array([1]),
        "table": np.array([2, 3]),
        "shift": np.array([shift, 0, 0, 0], np.float32),
    }.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    return model


def find_two() -> onnx.ModelProto:
    """Finds two people in three places, whatever the image."""
    wiring = Wiring()
    wiring.tensor("two", np.array([[10, 1, 4, 0], [20, 2, 4, 0], [0, 0, 0, 0]], np.float32))
    wiring.add("Identity", ["two"], ["regions"])
    image = value("image", ("height", "width", 3), onnx.TensorProto.UINT8)
    return assemble.model(wiring.graph("find", [image], [value("regions", (3, 4))]), LIKE, {})


class TwoPoints:
    name = "two"
    points = ("a", "b")
    edges = (("a", "b"),)

    def __len__(self):
        return 2


def two_people(looks: int, *, regions: bool) -> onnxruntime.InferenceSession:
    parts = fused.Parts(find_two(), look_once(5), TwoPoints(), world=False, looks=looks)
    return session(fused.following("blazepose-full", 3, regions, parts))


IMAGE = np.zeros((4, 5, 3), np.uint8)


def test_everybody_found_is_looked_at_and_empty_places_are_zero():
    keypoints, scores = two_people(1, regions=False).run(None, {"image": IMAGE})
    np.testing.assert_array_equal(scores, [10, 20, 0])
    np.testing.assert_array_equal(keypoints[:, 0], [[10, 1, 4], [20, 2, 4], [0, 0, 0]])


def test_a_second_look_goes_where_the_first_says():
    _, scores = two_people(2, regions=False).run(None, {"image": IMAGE})
    np.testing.assert_array_equal(scores, [15, 25, 0])


def test_known_people_are_looked_at_once_where_they_were():
    run = two_people(2, regions=True).run
    _, scores, following = run(None, {"image": IMAGE, "regions": np.zeros((3, 4), np.float32)})
    np.testing.assert_array_equal(scores, [15, 25, 0])
    np.testing.assert_array_equal(following[:, 0], [20, 30, 0])
    _, scores, following = run(None, {"image": IMAGE, "regions": following})
    np.testing.assert_array_equal(scores, [20, 30, 0])
    np.testing.assert_array_equal(following[:, 0], [25, 35, 0])


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
    graph = fused.fused("blazepose-lite", 2)
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
