"""to_torch as a whole: what becomes a parameter, training, files, batches, exporting again, what is refused."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: pip install 'bodydouble[train]' runs these tests"
)

from test_torch_operators import reference  # noqa: E402

from bodydouble.convert import check, to_torch  # noqa: E402
from bodydouble.convert.torch_model import save  # noqa: E402
from bodydouble.types import BodyDoubleError  # noqa: E402

RANDOM = np.random.default_rng(3)


def weights(*shape: int) -> np.ndarray:
    return (RANDOM.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


def model(body: str, stored: dict[str, np.ndarray], inputs: str = "float[1,8,8,3] x") -> onnx.ModelProto:
    """A model of the body, whose output is o, with the stored arrays."""
    text = f'<ir_version: 8, opset_import: ["" : 17]> g ({inputs}) => (float[...] o) {{ {body} }}'
    found = onnx.parser.parse_model(text.replace("float[...] o", "float[] o"))
    found.graph.output[0].type.tensor_type.ClearField("shape")
    found.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in stored.items())
    return found


def network() -> onnx.ModelProto:
    """A pose network in small: float16 weights, depthwise, scale and shift, PReLU, transposed, dense, a grid added."""
    body = """
        t = Transpose<perm: ints = [0, 3, 1, 2]>(x)  w1 = Cast<to: int = 1>(half)
        a = Conv<kernel_shape: ints = [3, 3], strides: ints = [2, 2], pads: ints = [0, 0, 1, 1]>(t, w1, bias)
        b = PRelu(a, slope)  c = Conv<group: int = 4, pads: ints = [1, 1, 1, 1]>(b, thin)
        d = Mul(c, scale)  e = Add(d, shift)  f = Relu(e)
        u = ConvTranspose<strides: ints = [2, 2]>(f, up)
        v = Reshape(u, flat)  h = Gemm<transB: int = 1>(v, dense, dense_bias)  k = Reshape(h, points)
        m = MatMul(k, mix)  n = Add(m, grid)  o = Mul(n, size)"""
    stored = {
        "half": weights(4, 3, 3, 3).astype(np.float16),
        "bias": weights(4),
        "slope": np.abs(weights(4, 1, 1)),
        "thin": weights(4, 1, 3, 3),
        "scale": weights(1, 4, 1, 1) + 1,
        "shift": weights(1, 4, 1, 1),
        "up": weights(4, 2, 2, 2),
        "flat": np.array([1, 128]),
        "dense": weights(10, 128),
        "dense_bias": weights(10),
        "points": np.array([1, 5, 2]),
        "mix": weights(2, 2),
        "grid": weights(1, 5, 2),
        "size": np.array(8, np.float32),
    }
    return model(body, stored)


def picture(count: int = 1) -> np.ndarray:
    return RANDOM.random((count, 8, 8, 3), dtype=np.float32)


def test_what_is_trained_and_what_is_not() -> None:
    """Weights are float32 parameters, named after their layers; the grid is a buffer, the one number neither."""
    found = to_torch(network())
    assert {name: p.dtype for name, p in found.named_parameters()} == dict.fromkeys(
        [
            "a.weight",
            "a.bias",
            "b.weight",
            "c.weight",
            "d.weight",
            "e.bias",
            "u.weight",
            "h.weight",
            "h.bias",
            "m.weight",
        ],
        torch.float32,
    )
    assert [tuple(array.shape) for _, array in found.named_buffers()] == [(1, 5, 2)]
    kinds = {name: type(layer).__name__ for name, layer in found.named_modules() if name in ("a", "b", "c", "u", "h")}
    assert kinds == {"a": "Conv2d", "b": "PReLU", "c": "Conv2d", "u": "ConvTranspose2d", "h": "Linear"}
    assert found.c.groups == 4


def test_agrees_and_takes_any_number_of_pictures() -> None:
    made = network()
    found = to_torch(made)
    pictures = picture(3)
    assert (found.about["inputs"], found.about["batch"]) == ({"x": (1, 8, 8, 3)}, True)
    with torch.no_grad():
        got = found(torch.from_numpy(pictures))["o"].numpy()
    for number in range(3):
        wanted = reference(made, {"x": pictures[number : number + 1]})["o"]
        np.testing.assert_allclose(got[number : number + 1], wanted, rtol=1e-5, atol=1e-5)


def test_one_picture_stays_one_where_more_would_mix() -> None:
    """A softmax over the first axis sees the whole batch, so that the file's size of it stands."""
    body = "r = Reshape(x, s)  m = MatMul(r, w)  o = Softmax<axis: int = 0>(m)"
    found = to_torch(model(body, {"s": np.array([64, 3]), "w": weights(3, 2)}))
    assert found.about["batch"] is False
    assert found(torch.from_numpy(picture()))["o"].shape == (64, 2)


