"""The pose models, converted, agree with LiteRT on photographs of people to 1e-3 of each output's range."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
from tiny_tflite import litert

from bodydouble import models

TOLERANCE = 1e-3
MARGIN = 1.25  # side of the crop as a ratio of the person's box, as BlazePose's own regions have it
SMALLEST = 60  # pixels of a person's box

pytestmark = pytest.mark.models


def crops(folder: Path, size: int, scale: float, offset: float) -> list[np.ndarray]:
    """Square crops around the annotated people, (1, size, size, 3), bytes scaled and shifted."""
    notes = json.loads((folder / "coco" / "test_coco.json").read_text())
    files = {image["id"]: image["file_name"] for image in notes["images"]}
    found = []
    for note in notes["annotations"]:
        x, y, width, height = note["bbox"]
        side = max(width, height) * MARGIN
        if side < SMALLEST or note["num_keypoints"] == 0:
            continue
        image = cv2.cvtColor(cv2.imread(str(folder / "coco" / files[note["image_id"]])), cv2.COLOR_BGR2RGB)
        ratio = size / side
        corner = np.array([x + width / 2 - side / 2, y + height / 2 - side / 2])
        crop = cv2.warpAffine(
            image, np.array([[ratio, 0, -ratio * corner[0]], [0, ratio, -ratio * corner[1]]]), (size, size)
        )
        found.append((crop.astype(np.float32) * np.float32(scale) + np.float32(offset))[None])
    assert len(found) >= 5
    return found


@pytest.mark.parametrize(
    ("name", "size", "scale", "offset"),
    [
        ("blazepose-detector", 224, 1 / 127.5, -1.0),
        ("blazepose-lite", 256, 1 / 255, 0.0),
        ("blazepose-full", 256, 1 / 255, 0.0),
        ("blazepose-heavy", 256, 1 / 255, 0.0),
    ],
)
def test_agrees_with_litert(test_data: Path, name: str, size: int, scale: float, offset: float) -> None:
    content = models.fetch(name).read_bytes()
    session = onnxruntime.InferenceSession(models.onnx_path(name), providers=["CPUExecutionProvider"])
    names = [place.name for place in session.get_outputs()]
    assert set(models.card(name).outputs.values()) == set(names)
    for crop in crops(test_data, size, scale, offset)[:8]:
        wanted = litert(content, [crop], delegates=True)
        got = dict(zip(names, session.run(None, {session.get_inputs()[0].name: crop}), strict=True))
        assert wanted.keys() == got.keys()
        for output, expected in wanted.items():
            extent = float(np.ptp(expected)) if expected.size > 1 else 1.0  # a single one is a probability
            error = float(np.abs(got[output] - expected).max())
            assert error <= TOLERANCE * extent, f"{output} is {error / extent:.1e} of its range off"


@pytest.mark.parametrize("name", ["blazepose-detector", "blazepose-lite", "blazepose-full", "blazepose-heavy"])
def test_weights_stay_float16_on_disk(name: str) -> None:
    """No larger than the TFLite file, but for the detector, whose sparse weights are dense in ONNX."""
    ratio = models.onnx_path(name).stat().st_size / models.fetch(name).stat().st_size
    assert ratio < (2.1 if name == "blazepose-detector" else 1.0)


def test_cutting_off_outputs_changes_none_that_stays(test_data: Path) -> None:
    crop = crops(test_data, 256, 1 / 255, 0.0)[0]
    whole = onnxruntime.InferenceSession(models.onnx_path("blazepose-full"))
    roles = ["world", "landmarks", "presence"]
    cut = onnxruntime.InferenceSession(models.onnx_path("blazepose-full", roles))
    outputs = models.card("blazepose-full").outputs
    assert [place.name for place in cut.get_outputs()] == [outputs[role] for role in roles]
    names = [outputs[role] for role in roles]
    for got, wanted in zip(cut.run(None, {"input_1": crop}), whole.run(names, {"input_1": crop}), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-3)
