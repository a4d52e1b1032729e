"""Uses of TensorFlow.js operators of pictures, and what they give, said pixel by pixel in numpy. See tfjs_cases.py."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tfjs_cases import SHAPE, case
from tiny_tfjs import Tiny

Array = np.ndarray[Any, Any]
random = np.random.default_rng(4)
WEIGHTS = random.normal(size=(3, 2, 4, 6)).astype(np.float32)
DEPTH = random.normal(size=(3, 3, 4, 2)).astype(np.float32)
CUBES = random.normal(size=(2, 2, 3, 1, 2)).astype(np.float32)
BOXES = np.array([[0, 0, 1, 1], [0.1, 0.6, 0.9, -0.2], [-0.3, 0.2, 0.5, 1.4]], np.float32)
BIAS = np.array([1, -2, 3, -4, 5, 6], np.float32)


def patches(
    x: Array, kernel: Sequence[int], strides: Sequence[int], rates: Sequence[int], padding: Any, fill: float
) -> Array:
    """(N, out..., kernel..., C) what a window sees at each place."""
    pads = [(0, 0)]
    for size, k, s, r in zip(x.shape[1:-1], kernel, strides, rates, strict=True):
        reach = (k - 1) * r + 1
        total = max((math.ceil(size / s) - 1) * s + reach - size, 0) if padding == "SAME" else 0
        pads.append((total // 2, total - total // 2))
    if not isinstance(padding, str):
        pads[1:] = padding
    x = np.pad(x, [*pads, (0, 0)], constant_values=fill)
    reach = [(k - 1) * r + 1 for k, r in zip(kernel, rates, strict=True)]
    counts = [(size - e) // s + 1 for size, e, s in zip(x.shape[1:-1], reach, strides, strict=True)]
    places = [
        np.arange(c)[:, None] * s + np.arange(k)[None] * r
        for c, s, k, r in zip(counts, strides, kernel, rates, strict=True)
    ]
    n = len(kernel)
    index = [
        p.reshape([p.shape[0] if a == i else p.shape[1] if a == n + i else 1 for a in range(2 * n)])
        for i, p in enumerate(places)
    ]
    return x[(slice(None), *index)]


def convolved(x: Array, w: Array, strides: Any = (1, 1), rates: Any = (1, 1), padding: Any = "SAME") -> Array:
    n = w.ndim - 2
    seen = patches(x, w.shape[:n], strides, rates, padding, 0)
    groups = x.shape[-1] // w.shape[-2]
    parts = []
    for g in range(groups):
        own = seen[..., g * w.shape[-2] : (g + 1) * w.shape[-2]]
        filters = w[..., g * w.shape[-1] // groups : (g + 1) * w.shape[-1] // groups]
        parts.append(np.tensordot(own, filters, axes=(range(own.ndim - n - 1, own.ndim), range(n + 1))))
    return np.concatenate(parts, -1)


def depthwise(x: Array, w: Array, strides: Any, rates: Any, padding: Any) -> Array:
    seen = patches(x, w.shape[:2], strides, rates, padding, 0)
    y = np.einsum("nhwijc,ijcm->nhwcm", seen, w)
    return y.reshape(*y.shape[:3], -1)


OPTIONS = list(itertools.product(((1, 1), (2, 2)), ((1, 1), (2, 1)), ("SAME", "VALID")))
for _strides, _rates, _padding in OPTIONS:
    _name = f"{_padding} stride {_strides[0]} dilation {_rates[0]}"
    _options = {"strides": [1, *_strides, 1], "dilations": [1, *_rates, 1], "padding": _padding}
    case(
        f"Conv2D {_name}",
        lambda t, x, y, n, o=_options: t.node("Conv2D", x, t.constant(WEIGHTS), **o),
        lambda x, y, n, s=_strides, r=_rates, p=_padding: convolved(x, WEIGHTS, s, r, p),
    )
    case(
        f"DepthwiseConv2dNative {_name}",
        lambda t, x, y, n, o=_options: t.node("DepthwiseConv2dNative", x, t.constant(DEPTH), **o),
        lambda x, y, n, s=_strides, r=_rates, p=_padding: depthwise(x, DEPTH, s, r, p),
    )
_EXPLICIT = {"strides": [1, 1, 1, 1], "padding": "EXPLICIT", "explicit_paddings": [0, 0, 2, 1, 0, 3, 0, 0]}
case(
    "Conv2D with stated pads",
    lambda t, x, y, n: t.node("Conv2D", x, t.constant(WEIGHTS), **_EXPLICIT),
    lambda x, y, n: convolved(x, WEIGHTS, padding=[(2, 1), (0, 3)]),
)
_PLAIN = {"strides": [1, 1, 1, 1], "padding": "SAME"}
case(
    "Conv2D in groups",
    lambda t, x, y, n: t.node("Conv2D", x, t.constant(WEIGHTS[:, :, :2]), **_PLAIN),
    lambda x, y, n: convolved(x, WEIGHTS[:, :, :2]),
)
for _kind, _function in {
    "Relu": lambda v: np.maximum(v, 0),
    "Relu6": lambda v: np.clip(v, 0, 6),
    "Elu": lambda v: np.where(v > 0, v, np.expm1(v)),
    "Sigmoid": lambda v: 1 / (1 + np.exp(-v)),
    "LeakyRelu": lambda v: np.where(v > 0, v, 0.2 * v),
    "Prelu": lambda v: np.where(v > 0, v, v * np.abs(BIAS)),
}.items():
    case(
        f"_FusedConv2D {_kind}",
        lambda t, x, y, n, k=_kind: t.node(
            *("_FusedConv2D", x, t.constant(WEIGHTS), t.constant(BIAS)),
            *([t.constant(np.abs(BIAS))] if k == "Prelu" else []),
            **_PLAIN,
            fused_ops=["BiasAdd", k],
            num_args=1 + (k == "Prelu"),
        ),
        lambda x, y, n, f=_function: f(convolved(x, WEIGHTS) + BIAS),
    )
case(
    "FusedDepthwiseConv2dNative",
    lambda t, x, y, n: t.node(
        *("FusedDepthwiseConv2dNative", x, t.constant(DEPTH[..., :1]), t.constant(BIAS[:4])),
        **_PLAIN,
        fused_ops=["BiasAdd", "Relu"],
        num_args=1,
    ),
    lambda x, y, n: np.maximum(depthwise(x, DEPTH[..., :1], (1, 1), (1, 1), "SAME") + BIAS[:4], 0),
)
case(
    "Conv1D",
    lambda t, x, y, n: t.node(
        *("Conv1D", t.node("Reshape", x, t.constant([10, 6, 4])), t.constant(WEIGHTS[:, 0])),
        **{"stride": 2, "padding": "SAME", "data_format": "NWC", "dilation": 1},
    ),
    lambda x, y, n: convolved(x.reshape(10, 6, 4), WEIGHTS[:, 0], (2,), (1,), "SAME"),
)
case(
    "Conv3D",
    lambda t, x, y, n: t.node(
        *("Conv3D", t.node("Reshape", x, t.constant([*SHAPE, 1])), t.constant(CUBES)),
        **{"strides": [1, 1, 2, 1, 1], "padding": "SAME", "dilations": [1, 1, 1, 1, 1]},
    ),
    lambda x, y, n: convolved(x[..., None], CUBES, (1, 2, 1), (1, 1, 1), "SAME"),
)


def _gradient(x: Array, w: Array, stride: int, size: tuple[int, int], padding: str) -> Array:
    """Every pixel spreads out: the transpose of `convolved` from `size` to x's size, as a matrix."""
    back = np.zeros((x.shape[0], *size, w.shape[2]))
    units = np.eye(size[0] * size[1] * w.shape[2]).reshape(-1, *size, w.shape[2])
    there = convolved(units, w, (stride, stride), (1, 1), padding)
    back += np.tensordot(x, there, axes=((1, 2, 3), (1, 2, 3))).reshape(back.shape)
    return back


