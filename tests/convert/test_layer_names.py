"""What the nodes of a converted model are called: as the layers in the file, each once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import tiny_tfjs
from test_tflite_operators import CASES, PICTURE, convolve
from tiny_tflite import Tiny

from bodydouble.convert import to_onnx


def layers(model: onnx.ModelProto, *kinds: str) -> list[str]:
    names = Counter(node.name for node in model.graph.node)
    assert max(names.values()) == 1
    return [node.name for node in model.graph.node if node.op_type in kinds]


def test_tflite_convolutions_have_their_tensors_names(tmp_path: Path) -> None:
    """Also those that a pass moved: a Resize before a 1x1 convolution comes after it, layouts turn."""
    tiny = Tiny()
    x = convolve(tiny, tiny.input(*PICTURE), out=PICTURE[3])
    large = CASES["resize-14x20-centers"](tiny, x)
    y = convolve(tiny, large, kernel=(1, 1))
    path = tmp_path / "model.tflite"
    path.write_bytes(tiny.finish(y))
    assert layers(to_onnx(path), "Conv") == [f"t{x}", f"t{y}"]


def test_tfjs_layers_have_their_nodes_names(tmp_path: Path) -> None:
    """A function that is called twice has its layers twice."""
    tiny = tiny_tfjs.Tiny()
    weights = np.ones((1, 1, 3, 3), np.float32)

    def body(inner: tiny_tfjs.Tiny, x: str) -> list[str]:
        kernel = inner.constant(weights, name="net/block/kernel")
        options = {"strides": [1, 1, 1, 1], "padding": "SAME", "data_format": "NHWC", "dilations": [1, 1, 1, 1]}
        return [inner.node("Conv2D", x, kernel, name="net/block/Conv2D", **options)]

    function = tiny.function("block", ["x"], body)
    x = tiny.input(1, 4, 4, 3)
    for _ in range(2):
        x = tiny.node("Relu", tiny.node("PartitionedCall", x, f=function))
    assert layers(to_onnx(tiny.write(tmp_path, [x])), "Conv") == ["net/block/Conv2D", "net/block/Conv2D_2"]
