"""ONNX's operators on arrays that are known while converting, in numpy.

Every function takes the input arrays and the node's attributes and answers the output arrays. Those in MOVERS only move
elements, so that they work on stored float16 weights and on arrays of sizes of which some are names (dtype object).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from onnx import helper

from bodydouble.convert.graph import Tensor

Fold = Callable[[Sequence[Tensor | None], Mapping[str, Any]], Sequence[Tensor]]
FOLDS: dict[str, Fold] = {}
MOVERS = {
    *("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Gather", "Slice", "Concat", "Split", "Identity", "Expand"),
    *("Tile", "ReverseSequence"),
}


def _fold(*ops: str) -> Callable[[Fold], Fold]:
    def register(function: Fold) -> Fold:
        for op in ops:
            FOLDS[op] = function
        return function

    return register


def _plain(op: str, function: Callable[..., Any]) -> None:
    """Register a numpy function of the inputs alone; the result has the first input's dtype."""

    def fold(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
        with np.errstate(all="ignore"):
            return [np.asarray(function(*inputs)).astype(inputs[0].dtype)]  # type: ignore[union-attr]

    FOLDS[op] = fold


def _comparison(op: str, function: Callable[..., Any]) -> None:
    FOLDS[op] = lambda inputs, attributes: [np.asarray(function(*inputs), bool)]


def _divided(a: Tensor, b: Tensor) -> Tensor:
    """Integers towards zero, as ONNX has it (and C)."""
    if a.dtype.kind != "i":
        return np.asarray(a / b)
    quotient = np.floor_divide(np.abs(a), np.abs(np.where(b == 0, 1, b)))
    return np.asarray(np.sign(a) * np.sign(b) * quotient)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": _divided,
    "Pow": np.power,
    "Abs": np.abs,
    "Neg": np.negative,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Round": np.round,
    "Sqrt": np.sqrt,
    "Exp": np.exp,
    "Log": np.log,
    "Sin": np.sin,
    "Cos": np.cos,
    "Tanh": np.tanh,
    "Sign": np.sign,
    "Reciprocal": lambda x: 1 / x,
    "Relu": lambda x: np.maximum(x, 0),
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "And": np.logical_and,
    "Or": np.logical_or,
    "Xor": np.logical_xor,
    "Not": np.logical_not,
    "Identity": lambda x: x,
}
for _op, _function in _FUNCTIONS.items():
    _plain(_op, _function)
for _op, _function in {
    "Equal": np.equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "IsNaN": np.isnan,
}.items():
    _comparison(_op, _function)


def _numbers(array: Tensor | None) -> list[int]:
    return [] if array is None else [int(n) for n in array.ravel()]


def _first(inputs: Sequence[Tensor | None]) -> Tensor:
    array = inputs[0]
    if array is None:
        raise ValueError("an operator without its first input")
    return array


FOLDS["Max"] = lambda inputs, attributes: [_joined(np.maximum, inputs)]
FOLDS["Min"] = lambda inputs, attributes: [_joined(np.minimum, inputs)]
FOLDS["Sum"] = lambda inputs, attributes: [_joined(np.add, inputs)]


def _joined(function: Callable[..., Any], inputs: Sequence[Tensor | None]) -> Tensor:
    result = _first(inputs)
    for array in inputs[1:]:
        result = function(result, array)
    return result


