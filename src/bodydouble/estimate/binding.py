"""A graph in ONNX Runtime; on a device with memory of its own, all but the answers stays there.

A picture that several graphs look at is uploaded once: `Uploads` is shared by the graphs of one estimator. The same
code runs with memory "cpu", which is how it is tested. Arrays as the graph wants them, C-contiguous.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from bodydouble.estimate.devices import Device

Array = npt.NDArray[np.generic]
Feed = Mapping[str, Array]

ERRORS_ONLY = 3  # onnxruntime's log severity; a provider that fails is reported by us, in one line
# Waiting threads spin for this long and then sleep, so that they are awake within a graph and leave their cores to
# decoding and drawing after it: docs/decisions/estimate-threads.md
SPIN_MICROSECONDS = "200"
SPIN_PAUSES = "64"  # most pauses between two looks at the queue, which spares the core's other thread
SPIN_LIMITED_SINCE = (1, 26)  # onnxruntime that knows both; before it spinning has no end, and threads sleep


class Uploads:
    """Arrays on a device. What is read-only is kept: the same array is not uploaded again while it is the last one."""

    def __init__(self, memory: str) -> None:
        self.memory = memory
        self._array: Array | None = None
        self._value: Any = None

    def __call__(self, array: Array) -> tuple[Any, int]:
        """The array on the device, and the bytes that crossed for it."""
        if array is self._array:
            return self._value, 0
        value = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array), self.memory, 0)
        if not array.flags.writeable:  # nobody changes it while we keep it
            self._array, self._value = array, value
        return value, array.nbytes


class Runner:
    """A graph in ONNX Runtime. bytes_in, bytes_out: what crossed to and from the device in the last call."""

    def __init__(self, session: Any, uploads: Uploads | None = None) -> None:
        """uploads: of the device's memory; None where it computes in the computer's own."""
        self._session = session
        self._uploads = uploads
        self.outputs = tuple(str(value.name) for value in session.get_outputs())
        self.bytes_in = self.bytes_out = 0

    def __call__(self, feed: Feed) -> list[Array]:
        """The outputs, in the order of `outputs`."""
        if self._uploads is None:
            answers = list(self._session.run(None, dict(feed)))
            self.bytes_in = sum(array.nbytes for array in feed.values())
        else:
            answers = self._run_bound(feed, self._uploads)
        self.bytes_out = sum(array.nbytes for array in answers)
        return answers

    def _run_bound(self, feed: Feed, upload: Uploads) -> list[Array]:
        binding = self._session.io_binding()
        self.bytes_in = 0
        for name, array in feed.items():
            value, crossed = upload(array)
            binding.bind_ortvalue_input(name, value)
            self.bytes_in += crossed
        for name in self.outputs:
            binding.bind_output(name, "cpu")  # only these come back
        self._session.run_with_iobinding(binding)
        return [value.numpy() for value in binding.get_outputs()]


def session_options(device: Device, threads: int) -> onnxruntime.SessionOptions:
    """Options of a session that leaves cores to others (see SPIN_MICROSECONDS) and tells where its nodes run."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    limited = _version() >= SPIN_LIMITED_SINCE
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if limited else "0")
    if limited:
        options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN_MICROSECONDS)
        options.add_session_config_entry("session.intra_op.spin_backoff_max", SPIN_PAUSES)
    if device.memory == "cuda" and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # finds the CUDA libraries that pip installed
    return options


def provider_options(device: Device, threads: int) -> dict[str, str]:
    """Options of a device's execution provider."""
    return {"device_type": "CPU", "num_of_threads": str(threads)} if device.name == "openvino" else {}


def strays(session: Any, device: Device, model: onnx.ModelProto) -> list[str]:
    """The kinds of the nodes that an accelerator's session runs on the CPU although they work on the picture's values.

    Sizes and shapes, whole numbers that ONNX Runtime keeps on the CPU on purpose, are not counted. Empty where this
    ONNX Runtime does not tell (before 1.24).
    """
    if device.name == "cpu" or not hasattr(session, "get_provider_graph_assignment_info"):
        return []
    on_cpu: set[str] = set()
    for part in session.get_provider_graph_assignment_info():
        if part.ep_name == "CPUExecutionProvider":
            on_cpu.update(node.op_type for node in part.get_nodes())
    return sorted(on_cpu & _heavy_kinds(model))


def _heavy_kinds(model: onnx.ModelProto) -> set[str]:
    """Kinds of nodes of which at least one gives floats: a kind that only counts is a matter of sizes."""
    try:
        inferred = onnx.shape_inference.infer_shapes(model).graph.value_info
    except (ValueError, RuntimeError):  # too large to be inferred at once: every kind counts
        return {node.op_type for node in model.graph.node}
    floats = {value.name for value in inferred if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT}
    floats |= {value.name for value in model.graph.output}
    return {node.op_type for node in model.graph.node if floats.intersection(node.output)}


def _version() -> tuple[int, int]:
    """Major and minor version of onnxruntime."""
    major, minor = onnxruntime.__version__.split(".")[:2]
    return int(major), int(minor)
