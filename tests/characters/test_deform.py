"""Deformation: rigid motions stay rigid, bends keep their thickness, limbs shorten along their bones only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.characters import deform, draw_order, load, rest_pose
from bodydouble.characters.deform import stretched_heads
from bodydouble.characters.mesh import edges_of
from bodydouble.types import BodyDoubleError, RigPose
from made_puppets import write_puppet
from posing import posed


@pytest.fixture
def puppet(make_puppet):
    return load(make_puppet(), pixels=600)


def test_the_rest_pose_changes_nothing(puppet):
    for part, points in zip(puppet.parts, deform(puppet, rest_pose(puppet.rig)), strict=True):
        assert points == pytest.approx(part.points, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(turn=st.floats(-7, 7), x=st.floats(-500, 500), y=st.floats(-500, 500))
def test_moving_all_bones_alike_moves_the_figure_rigidly(shared, turn, x, y):
    before = posed(shared.rig, {"left_upper_arm": -60, "left_forearm": -90, "head": 20}, {"left_forearm": 0.6})
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    after = RigPose(
        before.heads @ matrix.T + (x, y), before.angles + turn, before.lengths, before.nearness, before.time
    )
    for old, new in zip(deform(shared, before), deform(shared, after), strict=True):
        assert new == pytest.approx(old @ matrix.T + (x, y), abs=1e-6)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return load(write_puppet(tmp_path_factory.mktemp("puppet")), pixels=600)


def test_points_on_a_bone_move_with_it(puppet):
    pose = posed(puppet.rig, {"left_upper_arm": -80, "left_forearm": 70})
    arm = next(i for i, part in enumerate(puppet.parts) if part.name == "left_arm")
    part, moved = puppet.parts[arm], deform(puppet, pose)[arm]
    for name in ("left_upper_arm", "left_forearm"):
        bone = puppet.rig.names.index(name)
        whole = (part.weights[:, 0] == 1) & (part.columns[:, 0] == bone)
        assert whole.sum() >= 3
        angle = pose.angles[bone]
        matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        wanted = (part.points[whole] - puppet.rig.heads[bone]) @ matrix.T + pose.heads[bone]
        assert moved[whole] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("turn", [-150, -90, 90, 150])
def test_a_bent_elbow_keeps_its_distance_from_the_joint(puppet, turn):
    """Averaged matrices would pull the elbow's outside in to a quarter of the arm's radius at 150 degrees."""
    pose = posed(puppet.rig, {"left_forearm": turn})
    arm = next(i for i, part in enumerate(puppet.parts) if part.name == "left_arm")
    part = puppet.parts[arm]
    bone = puppet.rig.names.index("left_forearm")
    before = np.hypot(*(part.points - puppet.rig.heads[bone]).T)
    after = np.hypot(*(deform(puppet, pose)[arm] - pose.heads[bone]).T)
    assert after == pytest.approx(before, abs=1e-6)


def test_a_shortened_limb_gets_shorter_along_its_bone_only(puppet):
    rig = puppet.rig
    arm = next(i for i, part in enumerate(puppet.parts) if part.name == "left_arm")
    pose = posed(rig, lengths={"left_upper_arm": 0.5})
    part, moved = puppet.parts[arm], deform(puppet, pose)[arm]
    bone = rig.names.index("left_upper_arm")
    axis = rig.tails[bone] - rig.heads[bone]
    axis = axis / np.hypot(*axis)
    across = np.array([-axis[1], axis[0]])
    assert (moved - rig.heads[bone]) @ across == pytest.approx((part.points - rig.heads[bone]) @ across, abs=1e-6)
    mine = part.weights[:, 0] == 1
    mine &= part.columns[:, 0] == bone
    along = (part.points[mine] - rig.heads[bone]) @ axis
    assert (moved[mine] - rig.heads[bone]) @ axis == pytest.approx(along / 2, abs=1e-6)


def test_children_go_along_with_a_shortened_parent(puppet):
    rig = puppet.rig
    lengths = np.ones(len(rig.names))
    lengths[rig.names.index("left_upper_arm")] = 0.5
    moved = stretched_heads(rig, lengths)
    elbow = rig.names.index("left_forearm")
    shoulder = rig.heads[rig.names.index("left_upper_arm")]
    assert (moved[elbow].real, moved[elbow].imag) == pytest.approx(tuple((rig.heads[elbow] + shoulder) / 2))
    others = [i for i in range(len(rig.names)) if i != elbow]
    assert moved[others].real == pytest.approx(rig.heads[others, 0])


def test_bending_and_shortening_tears_nothing_apart(puppet):
    """Neighbouring points stay neighbours however a limb is bent and shortened."""
    pose = posed(puppet.rig, {"left_upper_arm": 100, "left_forearm": -140}, {"left_upper_arm": 0.6})
    for part, moved in zip(puppet.parts, deform(puppet, pose), strict=True):
        edges = edges_of(part.triangles)
        before = np.hypot(*(part.points[edges[:, 0]] - part.points[edges[:, 1]]).T)
        after = np.hypot(*(moved[edges[:, 0]] - moved[edges[:, 1]]).T)
        assert (after / before).max() < 4


def test_a_pose_of_another_rig_is_refused(puppet):
    with pytest.raises(BodyDoubleError, match="has 1 bones, Test has"):
        deform(puppet, RigPose(np.zeros((1, 2)), np.zeros(1), np.ones(1), np.zeros(1), 0.0))


def order_at(puppet, nearness, previous=None):
    near = dict.fromkeys(("left_forearm",), nearness * puppet.rig.height)
    return draw_order(puppet, posed(puppet.rig, nearness=near), previous)


def test_an_arm_goes_behind_the_body_and_comes_back_without_flicker(puppet):
    names = [part.name for part in puppet.parts]
    arm, body = names.index("left_arm"), names.index("body")

    def in_front(order):
        return order.parts.index(arm) > order.parts.index(body)

    order = order_at(puppet, 0.0)
    assert in_front(order)
    assert in_front(order := order_at(puppet, -0.06, order))
    assert not in_front(order := order_at(puppet, -0.12, order))
    assert not in_front(order := order_at(puppet, -0.06, order))
    assert in_front(order_at(puppet, 0.0, order))
    assert sorted(order.parts) == list(range(len(names)))


def test_parts_without_behind_stay(puppet):
    order = draw_order(puppet, posed(puppet.rig, nearness={"head": -1e4, "left_shin": -1e4}))
    assert not any(hidden for part, hidden in zip(puppet.parts, order.behind, strict=True) if part.behind is None)
