"""Every TensorFlow.js operator, converted and run, gives what numpy says; with open sizes as with stated ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import tfjs_picture_cases  # noqa: F401  (adds its cases)
from tfjs_cases import CASES, INTS, SHAPE, N, X, Y
from tiny_tfjs import Tiny

from bodydouble.convert import to_onnx


def run(model: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    wanted = {place.name for place in session.get_inputs()}
    return session.run(None, {name: np.asarray(array) for name, array in feeds.items() if name in wanted})


@pytest.mark.parametrize("opened", [False, True], ids=["stated", "open"])
@pytest.mark.parametrize("name", CASES)
def test_operator(tmp_path: Path, name: str, opened: bool) -> None:
    tiny = Tiny()
    shape = (-1, -1, -1, SHAPE[3]) if opened and name not in STATED else SHAPE
    given = tiny.input(*shape, name="x"), tiny.input(*shape, name="y"), tiny.input(*INTS, dtype="DT_INT32", name="n")
    results = CASES[name].build(tiny, *given)
    results = (results,) if isinstance(results, str) else results
    model = to_onnx(tiny.write(tmp_path, {f"out{n}": result for n, result in enumerate(results)}))
    found = run(model, {"x": X, "y": Y, "n": N})
    expected = CASES[name].expect(X, Y, N)
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert len(found) == len(expected)
    for got, wanted in zip(found, expected, strict=True):
        assert got.shape == np.shape(wanted)
        np.testing.assert_allclose(got.astype(np.float64), np.asarray(wanted, np.float64), rtol=2e-5, atol=2e-5)


# What needs a size while converting.
STATED = {"Cumprod", "Cumprod reversed without itself", "SplitV", "MatrixBandPart", "Unpack", "MaxPoolWithArgmax"}
# How many there are is known only at run time.
COUNTED = {"NonMaxSuppressionV4"}


@pytest.mark.parametrize("name", sorted(CASES.keys() - COUNTED))
def test_stated_sizes_leave_no_arithmetic_of_shapes(tmp_path: Path, name: str) -> None:
    tiny = Tiny()
    given = tiny.input(*SHAPE, name="x"), tiny.input(*SHAPE, name="y"), tiny.input(*INTS, dtype="DT_INT32", name="n")
    results = CASES[name].build(tiny, *given)
    model = to_onnx(tiny.write(tmp_path, [results] if isinstance(results, str) else list(results)))
    assert not {node.op_type for node in model.graph.node} & {"Shape", "Loop", "If", "ConstantOfShape"}