@_fold("Mod")
def _mod(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    function = np.fmod if attributes.get("fmod") else np.mod
    with np.errstate(all="ignore"):
        return [np.asarray(function(_first(inputs), np.asarray(inputs[1])))]


@_fold("Clip")
def _clip(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    low, high = (inputs[at] if len(inputs) > at else None for at in (1, 2))
    return [np.clip(_first(inputs), low, high)]


@_fold("Where")
def _where(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    condition, yes, no = inputs
    return [np.asarray(np.where(np.asarray(condition), np.asarray(yes), np.asarray(no)))]


@_fold("Cast")
def _cast(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(attributes["to"]))
    array = _first(inputs)
    if array.dtype.kind == "f" and dtype.kind == "i":
        array = np.clip(np.nan_to_num(array), np.iinfo(dtype).min, np.iinfo(dtype).max)
    return [array.astype(dtype)]


@_fold("Reshape")
def _reshape(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    array = _first(inputs)
    sizes = _numbers(inputs[1])
    if not attributes.get("allowzero"):
        sizes = [array.shape[axis] if size == 0 else size for axis, size in enumerate(sizes)]
    return [array.reshape(sizes)]


@_fold("Transpose")
def _transpose(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    return [_first(inputs).transpose(attributes.get("perm"))]


@_fold("Squeeze")
def _squeeze(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    axes = tuple(_numbers(inputs[1])) if len(inputs) > 1 and inputs[1] is not None else None
    return [np.squeeze(_first(inputs), axes)]


@_fold("Unsqueeze")
def _unsqueeze(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    return [np.expand_dims(_first(inputs), tuple(_numbers(inputs[1])))]


@_fold("Gather")
def _gather(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    indices = inputs[1]
    return [np.take(_first(inputs), indices, axis=attributes.get("axis", 0))]  # type: ignore[arg-type]


@_fold("GatherND")
def _gather_nd(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    array, indices = _first(inputs), inputs[1]
    if attributes.get("batch_dims") or indices is None:
        raise ValueError("batches")
    return [array[tuple(np.moveaxis(indices, -1, 0))]]


@_fold("ScatterND")
def _scatter_nd(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    array, (indices, updates) = _first(inputs).copy(), inputs[1:]
    if attributes.get("reduction", "none") != "none" or indices is None:
        raise ValueError("sums")
    array[tuple(np.moveaxis(indices, -1, 0))] = updates
    return [array]


@_fold("Slice")
def _slice(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    array = _first(inputs)
    starts, ends = _numbers(inputs[1]), _numbers(inputs[2])
    axes = _numbers(inputs[3]) if len(inputs) > 3 and inputs[3] is not None else list(range(len(starts)))
    steps = _numbers(inputs[4]) if len(inputs) > 4 and inputs[4] is not None else [1] * len(starts)
    cuts = [slice(None)] * array.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        last: int | None = end
        if step < 0 and end < -array.shape[axis]:
            last = None  # down to the first element
        cuts[axis] = slice(start, last, step)
    return [array[tuple(cuts)]]


@_fold("Concat")
def _concat(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    return [np.concatenate([np.asarray(part) for part in inputs], axis=attributes["axis"])]


@_fold("Split")
def _split(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    array, axis = _first(inputs), attributes.get("axis", 0)
    sizes = _numbers(inputs[1]) if len(inputs) > 1 else []
    if not sizes:
        raise ValueError("equal parts")
    return np.split(array, np.cumsum(sizes)[:-1], axis=axis)


@_fold("Expand")
def _expand(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    array = _first(inputs)
    return [np.broadcast_to(array, np.broadcast_shapes(array.shape, tuple(_numbers(inputs[1]))))]


@_fold("Tile")
def _tile(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    return [np.tile(_first(inputs), _numbers(inputs[1]))]


@_fold("Range")
def _range(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    start, limit, step = (array.item() for array in inputs)  # type: ignore[union-attr]
    count = max(0, int(np.ceil((limit - start) / step)))
    return [(start + np.arange(count) * step).astype(_first(inputs).dtype)]


@_fold("ConstantOfShape")
def _constant_of_shape(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    from onnx import numpy_helper

    value = numpy_helper.to_array(attributes["value"])
    return [np.full(_numbers(inputs[0]), value.ravel()[0], value.dtype)]


@_fold("Pad")
def _pad(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    array, amounts = _first(inputs), np.array(_numbers(inputs[1])).reshape(2, -1).T
    if attributes.get("mode", "constant") != "constant" or (amounts < 0).any():
        raise ValueError("mirrors")
    fill = inputs[2].item() if len(inputs) > 2 and inputs[2] is not None else 0
    return [np.pad(array, amounts, constant_values=fill)]


def _reduction(op: str, function: Callable[..., Any], axes_input: bool = False) -> None:
    def fold(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
        array = _first(inputs)
        axes = inputs[1] if axes_input and len(inputs) > 1 else attributes.get("axes")
        over = None if axes is None else tuple(int(axis) for axis in np.ravel(axes))
        if over == () or (array.size == 0 and op in ("ReduceMax", "ReduceMin")):
            raise ValueError("nothing to reduce")
        result = function(array, axis=over, keepdims=bool(attributes.get("keepdims", 1)))
        return [np.asarray(result).astype(array.dtype)]

    FOLDS[op] = fold


_reduction("ReduceSum", np.sum, axes_input=True)
_REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceProd": np.prod,
    "ReduceMax": np.max,
    "ReduceMin": np.min,
    "ReduceMean": np.mean,
}
for _op, _function in _REDUCTIONS.items():
    _reduction(_op, _function)


@_fold("CumSum")
def _cum_sum(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    array, axis = _first(inputs), _numbers(inputs[1])[0]
    if attributes.get("exclusive") or attributes.get("reverse"):
        raise ValueError("kinds")
    return [np.cumsum(array, axis=axis, dtype=array.dtype)]


@_fold("MatMul")
def _mat_mul(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> Sequence[Tensor]:
    return [np.matmul(_first(inputs), inputs[1])]  # type: ignore[arg-type]
