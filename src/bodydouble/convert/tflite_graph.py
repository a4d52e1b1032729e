"""From the records of a TFLite file to a graph: the operators in order, each through its handler.

Everything that cannot be converted is collected and said once. Handlers: tflite_operators/. What integers with a scale
become: tflite_quantized.py. Sizes that the file leaves open are named after their tensor and stay open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bodydouble.convert import tflite_quantized as quantized
from bodydouble.convert.graph import Builder, Dims, Graph, Shape, Tensor
from bodydouble.convert.operators.weights import Scaled
from bodydouble.convert.tflite import UNKNOWN, Model, Operator, Subgraph, TensorRecord
from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_fold import folded
from bodydouble.convert.tflite_quantized import Quantized
from bodydouble.convert.tflite_variables import Variables
from bodydouble.types import BodyDoubleError

# Answers the operator's output, or all of them; raises BodyDoubleError for a use of it that it has not.
Handler = Callable[[Call], Result]
# What handlers run into where a damaged file's operator has inputs or options that make no sense.
UNFIT = (LookupError, ValueError, TypeError, ArithmeticError)
# What takes complex numbers: others would take the axis of their pairs for one of the file's.
COMPLEX = frozenset(
    {"CAST", "COMPLEX_ABS", "EXPAND_DIMS", "IMAG", "REAL", "RESHAPE", "SQUEEZE", "STABLEHLO_CONVERT", "TRANSPOSE"}
)
InputShapes = Mapping[str, Sequence[int]] | Sequence[int]


def to_graph(
    model: Model,
    handlers: Mapping[str, Handler],
    *,
    input_shapes: InputShapes | None = None,
    quantized: Quantized = "qdq",
) -> Graph:
    """All operators of the model said in ONNX's.

    input_shapes: sizes of the only input, or of each by its name; None: the file's, open where the file leaves them so.
    quantized: whether integers with a scale stay so or become plain floats.
    Raises BodyDoubleError: one line with every operator, or use of one, that cannot be converted, and how often.
    """
    given = shapes_given(model, input_shapes)
    conversion = _Conversion(model, handlers, given, quantized)
    try:
        return conversion.run()
    except BodyDoubleError as error:
        if not conversion.open:
            raise
        if any(1 in _opened(model.main.tensors[number]) for number in model.main.inputs):
            raise BodyDoubleError(f"{error}; its inputs have open sizes: try again with their shapes given") from error
        # Many files say that any number of pictures will do, and then count on one: LiteRT runs them with one.
        stated = {number: model.main.tensors[number].shape for number in model.main.inputs}
        return _Conversion(model, handlers, {**stated, **given}, quantized).run()


def shapes_given(model: Model, wanted: InputShapes | None) -> dict[int, Shape]:
    """The sizes wanted, by the number of the input. Raises BodyDoubleError for inputs or sizes that cannot be."""
    if wanted is None:
        return {}
    inputs = {model.main.tensors[n].name: n for n in model.main.inputs}
    if not isinstance(wanted, Mapping):
        if len(inputs) != 1:
            raise BodyDoubleError(f"{model.name} has {len(inputs)} inputs; give each its shape: {', '.join(inputs)}")
        wanted = dict.fromkeys(inputs, wanted)
    found: dict[int, Shape] = {}
    for name, shape in wanted.items():
        if name not in inputs:
            raise BodyDoubleError(f'{model.name} has no input "{name}"; choose from {", ".join(inputs)}')
        known = model.main.tensors[inputs[name]].shape
        if (known and len(known) != len(shape)) or any(int(n) < 1 for n in shape):
            raise BodyDoubleError(f'input "{name}" of {model.name} has shape {known}; {tuple(shape)} does not fit')
        found[inputs[name]] = tuple(int(n) for n in shape)
    return found


class _Conversion:
    """One walk over a model; bodies of control flow are walked inside it."""

    def __init__(
        self,
        model: Model,
        handlers: Mapping[str, Handler],
        given: Mapping[int, Shape],
        mode: Quantized,
    ) -> None:
        self.model, self.handlers, self.given, self.mode = model, handlers, given, mode
        self.builder = Builder()
        self.missing: Counter[str] = Counter()
        main = model.main
        self.open = any(UNKNOWN in main.tensors[number].signature and number not in given for number in main.inputs)
        self.resized = any(shape != main.tensors[number].shape for number, shape in given.items())
        self.variables = Variables()
        self.variables.assigned.update(_assigned(main))

    def run(self) -> Graph:
        """The graph of the main subgraph."""
        scope = Scope(self, self.model.main)
        for number in self.model.main.inputs:
            scope.feed(number, self.given.get(number))
        scope.walk()
        if self.missing:
            listed = ", ".join(f"{what} ({count})" for what, count in sorted(self.missing.items()))
            what = "cannot take inputs of these sizes" if self.resized else "needs operators that are not supported"
            raise BodyDoubleError(f"{self.model.name} {what}: {listed}")
        return self.builder.graph(self._apart({**scope.public(), **self.variables.outputs()}))

    def _apart(self, outputs: dict[str, str]) -> dict[str, str]:
        """A value that goes out under two names is copied for the second."""
        found: dict[str, str] = {}
        for name, value in outputs.items():
            copied = value in found.values()
            found[name] = self.builder.add("Identity", [value], self.builder.dims(value)) if copied else value
        return found


def _assigned(main: Subgraph) -> list[str]:
    """Names of the variables that the main subgraph assigns."""
    handles = {op.outputs[0]: _handle_name(op, main) for op in main.operators if op.kind == "VAR_HANDLE"}
    return [handles.get(op.inputs[0], "") for op in main.operators if op.kind == "ASSIGN_VARIABLE"]


def _handle_name(operator: Operator, main: Subgraph) -> str:
    container, name = ((operator.options.get(key) or b"").decode() for key in ("Container", "SharedName"))
    return f"{container}{name}" or main.tensors[operator.outputs[0]].name


def _opened(tensor: TensorRecord) -> list[int]:
    """The file's sizes at the open places other than the first; 1 stands for no size at all there."""
    return [tensor.shape[axis] for axis, size in enumerate(tensor.signature) if size == UNKNOWN and axis]


