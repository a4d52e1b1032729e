"""Which weights a network's outputs give a gradient to, and outputs more for those that would get none.

What is only chosen by (MoveNet's centre heat map and regression, read by an ArgMax) has no gradient. The last layers
before such a choice, heads as one says, become outputs of their own, so that a loss can be put on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import fx

PICTURE = 4  # axes
CHANNELS_LAST = (0, 2, 3, 1)


class _Recorder(fx.Interpreter):  # type: ignore[misc]
    """Runs a graph with gradients and keeps what each node answers."""

    def __init__(self, network: fx.GraphModule) -> None:
        super().__init__(network, garbage_collect_values=False)
        self.answers: dict[fx.Node, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        """One node."""
        self.answers[n] = super().run_node(n)
        return self.answers[n]


def add_heads(
    network: fx.GraphModule, layers: Mapping[str, str], pictures: Sequence[torch.Tensor]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Add the heads to the outputs, in place, channels last as the file's outputs are.

    layers: the file's names of layers by their path in the network. pictures: what the network is tried with.
    Answers the names of the outputs added, and of the parameters that still get no gradient from any output.
    """
    recorder = _Recorder(network)
    with torch.enable_grad():
        recorder.run(*pictures)
    output = next(node for node in network.graph.nodes if node.op == "output")
    outputs: dict[str, Any] = dict(output.args[0])
    names = {parameter: name for name, parameter in network.named_parameters()}
    lost = set(names) - _reached([recorder.answers[node] for node in outputs.values() if isinstance(node, fx.Node)])
    heads: list[fx.Node] = []
    for node in reversed(network.graph.nodes):
        mine = _parameters(network, node) & lost
        answer = recorder.answers.get(node)
        if node.op != "call_module" or not mine or not isinstance(answer, torch.Tensor) or not answer.requires_grad:
            continue
        heads.append(node)
        lost -= _reached([answer])
    added = []
    for node in reversed(heads):
        name = layers.get(node.target, node.target)
        while name in outputs:
            name += "_head"
        with network.graph.inserting_before(output):
            turned = recorder.answers[node].ndim == PICTURE
            outputs[name] = network.graph.call_method("permute", (node, CHANNELS_LAST)) if turned else node
        added.append(name)
    output.args = (outputs,)
    network.recompile()
    return tuple(added), tuple(sorted(names[parameter] for parameter in lost))


def _parameters(network: fx.GraphModule, node: fx.Node) -> set[torch.nn.Parameter]:
    return set(network.get_submodule(node.target).parameters()) if node.op == "call_module" else set()


def _reached(tensors: Sequence[Any]) -> set[torch.Tensor]:
    """The parameters that the tensors give a gradient to."""
    waiting = [tensor.grad_fn for tensor in tensors if isinstance(tensor, torch.Tensor) and tensor.grad_fn is not None]
    seen, found = set(waiting), set()
    while waiting:
        step = waiting.pop()
        if hasattr(step, "variable"):
            found.add(step.variable)
        for before, _ in step.next_functions:
            if before is not None and before not in seen:
                seen.add(before)
                waiting.append(before)
    return found
