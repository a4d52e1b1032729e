"""From the records of a network to a graph: the records that the outputs need, in order, each through its handler.

Everything that cannot be converted is collected and said once: what depends on a failed record is only asked whether
there is a handler for it.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Dims, Graph, every
from bodydouble.convert.reading import Request
from bodydouble.convert.tfjs.calls import Call, Missing, Thing
from bodydouble.convert.tfjs.control import lifted
from bodydouble.convert.tfjs.handlers import HANDLERS
from bodydouble.convert.tfjs.records import Function, Network, Record, node_of, ordered, tensor_of
from bodydouble.types import BodyDoubleError

PICTURE_AXES = ("batch", "height", "width")


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One conversion. missing: what could not be converted, and how often. orders: of functions, by identity."""

    g: Emitter
    network: Network
    missing: Counter[str] = field(default_factory=Counter)
    orders: dict[int, tuple[Function, tuple[Record, ...]]] = field(default_factory=dict)

    def function(self, name: str) -> Function:
        """A function of the file's library."""
        if name not in self.network.functions:
            raise BodyDoubleError(f'function "{name}" that the file has not')
        return self.network.functions[name]

    def call(self, function: Function, given: Sequence[Thing], outer: Mapping[str, Thing]) -> list[Thing]:
        """What a function gives when called. outer: where it finds tensors that are not its own."""
        env: MutableMapping[str, Thing] = ChainMap(dict(zip(function.arguments, given, strict=True)), dict(outer))
        if isinstance(outer, ChainMap):
            env = outer.new_child(dict(zip(function.arguments, given, strict=True)))
        key = id(function)
        if key not in self.orders:
            self.orders[key] = (function, ordered(function))
        for record in self.orders[key][1]:
            self.make(record, env)
        return [env[tensor] for tensor in function.results]

    def make(self, record: Record, env: MutableMapping[str, Thing]) -> None:
        """Convert a record: its outputs are in env afterwards."""
        try:
            results = self._results(record, env)
        except BodyDoubleError as error:
            self.missing[str(error)] += 1
            results = Missing()
        if isinstance(results, Missing):
            env.update(dict.fromkeys(_tensors(record.name), results))
            return
        for number, thing in enumerate(results if isinstance(results, tuple) else (results,)):
            env[f"{record.name}:{number}"] = thing

    def _results(self, record: Record, env: MutableMapping[str, Thing]) -> Any:
        if record.op not in HANDLERS:
            raise BodyDoubleError(record.op)
        given = []
        for tensor in record.inputs:
            if tensor not in env:
                raise BodyDoubleError(f"{record.op} reading {tensor}, which its node does not give")
            given.append(env[tensor])
        if any(isinstance(thing, Missing) for thing in given):
            return Missing()
        self.g.layer = record.name
        return HANDLERS[record.op](Call(self.g, record, tuple(given), self, env))


def _tensors(name: str) -> list[str]:
    """More outputs than any operator of a failed record is read from."""
    return [f"{name}:{number}" for number in range(64)]


def to_graph(network: Network, request: Request) -> Graph:
    """The network said in ONNX's operators.

    Raises BodyDoubleError: one line with every operator, or use of one, that cannot be converted, and how often.
    """
    network = replace(network, outputs=chosen(network, request.outputs))
    main = Function((), tuple(network.outputs.values()), network.records)
    main = lifted(main)
    walk = Walk(Emitter(), replace(network, functions={n: lifted(f) for n, f in network.functions.items()}))
    needed = {record.name for record in ordered(main)}
    env: dict[str, Thing] = {}
    _feed(walk, request, needed, env)
    things = walk.call(main, (), env)
    for public, thing in zip(network.outputs, things, strict=True):
        if not isinstance(thing, str | Missing):
            walk.missing[f"an output ({public}) that is a {type(thing).__name__.lower()}"] += 1
    if walk.missing:
        listed = ", ".join(f"{what} ({count})" for what, count in sorted(walk.missing.items()))
        what = "cannot take inputs of the sizes given" if request.input_shapes else "needs what is not supported"
        raise BodyDoubleError(f"{network.name} {what}: {listed}")
    _settle_inputs(walk.g)
    return walk.g.finished(dict(zip(network.outputs, things, strict=True)))


def _settle_inputs(g: Emitter) -> None:
    """Give inputs of unknown rank the one they are used with: what they are broadcast to, else none (a number).

    ONNX's checker wants the rank of every input.
    """
    for name in g.inputs:
        value = g.values[name]
        if value.dims is not None:
            continue
        ranks = [
            len(g.values[node.outputs[0]].dims or ())
            for node in every(g.nodes)
            if node.inputs[:1] == (name,) and node.op == "Expand"
        ]
        g.values[name] = replace(value, dims=tuple(f"{name}.axis{axis}" for axis in range(max(ranks, default=0))))


def chosen(network: Network, outputs: Sequence[str] | None) -> dict[str, str]:
    """Public name -> tensor of the outputs wanted: public names, nodes, or tensors of the file.

    Raises BodyDoubleError for a name that the file has not, listing its outputs.
    """
    if outputs is None:
        if not network.outputs:
            raise BodyDoubleError(f"{network.name} has no outputs")
        return dict(network.outputs)
    nodes = {record.name for record in network.records}
    found, unknown = {}, []
    for name in outputs:
        tensor = network.outputs.get(name, network.outputs.get(name.removesuffix(":0"), tensor_of(name)))
        if node_of(tensor) in nodes and node_of(tensor) not in network.inputs.values():
            found[name.removesuffix(":0")] = tensor
        else:
            unknown.append(name)
    if unknown or not outputs:
        asked = ", ".join(f'"{name}"' for name in unknown) or "nothing"
        raise BodyDoubleError(f"{network.name} has no output {asked}; choose from {', '.join(network.outputs)}")
    return found


def _feed(walk: Walk, request: Request, needed: set[str], env: dict[str, Thing]) -> None:
    """The inputs: those that the outputs need, and of one that is needed nowhere only the first where none is."""
    placeholders = {record.name: record for record in walk.network.records if record.op == "Placeholder"}
    inputs = {public: node for public, node in walk.network.inputs.items() if node in needed}
    shapes = request.shapes(list(walk.network.inputs))
    for public, node in inputs.items():
        record = placeholders[node]
        stated = record.attributes.get("shape")
        dims = _dims(public, stated, alone=len(inputs) == 1)
        if public in shapes:
            dims = _agreed(public, stated, shapes[public])
        dtype = record.attributes.get("dtype", np.dtype(np.float32))
        env[f"{node}:0"] = walk.g.input(public, dims, dtype)


def _dims(public: str, stated: tuple[int, ...] | None, *, alone: bool) -> Dims | None:
    """Dims of an input: sizes that the file leaves open get names."""
    if stated is None:
        return None
    plain = list(PICTURE_AXES[: len(stated) - 1]) + [f"axis{axis}" for axis in range(3, len(stated))]
    if len(stated) != 4:
        plain = [PICTURE_AXES[0]] + [f"axis{axis}" for axis in range(1, len(stated))]
    names = plain + ["channels"] * (len(stated) - len(plain))
    return tuple(
        size if size >= 0 else name if alone else f"{public}.{name}" for size, name in zip(stated, names, strict=False)
    )


def _agreed(public: str, stated: tuple[int, ...] | None, asked: tuple[int, ...]) -> Dims:
    """The shape asked for. Raises BodyDoubleError where the number of axes is another than the file's."""
    if stated is not None and len(stated) != len(asked):
        raise BodyDoubleError(f"shape {asked} for input {public}, which the file gives {len(stated)} axes {stated}")
    return asked
