"""Eyelids: which parts show at which blink, how a lid closes, and what a maker is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bodydouble.characters import Puppet, check, deform, draw_order, is_shown, load, rest_pose
from bodydouble.outputs.draw import Figure, Stage
from bodydouble.types import Image
from made_puppets import write_puppet

EYES = """
[[parts]]
name = "eyes"
image = "figure.svg"
layer = "eyes"
bones = ["head"]
order = 31
shown = "open"

[[parts]]
name = "shut_eyes"
image = "figure.svg"
layer = "shut_eyes"
bones = ["head"]
order = 32
shown = "shut"

[[parts]]
name = "lid"
image = "figure.svg"
layer = "lid"
bones = ["head"]
order = 33
shown = "lid"
"""
SVG_EYES = """<g id="eyes"><circle cx="170" cy="100" r="12" fill="#00f"/></g>
<g id="shut_eyes"><rect x="158" y="96" width="24" height="8" fill="#0f0"/></g>
<g id="lid"><rect x="215" y="80" width="30" height="40" fill="#f0f"/></g>
"""


def eyed(folder: Path, eyes: str = EYES) -> Path:
    head = '<g id="left_arm">'
    write_puppet(folder, svg=[(head, SVG_EYES + head)])
    text = (folder / "puppet.toml").read_text()
    (folder / "puppet.toml").write_text(text + eyes)
    return folder


def pictured(puppet: Puppet, blink: float) -> Image:
    stage = Stage((400, 600), "white", shadow=False)
    return stage.render([Figure(puppet, replace(rest_pose(puppet.rig), blink=blink))])


def painted(picture: Image, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - colour).max(axis=2) < 12).sum())


def test_parts_show_by_the_blink(tmp_path: Path) -> None:
    puppet = load(eyed(tmp_path))
    shown = {
        blink: {part.name for part in puppet.parts if part.shown and is_shown(part, blink)}
        for blink in (0.0, 0.3, 0.5, 1.0)
    }
    assert shown == {0.0: {"eyes"}, 0.3: {"eyes", "lid"}, 0.5: {"shut_eyes", "lid"}, 1.0: {"shut_eyes", "lid"}}
    for blink, names in shown.items():
        order = draw_order(puppet, replace(rest_pose(puppet.rig), blink=blink))
        assert {puppet.parts[index].name for index in order.parts if puppet.parts[index].shown} == names
        assert len(order.behind) == len(puppet.parts)
        assert len(order.parts) == len(puppet.parts) - 3 + len(names)


def test_a_lid_comes_down_from_its_upper_edge(tmp_path: Path) -> None:
    puppet = load(eyed(tmp_path))
    lid = next(i for i, part in enumerate(puppet.parts) if part.shown == "lid")
    rest = puppet.parts[lid].points
    top = rest[:, 1].min()
    for blink in (0.0, 0.25, 0.7, 1.0):
        moved = deform(puppet, replace(rest_pose(puppet.rig), blink=blink))
        assert moved[lid][:, 0] == pytest.approx(rest[:, 0])
        assert moved[lid][:, 1] == pytest.approx(top + blink * (rest[:, 1] - top))
        for index, part in enumerate(puppet.parts):
            if index != lid:
                assert moved[index] == pytest.approx(part.points)


def test_a_lid_goes_along_with_a_turned_head(tmp_path: Path) -> None:
    puppet = load(eyed(tmp_path))
    lid = next(i for i, part in enumerate(puppet.parts) if part.shown == "lid")
    pose = rest_pose(puppet.rig)
    head = puppet.rig.names.index("head")
    angles = pose.angles.copy()
    angles[head] = np.pi / 2
    middles = {}
    for blink in (0.5, 1.0):
        moved = deform(puppet, replace(pose, angles=angles, blink=blink))[lid]
        middles[blink] = moved.mean(axis=0)
    along = middles[1.0] - middles[0.5]
    assert along[0] < -5  # down the face is now to the left
    assert abs(along[1]) < 1e-6


def test_the_stage_draws_what_shows(tmp_path: Path) -> None:
    puppet = load(eyed(tmp_path))
    count = {blink: pictured(puppet, blink) for blink in (0.0, 0.5, 1.0)}
    blue, green, pink = (0, 0, 255), (0, 255, 0), (255, 0, 255)
    assert [painted(count[blink], blue) > 50 for blink in count] == [True, False, False]
    assert [painted(count[blink], green) > 50 for blink in count] == [False, True, True]
    assert painted(count[0.0], pink) == 0
    assert painted(count[0.5], pink) == pytest.approx(0.5 * painted(count[1.0], pink), rel=0.2)


def test_a_character_without_eyelids_does_not_change(tmp_path: Path) -> None:
    puppet = load(write_puppet(tmp_path))
    assert np.array_equal(pictured(puppet, 0.0), pictured(puppet, 1.0))


@pytest.mark.parametrize("name", ["fox", "mira"])
def test_the_samples_shut_both_eyes_and_nothing_else(name: str) -> None:
    puppet = load(name)
    lids = [part for part in puppet.parts if part.shown == "lid"]
    assert {part.name for part in lids} == {"left_lid", "right_lid"}
    assert {puppet.rig.names[bone] for part in lids for bone in part.bones} == {"head"}
    open_eyes, half, shut = (pictured(puppet, blink).astype(int) for blink in (0.0, 0.5, 1.0))
    changed = np.argwhere(np.abs(shut - open_eyes).max(axis=2) > 24)
    whole = np.argwhere(np.abs(open_eyes - 255).max(axis=2) > 24)
    low, high = changed.min(axis=0), changed.max(axis=0)
    middle = (whole.min(axis=0)[0] + whole.max(axis=0)[0]) / 2
    assert high[0] < middle  # the face is in the upper half
    assert 100 < len(changed) < 0.05 * len(whole)
    left, right = (changed[:, 1] < 200).sum(), (changed[:, 1] >= 200).sum()
    assert min(left, right) > 0.6 * max(left, right)
    some = np.argwhere(np.abs(half - open_eyes).max(axis=2) > 24)
    assert some.max(axis=0)[0] < high[0]
    assert abs(int(some.min(axis=0)[0]) - int(low[0])) <= 2


def test_a_wrong_word_and_vanishing_eyes_are_told(tmp_path: Path) -> None:
    wrong = check(eyed(tmp_path, EYES.replace('shown = "lid"', 'shown = "closed"')))
    assert any("parts.lid.shown" in fault and '"lid"' in fault for fault in wrong.errors)
    gone = EYES.split("[[parts]]")[1]
    (tmp_path / "puppet.toml").unlink()
    report = check(eyed(tmp_path, "[[parts]]" + gone))
    assert any("with every blink" in warning for warning in report.warnings)
    assert report.ok
