"""A Builder that works out dims and dtypes itself, and computes at once whatever is known while converting.

`emit` answers a constant where all inputs are constants, the value made before where the same node was emitted before,
and nothing new where the node would change nothing. Small arrays of sizes are followed even where some are names, so
that Reshape(x, [batch, 10]) needs no arithmetic of shapes in the graph. What remains is inferred by ONNX.
"""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from bodydouble.convert.folding import FOLDS, MOVERS
from bodydouble.convert.graph import Builder, Dim, Dims, Graph, Node, Tensor, Value
from bodydouble.convert.inference import inferred, tensor_type
from bodydouble.convert.sizes import followed, reshaped
from bodydouble.types import BodyDoubleError

# Elements from which what a few numbers say (a ramp, a filled array) stays a node instead of becoming a constant.
LARGE = 1 << 16
_GROWS = {"Expand", "Tile", "ConstantOfShape", "Range", "Pad"}
_RANDOM = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial"}
FOLLOWED = 64  # elements of an array of sizes that is followed


class Emitter(Builder):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.contents: dict[str, Tensor] = {}  # arrays of sizes of which some are names (dtype object)
        self.makers: dict[str, Node] = {}
        self._made: ChainMap[Any, tuple[str, ...]] = ChainMap()

    @contextmanager
    def body(self) -> Iterator[list[Node]]:
        """As Builder's; a node emitted inside is not found again outside."""
        self._made = self._made.new_child()
        try:
            with super().body() as nodes:
                yield nodes
        finally:
            self._made = self._made.parents

    def dtype(self, name: str) -> np.dtype[Any]:
        """The dtype of a value."""
        return self.values[name].dtype

    def rank(self, name: str) -> int:
        """How many axes a value has. Raises BodyDoubleError where that is not known."""
        return len(self.dims(name))

    def known(self, name: str) -> Tensor | None:
        """The array that nodes see, where it is known while converting."""
        array = self.constants.get(name)
        return None if array is None else array.astype(self.values[name].dtype, copy=False)

    def content(self, name: str) -> Tensor | None:
        """A small array of whole numbers of which some may be names of sizes, or "" (dtype object); None otherwise."""
        array = self.constants.get(name)
        if array is not None and array.dtype.kind in "ib" and array.size <= FOLLOWED:
            return array.astype(object)
        return self.contents.get(name)

    def ints(self, *numbers: int) -> str:
        """An int64 vector, as ONNX's operators take sizes and axes."""
        return self.constant(np.array(numbers, np.int64), name="ints")

    def scalar(self, number: float, dtype: npt.DTypeLike) -> str:
        """A constant of no axes."""
        return self.constant(np.array(number, dtype), name="scalar")

    def cast(self, name: str, dtype: npt.DTypeLike) -> str:
        """The value in another dtype; sizes that were narrowed to int32 before are taken from where they came."""
        wanted = np.dtype(dtype)
        if self.dtype(name) == wanted:
            return name
        maker = self.makers.get(name)
        if maker is not None and maker.op == "Cast" and wanted.kind == "i" and self.dtype(name).kind == "i":
            source = maker.inputs[0]
            if self.dtype(source) == wanted:
                return source
        return self.emit("Cast", name, to=tensor_type(wanted))

    def emit(self, op: str, *inputs: str, dims: Sequence[Dim] = (), name: str = "", **attributes: Any) -> str:
        """The first output of a node; see the module. dims: what is known of sizes that ONNX does not infer."""
        return self.emit_all(op, inputs, 1, dims=dims, name=name, **attributes)[0]

    def emit_all(
        self,
        op: str,
        inputs: Sequence[str],
        count: int,
        *,
        dims: Sequence[Dim] = (),
        name: str = "",
        **attributes: Any,
    ) -> tuple[str, ...]:
        """All outputs of a node. Raises BodyDoubleError where the inputs do not fit the operator."""
        if op == "Reshape":
            inputs = (inputs[0], self._sizes(inputs[0], inputs[1]))
        done = self._folded(op, inputs, attributes) or self._needless(op, inputs, attributes)
        if done:
            return done
        key = (op, tuple(inputs), count, repr(sorted(attributes.items())))
        if op not in _RANDOM and key in self._made:
            return self._made[key]
        names: list[str] = []
        for _ in range(count):
            names.append(self.fresh(name or op))
            self.values[names[-1]] = Value(names[-1], (), np.dtype(np.float32))  # taken; put right below
        given = [self.values[value] if value else None for value in inputs]
        try:
            found = inferred(op, given, names, attributes, self.constants)
        except BodyDoubleError:
            for taken in names:
                del self.values[taken]
            raise
        node = self.node(op, inputs, names, attributes)
        for value in found:
            hint = tuple(dims) if value is found[0] else ()
            self.values[value.name] = Value(value.name, self._settled(value, node, hint), value.dtype, value.sequence)
            self.makers[value.name] = node
        self.nodes.append(node)
        self._follow(node)
        self._made[key] = tuple(names)
        return tuple(names)

    def _settled(self, value: Value, node: Node, hint: Dims) -> Dims | None:
        """The dims with every open size named."""
        told = hint or self._told(node)
        dims = value.dims
        if dims is None:
            dims = ("",) * len(told) if told or node.op in ("Reshape", "Expand", "ConstantOfShape") else None
            if dims is None or (not told and not hint):
                return None
        if told and len(told) == len(dims):
            dims = tuple(told[axis] if size == "" else size for axis, size in enumerate(dims))
        return tuple(f"{value.name}.{axis}" if size == "" else size for axis, size in enumerate(dims))

    def _told(self, node: Node) -> Dims:
        """The dims that an input states, of operators whose input is a shape."""
        if node.op == "Reshape":
            return reshaped(self.dims_or_none(node.inputs[0]), self.content(node.inputs[1]))
        if node.op == "ConstantOfShape":
            content = self.content(node.inputs[0])
            return tuple(content) if content is not None else self.open_dims(node.inputs[0])
        if node.op == "Expand":
            content, dims = self.content(node.inputs[1]), self.dims_or_none(node.inputs[0])
            if content is not None and dims is not None and len(content) >= len(dims):
                padded = (1,) * (len(content) - len(dims)) + dims
                return tuple(there if wanted == 1 else wanted for there, wanted in zip(padded, content, strict=True))
            return self.open_dims(node.inputs[1]) if dims is not None else ()
        return ()

    def open_dims(self, shape: str) -> Dims:
        """As many open sizes as a shape has entries."""
        dims = self.dims_or_none(shape)
        return ("",) * dims[0] if dims and isinstance(dims[0], int) else ()

    def dims_or_none(self, name: str) -> Dims | None:
        """The dims of a value; None where not even their number is known."""
        return self.values[name].dims

    def _sizes(self, x: str, shape: str) -> str:
        """The sizes of a Reshape as a constant where they can be said so."""
        told = reshaped(self.dims_or_none(x), self.content(shape))
        dims = self.dims_or_none(x)
        if dims is not None and _unlike(dims, told):
            raise BodyDoubleError(f"a Reshape of {dims} to {told}")
        if not told or dims is None:
            return shape
        named = [size for size in told if isinstance(size, str)]
        entries = [
            size
            if isinstance(size, int)
            else 0
            if len(named) > 1 and axis < len(dims) and size and dims[axis] == size
            else -1
            for axis, size in enumerate(told)
        ]
        zero_sized = 0 in [size for size in told if isinstance(size, int)]
        return self.ints(*entries) if entries.count(-1) <= 1 and not zero_sized else shape

    def _folded(self, op: str, inputs: Sequence[str], attributes: Mapping[str, Any]) -> tuple[str, ...] | None:
        """The results as constants, where all inputs are."""
        if op not in FOLDS or any(name and name not in self.constants for name in inputs) or not inputs:
            return None
        if op == "Identity":
            return (inputs[0],)
        kinds = {(self.constants[name].dtype, self.dtype(name)) for name in inputs[: None if op == "Concat" else 1]}
        mover = op in MOVERS and len(kinds) == 1
        arrays = [None if not name else self.constants[name] if mover else self.known(name) for name in inputs]
        if not mover and any(array is not None and array.dtype == object for array in arrays):
            return None
        given = max((array.size for array in arrays if array is not None), default=0)
        if _grown(op, arrays) > max(LARGE, given):
            return None
        try:
            results = FOLDS[op](arrays, attributes)
        except (ValueError, IndexError, TypeError, ZeroDivisionError):
            return None  # left for the inference, which says what is wrong, or for the runtime
        if op in _GROWS and any(result.size > max(LARGE, given) for result in results):
            return None
        seen = self.dtype(inputs[0]) if mover else None
        return tuple(self.constant(np.asarray(result), seen, "folded") for result in results)

    def _needless(self, op: str, inputs: Sequence[str], attributes: Mapping[str, Any]) -> tuple[str, ...] | None:
        """The input itself where the node would not change it; a constant for a Shape that is known."""
        x = inputs[0] if inputs else ""
        dims = self.dims_or_none(x) if x else None
        if op == "Identity" or (op == "Concat" and len(inputs) == 1):
            return (x,)
        if op == "Cast":
            return (x,) if tensor_type(self.dtype(x)) == attributes["to"] else None
        if dims is None:
            return None
        if op == "Shape":
            cut = dims[attributes.get("start", 0) : attributes.get("end", len(dims))]
            known = [size for size in cut if isinstance(size, int)]
            return (self.ints(*known),) if len(known) == len(cut) else None
        if op == "Transpose":
            return (x,) if tuple(attributes["perm"]) == tuple(range(len(dims))) else None
        if op in ("Reshape", "Expand"):
            content = self.content(inputs[1])
            told = reshaped(dims, content) if op == "Reshape" else () if content is None else tuple(content)
            if told == dims or (op == "Expand" and content is not None and _spreads_nothing(dims, told)):
                return (x,)
        if op in ("Squeeze", "Unsqueeze", "Tile", "Slice") and len(inputs) > 1:
            changes = self.known(inputs[1])
            if changes is not None and (not changes.size or (op == "Tile" and (changes == 1).all())):
                return (x,)
        return None

    def _follow(self, node: Node) -> None:
        """Work out an array of sizes of which some are names; all known, it becomes a constant in the node's place."""
        if node.op == "Shape":
            dims = self.dims_or_none(node.inputs[0])
            if dims is not None:
                cut = dims[node.attributes.get("start", 0) : node.attributes.get("end", len(dims))]
                self._remember(node, np.array(cut, object))
            return
        if len(node.outputs) != 1 or self.dtype(node.outputs[0]).kind not in "ib":
            return
        contents = [self.content(name) if name else None for name in node.inputs]
        if node.op == "Concat" and any(content is not None for content in contents):
            contents = [
                self._unsaid(name) if content is None else content
                for name, content in zip(node.inputs, contents, strict=True)
            ]
        if any(content is None and name for content, name in zip(contents, node.inputs, strict=True)):
            return
        result = followed(node.op, contents, node.attributes)
        if result is not None and result.size <= FOLLOWED:
            self._remember(node, result)

    def _unsaid(self, name: str) -> Tensor | None:
        """As many unknown sizes as a vector has entries; None where that is not known either."""
        dims = self.dims_or_none(name)
        if dims is None or len(dims) != 1 or not isinstance(dims[0], int) or dims[0] > FOLLOWED:
            return None
        return np.full(dims[0], "", object)

    def _remember(self, node: Node, result: Tensor) -> None:
        output = node.outputs[0]
        if all(isinstance(size, int | bool | np.integer | np.bool_) for size in result.ravel()):
            # Every size is known after all: a constant takes the value's name, and the node goes.
            self.constants[output] = result.astype(self.dtype(output))
            self.values[output] = Value(output, result.shape, self.dtype(output))
            self.nodes.pop()
        else:
            self.contents[output] = result

    def finished(self, outputs: Mapping[str, str]) -> Graph:
        """The graph so far, without what the outputs do not need."""
        return self.graph(outputs)


def _spreads_nothing(dims: Dims, wanted: Dims) -> bool:
    """Whether an Expand to these sizes leaves an array as it is."""
    if len(wanted) > len(dims):
        return False
    tail = dims[len(dims) - len(wanted) :]
    return all(size in (1, there) for size, there in zip(wanted, tail, strict=True))


def _unlike(dims: Dims, told: Dims) -> bool:
    """Whether both are known and are of different counts of elements."""
    if not told or not all(isinstance(size, int) and size > 0 for size in (*dims, *told)):
        return False
    return math.prod(int(size) for size in dims) != math.prod(int(size) for size in told)


def _grown(op: str, arrays: Sequence[Tensor | None]) -> float:
    """Elements of what an operator makes of constants, for those that can make much of little; else 0."""
    there = [array for array in arrays if array is not None]
    if op in ("ConstantOfShape", "Expand"):
        return math.prod(float(size) for size in there[-1].ravel())
    if op == "Tile":
        return there[0].size * math.prod(float(count) for count in there[1].ravel())
    if op == "Range" and len(there) == 3 and there[2].all():
        first, last, step = (float(end.ravel()[0]) for end in there)
        return (last - first) / step
    return 0
