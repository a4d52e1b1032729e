"""The stage: figures fit, stand on the floor, stay inside the picture, and are drawn once and softly."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.characters import deform, load, rest_pose
from bodydouble.outputs.draw import Figure, Stage
from bodydouble.outputs.framing import Places, fit, keep_inside, place_points, reach, soft_between, soft_limit
from bodydouble.types import BodyDoubleError
from made_puppets import write_puppet
from posing import posed

UP = {"left_upper_arm": -130, "right_upper_arm": 130}
SPREAD = {"left_upper_arm": -47, "right_upper_arm": 47, "left_forearm": -5, "right_forearm": 5}


@pytest.fixture(scope="module")
def puppet(tmp_path_factory):
    return load(write_puppet(tmp_path_factory.mktemp("puppet")), pixels=600)


def box_of(picture):
    """Left, top, right, bottom of what is visible on a transparent picture."""
    rows, columns = np.nonzero(picture[..., 3] > 8)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def on_clear(puppet, size=(640, 360), turns=None, **rest):
    stage = Stage(size, "transparent", shadow=False)
    return stage.render([Figure(puppet, posed(puppet.rig, turns, **rest))])


def test_an_opaque_stage_gives_rgb_and_a_transparent_one_rgba(puppet):
    figures = [Figure(puppet, rest_pose(puppet.rig))]
    opaque = Stage((320, 180), "#123456").render(figures)
    assert opaque.shape == (180, 320, 3) and opaque.dtype == np.uint8
    assert tuple(opaque[3, 3]) == (0x12, 0x34, 0x56)
    clear = Stage((320, 180), "transparent").render(figures)
    assert clear.shape == (180, 320, 4)
    assert tuple(clear[3, 3]) == (0, 0, 0, 0)
    assert (clear[..., :3] <= clear[..., 3:]).all()


def test_transparent_over_a_colour_is_the_opaque_picture(puppet):
    figures = [Figure(puppet, posed(puppet.rig, UP))]
    clear = Stage((320, 180), "transparent", shadow=False).render(figures).astype(int)
    over = clear[..., :3] + np.round((255 - clear[..., 3:]) * np.array([0x20, 0xA0, 0xF0]) / 255)
    opaque = Stage((320, 180), "#20a0f0", shadow=False).render(figures).astype(int)
    assert np.abs(over - opaque).max() <= 3


def test_pictures_are_new_each_time(puppet):
    stage = Stage((320, 180), "transparent")
    first = stage.render([Figure(puppet, rest_pose(puppet.rig))])
    kept = first.copy()
    stage.render([])
    assert (first == kept).all()
    assert stage.render([])[..., 3].max() == 0


def test_parts_are_drawn_where_they_are_with_their_colours(puppet):
    picture = on_clear(puppet)
    place = fit((640, 360), reach(puppet))
    for at, colour in (
        ((200, 260), (0x22, 0x88, 0x44)),
        ((340, 290), (0xCC, 0x33, 0x33)),
        ((230, 500), (0x22, 0x22, 0x55)),
    ):
        x, y = place_points(np.array([at], dtype=float), puppet, rest_pose(puppet.rig), place, (640, 360))[0]
        got = picture[int(y), int(x)]
        assert tuple(got) == (*colour, 255), at


def test_edges_are_soft(puppet):
    alpha = on_clear(puppet, (1280, 720), {"head": 20})[..., 3]
    soft = ((alpha > 20) & (alpha < 235)).sum()
    outline = sum(
        len(c) for c in cv2.findContours((alpha > 127).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
    )
    assert soft > 0.6 * outline


def test_half_a_pixel_is_half_way(puppet):
    """Textures are sampled smoothly: a slow move glides and does not jump from pixel to pixel."""
    height = puppet.rig.height * fit((640, 360), reach(puppet)).scale
    at = [on_clear(puppet, offset=np.array([pixels / height, 0]))[..., 3].astype(float) for pixels in (0, 0.5, 1)]
    assert np.abs(at[1] - (at[0] + at[2]) / 2).sum() < 0.35 * np.abs(at[2] - at[0]).sum()


def test_no_seams_within_a_bent_limb(puppet):
    """What a mesh covers is covered once: no pixel within the arm shows what is behind it."""
    picture = on_clear(puppet, (1280, 720), {"left_forearm": -100, "left_upper_arm": -60})
    red = (picture[..., 0] > 150) & (picture[..., 1] < 90)
    holes = cv2.morphologyEx(red.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) - red
    whole = cv2.erode(
        cv2.morphologyEx(red.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.ones((9, 9))
    )
    assert red.sum() > 5000
    assert (holes * whole).sum() == 0


def test_feet_stand_on_the_floor_in_the_middle(puppet):
    left, top, right, bottom = box_of(on_clear(puppet))
    place = fit((640, 360), reach(puppet))
    shoes = (560 - 550) * place.scale  # the drawing's legs end ten pixels below the ankle joints
    assert bottom == pytest.approx(place.floor + shoes, abs=2)
    assert (left + right) / 2 == pytest.approx(320, abs=3)
    assert top > 0


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (400, 400), (1920, 400)])
@pytest.mark.parametrize("turns", [{}, UP, SPREAD], ids=["rest", "up", "spread"])
def test_all_a_fitted_figure_can_reach_is_shown_without_easing(puppet, size, turns):
    """Where nothing limits, a pose does not move the rest of the figure: the feet stay put."""
    stage_points = []
    for pose in (rest_pose(puppet.rig), posed(puppet.rig, turns)):
        points = np.concatenate([*deform(puppet, pose)])
        stage_points.append(place_points(points, puppet, pose, fit(size, reach(puppet)), size))
    legs = np.concatenate([np.full(len(part.points), part.name.endswith("leg")) for part in puppet.parts])
    assert stage_points[1][legs] == pytest.approx(stage_points[0][legs], abs=1e-6)
    assert stage_points[1].min() > 0
    assert (stage_points[1] < size).all()


@settings(max_examples=40, deadline=None)
@given(
    x=st.floats(-5, 5),
    y=st.floats(-3, 0),
    scale=st.floats(0.2, 4),
    arm=st.floats(-180, 180),
    lean=st.floats(-90, 90),
    size=st.sampled_from([(640, 360), (360, 640), (200, 200)]),
)
def test_the_figure_stays_inside_the_picture(puppet, x, y, scale, arm, lean, size):
    pose = posed(puppet.rig, {"left_upper_arm": arm, "spine": lean}, offset=np.array([x, y]), size=scale)
    points = np.concatenate(deform(puppet, pose))
    placed = place_points(points, puppet, pose, fit(size, reach(puppet)), size)
    assert placed.min() > -1
    assert (placed < np.array(size) + 1).all()


def test_a_figure_that_hangs_below_its_foot_stays_inside_the_picture(puppet):
    """Found by searching: raised from the lower edge, it stood out of the upper one."""
    size = (640, 360)
    pose = posed(puppet.rig, {"left_upper_arm": -20.0, "spine": 78.0}, offset=np.zeros(2), size=2.0)
    points = np.concatenate(deform(puppet, pose))
    placed = place_points(points, puppet, pose, fit(size, reach(puppet)), size)
    assert placed.min() > 0
    assert (placed < size).all()


def test_offset_moves_in_character_heights(puppet):
    size = (1600, 400)
    place = fit(size, reach(puppet))
    at = [
        place_points(puppet.rig.heads, puppet, posed(puppet.rig, offset=np.array(offset)), place, size)
        for offset in ((0, 0), (0.5, 0), (0, -0.03))
    ]
    heights = puppet.rig.height * place.scale
    assert at[1] - at[0] == pytest.approx(np.tile([0.5 * heights, 0], (len(at[0]), 1)), abs=1e-6)
    assert at[2] - at[0] == pytest.approx(np.tile([0, -0.03 * heights], (len(at[0]), 1)), abs=1e-6)


def test_size_scales_about_the_feet(puppet):
    stage = Stage((640, 360), "transparent", shadow=False)
    small, large = (box_of(stage.render([Figure(puppet, posed(puppet.rig, size=size))])) for size in (0.4, 0.8))
    assert (large[3] - large[1]) / (small[3] - small[1]) == pytest.approx(2, abs=0.06)
    assert abs(large[3] - small[3]) < 8


@given(st.floats(-1e3, 1e3), st.floats(0.01, 50))
def test_soft_limit_is_smooth_rising_and_below_the_limit(value, knee):
    limit = 100.0
    got = soft_limit(value, limit, knee)
    assert got <= limit
    assert got <= value or got == pytest.approx(value)
    if value <= limit - knee:
        assert got == value
    step = 1e-4
    rise = (soft_limit(value + step, limit, knee) - got) / step
    assert -1e-6 <= rise <= 1 + 1e-6


def test_soft_between_eases_to_both_sides_and_halves_what_is_empty():
    assert soft_between(50, 0, 100, 10) == 50
    assert 0 <= soft_between(-20, 0, 100, 10) < 1
    assert 99 < soft_between(120, 0, 100, 10) <= 100
    assert soft_between(7, 30, 10, 5) == 20


def test_a_jump_is_cut_short_before_the_figure_gets_smaller():
    box = np.array([-50.0, -300.0, 50.0, 5.0])
    shrink, foot = keep_inside(box, np.array([320.0, 230.0]), 330.0, (640, 360))
    assert shrink == 1
    assert 230 < foot[1] < 330
    shrink, foot = keep_inside(box * 1.3, np.array([320.0, 330.0]), 330.0, (640, 360))
    assert shrink < 1 and foot[1] == 330


def test_figures_make_room_slowly(puppet):
    places = Places()

    def at(time, *people):
        return places([person_at(puppet, person, time) for person in people])

    assert at(0.0, 1) == [(0.5, 1.0)]
    first, second = at(0.04, 1, 2)
    assert 0.45 < first[0] < 0.5 and second[0] > 0.95 and second[1] < 0.15
    for step in range(100):
        first, second = at(0.04 * (step + 2), 1, 2)
    assert first == pytest.approx((0.25, 0.5), abs=1e-3)
    assert second == pytest.approx((0.75, 0.5), abs=1e-3)
    places.reset()
    assert at(9.0, 1) == [(0.5, 1.0)]


@pytest.mark.parametrize("people", [(3, 1, 2), (1, 3, 2), (1, 2, 3), (4, 1, 3, 5, 2)])
def test_who_comes_grows_into_the_room_that_the_others_make(puppet, people):
    places, steps = Places(), []
    for step in range(60):
        there = (1, 2) if step < 10 else people
        shares = places([person_at(puppet, person, 0.04 * step) for person in there])
        edges = [edge for centre, share in shares for edge in (centre - share / 2, centre + share / 2)]
        assert all(left <= right + 0.021 for left, right in pairwise(edges))  # nobody overlaps
        if step > 10:
            assert np.abs(np.array(shares) - steps[-1]).max() < 0.06
        steps.append(shares)
    even = [((i + 0.5) / len(people), 1 / len(people)) for i in range(len(people))]
    assert np.allclose(shares, even, atol=0.01)


def person_at(puppet, person, time):
    return replace(rest_pose(puppet.rig, time), person=person)


def test_several_figures_stand_side_by_side(puppet):
    stage = Stage((900, 300), "transparent", shadow=False)
    picture = stage.render([Figure(puppet, person_at(puppet, person, 0.0)) for person in (1, 2, 3)])
    filled = (picture[..., 3] > 0).any(axis=0)
    runs = np.flatnonzero(np.diff(filled.astype(int)) == 1)
    assert len(runs) == 3


def test_the_shadow_lies_on_the_floor_and_fades_in_a_jump(puppet):
    def dark(**rest):
        figures = [Figure(puppet, posed(puppet.rig, **rest))]
        with_, without = (Stage((640, 360), "#ffffff", shadow=s).render(figures).astype(int) for s in (True, False))
        return (without - with_).sum(axis=2)

    standing, jumping = dark(), dark(offset=np.array([0, -0.15]))
    assert standing.max() > 1.5 * jumping.max() > 0
    rows = np.nonzero(standing.any(axis=1))[0]
    assert rows.min() > 300


BAD = {
    "colour": ("#12345", ["#12345"]),
    "name": ("ligthblue", ["ligthblue", "lightblue"]),
    "path": ("no/such.png", ["no/such.png"]),
}


@pytest.mark.parametrize("what", BAD)
def test_a_background_that_is_none_is_refused_in_one_line(what):
    background, words = BAD[what]
    with pytest.raises(BodyDoubleError) as caught:
        Stage((64, 64), background)
    assert all(word in str(caught.value) for word in words) and "\n" not in str(caught.value)


def test_a_text_file_is_no_background(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(BodyDoubleError, match="no picture"):
        Stage((64, 64), tmp_path / "a.png")


def test_a_picture_covers_the_stage_from_its_middle(tmp_path):
    image = np.zeros((100, 400, 3), dtype=np.uint8)
    image[:, :150] = (0, 0, 255)
    image[:, 150:250] = (0, 255, 0)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    picture = Stage((200, 200), str(tmp_path / "a.png")).render([])
    assert (picture == (0, 255, 0)).all(axis=2).mean() > 0.97


@pytest.mark.parametrize("size", [(0, 100), (100, 100_000)])
def test_a_size_that_cannot_be_drawn_is_refused(size):
    with pytest.raises(BodyDoubleError, match="stage of"):
        Stage(size, "white")


def test_named_colours():
    assert tuple(Stage((16, 16), "RebeccaPurple").render([])[0, 0]) == (0x66, 0x33, 0x99)
    assert tuple(Stage((16, 16), "#f0a").render([])[0, 0]) == (0xFF, 0x00, 0xAA)
