"""Walks an ONNX graph node by node, and what a node's handler is given: a Call.

Handlers are ordinary PyTorch code: given Proxies it is recorded, given constants it is computed at once, which folds
constants. They stand in the modules torch_layers, torch_elementwise and so on, which register them by `operator`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx
import torch
from onnx import helper, numpy_helper
from torch import fx, nn

from bodydouble.convert.torch_graph import DTYPES, Known, Scope, Sizes, known_of
from bodydouble.types import BodyDoubleError

Handler = Callable[["Call"], Any]
HANDLERS: dict[str, Handler] = {}


def operator(*kinds: str) -> Callable[[Handler], Handler]:
    """Register a handler for ONNX operators: it answers the output, or a tuple with one value for each."""

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            if kind in HANDLERS:
                raise ValueError(f"two handlers for {kind}")
            HANDLERS[kind] = handler
        return handler

    return register


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One ONNX node, as its handler sees it."""

    scope: Scope
    node: onnx.NodeProto
    attributes: Mapping[str, Any]

    @property
    def opset(self) -> int:
        """The version of ONNX's operators that the model states."""
        return self.scope.shared.opset

    def has(self, position: int) -> bool:
        """Whether an optional input is there."""
        return position < len(self.node.input) and bool(self.node.input[position])

    def value(self, position: int = 0) -> Any:
        """An input: constant, Proxy or Sizes; None where it is left out."""
        return self.scope.value(self.node.input[position]) if self.has(position) else None

    def tensor(self, position: int = 0) -> Any:
        """An input as a constant or Proxy; None where it is left out."""
        value = self.value(position)
        return self.scope.tensor(value, self.node.input[position]) if isinstance(value, Sizes) else value

    def constant(self, position: int) -> torch.Tensor | None:
        """An input that is a constant, None for any other."""
        value = self.value(position)
        return value if isinstance(value, torch.Tensor) else None

    def running(self, position: int = 0) -> Any:
        """An input as a Proxy, whatever it is: for modules and functions that take no constant."""
        value = self.tensor(position)
        return self.proxy(value) if isinstance(value, torch.Tensor) else value

    def proxy(self, tensor: torch.Tensor) -> Any:
        """A constant as a buffer that is read at run time."""
        return fx.Proxy(self.scope.buffer(tensor), self.scope.tracer)

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute as Python has it."""
        return self.attributes.get(name, default)

    def about(self, position: int = 0) -> Known:
        """What is known of an input."""
        return self.scope.about(self.node.input[position])

    def rank(self, position: int = 0) -> int:
        """The number of an input's axes. Raises BodyDoubleError where it is not known."""
        shape = self.about(position).shape
        if shape is None:
            raise BodyDoubleError(f"{self.node.op_type} of an unknown number of axes")
        return len(shape)

    def numbers(self, position: int) -> list[Any]:
        """An input of sizes, axes or the like as a list of numbers and Proxies of numbers."""
        value = self.value(position)
        if isinstance(value, Sizes):
            return list(value.items)
        if isinstance(value, torch.Tensor):
            return list(value.reshape(-1).tolist())
        shape = self.about(position).shape
        if shape == ():
            return [value.item()]
        if shape is None or len(shape) != 1 or shape[0] is None:
            raise BodyDoubleError(f"{self.node.op_type} with an unknown count of numbers")
        return [value[index].item() for index in range(shape[0])]

    def plain(self, position: int, what: str) -> list[int]:
        """An input of numbers that must be known now. Raises BodyDoubleError where they come at run time."""
        numbers = self.numbers(position)
        if any(isinstance(number, fx.Proxy) for number in numbers):
            raise BodyDoubleError(f"{self.node.op_type} with {what} known at run time only")
        return numbers

    def axes(self, position: int = 1) -> list[int] | None:
        """The axes of a reduction or the like, an attribute in older operators, an input in newer; None: not said."""
        if self.has(position):
            return self.plain(position, "axes")
        given = self.attribute("axes")
        return None if given is None else list(given)

    def size(self, axis: int, position: int = 0) -> Any:
        """The size of an axis of an input: a number where it is known, else a Proxy of one."""
        shape = self.about(position).shape
        known = None if shape is None else shape[axis]
        return self.running(position).shape[axis] if known is None else known

    def name(self) -> str:
        """What the layer is called in the file."""
        return str(self.node.name or self.node.output[0])

    def apply(self, module: nn.Module, x: Any, *more: Any) -> Any:
        """Hold a module under the layer's name and run it."""
        path = self.scope.path(self.name())
        self.scope.hold(path, module)
        self.scope.layers[path] = self.name()
        return self.scope.node("call_module", path, (x, *more))

    def parameter(self, position: int, form: str = "", array: torch.Tensor | None = None) -> nn.Parameter:
        """The trainable weight that holds a constant input, float32 at least, the same for all who use that constant.

        form, array: a name and value for the constant in another form (transposed, say).
        """
        constant = self.constant(position) if array is None else array
        if constant is None:
            raise BodyDoubleError(f"{self.node.op_type} with weights that are no constant")
        key = (self.node.input[position], form)
        if key not in self.scope.shared.parameters:
            kind = torch.float32 if constant.dtype in (torch.float16, torch.bfloat16) else constant.dtype
            self.scope.shared.parameters[key] = nn.Parameter(constant.detach().clone().contiguous().to(kind))
        return self.scope.shared.parameters[key]

    def weight(self, position: int, kind: str) -> Any:
        """A trainable constant that no module of torch.nn has: read as `<layer>.<kind>`."""
        path = self.scope.path(self.name())
        self.scope.hold(f"{path}.{kind}", self.parameter(position))
        return self.scope.node("get_attr", f"{path}.{kind}")


def convert(scope: Scope) -> None:
    """Record all nodes of the scope's graph. What cannot be is counted in scope.shared.missing."""
    for initializer in scope.proto.initializer:
        scope.define(initializer.name, constant(initializer))
    for node in scope.proto.node:
        attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        call = Call(scope, node, attributes)
        try:
            if node.op_type not in HANDLERS or node.domain not in ("", "ai.onnx"):
                raise BodyDoubleError(node.op_type)
            made = HANDLERS[node.op_type](call)
            results = made if isinstance(made, tuple) else (made,)
        except BodyDoubleError as error:
            scope.shared.missing[str(error)] += 1
            results = tuple(scope.placeholder(name) for name in node.output)  # goes on to find all that is missing
        for name, value in zip(node.output, results, strict=False):
            if name:
                scope.define(name, value)


def inline(scope: Scope, graph: onnx.GraphProto) -> None:
    """Record a subgraph's nodes as part of the scope's graph."""
    outer = scope.proto
    scope.known.update(known_of(graph))
    scope.proto = graph
    convert(scope)
    scope.proto = outer


def constant(tensor: onnx.TensorProto) -> torch.Tensor:
    """A stored tensor. Raises BodyDoubleError for strings and the like."""
    if tensor.data_type not in DTYPES:
        raise BodyDoubleError(f"a constant of ONNX's type number {tensor.data_type}")
    array = numpy_helper.to_array(tensor)
    if tensor.data_type == onnx.TensorProto.BFLOAT16:
        array = array.astype("float32")
    return torch.from_numpy(array.copy()).to(DTYPES[tensor.data_type])


def are_constant(values: Sequence[Any]) -> bool:
    """Whether nothing among them waits for run time."""
    return not any(isinstance(value, fx.Proxy) for value in values)
