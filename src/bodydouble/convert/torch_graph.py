"""What is recorded of an ONNX graph as a torch.fx graph: its values, and the modules and buffers that it names.

A value is a constant (torch.Tensor), a tensor known at run time (torch.fx.Proxy), or Sizes: a short list of numbers
that come from shapes, so that shape arithmetic stays arithmetic of Python numbers.
What is recorded names only torch and the standard library, so that a saved model needs nothing of ours.
"""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import onnx
import torch
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
        self.layers: dict[str, str] = {}  # the file's name of the layer at a path
        self.fixed: Any = None  # what a loop's body captures, by label; None: captured values are arguments
        self.anchor: Any = None  # a tensor at run time; None: the first input
        self.known = known_of(graph)
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
        # `full` of a bool is not for the TorchScript exporter; of 0 or 1, which sym_int makes of it, it is the same.
        numbers = [torch.sym_int(item) for item in value.items] if dtype == torch.bool else value.items
        items = [item.node if isinstance(item, fx.Proxy) else item for item in numbers]
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


def known_of(graph: onnx.GraphProto) -> dict[str, Known]:
    """What shape inference has written into a graph."""
    found = {}
    for info in (*graph.input, *graph.value_info, *graph.output):
        tensor = info.type.tensor_type
        shape = None
        if tensor.HasField("shape"):
            shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
        found[info.name] = Known(DTYPES.get(tensor.elem_type), shape)
    return found
