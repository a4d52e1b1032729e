"""Fixtures for tests of characters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from made_puppets import write_puppet


@pytest.fixture
def make_puppet(tmp_path: Path) -> Callable[..., Path]:
    """make_puppet((old, new), ..., svg=[(old, new), ...]): the puppet's folder with these texts exchanged."""
    folder = tmp_path / "puppet"
    folder.mkdir()
    return partial(write_puppet, folder)
