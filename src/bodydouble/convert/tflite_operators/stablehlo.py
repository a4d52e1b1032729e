"""StableHLO operators that converters leave in TFLite files; those that are element by element are in elementwise."""

from __future__ import annotations

import numpy as np
import tflite

from bodydouble.convert.graph import Dims
from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_operators.elementwise import compare
from bodydouble.convert.tflite_operators.registry import handles
from bodydouble.convert.tflite_operators.shape import joined
from bodydouble.convert.tflite_schema import names
from bodydouble.types import BodyDoubleError


@handles("STABLEHLO_COMPARE")
def _compare(call: Call) -> Result:
    short = names(tflite.StablehloComparisonDirection)[int(call.option("ComparisonDirection"))].rsplit("_", 1)[-1]
    kinds = {"EQ": "EQUAL", "NE": "NOT_EQUAL", "GE": "GREATER_EQUAL", "GT": "GREATER", "LE": "LESS_EQUAL", "LT": "LESS"}
    return compare(call, kinds[short], call.input(0), call.input(1))


@handles("STABLEHLO_CONCATENATE")
def _concatenate(call: Call) -> Result:
    return joined(call, call.inputs(), int(call.option("Dimension")))


@handles("STABLEHLO_TRANSPOSE")
def _transpose(call: Call) -> Result:
    order, dims = tuple(call.option("Permutation", ())), call.dims()
    return call.add("Transpose", [call.input()], tuple(dims[axis] for axis in order), perm=order)


@handles("STABLEHLO_SLICE")
def _slice(call: Call) -> Result:
    starts, ends, steps = (list(call.option(name, ())) for name in ("StartIndices", "LimitIndices", "Strides"))
    made = tuple(len(range(*parts)) for parts in zip(starts, ends, steps, strict=True))
    places = [call.array(starts), call.array(ends), call.array(range(len(starts))), call.array(steps)]
    return call.add("Slice", [call.input(), *places], made)


@handles("STABLEHLO_BROADCAST_IN_DIM")
def _broadcast_in_dim(call: Call) -> Result:
    """Axis n of what comes in is axis dimensions[n] of what comes out; the others are repeated."""
    places, made, dims = list(call.option("BroadcastDimensions", ())), call.stated(), call.dims()
    if any(isinstance(size, str) for size in made):
        raise BodyDoubleError("STABLEHLO_BROADCAST_IN_DIM to a size known only at run time")
    wide: Dims = tuple(dims[places.index(axis)] if axis in places else 1 for axis in range(len(made)))
    if places != sorted(places):
        raise BodyDoubleError(f"STABLEHLO_BROADCAST_IN_DIM to the axes {places}")
    return call.add("Expand", [call.reshaped(call.input(), wide), call.array(made, name="sizes")], made)


@handles("STABLEHLO_IOTA")
def _iota(call: Call) -> Result:
    shape, axis = call.result().shape, int(call.option("IotaDimension"))
    line = np.arange(shape[axis]).reshape([-1 if n == axis else 1 for n in range(len(shape))])
    return np.broadcast_to(line, shape).astype(call.made())


@handles("STABLEHLO_PAD")
def _pad(call: Call) -> Result:
    """Amounts below zero cut; nothing is put between elements."""
    low, high = (np.array(call.option(f"EdgePadding{end}", ()), np.int64) for end in ("Low", "High"))
    if any(call.option("InteriorPadding", ())):
        raise BodyDoubleError("STABLEHLO_PAD between elements")
    made = tuple(int(n + a + b) for n, a, b in zip(call.shape(), low, high, strict=True))
    fill = call.reshaped(call.input(1), ())
    return call.add("Pad", [call.input(), call.array([*low, *high], name="pads"), fill], made, mode="constant")


@handles("STABLEHLO_DYNAMIC_SLICE")
def _dynamic_slice(call: Call) -> Result:
    """A block of fixed size at a place, which is moved so that the block fits. The place: a number an axis."""
    sizes, shape = list(call.option("SliceSizes", ())), call.shape()
    parts = [call.reshaped(call.cast(call.input(n), np.int64), (1,)) for n in range(1, call.count)]
    start = call.add("Concat", parts, (len(parts),), axis=0) if len(parts) > 1 else parts[0]
    most = call.array([n - size for n, size in zip(shape, sizes, strict=True)])
    start = call.add("Max", [call.add("Min", [start, most], (len(shape),)), call.array(0)], (len(shape),))
    ends = call.add("Add", [start, call.array(sizes)], (len(shape),))
    return call.add("Slice", [call.input(), start, ends, call.array(range(len(shape)))], tuple(sizes))


@handles("STABLEHLO_DOT_GENERAL")
def _dot_general(call: Call) -> Result:
    """Sums over one axis of each, with common axes first: a stack of matrix products."""
    left, right = call.shape(0), call.shape(1)
    batches = [list(call.option(f"{side}BatchingDimensions", ())) for side in ("Lhs", "Rhs")]
    summed = [list(call.option(f"{side}ContractingDimensions", ())) for side in ("Lhs", "Rhs")]
    values, rests = [], []
    for n, shape in enumerate((left, right)):
        rest = [axis for axis in range(len(shape)) if axis not in batches[n] + summed[n]]
        order = [*batches[n], *rest, *summed[n]] if n == 0 else [*batches[n], *summed[n], *rest]
        turned = call.add("Transpose", [call.input(n)], tuple(shape[axis] for axis in order), perm=tuple(order))
        stack = [shape[axis] for axis in batches[n]]
        across = int(np.prod([shape[axis] for axis in rest], dtype=int))
        inner = int(np.prod([shape[axis] for axis in summed[n]], dtype=int))
        values.append(call.reshaped(turned, (*stack, across, inner) if n == 0 else (*stack, inner, across)))
        rests.append([shape[axis] for axis in rest])
    stack = [left[axis] for axis in batches[0]]
    sizes = [int(np.prod(rest, dtype=int)) for rest in rests]
    product = call.add("MatMul", values, (*stack, *sizes))
    return call.reshaped(product, (*stack, *rests[0], *rests[1]))
