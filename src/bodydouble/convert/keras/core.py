"""Layers on single elements, on rows, and on shapes: Dense, activations, Reshape, Embedding, and those of training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bodydouble.convert.graph import Dims
from bodydouble.convert.keras.calls import Call, Flow, Result, layer, number, sized
from bodydouble.types import BodyDoubleError

MASKING = frozenset({"Masking", "Embedding"})


@layer("Dense", masks=True)
def _dense(call: Call) -> Result:
    use_bias = call.flag("use_bias", True)
    kernel, *bias = call.weights("kernel", *(["bias"] if use_bias else []))
    constants = [call.constant(kernel, "kernel"), *(call.constant(array, "bias") for array in bias)]
    if len(call.dims()) == 2:
        return call.activated(call.g.emit("Gemm", call.x, *constants))
    y = call.g.emit("MatMul", call.x, constants[0])
    return call.activated(call.g.emit("Add", y, constants[1]) if use_bias else y)


@layer("EinsumDense")
def _einsum_dense(call: Call) -> Result:
    has_bias = call.option("bias_axes") is not None
    kernel, *bias = call.weights("kernel", *(["bias"] if has_bias else []))
    equation = str(call.option("equation")).replace(" ", "")
    y = _einsum(call, equation, call.constant(kernel, "kernel"))
    return call.activated(call.g.emit("Add", y, call.constant(bias[0], "bias")) if has_bias else y)


def _einsum(call: Call, equation: str, kernel: str) -> str:
    """Einsum as Keras writes it, with "..." for the axes of the batch."""
    return call.g.emit("Einsum", call.x, kernel, equation=equation)


@layer("Activation", masks=True)
def _activation(call: Call) -> Result:
    return call.activated(call.x)


@layer("Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout", masks=True)
def _only_in_training(call: Call) -> Result:
    return call.x


@layer("SpatialDropout2D", "SpatialDropout3D", "ActivityRegularization", "Identity", masks=True)
def _only_in_training_of_keras(call: Call) -> Result:
    return call.x


@layer("ReLU", masks=True)
def _relu(call: Call) -> Result:
    most = call.option("max_value")
    if most is None:
        return call.g.emit("Relu", call.x)
    bounds = [call.g.scalar(bound, np.float32) for bound in (0.0, number(most, "max_value"))]
    return call.g.emit("Clip", call.x, *bounds)


@layer("LeakyReLU")
def _leaky_relu(call: Call) -> Result:
    alpha = call.option("alpha", call.option("negative_slope", 0.3))  # 0.3: Keras's default
    return call.g.emit("LeakyRelu", call.x, alpha=number(alpha, "alpha"))


@layer("PReLU", masks=True)
def _prelu(call: Call) -> Result:
    (alpha,) = call.weights("alpha")
    return call.g.emit("PRelu", call.x, call.constant(alpha, "alpha"))


@layer("ELU")
def _elu(call: Call) -> Result:
    return call.g.emit("Elu", call.x, alpha=number(call.option("alpha", 1.0), "alpha"))


@layer("ThresholdedReLU")
def _thresholded_relu(call: Call) -> Result:
    return call.g.emit("ThresholdedRelu", call.x, alpha=number(call.option("theta", 1.0), "theta"))


@layer("Softmax")
def _softmax(call: Call) -> Result:
    axis = call.option("axis", -1)
    axes = list(axis) if isinstance(axis, list) else [axis]
    if len(axes) == 1:
        return call.g.emit("Softmax", call.x, axis=int(axes[0]))
    total = call.g.emit("ReduceLogSumExp", call.x, axes=[int(axis) for axis in axes], keepdims=1)
    return call.g.emit("Exp", call.g.emit("Sub", call.x, total))


@layer("Flatten")
def _flatten(call: Call) -> Result:
    x, rank = call.x, len(call.dims())
    if call.channels_first() and rank > 2:
        x = call.g.emit("Transpose", x, perm=[0, *range(2, rank), 1])
    return sized(call.g, x, [0, -1])


@layer("Reshape")
def _reshape(call: Call) -> Result:
    wanted = [-1 if size is None or size < 0 else int(size) for size in call.option("target_shape", [])]
    if wanted.count(-1) > 1:
        raise BodyDoubleError(f"target_shape {wanted}")
    dims = call.dims()
    if wanted.count(-1) and not isinstance(dims[0], int):
        return sized(call.g, call.x, [(call.x, 0), *wanted])
    return sized(call.g, call.x, [0, *wanted])


@layer("Permute")
def _permute(call: Call) -> Result:
    order = [0, *(int(axis) for axis in call.option("dims", []))]
    return call.g.emit("Transpose", call.x, perm=order)


@layer("RepeatVector")
def _repeat_vector(call: Call) -> Result:
    row = call.g.emit("Unsqueeze", call.x, call.g.ints(1))
    return call.g.emit("Tile", row, call.g.ints(1, int(call.option("n")), 1))


@layer("Embedding")
def _embedding(call: Call) -> Result:
    (table,) = call.weights("embeddings")
    # TensorFlow.js has inputs of floats here too, and cuts them to whole numbers.
    rows = call.g.cast(call.x, np.int32)
    y = call.g.emit("Gather", call.constant(table, "embeddings"), rows, axis=0)
    if not call.flag("mask_zero"):
        return Flow(y)
    zero = call.g.scalar(0, np.int32)
    return Flow(y, call.g.emit("Not", call.g.emit("Equal", rows, zero)))


@layer("Masking")
def _masking(call: Call) -> Result:
    empty = call.g.scalar(number(call.option("mask_value", 0.0), "mask_value"), np.float32)
    same = call.g.cast(call.g.emit("Equal", call.x, empty), np.float32)
    all_same = call.g.emit("ReduceMin", same, axes=[-1], keepdims=1)
    counts = call.g.emit("Sub", call.g.scalar(1.0, np.float32), all_same)
    mask = call.g.cast(call.g.emit("Squeeze", counts, call.g.ints(-1)), np.bool_)
    return Flow(call.g.emit("Mul", call.x, counts), mask)


def spatial_axes(dims: Dims, channels_first: bool) -> Sequence[int]:
    """The axes of a picture that are neither batch nor channels."""
    return range(2, len(dims)) if channels_first else range(1, len(dims) - 1)


@layer("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def _zero_padding(call: Call) -> Result:
    axes = spatial_axes(call.dims(), call.channels_first())
    amounts = _pairs(call.option("padding", 1), len(axes))
    before, after = [0] * len(call.dims()), [0] * len(call.dims())
    for axis, (first, last) in zip(axes, amounts, strict=True):
        before[axis], after[axis] = first, last
    return call.g.emit("Pad", call.x, call.g.ints(*before, *after), call.g.scalar(0.0, np.float32), mode="constant")


@layer("Cropping1D", "Cropping2D", "Cropping3D")
def _cropping(call: Call) -> Result:
    axes = list(spatial_axes(call.dims(), call.channels_first()))
    amounts = _pairs(call.option("cropping", 0), len(axes))
    whole = np.iinfo(np.int64).max
    starts = call.g.ints(*(first for first, _ in amounts))
    ends = call.g.ints(*(-last if last else whole for _, last in amounts))
    return call.g.emit("Slice", call.x, starts, ends, call.g.ints(*axes))


def _pairs(value: object, count: int) -> list[tuple[int, int]]:
    """Amounts before and after each axis: one number, one an axis, or two an axis."""
    if isinstance(value, int):
        return [(value, value)] * count
    if count == 1 and isinstance(value, list) and len(value) == 2:
        return [(int(value[0]), int(value[1]))]
    if not isinstance(value, list) or len(value) != count:
        raise BodyDoubleError(f"amounts {value} for {count} axes")
    return [(int(n), int(n)) if isinstance(n, int) else (int(n[0]), int(n[1])) for n in value]
