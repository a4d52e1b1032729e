"""Graphs on a chosen device; a device that cannot be had is an error, never a silent CPU.

devices.py knows the devices, binding.py ONNX Runtime, openvino_runner.py OpenVINO. Figures behind the threads:
docs/decisions/estimate-threads.md
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import onnx
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from bodydouble.estimate.binding import (
    Array,
    Feed,
    Runner,
    Uploads,
    provider_options,
    session_options,
    strays,
)
from bodydouble.estimate.devices import AUTO, DEVICES, Device, DeviceStatus, available_devices, choose_providers
from bodydouble.estimate.gathering import gather_first
from bodydouble.estimate.openvino_runner import OpenVinoRunner
from bodydouble.types import BodyDoubleError

__all__ = [
    "AUTO",
    "DEVICES",
    "Device",
    "DeviceStatus",
    "Session",
    "available_devices",
    "choose_providers",
    "default_threads",
    "open_sessions",
    "opened",
]

MOST_THREADS = 4  # the networks are small: more threads wait for each other and take from decoding and drawing

_log = logging.getLogger(__name__)
_listening: ContextVar[list[Session] | None] = ContextVar("sessions that somebody wants to hear of", default=None)


class Running(Protocol):
    """A graph in some runtime."""

    outputs: tuple[str, ...]
    bytes_in: int
    bytes_out: int

    def __call__(self, feed: Feed) -> list[Array]:
        """The outputs, in the order of `outputs`."""
        ...


def default_threads() -> int:
    """Threads of a session: the cores this process may use, at most MOST_THREADS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS)


class Session:
    """A graph on a device.

    device: the name of the one in use. runtime: "ONNX Runtime" or "OpenVINO". outputs: names, in order.
    bytes_in, bytes_out: of the arrays of the last call that went in and came back; on a device with memory of its own
    these are what crossed to it and from it. calls, seconds, total_in, total_out: of all calls so far.
    """

    def __init__(
        self, model: onnx.ModelProto, device: Device, threads: int | None = None, uploads: Uploads | None = None
    ) -> None:
        """Loads the graph; raises BodyDoubleError if the device does not start or threads is less than 1.

        uploads: shared with the other graphs of an estimator, None for uploads of its own where the device needs them.
        """
        if threads is not None and threads < 1:
            raise BodyDoubleError(f"{threads} threads asked for; give 1 or more, or none for the default")
        count = threads if threads is not None else default_threads()
        model = gather_first(model)
        self._run: Running
        if device.by_package:
            self._run, self.runtime = OpenVinoRunner(model, count), "OpenVINO"
        else:
            session = _start(model, device, session_options(device, count), provider_options(device, count))
            if uploads is None and device.memory:
                uploads = Uploads(device.memory)
            self._run, self.runtime = Runner(session, uploads), "ONNX Runtime"
            _tell_strays(session, device, model)
        self.device = device.name
        self.threads = count
        self.outputs = self._run.outputs
        self.calls = self.total_in = self.total_out = 0
        self.seconds = 0.0
        listeners = _listening.get()
        if listeners is not None:
            listeners.append(self)

    @property
    def bytes_in(self) -> int:
        """Bytes that went in with the last call."""
        return self._run.bytes_in

    @property
    def bytes_out(self) -> int:
        """Bytes that came back from the last call."""
        return self._run.bytes_out

    def __call__(self, feed: Feed) -> list[Array]:
        """The outputs, in the order of `outputs`."""
        begun = time.perf_counter()
        answers = self._run(feed)
        self.seconds += time.perf_counter() - begun
        self.calls += 1
        self.total_in += self._run.bytes_in
        self.total_out += self._run.bytes_out
        return answers


@contextmanager
def opened() -> Iterator[list[Session]]:
    """The list of the sessions that are opened while the block runs, for who measures them."""
    sessions: list[Session] = []
    token = _listening.set(sessions)
    try:
        yield sessions
    finally:
        _listening.reset(token)


def open_sessions(
    models: Callable[[str], Mapping[str, onnx.ModelProto]], device: str, threads: int | None
) -> dict[str, Session]:
    """Sessions for several graphs of one estimator, by name, all on the same device, sharing what is uploaded to it.

    models: the graphs for a device's name. "auto" takes the best device on which all of them start. Raises
    BodyDoubleError as choose_providers and Session do.
    """
    *others, last = choose_providers(device)
    for candidate in others:
        try:
            return _open_on(candidate, models, threads)
        except BodyDoubleError as fault:
            _log.info("%s is passed over: %s", candidate.name, fault)  # the one in use is shown
    return _open_on(last, models, threads)


def _open_on(
    device: Device, models: Callable[[str], Mapping[str, onnx.ModelProto]], threads: int | None
) -> dict[str, Session]:
    uploads = Uploads(device.memory) if device.memory else None
    with opened() as sessions:  # nobody hears of sessions on a device that is then passed over
        found = {name: Session(model, device, threads, uploads) for name, model in models(device.name).items()}
    listeners = _listening.get()
    if listeners is not None:
        listeners.extend(sessions)
    return found


def _start(
    model: onnx.ModelProto, device: Device, options: onnxruntime.SessionOptions, settings: dict[str, str]
) -> onnxruntime.InferenceSession:
    """A session whose first provider is the device's; ONNX Runtime itself would fall back to the CPU and go on."""
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=[(device.provider, settings)], enable_fallback=0
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


def _tell_strays(session: onnxruntime.InferenceSession, device: Device, model: onnx.ModelProto) -> None:
    """Warn of work that ONNX Runtime gave to the CPU by itself."""
    kinds = strays(session, device, model)
    if kinds:
        _log.warning("device %s leaves to the CPU what it cannot do: %s", device.name, ", ".join(kinds))


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
