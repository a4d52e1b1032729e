"""A graph in OpenVINO, read from memory: the package `openvino` by itself, beside any ONNX Runtime.

Runs on the processor, with float32 inside. Figures: docs/decisions/providers.md
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import onnx

from bodydouble.estimate.binding import Array, Feed
from bodydouble.types import BodyDoubleError


class OpenVinoRunner:
    """A graph in OpenVINO. bytes_in, bytes_out: of the arrays given and answered; nothing crosses to another memory."""

    def __init__(self, model: onnx.ModelProto, threads: int) -> None:
        """Raises BodyDoubleError, with OpenVINO's reason, if it cannot run the graph."""
        self._openvino = _openvino()
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",  # it would take bfloat16 where a processor has it, and move the points
            "ENABLE_CPU_PINNING": False,  # a pinned thread waits for whoever else is on its core
        }
        try:
            read = _core().read_model(model.SerializeToString())
            self._request = _core().compile_model(read, "CPU", settings).create_infer_request()
        except RuntimeError as fault:
            lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
            reason = next((line for line in lines if line.startswith("While validating")), lines[-1] if lines else "")
            raise BodyDoubleError(f"OpenVINO cannot run this graph ({reason[:120]}); use --device cpu") from None
        self.outputs = tuple(value.name for value in model.graph.output)
        self.bytes_in = self.bytes_out = 0

    def __call__(self, feed: Feed) -> list[Array]:
        """The outputs, in the order of `outputs`."""
        arrays = {name: np.require(array, requirements=["C", "W"]) for name, array in feed.items()}
        for name, array in arrays.items():
            self._request.set_tensor(name, self._openvino.Tensor(array, shared_memory=True))
        self._request.infer()
        answers = [np.array(self._request.get_tensor(name).data) for name in self.outputs]
        self.bytes_in = sum(array.nbytes for array in arrays.values())
        self.bytes_out = sum(array.nbytes for array in answers)
        return answers


def _openvino() -> Any:
    """The package, which is an extra. Raises BodyDoubleError if it is there but cannot be loaded."""
    try:
        return import_module("openvino")
    except ImportError as fault:
        raise BodyDoubleError(f"openvino cannot be loaded ({fault}); pip install --force-reinstall openvino") from None


@cache
def _core() -> Any:
    """OpenVINO's one core of this process."""
    return _openvino().Core()
