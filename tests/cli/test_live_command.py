"""`bodydouble live` from its start to Ctrl-C, and what it says when it cannot start."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from websockets.sync.client import connect

from bodydouble.cli import main
from bodydouble.cli.live import _begun, _chosen, _shown
from bodydouble.stage.pages import PAGES
from bodydouble.stage.settings import Kept
from bodydouble.stage.wardrobe import Wardrobe
from bodydouble.types import BodyDoubleError
from running_program import heeding

PATIENCE = 60.0


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built page, whether the real one was built or not."""
    folder = tmp_path / "page"
    folder.mkdir()
    for name in PAGES:
        (folder / name).write_text("<!doctype html>")
    monkeypatch.setattr("bodydouble.stage.pages.page_folder", lambda: folder)
    return folder


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on standard error; the exit code is 2."""
    with pytest.raises(SystemExit) as ended:
        main(["live", "--no-browser", *arguments])
    assert ended.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("bodydouble: ")
    return lines[-1]


def test_a_port_that_was_asked_for_and_is_busy(page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        settings = str(tmp_path / "live.toml")
        line = refused(capsys, "--port", port, "--camera", "browser", "--settings", settings)
    assert f"port {port} is in use" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--character", "nobody"], "no character"),
        (["--host", "no.such.name.invalid"], "--host"),
        (["--port", "99999"], "or 0 for any that is free"),
        (["--new-token"], "add --host"),
        (["--fps", "0"], "fps"),
        (["--key", "key.pem"], "go together"),
        (["--size", "huge"], "size"),
        (["--camera", "/no/such/file.mp4"], "file.mp4"),
        (["--model", "no-such-model"], "no pose model"),
        (["--device", "abacus"], "no device"),
        (["--osc", "nonsense"], "nonsense"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    usual = ["--settings", str(tmp_path / "live.toml"), "--out", str(tmp_path), "--port", "0"]
    camera = [] if "--camera" in arguments else ["--camera", "browser"]
    kept = usual if "--port" not in arguments else usual[:4]
    assert words in refused(capsys, *kept, *camera, *arguments)


def test_a_folder_for_recordings_that_cannot_be_is_told_at_once(
    page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    settings = ["--settings", str(tmp_path / "live.toml"), "--port", "0", "--camera", "browser"]
    assert "file" in refused(capsys, *settings, "--out", str(tmp_path / "file" / "films"))


def test_settings_that_cannot_be_kept_are_told_at_once(
    page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    for where in (tmp_path / "file" / "live.toml", tmp_path / "file" / "in" / "live.toml"):
        line = refused(capsys, "--settings", str(where), "--out", str(tmp_path), "--port", "0", "--camera", "browser")
        assert "settings" in line
        assert "--settings" in line


def test_pages_that_were_never_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bodydouble.stage.pages.files", lambda package: tmp_path)
    assert "make page" in refused(capsys)


def test_what_was_chosen_last_and_is_gone_does_not_stop_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "live.toml"
    settings.write_text('[last]\ncamera = "/no/such/film.mp4"\ncharacter = "gone"\nmodel = "gone"\n')
    kept, wardrobe, asked = Kept(settings), Wardrobe(tmp_path / "own"), {"camera": "browser", "fps": 25.0}
    chosen = _chosen(kept.first({}), kept, {}, wardrobe)
    assert chosen.character == "fox"
    begun, run = _begun(kept.first(asked), kept, asked, wardrobe)
    run.close()
    assert (begun.camera, begun.model, begun.fps) == ("browser", "auto", 25)
    assert "begins anew" in capsys.readouterr().err
    with pytest.raises(BodyDoubleError, match="no device"):
        _begun(kept.first({**asked, "device": "abacus"}), kept, {**asked, "device": "abacus"}, wardrobe)
    assert capsys.readouterr().err == ""


def test_a_terminal_without_blocks_is_told_where_the_qr_code_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, words in (("cp1252", "behind Phone"), ("utf-8", "█▀")):
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
        assert words in _shown("█▀")


@pytest.mark.models
def test_a_run_from_start_to_ctrl_c(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        cv2.imwrite(str(pictures / f"{number}.png"), np.full((120, 160, 3), 80 * number, np.uint8))
    page = tmp_path / "page"
    page.mkdir()
    for name in PAGES:
        (page / name).write_text("<!doctype html>")
    start = (
        "import pathlib, sys; import bodydouble.stage.pages as pages; from bodydouble.cli import main;"
        f"pages.page_folder = lambda: pathlib.Path({str(page)!r}); main(sys.argv[1:])"
    )
    arguments = ["live", "--camera", str(pictures), "--no-browser", "--port", "0", "--record", "--host", "127.0.0.1"]
    kept = ["--settings", str(tmp_path / "live.toml"), "--out", str(tmp_path / "out"), "--model", "blazepose-lite"]
    with subprocess.Popen(
        [sys.executable, "-c", start, *arguments, *kept],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=None if sys.platform == "win32" else heeding,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "XDG_DATA_HOME": str(tmp_path / "data")},
    ) as run:
        assert run.stdout is not None
        address = re.search(r"http://\S+", run.stdout.readline())
        assert address is not None
        control = address[0]
        assert httpx.get(control, timeout=PATIENCE).status_code == 303
        token = control.partition("token=")[2]
        socket_address = control.replace("http", "ws").partition("?")[0] + f"ws/control?token={token}"
        with connect(socket_address, open_timeout=PATIENCE, max_queue=None, compression=None) as control_page:
            while '"frames":0' in (said := str(control_page.recv(timeout=PATIENCE))) or '"status"' not in said:
                pass
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, err
    assert re.search(r"^\d+ frames in 0:\d\d, \d+ dropped; recorded .*parquet$", out.strip().splitlines()[-1]), out
    assert "Traceback" not in err
    assert "▄" in out or "█" in out, "the QR code"
    assert tomllib.loads((tmp_path / "live.toml").read_text())["last"]["camera"] == str(pictures)
