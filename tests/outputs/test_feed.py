"""The motion for other programs: what is in it, that it is plain, and that turning the arm turns the numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from pythonosc.osc_bundle import OscBundle

from bodydouble.outputs.feed import VERSION, as_json
from bodydouble.outputs.osc import LARGEST, address_of, bundles, messages
from bodydouble.skeletons import SKELETONS
from bodydouble.types import BodyDoubleError
from moved_live import START, MadeLive, person

DOCS = Path(__file__).resolve().parents[2] / "docs" / "feeds.md"


@pytest.fixture(scope="module")
def live() -> MadeLive:
    return MadeLive()


def test_a_moment_is_plain_json(live: MadeLive) -> None:
    seen = [person(0.0), person(0.0, number=2, skeleton="blazepose-33")]
    motion = json.loads(json.dumps(as_json(live.moment(1.5, seen)), allow_nan=False))
    assert motion["version"] == VERSION
    assert motion["captured"] == START + 1.5
    assert motion["ready"] - motion["captured"] == pytest.approx(0.02)
    assert motion["picture"] == {"width": 64, "height": 48}
    assert [one["skeleton"] for one in motion["people"]] == ["coco-17", "blazepose-33"]
    for one, pose in zip(motion["people"], seen, strict=True):
        assert list(one["keypoints"]) == list(SKELETONS[pose.skeleton].points)
        got = np.array([[point["x"], point["y"]] for point in one["keypoints"].values()])
        np.testing.assert_allclose(got, pose.points / (64, 48), atol=1e-5)
        world = np.array([point["world"] for point in one["keypoints"].values()])
        np.testing.assert_allclose(world, pose.world, atol=1e-4)
    assert motion["followed"] == motion["characters"][0]["person"] == 1


def test_bones_are_told_as_they_are_drawn(live: MadeLive) -> None:
    """Standing, an arm hangs down; turned a quarter clockwise as drawn, it points 90 degrees further to the right."""
    rest = as_json(live.moment(0.0, [person(0.0)]))["characters"][0]["bones"]
    turned = as_json(live.moment(0.0, [person(0.0)], turns={"left_upper_arm": 90.0}))["characters"][0]["bones"]
    arm, forearm = turned["left_upper_arm"], turned["left_forearm"]
    assert arm["angle"] == 90.0 and arm["length"] == 1.0
    turn = math.remainder(arm["direction"] - rest["left_upper_arm"]["direction"], 360.0)
    assert turn == pytest.approx(-90.0, abs=0.02)
    way = math.radians(arm["direction"])
    reach = np.hypot(forearm["x"] - arm["x"], forearm["y"] - arm["y"])
    assert forearm["x"] == pytest.approx(arm["x"] + reach * math.cos(way), abs=1e-3)
    assert forearm["y"] == pytest.approx(arm["y"] + reach * math.sin(way), abs=1e-3)
    assert 0.3 < rest["head"]["y"] < 1.0
    assert rest["left_upper_arm"]["x"] > 0 > rest["right_upper_arm"]["x"]  # it faces us: its left is at our right


def test_nobody_and_no_frame_are_told(live: MadeLive) -> None:
    motion = as_json(live.moment(0.0, captured=0.0))
    assert motion["idle"] and motion["people"] == [] and motion["picture"] is None and motion["captured"] == 0
    assert len(motion["characters"]) == 1
    told = dict(messages(motion, START))
    assert told["people"] == (0,) and told["moment"][2] == 0.0


def test_osc_says_the_same_in_datagrams_that_fit(live: MadeLive) -> None:
    seen = [person(0.0, number=7, skeleton="blazepose-33"), person(0.0, number=2)]
    motion = as_json(live.moment(3.0, seen))
    datagrams = bundles(motion, START)
    assert len(datagrams) > 2 and max(map(len, datagrams)) <= LARGEST
    assert min(map(len, datagrams[:-1])) > LARGEST - 100  # and no more of them than needed
    told: dict[str, list[object]] = {}
    for number, datagram in enumerate(datagrams, 1):
        first, *rest = list(OscBundle(datagram))
        assert (first.address, first.params) == ("/bodydouble/bundle", [motion["sequence"], number, len(datagrams)])
        told |= {message.address: message.params for message in rest}
    assert told["/bodydouble/people"] == [2] and told["/bodydouble/person/1/id"] == [7]
    assert told["/bodydouble/moment"] == pytest.approx([0, 3.01, 0.02], abs=1e-4)
    wrist = motion["people"][0]["keypoints"]["left_wrist"]
    got = told["/bodydouble/person/1/point/left_wrist"]
    assert got == pytest.approx([wrist["x"], wrist["y"], wrist["score"]], abs=1e-6)
    bone = motion["characters"][0]["bones"]["left_forearm"]
    got = told["/bodydouble/character/1/bone/left_forearm"]
    assert got == pytest.approx([bone[name] for name in ("angle", "direction", "length", "x", "y")], abs=1e-4)
    assert len(told) == sum(1 for _ in messages(motion, START))


def test_numbers_are_floats_even_if_they_are_whole(live: MadeLive) -> None:
    (datagram, *_) = bundles(as_json(live.moment(0.0, [person(0.0)])), START)
    assert b"/bodydouble/person/1/point/nose\0,fff\0" in datagram


def test_names_that_mean_something_in_osc_are_made_harmless(live: MadeLive) -> None:
    motion = as_json(live.moment(0.0, [person(0.0)]))
    motion["characters"][0]["bones"] = {"ear #1/left é": motion["characters"][0]["bones"]["head"]}
    told = {message.address for message in (m for d in bundles(motion, START) for m in OscBundle(d))}
    assert "/bodydouble/character/1/bone/ear__1_left__" in told


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:9000", "127.0.0.1", 9000), ("localhost:1", "localhost", 1), ("[::1]:65535", "::1", 65535)],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert address_of(text) == (host, port)


@pytest.mark.parametrize("text", ["", "localhost", ":9000", "::1:9000", "[]:9000", "a:0", "a:65536", "a:x", "a:-1"])
def test_addresses_that_cannot_be_are_one_line(text: str) -> None:
    with pytest.raises(BodyDoubleError, match="wanted") as caught:
        address_of(text)
    assert "\n" not in str(caught.value)


def fields(value: object, path: str = "") -> set[str]:
    """The names of all fields, those of tables by name left out."""
    if isinstance(value, list):
        return {name for item in value for name in fields(item, path)}
    if not isinstance(value, dict):
        return set()
    found: set[str] = set()
    for name, item in value.items():
        if path not in ("keypoints", "bones"):
            found.add(name)
        found |= fields(item, name)
    return found


def test_the_documentation_names_every_field_that_is_sent(live: MadeLive) -> None:
    text = DOCS.read_text()
    motion = as_json(live.moment(0.0, [person(0.0)]))
    missing = {name for name in fields(motion) if f"`{name}`" not in text}
    assert not missing
    bone = next(iter(motion["characters"][0]["bones"]))
    for name in ["bundle", *(name for name, _ in messages(motion, START))]:
        told = name.replace("/1/", "/N/").replace("/nose", "/NAME").replace(f"/{bone}", "/NAME")
        last = told.rsplit("/", 1)[-1]
        if last in motion["people"][0]["keypoints"] or last in motion["characters"][0]["bones"]:
            told = told.rsplit("/", 1)[0] + "/NAME"
        assert f"`/bodydouble/{told}`" in text
    assert f"version {VERSION}" in text.lower()
