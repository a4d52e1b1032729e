"""Integers with a scale: as QDQ within a step of LiteRT's integer kernels; as floats, the numbers they stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import tflite
from test_tflite_operators import windowed
from tiny_tflite import Scale, Tiny, agree, feeds_of, litert

from bodydouble.convert import to_onnx
from bodydouble.convert.check import check

SAME, VALID = tflite.Padding.SAME, tflite.Padding.VALID
RELU6 = tflite.ActivationFunctionType.RELU6
PICTURE = (1, 7, 10, 6)
KINDS = {"int8": Scale(0.03, -5), "uint8": Scale(0.03, 120), "int16": Scale(0.0002, 0)}
OUT = {"int8": Scale(0.09, 3), "uint8": Scale(0.09, 130), "int16": Scale(0.0004, 0)}


def weights(tiny: Tiny, kind: str, shape: tuple[int, ...], axis: int, *, channels: bool) -> tuple[int, np.ndarray]:
    """Quantised weights and their scales."""
    if kind == "uint8":
        scale = Scale(0.004, 121)
        return tiny.constant(tiny.random.integers(0, 256, shape), "uint8", scale), np.float32([0.004])
    steps = tiny.random.uniform(0.002, 0.006, shape[axis] if channels else 1)
    stored = tiny.random.integers(-127, 128, shape)
    return tiny.constant(stored, "int8", Scale(steps, 0, axis)), np.float32(steps)


def bias(tiny: Tiny, kind: str, count: int, steps: np.ndarray, given: Scale) -> int:
    dtype = "int64" if kind == "int16" else "int32"
    whole = tiny.random.integers(-900, 900, count) * (64 if kind == "int16" else 1)
    return tiny.constant(
        whole, dtype, Scale(np.broadcast_to(steps * given.step, count) if steps.size > 1 else steps * given.step)
    )


def convolve(
    tiny: Tiny, x: int, kind: str, *, given: Scale, made: Scale, channels: bool, depthwise: bool, act: int = 0
) -> int:
    shape = tiny.shapes[x]
    out = shape[3] * 2 if depthwise else 5
    size = (1, 3, 3, out) if depthwise else (out, 3, 3, shape[3])
    w, steps = weights(tiny, kind, size, 3 if depthwise else 0, channels=channels)
    height, width = windowed(shape, (3, 3), 2, 1, SAME)
    options = {"DepthMultiplier": 2} if depthwise else {}
    return tiny.op(
        "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
        [x, w, bias(tiny, kind, out, steps, given)],
        (1, height, width, out),
        "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions",
        dtype=kind, scale=made, Padding=SAME, StrideH=2, StrideW=2, FusedActivationFunction=act,
        DilationHFactor=1, DilationWFactor=1, **options,
    )  # fmt: skip


# LiteRT has no scale a channel for unsigned weights.
@pytest.mark.parametrize(("kind", "channels"), [*((kind, False) for kind in KINDS), ("int8", True), ("int16", True)])
@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("act", [0, RELU6])
def test_convolution(tmp_path: Path, kind: str, depthwise: bool, channels: bool, act: int) -> None:
    """Within one step, saturating weights included: x86 without VNNI would be dozens of steps off with signed ones."""
    tiny = Tiny()
    x = tiny.input(*PICTURE, dtype=kind, scale=KINDS[kind])
    if kind == "int16":
        tiny.feeds[x] = np.random.default_rng(1).integers(-32768, 32768, PICTURE).astype(np.int16)
    y = convolve(tiny, x, kind, given=KINDS[kind], made=OUT[kind], channels=channels, depthwise=depthwise, act=act)
    agree(tiny, [y], tmp_path, steps=1)


def test_scales_stay_float32_when_weights_do_not(tmp_path: Path) -> None:
    """A scale a thousandth off is steps off in what sums of thousands come to."""
    tiny = Tiny()
    steps = np.linspace(0.001, 0.002, 80, dtype=np.float32)
    kernel = tiny.constant(tiny.random.integers(-127, 128, (80, 1, 1, 6)), "int8", Scale(steps, 0, 0))
    x = tiny.input(*PICTURE, dtype="int8", scale=KINDS["int8"])
    y = tiny.op(
        "CONV_2D", [x, kernel], (*PICTURE[:3], 80), "Conv2DOptions", dtype="int8", scale=OUT["int8"],
        Padding=SAME, StrideH=1, StrideW=1, DilationHFactor=1, DilationWFactor=1,
    )  # fmt: skip
    path = tmp_path / "model.tflite"
    path.write_bytes(tiny.finish(y))
    stored = {array.data_type for array in to_onnx(path, weights="float16").graph.initializer}
    assert onnx.TensorProto.FLOAT in stored
    assert onnx.TensorProto.FLOAT16 not in stored


def dense(tiny: Tiny, kind: str, *, channels: bool) -> int:
    x = tiny.input(3, 16, dtype=kind, scale=KINDS[kind])
    w, steps = weights(tiny, kind, (5, 16), 0, channels=channels)
    return tiny.op(
        "FULLY_CONNECTED", [x, w, bias(tiny, kind, 5, steps, KINDS[kind])], (3, 5), "FullyConnectedOptions",
        dtype=kind, scale=OUT[kind],
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_fully_connected(tmp_path: Path, kind: str) -> None:
    tiny = Tiny()
    agree(tiny, [dense(tiny, kind, channels=False)], tmp_path, steps=1)


def test_fully_connected_with_a_scale_a_channel(tmp_path: Path) -> None:
    tiny = Tiny()
    agree(tiny, [dense(tiny, "int8", channels=True)], tmp_path, steps=1)


def used(tmp_path: Path, model: onnx.ModelProto) -> Counter[str]:
    """The operators that ONNX Runtime runs."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node)


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_onnx_runtime_computes_in_integers(tmp_path: Path, kind: str) -> None:
    """No float operator is left between input and output: ONNX Runtime finds its integer kernels."""
    tiny = Tiny()
    x = tiny.input(*PICTURE, dtype=kind, scale=KINDS[kind])
    y = convolve(tiny, x, kind, given=KINDS[kind], made=OUT[kind], channels=False, depthwise=True, act=RELU6)
    z = convolve(tiny, y, kind, given=OUT[kind], made=OUT[kind], channels=kind == "int8", depthwise=False)
    shape = tiny.shapes[z]
    total = tiny.op("ADD", [z, z], shape, "AddOptions", dtype=kind, scale=KINDS[kind])
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny.finish(total))
    found = used(tmp_path, to_onnx(path))
    assert found["QLinearConv"] == 2
    assert found["QLinearAdd"] == 1
    assert not {"Conv", "Add"} & set(found)


