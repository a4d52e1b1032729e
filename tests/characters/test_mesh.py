"""Meshes cover what is visible and tie nothing together that lies apart."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.characters.mesh import edges_of, pieces_of, triangulate
from bodydouble.characters.parts import even_spacing

MARGIN, TOLERANCE = 3.0, 1.5


def painted(mesh, shape, shift=8):
    """The pixels that the mesh covers, counted per pixel centre as a rasteriser does (fixed point, no rounding up)."""
    scale = 4
    canvas = np.zeros((shape[0] * scale, shape[1] * scale), dtype=np.uint8)
    for triangle in mesh.triangles:
        corners = np.round(mesh.points[triangle] * scale * 2**shift).astype(np.int32)
        cv2.fillConvexPoly(canvas, corners, 1, shift=shift)
    return canvas.reshape(shape[0], scale, shape[1], scale).mean(axis=(1, 3))


def mesh_of(mask, step=12.0):
    return triangulate(mask, even_spacing(step), margin=MARGIN, tolerance=TOLERANCE)


def blobs(seed, count=5):
    rng = np.random.default_rng(seed)
    mask = np.zeros((140, 160), dtype=np.uint8)
    for _ in range(count):
        x, y = rng.integers(0, (160, 140))
        axes = rng.integers(3, 40, 2)
        cv2.ellipse(mask, (int(x), int(y)), tuple(map(int, axes)), float(rng.integers(180)), 0, 360, 1, -1)
    return mask


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([6.0, 12.0, 30.0, 1e5]))
def test_mesh_covers_every_pixel_once_and_little_else(seed, step):
    mask = blobs(seed)
    mesh = mesh_of(mask, step)
    covered = painted(mesh, mask.shape)
    assert covered[mask > 0].min() > 0.9
    near = cv2.dilate(mask, np.ones((15, 15), np.uint8))
    assert covered[near == 0].max(initial=0) == 0
    a, b, c = np.moveaxis(mesh.points[mesh.triangles], 1, 0)
    areas = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    assert areas.min() > 0
    pixels = np.pad(mask, 10)
    outline = cv2.dilate(pixels, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    assert areas.sum() < outline.sum() * 1.05 + 20  # overlapping triangles would add up to more


def test_two_limbs_side_by_side_stay_apart():
    mask = np.zeros((200, 120), dtype=np.uint8)
    mask[10:190, 10:50] = 1
    mask[10:150, 60:100] = 1  # ten pixels apart, more than twice the margin
    mesh = mesh_of(mask, 20.0)
    left = mesh.points[:, 0] < 55
    edges = edges_of(mesh.triangles)
    assert (left[edges[:, 0]] == left[edges[:, 1]]).all()


def test_a_hole_stays_a_hole():
    mask = np.ones((120, 120), dtype=np.uint8)
    mask[40:80, 40:80] = 0
    covered = painted(mesh_of(mask), mask.shape)
    assert covered[48:72, 48:72].max() == 0


def test_a_mask_that_touches_the_border_is_covered_to_the_border():
    mask = np.ones((50, 70), dtype=np.uint8)
    mesh = mesh_of(mask)
    assert painted(mesh, mask.shape).min() == 1
    assert mesh.points.min() < 0


def test_specks_are_left_out_and_nothing_gives_nothing():
    mask = np.zeros((60, 60), dtype=np.uint8)
    assert len(mesh_of(mask).triangles) == 0
    mask[5:8, 5:7] = 1
    mask[20:50, 20:50] = 1
    assert len(pieces_of(mask)) == 1


@pytest.mark.parametrize("step", [8.0, 16.0])
def test_spacing_is_kept(step):
    mask = np.ones((160, 160), dtype=np.uint8)
    mesh = mesh_of(mask, step)
    edges = edges_of(mesh.triangles)
    lengths = np.hypot(*(mesh.points[edges[:, 0]] - mesh.points[edges[:, 1]]).T)
    assert 0.7 * step < np.median(lengths) < 1.4 * step
    assert lengths.max() < 2.5 * step
