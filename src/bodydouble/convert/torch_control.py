"""If, Loop and NonMaxSuppression. Bodies are modules of their own; torch.fx records a straight line only, so what picks
or repeats them are functions of the standard library (operator.call, itertools.accumulate, ...), recorded as calls.
"""

from __future__ import annotations

import itertools
import operator as functions
from collections.abc import Callable
from typing import Any

import onnx
import torch
from torch import fx, nn

from bodydouble.convert.torch_call import Call, convert, inline, operator
from bodydouble.convert.torch_graph import Scope, Sizes

CARRIED = 3  # place of the first value that a loop carries in its state


def _module(scope: Scope, outputs: tuple[Any, ...]) -> fx.GraphModule:
    scope.graph.output(scope.tracer.create_arg(outputs))
    return fx.GraphModule(scope.root, scope.graph)


def _results(scope: Scope) -> tuple[Any, ...]:
    """The outputs of a scope's graph as tensors."""
    return tuple(scope.tensor(scope.value(place.name), place.name) for place in scope.proto.output)


def _held(call: Call, module: nn.Module, part: str) -> Any:
    """A body kept under the layer's name, and read as a value."""
    path = call.scope.path(f"{call.name()}_{part}")
    call.scope.hold(path, module)
    return call.scope.node("get_attr", path)


@operator("If")
def _if(call: Call) -> Any:
    graphs = [call.attribute("else_branch"), call.attribute("then_branch")]
    condition = call.value()
    known = call.constant(0)
    if known is not None:
        return _inlined(call, graphs[int(bool(known.item()))])
    scopes = []
    for graph in graphs:
        scope = Scope(call.scope.shared, graph, call.scope)
        convert(scope)
        scopes.append((scope, _results(scope)))
    captured: dict[str, Any] = {}
    for scope, _ in scopes:
        captured.update(scope.captured)
    for scope, _ in scopes:
        for name in captured.keys() - scope.captured.keys():
            scope.placeholder(name)  # both branches take the same arguments
    parts = ("otherwise", "then")
    branches = tuple(_held(call, _module(*item), part) for item, part in zip(scopes, parts, strict=True))
    flag = condition.items[0] if isinstance(condition, Sizes) else condition
    # branches[flag]; an index would be tried on a Proxy when a saved file is read
    chosen = call.scope.leaf(next, call.scope.leaf(itertools.islice, branches, call.scope.leaf(int, flag), None))
    arguments = {call.scope.label(name): value for name, value in captured.items()}
    made = call.scope.leaf(functions.call, chosen, **arguments)
    return tuple(made[index] for index in range(len(call.node.output)))


def _inlined(call: Call, graph: onnx.GraphProto) -> tuple[Any, ...]:
    """A branch that is always taken, recorded as part of the graph around it."""
    inline(call.scope, graph)
    return tuple(call.scope.value(place.name) for place in graph.output)


@operator("Loop")
def _loop(call: Call) -> Any:
    """State: (goes on, number of the step, condition, carried..., scanned so far...)."""
    graph: onnx.GraphProto = call.attribute("body")
    count = len(call.node.input) - 2
    scope = Scope(call.scope.shared, graph, call.scope)
    state = scope.placeholder("state_of_loop")
    scope.fixed = scope.placeholder("fixed_of_loop")
    scope.anchor = state[CARRIED - 1]
    names = [place.name for place in graph.input]
    scope.define(names[0], Sizes((state[1],), scalar=True))
    for index, name in enumerate(names[1:]):
        scope.define(name, state[CARRIED - 1 + index])
    convert(scope)
    condition, *made = _results(scope)
    goes = _truth(scope, condition)
    limit = call.numbers(0)[0] if call.has(0) else None
    goes_on = goes if limit is None else goes & (state[1] + 1 < scope.fixed["limit_of_loop"])
    scanned = [state[CARRIED + count + index] + (value,) for index, value in enumerate(made[count:])]
    body = _held(call, _module(scope, (goes_on, state[1] + 1, goes, *made[:count], *scanned)), "body")
    fixed = {call.scope.label(name): value for name, value in scope.captured.items()}
    if limit is not None:
        fixed["limit_of_loop"] = limit
    start = call.running(1) if call.has(1) else call.proxy(torch.tensor(True))
    carried = [call.running(2 + index) for index in range(count)]
    first = start if limit is None else start & torch.sym_int(limit > 0)
    final = _repeated(call, body, (first, 0, start, *carried, *[()] * len(scanned)), fixed)
    scans = tuple(torch.stack(final[CARRIED + count + index]) for index in range(len(scanned)))
    return (*(final[CARRIED + index] for index in range(count)), *scans)


