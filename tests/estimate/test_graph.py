"""The pieces of graph around a network against plain numpy and OpenCV."""

import math

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.estimate import graph, region, ssd
from bodydouble.estimate.graph_input import Border, Input, Preparation, Values, prepare
from bodydouble.estimate.graph_output import DetectorOutputs, LandmarkOutputs, decode_detections, decode_landmarks
from bodydouble.types import BodyDoubleError

NETWORK = onnx.parser.parse_model(
    '<ir_version: 8, opset_import: ["": 17]> net (float[1] x) => (float[1] y) { y = Identity(x) }'
)
SIZE = 32
OUTPUTS = LandmarkOutputs("a", "b", "c", "d", total=7, kept=6, bodies=5, cells=16)


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    onnx.checker.check_model(model)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def wanted(replicate: bool) -> Input:
    return Input("x", SIZE, SIZE, Values(1 / 127.5, -1.0), Border.REPLICATE if replicate else Border.BLACK)


CROPPERS = {border: session(prepare(NETWORK, wanted(border), Preparation.IMAGE).model) for border in (True, False)}


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.integers(1, 90), st.integers(1, 70)),
    st.tuples(st.floats(-20, 100), st.floats(-20, 100), st.floats(4, 200), st.floats(-3.2, 3.2)),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_the_crop_in_the_graph_is_the_crop_of_opencv(size, place, replicate, seed):
    image = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    where = region.Region(*(float(np.float32(value)) for value in place))
    values, again = CROPPERS[replicate].run(None, {"image": image, "region": where.array()})
    want = region.square(image, where, SIZE, replicate=replicate)
    got = (values[0] + 1) * 127.5
    # OpenCV interpolates with positions rounded to 1/32 pixel: at most 1/16 of the greatest step between neighbours.
    assert np.abs(got - want).max() <= 255 / 16 + 1
    assert np.abs(got - want).mean() <= 3
    np.testing.assert_array_equal(again, where.array())


def test_a_crop_made_outside_is_only_scaled():
    crop = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    run = session(prepare(NETWORK, wanted(True), Preparation.CROP).model).run
    values, _ = run(None, {"crop": crop, "region": np.zeros(4, dtype=np.float32)})
    np.testing.assert_allclose(values[0], crop / 127.5 - 1, atol=1e-6)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def landmarks_by_hand(raw, world, heat, where):
    """As the calculators named in graph_output.py do it, point by point."""
    table = raw.reshape(OUTPUTS.total, 5)[: OUTPUTS.kept].astype(float)
    out = table.copy()
    out[:, 3:] = sigmoid(table[:, 3:])
    for k in range(OUTPUTS.kept):
        column, row = int(table[k, 0] / SIZE * OUTPUTS.cells), int(table[k, 1] / SIZE * OUTPUTS.cells)
        if not (0 <= column < OUTPUTS.cells and 0 <= row < OUTPUTS.cells):
            continue
        rows = slice(max(0, row - 3), row + 4)
        columns = slice(max(0, column - 3), column + 4)
        window = sigmoid(heat[0, rows, columns, k].astype(float))
        if window.max() < 0.5:
            continue
        r, c = np.mgrid[0 : OUTPUTS.cells, 0 : OUTPUTS.cells]
        out[k, 0] = (window * c[rows, columns]).sum() / window.sum() / OUTPUTS.cells * SIZE
        out[k, 1] = (window * r[rows, columns]).sum() / window.sum() / OUTPUTS.cells * SIZE
    turn = np.array(
        [[math.cos(where.rotation), -math.sin(where.rotation)], [math.sin(where.rotation), math.cos(where.rotation)]]
    )
    out[:, :2] = (out[:, :2] - SIZE / 2) @ turn.T * where.size / SIZE + (where.x, where.y)
    out[:, 2] *= where.size / SIZE
    metric = world.reshape(OUTPUTS.total, 3)[: OUTPUTS.bodies].astype(float)
    metric[:, :2] = metric[:, :2] @ turn.T
    return out, metric * (1, -1, -1)


