"""Half and head shots show what they are named for, on every character and stage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodydouble.characters import Puppet, load, rest_pose
from bodydouble.outputs.draw import Figure, Stage
from bodydouble.outputs.shots import Shots, place_close, view
from bodydouble.types import BodyDoubleError
from made_puppets import write_puppet

SIZES = [(1280, 720), (640, 480), (400, 400), (1080, 1920)]


@pytest.fixture(scope="module", params=["fox", "mira", "made", "drawing"])
def puppet(request, tmp_path_factory) -> Puppet:
    if request.param == "made":
        return load(write_puppet(tmp_path_factory.mktemp("puppet")), pixels=600)
    if request.param == "drawing":
        return load(request.getfixturevalue("test_data") / "drawings" / "char1")
    return load(request.param)


def at(puppet: Puppet, framing: str, size: tuple[int, int], points: np.ndarray) -> np.ndarray:
    """Where points of the character at rest are in a shot, in fractions of the stage."""
    pose = rest_pose(puppet.rig)
    place = Shots()([view(puppet, framing)], [puppet], [pose], [(0.5, 1.0)], size)[0]
    return place_close(points, puppet, pose, place) / size


def joint(puppet: Puppet, follows: str) -> np.ndarray:
    return puppet.rig.heads[puppet.rig.follows.index(follows)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("framing", ["half", "head"])
def test_the_head_is_whole_and_in_the_middle(puppet, framing, size):
    head = puppet.rig.follows.index("head")
    flesh = np.concatenate([part.points[part.columns[:, 0] == head] for part in puppet.parts])
    shown = at(puppet, framing, size, flesh)
    assert shown.min() > 0 and (shown < 1).all()
    assert at(puppet, framing, size, joint(puppet, "head")[None])[0, 0] == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize("size", SIZES[:3])
def test_a_half_shot_ends_at_the_hips_and_a_head_shot_at_the_chest(puppet, size):
    hips, neck = joint(puppet, "spine"), joint(puppet, "head")
    in_half, in_head = (
        at(puppet, "half", size, np.array([hips, neck])),
        at(puppet, "head", size, np.array([hips, neck])),
    )
    assert in_half[0, 1] > 0.9, "the hips are at the lower edge, or below it where the shoulders need the width"
    assert in_head[0, 1] > 1.0
    assert 0.4 < in_head[1, 1] < 0.95
    zoom = np.diff(in_head[:, 1]) / np.diff(in_half[:, 1])
    assert zoom > 1.05


def test_turning_to_a_closer_shot_draws_more_of_the_head(puppet):
    pose = rest_pose(puppet.rig)
    covered = [
        (
            Stage((320, 240), "transparent", shadow=False, framing=framing).render([Figure(puppet, pose)])[..., 3] > 0
        ).mean()
        for framing in ("full", "half", "head")
    ]
    assert covered[0] < covered[1] < covered[2]


def test_a_figure_that_grows_is_eased_back_to_its_size(puppet):
    shots, seen = Shots(), view(puppet, "half")
    tall = []
    for step in range(150):
        pose = replace(rest_pose(puppet.rig, step / 30), person=1, size=1.0 if step < 30 else 1.8)
        place = shots([seen], [puppet], [pose], [(0.5, 1.0)], (1280, 720))[0]
        heads = place_close(puppet.rig.heads, puppet, pose, place)
        tall.append(float(np.ptp(heads[:, 1])))
    assert tall[31] > 1.05 * tall[0]
    assert tall[31] < 1.2 * tall[0]
    assert tall[-1] == pytest.approx(tall[0], rel=0.01)


def test_no_framing_of_that_name():
    with pytest.raises(BodyDoubleError, match="full, half, head"):
        Stage((64, 64), framing="knees")