UNARY = ["RELU", "RELU6", "LOGISTIC", "TANH", "HARD_SWISH", "ABS", "SOFTMAX", "LEAKY_RELU", "ELU", "LOG_SOFTMAX"]
FIXED = {
    "LOGISTIC": Scale(1 / 256, -128),
    "TANH": Scale(1 / 128, 0),
    "SOFTMAX": Scale(1 / 256, -128),
    "LOG_SOFTMAX": Scale(16 / 256, 127),
}


@pytest.mark.parametrize("kind", UNARY)
def test_functions(tmp_path: Path, kind: str) -> None:
    tiny = Tiny()
    x = tiny.input(2, 3, 4, dtype="int8", scale=KINDS["int8"])
    options = {"SOFTMAX": ("SoftmaxOptions", {"Beta": 1.0}), "LEAKY_RELU": ("LeakyReluOptions", {"Alpha": 0.3})}
    name, fields = options.get(kind, ("", {}))
    y = tiny.op(kind, [x], (2, 3, 4), name, dtype="int8", scale=FIXED.get(kind, OUT["int8"]), **fields)
    agree(tiny, [y], tmp_path, steps=1)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL", "MAXIMUM", "CONCATENATION"])
def test_pairs(tmp_path: Path, kind: str, dtype: str) -> None:
    """Of two scales into a third, where LiteRT has that."""
    tiny = Tiny()
    shape = (2, 3, 4)
    alike = kind == "MAXIMUM" or (kind == "CONCATENATION" and dtype != "uint8")  # LiteRT has them with one scale only
    other = KINDS[dtype] if alike or dtype == "int16" else OUT[dtype]
    made = KINDS[dtype] if alike else OUT[dtype]
    x, y = (tiny.input(*shape, dtype=dtype, scale=scale) for scale in (KINDS[dtype], other))
    options = {"CONCATENATION": "ConcatenationOptions", "MAXIMUM": ""}.get(kind, f"{kind.title()}Options")
    fields = {"Axis": 2} if kind == "CONCATENATION" else {}
    out = (2, 3, 8) if kind == "CONCATENATION" else shape
    agree(tiny, [tiny.op(kind, [x, y], out, options, dtype=dtype, scale=made, **fields)], tmp_path, steps=1)


