"""Every TFLite operator, in a file of its own, computes what LiteRT computes; so it does between convolutions."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tflite
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_tflite import Tiny, agree

from bodydouble.convert.operators.conv import window
from bodydouble.convert.tflite_operators import HANDLERS

SAME, VALID = tflite.Padding.SAME, tflite.Padding.VALID
NONE, RELU = tflite.ActivationFunctionType.NONE, tflite.ActivationFunctionType.RELU
RELU6, RELU_N1 = tflite.ActivationFunctionType.RELU6, tflite.ActivationFunctionType.RELU_N1_TO_1

Make = Callable[[Tiny, int], int]
CASES: dict[str, Make] = {}
PICTURE = (1, 7, 10, 6)  # odd height; channels divide by 2 and 3


def case(name: str) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        assert name not in CASES
        CASES[name] = make
        return make

    return register


def windowed(shape: tuple[int, ...], kernel: tuple[int, int], stride: int, dilation: int, padding: int) -> list[int]:
    kind = "SAME" if padding == SAME else "VALID"
    return [window(shape[1 + axis], kernel[axis], stride, dilation, kind)[0] for axis in (0, 1)]


def convolve(tiny: Tiny, x: int, *, kernel=(3, 3), out=6, stride=1, dilation=1, padding=SAME, act=NONE, groups=1):
    shape = tiny.shapes[x]
    weights = tiny.noise(out, *kernel, shape[3] // groups)
    height, width = windowed(shape, kernel, stride, dilation, padding)
    return tiny.op(
        "CONV_2D",
        [x, weights, tiny.noise(out)],
        (shape[0], height, width, out),
        "Conv2DOptions",
        Padding=padding,
        StrideH=stride,
        StrideW=stride,
        DilationHFactor=dilation,
        DilationWFactor=dilation,
        FusedActivationFunction=act,
    )


for _padding in (SAME, VALID):
    for _stride, _dilation in ((1, 1), (2, 1), (3, 1), (1, 2)):
        _kind = f"{'same' if _padding == SAME else 'valid'}-stride{_stride}-dilation{_dilation}"

        def _convolve(tiny, x, stride=_stride, dilation=_dilation, padding=_padding):
            return convolve(tiny, x, stride=stride, dilation=dilation, padding=padding, out=5, act=RELU6)

        def _depthwise(tiny, x, stride=_stride, dilation=_dilation, padding=_padding, kernel=(3, 2), times=2):
            shape = tiny.shapes[x]
            out = shape[3] * times
            height, width = windowed(shape, kernel, stride, dilation, padding)
            return tiny.op(
                "DEPTHWISE_CONV_2D",
                [x, tiny.noise(1, *kernel, out), tiny.noise(out)],
                (shape[0], height, width, out),
                "DepthwiseConv2DOptions",
                Padding=padding,
                StrideH=stride,
                StrideW=stride,
                DilationHFactor=dilation,
                DilationWFactor=dilation,
                DepthMultiplier=times,
                FusedActivationFunction=RELU,
            )

        case(f"conv-{_kind}")(_convolve)
        case(f"depthwise-{_kind}")(_depthwise)

case("conv-1x1")(lambda tiny, x: convolve(tiny, x, kernel=(1, 1), act=RELU_N1))
case("conv-even-kernel")(lambda tiny, x: convolve(tiny, x, kernel=(2, 4), stride=2))
case("conv-groups")(lambda tiny, x: convolve(tiny, x, groups=2, out=8))


# MediaPipe's own operator occurs with SAME only, and LiteRT runs it only where the kernel covers the stride.
_TRANSPOSED = [(kernel, padding, False) for kernel in (1, 2, 3, 4) for padding in (SAME, VALID)]
_TRANSPOSED += [(kernel, SAME, True) for kernel in (2, 3, 4)]


@pytest.mark.parametrize(("kernel", "padding", "custom"), _TRANSPOSED)
def test_transposed_convolution(tmp_path: Path, kernel: int, padding: int, custom: bool) -> None:
    tiny = Tiny()
    x = tiny.input(1, 5, 4, 3)
    over = max(kernel - 2, 0) if padding == VALID else 0
    size = (10 + over, 8 + over)
    weights = tiny.noise(7, kernel, kernel, 3)
    if custom:
        options = struct.pack("<3i", 1 if padding == SAME else 2, 2, 2)
        y = tiny.op("Convolution2DTransposeBias", [x, weights, tiny.noise(7)], (1, *size, 7), custom=options)
    else:
        shape = tiny.constant([1, *size, 7], "int32")
        y = tiny.op(
            "TRANSPOSE_CONV", [shape, weights, x, tiny.noise(7)], (1, *size, 7), "TransposeConvOptions",
            Padding=padding, StrideH=2, StrideW=2,
        )  # fmt: skip
    agree(tiny, [y], tmp_path, delegates=custom)


for _kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
    for _padding in (SAME, VALID):
        for _stride in (1, 2, 3):

            def _pool(tiny, x, kind=_kind, stride=_stride, padding=_padding, kernel=(2, 3)):
                shape = tiny.shapes[x]
                height, width = windowed(shape, kernel, stride, 1, padding)
                return tiny.op(
                    kind, [x], (shape[0], height, width, shape[3]), "Pool2DOptions", Padding=padding,
                    StrideH=stride, StrideW=stride, FilterHeight=kernel[0], FilterWidth=kernel[1],
                    FusedActivationFunction=RELU,
                )  # fmt: skip

            case(f"{_kind.lower()}-{'same' if _padding == SAME else 'valid'}-stride{_stride}")(_pool)

for _corners, _centers in ((False, False), (True, False), (False, True)):
    for _height, _width in ((14, 20), (21, 20), (9, 13), (4, 5), (7, 10)):

        def _resize(tiny, x, size=(_height, _width), corners=_corners, centers=_centers):
            shape = tiny.shapes[x]
            return tiny.op(
                "RESIZE_BILINEAR", [x, tiny.constant(size, "int32")], (shape[0], *size, shape[3]),
                "ResizeBilinearOptions", AlignCorners=corners, HalfPixelCenters=centers,
            )  # fmt: skip

        case(f"resize-{_height}x{_width}{'-corners' * _corners}{'-centers' * _centers}")(_resize)


@case("resize-then-1x1")
def _resize_conv(tiny: Tiny, x: int) -> int:
    return convolve(tiny, CASES["resize-14x20-centers"](tiny, x), kernel=(1, 1), out=4, act=RELU6)


@case("depth-to-space")
def _depth_to_space(tiny: Tiny, x: int) -> int:
    n, height, width, _ = tiny.shapes[x]
    wide = convolve(tiny, x, kernel=(1, 1), out=12)
    return tiny.op("DEPTH_TO_SPACE", [wide], (n, height * 2, width * 2, 3), "DepthToSpaceOptions", BlockSize=2)


_OPTIONS = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions"}
for _kind in ("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM"):
    for _what, _shape in {"same": PICTURE, "channels": (6,), "row": (1, 1, 10, 1), "scalar": ()}.items():

        def _binary(tiny, x, kind=_kind, shape=_shape):
            here = tiny.shapes[x]
            other = tiny.constant(
                tiny.random.uniform(0.5, 2, size=here if len(shape) == 4 and shape == PICTURE else shape)
            )
            options = {"FusedActivationFunction": RELU6} if kind in _OPTIONS else {}
            name = _OPTIONS.get(kind, "MaximumMinimumOptions")
            return tiny.op(kind, [x, other], here, name, **options)

        case(f"{_kind.lower()}-{_what}")(_binary)


@case("add-of-two")
def _add_of_two(tiny: Tiny, x: int) -> int:
    left, right = convolve(tiny, x, act=RELU), convolve(tiny, x, kernel=(1, 1))
    return tiny.op("ADD", [left, right], tiny.shapes[left], "AddOptions", FusedActivationFunction=RELU6)


@case("add-to-the-input")
def _add_to_input(tiny: Tiny, x: int) -> int:
    left = convolve(tiny, x, out=tiny.shapes[x][3])
    return tiny.op("ADD", [left, x], tiny.shapes[x], "AddOptions")


for _kind in ("RELU", "RELU6", "RELU_N1_TO_1", "LOGISTIC", "TANH", "HARD_SWISH", "EXP", "ABS", "NEG"):
    case(_kind.lower())(lambda tiny, x, kind=_kind: tiny.op(kind, [x], tiny.shapes[x]))


@case("sqrt")
def _sqrt(tiny: Tiny, x: int) -> int:
    return tiny.op("SQRT", [tiny.op("ABS", [x], tiny.shapes[x])], tiny.shapes[x])


@case("prelu")
def _prelu(tiny: Tiny, x: int) -> int:
    return tiny.op("PRELU", [x, tiny.noise(1, 1, tiny.shapes[x][3])], tiny.shapes[x])


@case("reshape")
def _reshape(tiny: Tiny, x: int) -> int:
    n, height, width, channels = tiny.shapes[x]
    shape = (n, width, channels, height)
    return tiny.op("RESHAPE", [x, tiny.constant(shape, "int32")], shape, "ReshapeOptions", NewShape=list(shape))


@case("reshape-of-reshape")
def _reshape_twice(tiny: Tiny, x: int) -> int:
    flat = (1, int(np.prod(tiny.shapes[x])))
    middle = tiny.op("RESHAPE", [x, tiny.constant([1, -1], "int32")], flat)
    return tiny.op("RESHAPE", [middle, tiny.constant(PICTURE, "int32")], tiny.shapes[x])


for _what, _amounts in {
    "picture": [[0, 0], [1, 2], [3, 0], [0, 0]],
    "channels": [[0, 0], [0, 0], [0, 0], [0, 5]],
    "all": [[0, 0], [1, 0], [0, 2], [1, 1]],
}.items():

    def _pad(tiny, x, amounts=_amounts):
        shape = tuple(np.add(tiny.shapes[x], np.sum(amounts, axis=1)))
        return tiny.op("PAD", [x, tiny.constant(amounts, "int32")], shape, "PadOptions")

    def _padv2(tiny, x, amounts=_amounts):
        shape = tuple(np.add(tiny.shapes[x], np.sum(amounts, axis=1)))
        return tiny.op("PADV2", [x, tiny.constant(amounts, "int32"), tiny.constant(0.75)], shape, "PadV2Options")

    case(f"pad-{_what}")(_pad)
    case(f"padv2-{_what}")(_padv2)
    case(f"pad-{_what}-then-conv")(lambda t, x, pad=_pad: convolve(t, pad(t, x), stride=2, padding=VALID))
    case(f"padv2-{_what}-then-conv")(lambda t, x, pad=_padv2: convolve(t, pad(t, x), stride=2, padding=VALID))


for _axis in (0, 1, 2, 3, -1, -2):

    def _concatenation(tiny, x, axis=_axis):
        shape = list(tiny.shapes[x])
        shape[axis] *= 3
        parts = [x, tiny.op("NEG", [x], tiny.shapes[x]), tiny.noise(*tiny.shapes[x])]
        return tiny.op("CONCATENATION", parts, tuple(shape), "ConcatenationOptions", Axis=axis)

    case(f"concatenation-{_axis}")(_concatenation)


# what: begins, ends, steps, begin mask, end mask, shrink mask
_SLICES = {
    "plain": ([0, 1, 2, 1], [1, 6, 9, 4], [1, 1, 1, 1], 0, 0, 0),
    "steps": ([0, 1, 2, 1], [1, 6, 9, 4], [1, 2, 3, 2], 0, 0, 0),
    "negative": ([0, -5, -3, -4], [1, -1, 10, -1], [1, 1, 1, 1], 0, 0, 0),
    "backwards": ([0, 5, 9, 3], [1, 1, 0, 0], [1, -1, -2, -1], 0, 0, 0),
    "backwards-to-the-start": ([0, 5, 9, 0], [1, 1, 0, 4], [1, -1, -2, 1], 0, 0b0100, 0),
    "masks": ([1, 1, 2, 1], [0, 6, 9, 4], [1, 1, 1, 1], 0b1001, 0b0101, 0),
    "shrink": ([0, -1, 2, 1], [1, 0, 9, 4], [1, 1, 1, 1], 0, 0, 0b0010),
    "fewer-axes": ([0, 2], [1, 5], [1, 1], 0, 0, 0),
    "all": ([0, 0, 0, 0], [1, 99, 99, 99], [1, 1, 1, 1], 0, 0, 0),
}


def slice_shape(size: tuple[int, ...], begins, ends, steps, first, last, shrink) -> tuple[int, ...]:
    """What LiteRT does, said with numpy: the shape of the cut."""
    array = np.empty(size)
    cuts = [
        begin
        if shrink >> axis & 1
        else slice(None if first >> axis & 1 else begin, None if last >> axis & 1 else end, step)
        for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True))
    ]
    return array[tuple(cuts)].shape


@pytest.mark.parametrize("what", _SLICES)
@pytest.mark.parametrize("after_conv", [False, True])
def test_strided_slice(tmp_path: Path, what: str, after_conv: bool) -> None:
    begins, ends, steps, first, last, shrink = _SLICES[what]
    tiny = Tiny()
    x = tiny.input(*PICTURE)
    x = convolve(tiny, x) if after_conv else x
    numbers = [tiny.constant(n, "int32") for n in (begins, ends, steps)]
    y = tiny.op(
        "STRIDED_SLICE", [x, *numbers], slice_shape(tiny.shapes[x], *_SLICES[what]), "StridedSliceOptions",
        BeginMask=first, EndMask=last, ShrinkAxisMask=shrink,
    )  # fmt: skip
    agree(tiny, [y], tmp_path)


@pytest.mark.parametrize("axes", [[1, 2], [3], [-1], [2, 1], [0, 3]])
@pytest.mark.parametrize("keep", [False, True])
def test_mean(tmp_path: Path, axes: list[int], keep: bool) -> None:
    tiny = Tiny()
    x = convolve(tiny, tiny.input(*PICTURE))
    shape = np.empty(tiny.shapes[x]).mean(tuple(axes), keepdims=keep).shape
    y = tiny.op("MEAN", [x, tiny.constant(axes, "int32")], shape, "ReducerOptions", KeepDims=keep)
    agree(tiny, [y], tmp_path)


@pytest.mark.parametrize(("shape", "keep"), [((3, 8), False), ((1, 2, 2, 6), False), ((1, 2, 5, 8), True)])
@pytest.mark.parametrize("bias", [False, True])
def test_fully_connected(tmp_path: Path, shape: tuple[int, ...], keep: bool, bias: bool) -> None:
    tiny = Tiny()
    size = 8 if shape[-1] == 8 else 12
    x = tiny.input(*shape)
    out = (*shape[:-1], 5) if keep else (int(np.prod(shape)) // size, 5)
    y = tiny.op(
        "FULLY_CONNECTED", [x, tiny.noise(5, size), tiny.noise(5) if bias else -1], out, "FullyConnectedOptions",
        KeepNumDims=keep, FusedActivationFunction=RELU,
    )  # fmt: skip
    agree(tiny, [y], tmp_path)


@case("dequantize")
def _dequantize(tiny: Tiny, x: int) -> int:
    shape = tiny.shapes[x]
    weights = tiny.op("DEQUANTIZE", [tiny.noise(6, 3, 3, shape[3], dtype="float16")], (6, 3, 3, shape[3]))
    bias = tiny.op("DEQUANTIZE", [tiny.noise(6, dtype="float16")], (6,))
    return tiny.op("CONV_2D", [x, weights, bias], (*shape[:3], 6), "Conv2DOptions", StrideH=1, StrideW=1)


@pytest.mark.parametrize("name", CASES)
def test_operator_alone(tmp_path: Path, name: str) -> None:
    tiny = Tiny()
    y = CASES[name](tiny, tiny.input(*PICTURE))
    agree(tiny, [y], tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_operator_between_convolutions(tmp_path: Path, name: str) -> None:
    tiny = Tiny()
    y = convolve(tiny, CASES[name](tiny, convolve(tiny, tiny.input(*PICTURE))), kernel=(1, 1))
    agree(tiny, [y], tmp_path)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(sorted(CASES)), min_size=2, max_size=6), st.integers(0, 99))
def test_operators_in_any_order(tmp_path_factory: pytest.TempPathFactory, names: list[str], seed: int) -> None:
    """Chains of operators, the values between them outputs too, so that no pass may take them for its own."""
    tiny = Tiny(seed)
    values = [tiny.input(*PICTURE)]
    for name in names:
        before = values[-1]
        if tiny.shapes[before] != PICTURE:  # the cases are made for one size: bring it back
            flat = int(np.prod(tiny.shapes[before]))
            before = tiny.op("RESHAPE", [before, tiny.constant([1, -1], "int32")], (1, flat))
            weights = tiny.constant(tiny.random.normal(size=(int(np.prod(PICTURE)), flat)) / np.sqrt(flat))
            bias = tiny.noise(int(np.prod(PICTURE)))
            joined = (1, int(np.prod(PICTURE)))
            before = tiny.op("FULLY_CONNECTED", [before, weights, bias], joined, "FullyConnectedOptions")
            before = tiny.op("RESHAPE", [before, tiny.constant(PICTURE, "int32")], PICTURE)
        # Bounded, so that errors of rounding do not grow along the chain.
        before = tiny.op("TANH", [before], PICTURE)
        values.append(CASES[name](tiny, before))
    agree(tiny, list(dict.fromkeys(values[1:])), tmp_path_factory.mktemp("chain"))


def test_every_handler_has_a_case() -> None:
    """No operator without a test: the kinds that this file builds are the kinds that are handled."""
    files = [*Path(__file__).parent.glob("test_tflite*.py"), Path(__file__).with_name("test_sparsity.py")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    built = [f"UNSORTED_SEGMENT_{how}" for how in ("SUM", "PROD", "MAX", "MIN")]  # by a pattern
    assert [kind for kind in HANDLERS if f'"{kind}"' not in text and kind not in built] == []
