"""Stand-ins for the clients, for the tests of fetching."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from fake_clients import CLIENT, Fake


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """pip and npm replaced, in this process and those it starts; an empty cache."""
    folder = tmp_path / "clients"
    (folder / "pip").mkdir(parents=True)
    (folder / "client.py").write_text(CLIENT)
    run = f"import runpy, sys; sys.argv.insert(1, 'pip'); runpy.run_path({str(folder / 'client.py')!r})"
    (folder / "pip" / "__init__.py").touch()
    (folder / "pip" / "__main__.py").write_text(run)
    npm = folder / "npm"
    npm.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder / "client.py"}" npm "$@"\n')
    npm.chmod(0o755)
    monkeypatch.setenv("FAKE_CLIENTS", str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("BODYDOUBLE_CACHE", str(tmp_path / "cache"))
    return Fake(folder)
