"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from add_chromium import MISSING, find_chromium

# The same examples every time: a change is judged by what it changed. HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)  # machines differ; nothing is timed in tests
settings.register_profile("search", derandomize=False, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real clips, photographs, mocap and characters (its README.md lists them)."""
    folder = Path(os.environ.get("BODYDOUBLE_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.fail(f"no test data at {folder}: put it there or set BODYDOUBLE_TEST_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser of Chromium's kind."""
    path = find_chromium()
    if path is None:
        pytest.skip(MISSING)
    return path
