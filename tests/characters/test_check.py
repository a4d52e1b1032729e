"""The checker: what is odd about a character, in words, and a picture of its joints."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.characters import check, find, load, samples
from bodydouble.types import BodyDoubleError


def test_nothing_is_wrong_with_a_good_one(make_puppet):
    report = check(make_puppet())
    assert (report.ok, report.errors, report.warnings) == (True, (), ())


ODD = {
    "no licence": ([('licence = "CC0-1.0"', "")], ["licence"]),
    "sides exchanged": (
        [("left_shoulder = [250", "left_shoulder = [150"), ("right_shoulder = [150", "right_shoulder = [250")],
        ["left_shoulder", "right_shoulder"],
    ),
    "part elsewhere": ([('layer = "head"', 'layer = "right_leg"')], ["parts.head", "far from its bones"]),
    "bends elsewhere": ([("left_elbow = [320, 265]", "left_elbow = [390, 220]")], ["parts.left_arm", "left_elbow"]),
    "layer not used": (
        [('[[parts]]\nname = "head"\nimage = "figure.svg"\nlayer = "head"\nbones = ["head"]\norder = 30\n', "")],
        ["figure.svg", '"head"'],
    ),
}


@pytest.mark.parametrize("what", ODD)
def test_what_is_odd_is_told(what, make_puppet):
    changes, words = ODD[what]
    svg = [('<g id="figure" stroke-linecap="round">', ""), ("</g>\n</svg>", "</svg>")]  # the parts' groups at the top
    report = check(make_puppet(*changes, svg=svg))
    assert report.ok, report.errors
    assert any(all(word in line for word in words) for line in report.warnings), report.warnings


def test_a_character_seen_from_the_side_has_no_left_and_right(make_puppet):
    swap = [("left_hip = [230", "left_hip = [165"), ('facing = "front"', 'facing = "left"')]
    assert not any("left_hip lies left" in line for line in check(make_puppet(*swap)).warnings)


def test_the_picture_shows_the_character_and_its_joints(make_puppet):
    report = check(make_puppet())
    plain, mesh = report.picture(), report.picture(mesh=True)
    assert plain.ndim == 3 and plain.shape[2] == 3 and plain.dtype == np.uint8
    assert (plain != mesh).any()
    orange = np.abs(plain.astype(int) - (206, 66, 20)).sum(axis=2) < 12
    blue = np.abs(plain.astype(int) - (24, 92, 196)).sum(axis=2) < 12
    columns = np.arange(plain.shape[1])
    assert (orange.sum(axis=0) * columns).sum() / orange.sum() > (blue.sum(axis=0) * columns).sum() / blue.sum()


def test_a_faulty_character_has_no_picture(make_puppet):
    assert check(make_puppet(('facing = "front"', 'facing = "up"'))).picture() is None


def test_names_and_paths(make_puppet, tmp_path):
    folder = make_puppet()
    assert find(folder) == find(folder / "puppet.toml") == find(str(folder)) == folder
    for path, words in (
        ("no_such", ["no_such", *samples(), "folder"]),
        (tmp_path, ["puppet.toml", "char_cfg.yaml"]),
        (folder / "figure.svg", ["is a file", "folder"]),
    ):
        with pytest.raises(BodyDoubleError) as caught:
            find(path)
        assert all(word in str(caught.value) for word in words)
        assert "\n" not in str(caught.value)


def test_the_worked_example_of_the_documentation_is_a_whole_puppet(tmp_path):
    text = (Path(__file__).resolve().parents[2] / "docs" / "puppets.md").read_text()
    for kind, name in (("xml", "robin.svg"), ("toml", "puppet.toml")):
        (tmp_path / name).write_text(re.search(f"```{kind}\n(.*?)```", text, re.DOTALL)[1])
    report = check(tmp_path)
    assert report.errors == () and report.warnings == ()
    assert len(report.puppet.parts) == 6


@pytest.mark.parametrize("name", samples())
def test_the_samples_are_in_order(name):
    report = check(name)
    assert report.errors == () and report.warnings == ()
    puppet = load(name, pixels=400)
    assert puppet.licence and puppet.author
    assert sum(len(part.points) for part in puppet.parts) < 2000


def test_textures_are_as_sharp_as_asked_for(make_puppet):
    folder = make_puppet()
    small, large = load(folder, pixels=255), load(folder, pixels=1020)
    assert large.scale == pytest.approx(4 * small.scale)
    body = [part.name for part in small.parts].index("body")
    assert large.parts[body].texture.shape[0] == pytest.approx(4 * small.parts[body].texture.shape[0], abs=50)
    assert large.parts[body].points.max() == pytest.approx(small.parts[body].points.max(), abs=20)


def test_a_png_part_lies_where_at_puts_it(make_puppet):
    folder = make_puppet(
        ('image = "figure.svg"\nlayer = "head"', 'image = "head.png"\nat = [150, 50]'),
    )
    cv2.imwrite(str(folder / "head.png"), np.full((100, 100, 4), 255, dtype=np.uint8))
    head = next(part for part in load(folder).parts if part.name == "head")
    assert head.points.min(axis=0) == pytest.approx([150, 50], abs=8)
    assert head.points.max(axis=0) == pytest.approx([250, 150], abs=8)
    on_texture = (head.uv >= 0).all() and (head.uv <= head.texture.shape[1::-1]).all()
    assert on_texture
