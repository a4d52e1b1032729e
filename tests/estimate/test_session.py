"""Devices: the one asked for, or one clear line; never another in silence."""

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

from bodydouble.estimate import available_devices, choose_providers
from bodydouble.estimate import session as sessions
from bodydouble.estimate.session import DEVICES, Session, open_sessions
from bodydouble.types import BodyDoubleError


def doubling() -> onnx.ModelProto:
    return onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> double (float[2] x) => (float[2] y) { y = Add(x, x) }'
    )


def installed(monkeypatch, *providers):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: list(providers))


def test_a_session_computes_on_the_device_asked_for():
    session = Session(doubling(), DEVICES["cpu"], threads=1)
    assert session.device == "cpu"
    np.testing.assert_array_equal(session({"x": np.array([1, 2], dtype=np.float32)})[0], [2, 4])


def test_auto_takes_the_best_that_is_installed_but_never_tensorrt(monkeypatch):
    installed(monkeypatch, "TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
    assert [device.name for device in choose_providers("auto")] == ["cuda", "cpu"]
    assert [device.name for device in choose_providers("tensorrt")] == ["tensorrt"]


def test_every_device_is_listed_with_how_to_get_it(monkeypatch):
    installed(monkeypatch, "CPUExecutionProvider")
    listed = {status.name: status for status in available_devices()}
    assert set(listed) == {"cpu", "cuda", "tensorrt", "directml", "coreml", "openvino"}
    assert [name for name, status in listed.items() if status.available] == ["cpu"]
    assert all(status.hint for status in listed.values())


@pytest.mark.parametrize("device", ["cuda", "tensorrt", "directml", "coreml", "openvino"])
def test_a_device_that_is_not_installed_says_what_to_install(monkeypatch, device):
    installed(monkeypatch, "CPUExecutionProvider")
    with pytest.raises(BodyDoubleError, match=r"(?s)needs .*(onnxruntime|macOS)") as raised:
        choose_providers(device)
    assert "\n" not in str(raised.value)


def test_an_unknown_device_lists_the_known():
    with pytest.raises(BodyDoubleError, match="auto, coreml, cpu, cuda, directml, openvino, tensorrt"):
        choose_providers("gpu")


class FellBack:
    """A session that ONNX Runtime put on the CPU instead."""

    def __init__(self, *_, **__):
        pass

    def get_providers(self):
        return ["CPUExecutionProvider"]

    def get_outputs(self):
        return []


def test_a_silent_cpu_is_an_error(monkeypatch):
    installed(monkeypatch, "CUDAExecutionProvider", "CPUExecutionProvider")
    monkeypatch.setattr(onnxruntime, "InferenceSession", FellBack)
    with pytest.raises(BodyDoubleError, match='device "cuda" does not start'):
        open_sessions(lambda name: {"a": doubling()}, "cuda", None)


def test_auto_goes_on_to_a_device_that_starts_and_names_it(monkeypatch):
    installed(monkeypatch, "CUDAExecutionProvider", "CPUExecutionProvider")
    real = sessions._start

    def start(model, device, options):
        if device.name == "cuda":
            raise BodyDoubleError("no driver")
        return real(model, device, options)

    monkeypatch.setattr(sessions, "_start", start)
    built_for = []
    found = open_sessions(lambda name: built_for.append(name) or {"a": doubling()}, "auto", 1)
    assert found["a"].device == "cpu"
    assert built_for == ["cuda", "cpu"]


def test_no_threads_is_an_error():
    with pytest.raises(BodyDoubleError, match="0 threads"):
        Session(doubling(), DEVICES["cpu"], threads=0)
