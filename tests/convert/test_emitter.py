"""The Emitter: constants at once, nodes once, names of sizes followed."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.convert.emitter import Emitter
from bodydouble.types import BodyDoubleError


def test_what_is_known_is_computed() -> None:
    g = Emitter()
    y = g.emit("Add", g.ints(1, 2), g.ints(10, 20))
    assert g.known(y) is not None and g.known(y).tolist() == [11, 22]  # type: ignore[union-attr]
    assert not g.nodes


def test_the_same_node_is_made_once_and_not_seen_outside_its_body() -> None:
    g = Emitter()
    x = g.input("x", (2, 3))
    with g.body():
        inner = g.emit("Relu", x)
        assert g.emit("Relu", x) == inner
    assert g.emit("Relu", x) != inner
    assert len(g.nodes) == 1


def test_names_of_sizes_are_followed() -> None:
    g = Emitter()
    x = g.input("x", ("batch", 4, 6))
    batch = g.emit("Slice", g.emit("Shape", x), g.ints(0), g.ints(1), g.ints(0))
    twice = g.emit("Mul", batch, g.ints(2))
    y = g.emit("Reshape", x, g.emit("Concat", batch, g.ints(-1), axis=0))
    assert g.dims(y) == ("batch", 24)
    assert g.content(twice).tolist() == ["2*batch"]  # type: ignore[union-attr]
    rest = g.emit("Slice", g.emit("Shape", x), g.ints(1), g.ints(3), g.ints(0))
    assert g.known(rest).tolist() == [4, 6]  # type: ignore[union-attr]
    assert [node.op for node in g.finished({"y": y}).nodes] == ["Reshape"]


def test_float16_that_only_moves_stays_float16() -> None:
    g = Emitter()
    stored = np.arange(24, dtype=np.float16).reshape(2, 3, 4)
    y = g.emit("Transpose", g.constant(stored, np.float32), perm=(2, 0, 1))
    assert g.constants[y].dtype == np.float16
    assert g.dtype(y) == np.float32


def test_inputs_that_do_not_fit_are_one_line() -> None:
    g = Emitter()
    with pytest.raises(BodyDoubleError, match="MatMul") as caught:
        g.emit("MatMul", g.input("a", (2, 3)), g.input("b", (4, 5)))
    assert "\n" not in str(caught.value)
    assert set(g.values) == {"a", "b"}


def test_much_that_is_said_by_little_stays_a_node() -> None:
    """Forty gigabytes of zeros in a file of a kilobyte are not made while converting."""
    g = Emitter()
    y = g.emit("ConstantOfShape", g.ints(100_000, 100_000))
    z = g.emit("Range", g.scalar(0, np.int64),
               g.scalar(10**11, np.int64), g.scalar(1, np.int64))  # fmt: skip
    assert g.dims(y) == (100_000, 100_000)
    assert g.known(z) is None
