"""Other subgraphs: branches, loops, calls, and variables that keep a value from run to run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bodydouble.convert.graph import Dims, Graph, Node, Value
from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_graph import Scope
from bodydouble.convert.tflite_operators.registry import handles
from bodydouble.types import BodyDoubleError


def called(call: Call, number: int, values: Sequence[str]) -> list[str]:
    """The outputs of another subgraph on some values, its operators put in place of the call."""
    subgraphs = call.scope.conversion.model.subgraphs
    if not 0 < number < len(subgraphs):
        raise BodyDoubleError(f"{call.kind} of subgraph {number} of {len(subgraphs)}")
    subgraph = subgraphs[number]
    if len(subgraph.inputs) > len(values):
        raise BodyDoubleError(f"{call.kind} of a subgraph with {len(subgraph.inputs)} inputs")
    scope = Scope(call.scope.conversion, subgraph)
    scope.depth = call.scope.depth + 1
    if scope.depth > _DEEPEST:
        raise BodyDoubleError(f"{call.kind} of subgraphs that call themselves")
    scope.names.update(zip(subgraph.inputs, values, strict=False))
    scope.walk()
    return [scope.value(number) for number in subgraph.outputs]


_DEEPEST = 32  # subgraphs inside one another


@handles("CALL", "STABLEHLO_COMPOSITE")
def _call(call: Call) -> Result:
    option = "Subgraph" if call.kind == "CALL" else "DecompositionSubgraphIndex"
    return called(call, int(call.option(option)), call.inputs())


@handles("IF")
def _if(call: Call) -> Result:
    numbers = [int(call.option(f"{branch}SubgraphIndex")) for branch in ("Then", "Else")]
    values = [call.input(n) for n in range(1, call.count)]
    known = call.known(0)
    if known is not None:
        return called(call, numbers[0 if known.ravel()[0] else 1], values)
    branches, kinds = [], []
    for number in numbers:
        with call.builder.body() as nodes:
            outputs = _own(call, called(call, number, values))
            branches.append(_body((), outputs, nodes))
            kinds.append([call.builder.values[name] for name in outputs])
    made = [(_common(call, a.dims, b.dims), a.dtype) for a, b in zip(*kinds, strict=True)]
    condition = call.reshaped(call.input(0), ())
    return call.builder.add_all("If", [condition], made, then_branch=branches[0], else_branch=branches[1])


def _own(call: Call, outputs: Sequence[str]) -> list[str]:
    """What goes out of a body, each made in it, and none twice."""
    builder = call.builder
    return [
        builder.add_all("Identity", [name], [(builder.values[name].dims, builder.values[name].dtype)])[0]
        for name in outputs
    ]


def _body(inputs: Sequence[str], outputs: Sequence[str], nodes: Sequence[Node]) -> Graph:
    return Graph(tuple(inputs), {name: name for name in outputs}, tuple(nodes), {}, {})


def _common(call: Call, a: Dims | None, b: Dims | None) -> Dims | None:
    """What two shapes have in common."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(m if m == n else call.builder.fresh("either") for m, n in zip(a, b, strict=True))


@handles("WHILE", "STABLEHLO_WHILE")
def _while(call: Call) -> Result:
    """The body on its own outputs as long as the condition holds of them."""
    test, body = (int(call.option(f"{part}SubgraphIndex")) for part in ("Cond", "Body"))
    builder, start = call.builder, call.inputs()
    given = builder.add("Identity", [call.reshaped(called(call, test, start)[0], ())], (), dtype=np.bool_)
    changing = [False] * len(start)
    while True:
        # Sizes that a round changes are open; which ones do shows when the body is walked with those before it.
        number, going = _inner(call, (), np.int64, "round"), _inner(call, (), np.bool_, "going")
        carried = [
            _inner(
                call, _loose(call, builder.values[v].dims) if loose else builder.values[v].dims, builder.values[v].dtype
            )
            for v, loose in zip(start, changing, strict=True)
        ]
        before = call.scope.conversion.missing.copy()
        with builder.body() as nodes:
            after = called(call, body, carried)
            again = call.reshaped(called(call, test, after)[0], ())
            outputs = _own(call, [again, *after])
        grown = [
            loose or builder.values[a].dims != builder.values[b].dims
            for a, b, loose in zip(carried, after, changing, strict=True)
        ]
        if grown == changing:
            break
        changing = grown
        call.scope.conversion.missing = before
    made = [(builder.values[name].dims, builder.values[name].dtype) for name in carried]
    loop = _body((number, going, *carried), outputs, nodes)
    return builder.add_all("Loop", ["", given, *start], made, body=loop)


def _inner(call: Call, dims: Dims | None, dtype: object, wish: str = "carried") -> str:
    """A value that a body is given."""
    name = call.builder.fresh(wish)
    call.builder.values[name] = Value(name, dims, np.dtype(dtype))  # type: ignore[call-overload]
    return name


def _loose(call: Call, dims: Dims | None) -> Dims | None:
    return None if dims is None else tuple(call.builder.fresh("size") for _ in dims)


# Variables: a handle is a constant, the number of the variable's name.


@handles("VAR_HANDLE")
def _handle(call: Call) -> Result:
    raw = call.option("SharedName", b"")
    name = raw.decode() if isinstance(raw, bytes) else str(raw)
    container = call.option("Container", b"") or b""
    return np.array(
        call.scope.conversion.variables.number(f"{container.decode()}{name}" or call.result().name), np.int32
    )


@handles("CALL_ONCE")
def _call_once(call: Call) -> Result:
    """Runs before everything else, in the first run only: what it assigns is what variables start with."""
    variables = call.scope.conversion.variables
    variables.starting = True
    try:
        called(call, int(call.option("InitSubgraphIndex")), [])
    finally:
        variables.starting = False
    return []


@handles("ASSIGN_VARIABLE")
def _assign(call: Call) -> Result:
    variables, number = call.scope.conversion.variables, call.numbers(0)[0]
    if variables.starting:
        start = call.known(1)
        if start is None:
            raise BodyDoubleError("CALL_ONCE that computes what a variable starts with")
        variables.start(number, start)
    elif call.scope.depth:
        raise BodyDoubleError("ASSIGN_VARIABLE inside a branch or a loop")
    else:
        variables.assign(number, call.input(1))
    return []


@handles("READ_VARIABLE")
def _read(call: Call) -> Result:
    """What was assigned in this run, or what the run was given."""
    variables, number = call.scope.conversion.variables, call.numbers(0)[0]
    dims = call.scope.stated(call.result())
    return variables.read(call.builder, number, dims, call.made())
