"""A table of TFLite operators: each row a file of one operator, which computes what LiteRT computes.

Operators of pictures in all their settings are in test_tflite_operators.py, integers with a scale in
test_tflite_quantized.py, control flow in test_tflite_control.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_tflite import Tiny, agree


@dataclass(frozen=True)
class F:
    """An input: floats unless its dtype says otherwise. values: what it is fed with."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    values: Any = None


@dataclass(frozen=True)
class C:
    """A constant."""

    values: Any
    dtype: str = "int32"


def make(tiny: Tiny, given: Any) -> int:
    if isinstance(given, C):
        return tiny.constant(given.values, given.dtype)
    if isinstance(given, F):
        return tiny.input(*given.shape, dtype=given.dtype, feed=given.values)
    return int(given)


Row = tuple[str, list[Any], list[tuple[Any, ...]], str, dict[str, Any]]
ROWS: dict[str, Row] = {}


def row(kind: str, given: list[Any], made: Any, options: str = "", *, called: str = "", **fields: Any) -> None:
    """made: the shape of the float output, or (shape, dtype) of each."""
    outputs = made if isinstance(made, list) else [(made, "float32")]
    name = "-".join(filter(None, (kind, called)))
    count = 2
    while name in ROWS:
        name, count = f"{kind}-{called}{count}", count + 1
    ROWS[name] = (kind, given, outputs, options, fields)


R = np.random.default_rng(0)
SMALL = (2, 3, 4)
POSITIVE = R.uniform(0.1, 4, SMALL).astype(np.float32)
INTEGERS = R.integers(-9, 10, SMALL)
DIVISORS = np.where(INTEGERS[::-1] == 0, 3, INTEGERS[::-1])

for _kind in ("COS", "SIN", "FLOOR", "CEIL", "ROUND", "SIGN", "ELU", "SQUARE", "RELU_0_TO_1", "ZEROS_LIKE", "RELU"):
    row(_kind, [F(SMALL)], SMALL)
for _kind in ("LOG", "RSQRT", "SQRT"):
    row(_kind, [F(SMALL, values=POSITIVE)], SMALL)
row("ROUND", [F((6,), values=[0.5, 1.5, 2.5, -0.5, -1.5, 2.4])], (6,), called="ties")
row("GELU", [F(SMALL)], SMALL, "GeluOptions", Approximate=False)
row("GELU", [F(SMALL)], SMALL, "GeluOptions", Approximate=True, called="tanh")
row("LEAKY_RELU", [F(SMALL)], SMALL, "LeakyReluOptions", Alpha=0.3)
for _kind in ("ABS", "NEG"):
    row(_kind, [F(SMALL, "int32")], [(SMALL, "int32")], called="integers")
row("LOGICAL_NOT", [F(SMALL, "bool")], [(SMALL, "bool")])

for _kind in ("FLOOR_DIV", "FLOOR_MOD"):
    row(_kind, [F(SMALL), C(DIVISORS, "float32")], SMALL)
    row(_kind, [F(SMALL, "int32", INTEGERS), C(DIVISORS)], [(SMALL, "int32")], called="integers")
