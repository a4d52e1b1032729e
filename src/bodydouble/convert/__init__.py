"""Models from other formats to ONNX, without TensorFlow: reader -> graph -> passes -> writer.

Knows nothing of poses. reading.py chooses the reader by content. TFLite: tflite.py reads the file, tflite_graph.py
walks its operators, tflite_operators has a handler for each. TensorFlow.js: the package tfjs, laid out the same way.
Why it is built so: docs/decisions/conversion.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bodydouble.types import BodyDoubleError

if TYPE_CHECKING:
    import onnx
    import torch

# Part of the key of converted files in the cache: raise it whenever the same input gives another file.
CONVERTER_VERSION = 7
# Opset 17 is read by every ONNX Runtime since 1.12 and by OpenVINO, CoreML and TensorRT releases of the same age.
OPSET = 17


def to_onnx(
    path: Path | str,
    *,
    outputs: Sequence[str] | None = None,
    input_shapes: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
    opset: int = OPSET,
    weights: Literal["keep", "float16", "float32"] = "keep",
    quantized: Literal["qdq", "float"] = "qdq",
) -> onnx.ModelProto:
    """The model in a file as ONNX; inputs and outputs keep their names and their channels-last layout.

    path: a .tflite file, or the model.json of a TensorFlow.js graph model or layers model with its weights beside it.
    outputs: names of the tensors wanted, in order; what they do not need is left out. None keeps the file's outputs.
    input_shapes: the shape of the only input, or shapes by name; sizes that the file leaves open stay open without.
    opset: version of ONNX's operators. weights: how floats are stored; "keep" leaves float16 ones float16 (they stand
    behind a Cast). quantized: integers with a scale stay so ("qdq") or become floats.
    Raises BodyDoubleError, in one line, for a file that is none, is damaged, or needs operators that are not supported
    (all of them are listed).
    """
    # Loaded here so that asking for a model that was converted before does not load onnx.
    from bodydouble.convert.passes import optimised, stored_as
    from bodydouble.convert.reading import Request, read
    from bodydouble.convert.writer import to_model

    graph, name = read(Path(path), Request(outputs, input_shapes, quantized))
    return to_model(stored_as(optimised(graph), weights), name, opset)


def to_torch(
    model: onnx.ModelProto | Path | str,
    *,
    layout: Literal["nhwc-as-file", "nchw"] = "nhwc-as-file",
    heads: bool = True,
) -> torch.nn.Module:
    """An ONNX model (itself, its file, or a file that to_onnx reads) as a trainable network with its weights in place.

    A torch.fx.GraphModule in evaluation mode that answers {output: tensor}: see docs/torch.md. heads: layers that the
    outputs only choose by (an ArgMax's) become outputs after the file's, so that gradients reach their weights.
    Raises BodyDoubleError, in one line, where PyTorch is not installed or operators are missing (all are listed).
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise BodyDoubleError("PyTorch is not installed: pip install 'bodydouble[train]'") from error
    import onnx

    from bodydouble.convert.torch_model import from_onnx

    if isinstance(model, str | Path):
        model = onnx.load(model) if Path(model).suffix == ".onnx" else to_onnx(model)
    return from_onnx(model, layout=layout, heads=heads)