MOVERS: dict[str, Callable[[Tiny, int], int]] = {
    "MAX_POOL_2D": lambda t, x: t.op(
        "MAX_POOL_2D",
        [x],
        (1, 4, 5, 6),
        "Pool2DOptions",
        dtype="int8",
        scale=KINDS["int8"],
        StrideH=2,
        StrideW=2,
        FilterHeight=2,
        FilterWidth=2,
    ),
    "AVERAGE_POOL_2D": lambda t, x: t.op(
        "AVERAGE_POOL_2D",
        [x],
        (1, 4, 5, 6),
        "Pool2DOptions",
        dtype="int8",
        scale=KINDS["int8"],
        StrideH=2,
        StrideW=2,
        FilterHeight=2,
        FilterWidth=2,
    ),
    "PAD": lambda t, x: t.op(
        "PAD",
        [x, t.constant([[0, 0], [1, 2], [0, 1], [0, 0]], "int32")],
        (1, 10, 11, 6),
        "PadOptions",
        dtype="int8",
        scale=KINDS["int8"],
    ),
    "RESIZE_BILINEAR": lambda t, x: t.op(
        "RESIZE_BILINEAR",
        [x, t.constant([14, 20], "int32")],
        (1, 14, 20, 6),
        "ResizeBilinearOptions",
        dtype="int8",
        scale=KINDS["int8"],
        HalfPixelCenters=True,
    ),
    "MEAN": lambda t, x: t.op(
        "MEAN", [x, t.constant([1, 2], "int32")], (1, 6), "ReducerOptions", dtype="int8", scale=Scale(0.01, 2)
    ),
    "TRANSPOSE": lambda t, x: t.op(
        "TRANSPOSE", [x, t.constant([0, 3, 1, 2], "int32")], (1, 6, 7, 10), dtype="int8", scale=KINDS["int8"]
    ),
    "QUANTIZE": lambda t, x: t.op("QUANTIZE", [x], PICTURE, dtype="uint8", scale=Scale(0.05, 100)),
    "DEQUANTIZE": lambda t, x: t.op("DEQUANTIZE", [x], PICTURE),
    "PRELU": lambda t, x: t.op(
        "PRELU",
        [x, t.constant(np.arange(6).reshape(1, 1, 6) * 9, "int8", Scale(0.01, 0))],
        PICTURE,
        dtype="int8",
        scale=OUT["int8"],
    ),
    "ARG_MAX": lambda t, x: t.op(
        "ARG_MAX", [x, t.constant(3, "int32")], (1, 7, 10), "ArgMaxOptions", dtype="int32", OutputType=2
    ),
    "LESS": lambda t, x: t.op("LESS", [x, t.constant(7, "int8", KINDS["int8"])], PICTURE, dtype="bool"),
}


@pytest.mark.parametrize("name", MOVERS)
def test_others(tmp_path: Path, name: str) -> None:
    tiny = Tiny()
    x = tiny.input(*PICTURE, dtype="int8", scale=KINDS["int8"])
    agree(tiny, [MOVERS[name](tiny, x)], tmp_path, steps=1)


def hybrid(tiny: Tiny, dtype: str) -> int:
    """Float activations and integer weights."""
    x = tiny.input(1, 5, 5, 4)
    low, high = (-7, 8) if dtype == "int4" else (-127, 128)
    stored = tiny.random.integers(low, high, (3, 3, 3, 4))
    w = tiny.constant(stored, dtype, Scale(tiny.random.uniform(0.002, 0.006, 3), 0, 0))
    return tiny.op("CONV_2D", [x, w, tiny.noise(3)], (1, 5, 5, 3), "Conv2DOptions", StrideH=1, StrideW=1)


