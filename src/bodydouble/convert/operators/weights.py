"""Weights as files have them: narrow floats, integers with a scale, or values that are computed.

Operators that lay their weights out anew (a convolution) take any of the three and place them by `placed`. Integers
become ONNX's DequantizeLinear where the operator computes in integers, so that a runtime finds its integer kernels, and
a Cast and a Mul elsewhere, which ONNX Runtime folds when it opens the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bodydouble.convert.graph import Builder, Shape, Tensor, permuted

# What 8-bit weights below zero are raised by. x86 processors without VNNI add two products of bytes in 16 bits, which
# overflow if the weights are signed; ONNX Runtime's kernel for unsigned weights is exact everywhere.
MIDDLE = 128


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """A constant that stands for scale * (stored - zero) along `axis`; scales None: for itself, seen as `dtype`.

    integers: whether the operator that reads it computes in integers. dtype: of the values it stands for.
    """

    stored: Tensor
    dtype: np.dtype[Any]
    scales: Tensor | None = None
    zeros: Tensor | None = None
    axis: int = 0
    integers: bool = False

    @property
    def shape(self) -> Shape:
        """Sizes, as numpy's."""
        return self.stored.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.stored.ndim

    def transpose(self, *axes: int) -> Scaled:
        """Axes in another order, as numpy's."""
        return replace(self, stored=self.stored.transpose(axes), axis=axes.index(self.axis) if self.ndim else 0)

    def real(self) -> Tensor:
        """The values it stands for."""
        if self.scales is None or self.zeros is None:
            return self.stored.astype(self.dtype)
        wide = self.stored.astype(np.float64) - self._along(self.zeros)
        return np.asarray((wide * self._along(self.scales.astype(np.float64))).astype(self.dtype))

    def _along(self, numbers: Tensor) -> Tensor:
        if numbers.size == 1 or not self.ndim:
            return numbers.reshape(-1)[:1].reshape(())
        return numbers.reshape(tuple(-1 if axis == self.axis else 1 for axis in range(self.ndim)))

    def value(self, builder: Builder, name: str = "weights") -> str:
        """The constant's value in the graph."""
        if self.scales is None or self.zeros is None:
            return builder.constant(self.stored, self.dtype, name)
        if self.integers:
            return self._dequantized(builder, name)
        value = builder.constant(self.stored, self.dtype, name)
        if self.zeros.any():
            zeros = builder.constant(np.asarray(self._along(self.zeros), self.dtype), name="zero")
            value = builder.add("Sub", [value, zeros], self.shape, dtype=self.dtype)
        scales = builder.constant(np.asarray(self._along(self.scales), self.dtype), name="scale")
        return builder.add("Mul", [value, scales], self.shape, dtype=self.dtype)

    def _dequantized(self, builder: Builder, name: str) -> str:
        stored, scales, zeros = self.stored, self.scales, self.zeros
        if scales is None or zeros is None:
            raise ValueError("a constant without scales")
        if stored.dtype == np.int8:
            stored = (stored.astype(np.int16) + MIDDLE).astype(np.uint8)
            zeros = zeros + MIDDLE
        whole = scales.size == 1
        scales = scales.reshape(()) if whole else scales
        inputs = [builder.constant(stored, name=name), builder.constant(scales, name="scale")]
        if stored.dtype != np.int32:  # ONNX: 32-bit integers have no zero point
            inputs.append(builder.constant(np.asarray(zeros.reshape(scales.shape), stored.dtype), name="zero"))
        attributes: dict[str, Any] = {} if whole else {"axis": self.axis}
        return builder.add("DequantizeLinear", inputs, self.shape, dtype=self.dtype, **attributes)


Weights = Tensor | Scaled | str


def shape_of(builder: Builder, weights: Weights) -> Shape:
    """The sizes of weights of any kind."""
    return builder.shape(weights) if isinstance(weights, str) else weights.shape


def placed(builder: Builder, weights: Weights, axes: Sequence[int]) -> str:
    """The weights with their axes in the order given, as a value."""
    if isinstance(weights, str):
        if list(axes) == list(range(len(axes))):
            return weights
        return builder.add("Transpose", [weights], permuted(builder.shape(weights), axes), perm=tuple(axes))
    if isinstance(weights, Scaled):
        return weights.transpose(*axes).value(builder)
    return builder.constant(weights.transpose(axes), np.float32, "weights")