def test_gradients_reach_every_weight_and_a_step_lowers_the_loss() -> None:
    found, pictures = to_torch(network()).train(), torch.from_numpy(picture(4))
    goal = torch.zeros(4, 5, 2)
    steps = torch.optim.SGD(found.parameters(), lr=1e-4)
    losses = []
    for _ in range(3):
        steps.zero_grad()
        loss = torch.square(found(pictures)["o"] - goal).mean()
        loss.backward()
        losses.append(loss.item())
        assert all(p.grad is not None and p.grad.abs().max() > 0 for p in found.parameters())
        steps.step()
    assert losses[0] > losses[1] > losses[2]


def test_a_weight_used_twice_is_one_parameter() -> None:
    body = "t = Transpose<perm: ints = [0, 3, 1, 2]>(x)  a = Conv(t, w)  o = Conv(a, w)"
    found = to_torch(model(body, {"w": weights(3, 3, 1, 1)}))
    assert len(list(found.parameters())) == 1
    assert found.a.weight is found.o.weight


def test_the_saved_file_needs_nothing_of_ours(tmp_path: Path) -> None:
    """Read in a process that cannot import bodydouble, trained there for a step, saved and read again."""
    made, x = network(), picture()
    save(to_torch(made), tmp_path / "model.pt")
    np.save(tmp_path / "x.npy", x)
    code = """
import sys, numpy as np, torch
sys.modules["bodydouble"] = None
net = torch.load("model.pt", weights_only=False)
x = torch.from_numpy(np.load("x.npy"))
np.save("o.npy", net(x)["o"].detach().numpy())
net.train()(x)["o"].sum().backward()
torch.save(net, "again.pt")
assert torch.equal(torch.load("again.pt", weights_only=False)(x)["o"], net(x)["o"])
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    wanted = reference(made, {"x": x})["o"]
    np.testing.assert_allclose(np.load(tmp_path / "o.npy"), wanted, rtol=1e-5, atol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.pt", "model.pt", "o.npy", "x.npy"]


def test_weights_alone_are_read_safely(tmp_path: Path) -> None:
    found, other = to_torch(network()), to_torch(network())
    with torch.no_grad():
        for parameter in found.parameters():
            parameter += 1
    save(found, tmp_path / "weights.pt", weights_only=True)
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    x = torch.from_numpy(picture())
    assert torch.equal(found(x)["o"], other(x)["o"])


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BodyDoubleError, match="cannot be written"):
        save(to_torch(network()), tmp_path / "none" / "model.pt")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dynamo", [False, True])
def test_exported_again_it_agrees(tmp_path: Path, dynamo: bool) -> None:
    if dynamo:
        pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install 'bodydouble[train]'")
    made, x = network(), picture()
    path = tmp_path / "again.onnx"
    torch.onnx.export(
        to_torch(made), (torch.from_numpy(x),), path, input_names=["x"], output_names=["o"], dynamo=dynamo
    )
    wanted, got = reference(made, {"x": x})["o"], reference(onnx.load(path), {"x": x})["o"]
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_open_sizes_and_several_axes_are_exported_by_torchscript(tmp_path: Path) -> None:
    """Padding worked out from the picture's size, and a Squeeze of two axes."""
    body = """t = Transpose<perm: ints = [0, 3, 1, 2]>(x)
        a = Conv<auto_pad: string = "SAME_UPPER", strides: ints = [2, 2]>(t, w)  b = GlobalAveragePool(a)
        o = Squeeze(b, axes)"""
    stored = {"w": weights(4, 3, 3, 3), "axes": np.array([2, -1])}
    made, x = model(body, stored, "float[1,h,w,3] x"), picture()
    torch.onnx.export(
        to_torch(made), (torch.from_numpy(x),), tmp_path / "again.onnx", input_names=["x"], output_names=["o"],
        dynamo=False,
    )  # fmt: skip
    wanted, got = reference(made, {"x": x})["o"], reference(onnx.load(tmp_path / "again.onnx"), {"x": x})["o"]
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


