"""Devices: the one asked for, or one clear line; never another in silence."""

import re

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

from bodydouble.estimate import available_devices, binding, choose_providers, devices, openvino_runner
from bodydouble.estimate import session as sessions
from bodydouble.estimate.session import DEVICES, Session, open_sessions, opened
from bodydouble.types import BodyDoubleError


def doubling() -> onnx.ModelProto:
    return onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> double (float[2] x) => (float[2] y) { y = Add(x, x) }'
    )


def installed(monkeypatch, *providers):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: list(providers))
    monkeypatch.setattr(devices.Device, "by_package", False)


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
    with pytest.raises(BodyDoubleError, match=r"(?s)needs .*(onnxruntime|macOS|Windows|openvino)") as raised:
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

    def start(model, device, *options):
        if device.name == "cuda":
            raise BodyDoubleError("no driver")
        return real(model, device, *options)

    monkeypatch.setattr(sessions, "_start", start)
    built_for = []
    found = open_sessions(lambda name: built_for.append(name) or {"a": doubling()}, "auto", 1)
    assert found["a"].device == "cpu"
    assert built_for == ["cuda", "cpu"]


def test_no_threads_is_an_error():
    with pytest.raises(BodyDoubleError, match="0 threads"):
        Session(doubling(), DEVICES["cpu"], threads=0)


class Placed:
    """Part of a session's graph on one provider, as onnxruntime tells it."""

    def __init__(self, ep_name, *kinds):
        self.ep_name = ep_name
        self._kinds = kinds

    def get_nodes(self):
        return [type("Node", (), {"op_type": kind}) for kind in self._kinds]


def a_crop_of_a_sized_picture() -> onnx.ModelProto:
    """Shape and Gather count, TopK and Add work on values."""
    return onnx.parser.parse_model(
        """
        <ir_version: 8, opset_import: ["": 17]> crop (float[n] x) => (float[k] y)
        <int64[1] one = {1}, int64 first = {0}>
        { size = Shape(x) count = Gather(size, first) best, place = TopK(x, one) y = Add(best, best) }
        """
    )


def test_work_that_falls_back_to_the_cpu_is_told_but_sizes_are_not():
    class Half:
        def get_provider_graph_assignment_info(self):
            on_cpu = Placed("CPUExecutionProvider", "Shape", "Gather", "TopK")
            return [Placed("CUDAExecutionProvider", "Add"), on_cpu]

    assert binding.strays(Half(), DEVICES["cuda"], a_crop_of_a_sized_picture()) == ["TopK"]
    assert binding.strays(Half(), DEVICES["cpu"], a_crop_of_a_sized_picture()) == []


def test_a_session_on_this_onnxruntime_tells_where_its_nodes_run():
    options = binding.session_options(DEVICES["cpu"], 1)
    session = onnxruntime.InferenceSession(doubling().SerializeToString(), options, providers=["CPUExecutionProvider"])
    (part,) = session.get_provider_graph_assignment_info()
    assert part.ep_name == "CPUExecutionProvider"
    assert [node.op_type for node in part.get_nodes()] == ["Add"]


def bound(uploads=None) -> Session:
    return Session(doubling(), DEVICES["cpu"], 1, uploads or binding.Uploads("cpu"))


def test_a_bound_session_computes_the_same_and_counts_the_bytes():
    session = bound()
    (answer,) = session({"x": np.array([1, 2], dtype=np.float32)})
    np.testing.assert_array_equal(answer, [2, 4])
    assert (session.bytes_in, session.bytes_out) == (8, 8)


def test_a_read_only_picture_crosses_once_for_all_graphs():
    uploads = binding.Uploads("cpu")
    first, second = bound(uploads), bound(uploads)
    picture = np.array([1, 2], dtype=np.float32)
    picture.setflags(write=False)
    first({"x": picture})
    (answer,) = second({"x": picture})
    assert (first.bytes_in, second.bytes_in) == (8, 0)
    np.testing.assert_array_equal(answer, [2, 4])
    again = np.array([3, 4], dtype=np.float32)
    again.setflags(write=False)
    np.testing.assert_array_equal(first({"x": again})[0], [6, 8])
    assert first.total_in == 16


