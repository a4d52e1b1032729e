"""The pages in packages: built where Node.js is there, left out with a reason where it is not."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from bodydouble.stage import pages
from bodydouble.types import BodyDoubleError

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """hatch_build.py; hatchling itself is there only while a package is built."""
    name = "hatchling"
    for part in ("", ".builders", ".hooks", ".plugin", ".interface"):
        name += part
        sys.modules.setdefault(name, ModuleType(name))
    sys.modules[name].BuildHookInterface = object  # type: ignore[attr-defined]
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fake_node(folder: Path, version: str) -> None:
    for name in ("node", "npm"):
        (folder / name).write_text(f"#!/bin/sh\necho {version}\n")
        (folder / name).chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for Node.js is a shell script")
@pytest.mark.parametrize(
    ("version", "word"),
    [("v18.20.1", "v18.20.1"), ("v20.18.9", "20.19"), ("v20.19.0", ""), ("v24.0.0", ""), ("?", "?")],
)
def test_node_has_to_be_new_enough(build, tmp_path, monkeypatch, version, word):
    fake_node(tmp_path, version)
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = build.why_no_node()
    assert word in reason
    assert bool(reason) == bool(word)


def test_without_node_the_reason_is_one_line(build, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "20.19" in build.why_no_node()
    assert "\n" not in build.why_no_node()


def test_pages_are_built_anew_only_after_a_change(build, tmp_path):
    web, page = tmp_path / "web", tmp_path / "page"
    (web / "src").mkdir(parents=True)
    source = web / "src" / "main.ts"
    source.write_text("")
    assert not build.is_fresh(web, page)
    page.mkdir()
    (page / "index.html").write_text("")
    os.utime(source, (1, 1))
    assert build.is_fresh(web, page)
    os.utime(page / "index.html", (0, 0))
    assert not build.is_fresh(web, page)


def test_pages_that_were_never_built_are_told_of_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "files", lambda _: tmp_path)
    with pytest.raises(BodyDoubleError, match=r"Node\.js") as told:
        pages.page_folder()
    assert "\n" not in str(told.value)


def test_the_lock_file_names_no_place_to_fetch_from():
    assert '"resolved"' not in (ROOT / "web" / "package-lock.json").read_text()