for _padding, _size in (("SAME", (9, 12)), ("SAME", (10, 11)), ("VALID", (11, 12)), ("VALID", (12, 13))):
    case(
        f"Conv2DBackpropInput {_padding} {_size}",
        lambda t, x, y, n, p=_padding, s=_size: t.node(
            *("Conv2DBackpropInput", t.constant([2, *s, 3]), t.constant(WEIGHTS[:, :, :3, :4]), x),
            **{"strides": [1, 2, 2, 1], "padding": p},
        ),
        lambda x, y, n, p=_padding, s=_size: _gradient(x, WEIGHTS[:, :, :3, :4], 2, s, p),
    )
for _kernel, _stride, _padding in ((2, 2, "VALID"), (3, 2, "SAME"), (3, 1, "SAME"), (2, 3, "SAME")):
    _name = f"{_kernel} stride {_stride} {_padding}"
    _options = {"ksize": [1, _kernel, _kernel, 1], "strides": [1, _stride, _stride, 1], "padding": _padding}
    for _op, _function, _fill in (("MaxPool", np.nanmax, np.nan), ("AvgPool", np.nanmean, np.nan)):
        case(
            f"{_op} {_name}",
            lambda t, x, y, n, op=_op, o=_options: t.node(op, x, **o),
            lambda x, y, n, k=_kernel, s=_stride, p=_padding, f=_function: f(
                patches(x, (k, k), (s, s), (1, 1), p, np.nan), (3, 4)
            ),
        )
