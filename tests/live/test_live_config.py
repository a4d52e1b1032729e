"""A live configuration refuses what cannot be, in words, and tells the pipeline what it is asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from standing import SIZE, standing

from bodydouble.live.config import LiveConfig
from bodydouble.retarget.neutral import NeutralWatch
from bodydouble.types import BodyDoubleError, Camera


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fps": 0}, "fps 0"),
        ({"fps": float("nan")}, "fps nan"),
        ({"compensation": 1.5}, "compensation"),
        ({"size": (0, 480)}, "0x480"),
        ({"person": "tallest"}, "largest or all"),
        ({"person": 2}, "largest or all"),
        ({"framing": "feet"}, "full, half or head"),
        ({"background": "url(http://elsewhere)"}, "transparent, #rrggbb"),
        ({"background": "picture:../secret.png"}, "picture:NAME"),
        ({"smooth": 2}, "smooth 2"),
        ({"place": -1}, "place -1"),
        ({"fov": 9.0}, "fov 9.0"),
        ({"neutral": {"pitch": "steep"}}, "pitch"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(BodyDoubleError, match=words):
        replace(LiveConfig(), **change)  # type: ignore[arg-type]


def test_the_pipeline_gets_what_it_knows() -> None:
    config = LiveConfig(smooth=0.2, place=1.0, mirror=False, fov=None, person="all")
    told = config.performance
    assert (told.smooth, told.place, told.mirror, told.fov, told.person) == (0.2, 1.0, False, None, "all")
    assert replace(config, character="mira", camera="other", fps=60).performance == told
    assert LiveConfig().automatic
    assert not LiveConfig(model="movenet-thunder").automatic


def test_a_calibration_comes_back_as_it_was_made() -> None:
    watch = NeutralWatch(Camera(SIZE, 1.0))
    for i in range(120):
        watch.add([standing(10 + i / 30, person=1)], 10 + i / 30)
    made = watch.result()
    read = LiveConfig(neutral=made.to_toml()).calibration
    assert read is not None
    assert read.pitch == pytest.approx(made.pitch)
    assert (read.body.lengths == made.body.lengths).all()
    assert LiveConfig().calibration is None
