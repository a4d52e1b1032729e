"""The zoo's TensorFlow.js models as wholes: what is left in the graph, how large it is, other input sizes.

That they compute what TensorFlow.js does is said in docs/conversions.md.
"""

from __future__ import annotations

import numpy as np
import pytest
from test_convert import operators
from test_tfjs_operators import run

from bodydouble import models
from bodydouble.convert import to_onnx

pytestmark = pytest.mark.models


def test_posenet_is_convolutions() -> None:
    model = to_onnx(models.fetch("posenet-mobilenet"))
    found = operators(model)
    assert set(found) == {"Conv", "Clip", "Transpose"}
    assert found["Transpose"] == 5  # the picture, and the four outputs


@pytest.mark.parametrize("size", [257, 193])
def test_posenet_of_another_size(size: int) -> None:
    """Output stride 16: the maps have (size - 1) / 16 + 1 places a side."""
    model = to_onnx(models.fetch("posenet-mobilenet"), input_shapes=(1, size, size, 3))
    results = run(model, {"image": np.zeros((1, size, size, 3), np.float32)})
    assert {result.shape[1:3] for result in results} == {((size - 1) // 16 + 1,) * 2}


@pytest.mark.parametrize("name", ["movenet-lightning", "movenet-thunder", "movenet-multipose"])
def test_weights_stay_float16(name: str) -> None:
    source = models.fetch(name)
    stored = sum(path.stat().st_size for path in source.parent.glob(f"{source.stem}*.bin"))
    model = to_onnx(source)
    assert model.ByteSize() < 1.05 * stored


def test_multipose_of_a_stated_size_has_no_arithmetic_of_shapes() -> None:
    opened = operators(to_onnx(models.fetch("movenet-multipose")))
    stated = operators(to_onnx(models.fetch("movenet-multipose"), input_shapes=(1, 192, 256, 3)))
    assert opened["Shape"] > 0
    assert stated["Shape"] == stated["ConstantOfShape"] == stated["Range"] == 0
