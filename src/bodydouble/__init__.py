"""bodydouble: a video or a webcam drives a virtual character.

    for frame, people in bodydouble.track("clip.mp4"): ...
    bodydouble.animate("dance.mp4", "fox", "fox.mp4")

Importing this loads neither OpenCV, ONNX Runtime nor a model; the first call does. Why: docs/conventions.md
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bodydouble.types import BodyDoubleError, Frame, Motion, Placement, Pose, Posture, RigPose, State

# ONNX Runtime (seen in 1.32) reports its use to its maker, and keeps on disk what it could not send. The program of a
# camera does not, unless its user says so (0). It is read when ONNX Runtime is loaded; all of ours comes after this.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from bodydouble.films import animate
    from bodydouble.pipeline import track

__all__ = [
    "BodyDoubleError",
    "Frame",
    "Motion",
    "Placement",
    "Pose",
    "Posture",
    "RigPose",
    "State",
    "animate",
    "track",
]

_LAZY = {"animate": "bodydouble.films", "track": "bodydouble.pipeline"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
