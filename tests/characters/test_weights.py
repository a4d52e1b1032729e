"""Weights: shares that sum to one, soft at joints, whole along bones, and blind to what is merely near."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.characters.mesh import triangulate
from bodydouble.characters.parts import even_spacing
from bodydouble.characters.weights import chain_weights, flesh_distances, heat_weights, smooth_step, strongest

JOINTS = np.array([[0.0, 0.0], [100.0, 0.0], [180.0, 60.0]])


def test_chain_weights_are_whole_along_bones_and_halved_at_the_joint():
    places = np.array([[50.0, 9.0], [100.0, 0.0], [140.0, 30.0], [-30.0, 0.0], [230.0, 90.0]])
    weights = chain_weights(places, JOINTS, 0.35)
    assert weights == pytest.approx(np.array([[1, 0], [0.5, 0.5], [0, 1], [1, 0], [0, 1]]))


def test_a_wider_bend_is_softer():
    along = np.stack([np.linspace(40, 130, 200), np.zeros(200)], axis=1)
    narrow, wide = (chain_weights(along, JOINTS, bend)[:, 1] for bend in (0.1, 0.9))
    assert np.abs(np.diff(narrow)).max() > 3 * np.abs(np.diff(wide)).max()
    assert (np.diff(wide) >= 0).all()


def test_smooth_step_has_no_jump_in_slope():
    x = np.linspace(-0.5, 1.5, 2001)
    y = smooth_step(x)
    assert y[0] == 0 and y[-1] == 1
    assert np.abs(np.diff(y, 2)).max() < 1e-5


def test_strongest_keeps_four_and_sums_to_one():
    weights = np.random.default_rng(1).dirichlet(np.ones(9), 50)
    columns, shares = strongest(weights)
    assert columns.shape == shares.shape == (50, 4)
    assert shares.sum(axis=1) == pytest.approx(1)
    assert (columns[:, 0] == weights.argmax(axis=1)).all()
    columns, shares = strongest(np.ones((3, 1)))
    assert shares.tolist() == [[1, 0, 0, 0]] * 3


@pytest.fixture(scope="module")
def figure():
    """A trunk 80 wide with an arm that hangs beside it, six pixels away, joined at the shoulder."""
    mask = np.zeros((260, 160), dtype=np.uint8)
    mask[20:240, 20:100] = 1
    mask[20:50, 100:140] = 1
    mask[20:200, 108:140] = 1
    mesh = triangulate(mask, even_spacing(9.0), margin=1.0, tolerance=0.8)
    heads = np.array([[60.0, 230.0], [124.0, 35.0], [124.0, 115.0]])
    tails = np.array([[60.0, 40.0], [124.0, 115.0], [124.0, 190.0]])
    radii = np.repeat([[40.0], [16.0], [16.0]], 5, axis=1)
    return mesh, heat_weights(mesh, heads, tails, radii)


def test_heat_weights_sum_to_one(figure):
    _, weights = figure
    assert weights.min() >= 0
    assert weights.sum(axis=1) == pytest.approx(1)


def test_an_arm_beside_the_body_does_not_drag_it(figure):
    mesh, weights = figure
    flank = (mesh.points[:, 0] > 70) & (mesh.points[:, 0] < 102) & (mesh.points[:, 1] > 90)
    assert flank.sum() > 10
    assert weights[flank, 1:].sum(axis=1).max() < 0.05
    hand = (mesh.points[:, 0] > 106) & (mesh.points[:, 1] > 140)
    assert weights[hand, 2].min() > 0.9
    assert weights[hand, 0].max() < 0.01


def test_distances_lead_through_the_drawing_not_across_the_paper():
    mask = np.zeros((200, 120), dtype=np.uint8)  # a U upside down: two legs 20 apart that meet at the top
    mask[10:40, 10:110] = 1
    mask[10:190, 10:50] = 1
    mask[10:190, 70:110] = 1
    mesh = triangulate(mask, even_spacing(10.0), margin=1.0, tolerance=0.8)
    heads, tails = np.array([[30.0, 150.0]]), np.array([[30.0, 185.0]])
    away = flesh_distances(mesh, heads, tails, np.zeros((1, 9)))[:, 0]
    other = (mesh.points[:, 0] > 65) & (mesh.points[:, 1] > 150)
    assert away[other].min() > 200
    own = (mesh.points[:, 0] < 55) & (mesh.points[:, 1] > 150)
    assert away[own].max() < 40


def test_heat_weights_change_little_between_neighbours(figure):
    mesh, weights = figure
    a, b = mesh.triangles[:, 0], mesh.triangles[:, 1]
    assert np.abs(weights[a] - weights[b]).max() < 0.75


def test_a_piece_without_a_bone_follows_the_nearest():
    mask = np.zeros((100, 200), dtype=np.uint8)
    mask[10:90, 10:60] = 1
    mask[10:90, 120:190] = 1
    mesh = triangulate(mask, even_spacing(15.0), margin=1.0, tolerance=0.8)
    heads, tails = np.array([[35.0, 20.0], [35.0, 55.0]]), np.array([[35.0, 50.0], [35.0, 85.0]])
    weights = heat_weights(mesh, heads, tails, np.full((2, 5), 20.0))
    assert np.isfinite(weights).all()
    assert weights.sum(axis=1) == pytest.approx(1)
