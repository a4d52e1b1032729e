"""Models from other formats to ONNX, without TensorFlow: reader -> graph -> passes -> writer.

Knows nothing of poses. TFLite: tflite.py reads the file, tflite_graph.py walks its operators,
tflite_operators.py has a handler for each.
Why it is built so: docs/decisions/conversion.md
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

# Part of the key of converted files in the cache: raise it whenever the same input gives another file.
CONVERTER_VERSION = 2


def to_onnx(path: Path, *, outputs: Sequence[str] | None = None) -> onnx.ModelProto:
    """The model in a TFLite file as ONNX; inputs and outputs keep their names and their channels-last layout.

    outputs: names of the tensors wanted, in order; what they do not need is left out. None keeps the file's outputs.
    Float16 weights stay float16 in the model, behind a Cast. Raises BodyDoubleError, in one line, for a file that is
    none, is damaged, or needs operators that are not supported (all of them are listed).
    """
    # Loaded here so that asking for a model that was converted before does not load onnx.
    from bodydouble.convert import tflite, tflite_graph
    from bodydouble.convert.passes import optimised
    from bodydouble.convert.tflite_operators import HANDLERS
    from bodydouble.convert.writer import to_model

    model = tflite.read(Path(path)).pruned(outputs)
    return to_model(optimised(tflite_graph.to_graph(model, HANDLERS)), model.name)
