"""Sparse weights of TFLite, laid out level by level, made dense.

A sparse tensor is a tree: each level walks one axis, either every index (dense) or only those listed (CSR). Axes come
in any order, and the last levels may walk the inside of blocks. Source: TensorFlow Lite's schema.fbs,
SparsityParameters, after the TACO formats (Kjolstad et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodydouble.convert.graph import Shape, Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Dimension:
    """One level: dense with `size` indices, or listed: indices[segments[i]:segments[i + 1]] below parent i."""

    size: int
    segments: Tensor | None = None
    indices: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sparsity:
    """shape: of the dense tensor. traversal: axis of each level; axes from len(shape) on are insides of blocks.

    blocks: the axis that each block axis divides.
    """

    shape: Shape
    traversal: tuple[int, ...]
    blocks: tuple[int, ...]
    levels: tuple[Dimension, ...]


def densify(values: Tensor, sparsity: Sparsity) -> Tensor:
    """The dense array, zero where nothing is stored. values: flat, in the order of the tree's leaves.

    Raises ValueError where the layout does not fit the values or the shape.
    """
    rank = len(sparsity.shape)
    if sorted(sparsity.traversal) != list(range(len(sparsity.levels))) or len(sparsity.levels) < rank:
        raise ValueError(f"levels {sparsity.traversal} do not walk a tensor of shape {sparsity.shape}")
    walked: dict[int, Tensor] = {}  # axis -> index of every node of the level reached so far
    count = 1
    for axis, level in zip(sparsity.traversal, sparsity.levels, strict=True):
        if level.segments is None or level.indices is None:
            parents = np.repeat(np.arange(count), level.size)
            here = np.tile(np.arange(level.size), count)
        else:
            parents = np.repeat(np.arange(count), np.diff(level.segments))
            here = level.indices
        walked = {other: index[parents] for other, index in walked.items()}
        walked[axis], count = here, len(here)
    if len(values) != count:
        raise ValueError(f"{len(values)} stored values where the layout wants {count}")
    places = [walked[axis] for axis in range(rank)]
    for number, axis in enumerate(sparsity.blocks):
        block = sparsity.levels[sparsity.traversal.index(rank + number)].size
        places[axis] = places[axis] * block + walked[rank + number]
    dense = np.zeros(sparsity.shape, values.dtype)
    dense[tuple(places)] = values
    return dense
