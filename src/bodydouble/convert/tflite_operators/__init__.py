"""TFLite's operators, one handler each, said in ONNX's; what TensorFlow means by them is in ../operators.

One module a family; importing this package fills the table.
"""

from bodydouble.convert.tflite_operators import (
    control,
    detection,
    elementwise,
    index,
    mediapipe,
    pictures,
    recurrent,
    reduce,
    shape,
    slices,
    spectrum,
    stablehlo,
    storage,
)
from bodydouble.convert.tflite_operators.registry import HANDLERS

__all__ = [
    "HANDLERS",
    "control",
    "detection",
    "elementwise",
    "index",
    "mediapipe",
    "pictures",
    "recurrent",
    "reduce",
    "shape",
    "slices",
    "spectrum",
    "stablehlo",
    "storage",
]
