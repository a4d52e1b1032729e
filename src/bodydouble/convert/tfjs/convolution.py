"""Convolutions and pooling over one, two or three axes.

Tensors are channels last as in the file, the ONNX nodes between are channels first. Weights are (window..., in, out),
depthwise ones (H, W, in, multiplier). "SAME" pads so that ceil(size / stride) pixels come out, the odd one at the end;
where a size is known only at run time the pads are worked out there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Dim
from bodydouble.convert.operators.conv import window
from bodydouble.convert.tfjs.arithmetic import activated
from bodydouble.convert.tfjs.calls import Call, handles
from bodydouble.convert.tfjs.shaping import to_sizes
from bodydouble.types import BodyDoubleError


def first(g: Emitter, x: str) -> str:
    """Channels last -> channels first."""
    rank = g.rank(x)
    return g.emit("Transpose", x, perm=(0, rank - 1, *range(1, rank - 1)))


def last(g: Emitter, x: str) -> str:
    """Channels first -> channels last."""
    rank = g.rank(x)
    return g.emit("Transpose", x, perm=(0, *range(2, rank), 1))


@dataclass(frozen=True, slots=True)
class Window:
    """A sliding window over the axes between batch and channels. explicit: pixels before and after each axis."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: str
    explicit: tuple[tuple[int, int], ...] = ()

    def pads(self, sizes: Sequence[Dim]) -> list[tuple[int, int] | None]:
        """Pixels before and after each axis; None where the size decides and is not known."""
        if self.padding == "EXPLICIT":
            return list(self.explicit)
        return [self._axis_pads(axis, size) for axis, size in enumerate(sizes)]

    def _axis_pads(self, axis: int, size: Dim) -> tuple[int, int] | None:
        kernel, stride, dilation = self.kernel[axis], self.strides[axis], self.dilations[axis]
        if self.padding == "VALID":
            return 0, 0
        if isinstance(size, int):
            return window(size, kernel, stride, dilation, "SAME")[1:]
        reach = (kernel - 1) * dilation + 1
        # With stride 1 the pads do not depend on the size; a single pixel is never padded.
        return ((reach - 1) // 2, reach - 1 - (reach - 1) // 2) if stride == 1 or reach == 1 else None

    def dims(self, g: Emitter, sizes: Sequence[Dim]) -> list[Dim]:
        """What comes out of each axis, where "SAME" says so."""
        if self.padding != "SAME":
            return [""] * len(sizes)
        return [
            size if stride == 1 else -(-size // stride) if isinstance(size, int) else f"ceil({size}/{stride})"
            for size, stride in zip(sizes, self.strides, strict=True)
        ]


def slide(g: Emitter, op: str, inputs: Sequence[str], over: Window, fill: float = 0.0, **attributes: Any) -> str:
    """A node with a window over its first input (channels first). fill: what "SAME" pads with, if it has to by itself.

    Raises BodyDoubleError where the window is larger than what it slides over.
    """
    x, *rest = inputs
    sizes = g.dims(x)[2:]
    if len(over.kernel) != len(sizes):
        raise BodyDoubleError(f"{op} with a window of {len(over.kernel)} axes over {len(sizes)}")
    pads = over.pads(sizes)
    dims = ["", "", *over.dims(g, sizes)]
    if op != "Conv":
        dims[:2] = g.dims(x)[:2]
    sliding: dict[str, Any] = {"kernel_shape": over.kernel, "strides": over.strides, **attributes}
    if set(over.dilations) != {1}:
        sliding["dilations"] = over.dilations
    known = [pad for pad in pads if pad is not None]
    if len(known) < len(pads):
        if op == "AveragePool":
            return _average(g, x, over, dims)
        x = padded_as_needed(g, x, over, fill)
        return g.emit(op, x, *rest, dims=dims, **sliding)
    for size, kernel, dilation, (before, after) in zip(sizes, over.kernel, over.dilations, known, strict=True):
        if isinstance(size, int) and size + before + after < (kernel - 1) * dilation + 1:
            raise BodyDoubleError(f"{op} with a window of {kernel} over {size} pixels")
    flat = [before for before, _ in known] + [after for _, after in known]
    return g.emit(op, x, *rest, dims=dims, pads=flat, **sliding)


def padded_as_needed(g: Emitter, x: str, over: Window, fill: float) -> str:
    """The picture with its "SAME" pads, worked out at run time: max((ceil(n / s) - 1) s + reach - n, 0)."""
    rank = g.rank(x)
    sizes = g.emit("Slice", g.emit("Shape", x), g.ints(2), g.ints(rank), g.ints(0))
    stride, one = g.ints(*over.strides), g.ints(*[1] * (rank - 2))
    reach = g.ints(*[(k - 1) * d + 1 for k, d in zip(over.kernel, over.dilations, strict=True)])
    steps = g.emit("Div", g.emit("Sub", sizes, one), stride)  # ceil(n / s) - 1
    total = g.emit("Sub", g.emit("Add", g.emit("Mul", steps, stride), reach), sizes)
    total = g.emit("Max", total, g.ints(*[0] * (rank - 2)))
    before = g.emit("Div", total, g.ints(*[2] * (rank - 2)))
    pads = g.emit("Concat", g.ints(0, 0), before, g.ints(0, 0), g.emit("Sub", total, before), axis=0)
    dims = [*g.dims(x)[:2], *[""] * (rank - 2)]
    return g.emit("Pad", x, pads, g.scalar(fill, g.dtype(x)), dims=dims, mode="constant")


def _average(g: Emitter, x: str, over: Window, dims: Sequence[Dim]) -> str:
    """Averages that leave out padded pixels, which are known only at run time: of the picture over those of ones."""
    valid = Window(over.kernel, over.strides, over.dilations, "VALID")
    ones = g.emit("Expand", g.scalar(1, np.float32), g.emit("Shape", x))
    sums = [slide(g, "AveragePool", [padded_as_needed(g, part, over, 0)], valid) for part in (x, ones)]
    return g.emit("Div", *sums, dims=dims)


def window_of(call: Call, kernel: Sequence[int], *, axes: int = 2) -> Window:
    """The options that all operators with windows have."""
    inner = slice(1, 1 + axes)
    strides = tuple(call.attr("strides") or (1,) * (axes + 2))[inner]
    dilations = tuple(call.attr("dilations") or (1,) * (axes + 2))[inner]
    padding = str(call.attr("padding", "VALID")).upper()
    flat = call.attr("explicit_paddings") or ()
    explicit = tuple(zip(flat[2:-2:2], flat[3:-2:2], strict=True)) if padding == "EXPLICIT" else ()
    layout = call.attr("data_format", "NHWC")
    if layout not in ("NHWC", "NDHWC", "NWC", ""):
        raise BodyDoubleError(f"{call.record.op} of layout {layout}")
    if padding not in ("SAME", "VALID", "EXPLICIT") or (padding == "EXPLICIT" and len(explicit) != axes):
        raise BodyDoubleError(f"{call.record.op} with padding {padding}")
    return Window(tuple(kernel), strides, dilations, padding, explicit)


def _kernel(call: Call, axes: int) -> tuple[int, ...]:
    """Height and width of the weights."""
    shape = call.g.shape(call.x(1))
    if len(shape) != axes + 2:
        raise BodyDoubleError(f"{call.record.op} with weights of shape {shape}")
    return shape[:axes]


def convolved(call: Call, over: Window, bias: str = "") -> str:
    """A plain or grouped convolution of the call's first input with its second."""
    g, axes = call.g, len(over.kernel)
    x, weights = first(g, call.as_float(0)), call.x(1)
    channels, taken = g.dims(x)[1], g.shape(weights)[-2]
    if isinstance(channels, int) and channels % taken:
        raise BodyDoubleError(f"{call.record.op} with weights {g.shape(weights)} on {channels} channels")
    filters = g.emit("Transpose", weights, perm=(axes + 1, axes, *range(axes)))
    group = channels // taken if isinstance(channels, int) else 1
    return last(g, slide(g, "Conv", [x, filters, *([bias] if bias else [])], over, group=group))


def convolved_depthwise(call: Call, over: Window, bias: str = "") -> str:
    """Each channel with its own weights; output channel c * multiplier + m reads input channel c."""
    g = call.g
    x, weights = first(g, call.as_float(0)), call.x(1)
    height, width, channels, multiplier = g.shape(weights)
    if g.dims(x)[1] != channels:
        raise BodyDoubleError(f"{call.record.op} with weights {g.shape(weights)} on {g.dims(x)[1]} channels")
    filters = g.emit("Transpose", weights, perm=(2, 3, 0, 1))
    filters = g.emit("Reshape", filters, g.ints(channels * multiplier, 1, height, width))
    return last(g, slide(g, "Conv", [x, filters, *([bias] if bias else [])], over, group=channels))


def fused(call: Call) -> tuple[str, str, str]:
    """Of a fused operator: the bias, the activation, and the slopes of Prelu; "" for what it has not."""
    kinds = [str(kind) for kind in call.attr("fused_ops", ())]
    extra = call.xs(2)
    bias = extra.pop(0) if "BiasAdd" in kinds and extra else ""
    rest = [kind for kind in kinds if kind != "BiasAdd"]
    if len(rest) > 1 or "FusedBatchNorm" in rest:
        raise BodyDoubleError(f"{call.record.op} fused with {' and '.join(rest)}")
    return bias, rest[0] if rest else "", extra[0] if extra else ""


@handles("Conv2D", "_FusedConv2D")
def _conv_2d(call: Call) -> str:
    bias, activation, slope = fused(call)
    return activated(call, convolved(call, window_of(call, _kernel(call, 2)), bias), activation, slope)


@handles("DepthwiseConv2d", "DepthwiseConv2dNative", "FusedDepthwiseConv2dNative")
def _depthwise(call: Call) -> str:
    bias, activation, slope = fused(call)
    return activated(call, convolved_depthwise(call, window_of(call, _kernel(call, 2)), bias), activation, slope)


@handles("Conv1D")
def _conv_1d(call: Call) -> str:
    over = Window(
        _kernel(call, 1),
        (int(call.attr("stride", 1)),),
        (int(call.attr("dilation", 1)),),
        str(call.attr("padding", "VALID")).upper(),
    )
    return convolved(call, over)


@handles("Conv3D")
def _conv_3d(call: Call) -> str:
    return convolved(call, window_of(call, _kernel(call, 3), axes=3))


@handles("Conv2DBackpropInput")
def _conv_2d_backprop(call: Call) -> str:
    """The gradient of a convolution, which makes pictures larger; inputs: its output's shape, weights, picture."""
    g = call.g
    over = window_of(call, _kernel(call, 2))
    x = first(g, call.as_float(2))
    filters = g.emit("Transpose", call.x(1), perm=(3, 2, 0, 1))
    content = g.content(call.x(0))
    wanted: list[Dim] = list(content[1:3]) if content is not None and content.size == 4 else ["", ""]
    sizes = g.dims(x)[2:]
    if not all(map(_fits, sizes, wanted, over.strides)) or (over.padding != "SAME" and not _stated(sizes, wanted)):
        return last(g, _spread(g, x, filters, over, to_sizes(g, call.x(0)), wanted))
    pads: list[tuple[int, int]] = []
    extra: list[int] = []
    for axis, (size, want) in enumerate(zip(sizes, wanted, strict=True)):
        kernel, stride = over.kernel[axis], over.strides[axis]
        if not isinstance(size, int) or not isinstance(want, int):  # "SAME" to whole strides
            total = max(kernel - stride, 0)
            pads.append((total // 2, total - total // 2))
            extra.append(max(stride - kernel, 0))
            continue
        # The pads are those of the convolution whose gradient this is: it takes `want` to the picture's size.
        ends = over.explicit[axis] if over.explicit else window(want, kernel, stride, 1, _padding(over))[1:]
        pads.append(ends)
        extra.append(want - ((size - 1) * stride + kernel - sum(ends)))
    y = g.emit(
        "ConvTranspose",
        x,
        filters,
        dims=["", "", *wanted],
        kernel_shape=over.kernel,
        strides=over.strides,
        pads=[before for before, _ in pads] + [after for _, after in pads],
        output_padding=extra,
    )
    return last(g, y)


def _stated(sizes: Sequence[Dim], wanted: Sequence[Dim]) -> bool:
    return all(isinstance(size, int) for size in (*sizes, *wanted))


def _fits(size: Dim, want: Dim, stride: int) -> bool:
    """Whether both sizes are known, or one is known to be a whole number of strides of the other."""
    return (
        (isinstance(size, int) and isinstance(want, int))
        or want == f"{stride}*{size}"
        or (want == size and stride == 1)
    )


def _spread(g: Emitter, x: str, filters: str, over: Window, shape: str, wanted: Sequence[Dim]) -> str:
    """The gradient where sizes are known only at run time: all that the windows reach, then what is wanted of it.

    `extra` pixels of zeros behind: a size that the convolution rounded down is larger than what its windows reach.
    """
    if over.explicit:
        raise BodyDoubleError("Conv2DBackpropInput with stated pads and sizes known only at run time")
    extra = [stride - 1 for stride in over.strides]
    sliding: dict[str, Any] = {"kernel_shape": over.kernel, "strides": over.strides, "output_padding": extra}
    y = g.emit("ConvTranspose", x, filters, **sliding)
    want = g.emit("Slice", shape, g.ints(1), g.ints(3), g.ints(0))
    reached = g.emit("Sub", g.emit("Shape", y, start=2, end=4), g.ints(*extra))
    zeros = g.ints(0, 0)
    before = zeros
    if over.padding == "SAME":
        before = g.emit("Div", g.emit("Max", g.emit("Sub", reached, want), zeros), g.ints(2, 2))
    return g.emit("Slice", y, before, g.emit("Add", before, want), g.ints(2, 3), dims=[*g.dims(y)[:2], *wanted])


def _padding(over: Window) -> Literal["SAME", "VALID"]:
    return "SAME" if over.padding == "SAME" else "VALID"


@handles("MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D")
def _pool(call: Call) -> str:
    axes = 3 if call.record.op.endswith("3D") else 2
    kernel = tuple(call.attr("ksize") or ())
    if len(kernel) != axes + 2:
        raise BodyDoubleError(f"{call.record.op} with a window of {len(kernel)} axes")
    op = "MaxPool" if call.record.op.startswith("Max") else "AveragePool"
    over = window_of(call, kernel[1:-1], axes=axes)
    lowest = float(np.finfo(np.float32).min)
    return last(call.g, slide(call.g, op, [first(call.g, call.as_float())], over, lowest if op == "MaxPool" else 0.0))