@pytest.mark.parametrize("dtype", ["int8", "int4"])
@pytest.mark.parametrize("mode", ["qdq", "float"])
def test_integer_weights_of_float_operators(tmp_path: Path, dtype: str, mode: str) -> None:
    """What the weights stand for, exactly; LiteRT rounds the activations too, so it is a hundredth off.

    The integers stay in the file, and ONNX Runtime makes floats of them once, when it opens the model.
    """
    tiny = Tiny()
    y = hybrid(tiny, dtype)
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny.finish(y))
    feed = feeds_of(tiny)[0]
    model = to_onnx(path, quantized=mode)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (got,) = session.run(None, {"t0": feed})
    (near,) = litert(path.read_bytes(), [feed]).values()
    assert np.abs(got - near).max() < 0.02 * np.ptp(near)
    assert (onnx.TensorProto.INT8 in {tensor.data_type for tensor in model.graph.initializer}) == (mode == "qdq")
    assert set(used(tmp_path, model)) <= {"Conv", "FusedConv", "Transpose", "Reorder"}
    np.testing.assert_allclose(got, exact_of(path)(feed), rtol=1e-4, atol=1e-5)


def exact_of(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """LiteRT's float convolution with what the weights stand for."""
    from bodydouble.convert import tflite as reader
    from bodydouble.convert.tflite_quantized import as_stored

    tensors = reader.read(path).main.tensors
    constants = [as_stored(tensor) or tensor.data for tensor in tensors if tensor.data is not None]
    w, b = (constant if isinstance(constant, np.ndarray) else constant.real() for constant in constants)
    plain = Tiny()
    x = plain.input(1, 5, 5, 4)
    z = plain.op(
        "CONV_2D", [x, plain.constant(w), plain.constant(b)], (1, 5, 5, 3), "Conv2DOptions", StrideH=1, StrideW=1
    )
    content = plain.finish(z)
    return lambda feed: next(iter(litert(content, [feed]).values()))


@pytest.mark.parametrize("kind", KINDS)
def test_as_floats(tmp_path: Path, kind: str) -> None:
    """Inputs and outputs are the real numbers, no integers are left, and the answers are LiteRT's to a few steps."""
    tiny = Tiny()
    x = tiny.input(*PICTURE, dtype=kind, scale=KINDS[kind])
    y = convolve(tiny, x, kind, given=KINDS[kind], made=OUT[kind], channels=False, depthwise=False)
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny.finish(y))
    model = to_onnx(path, quantized="float")
    assert not {"QuantizeLinear", "DequantizeLinear", "Round"} & {node.op_type for node in model.graph.node}
    stored = tiny.feeds[x]
    real = (stored.astype(np.float32) - KINDS[kind].zero) * np.float32(KINDS[kind].step)
    (got,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"t0": real})
    (integers,) = litert(path.read_bytes(), [stored]).values()
    limits = np.iinfo(integers.dtype)
    steps = np.clip(np.round(got / OUT[kind].step) + OUT[kind].zero, limits.min, limits.max)
    assert np.abs(steps - integers).max() <= 1


def test_int4_weights_are_unpacked_in_order(tmp_path: Path) -> None:
    """An odd count; read back as stored."""
    from bodydouble.convert import tflite as reader

    tiny = Tiny()
    stored = np.arange(-7, 8).reshape(3, 5)
    w = tiny.constant(stored, "int4", Scale(0.5))
    x = tiny.input(2, 5)
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny.finish(tiny.op("FULLY_CONNECTED", [x, w, -1], (2, 3), "FullyConnectedOptions")))
    np.testing.assert_array_equal(reader.read(path).main.tensors[w].data, stored)


@pytest.mark.parametrize("which", ["integers", "weights"])
def test_check_knows_that_kernels_round(tmp_path: Path, which: str) -> None:
    """LiteRT's own kernels differ on such files by more than a thousandth: that is no fault of the conversion."""
    tiny = Tiny()
    y = dense(tiny, "int8", channels=True) if which == "integers" else hybrid(tiny, "int8")
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny.finish(y))
    report = check(to_onnx(path), path)
    assert report.reference == ("LiteRT" if which == "integers" else "")
    assert ("rounds" in report.missing) == (which == "weights")