case(
    "MaxPool3D",
    lambda t, x, y, n: t.node(
        *("MaxPool3D", t.node("Reshape", x, t.constant([*SHAPE, 1]))),
        **{"ksize": [1, 2, 2, 2, 1], "strides": [1, 2, 2, 2, 1], "padding": "VALID"},
    ),
    lambda x, y, n: patches(x[..., None], (2, 2, 2), (2, 2, 2), (1, 1, 1), "VALID", 0).max((4, 5, 6)),
)


def _places(x: Array) -> tuple[Array, Array]:
    numbers = np.broadcast_to(np.arange(x[0].size).reshape(x[0].shape), x.shape)
    seen, where = (patches(v, (2, 2), (2, 2), (1, 1), "VALID", 0).reshape(2, 2, 3, 4, 4) for v in (x, numbers))
    best = seen.argmax(3)[:, :, :, None]
    return seen.max(3), np.take_along_axis(where, best, 3)[:, :, :, 0]


case(
    "MaxPoolWithArgmax",
    lambda t, x, y, n: (
        (v := t.node("MaxPoolWithArgmax", x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")),
        f"{v}:1",
    ),
    lambda x, y, n: _places(x),
)
case(
    "Dilation2D",
    lambda t, x, y, n: t.node(
        *("Dilation2D", x, t.constant(WEIGHTS[..., 0])), strides=[1, 2, 1, 1], rates=[1, 1, 2, 1], padding="SAME"
    ),
    lambda x, y, n: np.nanmax(patches(x, (3, 2), (2, 1), (1, 2), "SAME", np.nan) + WEIGHTS[..., 0], (3, 4)),
)


def sampled(x: Array, rows: Array, columns: Array, outside: float | None = None) -> Array:
    """Bilinear samples of one picture (H, W, C) at all pairs of coordinates; None repeats the border."""
    height, width = x.shape[:2]
    result = 0.0
    for dy, dx in itertools.product((0, 1), (0, 1)):
        r, c = np.floor(rows).astype(int) + dy, np.floor(columns).astype(int) + dx
        weight = np.outer(1 - np.abs(rows - r), 1 - np.abs(columns - c))[..., None]
        result = result + weight * x[np.clip(r, 0, height - 1)][:, np.clip(c, 0, width - 1)]
    if outside is not None:
        inside = np.outer((rows >= 0) & (rows <= height - 1), (columns >= 0) & (columns <= width - 1))
        result = np.where(inside[..., None], result, outside)
    return np.asarray(result)


def _sources(old: int, new: int, mode: str) -> Array:
    at = np.arange(new)
    if mode == "corners":
        return at * (old - 1) / (new - 1)
    return (at + 0.5) * old / new - 0.5 if mode == "centers" else at * old / new


def _nearest(x: Array, size: tuple[int, int], mode: str) -> Array:
    index = []
    for old, new in zip(x.shape[1:3], size, strict=True):
        source = _sources(old, new, mode)
        index.append(np.clip(np.floor(source + (0 if mode == "plain" else 0.5)), 0, old - 1).astype(int))
    return x[:, index[0]][:, :, index[1]]


def _bilinear(x: Array, size: tuple[int, int], mode: str) -> Array:
    rows, columns = (_sources(old, new, mode) for old, new in zip(x.shape[1:3], size, strict=True))
    return np.stack([sampled(one, np.maximum(rows, 0), np.maximum(columns, 0)) for one in x])


for _size, _mode in itertools.product(((10, 12), (7, 9), (3, 2), (11, 13)), ("plain", "centers", "corners")):
    _options = {"align_corners": _mode == "corners", "half_pixel_centers": _mode == "centers"}
    for _op, _function in (("ResizeBilinear", _bilinear), ("ResizeNearestNeighbor", _nearest)):
        case(
            f"{_op} {_size} {_mode}",
            lambda t, x, y, n, op=_op, o=_options, s=_size: t.node(op, x, t.constant(list(s)), **o),
            lambda x, y, n, f=_function, s=_size, m=_mode: f(x, s, m),
        )


def _cropped(x: Array, numbers: Sequence[int], size: tuple[int, int], outside: float) -> Array:
    found = []
    for (y1, x1, y2, x2), number in zip(BOXES.astype(float), numbers, strict=True):
        ends = ((y1, y2, x.shape[1], size[0]), (x1, x2, x.shape[2], size[1]))
        rows, columns = (
            np.linspace(a, b, n) * (old - 1) if n > 1 else np.array([(a + b) / 2 * (old - 1)]) for a, b, old, n in ends
        )
        found.append(sampled(x[number], rows, columns, outside))
    return np.stack(found)


for _size in ((4, 3), (1, 5)):
    case(
        f"CropAndResize {_size}",
        lambda t, x, y, n, s=_size: t.node(
            *("CropAndResize", x, t.constant(BOXES), t.constant([0, 1, 1]), t.constant(list(s))),
            **{"method": "bilinear", "extrapolation_value": 9.0},
        ),
        lambda x, y, n, s=_size: _cropped(x, [0, 1, 1], s, 9.0),
    )
SHIFT = np.array([[0.5, 0, 1.25, 0, 0.75, 0.5, 0, 0]], np.float32)
case(
    "ImageProjectiveTransformV3",
    lambda t, x, y, n: t.node(
        *("ImageProjectiveTransformV3", x, t.constant(SHIFT), t.constant([4, 5]), t.constant(0.0)),
        **{"interpolation": "bilinear", "fill_mode": "nearest"},
    ),
    lambda x, y, n: np.stack(
        [sampled(one, np.minimum(np.arange(4) * 0.75 + 0.5, 4), np.minimum(np.arange(5) * 0.5 + 1.25, 5)) for one in x]
    ),
)
CORNERS = np.array([[0, 0, 4, 4], [0, 0.4, 4, 4.4], [0, 0, 4, 2], [5, 5, 6, 6], [5, 5, 6.2, 6.2]], np.float32)
SCORES = np.array([0.5, 0.9, 0.7, 0.2, 0.6], np.float32)


def _suppression(version: int, build: Callable[[Tiny, str], str | tuple[str, ...]], expected: Any) -> None:
    def whole(t: Tiny, x: str, y: str, n: str) -> str | tuple[str, ...]:
        limits = [t.constant(4), t.constant(0.5), t.constant(0.3)][: 3 if version > 2 else 2]
        more = [t.constant(0.0)] if version == 5 else []
        node = t.node(
            *(f"NonMaxSuppressionV{version}", t.constant(CORNERS), t.constant(SCORES), *limits, *more),
            **({"pad_to_max_output_size": True} if version == 4 else {}),
        )
        return build(t, node)

    case(f"NonMaxSuppressionV{version}", whole, lambda x, y, n: expected)


_suppression(2, lambda t, v: v, [1, 2, 4])
_suppression(3, lambda t, v: v, [1, 2, 4])
_suppression(4, lambda t, v: (v, f"{v}:1"), ([1, 2, 4, 0], 3))
_suppression(5, lambda t, v: (v, f"{v}:1"), ([1, 2, 4], [0.9, 0.7, 0.6]))
