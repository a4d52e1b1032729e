"""Names of what is made while live: by time, and nobody's file is ever replaced."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from bodydouble.outputs import names
from bodydouble.outputs.names import dated, free, ready_folder, settle
from bodydouble.types import BodyDoubleError


def test_names_sort_by_time() -> None:
    assert dated(datetime(2026, 11, 3, 9, 5, 7)) == "bodydouble-2026-11-03-090507"


def test_a_name_is_taken_if_any_of_its_suffixes_is(tmp_path: Path) -> None:
    suffixes = [".parquet", ".mp4"]
    assert free(tmp_path, "a", suffixes).name == "a.parquet"
    (tmp_path / "a.mp4").touch()
    (tmp_path / "a-2.parquet.partial-001").touch()
    (tmp_path / "a-4.parquet").touch()
    (tmp_path / "a-3.txt").touch()
    assert free(tmp_path, "a", suffixes).name == "a-3.parquet"
    assert free(tmp_path, "a", [".png"]).name == "a.png"


@pytest.mark.parametrize("links", [True, False])
def test_what_another_has_just_made_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    choose, tries = names.free, []

    def late(folder: Path, stem: str, suffixes: list[str]) -> Path:
        path = choose(folder, stem, suffixes)
        if links and not tries:
            path.write_text("another's")  # between the choice and the use of the name
        tries.append(path)
        return path

    def no_links(old: Path, new: Path) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(names, "free", late)
    if not links:
        monkeypatch.setattr(names.os, "link", no_links)
    temporary = tmp_path / ".part"
    temporary.write_text("mine")
    path = settle(temporary, tmp_path, "a", ".png")
    assert path.name == ("a-2.png" if links else "a.png") and path.read_text() == "mine"
    assert not temporary.exists()
    assert not links or (tmp_path / "a.png").read_text() == "another's"


def test_folders_that_cannot_be_are_one_line(tmp_path: Path) -> None:
    assert ready_folder(tmp_path / "a" / "b").is_dir()
    with pytest.raises(BodyDoubleError, match="gone"):
        free(tmp_path / "gone", "a", [".png"])
    (tmp_path / "file").touch()
    with pytest.raises(BodyDoubleError, match="file"):
        ready_folder(tmp_path / "file" / "b")
