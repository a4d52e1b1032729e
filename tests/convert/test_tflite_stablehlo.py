"""StableHLO operators inside TFLite files, against numpy: LiteRT has kernels for a few of them only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from tiny_tflite import Tiny, feeds_of

from bodydouble.convert import to_onnx

SHAPE = (2, 3, 4)
PAIRS: dict[str, Callable[[Any, Any], Any]] = {
    "STABLEHLO_ADD": np.add,
    "STABLEHLO_SUBTRACT": np.subtract,
    "STABLEHLO_MULTIPLY": np.multiply,
    "STABLEHLO_DIVIDE": np.divide,
    "STABLEHLO_MAXIMUM": np.maximum,
    "STABLEHLO_MINIMUM": np.minimum,
    "STABLEHLO_POWER": np.power,
    "STABLEHLO_REMAINDER": np.fmod,
}
SINGLES: dict[str, Callable[[Any], Any]] = {
    "STABLEHLO_LOGISTIC": lambda x: 1 / (1 + np.exp(-x)),
    "STABLEHLO_ABS": np.abs,
    "STABLEHLO_COSINE": np.cos,
    "STABLEHLO_EXPONENTIAL": np.exp,
    "STABLEHLO_FLOOR": np.floor,
    "STABLEHLO_LOG": np.log,
    "STABLEHLO_NEGATE": np.negative,
    "STABLEHLO_TANH": np.tanh,
    "STABLEHLO_RSQRT": lambda x: 1 / np.sqrt(x),
    "STABLEHLO_CBRT": np.cbrt,
}


def computed(tiny: Tiny, y: int, folder: Path) -> np.ndarray:
    path = folder / "tiny.tflite"
    path.write_bytes(tiny.finish(y))
    session = onnxruntime.InferenceSession(to_onnx(path).SerializeToString())
    names = [place.name for place in session.get_inputs()]
    return np.asarray(session.run(None, dict(zip(names, feeds_of(tiny), strict=True)))[0])


@pytest.mark.parametrize("kind", PAIRS)
def test_pairs(tmp_path: Path, kind: str) -> None:
    tiny = Tiny()
    values = np.random.default_rng(3).uniform(0.5, 3, (2, *SHAPE)).astype(np.float32)
    x, y = (tiny.input(*SHAPE, feed=value) for value in values)
    np.testing.assert_allclose(computed(tiny, tiny.op(kind, [x, y], SHAPE), tmp_path), PAIRS[kind](*values), rtol=1e-5)


@pytest.mark.parametrize("kind", SINGLES)
def test_singles(tmp_path: Path, kind: str) -> None:
    tiny = Tiny()
    value = np.random.default_rng(3).uniform(0.5, 3, SHAPE).astype(np.float32)
    y = tiny.op(kind, [tiny.input(*SHAPE, feed=value)], SHAPE)
    np.testing.assert_allclose(computed(tiny, y, tmp_path), SINGLES[kind](value), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["STABLEHLO_AND", "STABLEHLO_OR", "STABLEHLO_SHIFT_LEFT"])
def test_bits(tmp_path: Path, kind: str) -> None:
    tiny = Tiny()
    a, b = np.random.default_rng(3).integers(-99, 99, (2, *SHAPE)).astype(np.int32)
    b = b % 5 if kind.endswith("LEFT") else b
    function = {"AND": np.bitwise_and, "OR": np.bitwise_or, "LEFT": np.left_shift}[kind.rsplit("_", 1)[1]]
    inputs = [tiny.input(*SHAPE, dtype="int32", feed=value) for value in (a, b)]
    y = tiny.op(kind, inputs, SHAPE, dtype="int32")
    np.testing.assert_array_equal(computed(tiny, y, tmp_path), function(a, b))


@pytest.mark.parametrize(("number", "function"), enumerate([np.equal, np.not_equal, np.greater_equal, np.greater,
                                                            np.less_equal, np.less]))  # fmt: skip
def test_compare(tmp_path: Path, number: int, function: Callable[[Any, Any], Any]) -> None:
    tiny = Tiny()
    a, b = np.random.default_rng(3).integers(0, 3, (2, *SHAPE)).astype(np.float32)
    inputs = [tiny.input(*SHAPE, feed=value) for value in (a, b)]
    fields = {"ComparisonDirection": number}
    y = tiny.op("STABLEHLO_COMPARE", inputs, SHAPE, "StablehloCompareOptions", dtype="bool", **fields)
    np.testing.assert_array_equal(computed(tiny, y, tmp_path), function(a, b))


MOVERS: dict[str, tuple[Callable[[Tiny, int], int], Callable[[np.ndarray], np.ndarray]]] = {
    "STABLEHLO_RESHAPE": (lambda t, x: t.op("STABLEHLO_RESHAPE", [x], (6, 4)), lambda v: v.reshape(6, 4)),
    "STABLEHLO_CONVERT": (
        lambda t, x: t.op("STABLEHLO_CONVERT", [x], SHAPE, dtype="int32"),
        lambda v: v.astype(np.int32),
    ),
    "STABLEHLO_CLAMP": (
        lambda t, x: t.op("STABLEHLO_CLAMP", [t.constant(-0.5), x, t.constant(1.0)], SHAPE),
        lambda v: v.clip(-0.5, 1),
    ),
    "STABLEHLO_SELECT": (
        lambda t, x: t.op("STABLEHLO_SELECT", [t.constant(np.arange(24).reshape(SHAPE) % 3 == 0, "bool"), x, x], SHAPE),
        lambda v: v,
    ),
    "STABLEHLO_CONCATENATE": (
        lambda t, x: t.op("STABLEHLO_CONCATENATE", [x, x], (2, 6, 4), "StablehloConcatenateOptions", Dimension=1),
        lambda v: np.concatenate([v, v], 1),
    ),
    "STABLEHLO_TRANSPOSE": (
        lambda t, x: t.op("STABLEHLO_TRANSPOSE", [x], (4, 2, 3), "StablehloTransposeOptions", Permutation=[2, 0, 1]),
        lambda v: v.transpose(2, 0, 1),
    ),
    "STABLEHLO_SLICE": (
        lambda t, x: t.op(
            "STABLEHLO_SLICE",
            [x],
            (1, 2, 2),
            "StablehloSliceOptions",
            StartIndices=[1, 0, 1],
            LimitIndices=[2, 3, 4],
            Strides=[1, 2, 2],
        ),
        lambda v: v[1:2, 0:3:2, 1:4:2],
    ),
    "STABLEHLO_BROADCAST_IN_DIM": (
        lambda t, x: t.op(
            "STABLEHLO_BROADCAST_IN_DIM",
            [x],
            (2, 5, 3, 4),
            "StablehloBroadcastInDimOptions",
            BroadcastDimensions=[0, 2, 3],
        ),
        lambda v: np.broadcast_to(v[:, None], (2, 5, 3, 4)),
    ),
    "STABLEHLO_DYNAMIC_SLICE": (
        lambda t, x: t.op(
            "STABLEHLO_DYNAMIC_SLICE",
            [x, *(t.input(dtype="int32", feed=n) for n in (0, 2, 1))],
            (2, 2, 2),
            "StablehloDynamicSliceOptions",
            SliceSizes=[2, 2, 2],
        ),
        lambda v: v[:, 1:3, 1:3],  # moved by one so that it fits
    ),
    "STABLEHLO_DOT_GENERAL": (
        lambda t, x: t.op(
            "STABLEHLO_DOT_GENERAL",
            [x, x],
            (2, 3, 3),
            "StablehloDotGeneralOptions",
            LhsBatchingDimensions=[0],
            RhsBatchingDimensions=[0],
            LhsContractingDimensions=[2],
            RhsContractingDimensions=[2],
        ),
        lambda v: np.einsum("bik,bjk->bij", v, v),
    ),
}


@pytest.mark.parametrize("kind", MOVERS)
def test_movers(tmp_path: Path, kind: str) -> None:
    tiny = Tiny()
    build, function = MOVERS[kind]
    y = build(tiny, tiny.input(*SHAPE))
    np.testing.assert_allclose(computed(tiny, y, tmp_path), function(feeds_of(tiny)[0]), rtol=1e-5)


def test_iota_and_pad(tmp_path: Path) -> None:
    tiny = Tiny()
    x = tiny.input(2, 3)
    line = tiny.op("STABLEHLO_IOTA", [], (2, 3), "StablehloIotaOptions", IotaDimension=1)
    total = tiny.op("STABLEHLO_ADD", [x, line], (2, 3))
    fields = {"EdgePaddingLow": [1, 0], "EdgePaddingHigh": [0, -1], "InteriorPadding": [0, 0]}
    y = tiny.op("STABLEHLO_PAD", [total, tiny.constant(7.0)], (3, 2), "StablehloPadOptions", **fields)
    wanted = np.pad(feeds_of(tiny)[0] + np.arange(3), [(1, 0), (0, 0)], constant_values=7)[:, :2]
    np.testing.assert_allclose(computed(tiny, y, tmp_path), wanted, rtol=1e-6)


def test_while(tmp_path: Path) -> None:
    """As WHILE, under another name."""
    tiny = Tiny()
    i, x = tiny.input(dtype="int32", feed=0), tiny.input(2, 3)
    made = [((), "int32"), ((2, 3), "float32")]
    options = {"CondSubgraphIndex": 1, "BodySubgraphIndex": 2}
    outputs = tiny.ops("STABLEHLO_WHILE", [i, x], made, "StablehloWhileOptions", **options)
    tiny.subgraph(*outputs)
    i, x = tiny.input(dtype="int32"), tiny.input(2, 3)
    tiny.subgraph(tiny.op("LESS", [i, tiny.constant(3, "int32")], (), dtype="bool"))
    i, x = tiny.input(dtype="int32"), tiny.input(2, 3)
    i = tiny.op("ADD", [i, tiny.constant(1, "int32")], (), "AddOptions", dtype="int32")
    tiny.subgraph(i, tiny.op("MUL", [x, tiny.constant(1.5)], (2, 3), "MulOptions"))
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny.finish())
    feed = np.float32([[1, 2, 3], [4, 5, 6]])
    answers = onnxruntime.InferenceSession(to_onnx(path).SerializeToString()).run(
        None, {"t0": np.array(0, np.int32), "t1": feed}
    )
    np.testing.assert_allclose(answers[1], feed * 1.5**3)
