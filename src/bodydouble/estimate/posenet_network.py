"""A fully convolutional network, (1, height, width, 3) to (1, rows, columns, channels), at other sizes and strides.

Size: pixels of the input. Stride: pixels of the input between cells of the output. A size is a whole number
of strides and one more: the first cell lies on the first pixel, the last on the last, and convolutions pad both ends
alike. A smaller stride comes from the same weights: where a convolution would go over it, it goes on in single steps,
and what follows is spread (dilated) as much, so that each cell sees what it saw before (atrous convolution). A greater
stride leaves cells out.
Source: tensorflow/tfjs-models, posenet/src/mobilenet.ts (toOutputStridedLayers)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from bodydouble.types import BodyDoubleError

# Operators that reach over cells, and those that treat every cell alike; no others are in such a network.
REACHING = ("Conv", "MaxPool")
CELLWISE = (
    *("Add", "BatchNormalization", "Cast", "Clip", "Concat", "DequantizeLinear", "Identity", "LeakyRelu", "Mul"),
    *("QuantizeLinear", "Relu", "Sub", "Transpose"),
)
AXES = 2  # rows and columns


@dataclass(frozen=True, slots=True)
class _Grid:
    """Cells of a tensor. stride: pixels of the input between them. rate: cells between those that were neighbours."""

    stride: int = 1
    rate: int = 1


def valid_size(size: int, stride: int) -> int:
    """A size as it is if it is a whole number of strides and one more; else the whole strides in it and one more.

    Raises BodyDoubleError for a size that is less than a stride. Source: load_utils.ts, toValidInputResolution
    """
    if size < stride:
        raise BodyDoubleError(f"an input of {size} pixels at stride {stride}; give {stride + 1} pixels or more")
    return size if (size - 1) % stride == 0 else size // stride * stride + 1


def reshaped(network: onnx.ModelProto, width: int, height: int, stride: int) -> onnx.ModelProto:
    """A copy of the network for an input of width x height pixels, with `stride` pixels between the output's cells.

    Raises BodyDoubleError for sizes that do not fit the stride, a stride that the network cannot have, and a network
    that is not fully convolutional.
    """
    if (width - 1) % stride or (height - 1) % stride:
        fitting = [valid_size(max(size, stride), stride) for size in (width, height)]
        raise BodyDoubleError(
            f"an input of {width} x {height} pixels at stride {stride}; wanted whole strides and 1 pixel more, such as "
            f"{fitting[0]} x {fitting[1]}"
        )
    changed = onnx.ModelProto()
    changed.CopyFrom(network)
    graph = changed.graph
    weights = {tensor.name for tensor in graph.initializer}
    source = next(value for value in graph.input if value.name not in weights)
    grids = _walk(graph, source.name, stride)
    for output in list(graph.output):
        _thin(graph, output, grids[output.name], stride)
    for value, grid in ((source, 1), *((output, stride) for output in graph.output)):
        for axis, size in ((1, height), (2, width)):
            value.type.tensor_type.shape.dim[axis].dim_value = (size - 1) // grid + 1
    del graph.value_info[:]
    return onnx.shape_inference.infer_shapes(changed, check_type=True, strict_mode=True)


def _walk(graph: onnx.GraphProto, source: str, stride: int) -> dict[str, _Grid]:
    """Changes every convolution on the way from the input; returns the cells of each tensor that comes from it."""
    grids = {source: _Grid()}
    strange = set()
    for node in graph.node:
        known = {grids[name] for name in node.input if name in grids}
        if not known:
            continue
        if node.op_type not in REACHING + CELLWISE or len(known) > 1:
            strange.add(node.op_type)
        grid = min(known, key=lambda one: one.stride)
        if node.op_type in REACHING:
            grid = _spread(node, grid, stride)
        grids.update((name, grid) for name in node.output)
    if strange:
        raise BodyDoubleError(
            f"a network with {', '.join(sorted(strange))} cannot be given another size or stride; wanted a fully "
            "convolutional one"
        )
    return grids


def _spread(node: onnx.NodeProto, grid: _Grid, stride: int) -> _Grid:
    """Changes a convolution or pooling so that its output's cells are not farther apart than wanted; returns them."""
    kernel = _numbers(node, "kernel_shape", 1)
    own = _numbers(node, "strides", 1)
    dilations = _numbers(node, "dilations", 1)
    even = [dilation * (size - 1) // 2 for dilation, size in zip(dilations, kernel, strict=True)]
    automatic = next((item.s for item in node.attribute if item.name == "auto_pad"), b"NOTSET")
    pads = _numbers(node, "pads", 0) if automatic == b"NOTSET" else even * 2
    if own[0] != own[1] or automatic == b"VALID" or pads != even * 2:
        raise BodyDoubleError(f"{node.op_type} {node.name} does not treat all sides alike; wanted even padding")
    if node.op_type == "MaxPool" and any(pad * grid.rate >= size for pad, size in zip(pads, kernel * 2, strict=True)):
        raise BodyDoubleError(f"stride {stride} spreads a pooling more than ONNX Runtime can; wanted a greater one")
    step = own[0] if grid.stride * own[0] <= stride else 1
    for name in ("strides", "dilations", "pads", "auto_pad"):
        for item in [item for item in node.attribute if item.name == name]:
            node.attribute.remove(item)
    node.attribute.extend(
        (
            onnx.helper.make_attribute("strides", [step] * AXES),
            onnx.helper.make_attribute("dilations", [dilation * grid.rate for dilation in dilations]),
            onnx.helper.make_attribute("pads", [pad * grid.rate for pad in pads]),
        )
    )
    return _Grid(grid.stride * step, grid.rate * own[0] // step)


def _numbers(node: onnx.NodeProto, name: str, default: int) -> list[int]:
    """An attribute of a number for each axis (or each of its ends)."""
    found = next((list(item.ints) for item in node.attribute if item.name == name), None)
    return found if found is not None else [default] * AXES * (2 if name == "pads" else 1)


def _thin(graph: onnx.GraphProto, output: onnx.ValueInfoProto, grid: _Grid, stride: int) -> None:
    """Leaves cells of an output out, where there are more of them than wanted."""
    if stride % grid.stride:
        own = grid.stride * grid.rate
        raise BodyDoubleError(
            f"stride {stride} of a network with stride {own}; wanted it times or divided by 2, 4, ..."
        )
    step = stride // grid.stride
    if step == 1:
        return
    dense = f"{output.name}/dense"
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [dense if name == output.name else name for name in names]
    tensors = {"start": [0, 0], "end": [2**31 - 1] * AXES, "axes": [1, 2], "step": [step] * AXES}
    for name, numbers in tensors.items():
        graph.initializer.append(onnx.numpy_helper.from_array(np.array(numbers), f"{output.name}/{name}"))
    graph.node.append(
        onnx.helper.make_node("Slice", [dense, *(f"{output.name}/{name}" for name in tensors)], [output.name])
    )
