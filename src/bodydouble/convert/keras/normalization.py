"""BatchNormalization and LayerNormalization, as they are after training."""

from __future__ import annotations

import numpy as np

from bodydouble.convert.graph import Tensor
from bodydouble.convert.keras.calls import Call, Result, layer, number
from bodydouble.types import BodyDoubleError

EPSILON = 1e-3  # Keras's default


@layer("BatchNormalization", masks=True)
def _batch_normalization(call: Call) -> Result:
    """One factor and one summand a channel, which are folded into a convolution before them."""
    names = [*(["gamma"] if call.flag("scale", True) else []), *(["beta"] if call.flag("center", True) else [])]
    *learned, mean, variance = call.weights(*names, "moving_mean", "moving_variance")
    found = dict(zip(names, learned, strict=True))
    rank = len(call.dims())
    axis = call.option("axis", -1)
    axis = int(axis[0] if isinstance(axis, list) else axis) % rank
    factor = 1 / np.sqrt(variance.astype(np.float32) + np.float32(number(call.option("epsilon", EPSILON), "epsilon")))
    if "gamma" in found:
        factor = factor * found["gamma"].astype(np.float32)
    summand = -mean.astype(np.float32) * factor
    if "beta" in found:
        summand = summand + found["beta"].astype(np.float32)
    shape = [1] * rank
    shape[axis] = len(factor)
    y = call.g.emit("Mul", call.x, call.constant(_shaped(factor, shape), "scale"))
    return call.g.emit("Add", y, call.constant(_shaped(summand, shape), "offset"))


def _shaped(array: Tensor, shape: list[int]) -> Tensor:
    """Without leading axes of one, which broadcasting adds."""
    first = next((axis for axis, size in enumerate(shape) if size != 1), len(shape) - 1)
    return array.astype(np.float32).reshape(shape[first:])


@layer("LayerNormalization", masks=True)
def _layer_normalization(call: Call) -> Result:
    rank = len(call.dims())
    axis = call.option("axis", -1)
    axes = sorted(int(n) % rank for n in (axis if isinstance(axis, list) else [axis]))
    if len(set(axes)) != len(axes):
        raise BodyDoubleError(f"axes {axis} twice")
    names = [*(["gamma"] if call.flag("scale", True) else []), *(["beta"] if call.flag("center", True) else [])]
    found = dict(zip(names, call.weights(*names) if names else [], strict=True))
    shape = [1] * rank
    sizes = iter(next(iter(found.values())).shape) if found else iter(())
    for at in axes:
        shape[at] = next(sizes, 1)
    centred = call.g.emit("Sub", call.x, call.g.emit("ReduceMean", call.x, axes=axes, keepdims=1))
    two = call.g.scalar(2.0, np.float32)
    variance = call.g.emit("ReduceMean", call.g.emit("Pow", centred, two), axes=axes, keepdims=1)
    epsilon = call.g.scalar(number(call.option("epsilon", EPSILON), "epsilon"), np.float32)
    y = call.g.emit("Div", centred, call.g.emit("Sqrt", call.g.emit("Add", variance, epsilon)))
    if "gamma" in found:
        y = call.g.emit("Mul", y, call.constant(_shaped(found["gamma"], shape), "gamma"))
    return call.g.emit("Add", y, call.constant(_shaped(found["beta"], shape), "beta")) if "beta" in found else y
