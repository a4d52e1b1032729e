"""ONNX Runtime sessions on a chosen device; a device that cannot be had is an error, never a silent CPU.

Devices are named as on the command line: auto, cpu, cuda, tensorrt, directml, coreml, openvino.
Figures behind the threads: docs/decisions/estimate-threads.md
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from bodydouble.types import BodyDoubleError

AUTO = "auto"
MOST_THREADS = 4  # the networks are small: more threads wait for each other and take from decoding and drawing
ERRORS_ONLY = 3  # onnxruntime's log severity; a provider that fails is reported by us, in one line


@dataclass(frozen=True, slots=True)
class Device:
    """A device by the name users give it, its execution provider, and how to get it.

    automatic: may be taken by "auto". TensorRT may not: it builds an engine for minutes first.
    """

    name: str
    provider: str
    hint: str
    automatic: bool = True


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """A device and whether this installation of ONNX Runtime has its provider; `hint` says how to get it."""

    name: str
    provider: str
    available: bool
    hint: str


# Best first: the order in which "auto" tries.
DEVICES = {
    device.name: device
    for device in (
        Device(
            "tensorrt",
            "TensorrtExecutionProvider",
            "needs an NVIDIA GPU and TensorRT: pip uninstall onnxruntime, pip install onnxruntime-gpu tensorrt",
            automatic=False,
        ),
        Device(
            "cuda",
            "CUDAExecutionProvider",
            "needs an NVIDIA GPU: pip uninstall onnxruntime, pip install 'onnxruntime-gpu[cuda,cudnn]'",
        ),
        Device(
            "directml",
            "DmlExecutionProvider",
            "needs Windows 10 or later: pip uninstall onnxruntime, pip install onnxruntime-directml",
        ),
        Device("coreml", "CoreMLExecutionProvider", "needs macOS, where onnxruntime brings it"),
        Device(
            "openvino",
            "OpenVINOExecutionProvider",
            "needs Intel hardware: pip uninstall onnxruntime, pip install onnxruntime-openvino",
        ),
        Device("cpu", "CPUExecutionProvider", "comes with onnxruntime"),
    )
}


def available_devices() -> tuple[DeviceStatus, ...]:
    """Every device, best first, and whether this installation has its provider. Whether it starts, a session tells."""
    installed = set(onnxruntime.get_available_providers())
    return tuple(DeviceStatus(d.name, d.provider, d.provider in installed, d.hint) for d in DEVICES.values())


def choose_providers(device: str) -> tuple[Device, ...]:
    """The devices to try in order for what the user asked: one, or for "auto" all that this installation has.

    Raises BodyDoubleError for an unknown device and for one that this installation lacks.
    """
    installed = set(onnxruntime.get_available_providers())
    if device == AUTO:
        return tuple(d for d in DEVICES.values() if d.automatic and d.provider in installed)
    if device not in DEVICES:
        raise BodyDoubleError(f'no device "{device}"; choose from {AUTO}, {", ".join(sorted(DEVICES))}')
    chosen = DEVICES[device]
    if chosen.provider not in installed:
        raise BodyDoubleError(f'device "{device}" is not in this ONNX Runtime; it {chosen.hint}')
    return (chosen,)


def default_threads() -> int:
    """Threads of a session: the cores this process may use, at most MOST_THREADS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS)


class Session:
    """A graph on a device. device: the name of the one in use."""

    def __init__(self, model: onnx.ModelProto, device: Device, threads: int | None = None) -> None:
        """Loads the graph; raises BodyDoubleError if the device does not start or threads is less than 1."""
        if threads is not None and threads < 1:
            raise BodyDoubleError(f"{threads} threads asked for; give 1 or more, or none for the default")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads if threads is not None else default_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        # Waiting threads sleep, and leave their cores to decoding and drawing.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if device.name in ("cuda", "tensorrt") and hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()  # finds the CUDA libraries that pip installed
        self._session = _start(model, device, options)
        self.device = device.name
        self.outputs = tuple(value.name for value in self._session.get_outputs())

    def __call__(self, feed: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs, in the order of `outputs`."""
        return list(self._session.run(None, dict(feed)))


def open_sessions(
    models: Callable[[str], Mapping[str, onnx.ModelProto]], device: str, threads: int | None
) -> dict[str, Session]:
    """Sessions for several graphs of one estimator, by name, all on the same device.

    models: the graphs for a device's name. "auto" takes the best device on which all of them start. Raises
    BodyDoubleError as choose_providers and Session do.
    """
    *others, last = choose_providers(device)
    for candidate in others:
        try:
            return {name: Session(model, candidate, threads) for name, model in models(candidate.name).items()}
        except BodyDoubleError:
            continue  # "auto" goes on to the next best; the one in use is shown
    return {name: Session(model, last, threads) for name, model in models(last.name).items()}


def _start(model: onnx.ModelProto, device: Device, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    """A session whose first provider is the device's; ONNX Runtime itself would fall back to the CPU and go on."""
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=[device.provider], enable_fallback=0
        )
    except _STARTING_FAULTS as fault:
        if device.name == "cpu":
            raise
        raise BodyDoubleError(
            f'device "{device.name}" does not start ({_first_line(fault)}); it {device.hint}'
        ) from None
    if session.get_providers()[0] != device.provider:
        raise BodyDoubleError(f'device "{device.name}" does not start on this machine; it {device.hint}')
    return session


# What onnxruntime raises when a provider cannot be made; its own classes derive from Exception, each by itself.
_STARTING_FAULTS: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    OSError,
    state.EngineError,
    state.EPFail,
    state.Fail,
    state.NotImplemented,
    state.RuntimeException,
)


def _first_line(fault: Exception) -> str:
    """The start of a provider's own words, which may run over pages."""
    words = str(fault).strip()
    return words.splitlines()[0][:120] if words else type(fault).__name__
