"""One TFLite operator as its handler sees it: inputs, constants, options, and short ways to add nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tflite

from bodydouble.convert import tflite_quantized as quantized
from bodydouble.convert.graph import Builder, Dims, Shape, Tensor
from bodydouble.convert.operators import conv, elementwise
from bodydouble.convert.operators.weights import Scaled, Weights
from bodydouble.convert.tflite import UNKNOWN, Operator, TensorRecord
from bodydouble.types import BodyDoubleError

if TYPE_CHECKING:
    from bodydouble.convert.tflite_graph import Scope

Result = str | Tensor | Scaled | Sequence[str | Tensor | Scaled]

_ACTIVATIONS = {
    tflite.ActivationFunctionType.NONE: "",
    tflite.ActivationFunctionType.RELU: "RELU",
    tflite.ActivationFunctionType.RELU_N1_TO_1: "RELU_N1_TO_1",
    tflite.ActivationFunctionType.RELU6: "RELU6",
    tflite.ActivationFunctionType.TANH: "TANH",
}
_BOUNDS = {"RELU": (0.0, np.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}


class Call:
    """One operator to convert. Values of quantised tensors are the real numbers that they stand for."""

    def __init__(self, scope: Scope, operator: Operator) -> None:
        self.scope, self.operator = scope, operator
        self.builder: Builder = scope.builder
        self.bounds: tuple[float, float] | None = None  # what the outputs' integers are clipped to

    # What the file says.

    @property
    def kind(self) -> str:
        """The operator's name."""
        return self.operator.kind

    def option(self, name: str, default: Any = 0) -> Any:
        """A field of the option table; the schema's default where the table is left out."""
        return self.operator.options.get(name, default)

    def pair(self, name: str) -> tuple[int, int]:
        """The fields {name}H and {name}W with "{}" in the name's place of the letter."""
        return int(self.option(name.format("H"), 1)), int(self.option(name.format("W"), 1))

    @property
    def padding(self) -> conv.Padding:
        """The padding option."""
        return "SAME" if self.option("Padding") == tflite.Padding.SAME else "VALID"

    @property
    def count(self) -> int:
        """How many inputs there are, those left out included."""
        return len(self.operator.inputs)

    def has(self, position: int) -> bool:
        """Whether the optional input is there."""
        return position < len(self.operator.inputs) and self.operator.inputs[position] >= 0

    def tensor(self, position: int) -> TensorRecord:
        """The record of an input."""
        if not self.has(position):
            raise BodyDoubleError(f"{self.kind} without its input {position}")
        return self.scope.subgraph.tensors[self.operator.inputs[position]]

    def result(self, position: int = 0) -> TensorRecord:
        """The record of an output."""
        return self.scope.subgraph.tensors[self.operator.outputs[position]]

    @property
    def integers(self) -> bool:
        """Whether the operator computes in integers with a scale (and not in floats with such weights)."""
        outputs = [self.scope.subgraph.tensors[n] for n in self.operator.outputs if n >= 0]
        return any(quantized.scale_of(tensor) is not None for tensor in outputs)

    @property
    def pairs(self) -> int:
        """1 where the input is of complex numbers, whose value has an axis more than the file says; else 0."""
        return int(self.tensor(0).dtype == np.complex64)

    # Inputs.

    def input(self, position: int = 0) -> str:
        """The value of an input."""
        if not self.has(position):
            raise BodyDoubleError(f"{self.kind} without its input {position}")
        return self.scope.value(self.operator.inputs[position], integers=self.integers)

    def optional(self, position: int) -> str:
        """The value of an input that may be left out; "" if it is."""
        return self.input(position) if self.has(position) else ""

    def inputs(self) -> list[str]:
        """All inputs' values."""
        return [self.input(position) for position in range(self.count)]

    def known(self, position: int) -> Tensor | None:
        """The values of a constant input, None for one that is computed or left out."""
        if not self.has(position):
            return None
        constant = self.scope.constant(self.operator.inputs[position])
        return constant.real() if isinstance(constant, Scaled) else constant

    def constant(self, position: int) -> Tensor:
        """The values of an input that has to be constant."""
        array = self.known(position)
        if array is None:
            raise BodyDoubleError(f"{self.kind} whose input {position} is not constant")
        return array

    def numbers(self, position: int) -> list[int]:
        """A constant input as a flat list of integers."""
        return [int(n) for n in self.constant(position).ravel()]

    def weights(self, position: int) -> Weights:
        """An input of any kind, to be laid out anew."""
        constant = self.scope.constant(self.operator.inputs[position]) if self.has(position) else None
        if constant is None:
            return self.input(position)
        if isinstance(constant, Scaled) and constant.scales is not None:
            if not self.scope.keeps_integers:
                return constant.real()
            integers = self.integers and constant.stored.dtype in quantized.BYTES and self._bytes()
            return Scaled(constant.stored, constant.dtype, constant.scales, constant.zeros, constant.axis, integers)
        return constant

    def _bytes(self) -> bool:
        return self.result().dtype in quantized.BYTES

    def bias(self, position: int, weights: Weights) -> str:
        """The bias of a convolution or of a fully connected layer; 32-bit integers with their scale in integer models.

        The scale of the sums is the input's times the weights', whatever the file says of the bias itself.
        """
        if not self.has(position):
            return ""
        tensor = self.tensor(position)
        scale = quantized.scale_of(self.tensor(0)) if self.count else None
        plain = tensor.data is None or tensor.data.dtype.kind not in "iu"
        if plain or tensor.data is None or scale is None or not isinstance(weights, Scaled | np.ndarray):
            return self.input(position)
        stored = self.scope.constant(self.operator.inputs[1])
        steps = stored.scales if isinstance(stored, Scaled) else None
        if steps is None:
            return self.input(position)
        scales = (np.broadcast_to(steps, tensor.data.shape) if steps.size != 1 else steps) * scale.scales[0]
        integers = isinstance(weights, Scaled) and weights.integers and tensor.data.dtype == np.int32
        sums = Scaled(tensor.data, np.dtype(np.float32), scales, np.zeros(scales.shape, np.int64), 0, integers)
        return sums.value(self.builder, "bias") if integers else self.builder.constant(sums.real(), name="bias")

    def all_constant(self) -> bool:
        """Whether everything that it reads is known before anything runs."""
        numbers = [n for n in self.operator.inputs if n >= 0]
        return bool(numbers) and all(self.scope.constant(n) is not None for n in numbers)

    # Sizes.

    def dims(self, position: int = 0) -> Dims:
        """The sizes of an input, known or named."""
        return self.builder.dims(self.input(position))

    def shape(self, position: int = 0) -> Shape:
        """The sizes of an input. Raises BodyDoubleError where one is known only at run time."""
        return self.builder.shape(self.input(position))

    def rank(self, position: int = 0) -> int:
        """The number of an input's axes."""
        return len(self.dims(position))

    def axis(self, number: int, rank: int) -> int:
        """An axis counted from the first. Raises BodyDoubleError for one that is not there."""
        if not -rank <= number < rank:
            raise BodyDoubleError(f"{self.kind} along axis {number} of {rank}")
        return number % rank

    def dtype(self, position: int = 0) -> np.dtype[Any]:
        """The dtype of an input's value."""
        return self.builder.values[self.input(position)].dtype

    def made(self, position: int = 0) -> np.dtype[Any]:
        """The dtype that an output's value has."""
        tensor = self.result(position)
        if quantized.scale_of(tensor) is not None:
            return np.dtype(np.float32)
        if tensor.dtype is None:
            raise BodyDoubleError(f"{self.kind} giving text")
        return tensor.dtype

    def stated(self, position: int = 0) -> Dims:
        """The sizes of an output as the file states them; named where they depend on what is fed."""
        tensor = self.result(position)
        conversion = self.scope.conversion
        open_ = conversion.resized or conversion.open
        names = (self.builder.fresh(f"{tensor.name}_{axis}") for axis in range(len(tensor.shape)))
        return tuple(
            name if open_ or size == UNKNOWN else known
            for name, size, known in zip(names, tensor.signature, tensor.shape, strict=True)
        )

    def size(self, position: int = 0) -> tuple[int, int]:
        """Height and width of an output, as the file states them."""
        shape = self.result(position).shape
        if len(shape) != 4:
            raise BodyDoubleError(f"{self.kind} giving shape {shape}")
        if self.scope.conversion.resized or self.scope.conversion.open:
            raise BodyDoubleError(f"{self.kind} whose output's size is known only at run time")
        return shape[1], shape[2]

    # Nodes.

    def add(
        self, op: str, inputs: Sequence[str], dims: Dims, dtype: npt.DTypeLike | None = None, **attributes: Any
    ) -> str:
        """Append a node of one output."""
        return self.builder.add(op, inputs, dims, dtype=dtype, **attributes)

    def array(self, numbers: Any, dtype: npt.DTypeLike = np.int64, name: str = "constant") -> str:
        """A constant."""
        return self.builder.constant(np.asarray(numbers, dtype), name=name)

    def like(self, number: float, value: str) -> str:
        """A scalar of a value's dtype."""
        return self.builder.constant(np.asarray(number, self.builder.values[value].dtype), name="number")

    def cast(self, value: str, dtype: npt.DTypeLike) -> str:
        """The value in another dtype; itself if it has it."""
        if self.builder.values[value].dtype == np.dtype(dtype):
            return value
        return self.add("Cast", [value], self.builder.dims(value), dtype, to=quantized.onnx_type(dtype))

    def reshaped(self, value: str, dims: Dims) -> str:
        """Same elements with other sizes, of which one may be open."""
        if self.builder.dims(value) == tuple(dims):
            return value
        named = [size for size in dims if isinstance(size, str)]
        if len(named) > 1:
            raise BodyDoubleError(f"{self.kind}: several sizes known only at run time, {tuple(named)}")
        sizes = self.array([-1 if isinstance(size, str) else size for size in dims], name="shape")
        return self.add("Reshape", [value, sizes], tuple(dims))

    def activated(self, value: str) -> str:
        """The value after the operator's fused activation."""
        number = self.option("FusedActivationFunction")
        if number not in _ACTIVATIONS:
            raise BodyDoubleError(f"{self.kind} with fused activation number {number}")
        kind = _ACTIVATIONS[number]
        if kind in _BOUNDS and self.scope.keeps_integers and quantized.holds(self.result(), *_BOUNDS[kind]):
            return value  # the integers cannot leave the bounds
        if kind in _BOUNDS and self.scope.keeps_integers and self._bytes() and self.integers:
            self.bounds = _BOUNDS[kind]
            return value
        return elementwise.activation(self.builder, value, kind)
