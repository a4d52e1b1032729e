"""Sparse weights come out dense, whatever the order, blocks and levels they are laid out in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_tflite import Tiny, agree

from bodydouble.convert.sparsity import Dimension, Sparsity, densify

# Shape of the dense tensor, traversal, block map, block sizes, which levels are sparse.
LAYOUTS = {
    "dense": ((3, 4), (0, 1), (), (), ()),
    "csr": ((5, 7), (0, 1), (), (), (1,)),
    "csc": ((5, 7), (1, 0), (), (), (1,)),
    "both-sparse": ((5, 7), (0, 1), (), (), (0, 1)),
    "one-axis-blocks": ((6, 8), (0, 1, 2), (1,), (4,), (1,)),
    "square-blocks": ((6, 8), (0, 1, 2, 3), (0, 1), (2, 4), (1,)),
    "square-blocks-turned": ((6, 8), (1, 0, 3, 2), (0, 1), (2, 4), (1,)),
    "weights": ((8, 1, 1, 12), (0, 1, 2, 3), (), (), (3,)),
    "weights-in-blocks": ((8, 3, 3, 12), (0, 3, 1, 2, 4), (3,), (4,), (1, 3)),
}


def encode(dense: np.ndarray, traversal: Any, blocks: Any, sizes: Any, sparse: Any) -> tuple[list[float], list[Any]]:
    """Lay an array out, one entry at a time: slow and plain, the opposite of densify."""
    rank = dense.ndim
    outer = list(dense.shape)
    for axis, size in zip(blocks, sizes, strict=True):
        outer[axis] //= size
    extents = [*outer, *sizes]

    def entries(prefix: tuple[int, ...]) -> np.ndarray:
        """All values below a node of the tree, in no particular order."""
        cuts = [slice(None)] * rank
        chosen = dict(zip(traversal, prefix, strict=False))
        array = dense
        # Split each blocked axis in two, then index what is chosen.
        shape: list[int] = []
        where: dict[int, int] = {}
        for axis in range(rank):
            where[axis] = len(shape)
            shape.append(outer[axis])
            if axis in blocks:
                number = list(blocks).index(axis)
                where[rank + number] = len(shape)
                shape.append(sizes[number])
        cuts = [slice(None)] * len(shape)
        for axis, index in chosen.items():
            cuts[where[axis]] = slice(index, index + 1)
        return array.reshape(shape)[tuple(cuts)]

    nodes: list[tuple[int, ...]] = [()]
    levels: list[Any] = []
    for depth, axis in enumerate(traversal):
        below: list[tuple[int, ...]] = []
        segments, indices = [0], []
        for node in nodes:
            for index in range(extents[axis]):
                if depth not in sparse or entries((*node, index)).any():
                    below.append((*node, index))
                    indices.append(index)
            segments.append(len(indices))
        levels.append((segments, indices) if depth in sparse else (extents[axis],))
        nodes = below
    return [float(entries(node).item()) for node in nodes], levels


def some_zeros(shape: tuple[int, ...], seed: int, share: float) -> np.ndarray:
    random = np.random.default_rng(seed)
    dense = random.normal(size=shape).astype(np.float16)
    dense[random.random(shape) < share] = 0
    return dense


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(LAYOUTS)), st.integers(0, 99), st.sampled_from([0.0, 0.5, 0.9, 1.0]))
def test_densify_undoes_the_layout(name: str, seed: int, share: float) -> None:
    shape, traversal, blocks, sizes, sparse = LAYOUTS[name]
    dense = some_zeros(shape, seed, share)
    values, levels = encode(dense, traversal, blocks, sizes, sparse)
    dimensions = tuple(
        Dimension(level[0]) if len(level) == 1 else Dimension(0, np.array(level[0]), np.array(level[1], int))
        for level in levels
    )
    stored = np.array(values, np.float16)
    np.testing.assert_array_equal(densify(stored, Sparsity(shape, traversal, blocks, dimensions)), dense)


@pytest.mark.parametrize("name", ["csr", "one-axis-blocks", "weights", "weights-in-blocks"])
def test_densify_is_litert_s(tmp_path: Path, name: str) -> None:
    """Sparse convolution weights as pose_detection has them: DENSIFY, DEQUANTIZE, CONV_2D."""
    shape, traversal, blocks, sizes, sparse = LAYOUTS[name]
    tiny = Tiny()
    values, levels = encode(some_zeros(shape, 3, 0.6), traversal, blocks, sizes, sparse)
    weights = tiny.op("DENSIFY", [tiny.sparse(values, shape, traversal, blocks, levels)], shape, dtype="float16")
    weights = tiny.op("DEQUANTIZE", [weights], shape)
    if len(shape) == 4:
        x, bias = tiny.input(1, 5, 6, shape[3]), tiny.noise(shape[0])
        y = tiny.op("CONV_2D", [x, weights, bias], (1, 5, 6, shape[0]), "Conv2DOptions", StrideH=1, StrideW=1)
    else:
        x, bias = tiny.input(2, shape[1]), tiny.noise(shape[0])
        y = tiny.op("FULLY_CONNECTED", [x, weights, bias], (2, shape[0]), "FullyConnectedOptions")
    agree(tiny, [y], tmp_path)


@pytest.mark.parametrize("change", ["values", "levels", "place"])
def test_a_layout_that_does_not_fit_is_refused(change: str) -> None:
    shape, traversal, blocks, sizes, sparse = LAYOUTS["csr"]
    values, levels = encode(some_zeros(shape, 1, 0.5), traversal, blocks, sizes, sparse)
    segments, indices = (np.array(numbers) for numbers in levels[1])
    if change == "values":
        values = values[:-1]
    if change == "place":
        indices = indices + shape[1]
    dimensions = (Dimension(shape[0]), Dimension(0, segments, indices))
    if change == "levels":
        dimensions = dimensions[:1]
    with pytest.raises((ValueError, IndexError)):
        densify(np.array(values, np.float16), Sparsity(shape, traversal, blocks, dimensions))