class Scope:
    """The values of one subgraph while it is walked. names: of tensors that are in the graph, by number."""

    def __init__(self, conversion: _Conversion, subgraph: Subgraph) -> None:
        self.conversion, self.subgraph = conversion, subgraph
        self.builder = conversion.builder
        self.names: dict[int, str] = {}
        self.integers: dict[int, str] = {}
        self.constants: dict[int, Tensor | Scaled] = {}
        self.misstated: set[int] = set()  # tensors whose sizes the file has wrong
        self.depth = 0

    @property
    def keeps_integers(self) -> bool:
        """Whether integers with a scale stay so."""
        return self.conversion.mode == "qdq"

    def feed(self, number: int, shape: Shape | None) -> None:
        """An input of the model, with the given sizes or the file's."""
        tensor = self.subgraph.tensors[number]
        dims = shape if shape is not None else self.stated(tensor)
        scale = quantized.scale_of(tensor)
        if tensor.dtype is None:
            raise BodyDoubleError(f'input "{tensor.name}" is text, which cannot be converted')
        if scale is None:
            self.names[number] = self.builder.input(tensor.name, dims, tensor.dtype)
        elif self.keeps_integers:
            self.integers[number] = self.builder.input(tensor.name, dims, tensor.dtype)
            value = quantized.dequantize(self.builder, self.integers[number], tensor, scale)
            if tensor.dtype == np.int8:  # signed outside, unsigned inside
                value, _ = quantized.on_grid(self.builder, value, tensor, scale)
            self.names[number] = value
        else:
            self.names[number] = self.builder.input(tensor.name, dims, np.float32)

    def stated(self, tensor: TensorRecord) -> Dims:
        """The sizes that the file states, with a name for each open one."""
        named = (f"{tensor.name}_{axis}" if axis else "batch" for axis in range(len(tensor.shape)))
        return tuple(
            name if size == UNKNOWN else known
            for name, size, known in zip(named, tensor.signature, tensor.shape, strict=True)
        )

    def walk(self) -> None:
        """All operators."""
        for operator in self.subgraph.operators:
            call = Call(self, operator)
            try:
                handler = self.conversion.handlers.get(operator.kind)
                if handler is None:
                    raise BodyDoubleError(operator.kind)
                if operator.kind not in COMPLEX and self._complex(operator):
                    raise BodyDoubleError(f"{operator.kind} of complex numbers")
                self._keep(call, handler)
            except UNFIT as error:
                unfit = BodyDoubleError(f"{operator.kind} whose inputs or options do not fit ({error})")
                self.conversion.missing[_said(operator, unfit)] += 1
                self._stand_in(call)
            except BodyDoubleError as error:
                self.conversion.missing[_said(operator, error)] += 1
                self._stand_in(call)

    def _complex(self, operator: Operator) -> bool:
        return any(self.subgraph.tensors[number].dtype == np.complex64 for number in operator.inputs if number >= 0)

    def _keep(self, call: Call, handler: Handler) -> None:
        """Run the handler and name what it answers."""
        start = len(self.builder.nodes)
        self.builder.layer = self._layer(call.operator)
        answer = handler(call)
        outputs: list[str | Tensor | Scaled]
        outputs = [answer] if isinstance(answer, str | np.ndarray | Scaled) else list(answer)
        if len(outputs) < len(call.operator.outputs):
            raise BodyDoubleError(f"{call.operator.kind} with {len(call.operator.outputs)} outputs")
        if all(isinstance(output, str) for output in outputs) and call.all_constant():
            outputs = [*(folded(self.builder, start, [str(output) for output in outputs]) or outputs)]
        for number, output in zip(call.operator.outputs, outputs, strict=False):
            if number >= 0:
                self.put(number, output, call)

    def _layer(self, operator: Operator) -> str:
        """What the file calls an operator: its first output's name, of several that were fused the first."""
        named = [self.subgraph.tensors[number].name for number in operator.outputs if number >= 0]
        return named[0].split(";")[0] if named else ""

    def put(self, number: int, output: str | Tensor | Scaled, call: Call) -> None:
        """The value of a tensor: on the grid of its integers, if it has them."""
        if not isinstance(output, str):
            self.constants[number] = output
            return
        tensor = self.subgraph.tensors[number]
        self._check(number, output, call)
        self._learn(tensor, output)
        scale = quantized.scale_of(tensor)
        if scale is not None and self.keeps_integers:
            output, self.integers[number] = quantized.on_grid(self.builder, output, tensor, scale, call.bounds)
        self.names[number] = output

    def _check(self, number: int, value: str, call: Call) -> None:
        """The value has the shape that the file states, as far as both are known.

        Files made before RFFT2D's sizes were right state them, and those of what comes after, as real ones.
        """
        tensor, dims = self.subgraph.tensors[number], self.builder.values[value].dims
        if self.conversion.resized or self.conversion.open or dims is None or not tensor.shape:
            return
        stated = self.stated(tensor)
        own = dims[:-1] if tensor.dtype == np.complex64 else dims
        same = len(own) == len(stated) and all(
            a == b for a, b in zip(own, stated, strict=True) if isinstance(a, int) and isinstance(b, int)
        )
        if same:
            return
        if call.kind != "RFFT2D" and self.misstated.isdisjoint(call.operator.inputs):
            raise BodyDoubleError(f"{call.kind} giving shape {dims} where the file states {tensor.shape}")
        self.misstated.add(number)

    def _learn(self, tensor: TensorRecord, name: str) -> None:
        """The channels, where only the file knows them: after sizes that are computed it still states the last one.

        What it states of the others is of no use: many files say one there and mean any number.
        """
        value = self.builder.values[name]
        last = tensor.signature[-1] if len(tensor.signature) > 1 else UNKNOWN
        if self.conversion.resized or not value.dims or len(value.dims) != len(tensor.signature) or last == UNKNOWN:
            return
        fed = {size for name in self.builder.inputs for size in self.builder.values[name].dims or ()}
        if isinstance(value.dims[-1], str) and value.dims[-1] not in fed:
            self.builder.values[name] = replace(value, dims=(*value.dims[:-1], last))

    def value(self, number: int, *, integers: bool = False) -> str:
        """The value of a tensor. integers: whether the operator that reads a constant computes in integers."""
        if number in self.names:
            return self.names[number]
        constant = self.constant(number)
        if constant is None:
            raise BodyDoubleError("reading a tensor that is not there")
        if isinstance(constant, Scaled):
            if not self.keeps_integers and constant.scales is not None:
                constant = Scaled(constant.real(), constant.dtype)
            if constant.scales is not None:  # in another operator it may be read otherwise
                short = constant.stored.dtype in quantized.BYTES
                return replace(constant, integers=integers and short).value(self.builder)
            value = constant.value(self.builder)
        else:
            value = self.builder.constant(constant)
        self.names[number] = value
        return value

    def constant(self, number: int) -> Tensor | Scaled | None:
        """What is known of a tensor before anything runs, None for what is computed."""
        if number in self.names:
            name = self.names[number]
            array = self.builder.stored(name)
            return None if array is None else _seen(array, self.builder.values[name].dtype)
        if number not in self.constants:
            tensor = self.subgraph.tensors[number]
            if tensor.sparsity is not None:
                return None
            data = tensor.data
            if data is None and 0 in tensor.shape and tensor.dtype is not None:
                data = np.zeros(tensor.shape, tensor.dtype)
            if data is None:
                return None
            self.constants[number] = quantized.as_stored(tensor) or data
        return self.constants[number]

    def public(self) -> dict[str, str]:
        """The outputs: public name -> value."""
        found: dict[str, str] = {}
        for number in self.subgraph.outputs:
            tensor = self.subgraph.tensors[number]
            value = self.value(number)
            scale = quantized.scale_of(tensor)
            if scale is not None and self.keeps_integers:
                value = self.integers.get(number) or quantized.quantize(self.builder, value, tensor, scale)
            name = tensor.name
            while name in found or name in self.builder.inputs:
                name += "_output"
            found[name] = value
        return found

    def _stand_in(self, call: Call) -> None:
        """Something of the right shape for each output, so that the search for unsupported operators goes on."""
        constant = call.all_constant()
        for number in call.operator.outputs:
            if number < 0:
                continue
            tensor = self.subgraph.tensors[number]
            kind = np.dtype(np.float32) if tensor.quantization else tensor.dtype or np.dtype(np.float32)
            if constant:
                self.constants[number] = np.zeros(tensor.shape, kind)
            else:
                self.names[number] = self.builder.input(tensor.name, self.stated(tensor), kind)


def _seen(array: Tensor, dtype: np.dtype[Any]) -> Tensor | Scaled:
    return array if array.dtype == dtype else Scaled(array, dtype)


def _said(operator: Operator, error: BodyDoubleError) -> str:
    """What is missing, with the operator's name in it."""
    text = str(error)
    return text if operator.kind in text else f"{operator.kind}: {text}"
