"""From the records of a TFLite file to a graph: the operators in order, each through its handler.

Everything that cannot be converted is collected and said once. The handlers are in tflite_operators.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from bodydouble.convert.graph import Builder, Graph, Shape, Tensor
from bodydouble.convert.operators import conv, elementwise
from bodydouble.convert.tflite import Model, Operator
from bodydouble.types import BodyDoubleError

_ACTIVATIONS = {
    tflite.ActivationFunctionType.NONE: "",
    tflite.ActivationFunctionType.RELU: "RELU",
    tflite.ActivationFunctionType.RELU_N1_TO_1: "RELU_N1_TO_1",
    tflite.ActivationFunctionType.RELU6: "RELU6",
    tflite.ActivationFunctionType.TANH: "TANH",
}


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One operator to convert. names: value of each tensor number met so far."""

    builder: Builder
    model: Model
    operator: Operator
    names: dict[int, str]

    def has(self, position: int) -> bool:
        """Whether the optional input is there."""
        return position < len(self.operator.inputs) and self.operator.inputs[position] >= 0

    def input(self, position: int = 0) -> str:
        """The value of an input; "" for an optional one left out."""
        return self.names[self.operator.inputs[position]] if self.has(position) else ""

    def constant(self, position: int) -> Tensor:
        """The stored array of an input that has to be constant."""
        array = self.builder.stored(self.input(position))
        if array is None:
            raise BodyDoubleError(f"{self.operator.kind} whose input {position} is not constant")
        return array

    def numbers(self, position: int) -> list[int]:
        """A constant input as a flat list of integers."""
        return [int(n) for n in self.constant(position).ravel()]

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
    def shape(self) -> Shape:
        """The shape of the output, as the file states it."""
        return self.model.tensors[self.operator.outputs[0]].shape

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the output, as the file states them."""
        if len(self.shape) != 4:
            raise BodyDoubleError(f"{self.operator.kind} giving shape {self.shape}")
        return self.shape[1], self.shape[2]

    def activated(self, value: str) -> str:
        """The value after the operator's fused activation."""
        number = self.option("FusedActivationFunction")
        if number not in _ACTIVATIONS:
            raise BodyDoubleError(f"{self.operator.kind} with fused activation number {number}")
        return elementwise.activation(self.builder, value, _ACTIVATIONS[number])


# Answers the name of the operator's output value; raises BodyDoubleError for a use of it that it has not.
Handler = Callable[[Call], str]


def to_graph(model: Model, handlers: Mapping[str, Handler]) -> Graph:
    """All operators of the model said in ONNX's.

    Raises BodyDoubleError: one line with every operator, or use of one, that cannot be converted, and how often.
    """
    builder = Builder()
    names = _sources(builder, model)
    missing: Counter[str] = Counter()
    for operator in model.operators:
        call = Call(builder, model, operator, names)
        try:
            if operator.kind not in handlers:
                raise BodyDoubleError(operator.kind)
            names[operator.outputs[0]] = _checked(call, handlers[operator.kind](call))
        except BodyDoubleError as error:
            missing[str(error)] += 1
            _stand_in(call)
    if missing:
        listed = ", ".join(f"{what} ({count})" for what, count in sorted(missing.items()))
        raise BodyDoubleError(f"{model.name} needs operators that are not supported: {listed}")
    return builder.graph({model.tensors[number].name: names[number] for number in model.outputs})


def _checked(call: Call, value: str) -> str:
    """The value, if it has the shape that the file states."""
    found = call.builder.shape(value)
    if found != call.shape:
        raise BodyDoubleError(f"{call.operator.kind} giving shape {found} where the file states {call.shape}")
    return value


def _stand_in(call: Call) -> None:
    """Something of the right shape in place of each output, so that the search for unsupported operators goes on."""
    constant = all(call.builder.stored(call.input(n)) is not None for n in range(len(call.operator.inputs)))
    for number in call.operator.outputs:
        tensor = call.model.tensors[number]
        if constant:
            call.names[number] = call.builder.constant(np.zeros(tensor.shape, tensor.dtype))
        else:
            call.names[number] = call.builder.input(tensor.name, tensor.shape, tensor.dtype)


def _sources(builder: Builder, model: Model) -> dict[int, str]:
    """Values of the inputs and of the dense constants; sparse ones wait for their DENSIFY."""
    names = {}
    for number in model.inputs:
        tensor = model.tensors[number]
        names[number] = builder.input(tensor.name, tensor.shape, tensor.dtype)
    used = {number for operator in model.operators for number in operator.inputs}.union(model.outputs)
    for number in sorted(used - names.keys() - {-1}):
        tensor = model.tensors[number]
        if tensor.data is not None and tensor.sparsity is None:
            names[number] = builder.constant(tensor.data)
    return names
