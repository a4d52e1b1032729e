"""Inputs whose sizes a TFLite file leaves open, and files given other sizes than their own, against LiteRT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from test_tflite_operators import RELU, SAME, VALID, convolve
from tiny_tflite import Tiny, litert

from bodydouble.convert import to_onnx
from bodydouble.types import BodyDoubleError

ANY, BATCH, PICTURE = (-1, -1, -1, 3), (-1, 16, 16, 3), (1, -1, -1, 3)
HEADS = ("mean", "computed-reshape", "resize", "none")


def network(
    tiny: Tiny, shape: tuple[int, ...], signature: tuple[int, ...], head: str, stride: int, padding: int
) -> int:
    """Convolutions and a pooling, and an end that has to do with sizes."""
    x = tiny.input(*shape, signature=signature)
    y = convolve(tiny, x, stride=stride, padding=padding, act=RELU)
    window = {"StrideH": 2, "StrideW": 2, "FilterHeight": 2, "FilterWidth": 2}
    y = tiny.op("MAX_POOL_2D", [y], tiny.shapes[y], "Pool2DOptions", Padding=SAME, **window)
    if head == "mean":
        y = tiny.op("MEAN", [y, tiny.constant([1, 2], "int32")], (1, 6), "ReducerOptions")
        return tiny.op("FULLY_CONNECTED", [y, tiny.noise(4, 6), tiny.noise(4)], (1, 4), "FullyConnectedOptions")
    if head == "computed-reshape":
        size = tiny.op("SHAPE", [y], (4,), "ShapeOptions", dtype="int32", OutType=2)
        ends = [tiny.constant(n, "int32") for n in ([0], [1], [1])]
        batch = tiny.op("STRIDED_SLICE", [size, *ends], (), "StridedSliceOptions", dtype="int32", ShrinkAxisMask=1)
        parts = [batch, tiny.constant(-1, "int32"), tiny.constant(6, "int32")]
        sizes = tiny.op("PACK", parts, (3,), "PackOptions", dtype="int32", ValuesCount=3, Axis=0)
        return tiny.op("RESHAPE", [y, sizes], (1, 1, 6))
    if head == "resize":
        return tiny.op("RESIZE_BILINEAR", [y, tiny.constant([8, 8], "int32")], (1, 8, 8, 6), "ResizeBilinearOptions")
    return y


def compared(path: Path, feed: np.ndarray, **options: Any) -> onnxruntime.InferenceSession:
    session = onnxruntime.InferenceSession(to_onnx(path, **options).SerializeToString())
    (got,) = session.run(None, {"t0": feed})
    (wanted,) = litert(path.read_bytes(), [feed]).values()
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
    return session


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("signature", [ANY, BATCH, PICTURE])
def test_open_sizes_stay_open(tmp_path: Path, signature: tuple[int, ...], head: str, stride: int) -> None:
    """One model for several sizes, odd ones too."""
    shape = tuple(max(n, 1) for n in signature)
    tiny = Tiny()
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny.finish(network(tiny, shape, signature, head, stride, SAME)))
    for size in ((17, 22), (9, 8)) if signature[1] < 0 else ((16, 16),):
        session = compared(path, noise(2 if signature[0] < 0 else 1, *size, 3))
    assert [isinstance(n, int) for n in session.get_inputs()[0].shape] == [n >= 0 for n in signature]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("padding", [SAME, VALID])
def test_sizes_that_are_given(tmp_path: Path, head: str, padding: int) -> None:
    """In place of the file's own, which are fixed."""
    tiny = Tiny()
    shape = (1, 16, 16, 3)
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny.finish(network(tiny, shape, shape, head, 2, padding)))
    wanted = (2, 13, 20, 3)
    for given in (wanted, {"t0": wanted}):
        session = compared(path, noise(*wanted), input_shapes=given)
        assert tuple(session.get_inputs()[0].shape) == wanted


def reshaped(tiny: Tiny, signature: tuple[int, ...]) -> int:
    """A file that counts on its own sizes."""
    y = convolve(tiny, tiny.input(1, 8, 8, 3, signature=signature))
    return tiny.op("RESHAPE", [y, tiny.constant([1, 384], "int32")], (1, 384))