row("SQUARED_DIFFERENCE", [F(SMALL), C(POSITIVE[0], "float32")], SMALL)
row("POW", [F(SMALL, values=POSITIVE), C(R.normal(size=(3, 1)), "float32")], SMALL)
row("POW", [F(SMALL, "int32", INTEGERS), C(np.full(SMALL, 3))], [(SMALL, "int32")], called="integers")
row(
    "ATAN2",
    [F((4, 2), values=[[0, 1], [1, -1], [-1, -1], [-2, 0.5]]), F((4, 2), values=[[1, 0], [0, -1], [0, 2], [-1, 2]])],
    (4, 2),
)
row("ADD_N", [F(SMALL), F(SMALL), C(POSITIVE, "float32")], SMALL)
for _kind, _options in {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions"}.items():
    row(_kind, [F(SMALL, "int32", INTEGERS), C(DIVISORS)], [(SMALL, "int32")], _options, called="integers")
for _kind in ("MAXIMUM", "MINIMUM"):
    row(_kind, [F(SMALL, "int32"), C(DIVISORS)], [(SMALL, "int32")], called="integers")
for _kind in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"):
    row(_kind, [F(SMALL), C(0.25, "float32")], [(SMALL, "bool")])
    row(_kind, [F(SMALL, "int32", INTEGERS), C(INTEGERS[1])], [(SMALL, "bool")], called="integers")
row("EQUAL", [F(SMALL, "bool"), F(SMALL, "bool", INTEGERS > 0)], [(SMALL, "bool")], called="truth")
for _kind in ("LOGICAL_AND", "LOGICAL_OR"):
    row(_kind, [F(SMALL, "bool"), C(INTEGERS > 0, "bool")], [(SMALL, "bool")])
for _dtype in ("int8", "uint8", "int16", "int32"):
    row("BITWISE_XOR", [F(SMALL, _dtype), C(np.abs(INTEGERS), _dtype)], [(SMALL, _dtype)], called=_dtype)
row("RIGHT_SHIFT", [F(SMALL, "int32", INTEGERS * 10), C(np.abs(INTEGERS) % 4)], [(SMALL, "int32")])

for _from, _to in (
    ("float32", "int32"),
    ("int32", "float32"),
    ("bool", "float32"),
    ("float32", "bool"),
    ("int32", "int64"),
):
    row("CAST", [F(SMALL, _from)], [(SMALL, _to)], "CastOptions", called=f"{_from}-{_to}")
row("BUCKETIZE", [F(SMALL)], [(SMALL, "int32")], "BucketizeOptions", Boundaries=[-1.0, 0.0, 0.5, 3.0])
row("FAKE_QUANT", [F(SMALL)], SMALL, "FakeQuantOptions", Min=-1.1, Max=2.3, NumBits=8)
row("FAKE_QUANT", [F(SMALL)], SMALL, "FakeQuantOptions", Min=-1.1, Max=2.3, NumBits=4, called="coarse")
row("BITCAST", [F(SMALL)], SMALL)

# Sums along axes.
for _kind in ("MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN"):
    row(_kind, [F(SMALL), C([1])], (2, 4), "ReducerOptions")
    row(_kind, [F(SMALL), C([0, -1])], (1, 3, 1), "ReducerOptions", KeepDims=True, called="keep")
row("SUM", [F(SMALL, "int32"), C([1])], [((2, 4), "int32")], "ReducerOptions", called="integers")
for _kind in ("REDUCE_ANY", "REDUCE_ALL"):
    row(_kind, [F(SMALL, "bool"), C([2])], [((2, 3), "bool")], "ReducerOptions")
for _kind in ("ARG_MAX", "ARG_MIN"):
    row(_kind, [F(SMALL), C(1)], [((2, 4), "int32")], f"{_kind.title().replace('_', '')}Options", OutputType=2)
    row(_kind, [F((3, 6), values=[[1, 2, 2, 0, 0, 1]] * 3), C(-1)], [((3,), "int64")],
        f"{_kind.title().replace('_', '')}Options", OutputType=4, called="ties")  # fmt: skip
row("SOFTMAX", [F(SMALL)], SMALL, "SoftmaxOptions", Beta=0.7)
row("LOG_SOFTMAX", [F(SMALL)], SMALL)
row("L2_NORMALIZATION", [F(SMALL)], SMALL, "L2NormOptions")
for _what, _fields in {"plain": {}, "exclusive": {"Exclusive": True}, "reverse": {"Reverse": True}}.items():
    row("CUMSUM", [F(SMALL), C(1)], SMALL, "CumsumOptions", called=_what, **_fields)

# Moving elements.
row("SHAPE", [F(SMALL)], [((3,), "int32")], "ShapeOptions", OutType=2)
row("RANK", [F(SMALL)], [((), "int32")])
row("SQUEEZE", [F((1, 3, 1, 2))], (3, 2), "SqueezeOptions", called="all")
row("SQUEEZE", [F((1, 3, 1, 2))], (1, 3, 2), "SqueezeOptions", SqueezeDims=[-2])
row("EXPAND_DIMS", [F(SMALL), C(-2)], (2, 3, 1, 4))
row("TRANSPOSE", [F(SMALL), C([2, 0, 1])], (4, 2, 3))
row("PACK", [F(SMALL), F(SMALL), C(POSITIVE, "float32")], (2, 3, 3, 4), "PackOptions", Axis=1, ValuesCount=3)
row("UNPACK", [F(SMALL)], [((2, 4), "float32")] * 3, "UnpackOptions", Axis=1, Num=3)
row("SPLIT", [C(2), F(SMALL)], [((2, 3, 2), "float32")] * 2, "SplitOptions", NumSplits=2)
row(
    "SPLIT_V",
    [F(SMALL), C([1, -1]), C(-1)],
    [((2, 3, 1), "float32"), ((2, 3, 3), "float32")],
    "SplitVOptions",
    NumSplits=2,
)
row("SLICE", [F(SMALL), C([0, 1, 2]), C([-1, 2, 1])], (2, 2, 1))
row("SLICE", [F(SMALL, "int32"), C([1, 0, 0]), C([1, 3, -1])], [((1, 3, 4), "int32")], called="integers")
row("TILE", [F(SMALL), C([2, 1, 3])], (4, 3, 12))
row("REVERSE_V2", [F(SMALL), C([1])], SMALL)
row("REVERSE_SEQUENCE", [F((3, 4, 2)), C([2, 4, 1])], (3, 4, 2), "ReverseSequenceOptions", SeqDim=1, BatchDim=0)
row(
    "REVERSE_SEQUENCE",
    [F((4, 2, 3)), C([2, 4, 1])],
    (4, 2, 3),
    "ReverseSequenceOptions",
    SeqDim=0,
    BatchDim=2,
    called="turned",
)
row("MIRROR_PAD", [F(SMALL), C([[1, 0], [2, 1], [0, 3]])], (3, 6, 7), "MirrorPadOptions", Mode=0)
row("MIRROR_PAD", [F(SMALL), C([[1, 0], [2, 1], [0, 3]])], (3, 6, 7), "MirrorPadOptions", Mode=1, called="symmetric")
row("FILL", [C([2, 3]), F(())], (2, 3))
row("BROADCAST_TO", [F((3, 1)), C([2, 3, 4])], SMALL, version=2)
row("BROADCAST_ARGS", [F((2,), "int32", [3, 1]), C([2, 1, 4])], [((3,), "int32")])
row("SELECT_V2", [F((3, 1), "bool"), F(SMALL), F((4,))], SMALL)
row("SELECT", [F((2,), "bool"), F(SMALL), F(SMALL)], SMALL)
row("SELECT", [F(SMALL, "bool"), F(SMALL), F(SMALL)], SMALL, called="full")
row("RESHAPE", [F(SMALL)], (6, 4), "ReshapeOptions", NewShape=[6, -1])
row("DYNAMIC_UPDATE_SLICE", [F((4, 5)), F((2, 2)), F((2,), "int32", [1, 9])], (4, 5))
row("PAD", [F(SMALL, "int32"), C([[1, 0], [0, 2], [0, 0]])], [((3, 5, 4), "int32")], called="integers")

for _what, _spec in {
    "ellipsis": ([0, 0, 1], [0, 0, 3], [1, 1, 1], (3, 2), {"EllipsisMask": 0b010, "ShrinkAxisMask": 0b001}),
    "ellipsis-first": ([0, 1], [0, 3], [1, 1], (2, 3, 2), {"EllipsisMask": 0b01}),
    "new-axis": ([0, 0, 1], [0, 0, 3], [1, 1, 1], (1, 2, 2, 4), {"NewAxisMask": 1, "BeginMask": 2, "EndMask": 2}),
    "new-axis-last": ([0, 1, 0], [0, 3, 0], [1, 1, 1], (2, 3, 2, 1), {"EllipsisMask": 1, "NewAxisMask": 0b100}),
    "all-at-once": ([0, 0, -1, 0], [0, 0, 0, 2], [1, 1, 1, 1], (2, 1, 2),
                    {"BeginMask": 1, "EndMask": 1, "NewAxisMask": 2, "ShrinkAxisMask": 4}),
}.items():  # fmt: skip
    row("STRIDED_SLICE", [F(SMALL), *map(C, _spec[:3])], _spec[3], "StridedSliceOptions", called=_what, **_spec[4])

# Picking and placing.
PLACES = [[2, 0], [1, 1]]
row("GATHER", [F(SMALL), C(PLACES)], (2, 2, 2, 4), "GatherOptions", Axis=1)
row("GATHER", [F((2, 3, 4)), C([[2, 0], [1, 1]])], (2, 2, 4), "GatherOptions", Axis=1, BatchDims=1, called="batch")
row(
    "GATHER", [F((2, 5, 3, 4)), C([[2, 0], [1, 1]])], (2, 5, 2, 4), "GatherOptions", Axis=2, BatchDims=1, called="later"
)
row("GATHER_ND", [F(SMALL), C([[0, 2], [1, 1]])], (2, 4))
row("EMBEDDING_LOOKUP", [C([2, 0, 2]), F((3, 4))], (3, 4))
row("SCATTER_ND", [C([[1], [3], [1]]), F((3, 2)), C([5, 2])], (5, 2))
row(
    "ONE_HOT",
    [F((4,), "int32", [0, 2, -1, 7]), C(3), C(5.0, "float32"), C(-1.0, "float32")],
    (4, 3),
    "OneHotOptions",
    Axis=-1,
)
row(
    "ONE_HOT", [F((2, 2), "int32", [[0, 2], [1, 1]]), C(3), C(1), C(0)], [((3, 2, 2), "int32")], "OneHotOptions", Axis=0
)
row("TOPK_V2", [F((3, 6)), C(2)], [((3, 2), "float32"), ((3, 2), "int32")])
row("SPARSE_TO_DENSE", [C([[0, 1], [2, 0]]), C([3, 2]), F((2,)), C(0.5, "float32")], (3, 2))
row("SPARSE_TO_DENSE", [C([1, 3]), C([5]), F(()), C(0.0, "float32")], (5,), called="line")
row("SEGMENT_SUM", [F((4, 2)), C([0, 0, 1, 2])], (3, 2))
for _how in ("SUM", "PROD", "MAX", "MIN"):
    row(f"UNSORTED_SEGMENT_{_how}", [F((4, 2)), C([2, 0, 2, 0]), C(3)], (3, 2))
row("MATRIX_DIAG", [F((2, 3))], (2, 3, 3))
for _shape in ((2, 3, 3), (2, 2, 4), (2, 4, 2)):
    row("MATRIX_SET_DIAG", [F(_shape), F((2, min(_shape[1:])))], _shape)
row("HASHTABLE_LOOKUP", [F((3,), "int32", [4, 5, 9]), C([4, 9, 11]), F((3, 2))], [((3, 2), "float32"), ((3,), "uint8")])

# Matrices and blocks.
row("BATCH_MATMUL", [F((2, 3, 4)), F((2, 4, 5))], (2, 3, 5), "BatchMatMulOptions")
row(
    "BATCH_MATMUL", [F((2, 4, 3)), F((1, 5, 4))], (2, 3, 5), "BatchMatMulOptions", AdjX=True, AdjY=True, called="turned"
)
row("FULLY_CONNECTED", [F((3, 4)), F((5, 4)), -1], (3, 5), "FullyConnectedOptions", called="computed-weights")
row("CONV_2D", [F((1, 5, 5, 3)), F((4, 3, 3, 3)), F((4,))], (1, 5, 5, 4), "Conv2DOptions", called="computed-weights",
    StrideH=1, StrideW=1)  # fmt: skip
row("SPACE_TO_DEPTH", [F((1, 4, 6, 3))], (1, 2, 3, 12), "SpaceToDepthOptions", BlockSize=2)
row("SPACE_TO_BATCH_ND", [F((1, 5, 6, 3)), C([2, 3]), C([[1, 0], [0, 3]])], (6, 3, 3, 3))
row("BATCH_TO_SPACE_ND", [F((6, 3, 3, 3)), C([2, 3]), C([[1, 0], [0, 3]])], (1, 5, 6, 3))
row("SPACE_TO_BATCH_ND", [F((2, 4, 3)), C([2]), C([[0, 0]])], (4, 2, 3), called="line")
row("LOCAL_RESPONSE_NORMALIZATION", [F((1, 2, 3, 7))], (1, 2, 3, 7), "LocalResponseNormalizationOptions",
    Radius=2, Bias=1.5, Alpha=0.3, Beta=0.6)  # fmt: skip
row(
    "L2_POOL_2D",
    [F((1, 6, 5, 2))],
    (1, 3, 3, 2),
    "Pool2DOptions",
    Padding=0,
    StrideH=2,
    StrideW=2,
    FilterHeight=2,
    FilterWidth=3,
)
for _corners, _centers in ((False, False), (True, False), (False, True)):
    for _size in ((14, 10), (9, 13), (3, 2)):
        row("RESIZE_NEAREST_NEIGHBOR", [F((1, 7, 5, 2)), C(_size)], (1, *_size, 2), "ResizeNearestNeighborOptions",
            AlignCorners=_corners, HalfPixelCenters=_centers)  # fmt: skip
WINDOW = {"StrideD": 1, "StrideH": 2, "StrideW": 1, "DilationDFactor": 1, "DilationHFactor": 1, "DilationWFactor": 1}
for _padding, _out in ((0, (4, 3, 6)), (1, (3, 2, 4))):
    row("CONV_3D", [F((1, 4, 5, 6, 3)), C(R.normal(size=(2, 3, 3, 3, 4)), "float32"), C(R.normal(size=4), "float32")],
        (1, *_out, 4), "Conv3DOptions", Padding=_padding, **WINDOW)  # fmt: skip
row("CONV_3D_TRANSPOSE", [C([1, 4, 6, 6, 3]), C(R.normal(size=(2, 3, 3, 3, 4)), "float32"), F((1, 4, 3, 6, 4))],
    (1, 4, 6, 6, 3), "Conv3DOptions", Padding=0, **WINDOW)  # fmt: skip
row("DILATE", [F((2, 3)), C([2, 3]), C(-0.5, "float32")], (3, 7))

# Boxes.
BOXES = [[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, -0.1, 1, 0.9], [0, 10, 1, 11], [0, 10.1, 1, 11.1], [0, 100, 1, 101]]
SCORES = [0.9, 0.75, 0.6, 0.95, 0.5, 0.3]
_given = [F((6, 4), values=BOXES), F((6,), values=SCORES), C(4), C(0.5, "float32"), C(0.4, "float32")]
row("NON_MAX_SUPPRESSION_V4", _given, [((4,), "int32"), ((), "int32")])
row("NON_MAX_SUPPRESSION_V5", [*_given, C(0.0, "float32")], [((4,), "int32"), ((4,), "float32"), ((), "int32")])


@pytest.mark.parametrize("name", ROWS)
def test_operator(tmp_path: Path, name: str) -> None:
    kind, given, made, options, fields = ROWS[name]
    tiny = Tiny()
    outputs = tiny.ops(kind, [make(tiny, one) for one in given], made, options, **fields)
    agree(tiny, outputs, tmp_path)


def test_range(tmp_path: Path) -> None:
    """Of constants, which makes a constant, added to something."""
    tiny = Tiny()
    numbers = tiny.op("RANGE", [tiny.constant(n, "int32") for n in (2, 14, 4)], (3,), dtype="int32")
    y = tiny.op("ADD", [tiny.input(3, dtype="int32"), numbers], (3,), "AddOptions", dtype="int32")
    agree(tiny, [y], tmp_path)


@pytest.mark.parametrize(("shape", "lengths"), [((2, 3, 1, 16), (1, 16)), ((2, 4, 8), (4, 8)), ((2, 3, 10), (4, 8))])
@pytest.mark.parametrize("kind", ["REAL", "IMAG", "COMPLEX_ABS"])
def test_spectrum(tmp_path: Path, shape: tuple[int, ...], lengths: tuple[int, int], kind: str) -> None:
    """RFFT2D and the parts of its complex numbers."""
    tiny = Tiny()
    made = (*shape[:-2], lengths[0], lengths[1] // 2 + 1)
    y = tiny.op(
        "RFFT2D", [tiny.input(*shape), tiny.constant(lengths, "int32")], made, "Rfft2dOptions", dtype="complex64"
    )
    agree(tiny, [tiny.op(kind, [y], made)], tmp_path)


def test_shapes_of_complex_numbers(tmp_path: Path) -> None:
    """Their value has an axis of pairs more: axes that files count from the end are counted before it."""
    tiny = Tiny()
    y = tiny.input(2, 3, 1, 16)
    y = tiny.op("RFFT2D", [y, tiny.constant([1, 16], "int32")], (2, 3, 1, 9), "Rfft2dOptions", dtype="complex64")
    y = tiny.op("SQUEEZE", [y], (2, 3, 9), "SqueezeOptions", dtype="complex64", SqueezeDims=[-2])
    y = tiny.op("EXPAND_DIMS", [y, tiny.constant(-1, "int32")], (2, 3, 9, 1), dtype="complex64")
    y = tiny.op("RESHAPE", [y, tiny.constant([3, 2, -1], "int32")], (3, 2, 9), "ReshapeOptions", dtype="complex64")
    agree(tiny, [tiny.op("CAST", [y], (3, 2, 9), "CastOptions"), tiny.op("COMPLEX_ABS", [y], (3, 2, 9))], tmp_path)


def test_a_spectrum_whose_sizes_the_file_has_wrong(tmp_path: Path) -> None:
    """Converters of old state as many frequencies as there are samples; LiteRT works the sizes out."""
    tiny = Tiny()
    y = tiny.op(
        "RFFT2D", [tiny.input(1, 16), tiny.constant([1, 16], "int32")], (1, 16), "Rfft2dOptions", dtype="complex64"
    )
    y = tiny.op("COMPLEX_ABS", [y], (1, 16))
    agree(tiny, [tiny.op("SQRT", [y], (1, 16))], tmp_path)


DYNAMIC: dict[str, Callable[[Tiny], list[int]]] = {
    "WHERE": lambda t: [t.op("WHERE", [t.input(2, 3, dtype="bool")], (0, 2), dtype="int64")],
    "UNIQUE": lambda t: t.ops(
        "UNIQUE",
        [t.input(6, feed=[3, 1, 3, 2, 1, 3])],
        [((0,), "float32"), ((6,), "int32")],
        "UniqueOptions",
        IdxOutType=2,
    ),
    "TOPK_V2": lambda t: t.ops(
        "TOPK_V2", [t.input(2, 6), t.input(dtype="int32", feed=3)], [((2, 0), "float32"), ((2, 0), "int32")]
    ),
    "RANGE": lambda t: [t.op("RANGE", [t.input(dtype="int32", feed=n) for n in (1, 9, 3)], (0,), dtype="int32")],
    "FILL": lambda t: [t.op("FILL", [t.input(2, dtype="int32", feed=[2, 3]), t.constant(1.5)], (0, 0))],
    "RESHAPE": lambda t: [t.op("RESHAPE", [t.input(2, 6), t.input(2, dtype="int32", feed=[3, 4])], (0, 0))],
    "SLICE": lambda t: [
        t.op("SLICE", [t.input(4, 6), t.input(2, dtype="int32", feed=[1, 2]), t.constant([2, 3], "int32")], (2, 3))
    ],
    "STRIDED_SLICE": lambda t: [
        t.op(
            "STRIDED_SLICE",
            [
                t.input(4, 6),
                *(t.input(2, dtype="int32", feed=n) for n in ([1, -1], [3, 6])),
                t.constant([1, 1], "int32"),
            ],
            (0,),
            "StridedSliceOptions",
            ShrinkAxisMask=2,
            EndMask=1,
        )
    ],
    "TILE": lambda t: [t.op("TILE", [t.input(2, 3), t.input(2, dtype="int32", feed=[2, 1])], (0, 0))],
    "PAD": lambda t: [t.op("PAD", [t.input(2, 3), t.input(2, 2, dtype="int32", feed=[[1, 0], [2, 1]])], (0, 0))],
}


@pytest.mark.parametrize("name", DYNAMIC)
def test_sizes_known_only_at_run_time(tmp_path: Path, name: str) -> None:
    tiny = Tiny()
    agree(tiny, DYNAMIC[name](tiny), tmp_path)
