"""bench --live: the clip as a camera, the figures, and a whole run with made people and a client in Python."""

from __future__ import annotations

import json
from array import array
from pathlib import Path

import numpy as np
import pytest

from bodydouble.bench import browser, live
from bodydouble.bench.paced import Paced
from bodydouble.skeletons import BLAZEPOSE_33
from bodydouble.types import BodyDoubleError, Frame, Pose
from made_clips import make_clip

LONG = 30.0


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "made.mp4"
    make_clip(path)
    return path


class Seer:
    """An estimator that sees somebody in the middle of every picture."""

    model, provider, skeleton = "blazepose-lite", "cpu", BLAZEPOSE_33

    def __call__(self, frame: Frame) -> list[Pose]:
        count = len(BLAZEPOSE_33)
        random = np.random.default_rng(0)
        points = random.uniform(0.3, 0.7, (count, 2)) * frame.size
        return [Pose(BLAZEPOSE_33.name, points, np.ones(count), 1.0, frame.time, np.zeros(count), np.zeros((count, 3)))]

    def reset(self) -> None:
        """There is nothing to forget."""


def test_the_clip_is_played_over_and_over_at_the_rate(clip: Path) -> None:
    source = Paced(clip, 200.0)
    try:
        frames = [source.read(LONG) for _ in range(40)]
    finally:
        source.close()
    times = [frame.time for frame in frames if frame is not None]
    assert len(times) == 40
    assert (np.diff(times) > 0).all()
    assert frames[0] is not None
    assert frames[0].size == source.size
    assert source.read(0.0) is None


def test_a_run_with_a_client_in_python(clip: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(live, "SETTLE", 0.0)
    monkeypatch.setattr("bodydouble.live.estimators.load", lambda *_, **__: Seer())
    result = live.measure_live(live.Plan(clip, seconds=3.0, page=live.NO_PAGE, model="blazepose-lite"))
    assert result.ready.count > 3
    assert result.posed.count > 3
    assert result.drawn.count == 0
    assert 0 < result.ready.p50 <= result.posed.p95
    assert result.captured >= result.dropped
    assert "draws nothing" in result.viewer
    assert live.table(result).row_count == 3
    assert any("dropped" in line for line in live.words(result))
    live.write_json(result, tmp_path / "figures.json")
    assert json.loads((tmp_path / "figures.json").read_text())["posed"]["count"] == result.posed.count


def test_what_cannot_be_measured_is_told(tmp_path: Path) -> None:
    with pytest.raises(BodyDoubleError, match="--page"):
        live.Plan(tmp_path, page="lynx")
    with pytest.raises(BodyDoubleError, match="--seconds"):
        live.Plan(tmp_path, seconds=1)
    with pytest.raises(BodyDoubleError, match="no browser"):
        browser.find(tmp_path / "netscape")
    with pytest.raises(BodyDoubleError):
        Paced(tmp_path / "none.mp4", 30)


def test_percentiles_and_growth() -> None:
    series = live.Series()
    for i in range(300):
        series.add(100 + i / 10, 0.040 if i < 150 else 0.050)
    span = live._span(series, 100.0, 30.0)
    assert (span.p50, span.p95, span.count) == (pytest.approx(45, abs=5.1), pytest.approx(50), 300)
    assert span.growth == pytest.approx(10)
    assert live._growth(array("d", [100.0] * 10 + [104.0] * 10)) == pytest.approx(4)
    assert live._span(live.Series(), 0.0, 1.0).count == 0
