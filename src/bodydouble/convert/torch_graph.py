"""Walks an ONNX graph and writes it down as a torch.fx graph of plain PyTorch modules and functions.

A value is a constant (torch.Tensor), a tensor known at run time (torch.fx.Proxy), or Sizes: a short list of numbers
that come from shapes, so that shape arithmetic stays arithmetic of Python numbers. Handlers are ordinary PyTorch code:
given Proxies it is recorded, given constants it is computed at once, which folds constants.
What is recorded names only torch and the standard library, so that a saved model needs nothing of ours.
"""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx
import torch
from onnx import helper, numpy_helper
from torch import fx, nn

from bodydouble.types import BodyDoubleError

# Constants of at most this many bytes that are equal share one buffer.
SHARED_BYTES = 4096

DTYPES: dict[int, torch.dtype] = {
    onnx.TensorProto.FLOAT: torch.float32,
    onnx.TensorProto.FLOAT16: torch.float16,
    onnx.TensorProto.BFLOAT16: torch.bfloat16,
    onnx.TensorProto.DOUBLE: torch.float64,
    onnx.TensorProto.INT8: torch.int8,
    onnx.TensorProto.INT16: torch.int16,
    onnx.TensorProto.INT32: torch.int32,
    onnx.TensorProto.INT64: torch.int64,
    onnx.TensorProto.UINT8: torch.uint8,
    onnx.TensorProto.UINT16: torch.uint16,
    onnx.TensorProto.UINT32: torch.uint32,
    onnx.TensorProto.UINT64: torch.uint64,
    onnx.TensorProto.BOOL: torch.bool,
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers that come from shapes: int, float, bool, or a Proxy of one. scalar: has no axis."""

    items: tuple[Any, ...]
    scalar: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What ONNX's shape inference knows of a value: dtype, and sizes where None is not known. shape None: no rank."""

    dtype: torch.dtype | None
    shape: tuple[int | None, ...] | None


@dataclass(eq=False)
class Shared:
    """What a graph and its subgraphs share; parameters by the value they hold, labels of arguments by value."""

    opset: int
    parameters: dict[tuple[str, str], nn.Parameter] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)


