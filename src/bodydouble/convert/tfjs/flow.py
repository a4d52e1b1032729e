"""Branches, loops and calls of functions.

A branch whose predicate is known while converting is taken at once; else both become graphs of ONNX's If.
Loops: loops.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Graph, Node
from bodydouble.convert.tfjs import lists
from bodydouble.convert.tfjs.calls import Call, Missing, Thing, handles
from bodydouble.convert.tfjs.lists import NotCollectedError
from bodydouble.convert.tfjs.loops import Loop, common, name_sizes
from bodydouble.convert.tfjs.records import Function
from bodydouble.types import BodyDoubleError


@handles("PartitionedCall", "StatefulPartitionedCall")
def _call(call: Call) -> tuple[Thing, ...]:
    return tuple(call.walk.call(call.walk.function(str(call.attr("f"))), call.given, {}))


def _functions(call: Call, *names: str) -> list[Function]:
    """The functions that attributes hold, or name in the file's library."""
    found = [call.attr(name) for name in names]
    return [function if isinstance(function, Function) else call.walk.function(str(function)) for function in found]


@handles("If", "StatelessIf", "_If")
def _if(call: Call) -> tuple[Thing, ...] | Missing:
    lifted = call.record.op == "_If"
    yes, no = _functions(call, *(("then", "else") if lifted else ("then_branch", "else_branch")))
    outer = call.env if lifted else {}
    predicate = call.known(0)
    if predicate is not None:
        return tuple(call.walk.call(yes if predicate.any() else no, call.given[1:], outer))
    g = call.g
    condition = g.cast(call.x(0), np.bool_)
    if g.dims_or_none(condition) != ():
        condition = g.emit("Reshape", condition, lists.scalar_shape(g))
    branches, missing = [], Counter(call.walk.missing)
    for function in (yes, no):
        with g.body() as nodes:
            things = call.walk.call(function, call.given[1:], outer)
            branches.append((nodes, things))
    if call.walk.missing != missing or any(isinstance(thing, Missing) for _, things in branches for thing in things):
        return Missing()
    return _joined(g, condition, branches)


def _joined(g: Emitter, condition: str, branches: Sequence[tuple[list[Node], list[Thing]]]) -> tuple[Thing, ...]:
    """The results of two branches as those of one node; what both pass on alike stays as it is."""
    (_, yes), (_, no) = branches
    results: list[Thing] = list(yes)
    differing = [position for position, (a, b) in enumerate(zip(yes, no, strict=True)) if a is not b and a != b]
    if not differing:
        return tuple(results)
    kinds = []
    for position in differing:
        a, b = yes[position], no[position]
        if not isinstance(a, str) or not isinstance(b, str) or g.dtype(a) != g.dtype(b):
            raise BodyDoubleError("If whose branches give different kinds of things")
        kinds.append((common(g.dims_or_none(a), g.dims_or_none(b)), g.dtype(a)))
    bodies: dict[str, Any] = {}
    for key, (nodes, things) in zip(("then_branch", "else_branch"), branches, strict=True):
        given = {g.fresh(f"{key}_{position}"): things[position] for position in differing}
        bodies[key] = Graph((), given, tuple(nodes), {}, {})
    outputs = g.add_all("If", [condition], kinds, names=(), **bodies)
    for position, output in zip(differing, outputs, strict=True):
        name_sizes(g, output)
        results[position] = output
    return tuple(results)


@handles("While", "StatelessWhile", "_While")
def _while(call: Call) -> tuple[Thing, ...] | Missing:
    condition, body = _functions(call, "cond", "body")
    loop = Loop(call, condition, body, call.env if call.record.op == "_While" else {})
    unrolled = loop.unrolled()
    if unrolled is not None:
        return tuple(unrolled)
    try:
        return loop.emitted(collect=True)
    except NotCollectedError:
        return loop.emitted(collect=False)
