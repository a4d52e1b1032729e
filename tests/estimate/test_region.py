"""Regions from alignment points, crops against the published golden crops, tiles."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.estimate import region

# name, middle, extent (fractions), degrees, aspect kept, crop size, border replicated: the README of the test data
GOLDEN = [
    ("medium_sub_rect_keep_aspect_with_rotation_border_zero", (0.65, 0.4), (0.5, 0.5), 90, True, (256, 256), False),
    ("medium_sub_rect_with_rotation", (0.65, 0.4), (0.5, 0.5), -45, False, (256, 256), True),
    ("large_sub_rect", (0.5, 0.5), (1.5, 1.1), 0, False, (128, 128), True),
    ("large_sub_rect_keep_aspect_with_rotation", (0.5, 0.5), (1.5, 1.1), -15, True, (128, 128), True),
    ("noop_except_range", (0.5, 0.5), (1, 1), 0, False, (64, 128), True),
]


@pytest.mark.parametrize(
    ("name", "middle", "extent", "degrees", "keep", "size", "replicate"), GOLDEN, ids=[case[0] for case in GOLDEN]
)
def test_crops_are_the_golden_ones(test_data, name, middle, extent, degrees, keep, size, replicate):
    folder = test_data / "tfjs"
    image = cv2.imread(str(folder / "image_to_tensor_input.jpg"))[:, :, ::-1].copy()
    golden = cv2.imread(str(folder / f"{name}.png"))[:, :, ::-1].astype(float)
    whole = np.array(image.shape[1::-1])
    pixels = np.array(extent) * whole
    if keep:
        pixels = np.full(2, pixels.max())
    affine = region.source_from_crop(tuple(middle * whole), tuple(pixels), math.radians(degrees), np.array(size))
    got = region.crop(image, affine, size, replicate=replicate).astype(float)
    assert np.abs(got - golden).mean() < 0.3  # levels of 255; another JPEG decoder or interpolation rounds otherwise
    assert np.abs(got - golden).max() < 8


def test_an_upright_person_has_an_upright_region():
    found = region.from_alignment(np.array([100.0, 200.0]), np.array([100.0, 120.0]))
    assert found == region.Region(100, 200, 2.5 * 80, 0)


@settings(deadline=None)
@given(st.floats(-3, 3), st.floats(0.1, 10), st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), st.floats(5, 200))
def test_a_region_moves_turns_and_grows_with_the_person(turn, scale, shift, length):
    hips, rim = np.array([3.0, 7.0]), np.array([3.0, 7.0 - length])
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    before = region.from_alignment(hips, rim)
    after = region.from_alignment(scale * rotation @ hips + shift, scale * rotation @ rim + shift)
    np.testing.assert_allclose((after.x, after.y), scale * rotation @ (before.x, before.y) + shift, atol=1e-6)
    assert after.size == pytest.approx(scale * before.size)
    assert math.remainder(after.rotation - turn, 2 * math.pi) == pytest.approx(0, abs=1e-6)


def test_the_affine_carries_the_crop_corners_to_the_region_corners():
    affine = region.source_from_crop((50, 60), (20, 20), math.pi / 2, np.array([256.0, 256.0]))
    np.testing.assert_allclose(affine @ (0, 0, 1), (60, 50), atol=1e-9)  # turned clockwise: top-left goes top-right
    np.testing.assert_allclose(affine @ (128, 128, 1), (50, 60), atol=1e-9)


@settings(deadline=None)
@given(st.integers(1, 5000), st.integers(1, 5000), st.floats(0.2, 1.5), st.floats(0, 0.8))
def test_tiles_cover_the_image(width, height, scale, overlap):
    side = scale * max(width, height)
    found = region.tiles(width, height, side, overlap)
    for length, places in ((width, sorted({tile.x for tile in found})), (height, sorted({tile.y for tile in found}))):
        assert places[0] - side / 2 <= 1e-6
        assert places[-1] + side / 2 >= length - 1e-6
        assert (np.diff(places) <= side * (1 - overlap) + 1e-6).all()
