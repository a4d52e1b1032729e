"""An estimator takes over whom another followed without looking for them anew, and follows whom it is told to."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from bodydouble.estimate import Steered, load
from bodydouble.estimate.session import opened
from bodydouble.models import fetch
from bodydouble.types import Frame

pytestmark = [pytest.mark.models, pytest.mark.clips]


def frames(path: Path, count: int, rate: float) -> list[Frame]:
    with av.open(str(path)) as container:
        pictures = zip(range(count), container.decode(video=0), strict=False)
        return [Frame(picture.to_ndarray(format="rgb24"), i / rate, i) for i, picture in pictures]


def test_whoever_is_followed_is_handed_on(test_data: Path) -> None:
    clip = frames(test_data / "clips" / "pose_squats.mp4", 24, 20.0)
    with opened() as sessions:
        full, lite = load("blazepose-full"), load("blazepose-lite")
    assert isinstance(full, Steered)
    assert isinstance(lite, Steered)
    before = [full(frame)[0] for frame in clip[:12]]
    assert lite.take_over(full)
    looked = sum(session.calls for session in sessions)
    after = [lite(frame)[0] for frame in clip[12:]]
    assert sum(session.calls for session in sessions) - looked == len(after)  # one look a frame, nobody was searched
    steps = np.abs(np.diff([pose.points.mean(axis=0) for pose in (before[-1], *after)], axis=0))
    assert steps.max() < 0.05 * clip[0].size[1]
    assert not lite.take_over(load("posenet-mobilenet"))


def test_who_is_pointed_at_is_followed_however_much_larger_others_are() -> None:
    clip = frames(fetch("people-two"), 80, 30.0)
    width, height = clip[0].size
    lite = load("blazepose-lite")
    assert isinstance(lite, Steered)

    def middle(frame: Frame) -> float:
        return float(lite(frame)[0].points[:, 0].mean() / width)

    assert middle(clip[0]) == pytest.approx(0.19, abs=0.05)
    box = np.array([0.38 * width, 0.18 * height, 0.28 * width, 0.36 * height])
    assert not lite.follow(clip[1], np.array([0.9 * width, 0.0, 0.05 * width, 0.05 * height]))
    assert middle(clip[1]) == pytest.approx(0.19, abs=0.05)
    assert lite.follow(clip[2], box)
    assert lite.others == 0
    assert all(abs(middle(frame) - 0.52) < 0.08 for frame in clip[3:])
    lite.reset()
    assert middle(clip[0]) < 0.4
