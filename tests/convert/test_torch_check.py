"""Judging a PyTorch network: rounding that a network amplifies is no fault, wrong weights are."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: pip install 'bodydouble[train]' runs these tests"
)

from test_torch import model, network, weights  # noqa: E402

from bodydouble.convert import to_torch, torch_check  # noqa: E402
from bodydouble.convert.compare import differences  # noqa: E402
from bodydouble.types import BodyDoubleError  # noqa: E402

BODY = """t = Transpose<perm: ints = [0, 3, 1, 2]>(x)  h = Conv(t, w)  far = Mul(h, large)
    up = Add(far, shift)  back = Sub(up, shift)  o = Mul(back, small)"""


def rounding() -> torch.nn.Module:
    """A convolution whose sums are shifted so far that float32 keeps eleven bits of them."""
    stored = {
        "w": weights(4, 3, 1, 1),
        "large": np.array(1.0, np.float32),
        "shift": np.array(8192.0, np.float32),
        "small": np.array(100.0, np.float32),
    }
    return model(BODY, stored)


def test_a_right_network_agrees() -> None:
    made = network()
    report = torch_check.check(to_torch(made), made)
    assert report.worst is not None
    assert report.worst.error < 1e-5


@pytest.mark.parametrize("parameter", ["c.weight", "h.bias"])
def test_a_wrong_weight_is_said(parameter: str) -> None:
    made = network()
    found = to_torch(made)
    with torch.no_grad():
        found.get_parameter(parameter).mul_(1.1)
    with pytest.raises(BodyDoubleError, match=r"output o is off by .* in float64"):
        torch_check.check(found, made)


def test_what_rounding_explains_is_let_pass_and_no_more() -> None:
    """Weights moved by less than the shift's last bit turn some of its roundings; moved by more, they are wrong."""
    made = rounding()
    found = to_torch(made)
    feed = {"x": np.random.default_rng(1).random((1, 8, 8, 3), dtype=np.float32)}
    with torch.no_grad():
        found.get_submodule("h").weight += 2e-5
    report = torch_check.check(found, made, [feed])
    assert report.worst is not None
    assert report.worst.error > torch_check.TOLERANCE
    with torch.no_grad():
        found.get_submodule("h").weight += 1e-2
    with pytest.raises(BodyDoubleError, match="rounding explains"):
        torch_check.check(found, made, [feed])


def test_float64_computes_the_same_in_float64() -> None:
    """Casts and filled tensors inside are widened too."""
    body = """t = Transpose<perm: ints = [0, 3, 1, 2]>(x)  c = Conv(t, w)  i = Cast<to: int = 7>(c)
        f = Cast<to: int = 1>(i)  s = Shape(c)  z = ConstantOfShape<value: tensor = float[1] {0.1}>(s)
        a = MatMul(f, turned)  b = Add(c, z)  o = Add(a, b)"""
    made = model(body, {"w": 3 * weights(4, 3, 1, 1), "turned": weights(8, 8)})
    found = to_torch(made)
    x = np.random.default_rng(2).random((1, 8, 8, 3), dtype=np.float32)
    wide = torch_check.answers(torch_check.in_float64(found), {"x": x}, ["o"])
    narrow = torch_check.answers(found, {"x": x}, ["o"])
    assert wide["o"].dtype == np.float64
    assert differences([wide], [narrow])[0].error < 1e-5
    assert found(torch.from_numpy(x))["o"].dtype == torch.float32
