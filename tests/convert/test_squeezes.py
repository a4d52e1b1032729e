"""Squeeze and Unsqueeze that take each other back leave the graph, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.convert.graph import Builder
from bodydouble.convert.passes import cancel_squeezes


def grown(first: str, axes: list[int], second: str, axes_again: list[int], *, handed_out: bool = False) -> list[str]:
    """Operators that are left of relu(second(first(x)))."""
    builder = Builder()
    x = builder.input("x", (1, 4, 1, 3))
    over, again = (builder.constant(np.array(a, np.int64), name="axes") for a in (axes, axes_again))
    middle = builder.add(first, [x, over], None)
    last = builder.add(second, [middle, again], (1, 4, 1, 3))
    end = builder.add("Relu", [last], (1, 4, 1, 3))
    outputs = {"y": end, **({"same": last} if handed_out else {})}
    graph = cancel_squeezes(builder.graph(outputs))
    if len(graph.nodes) == 1:
        assert graph.nodes[0].inputs == (x,)
    return [node.op for node in graph.nodes]


@pytest.mark.parametrize("pair", [("Squeeze", "Unsqueeze"), ("Unsqueeze", "Squeeze")])
def test_a_pair_over_the_same_axes_goes(pair):
    assert grown(pair[0], [0, 2], pair[1], [2, 0]) == ["Relu"]


def test_other_axes_stay():
    assert grown("Squeeze", [0], "Unsqueeze", [2]) == ["Squeeze", "Unsqueeze", "Relu"]


def test_what_is_handed_out_keeps_its_maker():
    assert grown("Squeeze", [0], "Unsqueeze", [0], handed_out=True) == ["Squeeze", "Unsqueeze", "Relu"]
