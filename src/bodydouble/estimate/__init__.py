"""Pose models: a frame in, the poses of the people in it out, in source pixels.

session.py chooses the device, graph.py makes one ONNX graph a model, and one module a family knows its scheme.
"""

from bodydouble.estimate import best as _best  # registers its models, as the others do
from bodydouble.estimate import blazepose as _blazepose
from bodydouble.estimate import blazepose_fused as _blazepose_fused
from bodydouble.estimate import movenet as _movenet
from bodydouble.estimate import movenet_fused as _movenet_fused
from bodydouble.estimate import posenet as _posenet
from bodydouble.estimate import posenet_fused as _posenet_fused
from bodydouble.estimate.family import Aimed, Estimator, Steered, family, load, models
from bodydouble.estimate.session import DeviceStatus, available_devices, choose_providers

__all__ = [
    "Aimed",
    "DeviceStatus",
    "Estimator",
    "Steered",
    "available_devices",
    "choose_providers",
    "family",
    "load",
    "models",
]
del _best, _blazepose, _blazepose_fused, _movenet, _movenet_fused, _posenet, _posenet_fused