class _Tracer(fx.proxy.GraphAppendingTracer):  # type: ignore[misc]
    """Records what is done with Proxies; a constant that meets one becomes a buffer."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope.graph)
        self.owner = scope

    def create_arg(self, a: Any) -> Any:
        """A constant as a node that reads its buffer; anything else as torch.fx has it."""
        return self.owner.buffer(a) if isinstance(a, torch.Tensor) else super().create_arg(a)


class Scope:
    """One graph (the model's, or a branch's): what is recorded so far, and the module that holds what it names."""

    def __init__(self, shared: Shared, graph: onnx.GraphProto, outer: Scope | None = None) -> None:
        self.shared, self.outer = shared, outer
        self.proto = graph
        self.graph = fx.Graph()
        self.root = nn.Module()
        self.tracer = _Tracer(self)
        self.values: dict[str, Any] = {}
        self.captured: dict[str, Any] = {}  # of the outer scope, by the name of the placeholder's value
        self.channels: dict[str, int] = {}  # axis of the channels that a layer with weights made
        self.taken: set[str] = set()
        self.fixed: Any = None  # what a loop's body captures, by label; None: captured values are arguments
        self.anchor: Any = None  # a tensor at run time; None: the first input
        self.known = _known(graph)
        self._buffers: dict[Any, tuple[torch.Tensor, fx.Node]] = {}
        self._names: dict[int, str] = {}

    def placeholder(self, name: str) -> Any:
        """A value fed from outside."""
        node = self.graph.placeholder(self.label(name))
        return fx.Proxy(node, self.tracer)

    def label(self, name: str) -> str:
        """The argument's name for a value fed from outside: the same in a graph and its subgraphs."""
        labels = self.shared.labels
        if name not in labels:
            wish, count = _identifier(name), 1
            while (wish if count == 1 else f"{wish}_{count}") in labels.values():
                count += 1
            labels[name] = wish if count == 1 else f"{wish}_{count}"
        return labels[name]

    def inline(self, graph: onnx.GraphProto) -> None:
        """Record a subgraph's nodes as part of this graph."""
        outer = self.proto
        self.known.update(_known(graph))
        self.proto = graph
        convert(self)
        self.proto = outer

    def node(self, operation: str, target: Any, arguments: tuple[Any, ...] = ()) -> Any:
        """Record one operation of torch.fx."""
        return self.tracer.create_proxy(operation, target, arguments, {})

    def leaf(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Record a call of a Python function of the standard library, which torch.fx is not to look into."""
        proxy = self.tracer.create_proxy("call_function", function, arguments, named)
        proxy.node.meta["is_wrapped"] = True  # else reading the saved file would run it on a Proxy
        return proxy

    def path(self, wish: str) -> str:
        """A free dotted name for a module, from the name of a layer: a/b;c -> a.b."""
        parts = [_identifier(part) for part in wish.split(";")[0].split("/") if part] or ["layer"]
        if hasattr(fx.GraphModule, parts[0]) or parts[0] in ("training", "meta", "graph"):
            parts[0] += "_"
        name, count = ".".join(parts), 1
        while self._clashes(name):
            count += 1
            name = ".".join(parts) + f"_{count}"
        self.taken.add(name)
        return name

    def _clashes(self, name: str) -> bool:
        """Whether the name is taken, or lies within a module that has it, or around one."""
        return any(name == old or name.startswith(old + ".") or old.startswith(name + ".") for old in self.taken)

    def hold(self, path: str, what: nn.Module | nn.Parameter | torch.Tensor) -> None:
        """Put a module, parameter or buffer at a dotted name of the root."""
        *folders, last = path.split(".")
        at: Any = self.root
        for part in folders:
            if not hasattr(at, part):
                at.add_module(part, nn.Module())
            at = getattr(at, part)
        if isinstance(what, nn.Module):
            at.add_module(last, what)
        elif isinstance(what, nn.Parameter):
            at.register_parameter(last, what)
        else:
            at.register_buffer(last, what)

    def buffer(self, tensor: torch.Tensor) -> fx.Node:
        """The node that reads a constant; equal small constants share one."""
        small = tensor.nbytes <= SHARED_BYTES
        key = (tensor.dtype, tuple(tensor.shape), tensor.cpu().numpy().tobytes()) if small else id(tensor)
        if key not in self._buffers:
            path = self.path(self._names.get(id(tensor), "constant"))
            self.hold(path, tensor.detach().clone())
            self._buffers[key] = (tensor, self.graph.get_attr(path))
        return self._buffers[key][1]

    def value(self, name: str) -> Any:
        """A value by its ONNX name, here or in an outer graph."""
        if name in self.values:
            return self.values[name]
        if self.outer is None:
            raise BodyDoubleError(f"a value {name!r} that nothing makes")
        found = self.outer.value(name)
        if isinstance(found, torch.Tensor):
            self.define(name, found)
        else:
            self.captured[name] = self.outer.tensor(found, name)
            label = self.label(name)
            self.values[name] = self.placeholder(name) if self.fixed is None else self.fixed[label]
        return self.values[name]

    def define(self, name: str, value: Any) -> None:
        """Name a value; a constant's buffer, should it need one, is called so too."""
        self.values[name] = value
        if isinstance(value, torch.Tensor):
            self._names.setdefault(id(value), name)

    def about(self, name: str) -> Known:
        """What is known of a value before anything runs."""
        value = self.values.get(name)
        if isinstance(value, torch.Tensor):
            return Known(value.dtype, tuple(value.shape))
        if name not in self.known and self.outer is not None:
            return self.outer.about(name)
        return self.known.get(name, Known(None, None))

    def tensor(self, value: Any, name: str) -> Any:
        """A value as a tensor: numbers from shapes are put into one."""
        if not isinstance(value, Sizes):
            return value
        dtype = self.about(name).dtype or torch.int64
        if not any(isinstance(item, fx.Proxy) for item in value.items):
            flat = torch.tensor(list(value.items), dtype=dtype)
            return flat.reshape(()) if value.scalar else flat
        options = {"dtype": dtype, "device": self.device().node}
        items = [item.node if isinstance(item, fx.Proxy) else item for item in value.items]
        parts = [fx.Proxy(self.graph.call_function(torch.full, ((), item), options), self.tracer) for item in items]
        return parts[0] if value.scalar else torch.stack(parts)

    def device(self) -> Any:
        """Where the inputs lie at run time."""
        if self.anchor is not None:
            return self.anchor.device
        first = next(node for node in self.graph.nodes if node.op == "placeholder")
        return fx.Proxy(first, self.tracer).device


def _identifier(name: str) -> str:
    """The name with what no identifier may hold replaced."""
    clean = re.sub(r"\W+", "_", name.removesuffix(":0"), flags=re.ASCII).strip("_") or "x"
    return clean + "_" if keyword.iskeyword(clean) else clean


def _known(graph: onnx.GraphProto) -> dict[str, Known]:
    found = {}
    for info in (*graph.input, *graph.value_info, *graph.output):
        tensor = info.type.tensor_type
        shape = None
        if tensor.HasField("shape"):
            shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
        found[info.name] = Known(DTYPES.get(tensor.elem_type), shape)
    return found


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

    def apply(self, module: nn.Module, x: Any) -> Any:
        """Hold a module under the layer's name and run it."""
        path = self.scope.path(self.name())
        self.scope.hold(path, module)
        return self.scope.node("call_module", path, (x,))

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
