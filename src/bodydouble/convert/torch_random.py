"""ONNX's operators of chance, and those that sort out values: torch draws other numbers than ONNX Runtime does."""

from __future__ import annotations

from typing import Any

import torch

from bodydouble.convert.torch_call import Call, operator
from bodydouble.convert.torch_graph import DTYPES


@operator("RandomNormalLike", "RandomUniformLike", "RandomNormal", "RandomUniform")
def _random(call: Call) -> Any:
    number = call.attribute("dtype")
    if call.node.op_type.endswith("Like"):
        dtype = DTYPES[number] if number else call.about(0).dtype
        base = torch.zeros_like(call.running(0), dtype=dtype)
    else:
        sizes = list(call.attribute("shape"))
        base = torch.zeros_like(call.proxy(torch.zeros(sizes)), dtype=DTYPES[number or 1])
    if "Normal" in call.node.op_type:
        return torch.randn_like(base) * call.attribute("scale", 1.0) + call.attribute("mean", 0.0)
    low, high = call.attribute("low", 0.0), call.attribute("high", 1.0)
    return torch.rand_like(base) * (high - low) + low


@operator("Multinomial")
def _multinomial(call: Call) -> Any:
    """x: logarithms of chances that need not add up to 1."""
    drawn = torch.multinomial(torch.softmax(call.running(0), -1), call.attribute("sample_size", 1), replacement=True)
    return drawn.to(DTYPES[call.attribute("dtype", 6)])


@operator("Unique")
def _unique(call: Call) -> Any:
    """Values, where each comes first, which of them each entry is, and how often each comes."""
    axis = call.attribute("axis")
    x = call.running(0)
    x = x.reshape(-1) if axis is None else x
    found = torch.unique(x, return_inverse=True, return_counts=True, dim=axis or 0)
    values, inverse, counts = found[0], found[1].reshape(-1), found[2]
    places = torch.arange(x.shape[axis or 0], device=x.device)
    far = torch.full_like(counts, torch.iinfo(torch.int64).max)
    first = far.scatter_reduce(0, inverse, places, "amin")
    if call.attribute("sorted", 1):
        return values, first, inverse, counts
    order = torch.argsort(first)
    return values.index_select(axis or 0, order), first[order], torch.argsort(order)[inverse], counts[order]


@operator("DFT")
def _dft(call: Call) -> Any:
    """(..., axis, ..., 1 or 2): real or complex numbers in the last axis."""
    axis = call.attribute("axis", 1)
    length = call.numbers(1)[0] if call.has(1) else None
    rank = call.rank(0)
    axis = axis + rank if axis < 0 else axis
    x = call.running(0)
    real = call.size(rank - 1) == 1
    if call.attribute("inverse", 0):
        return torch.view_as_real(torch.fft.ifft(_complex(x, real), length, axis))
    if call.attribute("onesided", 0):
        return torch.view_as_real(torch.fft.rfft(x.select(-1, 0), length, axis))
    return torch.view_as_real(torch.fft.fft(_complex(x, real), length, axis))


def _complex(x: Any, real: bool) -> Any:
    return torch.complex(x, torch.zeros_like(x)).squeeze(-1) if real else torch.view_as_complex(x.contiguous())
