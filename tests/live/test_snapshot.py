"""Snapshots: the character as it is at that moment, whole, under a new name."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.live import snapshot as module
from bodydouble.live.snapshot import snapshot
from bodydouble.types import BodyDoubleError
from moved_live import MadeLive, person

SIZE = (320, 180)


class Publishing(MadeLive):
    """Publishes a moment as soon as somebody listens, as a live run soon does."""

    turns: dict[str, float] | None = None

    def listen(self, callback):  # type: ignore[no-untyped-def]
        stop = super().listen(callback)
        self.publish(self.moment(0.0, [person(0.0)], turns=self.turns))
        return stop


def read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image


def test_transparent_and_with_the_background(tmp_path: Path) -> None:
    live = Publishing(background="#336699")
    see_through = read(snapshot(live, tmp_path / "new", size=SIZE))
    assert see_through.shape == (180, 320, 4)
    assert see_through[0, 0, 3] == 0 and see_through[..., 3].max() == 255
    solid = read(snapshot(live, tmp_path, False, size=SIZE))
    assert solid.shape == (180, 320, 3) and tuple(solid[0, 0]) == (0x99, 0x66, 0x33)
    whole = see_through[..., 3] == 255
    assert np.abs(solid[whole].astype(int) - see_through[whole][:, :3]).max() <= 2
    live.config = MadeLive(background="transparent").config
    assert read(snapshot(live, tmp_path, False, size=SIZE)).shape == (180, 320, 3)
    assert not live.listeners


def test_the_usual_size_is_1080p(tmp_path: Path) -> None:
    assert read(snapshot(Publishing(), tmp_path)).shape == (1080, 1920, 4)


def test_it_shows_the_pose_of_now(tmp_path: Path) -> None:
    live = Publishing()
    before = read(snapshot(live, tmp_path, size=SIZE))
    live.turns = {"left_upper_arm": -120.0}
    after = read(snapshot(live, tmp_path, size=SIZE))
    changed = np.argwhere(np.abs(after[..., 3].astype(int) - before[..., 3]) > 100)
    assert len(changed) > 50 and changed[:, 1].mean() > SIZE[0] / 2


def test_many_at_once_have_names_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Then(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 11, 23, 10, 45, 12)

    monkeypatch.setattr(module, "datetime", Then)
    monkeypatch.setattr(module, "PATIENCE", 60.0)
    (tmp_path / "bodydouble-2026-11-23-104512.png").write_bytes(b"mine")
    live = MadeLive()
    started = threading.Barrier(5)
    made: list[Path] = []

    def take() -> None:
        started.wait(30)
        made.append(snapshot(live, tmp_path, size=SIZE))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    started.wait(30)
    while any(thread.is_alive() for thread in threads):
        live.publish(live.moment(0.0, [person(0.0)]))
        threading.Event().wait(0.01)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"bodydouble-2026-11-23-104512{ending}.png" for ending in ("-2", "-3", "-4", "-5", "")]
    assert len(set(made)) == 4
    assert (tmp_path / "bodydouble-2026-11-23-104512.png").read_bytes() == b"mine"


def test_what_cannot_be_done_is_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    with pytest.raises(BodyDoubleError, match="not there yet"):
        snapshot(MadeLive(), tmp_path)

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BodyDoubleError, match="no space left"):
        snapshot(Publishing(), tmp_path, size=SIZE)
    assert not list(tmp_path.iterdir())
