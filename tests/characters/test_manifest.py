"""puppet.toml: every fault is one line that names the file and the key, and all faults are found at once."""

from __future__ import annotations

import pytest

from bodydouble.characters import check, load
from bodydouble.types import BodyDoubleError

FAULTS = {
    "not toml": (("[joints]", "[joints"), ["puppet.toml", "line"]),
    "unknown key": (('author = "us"', 'autor = "us"'), ["puppet.toml", '"autor"', "author"]),
    "unknown part key": (('layer = "body"', 'layr = "body"'), ["parts.body.layr", "layer"]),
    "no name": (('name = "Test"', ""), ["puppet.toml", "name", "nothing"]),
    "no size": (("size = [400, 600]", ""), ["size", "[width, height]"]),
    "size of text": (("size = [400, 600]", 'size = "big"'), ["size", "'big'"]),
    "size of nothing": (("size = [400, 600]", "size = [0, 600]"), ["size"]),
    "facing": (('facing = "front"', 'facing = "up"'), ["facing", "'up'", "front, left, right"]),
    "missing hip": (("\nhip = [200, 340]", ""), ["joints.hip", "missing"]),
    "joint of one number": (("neck = [200, 180]", "neck = [200]"), ["joints.neck", "[200]", "[x, y]"]),
    "joint outside": (("neck = [200, 180]", "neck = [200, 700]"), ["joints.neck", "[200, 700]", "400x600"]),
    "joint of nan": (("neck = [200, 180]", "neck = [200, nan]"), ["joints.neck", "nan"]),
    "no parts": (("[[parts]]", "[[bits]]"), ["parts"]),
    "part's bone": (('bones = ["spine"]', 'bones = ["spnie"]'), ["parts.body.bones", "spnie", "spine"]),
    "part without bones": (('bones = ["spine"]', ""), ["parts.body.bones"]),
    "bone that is gone": (("left_knee = [230, 440]", ""), ["parts.left_leg.bones", "left_thigh"]),
    "two parts of one name": (('name = "head"', 'name = "body"'), ["two [[parts]]", '"body"']),
    "no file": (('name = "head"\nimage = "figure.svg"', 'name = "head"\nimage = "hat.png"'), ["hat.png", "figure.svg"]),
    "other format": (('name = "head"\nimage = "figure.svg"', 'name = "head"\nimage = "h.jpg"'), ["h.jpg", "PNG"]),
    "outside the folder": (('name = "head"\nimage = "figure.svg"', 'name = "head"\nimage = "../h.png"'), ["../h.png"]),
    "layer": (('layer = "head"', 'layer = "hed"'), ["figure.svg", '"hed"', "left_arm"]),
    "picture's size": (("size = [400, 600]", "size = [500, 700]"), ["400x600", "500x700", "at"]),
    "bend": (('layer = "head"', 'layer = "head"\nbend = -1'), ["parts.head.bend", "-1"]),
    "order": (("order = 30", 'order = "top"'), ["parts.head.order", "'top'"]),
}
EXTRA = '[[bones]]\nname = "tail"\nfrom = "hip"\nto = "left_knee"\nparent = "spine"\n\n[[parts]]\nname = "body"'
BONES = {
    "joint": (('to = "left_knee"', 'to = "tip"'), ['bone "tail"', '"tip"']),
    "parent": (('parent = "spine"', 'parent = "spin"'), ['"spin"', "spine"]),
    "itself": (('parent = "spine"', 'parent = "tail"'), ["circle", "tail -> tail"]),
    "no length": (('to = "left_knee"', 'to = "hip"'), ['bone "tail"', "no length"]),
    "follows": (('parent = "spine"', 'parent = "spine"\nfollows = "tail"'), ["bones.tail.follows"]),
    "stretch": (('parent = "spine"', 'parent = "spine"\nstretch = [2, 1]'), ["bones.tail.stretch"]),
    "limits": (('parent = "spine"', 'parent = "spine"\nbend = [9, -9]'), ["bones.tail.bend"]),
    "spring": (('parent = "spine"', 'parent = "spine"\nspring = 3'), ["bones.tail.spring"]),
    "key": (('parent = "spine"', 'parent = "spine"\nwobble = 3'), ["bones.tail.wobble"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_one_clear_line(fault, make_puppet):
    change, words = FAULTS[fault]
    with pytest.raises(BodyDoubleError) as caught:
        load(make_puppet(change))
    message = str(caught.value)
    assert "\n" not in message
    assert "puppet" in message
    for word in words:
        assert any(word in line for line in check(make_puppet(change)).errors), (word, message)


@pytest.mark.parametrize("fault", BONES)
def test_fault_of_a_bone_is_one_clear_line(fault, make_puppet):
    change, words = BONES[fault]
    folder = make_puppet(('[[parts]]\nname = "body"', EXTRA), change)
    with pytest.raises(BodyDoubleError) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    errors = check(folder).errors
    assert any(all(word in line for word in words) for line in errors), errors


def test_bones_in_a_circle(make_puppet):
    two = EXTRA.replace('parent = "spine"', 'parent = "tip"', 1).replace(
        "\n\n", '\n\n[[bones]]\nname = "tip"\nfrom = "neck"\nto = "left_hip"\nparent = "tail"\n\n', 1
    )
    errors = check(make_puppet(('[[parts]]\nname = "body"', two))).errors
    assert len(errors) == 1
    assert "tail" in errors[0] and "tip" in errors[0] and "circle" in errors[0]


def test_all_faults_are_found_at_once(make_puppet):
    changes = [FAULTS[name][0] for name in ("unknown key", "facing", "joint outside", "layer", "order", "part's bone")]
    errors = check(make_puppet(*changes)).errors
    assert len(errors) == 6
    with pytest.raises(BodyDoubleError, match="and 5 more: bodydouble characters check"):
        load(make_puppet(*changes))


def test_a_joint_of_no_bone_is_told(make_puppet):
    report = check(make_puppet(("[joints]", "[joints]\nleft_elbo = [300, 250]")))
    assert report.ok
    assert any("left_elbo" in line for line in report.warnings)


def test_a_character_without_arms_or_legs_is_a_character(make_puppet):
    text = make_puppet() / "puppet.toml"
    ghost = text.read_text().split("\n\n[[parts]]")
    joints = [line for line in ghost[0].splitlines() if not line.startswith(("left_", "right_"))]
    keep = [part for part in ghost[1:] if '"body"' in part or '"head"' in part]
    text.write_text("\n\n[[parts]]".join(["\n".join(joints), *keep]))
    assert load(text.parent).rig.names == ("spine", "head")


def test_standard_bones_can_be_changed_and_bones_added(make_puppet):
    extra = EXTRA.replace("[[bones]]", '[[bones]]\nname = "head"\nbend = [-10, 20]\ngain = 0.5\n\n[[bones]]', 1)
    rig = load(make_puppet(('[[parts]]\nname = "body"', extra))).rig
    head, tail = rig.names.index("head"), rig.names.index("tail")
    assert rig.gain[head] == 0.5
    assert rig.bend[head] == pytest.approx([-0.17453, 0.34907], abs=1e-4)
    assert rig.follows[head] == "head"
    assert rig.follows[tail] == ""
    assert rig.names[rig.parents[tail]] == "spine"
    assert all(parent < bone for bone, parent in enumerate(rig.parents))


def test_floor_is_the_lowest_joint_unless_stated(make_puppet):
    assert load(make_puppet()).rig.floor == 550
    assert load(make_puppet(('facing = "front"', "floor = 590"))).rig.floor == 590
