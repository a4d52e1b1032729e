"""The devices that models run on, by the names users give them, and how each is had on this system.

Devices are named as on the command line: auto, cpu, cuda, tensorrt, directml, coreml, openvino.
What "auto" takes, and why: docs/decisions/providers.md
"""

from __future__ import annotations

import importlib.util
import platform
from dataclasses import dataclass

import onnxruntime

from bodydouble.types import BodyDoubleError

AUTO = "auto"
ANYWHERE = ("Linux", "Windows", "Darwin")
NAMES = {"Darwin": "macOS"}  # of systems, where platform.system() has another
OPENVINO_PACKAGE = "openvino"  # runs our graphs by itself, beside any ONNX Runtime


@dataclass(frozen=True, slots=True)
class Device:
    """A device by the name users give it, its execution provider in ONNX Runtime, and how to get it.

    needs: hardware or system, in words. install: what to do where it can be had, "" if nothing. systems: where it can,
    as platform.system() has them. machines: processors that its packages are made for, () for all. package: a Python
    package that brings the device without ONNX Runtime, "" if there is none. automatic: may be taken by "auto";
    TensorRT may not, as it builds an engine for minutes first, nor OpenVINO, which starts three times as slowly as the
    plain processor and is then hardly quicker. memory: of its own, as ONNX Runtime names it, "" where
    it computes in the computer's.
    """

    name: str
    provider: str
    needs: str
    install: str
    systems: tuple[str, ...] = ANYWHERE
    machines: tuple[str, ...] = ()
    package: str = ""
    automatic: bool = True
    memory: str = ""

    @property
    def possible(self) -> bool:
        """Whether its packages are made for this system."""
        machine = platform.machine().lower()
        return platform.system() in self.systems and (not self.machines or machine in self.machines)

    @property
    def installed(self) -> bool:
        """Whether this installation has it; whether it starts, a session tells."""
        return self.provider in onnxruntime.get_available_providers() or self.by_package

    @property
    def by_package(self) -> bool:
        """Whether its own package is installed, which then goes before ONNX Runtime's provider."""
        return bool(self.package) and importlib.util.find_spec(self.package) is not None

    @property
    def hint(self) -> str:
        """How to get it here, in one line."""
        if self.possible:
            return f"needs {self.needs}" + (f": {self.install}" if self.install else "")
        here = f"{NAMES.get(platform.system(), platform.system())} on {platform.machine()}"
        return f"needs {self.needs}; not for {here}"


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """A device and whether this installation has it; `hint` says how to get it here."""

    name: str
    provider: str
    available: bool
    hint: str


X86 = ("x86_64", "amd64")
# Best first: the order in which "auto" tries.
DEVICES = {
    device.name: device
    for device in (
        Device(
            "tensorrt",
            "TensorrtExecutionProvider",
            "an NVIDIA GPU and TensorRT",
            "pip uninstall onnxruntime, then pip install 'onnxruntime-gpu[cuda,cudnn]' tensorrt",
            systems=("Linux", "Windows"),
            machines=X86,
            automatic=False,
            memory="cuda",
        ),
        Device(
            "cuda",
            "CUDAExecutionProvider",
            "an NVIDIA GPU with its driver",
            "pip uninstall onnxruntime, then pip install 'onnxruntime-gpu[cuda,cudnn]'",
            systems=("Linux", "Windows"),
            machines=X86,
            memory="cuda",
        ),
        Device(
            "directml",
            "DmlExecutionProvider",
            "Windows 10 or later and a GPU",
            "pip uninstall onnxruntime, then pip install onnxruntime-directml",
            systems=("Windows",),
            machines=X86,
            memory="dml",
        ),
        Device(
            "coreml",
            "CoreMLExecutionProvider",
            "macOS, where onnxruntime brings it",
            "pip install --force-reinstall onnxruntime",
            systems=("Darwin",),
        ),
        Device(
            "openvino",
            "OpenVINOExecutionProvider",
            "a processor of Intel, AMD or ARM",
            "pip install openvino (it goes beside onnxruntime)",
            machines=(*X86, "aarch64", "arm64"),
            package=OPENVINO_PACKAGE,
            automatic=False,
        ),
        Device("cpu", "CPUExecutionProvider", "nothing", "onnxruntime brings it"),
    )
}


def available_devices() -> tuple[DeviceStatus, ...]:
    """Every device, best first, and whether this installation has it. Whether it starts, a session tells."""
    return tuple(DeviceStatus(d.name, d.provider, d.installed, d.hint) for d in DEVICES.values())


def choose_providers(device: str) -> tuple[Device, ...]:
    """The devices to try in order for what the user asked: one, or for "auto" all that this installation has.

    Raises BodyDoubleError for an unknown device and for one that this installation lacks.
    """
    if device == AUTO:
        return tuple(d for d in DEVICES.values() if d.automatic and d.installed)
    if device not in DEVICES:
        raise BodyDoubleError(f'no device "{device}"; choose from {AUTO}, {", ".join(sorted(DEVICES))}')
    chosen = DEVICES[device]
    if not chosen.installed:
        raise BodyDoubleError(f'device "{device}" is not installed; it {chosen.hint}')
    return (chosen,)
