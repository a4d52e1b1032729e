"""What doctor says of devices: each with what is missing, those that do not start with why, and what auto takes."""

import onnxruntime
import pytest
from rich.console import Console

from bodydouble.cli import doctor
from bodydouble.estimate import session
from bodydouble.estimate.session import DEVICES
from bodydouble.types import BodyDoubleError


def test_each_device_has_a_state_and_the_cpu_starts():
    states = doctor.device_states()
    assert list(states) == list(DEVICES)
    assert states["cpu"] == "ready (ONNX Runtime)"
    assert states["cuda"].startswith("needs an NVIDIA GPU")


def test_a_device_that_is_installed_but_does_not_start_says_so(monkeypatch):
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )

    def start(model, device, *_):
        raise BodyDoubleError(f'device "{device.name}" does not start (no driver); it {device.hint}')

    monkeypatch.setattr(session, "_start", start)
    assert "does not start (no driver)" in doctor.device_states()["cuda"]


def test_auto_is_named_with_its_threads(monkeypatch):
    monkeypatch.setattr(session, "default_threads", lambda: 2)
    assert doctor.device_in_use() == ("auto: cpu, 2 threads; 1 thread while a film is made, which draws beside it")


def test_two_packages_of_onnxruntime_are_a_fault(monkeypatch):
    monkeypatch.setattr(doctor, "installed", lambda name: name in ("onnxruntime", "onnxruntime-gpu"))
    (fault,) = doctor.clashing_runtimes()
    assert "overwrite each other" in fault
    assert fault.endswith("pip install onnxruntime-gpu")


@pytest.mark.parametrize("width", [60, 200])
def test_headings_are_lines_of_their_own_and_hints_keep_their_brackets(monkeypatch, capsys, width):
    monkeypatch.setenv("COLUMNS", str(width))
    assert Console().width == width
    doctor.doctor()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Python 3.")
    assert "Devices to run models on (--device)" in lines
    if width == 200:
        assert any("onnxruntime-gpu[cuda,cudnn]" in line for line in lines)


def test_what_live_lacks_is_said_with_what_to_do(monkeypatch):
    def unbuilt():
        raise BodyDoubleError("the pages are not built; install Node.js")

    monkeypatch.setattr("bodydouble.stage.pages.page_folder", unbuilt)
    monkeypatch.setattr("bodydouble.sources.camera.cameras", list)
    monkeypatch.setattr(doctor, "installed", lambda name: False)
    states = doctor.live_states()
    assert states["pages"] == "the pages are not built; install Node.js"
    assert "--camera browser" in states["cameras"]
    assert "bodydouble[virtualcam]" in states["virtual camera"]
