"""If, Loop and NonMaxSuppression. Bodies are modules of their own; torch.fx records a straight line only, so what picks
or repeats them are functions of the standard library (operator.call, itertools.accumulate, ...), recorded as calls.
"""

from __future__ import annotations

import functools
import itertools
import operator as functions
from typing import Any

import onnx
import torch
from torch import fx, nn

from bodydouble.convert.torch_graph import Call, Scope, Sizes, convert, operator


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
    chosen = call.scope.leaf(functions.getitem, branches, call.scope.leaf(int, flag))
    arguments = {call.scope.label(name): value for name, value in captured.items()}
    made = call.scope.leaf(functions.call, chosen, **arguments)
    return tuple(made[index] for index in range(len(call.node.output)))


def _inlined(call: Call, graph: onnx.GraphProto) -> tuple[Any, ...]:
    """A branch that is always taken, recorded as part of the graph around it."""
    call.scope.inline(graph)
    return tuple(call.scope.value(place.name) for place in graph.output)


@operator("Loop")
def _loop(call: Call) -> Any:
    """State: (goes on, condition, carried..., scanned so far...), each a step of itertools.accumulate."""
    graph: onnx.GraphProto = call.attribute("body")
    count = len(call.node.input) - 2
    scope = Scope(call.scope.shared, graph, call.scope)
    state = scope.placeholder("state_of_loop")
    step = scope.placeholder("step_of_loop")
    names = [place.name for place in graph.input]
    scope.define(names[0], Sizes((step,), scalar=True))
    scope.define(names[1], state[1])
    for index, name in enumerate(names[2:]):
        scope.define(name, state[2 + index])
    convert(scope)
    condition, *made = _results(scope)
    goes = condition.reshape([]) if isinstance(condition, fx.Proxy) else scope.tensor(condition, graph.output[0].name)
    limit = call.numbers(0)[0] if call.has(0) else None
    goes_on = goes if limit is None else goes & (step + 1 < scope.placeholder("limit_of_loop"))
    scanned = [state[2 + count + index] + (value,) for index, value in enumerate(made[count:])]
    body = _held(call, _module(scope, (goes_on, goes, *made[:count], *scanned)), "body")
    extra = {} if limit is None else {"limit_of_loop": limit}
    captured = {call.scope.label(name): value for name, value in scope.captured.items()}
    start = call.running(1) if call.has(1) else call.proxy(torch.tensor(True))
    first = start if limit is None else start.reshape([]) & (limit > 0)
    carried = [call.running(2 + index) for index in range(count)]
    final = _repeated(call, body, (first, start, *carried, *[()] * len(scanned)), captured | extra)
    scans = tuple(torch.stack(final[2 + count + index]) for index in range(len(scanned)))
    return (*(final[2 + index] for index in range(count)), *scans)


def _repeated(call: Call, body: Any, start: tuple[Any, ...], fixed: dict[str, Any]) -> Any:
    """The first state that does not go on: body(state, number of the step, **fixed) gives the next."""
    leaf = call.scope.leaf
    step = leaf(functools.partial, body, **fixed)
    states = leaf(itertools.accumulate, leaf(itertools.count), step, initial=start)
    return leaf(next, leaf(itertools.filterfalse, leaf(functions.itemgetter, 0), states))


def _next_boxes(state: Any, step: Any, corners: Any, overlap: Any, limit: Any) -> Any:
    """One round of suppression for each class of each picture: the best box left, and what it covers struck out.

    state: (goes on, scores (B, C, N) with -inf for what is out, the chosen of each round (B, C, 1), -1 for none).
    corners: (B, 1, N, 4), the lower corner first.
    """
    scores = state[1]
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
    goes_on = (left > -torch.inf).any() & (step + 1 < limit)
    return goes_on, left, state[2] + (torch.where(alive, best, -1),)


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
    goes_on = (left > -torch.inf).any() & (limit > 0)
    body = _held(call, fx.symbolic_trace(_next_boxes), "round")
    nobody = torch.full_like(left[..., :1], -1, dtype=torch.int64)
    final = _repeated(call, body, (goes_on, left, (nobody,)), {"corners": corners, "overlap": overlap, "limit": limit})
    chosen = torch.cat(final[2], -1)
    rows = torch.nonzero(chosen >= 0)
    picked = chosen[rows[:, 0], rows[:, 1], rows[:, 2]]
    return torch.cat([rows[:, :2], picked.unsqueeze(-1)], -1)
