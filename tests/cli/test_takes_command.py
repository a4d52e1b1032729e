"""bodydouble takes: what lies in a folder; and an interrupted recording used as if it were whole."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from bodydouble.cli import main
from bodydouble.live.recording import Recorder
from moved_live import MadeLive

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line; its exit code and what it printed."""

    def run(*args: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main([str(arg) for arg in args])
        told = capsys.readouterr()
        return int(exit_.value.code or 0), told.out, " ".join(told.err.split())

    return run


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """A recording of half a second whose program went away: its journal, but nobody who holds it."""
    live = MadeLive("mira", background="#336699", mirror=True)
    recorder = Recorder()
    path = recorder.start(live, tmp_path)
    live.play(0.5)
    recorder.stop()
    from bodydouble.outputs.take import TakeWriter, read_take

    take = read_take(path)
    other = path.with_name("cut.parquet")
    writer = TakeWriter(other, take.info)
    for frame in take:
        writer.write(*frame)
    writer.suspend()
    path.unlink()
    return other


def test_list_and_recover(run: Run, interrupted: Path) -> None:
    folder = interrupted.parent
    assert run("takes", "list", folder)[1].split("  ")[-1].strip().startswith("15 frames, 0.5 s, interrupted")
    (folder / "broken.parquet").write_text("no")
    code, out, _ = run("takes", "list", folder)
    assert code == 0 and "broken.parquet is no Parquet file" in out
    (folder / "broken.parquet").unlink()
    assert run("takes", "recover", folder) == (0, "cut.parquet was interrupted; 15 frames of it are kept\n", "")
    assert [path.name for path in folder.iterdir()] == ["cut.parquet"]
    assert "no interrupted" in run("takes", "recover", folder)[1]
    assert "made-model, made camera" in run("takes", "list", folder)[1]


def test_one_is_recovered_by_either_of_its_names(run: Run, interrupted: Path) -> None:
    piece = interrupted.with_name("cut.parquet.partial-001")
    assert run("takes", "recover", piece)[1] == f"{interrupted}: 15 frames\n"
    code, _, err = run("takes", "recover", interrupted)
    assert code == 2 and "no interrupted recording" in err and "it is whole" in err


def test_what_cannot_be_recovered_is_told_and_stays(run: Run, interrupted: Path) -> None:
    interrupted.write_bytes(b"somebody's")
    code, out, _ = run("takes", "recover", interrupted.parent)
    assert code == 2 and "cut.parquet" in out
    assert len(list(interrupted.parent.iterdir())) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="its terminal quotes in its own way")
def test_a_command_that_is_told_can_be_typed(run: Run, interrupted: Path) -> None:
    folder = interrupted.with_name("my takes")
    folder.mkdir()
    piece = interrupted.with_name("cut.parquet.partial-001")
    piece.rename(folder / piece.name)
    line = run("takes", "list", folder)[1].strip()
    assert shlex.split(line.partition("interrupted: ")[2])[1:] == ["takes", "recover", str(folder / "cut.parquet")]


def test_a_journal_that_cannot_be_read_is_one_line(
    run: Run, interrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def refused(path: Path, *args: Any, **more: Any) -> Any:
        if ".partial-" in path.name:
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **more)

    monkeypatch.setattr(Path, "open", refused)
    code, out, _ = run("takes", "list", interrupted.parent)
    assert code == 0 and "cannot read" in out and "Permission denied" in out
    for command in (["takes", "recover", interrupted], ["animate", interrupted, "-o", interrupted.with_name("a.mp4")]):
        code, out, err = run(*command)
        assert code == 2 and "cannot read" in err and "Permission denied" in err
    assert len(list(interrupted.parent.iterdir())) == 1


def test_it_is_animated_without_being_recovered(run: Run, interrupted: Path) -> None:
    out = interrupted.with_name("out.mp4")
    code, _, err = run("animate", interrupted, "-o", out, "--as-live", "--size", "96x64", "--fps", "10")
    assert code == 0, err
    assert "was interrupted" in err and "Mira" in err
    with av.open(str(out)) as film:
        first = next(film.decode(video=0)).to_ndarray(format="rgb24")
        assert film.streams.video[0].average_rate == 10
    assert first[:4, :4].reshape(-1, 3).mean(axis=0) == pytest.approx((0x33, 0x66, 0x99), abs=4)
    code, _, err = run(
        "animate", interrupted, "-o", out, "--as-live", "--size", "96x64", "--force", "--character", "fox"
    )
    assert code == 0 and "Fox" in err


def test_a_folder_that_is_not_there_is_one_line(run: Run, tmp_path: Path) -> None:
    for command in ("list", "recover"):
        code, out, err = run("takes", command, tmp_path / "nowhere")
        assert (code, out) == (2, "") and "nowhere" in err
    assert "no takes in" in run("takes", "list", tmp_path)[1]
