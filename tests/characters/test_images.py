"""PNG pictures of every kind become premultiplied RGBA."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bodydouble.characters.images import Pictures, decode, premultiplied
from bodydouble.characters.problems import Problems


@pytest.mark.parametrize("kind", ["grey", "rgb", "rgba", "grey16", "rgba16"])
def test_every_kind_of_png_is_read(tmp_path, kind):
    deep = kind.endswith("16")
    channels = {"g": 1, "r": 3 if "a" not in kind else 4}[kind[0]]
    top = 65535 if deep else 255
    image = np.full((5, 7, channels), top, dtype=np.uint16 if deep else np.uint8)
    image[2, 3, 0] = 0  # blue in OpenCV's order, or black
    cv2.imwrite(str(tmp_path / "a.png"), image)
    problems = Problems()
    read = decode(tmp_path / "a.png", problems)
    assert problems.errors == []
    assert read.shape == (5, 7, 4) and read.dtype == np.uint8
    assert tuple(read[0, 0]) == (255, 255, 255, 255)
    assert tuple(read[2, 3]) == ((0, 0, 0, 255) if channels == 1 else (255, 255, 0, 255))


def test_colours_are_multiplied_by_alpha():
    image = np.zeros((1, 256, 4), dtype=np.uint8)
    image[..., :3] = (255, 100, 0)
    image[0, :, 3] = np.arange(256)
    got = premultiplied(image).astype(int)
    assert (got[0, :, 0] == np.arange(256)).all()
    assert np.abs(got[0, :, 1] - 100 * np.arange(256) / 255).max() <= 0.5
    assert (got[..., :3] <= got[..., 3:]).all()


def test_what_is_no_picture_has_a_reason(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").write_bytes(b"")
    cv2.imwrite(str(tmp_path / "clear.png"), np.zeros((8, 8, 4), dtype=np.uint8))
    for name, words in (("text.png", "no picture"), ("empty.png", "no picture"), ("clear.png", "transparent")):
        problems = Problems()
        assert Pictures(tmp_path, problems).read("p", name, "", 1.0) is None
        assert len(problems.errors) == 1 and name in problems.errors[0] and words in problems.errors[0]


def test_a_large_png_is_made_smaller_and_a_small_one_left(tmp_path):
    image = np.full((40, 60, 4), 255, dtype=np.uint8)
    image[..., 3] = 128
    cv2.imwrite(str(tmp_path / "a.png"), image)
    pictures = Pictures(tmp_path, Problems())
    assert pictures.read("p", "a.png", "", 0.5).image.shape == (20, 30, 4)
    large = pictures.read("p", "a.png", "", 3.0)
    assert (large.image == 128).all(), "colours are multiplied by alpha"
    assert large.image.shape == (40, 60, 4) and large.scale == 1.0 and large.size == (60, 40)
