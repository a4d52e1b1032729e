"""onnx_path: converted once, kept, made again when damaged; by role; in one line when it cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from fake_clients import PIP, Fake, fake_zoo

sys.path.append(str(Path(__file__).parents[1] / "convert"))
from tiny_tflite import Tiny

from bodydouble import models
from bodydouble.models import cards as cards_module
from bodydouble.models import converted, fetching
from bodydouble.models.cards import Companion
from bodydouble.types import BodyDoubleError


@pytest.fixture
def tiny_model(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """The zoo is one tiny model with two outputs, in a wheel."""
    tiny = Tiny()
    x = tiny.input(1, 4, 4, 2)
    content = {"thing": tiny.finish(tiny.op("RELU", [x], (1, 4, 4, 2)), tiny.op("NEG", [x], (1, 4, 4, 2)))}
    fake.make_wheel(**content)
    cards = fake_zoo(PIP, content)
    object.__setattr__(cards["thing"], "outputs", {"kept": "t1", "turned": "t2"})
    monkeypatch.setattr(cards_module, "zoo", lambda: cards)
    monkeypatch.setattr(fetching, "zoo", lambda: cards)
    return fake


def counting(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    calls: list[object] = []
    real = converted.to_onnx

    def to_onnx(path: Path, *, outputs: object = None, input_shapes: object = None) -> onnx.ModelProto:
        calls.append(outputs)
        return real(path, outputs=outputs, input_shapes=input_shapes)

    monkeypatch.setattr(converted, "to_onnx", to_onnx)
    return calls


def test_converted_once_and_then_without_the_model(tiny_model: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counting(monkeypatch)
    path = models.onnx_path("thing")
    models.place(models.card("thing")).unlink()
    tiny_model.wheel.unlink()
    assert models.onnx_path("thing") == path
    assert calls == [None]
    session = onnxruntime.InferenceSession(path)
    kept, turned = session.run(None, {"t0": np.full((1, 4, 4, 2), -2, np.float32)})
    assert (kept == 0).all()
    assert (turned == 2).all()


def test_outputs_by_role_are_kept_apart(tiny_model: Fake) -> None:
    paths = [models.onnx_path("thing", outputs) for outputs in (None, ["kept"], ["turned"], ["turned", "kept"])]
    assert len(set(paths)) == 4
    assert models.onnx_path("thing", ["t1"]) == paths[1]
    names = [[place.name for place in onnx.load(path).graph.output] for path in paths]
    assert names == [["t1", "t2"], ["t1"], ["t2"], ["t2", "t1"]]


@pytest.mark.parametrize("damage", ["cut", "changed", "no hash", "hash changed"])
def test_a_damaged_one_is_made_again(tiny_model: Fake, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    path = models.onnx_path("thing")
    whole, beside = path.read_bytes(), path.with_suffix(".sha256")
    match damage:
        case "cut":
            path.write_bytes(whole[:-5])
        case "changed":
            path.write_bytes(whole[:-5] + b"12345")
        case "no hash":
            beside.unlink()
        case "hash changed":
            beside.write_bytes(b"\xff\x00")
    calls = counting(monkeypatch)
    assert models.onnx_path("thing").read_bytes() == whole
    assert calls == [None]


def test_another_converter_makes_another_file(tiny_model: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    path = models.onnx_path("thing")
    monkeypatch.setattr(converted, "CONVERTER_VERSION", converted.CONVERTER_VERSION + 1)
    assert models.onnx_path("thing") != path


def test_shapes_of_inputs_are_kept_apart(tiny_model: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    real = converted.to_onnx

    def to_onnx(path: Path, *, outputs: object = None, input_shapes: object = None) -> onnx.ModelProto:
        asked.append(input_shapes)
        return real(path, outputs=outputs)

    monkeypatch.setattr(converted, "to_onnx", to_onnx)
    shapes = [None, (1, 4, 4, 2), (1, 8, 8, 2), {"t0": (1, 4, 4, 2)}]
    assert len({models.onnx_path("thing", input_shapes=shape) for shape in shapes}) == 4
    assert asked == shapes
    models.onnx_path("thing", input_shapes={"t0": [1, 4, 4, 2]})
    assert asked == shapes, "a list or a tuple is the same shape"


def test_other_weights_are_another_model(tiny_model: Fake) -> None:
    card = models.card("thing")
    names = []
    for companions in ((), (Companion("a.bin", 1, "1" * 64),), (Companion("a.bin", 1, "2" * 64),)):
        object.__setattr__(card, "companions", companions)
        names.append(converted._place(card, None, None).name)
    assert len(set(names)) == 3


def test_what_is_no_model(tiny_model: Fake) -> None:
    object.__setattr__(models.card("thing"), "kind", "clip")
    with pytest.raises(BodyDoubleError, match="thing is a clip, not a model"):
        models.onnx_path("thing")


def test_an_unknown_role(tiny_model: Fake) -> None:
    with pytest.raises(BodyDoubleError, match='no output "heatmap"'):
        models.onnx_path("thing", ["heatmap"])


def test_status(tiny_model: Fake) -> None:
    assert models.status("thing") == "not fetched"
    path = models.fetch("thing")
    assert models.status("thing") == "cached"
    path.write_bytes(b"?")
    assert models.status("thing") == "damaged"
