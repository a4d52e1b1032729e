"""Lets a network whose file states a batch of one take any number of pictures, where that can be shown.

The file's Reshapes have the batch folded in as numbers. Two pictures are sent through at once; a Reshape that meets
twice the elements gets -1 for its first size. The result stands only if both pictures come out as they do one by one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

PICTURES = 2
SEED = 0
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


def free_batch(model: fx.GraphModule, inputs: list[tuple[tuple[int | None, ...] | None, torch.dtype | None]]) -> bool:
    """Mend the model in place so that it takes any number of pictures; False, and nothing changed, where it cannot.

    inputs: shape and dtype of each input, as the model takes it.
    """
    if not any(shape and len(shape) > 1 and shape[0] == 1 for shape, _ in inputs):
        return False
    pictures = _samples(inputs)
    if pictures is None:
        return False
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


def _samples(
    inputs: list[tuple[tuple[int | None, ...] | None, torch.dtype | None]],
) -> list[list[torch.Tensor]] | None:
    """Noise of the inputs' shapes for each picture; what has no batch is the same for both. None: sizes are open."""
    random = torch.Generator().manual_seed(SEED)
    pictures: list[list[torch.Tensor]] = [[] for _ in range(PICTURES)]
    for shape, dtype in inputs:
        if shape is None or dtype is None or any(size is None for size in shape):
            return None
        for picture in pictures:
            batched = len(shape) > 1 and shape[0] == 1
            if picture is not pictures[0] and not batched:
                picture.append(pictures[0][-1])
            else:
                noise = torch.rand([size or 0 for size in shape], generator=random)
                picture.append(noise.to(dtype) if dtype.is_floating_point else (noise * 100).to(dtype))
    return pictures


def _joined(pictures: list[list[torch.Tensor]], inputs: list[Any]) -> list[torch.Tensor]:
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