def test_a_picture_that_may_change_crosses_every_time():
    session = bound()
    picture = np.array([1, 2], dtype=np.float32)
    session({"x": picture})
    picture[:] = 5
    np.testing.assert_array_equal(session({"x": picture})[0], [10, 10])
    assert session.bytes_in == 8


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_who_measures_hears_of_the_sessions_in_use(monkeypatch):
    installed(monkeypatch, "CUDAExecutionProvider", "CPUExecutionProvider")  # CUDA does not start here
    with opened() as sessions:
        found = open_sessions(lambda name: {"a": doubling(), "b": doubling()}, "auto", 1)
    assert sessions == list(found.values())
    assert [session.device for session in sessions] == ["cpu", "cpu"]


@pytest.mark.parametrize(
    ("system", "machine", "device", "words"),
    [
        ("Linux", "x86_64", "cuda", r"onnxruntime-gpu\[cuda,cudnn\]"),
        ("Darwin", "arm64", "cuda", "not for macOS on arm64"),
        ("Linux", "aarch64", "cuda", "not for Linux on aarch64"),
        ("Windows", "AMD64", "directml", "pip install onnxruntime-directml"),
        ("Linux", "x86_64", "directml", "not for Linux"),
        ("Darwin", "arm64", "openvino", "pip install openvino"),
    ],
)
def test_the_hint_names_the_package_for_this_system(monkeypatch, system, machine, device, words):
    monkeypatch.setattr(devices.platform, "system", lambda: system)
    monkeypatch.setattr(devices.platform, "machine", lambda: machine)
    assert re.search(words, DEVICES[device].hint)


class FakeOpenVino:
    """The part of OpenVINO's interface that is used, doubling whatever it is given."""

    def __init__(self, fault=""):
        self.fault = fault
        self.tensors = {}

    def Core(self):
        return self

    def Tensor(self, array, shared_memory):
        return type("Tensor", (), {"data": array})

    def read_model(self, stored):
        if self.fault:
            raise RuntimeError(self.fault)
        return onnx.load_from_string(stored)

    def compile_model(self, model, where, settings):
        self.settings = settings
        return self

    def create_infer_request(self):
        return self

    def set_tensor(self, name, tensor):
        self.tensors[name] = tensor

    def infer(self):
        self.tensors["y"] = self.Tensor(2 * self.tensors["x"].data, True)

    def get_tensor(self, name):
        return self.tensors[name]


def given_openvino(monkeypatch, fake):
    monkeypatch.setattr(devices.Device, "by_package", property(lambda device: device.name == "openvino"))
    monkeypatch.setattr(openvino_runner, "import_module", lambda name: fake)
    openvino_runner._core.cache_clear()


def test_openvino_runs_by_its_own_package_when_asked_for_and_not_by_auto(monkeypatch):
    fake = FakeOpenVino()
    given_openvino(monkeypatch, fake)
    assert "openvino" not in [device.name for device in choose_providers("auto")]
    session = open_sessions(lambda name: {"a": doubling()}, "openvino", 3)["a"]
    assert (session.device, session.runtime) == ("openvino", "OpenVINO")
    assert fake.settings["INFERENCE_NUM_THREADS"] == 3
    picture = np.array([1, 2], dtype=np.float32)
    picture.setflags(write=False)
    np.testing.assert_array_equal(session({"x": picture})[0], [2, 4])
    assert (session.bytes_in, session.bytes_out) == (8, 8)


def test_a_graph_that_openvino_cannot_run_is_one_line_with_its_reason(monkeypatch):
    fault = "Exception from core.cpp\nmany lines\nWhile validating ONNX node '<Node(Resize): crops>':\nmore"
    given_openvino(monkeypatch, FakeOpenVino(fault))
    with pytest.raises(BodyDoubleError, match=r"While validating ONNX node.*--device cpu") as raised:
        Session(doubling(), DEVICES["openvino"], 1)
    assert "\n" not in str(raised.value)