def _truth(scope: Scope, value: Any) -> Any:
    """A truth value as a Proxy of a tensor."""
    return fx.Proxy(scope.buffer(value), scope.tracer) if isinstance(value, torch.Tensor) else value


def _repeated(call: Call, body: Any, start: tuple[Any, ...], fixed: dict[str, Any]) -> Any:
    """The first state that does not go on: body(state, fixed) gives the next. state[0]: goes on.

    Each function is given a Proxy, the device if nothing else: without one it would run, not be recorded, when a saved
    file is read.
    """
    leaf = call.scope.leaf
    every = leaf(itertools.repeat, {"device": call.scope.device(), **fixed})
    states = leaf(itertools.accumulate, every, body, initial=start)
    state = fx.Graph()
    state.output(_goes_on(state))
    stops = _held(call, fx.GraphModule(nn.Module(), state), "goes_on")
    return leaf(next, leaf(itertools.filterfalse, stops, states))


def _goes_on(graph: fx.Graph) -> fx.Node:
    """Whether a state goes on."""
    return graph.call_function(functions.getitem, (graph.placeholder("state"), 0))


def _next_boxes(state: Any, fixed: Any) -> Any:
    """One round of suppression for each class of each picture: the best box left, and what it covers struck out.

    state: (goes on, number of the round, scores (B, C, N) with -inf for what is out, the chosen of each round
    (B, C, 1), -1 for none).
    fixed: corners (B, 1, N, 4), the lower corner first; overlap; limit of rounds.
    """
    corners, overlap, limit = fixed["corners"], fixed["overlap"], fixed["limit"]
    scores = state[2]
    best = torch.argmax(scores, -1, keepdim=True)
    alive = torch.gather(scores, -1, best) > -torch.inf
    places = best.unsqueeze(-1).expand(-1, -1, -1, 4)
    box = torch.gather(corners.expand(-1, scores.shape[1], -1, -1), 2, places)
    low, high = torch.maximum(corners[..., :2], box[..., :2]), torch.minimum(corners[..., 2:], box[..., 2:])
    shared = torch.clamp(high - low, min=0).prod(-1)
    areas = (corners[..., 2:] - corners[..., :2]).prod(-1)
    area = (box[..., 2:] - box[..., :2]).prod(-1)
    covered = (shared > overlap * (areas + area - shared)) & (areas > 0) & (area > 0)
    left = torch.where(covered, -torch.inf, scores).scatter(-1, best, -torch.inf)
    # & with 0 or 1: the TorchScript exporter has none of a tensor and a bool of Python's.
    goes_on = (left > -torch.inf).any() & torch.sym_int(state[1] + 1 < limit)
    return goes_on, state[1] + 1, left, state[3] + (torch.where(alive, best, -1),)


def _recorded(function: Callable[..., Any]) -> fx.GraphModule:
    """A function of ours as a module that needs nothing of ours."""
    graph = fx.Tracer().trace(function)
    for node in graph.nodes:
        node.type = None  # annotations are strings here, which no saved file can name
    return fx.GraphModule(nn.Module(), graph)


@operator("NonMaxSuppression")
def _non_max_suppression(call: Call) -> Any:
    boxes, scores = call.running(0), call.running(1)
    limit = call.numbers(2)[0] if call.has(2) else 0
    overlap = call.numbers(3)[0] if call.has(3) else 0.0
    threshold = call.numbers(4)[0] if call.has(4) else None
    first, second = boxes[..., :2], boxes[..., 2:]
    if call.attribute("center_point_box", 0):
        low, high = first - second / 2, first + second / 2
    else:
        low, high = torch.minimum(first, second), torch.maximum(first, second)
    corners = torch.cat([low, high], -1).unsqueeze(1).detach()
    left = scores.detach() if threshold is None else torch.where(scores > threshold, scores, -torch.inf).detach()
    goes_on = (left > -torch.inf).any() & torch.sym_int(limit > 0)
    body = _held(call, _recorded(_next_boxes), "round")
    nobody = torch.full_like(left[..., :1], -1, dtype=torch.int64)
    final = _repeated(
        call, body, (goes_on, 0, left, (nobody,)), {"corners": corners, "overlap": overlap, "limit": limit}
    )
    chosen = torch.cat(final[3], -1)
    rows = torch.nonzero(chosen >= 0)
    picked = chosen[rows[:, 0], rows[:, 1], rows[:, 2]]
    return torch.cat([rows[:, :2], picked.unsqueeze(-1)], -1)
