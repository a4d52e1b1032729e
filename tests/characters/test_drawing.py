"""Folders of Animated Drawings load as they are and move without tearing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.characters import check, deform, load
from bodydouble.characters.mesh import edges_of
from bodydouble.types import BodyDoubleError
from posing import posed

JOINTS = {
    "root": (100, 150),
    "hip": (100, 150),
    "torso": (100, 80),
    "neck": (100, 40),
    "right_shoulder": (75, 85),
    "right_elbow": (50, 85),
    "right_hand": (22, 85),
    "left_shoulder": (125, 85),
    "left_elbow": (150, 85),
    "left_hand": (178, 85),
    "right_hip": (85, 155),
    "right_knee": (85, 190),
    "right_foot": (85, 230),
    "left_hip": (115, 155),
    "left_knee": (115, 190),
    "left_foot": (115, 230),
}


def write_drawing(folder: Path, *, without: str = "", joints=None, mask=None, texture=None, config=None) -> Path:
    """A drawing of a figure with spread arms, 200 x 250."""
    folder.mkdir(exist_ok=True)
    if mask is None:
        mask = np.zeros((250, 200), dtype=np.uint8)
        for box in ((65, 70, 135, 165), (10, 75, 190, 95), (75, 160, 95, 240), (105, 160, 125, 240)):
            cv2.rectangle(mask, box[:2], box[2:], 255, -1)
        cv2.circle(mask, (100, 40), 32, 255, -1)
    if texture is None:
        texture = np.full((250, 200, 3), 200, dtype=np.uint8)
    places = JOINTS if joints is None else joints
    text = "height: 250\nwidth: 200\nskeleton:\n" + "".join(
        f"- loc: [{x}, {y}]\n  name: {name}\n  parent: null\n" for name, (x, y) in places.items()
    )
    cv2.imwrite(str(folder / "mask.png"), mask)
    cv2.imwrite(str(folder / "texture.png"), texture)
    (folder / "char_cfg.yaml").write_text(text if config is None else config)
    if without:
        (folder / without).unlink()
    return folder


def joined(puppet, points):
    """Points that lie on one another at rest, in different parts, and how far apart they are now."""
    rest = np.concatenate([part.points for part in puppet.parts])
    moved = np.concatenate(points)
    order = np.lexsort(rest.T)
    same = (np.diff(rest[order], axis=0) == 0).all(axis=1)
    return same.sum(), np.abs(np.diff(moved[order], axis=0))[same]


def test_joints_become_our_bones_on_the_characters_own_sides(tmp_path):
    puppet = load(write_drawing(tmp_path / "drawing"))
    rig = puppet.rig
    assert puppet.name == "drawing"
    assert len(rig.names) == 14
    left, right = (rig.names.index(f"{side}_upper_arm") for side in ("left", "right"))
    assert tuple(rig.heads[left]) == (125, 85) and tuple(rig.tails[left]) == (150, 85)
    assert rig.heads[left, 0] > rig.heads[right, 0]
    spine, head = rig.names.index("spine"), rig.names.index("head")
    assert tuple(rig.heads[spine]) == (100, 150) and tuple(rig.tails[spine]) == (100, 80)
    assert tuple(rig.tails[head]) == (100, 40)
    assert rig.floor == 241 and rig.height == pytest.approx(233, abs=1)


def test_a_drawing_moves_without_tearing(tmp_path):
    puppet = load(write_drawing(tmp_path / "drawing"))
    pose = posed(puppet.rig, {"left_upper_arm": -100, "left_forearm": -60, "right_thigh": 50, "head": 20, "spine": -10})
    points = deform(puppet, pose)
    shared, apart = joined(puppet, points)
    assert shared > 20
    assert apart.max() < 1e-9
    for part, moved in zip(puppet.parts, points, strict=True):
        edges = edges_of(part.triangles)
        before = np.hypot(*(part.points[edges[:, 0]] - part.points[edges[:, 1]]).T)
        after = np.hypot(*(moved[edges[:, 0]] - moved[edges[:, 1]]).T)
        assert (after / before).max() < 6


def test_raising_an_arm_leaves_the_trunk_and_the_other_arm_alone(tmp_path):
    puppet = load(write_drawing(tmp_path / "drawing"))
    points = deform(puppet, posed(puppet.rig, {"left_upper_arm": -80}))
    rest = np.concatenate([part.points for part in puppet.parts])
    moved = np.hypot(*(np.concatenate(points) - rest).T)
    assert moved[rest[:, 1] > 125].max() < 3
    assert moved[rest[:, 0] < 80].max() < 1
    assert moved[rest[:, 0] > 165].min() > 40


def stout(folder: Path) -> Path:
    """A figure with a belly wider than its hips and thick legs, arms a little away from the body."""
    mask = np.zeros((250, 200), dtype=np.uint8)
    cv2.ellipse(mask, (100, 115), (55, 50), 0, 0, 360, 255, -1)
    cv2.circle(mask, (100, 40), 32, 255, -1)
    for side in (-1, 1):
        cv2.line(mask, (100 + side * 40, 88), (100 + side * 85, 125), 255, 22)
        cv2.line(mask, (100 + side * 28, 155), (100 + side * 34, 228), 255, 36)
    places = dict(JOINTS)
    for name, side in (("right", -1), ("left", 1)):
        places |= {
            f"{name}_shoulder": (100 + side * 40, 88),
            f"{name}_elbow": (100 + side * 62, 106),
            f"{name}_hand": (100 + side * 85, 125),
            f"{name}_hip": (100 + side * 28, 155),
            f"{name}_knee": (100 + side * 31, 190),
            f"{name}_foot": (100 + side * 34, 228),
        }
    return write_drawing(folder, mask=mask, joints=places)


def test_thighs_leave_the_belt_of_a_stout_body_alone(tmp_path):
    puppet = load(stout(tmp_path / "drawing"))
    points = deform(puppet, posed(puppet.rig, {"left_thigh": -50, "right_thigh": 50}))
    rest = np.concatenate([part.points for part in puppet.parts])
    moved = np.hypot(*(np.concatenate(points) - rest).T)
    belt = (rest[:, 1] > 130) & (rest[:, 1] < 144)
    assert belt.sum() > 20
    assert moved[belt].max() < 5


def test_the_mask_is_the_alpha(tmp_path):
    puppet = load(write_drawing(tmp_path / "drawing"))
    texture = puppet.parts[0].texture
    assert all(part.texture is texture for part in puppet.parts)
    border = (texture.shape[0] - 250) // 2
    assert texture[border + 120, border + 100, 3] == 255
    assert texture[border + 120, border + 20, 3] == 0
    assert (texture[..., :3] <= texture[..., 3:]).all()


def test_masks_of_every_shape(tmp_path):
    pieces = np.zeros((250, 200), dtype=np.uint8)
    pieces[0:250, 60:140] = 255  # touches two borders
    pieces[150:170, 95:105] = 0  # a hole
    pieces[60:110, 150:200] = 255  # a piece of its own, at the border
    pieces[60:110, 0:40] = 255
    pieces[5, 5] = 255  # a speck
    puppet = load(write_drawing(tmp_path / "drawing", mask=pieces))
    points = np.concatenate([part.points for part in puppet.parts])
    assert points[:, 0].min() < 1 and points[:, 0].max() > 199
    assert not (np.hypot(*(points - 5).T) < 4).any()
    moved = deform(puppet, posed(puppet.rig, {"left_upper_arm": -90}))
    assert all(np.isfinite(part).all() for part in moved)


def test_without_a_mask_the_textures_alpha_will_do(tmp_path):
    texture = np.zeros((250, 200, 4), dtype=np.uint8)
    texture[20:240, 60:140] = 255
    texture[60:110, 10:190] = 255
    puppet = load(write_drawing(tmp_path / "drawing", texture=texture, without="mask.png"))
    assert len(puppet.parts) >= 4


FAULTS = {
    "texture": ({"without": "texture.png"}, ["texture.png", "missing"]),
    "mask": ({"without": "mask.png"}, ["mask.png", "missing", "transparency"]),
    "black": ({"mask": np.zeros((250, 200), np.uint8)}, ["mask.png", "black"]),
    "size": ({"mask": np.full((25, 20), 255, np.uint8)}, ["mask.png", "20x25", "200x250"]),
    "yaml": ({"config": "skeleton: [\n- x: {"}, ["char_cfg.yaml", "YAML", "line"]),
    "no skeleton": ({"config": "height: 250"}, ["char_cfg.yaml", "skeleton"]),
    "text": ({"config": "hello"}, ["char_cfg.yaml", "skeleton"]),
    "joint": ({"joints": {k: v for k, v in JOINTS.items() if k != "left_knee"}}, ["char_cfg.yaml", "left_knee"]),
    "loc": ({"joints": JOINTS | {"left_knee": ("a", 3)}}, ["char_cfg.yaml", "left_knee", "'a'"]),
    "outside": ({"joints": JOINTS | {"left_knee": (900, 3)}}, ["left_knee", "900", "200x250"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_one_clear_line(fault, tmp_path):
    changes, words = FAULTS[fault]
    folder = write_drawing(tmp_path / "drawing", **changes)
    with pytest.raises(BodyDoubleError) as caught:
        load(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message
    assert not check(folder).ok


def test_sides_exchanged_are_told(tmp_path):
    swapped = {
        name.replace("left", "x").replace("right", "left").replace("x", "right"): at for name, at in JOINTS.items()
    }
    assert any("left_shoulder" in line for line in check(write_drawing(tmp_path / "d", joints=swapped)).warnings)
    assert check(write_drawing(tmp_path / "d")).warnings == ()


@pytest.mark.clips
@pytest.mark.parametrize("name", ["char1", "char2"])
def test_real_drawings_load_and_move(test_data, name):
    puppet = load(test_data / "drawings" / name)
    left, right = (puppet.rig.names.index(f"{side}_upper_arm") for side in ("left", "right"))
    assert puppet.rig.heads[left, 0] > puppet.rig.heads[right, 0]
    count = sum(len(part.points) for part in puppet.parts)
    assert 500 < count < 1500
    points = deform(puppet, posed(puppet.rig, {"left_upper_arm": -90, "left_thigh": -40}))
    shared, apart = joined(puppet, points)
    assert shared > 20 and apart.max() < 1e-9
    rest = np.concatenate([part.points for part in puppet.parts])
    moved = np.hypot(*(np.concatenate(points) - rest).T)
    belly = np.hypot(*(rest - puppet.rig.heads[puppet.rig.names.index("spine")]).T) < 0.08 * puppet.rig.height
    assert moved[belly].max() < 0.05 * puppet.rig.height
