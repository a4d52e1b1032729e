"""Lets a network whose file states a batch of one take any number of pictures, where that can be shown.

The file's Reshapes have the batch folded in as numbers. Two pictures are sent through at once; a Reshape that meets
twice the elements gets -1 for its first size. The result stands only if both pictures come out as they do one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import fx

# Shape and dtype of an input; None for what the file does not say.
Input = tuple[tuple[int | None, ...] | None, torch.dtype | None]

PICTURES = 2
SEED = 0
PICTURE_AXES = 4
OPEN_PICTURE, OPEN_AXIS = 256, 4  # sizes that are left open: of pictures such that most networks take, of other inputs
# Of an output's range over the pictures. Pictures that mix differ by as much as the pictures do; the same sums in
# another order by far less, also where noise for a picture drives a sigmoid to a narrow range.
TOLERANCE = 1e-2


class _Watcher(fx.Interpreter):  # type: ignore[misc]
    """Runs a graph and notes the shape that each Reshape makes; given the notes of one picture, mends for several."""

    def __init__(self, model: fx.GraphModule, notes: dict[fx.Node, tuple[int, torch.Size]] | None = None) -> None:
        super().__init__(model)
        self.known = notes
        self.notes: dict[fx.Node, tuple[int, torch.Size]] = {}
        self.mended: dict[fx.Node, list[int]] = {}

    def run_node(self, n: fx.Node) -> Any:
        """One node; a Reshape to plain numbers is noted, or mended."""
        if n.op != "call_method" or n.target != "reshape" or not all(type(size) is int for size in _sizes(n)):
            return super().run_node(n)
        x = self.fetch_args_kwargs_from_env(n)[0][0]
        if self.known is not None and x.numel() == PICTURES * self.known[n][0] and _sizes(n)[:1] != [-1]:
            self.mended[n] = [-1, *self.known[n][1][1:]]
            return x.reshape(self.mended[n])
        y = super().run_node(n)
        self.notes[n] = (x.numel(), y.shape)
        return y


def _sizes(node: fx.Node) -> list[Any]:
    wanted = node.args[1]
    return list(wanted) if isinstance(wanted, list | tuple) else [None]


def free_batch(model: fx.GraphModule, inputs: Sequence[Input]) -> bool:
    """Mend the model in place so that it takes any number of pictures; False, and nothing changed, where it cannot.

    inputs: shape and dtype of each input, as the model takes it.
    """
    if not any(shape and len(shape) > 1 and shape[0] == 1 for shape, _ in inputs):
        return False
    if any(shape is None or dtype is None or None in shape for shape, dtype in inputs):
        return False  # sizes are open
    pictures = samples(inputs, PICTURES)
    try:
        with torch.no_grad():
            first = _Watcher(model)
            alone = [first.run(*pictures[0]), *(model(*picture) for picture in pictures[1:])]
            several = _Watcher(model, first.notes)
            together = several.run(*_joined(pictures, inputs))
    except (RuntimeError, ValueError, IndexError, TypeError):
        return False  # the network is made for one picture
    if not _agree(together, alone):
        return False
    for node, wanted in several.mended.items():
        node.args = (node.args[0], wanted)
    model.recompile()
    return True


def samples(inputs: Sequence[Input], count: int) -> list[list[torch.Tensor]]:
    """Noise of the inputs' shapes for each picture; what has no batch is the same for all. Open sizes are filled in."""
    random = torch.Generator().manual_seed(SEED)
    pictures: list[list[torch.Tensor]] = [[] for _ in range(count)]
    for shape, dtype in inputs:
        across = OPEN_PICTURE if len(shape or ()) == PICTURE_AXES else OPEN_AXIS
        sizes = [(across if axis else 1) if size is None else size for axis, size in enumerate(shape or ())]
        kind = dtype or torch.float32
        for picture in pictures:
            if picture is not pictures[0] and not (len(sizes) > 1 and sizes[0] == 1):
                picture.append(pictures[0][-1])
            else:
                noise = torch.rand(sizes, generator=random)
                picture.append(noise.to(kind) if kind.is_floating_point else (noise * 100).to(kind))
    return pictures


def _joined(pictures: list[list[torch.Tensor]], inputs: Sequence[Any]) -> list[torch.Tensor]:
    columns = zip(inputs, zip(*pictures, strict=True), strict=True)
    return [torch.cat(column) if len(shape) > 1 and shape[0] == 1 else column[0] for (shape, _), column in columns]


def _agree(together: dict[str, torch.Tensor], alone: list[dict[str, torch.Tensor]]) -> bool:
    """Whether each picture comes out of the batch as it does alone."""
    for name, values in together.items():
        parts = [picture[name] for picture in alone]
        if any(part.ndim == 0 for part in parts):
            return False
        wanted = torch.cat(parts)
        if wanted.shape != values.shape:
            return False
        wanted, values = wanted.double(), values.double()
        spread = float(wanted.max() - wanted.min()) if wanted.numel() else 0.0
        if not torch.allclose(wanted, values, rtol=0.0, atol=TOLERANCE * max(spread, 1e-6), equal_nan=True):
            return False
    return True
