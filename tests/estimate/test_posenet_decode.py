"""PoseNet's decoding in the graph against the published decoder, on maps with sense and without."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import posenet_published as published
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.estimate.graph_input import Border, Input, Values
from bodydouble.estimate.posenet_decode import EDGES, POINTS, TREE, Decoding, Outputs, decode, paths
from made_maps import crowd, noise

NETWORK = onnx.parser.parse_model(
    '<ir_version: 8, opset_import: ["": 17]> net (float[1] x) => (float[1] y) { y = Identity(x) }'
)
GOLDEN = json.loads(Path(__file__).with_name("posenet.json").read_text())["maps"]
MOST_BYTES = 2048  # a person, of what leaves the graph


@cache
def decoder(rows: int, columns: int, stride: int, how: Decoding) -> onnxruntime.InferenceSession:
    """Keypoints in pixels of the network's input."""
    wanted = Input("x", (columns - 1) * stride + 1, (rows - 1) * stride + 1, Values(), Border.REPLICATE)
    model = decode(NETWORK, wanted, stride, Outputs("heatmap", "offsets", "forward", "backward"), how).model
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def decoded(maps, stride, how):
    rows, columns = maps.heatmap.shape[:2]
    width, height = (columns - 1) * stride + 1, (rows - 1) * stride + 1
    session = decoder(rows, columns, stride, how)
    feed = {**maps.feed(), "region": np.array([width / 2, height / 2, width, 0], dtype=np.float32)}
    names = [value.name for value in session.get_outputs()]
    values = session.run(None, {value.name: feed[value.name] for value in session.get_inputs()})
    return dict(zip(names, values, strict=True))


def assert_people(found, want):
    count = int(found["count"][0])
    assert count == len(want)
    np.testing.assert_allclose(found["scores"][:count], [score for score, _ in want], atol=2e-6)
    if count:
        points = np.stack([points for _, points in want])
        np.testing.assert_allclose(found["keypoints"][:count, :, :2], points[..., :2], atol=2e-3)
        np.testing.assert_allclose(found["keypoints"][:count, :, 2], points[..., 2], atol=2e-6)
    assert not found["keypoints"][count:].any()
    assert not found["scores"][count:].any()


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.sampled_from([(25, 25, 16), (33, 20, 8), (9, 13, 32)]))
def test_a_crowd_is_told_apart_as_published(seed, people, grid):
    rows, columns, stride = grid
    maps = crowd(seed, rows, columns, stride, people)
    assert_people(decoded(maps, stride, Decoding(8)), published.several(maps, stride, 8, 0.5, 20.0))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.sampled_from([-4.0, 0.0, 2.0]), st.sampled_from([(25, 25, 16), (3, 2, 8)]))
def test_noise_with_hundreds_of_candidates_is_decoded_as_published(seed, level, grid):
    rows, columns, stride = grid
    maps = noise(seed, rows, columns, level)
    how = Decoding(20, threshold=0.25, radius=30.0)
    assert_people(decoded(maps, stride, how), published.several(maps, stride, 20, 0.25, 30.0))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(25, 25, 16), (5, 33, 8)]))
def test_one_person_is_where_each_part_is_surest(seed, grid):
    rows, columns, stride = grid
    maps = noise(seed, rows, columns)
    found = decoded(maps, stride, Decoding(0, single=True))
    score, points = published.single(maps, stride)
    np.testing.assert_allclose(found["single"][0, :, :2], points[:, :2], atol=2e-3)
    np.testing.assert_allclose(found["single"][0, :, 2], points[:, 2], atol=2e-6)
    np.testing.assert_allclose(found["single_score"], [score], atol=2e-6)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['kind']}-{case['seed']}-{case['people']}")
def test_as_tensorflow_js_decodes(case):
    """The published decoder itself, in Node; benchmarks/posenet_against_tfjs.py wrote what it found."""
    rows, columns, stride, people = (case[name] for name in ("rows", "columns", "stride", "people"))
    make = {
        "crowd": lambda: crowd(case["seed"], rows, columns, stride, 7),
        "noise": lambda: noise(case["seed"], rows, columns),
    }
    want = [(person["score"], np.array(person["keypoints"])) for person in case["found"]]
    if people == 1:
        found = decoded(make[case["kind"]](), stride, Decoding(0, single=True))
        found = {"keypoints": found["single"], "scores": found["single_score"], "count": np.array([1])}
    else:
        how = Decoding(people, threshold=case["threshold"], radius=case["radius"])
        found = decoded(make[case["kind"]](), stride, how)
    assert_people(found, want)


def test_nobody_is_nobody():
    maps = noise(0, 25, 25, level=-30.0)
    found = decoded(maps, 16, Decoding(3))
    assert found["count"] == 0
    assert not found["keypoints"].any()


def test_every_part_is_reached_along_the_tree_from_every_root():
    before, taken, longest = paths()
    ends = dict(enumerate(TREE)) | {EDGES + edge: pair[::-1] for edge, pair in enumerate(TREE)}
    for root in range(POINTS):
        for part in range(POINTS):
            at, steps = part, 0
            while at != root:
                assert ends[taken[root, at]] == (before[root, at], at)
                at, steps = before[root, at], steps + 1
            assert steps <= longest


def test_what_leaves_the_graph_is_less_than_two_kilobytes_a_person():
    for people in (1, 6, 32):
        session = decoder(65, 65, 8, Decoding(people, single=True))
        bytes_of = {"tensor(float)": 4, "tensor(int64)": 8}
        total = sum(np.prod(value.shape) * bytes_of[value.type] for value in session.get_outputs())
        assert total <= MOST_BYTES * people