def test_a_file_that_counts_on_its_sizes_says_so(tmp_path: Path) -> None:
    tiny = Tiny()
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny.finish(reshaped(tiny, (1, 8, 8, 3))))
    with pytest.raises(BodyDoubleError, match=r"cannot take inputs of these sizes: .*cannot be reshaped") as caught:
        to_onnx(path, input_shapes=(1, 9, 9, 3))
    assert "\n" not in str(caught.value)


def test_one_picture_where_the_file_counts_on_one(tmp_path: Path) -> None:
    """Open in words only: what the network then does works with the file's own size, so that is taken."""
    tiny = Tiny()
    x = tiny.input(1, 8, 8, 3, signature=(-1, 8, 8, 3))
    blocks = [tiny.constant(n, "int32") for n in ([2, 2], [[0, 0], [0, 0]])]
    y = tiny.op("SPACE_TO_BATCH_ND", [x, *blocks], (4, 4, 4, 3))
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny.finish(y))
    session = compared(path, noise(1, 8, 8, 3))
    assert session.get_inputs()[0].shape == [1, 8, 8, 3]


def test_open_sizes_that_cannot_stay_open_ask_for_sizes(tmp_path: Path) -> None:
    tiny = Tiny()
    x = tiny.input(1, 1, 1, 3, signature=PICTURE)
    y = tiny.op("SPACE_TO_DEPTH", [x], (1, 1, 1, 12), "SpaceToDepthOptions", BlockSize=2)
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny.finish(y))
    with pytest.raises(BodyDoubleError, match="with their shapes given"):
        to_onnx(path)
    compared(path, noise(1, 6, 4, 3), input_shapes=(1, 6, 4, 3))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"x": (1, 8, 8, 3)}, 'no input "x"; choose from t0'),
        ((1, 8, 8), "does not fit"),
        ((1, 0, 8, 3), "does not fit"),
        ((1, 8, 8, 4), "do not fit an input"),
    ],
)
def test_shapes_that_do_not_fit(tmp_path: Path, given: Any, says: str) -> None:
    tiny = Tiny()
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny.finish(reshaped(tiny, (1, 8, 8, 3))))
    with pytest.raises(BodyDoubleError, match=says) as caught:
        to_onnx(path, input_shapes=given)
    assert "\n" not in str(caught.value)


def test_channels_after_computed_sizes_are_those_of_the_file(tmp_path: Path) -> None:
    """A reshape to sizes that are all computed leaves the channels to be read from the file."""
    tiny = Tiny()
    x = tiny.input(2, 36, signature=(-1, 36), feed=noise(2, 36))
    size = tiny.op("SHAPE", [x], (2,), "ShapeOptions", dtype="int32", OutType=2)
    batch = tiny.op("GATHER", [size, tiny.constant([0], "int32")], (1,), "GatherOptions", dtype="int32")
    sizes = [batch, *(tiny.constant([n], "int32") for n in (3, 4, 3))]
    y = tiny.op(
        "RESHAPE", [x, tiny.op("CONCATENATION", sizes, (4,), "ConcatenationOptions", dtype="int32")], (2, 3, 4, 3)
    )
    path = tmp_path / "model.tflite"
    path.write_bytes(tiny.finish(convolve(tiny, y)))
    for count in (1, 5):
        compared(path, noise(count, 36))


def test_a_window_larger_than_the_picture_is_said(tmp_path: Path) -> None:
    tiny = Tiny()
    window = {"StrideH": 1, "StrideW": 1, "FilterHeight": 7, "FilterWidth": 7}
    y = tiny.op("AVERAGE_POOL_2D", [tiny.input(1, 7, 7, 3)], (1, 1, 1, 3), "Pool2DOptions", Padding=VALID, **window)
    path = tmp_path / "model.tflite"
    path.write_bytes(tiny.finish(y))
    with pytest.raises(BodyDoubleError, match="a window of 7 pixels over 3 pixels"):
        to_onnx(path, input_shapes=(1, 3, 9, 3))
