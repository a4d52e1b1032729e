"""Takes that a kill interrupted while they were completed: nothing is lost, nothing is left lying about."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bodydouble.outputs import journal, recovery
from bodydouble.outputs.recovery import interrupted, recover_all
from bodydouble.outputs.take import TakeWriter, read_take
from bodydouble.outputs.take_format import TakeInfo
from bodydouble.types import BodyDoubleError, SourceInfo

ABOUT = TakeInfo(SourceInfo("camera", (64, 48)), "coco-17")
PROGRAM = """
import os, signal, sys
from pathlib import Path
from bodydouble.outputs import journal, take, files
from bodydouble.outputs.take_format import TakeInfo
from bodydouble.types import SourceInfo
def kill(*args, **more):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "while it is made":
    take.pq.ParquetWriter.write_table = kill
elif sys.argv[2] == "before it has its name":
    files.Pending.commit = kill
else:
    journal.remove = kill
remove, journal.remove = journal.remove, lambda path: None
writer = take.TakeWriter(Path(sys.argv[1]), TakeInfo(SourceInfo("camera", (64, 48)), "coco-17"))
journal.remove = remove
for index in range(70):
    writer.write(index, index / 30, [])
writer.close()
"""


@pytest.mark.parametrize("when", ["while it is made", "before it has its name", "before its journal is removed"])
def test_killed_while_the_take_is_completed(tmp_path: Path, when: str) -> None:
    path = tmp_path / "a[1].parquet"  # a name that is a pattern, too
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path), when], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(read_take(path)) == 70
    assert [one.frames for one in recover_all(tmp_path)] == [70]
    assert [left.name for left in tmp_path.iterdir()] == [path.name]
    assert len(read_take(path)) == 70
    assert recover_all(tmp_path) == []


def left_over(path: Path, frames: int) -> None:
    """A journal of so many frames, as a kill leaves it."""
    writer = TakeWriter(path, ABOUT)
    for index in range(frames):
        writer.write(index, index / 30, [])
    writer.flush()
    writer._file.close()


def test_one_that_fails_does_not_keep_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        left_over(tmp_path / f"{name}.parquet", 3)
    real = recovery.recover

    def recover(path: Path) -> int:
        if path.stem == "b":
            raise BodyDoubleError("no space left")
        return real(path)

    monkeypatch.setattr(recovery, "recover", recover)
    assert [(one.path.stem, one.frames) for one in recover_all(tmp_path)] == [("a", 3), ("b", 0), ("c", 3)]
    assert interrupted(tmp_path) == [tmp_path / "b.parquet"]


@pytest.mark.parametrize("content", [b"", None])
def test_journals_with_nothing_in_them_go_without_a_word(tmp_path: Path, content: bytes | None) -> None:
    left_over(tmp_path / "a.parquet", 0)
    if content is not None:
        journal.place(tmp_path / "a.parquet", 1).write_bytes(content)
    assert recover_all(tmp_path) == []
    assert not list(tmp_path.iterdir())


def test_what_is_no_journal_stays_and_is_told(tmp_path: Path) -> None:
    other = tmp_path / "a.parquet.partial-001"
    other.write_bytes(b"something else entirely")
    (tmp_path / "notes.partial-001").mkdir()
    (one,) = recover_all(tmp_path)
    assert one.frames == 0 and "cannot be read" in one.message and other.exists()


def test_a_take_of_another_length_is_not_replaced(tmp_path: Path) -> None:
    with TakeWriter(tmp_path / "a.parquet", ABOUT) as writer:
        writer.write(0, 0.0, [])
    os.rename(tmp_path / "a.parquet", tmp_path / "kept")  # noqa: PTH104
    left_over(tmp_path / "a.parquet", 5)
    os.rename(tmp_path / "kept", tmp_path / "a.parquet")  # noqa: PTH104
    (one,) = recover_all(tmp_path)
    assert one.frames == 0 and "exists" in one.message
    assert len(read_take(tmp_path / "a.parquet")) == 1 and interrupted(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="there it is looked again once a second")
def test_a_new_piece_is_held_even_if_somebody_just_looks_whether_it_is(tmp_path: Path) -> None:
    piece = tmp_path / "a.parquet.partial-001"
    piece.touch()
    held: list[bool] = []
    with piece.open("rb+") as own, piece.open("rb+") as looking:
        assert journal.lock(looking.fileno())
        assert not journal.lock(own.fileno())
        thread = threading.Thread(target=lambda: held.append(journal.lock(own.fileno(), wait=True)), daemon=True)
        thread.start()
        looking.close()
        thread.join(60)
        assert held == [True] and journal.is_held(tmp_path / "a.parquet")
