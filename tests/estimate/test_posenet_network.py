"""Networks at other sizes and strides: what each cell sees does not change."""

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

from bodydouble.estimate.posenet_network import reshaped, valid_size
from bodydouble.types import BodyDoubleError

# Two steps of two, a sum of two branches, a pooling, then a convolution that reaches over its neighbours.
TEXT = """
    <ir_version: 8, opset_import: ["": 17]>
    net (float[1, 33, 33, 3] image) => (float[1, 9, 9, 4] maps) {
        planes = Transpose<perm = [0, 3, 1, 2]>(image)
        a = Conv<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>(planes, first)
        b = Relu(a)
        c = Conv<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>(b, second)
        d = Conv<kernel_shape = [1, 1], strides = [2, 2]>(b, across)
        e = Add(c, d)
        f = MaxPool<kernel_shape = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1]>(e)
        g = Conv<kernel_shape = [3, 3], auto_pad = "SAME_UPPER", group = 4>(f, last)
        maps = Transpose<perm = [0, 2, 3, 1]>(g)
    }
"""


def network(text: str = TEXT) -> onnx.ModelProto:
    random = np.random.default_rng(0)
    model = onnx.parser.parse_model(text)
    shapes = {"first": (4, 3, 3, 3), "second": (4, 4, 3, 3), "across": (4, 4, 1, 1), "last": (4, 1, 3, 3)}
    for name, shape in shapes.items():
        values = random.normal(size=shape).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    return model


def run(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": image})[0]


@pytest.mark.parametrize("size", [(33, 33), (17, 49)])
@pytest.mark.parametrize("stride", [2, 8, 16])
def test_cells_of_all_strides_see_the_same(size, stride):
    width, height = size
    image = np.random.default_rng(1).normal(size=(1, height, width, 3)).astype(np.float32)
    own = run(reshaped(network(), width, height, 4), image)
    other = run(reshaped(network(), width, height, stride), image)
    assert other.shape == (1, (height - 1) // stride + 1, (width - 1) // stride + 1, 4)
    if stride < 4:
        other = other[:, :: 4 // stride, :: 4 // stride]
    else:
        own = own[:, :: stride // 4, :: stride // 4]
    np.testing.assert_allclose(other, own, atol=1e-5)


def test_its_own_size_and_stride_change_nothing():
    image = np.random.default_rng(2).normal(size=(1, 33, 33, 3)).astype(np.float32)
    np.testing.assert_array_equal(run(reshaped(network(), 33, 33, 4), image), run(network(), image))


def test_an_input_that_moves_by_a_cell_moves_what_is_seen_by_a_cell():
    """At a finer stride cells between the network's own see what those would see of the moved input."""
    image = np.random.default_rng(3).normal(size=(1, 65, 65, 3)).astype(np.float32)
    fine = run(reshaped(network(), 65, 65, 2), image)
    moved = run(reshaped(network(), 65, 65, 4), np.roll(image, -2, axis=2))
    np.testing.assert_allclose(fine[:, 8:-8:2, 9:-6:2], moved[:, 4:-4, 4:-4], atol=1e-5)


def test_a_size_that_does_not_fit_says_which_does():
    with pytest.raises(BodyDoubleError, match=r"384 x 256 pixels at stride 16; .* such as 385 x 257"):
        reshaped(network(), 384, 256, 16)


def test_a_stride_that_the_network_cannot_have_is_an_error():
    with pytest.raises(BodyDoubleError, match="stride 6 of a network with stride 4"):
        reshaped(network(), 37, 37, 6)


def test_a_network_that_sees_all_cells_at_once_is_an_error():
    text = TEXT.replace(
        "f = MaxPool<kernel_shape = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1]>(e)", "f = Softmax(e)"
    )
    with pytest.raises(BodyDoubleError, match="Softmax cannot be given another size"):
        reshaped(network(text), 17, 17, 4)


def test_a_pooling_that_cannot_be_spread_is_an_error():
    with pytest.raises(BodyDoubleError, match="stride 1 spreads a pooling"):
        reshaped(network(), 17, 17, 1)


def test_uneven_padding_is_an_error():
    text = TEXT.replace("pads = [1, 1, 1, 1]>(planes", "pads = [0, 0, 1, 1]>(planes")
    with pytest.raises(BodyDoubleError, match="even padding"):
        reshaped(network(text), 17, 17, 4)


def test_sizes_are_made_valid_as_published():
    assert [valid_size(size, 16) for size in (257, 256, 250, 16)] == [257, 257, 241, 17]
    with pytest.raises(BodyDoubleError, match="9 pixels or more"):
        valid_size(5, 8)
