"""zoo.toml is read strictly, and the one we ship holds what its users name."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodydouble import models
from bodydouble.models.cards import Companion, Member, Package, Url, members, parse, read_zoo, zoo
from bodydouble.types import BodyDoubleError

SOURCES = 'sources = [{ package = "box", member = "a/thing.tflite" }, { url = "file:///thing.tflite" }]'
HASH = "0123456789abcdef" * 4
GOOD = """
[packages.box]
client = "pip"
name = "box"
version = "1.0"
python = "3.11"
abi = "cp311"
platform = "manylinux_2_28_x86_64"

[files.thing]
kind = "model"
about = "a thing"
licence = "MIT"
author = "somebody"
size = 3
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
sources = [{ package = "box", member = "a/thing.tflite" }, { url = "file:///thing.tflite" }]

[files.thing.outputs]
points = "Identity"
"""


def test_a_card() -> None:
    (card,) = parse(GOOD).values()
    box = Package("box", "pip", "box", "1.0", "3.11", "cp311", "manylinux_2_28_x86_64")
    assert card.name == "thing"
    assert card.sources == (Member(box, "a/thing.tflite"), Url("file:///thing.tflite"))
    assert card.outputs == {"points": "Identity"}
    assert card.suffix == ".tflite"
    assert card.source == "box 1.0 with pip"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('about = "a thing"', 'about = "a thing"\nrating = 5', "files.thing in zoo.toml has unknown keys: rating"),
        ('abi = "cp311"', 'abi = "cp311"\narch = "x"', "packages.box in zoo.toml has unknown keys: arch"),
        ("[packages.box]", "[extra]\n[packages.box]", "zoo.toml has unknown keys: extra"),
        ('licence = "MIT"', "", "files.thing in zoo.toml has no licence"),
        ("size = 3", 'size = "3"', "size is '3'; wanted a int"),
        ("size = 3", "size = true", "size is True"),
        ("size = 3", "size = 0", "wanted a size"),
        ('sha256 = "ba78', 'sha256 = "zz78', "SHA-256 of 64 hex digits"),
        ('kind = "model"', 'kind = "song"', 'kind is "song"; choose from model, clip'),
        ('client = "pip"', 'client = "brew"', 'client is "brew"; choose from pip, npm'),
        ('package = "box"', 'package = "bag"', 'no package "bag"; choose from box'),
        ('member = "a/thing.tflite" }', 'member = "a/thing.tflite", sha = "1" }', "source 1 has unknown keys: sha"),
        ("size = 3", 'size = 3\ncompanions = [1]', "companion 1 is 1; wanted a table"),
        ("size = 3", 'size = 3\ncompanions = [{ name = "a.bin", size = 1 }]', "companion 1 has no sha256"),
        ("size = 3", f'size = 3\ncompanions = [{{ name = "../a", size = 1, sha256 = "{HASH}" }}]', "a file name"),
        ('points = "Identity"', "points = 1", "wanted names of tensors"),
        ("[files.thing]", "[files.thing", "zoo.toml is not valid TOML"),
        (SOURCES, "sources = []", "at least one source"),
        (SOURCES, "sources = [1]", "source 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(BodyDoubleError) as caught:
        parse(GOOD.replace(old, new))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_we_ship() -> None:
    cards = models.zoo()
    landmarks = {"landmarks", "presence", "segmentation", "heatmap", "world"}
    for name in ("blazepose-lite", "blazepose-full", "blazepose-heavy"):
        assert set(cards[name].outputs) == landmarks
    assert set(cards["blazepose-detector"].outputs) == {"boxes", "scores"}
    assert {"walk-front", "people-two"} <= {name for name, card in cards.items() if card.kind == "clip"}
    for card in cards.values():
        assert card.licence in ("Apache-2.0", "BSD-3-Clause")
        assert len(card.about) < 100
        assert "//" not in Path(__file__).parents[2].joinpath("src/bodydouble/models/zoo.toml").read_text()


def test_a_card_with_companions() -> None:
    (card,) = parse(
        GOOD.replace("size = 3", f'size = 3\ncompanions = [{{ name = "a.bin", size = 5, sha256 = "{HASH}" }}]')
    ).values()
    assert card.companions == (Companion("a.bin", 5, HASH),)
    assert card.whole_size == 8


def test_the_models_of_tfjs_come_with_their_weights() -> None:
    for name in ("posenet-mobilenet", "movenet-lightning", "movenet-thunder", "movenet-multipose"):
        card = models.card(name)
        assert card.suffix == ".json"
        assert len(card.companions) == 1 and card.companions[0].name.endswith(".bin")
        assert models.place(card).parent.name == name
        assert card.outputs


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(BodyDoubleError, match=r'no model "lite"; choose from blazepose-detector, .*walk-front'):
        models.card("lite")


COMBINED = (
    GOOD
    + """
[combinations.pair]
about = "two at once"
models = ["NAME"]
"""
)


def test_a_combination_names_its_models():
    (card,) = parse(GOOD).values()
    _, combinations = read_zoo(COMBINED.replace("NAME", card.name))
    assert combinations["pair"].models == (card.name,)
    assert combinations["pair"].about == "two at once"


@pytest.mark.parametrize("models", ['"no-such"', ""])
def test_a_combination_of_nothing_known_is_refused(models):
    with pytest.raises(BodyDoubleError, match="wanted a name of its own and models of"):
        read_zoo(COMBINED.replace('"NAME"', models))


def test_a_name_stands_for_its_files():
    assert members("blazepose-lite") == ("blazepose-lite",)
    assert set(members("best")) < set(zoo())
    with pytest.raises(BodyDoubleError, match=r"choose from .*best"):
        members("no-such")
