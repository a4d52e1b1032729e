"""Gradients reach every weight, also of layers that the outputs only choose by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: pip install 'bodydouble[train]' runs these tests"
)

from test_torch import model, picture, weights  # noqa: E402
from test_torch_operators import reference  # noqa: E402

from bodydouble.convert import to_torch, torch_check  # noqa: E402
from bodydouble.convert.torch_model import save  # noqa: E402


def chosen() -> onnx.ModelProto:
    """As MoveNet does: features; a heat map's best place picks from the offsets. Its two layers only choose."""
    body = """
        t = Transpose<perm: ints = [0, 3, 1, 2]>(x)  f = Conv(t, features)
        a = Conv<pads: ints = [1, 1, 1, 1]>(f, deep)  b = Relu(a)  h = Conv(b, heat)  s = Sigmoid(h)
        r = Reshape(s, row)  k = ArgMax<axis: int = 1, keepdims: int = 0>(r)
        g = Conv(f, offsets)  u = Reshape(g, rows)  o = Gather<axis: int = 2>(u, k)"""
    stored = {
        "features": weights(4, 3, 1, 1),
        "deep": weights(4, 4, 3, 3),
        "heat": weights(1, 4, 1, 1),
        "row": np.array([1, 64]),
        "offsets": weights(2, 4, 1, 1),
        "rows": np.array([1, 2, 64]),
    }
    made = model(body, stored)
    layers = [node for node in made.graph.node if node.op_type == "Conv"]
    for node, name in zip(layers, ("features", "deep", "net/heat", "offsets"), strict=True):
        node.name = name
    return made


def gradients(found: torch.nn.Module) -> dict[str, bool]:
    sum(value.square().sum() for value in found(torch.from_numpy(picture())).values()).backward()
    return {name: p.grad is not None and bool(p.grad.abs().max() > 0) for name, p in found.named_parameters()}


def test_what_only_chooses_becomes_an_output_after_the_files() -> None:
    """One head, the last layer before the choice, channels last; a layer before it gets its gradient through it."""
    made, x = chosen(), picture()
    found = to_torch(made)
    assert (found.about["heads"], found.about["without gradient"]) == (("net/heat",), ())
    answer = found(torch.from_numpy(x))
    assert {name: tuple(value.shape) for name, value in answer.items()} == {"o": (1, 2, 1), "net/heat": (1, 8, 8, 1)}
    np.testing.assert_allclose(answer["o"].detach().numpy(), reference(made, {"x": x})["o"], rtol=1e-5, atol=1e-5)
    assert gradients(found) == dict.fromkeys(
        ["features.weight", "deep.weight", "net.heat.weight", "offsets.weight"], True
    )
    torch_check.check(found, made)


def test_the_files_outputs_alone() -> None:
    found = to_torch(chosen(), heads=False)
    assert list(found(torch.from_numpy(picture()))) == ["o"]
    assert gradients(found) == {
        "features.weight": True, "deep.weight": False, "net.heat.weight": False, "offsets.weight": True
    }  # fmt: skip


def test_heads_are_saved(tmp_path: Path) -> None:
    save(to_torch(chosen()), tmp_path / "model.pt")
    again = torch.load(tmp_path / "model.pt", weights_only=False)
    assert again.about["heads"] == ("net/heat",)
    assert all(gradients(again).values())


def test_a_weight_that_nothing_reads_by_a_gradient_is_named() -> None:
    """A matrix that is multiplied by no layer's input, and only counted: no head can be made of it."""
    body = "c = MatMul(w, x)  r = Round(c)  i = Cast<to: int = 7>(r)  o = Cast<to: int = 1>(i)"
    found = to_torch(model(body, {"w": weights(3, 3)}, "float[3,2] x"))
    assert (found.about["heads"], found.about["without gradient"]) == ((), ("c.weight",))


def test_a_network_that_does_not_take_noise_is_left_as_it_is() -> None:
    """Rows that are left open, of which it wants twenty."""
    body = "m = MatMul(x, w)  o = Reshape(m, s)"
    found = to_torch(model(body, {"w": weights(3, 3), "s": np.array([5, 12])}, "float[n,3] x"))
    assert (found.about["heads"], found.about["without gradient"]) == ((), None)
    assert found(torch.ones(20, 3))["o"].shape == (5, 12)


@pytest.mark.parametrize(("layer", "gates", "count"), [("LSTM", 4, 8), ("GRU", 3, 8), ("RNN", 1, 8)])
def test_recurrent_layers_train(layer: str, gates: int, count: int) -> None:
    """Both directions: two matrices and two biases each."""
    reset = ", linear_before_reset: int = 1" if layer == "GRU" else ""
    body = f'o, last = {layer}<hidden_size: int = 2, direction: string = "bidirectional"{reset}>(x, w, r, b)'
    stored = {"w": weights(2, 2 * gates, 3), "r": weights(2, 2 * gates, 2), "b": weights(2, 4 * gates)}
    found = to_torch(model(body, stored, "float[6,4,3] x"))
    found(torch.ones(6, 4, 3))["o"].square().sum().backward()
    assert [p.grad is not None and bool(p.grad.abs().max() > 0) for p in found.parameters()] == [True] * count


def test_chance_draws_from_what_the_file_says() -> None:
    body = """o = RandomNormalLike<mean: float = 5.0, scale: float = 2.0>(x)"""
    drawn = to_torch(model(body, {}, "float[100,100] x"))(torch.zeros(100, 100))["o"]
    assert abs(drawn.mean() - 5) < 0.1
    assert abs(drawn.std() - 2) < 0.1
    body = """o = RandomUniformLike<low: float = -1.0, high: float = 3.0>(x)"""
    drawn = to_torch(model(body, {}, "float[100,100] x"))(torch.zeros(100, 100))["o"]
    assert -1 <= drawn.min() < -0.9 < 2.9 < drawn.max() <= 3
