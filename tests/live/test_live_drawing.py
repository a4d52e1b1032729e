"""Pictures of a live run: textures suit the framing, at once or as soon as they are there."""

from __future__ import annotations

import threading
from contextlib import closing

import cv2
import numpy as np
import pytest

from bodydouble.characters import Puppet, load
from bodydouble.live import drawing
from bodydouble.live.drawing import Drawing, pixels_for
from bodydouble.types import Image
from moved_live import MadeLive, person

PATIENCE = 120.0
SIZE = (640, 360)
BACKGROUND = "#f4f1ea"


@pytest.fixture(scope="module")
def live() -> MadeLive:
    """A run of a character with textures for small pictures only, in a shot of its head."""
    return MadeLive("mira", framing="head")


def drawn(live: MadeLive, *, patient: bool = True) -> Image:
    with closing(Drawing(SIZE, pictures=None, instead=BACKGROUND, patient=patient)) as draw:
        return draw(live.moment(0.0, [person(0.0)]), live.config)


def sharpness(picture: Image) -> float:
    """Grows with how suddenly colours change from pixel to pixel."""
    return float(cv2.Laplacian(picture.astype(np.float32), cv2.CV_32F).std())


@pytest.fixture(scope="module")
def sharp() -> float:
    """Of the same picture of a character that was loaded for pictures much larger."""
    fine = MadeLive("mira", framing="head")
    fine.puppet = load("mira", pixels=3000)
    return sharpness(drawn(fine))


def test_a_close_shot_is_drawn_with_textures_for_it(
    live: MadeLive, sharp: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_finer = sharpness(drawn(live))
    monkeypatch.setattr(drawing, "finer", lambda puppet, pixels: puppet)
    assert sharpness(drawn(live)) < 0.7 * sharp
    assert with_finer > 0.9 * sharp


def test_textures_are_asked_for_only_where_they_are_too_coarse(live: MadeLive) -> None:
    usual = load("mira")
    assert pixels_for(usual, "full", (1920, 1080)) == 0
    assert pixels_for(usual, "head", (1920, 1080)) > 1080
    assert pixels_for(usual, "head", (320, 180)) == 0
    assert pixels_for(live.puppet, "full", (1920, 1080)) > 0
    heads, halves = (pixels_for(usual, framing, (3840, 2160)) for framing in ("head", "half"))
    assert heads > halves > pixels_for(usual, "full", (3840, 2160))


def test_who_does_not_wait_draws_on_until_they_are_there(
    live: MadeLive, sharp: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, asked = threading.Event(), []

    def slow(puppet: Puppet, pixels: int) -> Puppet:
        asked.append(pixels)
        assert go_on.wait(PATIENCE)
        return real(puppet, pixels)

    real = drawing.finer
    monkeypatch.setattr(drawing, "finer", slow)
    with closing(Drawing(SIZE, pictures=None, instead=BACKGROUND)) as draw:
        moment = live.moment(0.0, [person(0.0)])
        coarse = draw(moment, live.config)
        assert np.array_equal(draw(moment, live.config), coarse)
        go_on.set()
        for _ in range(round(PATIENCE / 0.02)):
            picture = draw(moment, live.config)
            if not np.array_equal(picture, coarse):
                break
            threading.Event().wait(0.02)
        assert sharpness(coarse) < 0.7 * sharp and sharpness(picture) > 0.9 * sharp
        assert len(asked) == 1
        live_green = MadeLive("mira", framing="head", background="#00b140")
        draw(live.moment(0.1, [person(0.0)]), live_green.config)  # another background: the textures stay
        assert len(asked) == 1
    assert "bodydouble-textures" not in {thread.name for thread in threading.enumerate()}
