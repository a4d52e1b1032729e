"""A puppet's file for the page: all of it, each texture once, bit for bit, and named by its content."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from bodydouble.characters import Puppet, load, rest_pose
from bodydouble.outputs.draw import Figure, Stage
from bodydouble.stage import puppets
from bodydouble.stage.puppets import MAGIC, puppet_bytes, sharper
from bodydouble.types import BodyDoubleError
from made_puppets import write_puppet


@pytest.fixture(scope="module")
def puppet(tmp_path_factory: pytest.TempPathFactory) -> Puppet:
    return load(write_puppet(tmp_path_factory.mktemp("puppet")), pixels=300)


def header_of(data: bytes) -> dict[str, Any]:
    assert data[:4] == MAGIC
    length = struct.unpack("<I", data[4:8])[0]
    return json.loads(data[8 : 8 + length])


def array_of(data: bytes, name: str) -> np.ndarray:
    place = header_of(data)["arrays"][name]
    assert place["at"] % 8 == 0
    return np.frombuffer(data, dtype=puppets.TYPES[place["type"]], count=place["count"], offset=place["at"])


def test_the_shape_is_all_there(puppet):
    data, _ = puppet_bytes(puppet)
    header = header_of(data)
    skin = puppet.skin
    assert array_of(data, "points").reshape(-1, 2) @ [1, 1j] == pytest.approx(skin.points)
    assert (array_of(data, "columns").reshape(-1, 4) == skin.columns).all()
    assert (array_of(data, "weights").reshape(-1, 4) == skin.weights).all()
    assert (array_of(data, "heads").reshape(-1, 2) == puppet.rig.heads).all()
    triangles = array_of(data, "triangles").reshape(-1, 3)
    start = 0
    for part, said in zip(puppet.parts, header["parts"], strict=True):
        own = triangles[start : start + said["triangles"]]
        assert (own == part.triangles + said["start"]).all()
        assert said["end"] - said["start"] == len(part.points)
        assert (said["name"], said["order"], said["behind"]) == (part.name, part.order, part.behind)
        start += said["triangles"]
    assert start == len(triangles)


def test_textures_come_back_bit_for_bit(puppet):
    data, _ = puppet_bytes(puppet)
    header = header_of(data)
    for part, said in zip(puppet.parts, header["parts"], strict=True):
        place = header["textures"][said["texture"]]
        picture = np.frombuffer(data, dtype=np.uint8, count=place["length"], offset=place["at"])
        pixels = cv2.cvtColor(cv2.imdecode(picture, cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)
        assert (pixels == part.texture).all()


def test_a_texture_of_several_parts_is_there_once(test_data):
    drawing = load(test_data / "drawings" / "char1")
    header = header_of(puppet_bytes(drawing)[0])
    assert len(drawing.parts) > 1
    assert len(header["textures"]) == len({id(part.texture) for part in drawing.parts}) == 1


def test_the_name_says_what_is_in_it(puppet, tmp_path):
    data, name = puppet_bytes(puppet)
    assert puppet_bytes(puppet) == (data, name)
    again = load(puppet.path, pixels=300)
    assert puppet_bytes(again)[1] == name
    other = load(write_puppet(tmp_path, ('name = "Test"', 'name = "Toast"')), pixels=300)
    assert puppet_bytes(other)[1] != name
    assert name.isalnum()


def test_what_a_page_could_not_hold_is_refused_in_one_line(puppet, monkeypatch):
    monkeypatch.setattr(puppets, "LARGEST_SIDE", 50)
    with pytest.raises(BodyDoubleError, match="pixels a side") as told:
        puppet_bytes(replace(puppet))
    assert "\n" not in str(told.value)
    monkeypatch.undo()
    monkeypatch.setattr(puppets, "MOST_POINTS", 10)
    with pytest.raises(BodyDoubleError, match="up to 10"):
        puppet_bytes(replace(puppet))


def test_a_page_gets_it_sharper_and_otherwise_the_same(puppet):
    sharp = sharper(puppet)
    assert sharp.scale > 2 * puppet.scale
    assert sharp.box == puppet.box and sharp.rig is puppet.rig
    pose = rest_pose(puppet.rig)
    size = (300, 300)
    coarse, fine = (Stage(size, "transparent").render([Figure(one, pose)]).astype(int) for one in (puppet, sharp))
    assert np.abs(coarse - fine).mean() < 1.0, "it is the same picture"
    large = (1400, 1400)
    coarse, fine = (Stage(large, "transparent").render([Figure(one, pose)]).astype(int) for one in (puppet, sharp))
    soft = [((alpha > 20) & (alpha < 235)).sum() for alpha in (coarse[..., 3], fine[..., 3])]
    assert soft[1] < soft[0] / 2, "edges are sharp where it is drawn large"


def test_a_drawing_has_no_more_than_its_own_pixels(test_data):
    drawing = load(test_data / "drawings" / "char1")
    assert sharper(drawing) is drawing


def test_a_character_whose_folder_is_gone_is_shown_as_it_was(puppet, tmp_path):
    lost = replace(puppet, path=tmp_path / "gone")
    assert sharper(lost) is lost