DECODERS = {
    heat: session(
        decode_landmarks(
            NETWORK, wanted(True), LandmarkOutputs("a", "b", "c", heat, total=7, kept=6, bodies=5, cells=16)
        ).model
    )
    for heat in ("d", "")
}


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(-6, 3), st.booleans())
def test_landmarks_are_decoded_and_refined_as_published(seed, level, use_heat):
    rng = np.random.default_rng(seed)
    raw = rng.normal(0, 2, (7, 5))
    raw[:, :2] = rng.uniform(-4, SIZE + 4, (7, 2))  # some outside the crop, some whose window is cut
    raw = raw.reshape(1, -1).astype(np.float32)
    world = rng.normal(0, 1, (1, 21)).astype(np.float32)
    heat = rng.normal(level, 1, (1, 16, 16, 7)).astype(np.float32)
    where = region.Region(*(float(np.float32(v)) for v in (rng.uniform(0, 500), 77, 200, rng.uniform(-3, 3))))
    feed = {"raw": raw, "presence": np.array([[0.7]], dtype=np.float32), "raw_world": world, "region": where.array()}
    if use_heat:
        feed["heatmap"] = heat
    points, metric, score = DECODERS["d" if use_heat else ""].run(None, feed)
    want, want_metric = landmarks_by_hand(raw, world, heat if use_heat else np.full_like(heat, -50), where)
    np.testing.assert_allclose(points, want, atol=2e-3)
    np.testing.assert_allclose(metric, want_metric, atol=1e-5)
    assert score == pytest.approx([0.7])


def test_detections_are_decoded_best_first_and_carried_to_the_area():
    rng = np.random.default_rng(3)
    count, best, size = 40, 8, 64
    raw = rng.normal(0, 10, (1, count, 8)).astype(np.float32)
    logits = rng.normal(0, 3, (1, count, 1)).astype(np.float32)
    logits[0, 5] = 400  # clipped, not overflowing
    centres = rng.uniform(0, 1, (count, 2))
    part = decode_detections(
        NETWORK,
        Input("x", size, size, Values(), Border.BLACK),
        DetectorOutputs("a", "b", best),
        centres,
    )
    area = region.Region(300, 200, 128)
    boxes, points, scores = session(part.model).run(None, {"raw": raw, "logits": logits, "region": area.array()})
    order = np.argsort(-logits[0, :, 0])[:best]
    want_boxes, want_points = ssd.decode(raw[0, order].astype(float), centres[order], size)
    corner = np.array([300 - 64, 200 - 64])
    np.testing.assert_allclose(boxes[:, :2], want_boxes[:, :2] * 128 + corner, atol=1e-3)
    np.testing.assert_allclose(boxes[:, 2:], want_boxes[:, 2:] * 128, atol=1e-3)
    np.testing.assert_allclose(points, want_points * 128 + corner, atol=1e-3)
    np.testing.assert_allclose(scores, sigmoid(np.clip(logits[0, order, 0], -100, 100)), atol=1e-6)


def test_a_network_whose_tensors_have_our_names_is_composed():
    network = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["": 17]>
        net (float[1, 8, 8, 3] x) => (float[1, 5] a, float[1, 1] b, float[1, 3] c)
        <int64[1] flat = {-1}, int64[2] two = {1, 5}, int64[2] one = {1, 1}, int64[2] three = {1, 3},
         int64[1] zero = {0}, int64[1] five = {5}, int64[1] single = {1}, int64[1] triple = {3}>
        {
            shape = Reshape(x, flat)
            cos = Slice(shape, zero, five)
            a = Reshape(cos, two)
            side = Slice(shape, zero, single)
            b = Reshape(side, one)
            points = Slice(shape, zero, triple)
            c = Reshape(points, three)
        }"""
    )
    outputs = LandmarkOutputs("a", "b", "c", "", total=1, kept=1, bodies=1, cells=0)
    image = np.full((20, 30, 3), 51, dtype=np.uint8)
    for preparation, name in ((Preparation.IMAGE, "image"), (Preparation.CROP, "crop")):
        whole = graph.landmark_graph(network, Input("x", 8, 8, Values(1 / 255), Border.REPLICATE), outputs, preparation)
        where = region.Region(15, 10, 8)
        feed = {name: image if name == "image" else image[:8, :8], "region": where.array()}
        points, world, score = session(whole).run(None, feed)
        np.testing.assert_allclose(points[0, :3], (0.2 - 4 + 15, 0.2 - 4 + 10, 0.2), atol=1e-5)
        np.testing.assert_allclose(world, [[0.2, -0.2, -0.2]], atol=1e-6)
        assert score == pytest.approx([0.2])


def test_an_output_that_the_network_lacks_is_named():
    with pytest.raises(BodyDoubleError, match="no output Identity_9; it has y"):
        graph.landmark_graph(
            NETWORK,
            Input("x", 8, 8, Values(), Border.REPLICATE),
            LandmarkOutputs("y", "y", "Identity_9", "", 1, 1, 1, 0),
            Preparation.CROP,
        )
