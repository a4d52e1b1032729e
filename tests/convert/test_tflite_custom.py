"""Custom operators: MediaPipe's, against a plain reading of its published kernels; SSD's decoding, against LiteRT."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from flatbuffers import flexbuffers
from tiny_tflite import Tiny, agree, feeds_of

from bodydouble.convert import to_onnx
from bodydouble.types import BodyDoubleError


def computed(tiny: Tiny, outputs: list[int], folder: Path) -> list[np.ndarray]:
    path = folder / "tiny.tflite"
    path.write_bytes(tiny.finish(*outputs))
    session = onnxruntime.InferenceSession(to_onnx(path).SerializeToString())
    names = [place.name for place in session.get_inputs()]
    return [np.asarray(value) for value in session.run(None, dict(zip(names, feeds_of(tiny), strict=True)))]


def matrix(angle: float, scale: float, x: float, y: float) -> np.ndarray:
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    return np.float32([[[c, -s, 0, x], [s, c, 0, y], [0, 0, 1, 0], [0, 0, 0, 1]]])


def sampled(picture: np.ndarray, m: np.ndarray, size: tuple[int, int], half: float) -> np.ndarray:
    """One pixel at a time."""
    rows, columns, channels = picture.shape
    out = np.zeros((*size, channels))
    for j in range(size[0]):
        for i in range(size[1]):
            x, y = (m[n, 0] * (i + half) + m[n, 1] * (j + half) + m[n, 3] - half for n in (0, 1))
            if not (0 <= x <= columns - 1 and 0 <= y <= rows - 1):
                continue
            left, top = math.floor(x), math.floor(y)
            for dy in (0, 1):
                for dx in (0, 1):
                    if top + dy < rows and left + dx < columns:
                        share = (x - left if dx else 1 - x + left) * (y - top if dy else 1 - y + top)
                        out[j, i] += share * picture[top + dy, left + dx]
    return out


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("where", [(0.3, 1.2, 1.0, -2.0), (0, 1, 0, 0), (2.0, 3.0, 5, 5)])
def test_a_picture_through_a_matrix(tmp_path: Path, version: int, where: tuple[float, ...]) -> None:
    m = matrix(*where)
    tiny = Tiny()
    x, by = tiny.input(1, 9, 7, 3), tiny.input(1, 4, 4, feed=m)
    kind = "TransformTensor" if version == 1 else "TransformTensorBilinear"
    custom = bytes(flexbuffers.Dumps({"output_height": 5, "output_width": 6}))
    y = tiny.op(kind, [x, by], (1, 5, 6, 3), custom=custom, version=version)
    (got,) = computed(tiny, [y], tmp_path)
    wanted = sampled(feeds_of(tiny)[0][0], m[0].astype(float), (5, 6), 0.5 if version == 2 else 0)
    np.testing.assert_allclose(got[0], wanted, atol=2e-4)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("version", [1, 2])
def test_landmarks_through_a_matrix(tmp_path: Path, size: int, version: int) -> None:
    m, count, scale = matrix(0.4, 1.5, 3, -1), 5, 2.5 if version == 1 else 1.0
    shape = (1, 1, 1, count * size) if version == 1 else (1, count, size)
    tiny = Tiny()
    x, by = tiny.input(*shape), tiny.input(1, 4, 4, feed=m)
    custom = bytes(flexbuffers.Dumps({"dimensions": size, "scale": scale})) if version == 1 else b""
    (got,) = computed(tiny, [tiny.op("TransformLandmarks", [x, by], shape, custom=custom, version=version)], tmp_path)
    points = feeds_of(tiny)[0].reshape(count, size).astype(float)
    wanted = points.copy()
    for n in (0, 1):
        wanted[:, n] = points[:, :2] @ m[0, n, :2] + m[0, n, 3] * scale
    np.testing.assert_allclose(got.reshape(count, size), wanted, rtol=1e-5, atol=1e-5)


def new_matrix(points: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    """Version 2 as published: a product of five 4x4 matrices."""
    left, right = points[options["left_rotation_idx"]], points[options["right_rotation_idx"]]
    r = options["target_rotation_radians"] - math.atan2(right[1] - left[1], right[0] - left[0])
    turned = (
        points[options["subset_idxs"]][:, :2] @ np.array([[math.cos(r), -math.sin(r)], [math.sin(r), math.cos(r)]]).T
    )
    high, low = turned.max(0), turned.min(0)
    back = np.array([[math.cos(-r), -math.sin(-r)], [math.sin(-r), math.cos(-r)]])
    centre = back @ ((high + low) / 2)
    out = np.array([options["output_width"], options["output_height"]])
    scale = np.array([options["scale_x"], options["scale_y"]]) * (high - low) / out

    def shift(x: float, y: float) -> np.ndarray:
        m = np.eye(4)
        m[:2, 3] = x, y
        return m

    turn = np.eye(4)
    turn[:2, :2] = back
    return shift(*centre) @ turn @ np.diag([*scale, 1, 1]) @ shift(*(-out / 2))


def old_matrix(points: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    """Version 1 as published: 3x3 matrices by way of -1..1."""
    left, right = points[options["left_rotation_idx"]], points[options["right_rotation_idx"]]
    a = -math.atan((right[1] - left[1]) / (right[0] - left[0]))
    around = points[options["subset"]][:, :2]
    turned = around @ np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]]).T
    high, low = turned.max(0), turned.min(0)
    extent = options["landmarks_range"]
    size = (high - low) * options["bbox_size_multiplier"]
    back = np.array([[math.cos(-a), -math.sin(-a)], [math.sin(-a), math.cos(-a)]])
    middle = back @ ((high + low) / 2) / extent * 2 - 1
    rotation = np.eye(3)
    rotation[:2, :2], rotation[:2, 2] = back, middle
    (out_h, out_w), (in_h, in_w) = options["output_hw"], options["input_hw"]
    relative = np.array([[2 / (out_w - 1), 0, -1], [0, 2 / (out_h - 1), -1], [0, 0, 1]])
    ends = (in_w - 1) / 2, (in_h - 1) / 2
    absolute = np.array([[ends[0], 0, ends[0]], [0, ends[1], ends[1]], [0, 0, 1]])
    m = absolute @ rotation @ np.diag([*(size / extent), 1]) @ relative
    return np.array([[m[0, 0], m[0, 1], 0, m[0, 2]], [m[1, 0], m[1, 1], 0, m[1, 2]], [0, 0, 1, 0], [0, 0, 0, 1]])


NEW = {"left_rotation_idx": 1, "right_rotation_idx": 4, "target_rotation_radians": 0.3, "output_height": 16,
       "output_width": 12, "scale_x": 1.5, "scale_y": 1.25, "subset_idxs": [0, 2, 3, 5, 7]}  # fmt: skip
OLD = {"left_rotation_idx": 1, "right_rotation_idx": 4, "dimensions": 3, "landmarks_range": 192,
       "bbox_size_multiplier": 1.4, "input_hw": [48, 48], "output_hw": [16, 12],
       "subset": [0, 2, 3, 5, 7, 6]}  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("version", [1, 2])
def test_a_matrix_from_landmarks(tmp_path: Path, version: int, seed: int) -> None:
    points = np.random.default_rng(seed).uniform(10, 180, (8, 3)).astype(np.float32)
    shape = (1, 1, 1, 24) if version == 1 else (1, 8, 3)
    tiny = Tiny()
    custom = bytes(flexbuffers.Dumps(OLD if version == 1 else NEW))
    x = tiny.input(*shape, feed=points.reshape(shape))
    (got,) = computed(
        tiny, [tiny.op("Landmarks2TransformMatrix", [x], (1, 4, 4), custom=custom, version=version)], tmp_path
    )
    wanted = (old_matrix if version == 1 else new_matrix)(points.astype(float), OLD if version == 1 else NEW)
    np.testing.assert_allclose(got[0], wanted, rtol=1e-4, atol=1e-3)


def test_landmarks_that_are_not_there_are_refused(tmp_path: Path) -> None:
    tiny = Tiny()
    custom = bytes(flexbuffers.Dumps({**NEW, "subset_idxs": [0, 8]}))
    y = tiny.op("Landmarks2TransformMatrix", [tiny.input(1, 8, 3)], (1, 4, 4), custom=custom, version=2)
    with pytest.raises(BodyDoubleError, match="landmarks that are not there"):
        computed(tiny, [y], tmp_path)


@pytest.mark.parametrize("custom", [b"", b"\x05\x01\x02", bytes(flexbuffers.Dumps([1, 2]))])
def test_options_that_cannot_be_read_are_refused(tmp_path: Path, custom: bytes) -> None:
    tiny = Tiny()
    y = tiny.op("Landmarks2TransformMatrix", [tiny.input(1, 8, 3)], (1, 4, 4), custom=custom, version=2)
    with pytest.raises(BodyDoubleError, match="option") as caught:
        computed(tiny, [y], tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("same", [True, False])
def test_pooling_with_places_and_back(tmp_path: Path, same: bool) -> None:
    """Places are those in the window, row by row; unpooling puts each number there and zeros elsewhere."""
    tiny = Tiny()
    x = tiny.input(1, 7, 6, 2)
    tall, wide = (4, 2) if same else (3, 2)
    custom = struct.pack("<6i", 1 if same else 2, 3, 2, 3, 2, 0)  # padding, strides x y, width, height, activation
    made = [((1, tall, wide, 2), "float32")] * 2
    largest, places = tiny.ops("MaxPoolingWithArgmax2D", [x], made, custom=custom)
    back = tiny.op("MaxUnpooling2D", [largest, places], (1, tall * 2, wide * 3, 2), custom=custom)
    values, found, spread = computed(tiny, [largest, places, back], tmp_path)
    padded = np.pad(feeds_of(tiny)[0], [(0, 0), (0, same), (0, 0), (0, 0)], constant_values=-np.inf)
    for y in range(tall):
        for column in range(wide):
            for c in range(2):
                window = padded[0, 2 * y : 2 * y + 2, 3 * column : 3 * column + 3, c]
                assert values[0, y, column, c] == window.max()
                assert int(found[0, y, column, c]) == window.argmax()
                put = spread[0, 2 * y : 2 * y + 2, 3 * column : 3 * column + 3, c]
                np.testing.assert_array_equal(put, np.where(window == window.max(), window, 0))


def ssd(tiny: Tiny, *, regular: bool, background: bool, each: int) -> list[int]:
    """Forty boxes around ten places, three classes."""
    random = np.random.default_rng(4)
    centres = np.repeat(random.uniform(0.2, 0.8, (10, 2)), 4, axis=0) + random.normal(0, 0.01, (40, 2))
    anchors = np.concatenate([centres, np.full((40, 2), 0.2)], axis=1).astype(np.float32)
    scores = random.uniform(0, 1, (1, 40, 3 + background)).astype(np.float32)
    options = {
        "max_detections": 6, "max_classes_per_detection": each, "num_classes": 3, "nms_score_threshold": 0.4,
        "nms_iou_threshold": 0.5, "y_scale": 10.0, "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0,
        "use_regular_nms": regular, "detections_per_class": 5,
    }  # fmt: skip
    count = 6 * (1 if regular else each)
    made = [((1, count, 4), "float32"), ((1, count), "float32"), ((1, count), "float32"), ((1,), "float32")]
    given = [tiny.input(1, 40, 4), tiny.input(*scores.shape, feed=scores), tiny.constant(anchors)]
    return tiny.ops("TFLite_Detection_PostProcess", given, made, custom=bytes(flexbuffers.Dumps(options)))


@pytest.mark.parametrize("regular", [False, True])
@pytest.mark.parametrize("background", [False, True])
def test_ssd_is_litert_s(tmp_path: Path, regular: bool, background: bool) -> None:
    tiny = Tiny()
    agree(tiny, ssd(tiny, regular=regular, background=background, each=1), tmp_path)


def test_ssd_with_two_classes_a_box(tmp_path: Path) -> None:
    tiny = Tiny()
    agree(tiny, ssd(tiny, regular=False, background=True, each=2), tmp_path)
