"""One use of each operator of TensorFlow.js, and what it gives, said in numpy.

A case is a function from a Tiny and inputs x (2, 5, 6, 4), y (2, 5, 6, 4) positive, n (3, 4) integers to tensor names,
and a function from the same arrays to what these hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tiny_tfjs import Tiny, Type

Array = np.ndarray[Any, Any]
Build = Callable[[Tiny, str, str, str], str | tuple[str, ...]]
Expect = Callable[[Array, Array, Array], Any]
SHAPE = (2, 5, 6, 4)
INTS = (3, 4)


@dataclass(frozen=True)
class Case:
    build: Build
    expect: Expect


CASES: dict[str, Case] = {}
random = np.random.default_rng(3)
X = random.normal(size=SHAPE).astype(np.float32)
Y = random.uniform(0.5, 2, SHAPE).astype(np.float32)
N = np.array([[3, -4, 5, 7], [-9, 2, 2, 0], [6, 1, -8, 5]], np.int32)


def case(name: str, build: Build, expect: Expect) -> None:
    CASES[name] = Case(build, expect)


def unary(op: str, function: Callable[[Array], Any], which: str = "x", **attributes: Any) -> None:
    position = "xyn".index(which)
    case(
        op,
        lambda t, *given: t.node(op, given[position], **attributes),
        lambda *arrays: function(arrays[position]),
    )


erf = np.vectorize(math.erf)
for _op, _function in {
    "Abs": np.abs,
    "Atan": np.arctan,
    "Ceil": np.ceil,
    "Cos": np.cos,
    "Cosh": np.cosh,
    "Exp": np.exp,
    "Floor": np.floor,
    "Neg": np.negative,
    "Relu": lambda x: np.maximum(x, 0),
    "Relu6": lambda x: np.clip(x, 0, 6),
    "Round": np.round,
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Sign": np.sign,
    "Sin": np.sin,
    "Sinh": np.sinh,
    "Square": np.square,
    "Tan": np.tan,
    "Tanh": np.tanh,
    "Expm1": np.expm1,
    "Softplus": lambda x: np.log1p(np.exp(x)),
    "Asinh": np.arcsinh,
    "Erf": erf,
    "Elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "Selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "Identity": lambda x: x,
    "IsNan": np.isnan,
    "IsInf": np.isinf,
    "IsFinite": np.isfinite,
    "ZerosLike": np.zeros_like,
    "OnesLike": np.ones_like,
    "Shape": lambda x: np.array(x.shape, np.int32),
    "Rank": lambda x: np.int32(x.ndim),
    "Size": lambda x: np.int32(x.size),
    "Softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    "LogSoftmax": lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)),
}.items():
    unary(_op, _function)
for _op, _function in {
    "Acos": lambda x: np.arccos(x),
    "Asin": lambda x: np.arcsin(x),
    "Atanh": lambda x: np.arctanh(x),
}.items():
    case(
        _op,
        lambda t, x, y, n, op=_op: t.node(op, t.node("Mul", x, t.constant(0.2))),
        lambda x, y, n, function=_function: function(x * np.float32(0.2)),
    )
for _op, _function in {
    "Sqrt": np.sqrt,
    "Rsqrt": lambda y: 1 / np.sqrt(y),
    "Log": np.log,
    "Log1p": np.log1p,
    "Reciprocal": np.reciprocal,
}.items():
    unary(_op, _function, "y")
case("Acosh", lambda t, x, y, n: t.node("Acosh", t.node("Add", y, t.constant(1.0))), lambda x, y, n: np.arccosh(y + 1))
unary("LeakyRelu", lambda x: np.where(x > 0, x, 0.1 * x), alpha=0.1)

for _op, _function in {
    "Add": np.add,
    "AddV2": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "RealDiv": np.divide,
    "Div": np.divide,
    "DivNoNan": np.divide,
    "FloorDiv": np.floor_divide,
    "FloorMod": np.mod,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "SquaredDifference": lambda a, b: (a - b) ** 2,
    "Atan2": np.arctan2,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Less": np.less,
    "LessEqual": np.less_equal,
    "Equal": np.equal,
    "NotEqual": np.not_equal,
}.items():
    case(
        _op,
        lambda t, x, y, n, op=_op: t.node(op, x, y),
        lambda x, y, n, function=_function: function(x, y),
    )
    if _op not in ("Atan2", "DivNoNan"):
        _whole = np.floor_divide if _op in ("RealDiv", "Div") else _function
        case(
            f"{_op} of integers",
            lambda t, x, y, n, op=_op: t.node(op, n, t.constant([3, -2, 4, 5])),
            lambda x, y, n, function=_whole: function(n, np.array([3, -2, 4, 5], np.int32)),
        )
case("Pow", lambda t, x, y, n: t.node("Pow", y, x), lambda x, y, n: y**x)
case("AddN", lambda t, x, y, n: t.node("AddN", x, y, x), lambda x, y, n: x + y + x)
case(
    "ClipByValue",
    lambda t, x, y, n: t.node("ClipByValue", x, t.constant(-0.5), t.constant(1.0)),
    lambda x, y, n: x.clip(-0.5, 1),
)
case(
    "Prelu",
    lambda t, x, y, n: t.node("Prelu", x, t.constant([0.1, 0.2, 0.3, 0.4])),
    lambda x, y, n: np.where(x > 0, x, x * np.float32([0.1, 0.2, 0.3, 0.4])),
)
case(
    "BiasAdd",
    lambda t, x, y, n: t.node("BiasAdd", x, t.constant([1.0, 2.0, 3.0, 4.0])),
    lambda x, y, n: np.add(x, [1, 2, 3, 4]),
)
case(
    "broadcasting",
    lambda t, x, y, n: t.node("Mul", x, t.constant(np.arange(6.0).reshape(6, 1))),
    lambda x, y, n: x * np.arange(6.0).reshape(6, 1),
)

_TRUE = ("Greater", 0.0)


def _positive(t: Tiny, x: str) -> str:
    return t.node("Greater", x, t.constant(0.0))


case(
    "LogicalAnd",
    lambda t, x, y, n: t.node("LogicalAnd", _positive(t, x), t.node("Less", x, y)),
    lambda x, y, n: (x > 0) & (x < y),
)
case(
    "LogicalOr",
    lambda t, x, y, n: t.node("LogicalOr", _positive(t, x), t.node("Less", x, y)),
    lambda x, y, n: (x > 0) | (x < y),
)
case("LogicalNot", lambda t, x, y, n: t.node("LogicalNot", _positive(t, x)), lambda x, y, n: x <= 0)
case("Select", lambda t, x, y, n: t.node("Select", _positive(t, x), x, y), lambda x, y, n: np.where(x > 0, x, y))
case(
    "SelectV2",
    lambda t, x, y, n: t.node("SelectV2", _positive(t, x), x, t.constant(7.0)),
    lambda x, y, n: np.where(x > 0, x, 7),
)
case(
    "BitwiseAnd",
    lambda t, x, y, n: t.node("BitwiseAnd", t.node("Abs", n), t.constant([3, 2, 6, 5])),
    lambda x, y, n: np.abs(n) & [3, 2, 6, 5],
)
case("Cast to int", lambda t, x, y, n: t.node("Cast", x, DstT=Type("DT_INT32")), lambda x, y, n: x.astype(np.int32))
case("Cast to bool", lambda t, x, y, n: t.node("Cast", n, DstT=Type("DT_BOOL")), lambda x, y, n: n != 0)
case(
    "Cast of bool",
    lambda t, x, y, n: t.node("Cast", _positive(t, x), DstT=Type("DT_FLOAT")),
    lambda x, y, n: (x > 0) * 1.0,
)

for _op, _function in {"Sum": np.sum, "Mean": np.mean, "Max": np.max, "Min": np.min, "Prod": np.prod}.items():
    case(
        _op,
        lambda t, x, y, n, op=_op: t.node(op, x, t.constant([1, 2]), keep_dims=False),
        lambda x, y, n, f=_function: f(x, (1, 2)),
    )
    case(
        f"{_op} keeping",
        lambda t, x, y, n, op=_op: t.node(op, x, t.constant([-1]), keep_dims=True),
        lambda x, y, n, f=_function: f(x, -1, keepdims=True),
    )
    if _op != "Mean":
        case(
            f"{_op} of integers",
            lambda t, x, y, n, op=_op: t.node(op, n, t.constant([0])),
            lambda x, y, n, f=_function: f(n, 0),
        )
case(
    "EuclideanNorm",
    lambda t, x, y, n: t.node("EuclideanNorm", x, t.constant([3])),
    lambda x, y, n: np.linalg.norm(x, axis=3),
)
case("All", lambda t, x, y, n: t.node("All", t.node("Less", x, y), t.constant([3])), lambda x, y, n: (x < y).all(3))
case("Any", lambda t, x, y, n: t.node("Any", t.node("Greater", x, y), t.constant([3])), lambda x, y, n: (x > y).any(3))
case("ArgMax", lambda t, x, y, n: t.node("ArgMax", x, t.constant(3)), lambda x, y, n: x.argmax(3))
case("ArgMin of integers", lambda t, x, y, n: t.node("ArgMin", n, t.constant(0)), lambda x, y, n: n.argmin(0))
case(
    "Cumsum",
    lambda t, x, y, n: t.node("Cumsum", x, t.constant(2), exclusive=False, reverse=False),
    lambda x, y, n: x.cumsum(2),
)
case(
    "Cumsum reversed without itself",
    lambda t, x, y, n: t.node("Cumsum", x, t.constant(1), exclusive=True, reverse=True),
    lambda x, y, n: x[:, ::-1].cumsum(1)[:, ::-1] - x,
)
case("Cumprod", lambda t, x, y, n: t.node("Cumprod", y, t.constant(2)), lambda x, y, n: y.cumprod(2))
case(
    "Cumprod reversed without itself",
    lambda t, x, y, n: t.node("Cumprod", y, t.constant(1), exclusive=True, reverse=True),
    lambda x, y, n: y[:, ::-1].cumprod(1)[:, ::-1] / y,
)
case(
    "DenseBincount",
    lambda t, x, y, n: t.node("DenseBincount", t.node("Abs", n), t.constant(6), t.constant(np.zeros(0))),
    lambda x, y, n: [np.bincount(row[row < 6], minlength=6) for row in np.abs(n)],
)
case(
    "TopKV2",
    lambda t, x, y, n: ((v := t.node("TopKV2", x, t.constant(2), sorted=True)), f"{v}:1"),
    lambda x, y, n: (-np.sort(-x, 3)[..., :2], np.argsort(-x, 3)[..., :2]),
)
case(
    "Where", lambda t, x, y, n: t.node("Where", t.node("Greater", n, t.constant(2))), lambda x, y, n: np.argwhere(n > 2)
)
case(
    "Unique",
    lambda t, x, y, n: ((v := t.node("Unique", t.node("Reshape", n, t.constant([-1])))), f"{v}:1"),
    lambda x, y, n: _unique(n.ravel()),
)
case(
    "ListDiff",
    lambda t, x, y, n: (
        (v := t.node("ListDiff", t.node("Reshape", n, t.constant([-1])), t.constant([5, 2, 0]))),
        f"{v}:1",
    ),
    lambda x, y, n: _difference(n.ravel(), [5, 2, 0]),
)
case(
    "LowerBound",
    lambda t, x, y, n: t.node("LowerBound", t.constant([[1.0, 2.0, 2.0, 3.0]]), t.constant([[0.0, 2.0, 5.0]])),
    lambda x, y, n: [[0, 1, 4]],
)
case(
    "UpperBound",
    lambda t, x, y, n: t.node("UpperBound", t.constant([[1.0, 2.0, 2.0, 3.0]]), t.constant([[0.0, 2.0, 5.0]])),
    lambda x, y, n: [[0, 3, 4]],
)


def _unique(row: Array) -> tuple[Array, Array]:
    values = list(dict.fromkeys(row.tolist()))
    return np.array(values), np.array([values.index(entry) for entry in row])


def _difference(row: Array, other: list[int]) -> tuple[Array, Array]:
    kept = [n for n, entry in enumerate(row) if entry not in other]
    return row[kept], np.array(kept)


case(
    "ConcatV2",
    lambda t, x, y, n: t.node("ConcatV2", x, y, t.constant(-1), N=2),
    lambda x, y, n: np.concatenate([x, y], -1),
)
case("Pack", lambda t, x, y, n: t.node("Pack", x, y, axis=1), lambda x, y, n: np.stack([x, y], 1))
case(
    "Unpack",
    lambda t, x, y, n: ((v := t.node("Unpack", x, axis=3, num=4)), f"{v}:3"),
    lambda x, y, n: (x[..., 0], x[..., 3]),
)
case(
    "Split",
    lambda t, x, y, n: ((v := t.node("Split", t.constant(3), x, num_split=2)), f"{v}:1"),
    lambda x, y, n: (x[..., :2], x[..., 2:]),
)
case(
    "SplitV",
    lambda t, x, y, n: ((v := t.node("SplitV", x, t.constant([1, -1]), t.constant(2))), f"{v}:1"),
    lambda x, y, n: (x[:, :, :1], x[:, :, 1:]),
)
case(
    "Slice",
    lambda t, x, y, n: t.node("Slice", x, t.constant([0, 1, 2, 0]), t.constant([-1, 3, -1, 2])),
    lambda x, y, n: x[:, 1:4, 2:, :2],
)
case(
    "StridedSlice",
    lambda t, x, y, n: t.node(
        "StridedSlice",
        x,
        t.constant([0, 1, -1, 0]),
        t.constant([0, 4, -5, 3]),
        t.constant([1, 2, -2, 1]),
        begin_mask=1,
        end_mask=1,
    ),
    lambda x, y, n: x[:, 1:4:2, -1:-5:-2, :3],
)
case(
    "StridedSlice dropping axes",
    lambda t, x, y, n: t.node(
        "StridedSlice", x, t.constant([1, 2]), t.constant([2, 5]), t.constant([1, 1]), shrink_axis_mask=1
    ),
    lambda x, y, n: x[1, 2:5],
)
case(
    "StridedSlice with ellipsis and new axis",
    lambda t, x, y, n: t.node(
        "StridedSlice",
        x,
        t.constant([0, 0, -1]),
        t.constant([0, 0, 0]),
        t.constant([1, 1, 1]),
        ellipsis_mask=1,
        new_axis_mask=2,
        shrink_axis_mask=4,
    ),
    lambda x, y, n: x[..., None, -1],
)
case("Reverse", lambda t, x, y, n: t.node("ReverseV2", x, t.constant([1, -1])), lambda x, y, n: x[:, ::-1, :, ::-1])
case(
    "GatherV2",
    lambda t, x, y, n: t.node("GatherV2", x, t.constant([[3, 1], [0, 2]]), t.constant(3), batch_dims=0),
    lambda x, y, n: x[..., [[3, 1], [0, 2]]],
)
case(
    "GatherV2 in batches",
    lambda t, x, y, n: t.node("GatherV2", x, t.constant([[4, 1], [0, 2]]), t.constant(2), batch_dims=1),
    lambda x, y, n: np.stack([x[0][:, [4, 1]], x[1][:, [0, 2]]]),
)
case(
    "GatherNd",
    lambda t, x, y, n: t.node("GatherNd", x, t.constant([[1, 2], [0, 4]])),
    lambda x, y, n: x[[1, 0], [2, 4]],
)
case(
    "ScatterNd",
    lambda t, x, y, n: t.node("ScatterNd", t.constant([[1], [3], [1]]), t.constant([2.0, 3.0, 4.0]), t.constant([5])),
    lambda x, y, n: [0, 6, 0, 3, 0],
)
case(
    "TensorScatterUpdate",
    lambda t, x, y, n: t.node(
        "TensorScatterUpdate", n, t.constant([[1], [0]]), t.constant([[1, 2, 3, 4], [5, 6, 7, 8]])
    ),
    lambda x, y, n: np.array([[5, 6, 7, 8], [1, 2, 3, 4], n[2]]),
)
case(
    "SparseToDense",
    lambda t, x, y, n: t.node(
        "SparseToDense", t.constant([[0, 1], [2, 0]]), t.constant([3, 2]), t.constant([5.0, 6.0]), t.constant(-1.0)
    ),
    lambda x, y, n: [[-1, 5], [-1, -1], [6, -1]],
)
case(
    "MatrixBandPart",
    lambda t, x, y, n: t.node("MatrixBandPart", x, t.constant(1), t.constant(-1)),
    lambda x, y, n: np.triu(x, -1),
)
case("Tile", lambda t, x, y, n: t.node("Tile", n, t.constant([2, 3])), lambda x, y, n: np.tile(n, (2, 3)))
case("Reshape", lambda t, x, y, n: t.node("Reshape", x, t.constant([2, -1, 8])), lambda x, y, n: x.reshape(2, -1, 8))
case(
    "ExpandDims and Squeeze",
    lambda t, x, y, n: t.node(
        "Squeeze", t.node("ExpandDims", t.node("ExpandDims", n, t.constant(-1)), t.constant(0)), squeeze_dims=[0]
    ),
    lambda x, y, n: n[..., None],
)
case(
    "Transpose",
    lambda t, x, y, n: t.node("Transpose", x, t.constant([3, 0, 2, 1])),
    lambda x, y, n: x.transpose(3, 0, 2, 1),
)
case(
    "Pad",
    lambda t, x, y, n: t.node("Pad", x, t.constant([[0, 0], [1, 2], [0, 1], [3, 0]])),
    lambda x, y, n: np.pad(x, [(0, 0), (1, 2), (0, 1), (3, 0)]),
)
case(
    "PadV2",
    lambda t, x, y, n: t.node("PadV2", n, t.constant([[1, 0], [0, 2]]), t.constant(9)),
    lambda x, y, n: np.pad(n, [(1, 0), (0, 2)], constant_values=9),
)
case(
    "MirrorPad",
    lambda t, x, y, n: t.node("MirrorPad", n, t.constant([[1, 2], [0, 3]]), mode="reflect"),
    lambda x, y, n: np.pad(n, [(1, 2), (0, 3)], "reflect"),
)
case(
    "MirrorPad with the border",
    lambda t, x, y, n: t.node("MirrorPad", n, t.constant([[1, 2], [0, 3]]), mode="symmetric"),
    lambda x, y, n: np.pad(n, [(1, 2), (0, 3)], "symmetric"),
)
case(
    "BroadcastTo",
    lambda t, x, y, n: t.node("BroadcastTo", n, t.constant([2, 3, 4])),
    lambda x, y, n: np.broadcast_to(n, (2, 3, 4)),
)
case(
    "SpaceToBatchND and back",
    lambda t, x, y, n: t.node(
        "BatchToSpaceND",
        t.node("Relu", t.node("SpaceToBatchND", x, t.constant([2, 3]), t.constant([[1, 2], [0, 3]]))),
        t.constant([2, 3]),
        t.constant([[1, 2], [0, 3]]),
    ),
    lambda x, y, n: np.maximum(x, 0),
)
case(
    "DepthToSpace",
    lambda t, x, y, n: t.node("DepthToSpace", x, block_size=2, data_format="NHWC"),
    lambda x, y, n: x.reshape(2, 5, 6, 2, 2, 1).transpose(0, 1, 3, 2, 4, 5).reshape(2, 10, 12, 1),
)
case(
    "Fill", lambda t, x, y, n: t.node("Fill", t.constant([2, 3]), t.constant(1.5)), lambda x, y, n: np.full((2, 3), 1.5)
)
case(
    "Range", lambda t, x, y, n: t.node("Range", t.constant(2), t.constant(11), t.constant(3)), lambda x, y, n: [2, 5, 8]
)
case(
    "LinSpace",
    lambda t, x, y, n: t.node("LinSpace", t.constant(1.0), t.constant(2.0), t.constant(5)),
    lambda x, y, n: np.linspace(1, 2, 5),
)
case(
    "OneHot",
    lambda t, x, y, n: t.node("OneHot", n, t.constant(6), t.constant(2.0), t.constant(-1.0)),
    lambda x, y, n: np.where(n[..., None] == np.arange(6), 2, -1),
)
case(
    "MatMul",
    lambda t, x, y, n: t.node(
        "MatMul",
        t.node("Reshape", x, t.constant([60, 4])),
        t.node("Reshape", y, t.constant([60, 4])),
        transpose_a=True,
        transpose_b=False,
    ),
    lambda x, y, n: x.reshape(60, 4).T @ y.reshape(60, 4),
)
case(
    "BatchMatMulV2",
    lambda t, x, y, n: t.node("BatchMatMulV2", x, y, adj_x=False, adj_y=True),
    lambda x, y, n: x @ y.swapaxes(2, 3),
)
case(
    "_FusedMatMul",
    lambda t, x, y, n: t.node(
        "_FusedMatMul",
        t.node("Reshape", x, t.constant([60, 4])),
        t.constant(np.arange(12.0).reshape(4, 3)),
        t.constant([1.0, -2.0, 3.0]),
        fused_ops=["BiasAdd", "Relu"],
        num_args=1,
    ),
    lambda x, y, n: np.maximum(x.reshape(60, 4) @ np.arange(12.0).reshape(4, 3) + [1, -2, 3], 0),
)
case(
    "Einsum",
    lambda t, x, y, n: t.node("Einsum", x, y, equation="bijk,bilk->bjl"),
    lambda x, y, n: np.einsum("bijk,bilk->bjl", x, y),
)
case(
    "FusedBatchNormV3",
    lambda t, x, y, n: t.node(
        "FusedBatchNormV3",
        x,
        *[t.constant(np.float32(v)) for v in ([1, 2, 3, 4], [4, 3, 2, 1], [0.1, 0.2, 0.3, 0.4], [1, 2, 3, 4])],
        epsilon=0.01,
        is_training=False,
    ),
    lambda x, y, n: (x - [0.1, 0.2, 0.3, 0.4]) / np.sqrt(np.array([1, 2, 3, 4]) + 0.01) * [1, 2, 3, 4] + [4, 3, 2, 1],
)
case(
    "LRN",
    lambda t, x, y, n: t.node("LRN", x, depth_radius=1, bias=1.0, alpha=0.5, beta=0.75),
    lambda x, y, n: (
        x
        / (
            1
            + 0.5
            * (
                np.pad(x * x, [(0, 0)] * 3 + [(1, 1)])[..., :-2]
                + x * x
                + np.pad(x * x, [(0, 0)] * 3 + [(1, 1)])[..., 2:]
            )
        )
        ** 0.75
    ),
)
case("Complex", lambda t, x, y, n: t.node("ComplexAbs", t.node("Complex", x, y)), lambda x, y, n: np.hypot(x, y))
case(
    "FFT",
    lambda t, x, y, n: t.node("Imag", t.node("FFT", t.node("Complex", x, y))),
    lambda x, y, n: np.fft.fft(x + 1j * y).imag,
)
case(
    "RFFT",
    lambda t, x, y, n: ((v := t.node("RFFT", x, t.constant([4]))), t.node("Real", v))[1],
    lambda x, y, n: np.fft.rfft(x).real,
)
case(
    "IRFFT", lambda t, x, y, n: t.node("IRFFT", t.node("RFFT", x, t.constant([4])), t.constant([4])), lambda x, y, n: x
)
case(
    "LookupTableFindV2",
    lambda t, x, y, n: _table(t, n),
    lambda x, y, n: np.select([n == 5, n == 2], [50.0, 20.0], -1.0),
)
case(
    "SparseSegmentSum",
    lambda t, x, y, n: t.node(
        "SparseSegmentSum", t.constant(np.arange(8.0).reshape(4, 2)), t.constant([3, 0, 1]), t.constant([0, 0, 2])
    ),
    lambda x, y, n: [[6, 8], [0, 0], [2, 3]],
)
case(
    "SparseReshape",
    lambda t, x, y, n: (
        (v := t.node("SparseReshape", t.constant([[0, 3], [2, 1]]), t.constant([3, 4]), t.constant([-1, 6]))),
        f"{v}:1",
    ),
    lambda x, y, n: ([[0, 3], [1, 3]], [2, 6]),
)


def _table(t: Tiny, n: str) -> str:
    table = t.node("HashTableV2", name="table", key_dtype=Type("DT_INT32"), value_dtype=Type("DT_FLOAT"))
    t.node("LookupTableImportV2", table, t.constant([5, 2]), t.constant([50.0, 20.0]))
    return t.node("LookupTableFindV2", table, n, t.constant(-1.0))