def test_channels_first_when_asked() -> None:
    made, x = network(), picture()
    found = to_torch(made, layout="nchw")
    got = found(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))["o"].detach().numpy()
    np.testing.assert_allclose(got, reference(made, {"x": x})["o"], rtol=1e-5, atol=1e-5)
    assert (found.about["inputs"], found.about["batch"]) == ({"x": (1, 3, 8, 8)}, True)
    with pytest.raises(BodyDoubleError, match="choose from nhwc-as-file, nchw"):
        to_torch(made, layout="chwn")  # type: ignore[arg-type]


def test_quantised_weights_train_as_floats_and_activations_pass_gradients() -> None:
    """The integers of a Conv behind DequantizeLinear, and a pair around its input."""
    body = """t = Transpose<perm: ints = [0, 3, 1, 2]>(x)  q = QuantizeLinear(t, s, z)  d = DequantizeLinear(q, s, z)
        w = DequantizeLinear<axis: int = 0>(whole, ws, wz)  o = Conv(d, w)"""
    stored = {
        "s": np.array(0.02, np.float32),
        "z": np.array(3, np.int8),
        "whole": RANDOM.integers(-128, 127, (4, 3, 3, 3)).astype(np.int8),
        "ws": np.abs(weights(4)) / 100,
        "wz": np.zeros(4, np.int8),
    }
    made, x = model(body, stored), picture()
    found, feed = to_torch(made), torch.from_numpy(x).requires_grad_()
    got = found(feed)["o"]
    np.testing.assert_allclose(got.detach().numpy(), reference(made, {"x": x})["o"], rtol=1e-4, atol=1e-4)
    got.sum().backward()
    assert [name for name, _ in found.named_parameters()] == ["o.weight"]
    assert found.o.weight.grad.abs().min() > 0
    assert feed.grad is not None
    assert (feed.grad != 0).all()


def test_names_come_from_the_files_layers() -> None:
    """Folders of the name become modules; what Python or torch.nn.Module would stumble over is changed."""
    made = model("a = Conv(t, w)  b = Conv(a, w)  o = Conv(b, w)", {"w": weights(3, 3, 1, 1)}, "float[1,3,4,4] t")
    for node, name in zip(made.graph.node, ["net/block-1/conv;net/relu", "net/block-1/conv", "train"], strict=True):
        node.name = name
    names = [name for name, layer in to_torch(made).named_modules() if isinstance(layer, torch.nn.Conv2d)]
    assert names == ["net.block_1.conv", "net.block_1.conv_2", "train_"]


def test_everything_unsupported_is_listed_once() -> None:
    body = "a = Det(x)  b = Det(x)  c = MaxRoiPool<pooled_shape: ints = [2, 2]>(x, r)  o = Add(a, b)"
    with pytest.raises(BodyDoubleError) as caught:
        to_torch(model(body, {"r": weights(1, 5)}))
    text = str(caught.value)
    assert "\n" not in text
    assert "Det (2), MaxRoiPool (1)" in text


def test_without_pytorch_one_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['torch'] = None; from bodydouble.convert import to_torch; to_torch('x.onnx')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stderr.splitlines()[-1].endswith("PyTorch is not installed: pip install 'bodydouble[train]'")


def test_importing_the_converter_loads_no_torch() -> None:
    code = "import sys, bodydouble.convert; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_the_first_of_equal_elements_is_taken_after_exporting_too() -> None:
    network = to_torch(
        onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
    g (float[1, 8] x) => (float[1, 4] v, int64[1, 4] i) {
        k = Constant <value = int64[1] {4}> ()
        v, i = TopK (x, k)
    }""")
    )
    x = torch.tensor([[3.0, 1, 3, 2, 3, 1, 3, 0]])
    assert network(x)["i"].tolist() == [[0, 2, 4, 6]]
    file = io.BytesIO()
    torch.onnx.export(network, (x,), file, input_names=["x"], dynamo=False)
    values, places = check.run(file.getvalue(), {"x": x.numpy()}).values()
    assert places.tolist() == [[0, 2, 4, 6]]
    assert values.tolist() == [[3.0] * 4]
