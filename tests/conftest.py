"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real clips, photographs, mocap and characters (its README.md lists them)."""
    folder = Path(os.environ.get("BODYDOUBLE_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.fail(f"no test data at {folder}: put it there or set BODYDOUBLE_TEST_DATA to its folder")
    return folder
