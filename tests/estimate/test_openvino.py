"""OpenVINO gives what ONNX Runtime gives. Needs the extra `openvino`, which `make test` does not install."""

import numpy as np
import onnx
import pytest

from bodydouble.estimate.session import DEVICES, Session
from bodydouble.models import onnx_path

pytest.importorskip("openvino", reason="the extra openvino is not installed")


@pytest.mark.models
@pytest.mark.parametrize("model", ["blazepose-lite", "posenet-mobilenet", "movenet-lightning"])
def test_a_network_answers_the_same(model):
    network = onnx.load(onnx_path(model))
    (entry,) = network.graph.input
    shape = [dim.dim_value for dim in entry.type.tensor_type.shape.dim]
    kind = onnx.helper.tensor_dtype_to_np_dtype(entry.type.tensor_type.elem_type)
    noise = np.random.default_rng(0).random(shape)
    picture = (255 * noise if np.issubdtype(kind, np.integer) else noise).astype(kind)
    picture.setflags(write=False)
    plain, openvino = (Session(network, DEVICES[name], 2) for name in ("cpu", "openvino"))
    assert openvino.runtime == "OpenVINO"
    assert openvino.outputs == plain.outputs
    for ours, theirs in zip(plain({entry.name: picture}), openvino({entry.name: picture}), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(theirs, ours, atol=1e-4 * max(1.0, np.ptp(ours)))
