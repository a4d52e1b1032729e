"""Takes: what is written is what is read, to the last bit; nothing half-written; nothing recorded is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bodydouble.outputs.take import TakeWriter, read_take, recover, resume
from bodydouble.outputs.take_format import TakeFrame, TakeInfo
from bodydouble.skeletons import SKELETONS
from bodydouble.types import BodyDoubleError, Pose, SourceInfo, State

SOURCE = SourceInfo("dänce.mp4", (720, 1280), Fraction(30000, 1001), 12.345678901234567, 370, True, 90)
FIELDS = ("points", "scores", "depth", "world", "visibility", "presence")


def info(skeleton: str = "coco-17", **more: object) -> TakeInfo:
    return TakeInfo(SOURCE, skeleton, path="/films/dänce.mp4", model="some-model", provider="CPU", **more)  # type: ignore[arg-type]


def pose(person: int = 1, value: float = 1.5, skeleton: str = "coco-17", full: bool = True, time: float = 0.0) -> Pose:
    count = len(SKELETONS[skeleton])
    extra = {"depth": np.full(count, -value), "world": np.arange(count * 3).reshape(count, 3) / 7} if full else {}
    return Pose(skeleton, np.full((count, 2), value), np.full(count, 0.5), 0.9, time, person=person, **extra)


def clip(count: int, start: int = 0) -> list[TakeFrame]:
    """Frames with nobody, one and two people in turn."""
    return [
        TakeFrame(k, k / 30, [pose(person, k + person / 3, time=k / 30) for person in range(1, 1 + k % 3)])
        for k in range(start, start + count)
    ]


def write(path: Path, frames: list[TakeFrame], what: TakeInfo | None = None, **more: bool) -> None:
    with TakeWriter(path, what or info(), **more) as writer:
        for frame in frames:
            writer.write(*frame)


def is_same(a: Pose, b: Pose) -> bool:
    for name in FIELDS:
        x, y = getattr(a, name), getattr(b, name)
        if (x is None) != (y is None) or (x is not None and not np.array_equal(x, y)):
            return False
    plain = ("skeleton", "score", "time", "person", "state")
    return all(getattr(a, name) == getattr(b, name) for name in plain)


def assert_same(got: list[TakeFrame], want: list[TakeFrame]) -> None:
    assert [(f.frame, f.time, len(f.poses)) for f in got] == [(f.frame, f.time, len(f.poses)) for f in want]
    for a, b in zip(got, want, strict=True):
        assert all(is_same(x, y) for x, y in zip(a.poses, b.poses, strict=True))


finite = st.floats(allow_nan=False, allow_infinity=False, width=64)


@st.composite
def takes(draw: st.DrawFn) -> tuple[TakeInfo, list[TakeFrame]]:
    name = draw(st.sampled_from(sorted(SKELETONS)))
    count = len(SKELETONS[name])

    def array(*shape: int) -> st.SearchStrategy[np.ndarray]:
        return hnp.arrays(np.float64, shape, elements=finite, fill=finite)

    def one(time: float) -> Pose:
        shapes = {"depth": (count,), "world": (count, 3), "visibility": (count,), "presence": (count,)}
        optional = {key: draw(array(*shape)) for key, shape in shapes.items() if draw(st.booleans())}
        return Pose(
            name,
            draw(array(count, 2)),
            draw(array(count)),
            draw(finite),
            time,
            person=draw(st.integers(-1, 2**62)),
            state=draw(st.sampled_from(State)),
            **optional,
        )

    numbers = sorted(draw(st.sets(st.integers(0, 2**62), max_size=6)))
    times = [draw(finite) for _ in numbers]
    frames = [
        TakeFrame(number, time, [one(time) for _ in range(draw(st.integers(0, 3)))])
        for number, time in zip(numbers, times, strict=True)
    ]
    source = SourceInfo(
        draw(st.text(max_size=20)),
        (draw(st.integers(1, 10**5)), draw(st.integers(1, 10**5))),
        draw(st.fractions(0, 10**4)),
        draw(st.floats(0, 1e9)),
        draw(st.integers(0, 2**40)),
        draw(st.booleans()),
        draw(st.sampled_from([0, 90, 180, 270])),
    )
    fov = draw(st.none() | st.floats(0.1, 3))
    about = TakeInfo(source, name, draw(st.text(max_size=9)), draw(st.text(max_size=9)), fov=fov, settings={"a": "b"})
    return about, frames


@given(takes())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(take: tuple[TakeInfo, list[TakeFrame]]) -> None:
    about, frames = take
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.parquet"
        write(path, frames, about)
        got = read_take(path)
        assert got.info == about
        assert len(got) == len(frames)
        assert_same(list(got), frames)
        assert os.listdir(folder) == ["a.parquet"]  # noqa: PTH208


def test_long_takes_are_read_bit_by_bit_and_again(tmp_path: Path) -> None:
    """More rows than a row group; frames of two people straddle the pieces that are read."""
    frames = clip(6000)
    write(tmp_path / "a.parquet", frames)
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups > 1
    take = read_take(tmp_path / "a.parquet")
    assert next(iter(take)).time == 0
    assert_same(list(take), frames)
    assert_same(list(take), frames)


def test_the_file_is_plain_parquet(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", clip(4))
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == ["frame", "time", "person", "state", "score", *FIELDS]
    assert table["frame"].to_pylist() == [0, 1, 2, 2, 3]
    assert table["person"].to_pylist() == [None, 1, 1, 2, None]
    assert table["state"].to_pylist() == [None, "tracked", "tracked", "tracked", None]
    assert len(table["world"][1].as_py()) == 17 * 3


def test_nothing_has_the_name_before_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    writer = TakeWriter(path, info())
    writer.write(0, 0.0, [])
    assert not path.exists()
    writer.close()
    writer.close()
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]
    with pytest.raises(BodyDoubleError, match="is closed"):
        writer.write(1, 1.0, [])


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_keeps_what_was_recorded_and_a_later_run_goes_on(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path, frames = tmp_path / "a.parquet", clip(400)
    for start, stop in ((0, 130), (130, 131), (131, 250)):
        assert resume(path, info()) == start
        with pytest.raises(error), TakeWriter(path, info(), resume=True) as writer:
            assert writer.frames == start
            for frame in frames[start:stop]:
                writer.write(*frame)
            raise error
        assert not path.exists()
        assert writer.journal is not None and writer.journal.parent == tmp_path
    with TakeWriter(path, info(), resume=True) as writer:
        for frame in frames[250:]:
            writer.write(*frame)
    assert_same(list(read_take(path)), frames)
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]
    assert resume(path, info()) == 0


def test_an_interruption_before_the_first_frame_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), TakeWriter(tmp_path / "a.parquet", info()) as writer:
        raise KeyboardInterrupt
    assert writer.journal is None
    assert not list(tmp_path.iterdir())


def interrupted(path: Path, count: int, told: TakeInfo | None = None) -> None:
    with pytest.raises(KeyboardInterrupt), TakeWriter(path, told or info()) as writer:
        for frame in clip(count):
            writer.write(*frame)
        raise KeyboardInterrupt


@pytest.mark.parametrize("other", [info("blazepose-33"), info(settings={"smooth": "0.5"}), TakeInfo(SOURCE, "coco-17")])
def test_a_journal_of_something_else_is_not_gone_on_with(tmp_path: Path, other: TakeInfo) -> None:
    path = tmp_path / "a.parquet"
    interrupted(path, 100)
    assert resume(path, other) == 0
    with TakeWriter(path, other, resume=True) as writer:
        assert writer.frames == 0
    assert len(read_take(path)) == 0


def test_without_resume_a_journal_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    interrupted(path, 100)
    write(path, clip(5))
    assert_same(list(read_take(path)), clip(5))


def test_recover_makes_the_take_of_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    interrupted(path, 100)
    assert recover(path) == 100
    assert_same(list(read_take(path)), clip(100))
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]
    with pytest.raises(BodyDoubleError, match="no interrupted recording"):
        recover(path)


def test_what_was_recorded_of_a_live_source_is_as_long_as_it_is(tmp_path: Path) -> None:
    """Described when a second of it had come; a film that was not tracked to its end is as long as the film."""
    for name, source in (
        ("live", replace(SOURCE, duration=1.0, frames=30)),
        ("just begun", replace(SOURCE, duration=0.0, frames=0)),
        ("film", replace(SOURCE, duration=60.0, frames=1800)),
        ("film that does not count its frames", replace(SOURCE, duration=60.0, frames=0)),
    ):
        path = tmp_path / f"{name}.parquet"
        interrupted(path, 100, replace(info(), source=source))
        last = list(clip(100))[-1].time
        for _ in range(2):  # as it was left, and made whole
            told = read_take(path).info.source
            if "film" in name:
                assert (told.duration, told.frames) == (source.duration, source.frames)
            else:
                assert last < told.duration < last + 0.1 and told.frames == 100
            if not path.exists():
                recover(path)


@pytest.mark.parametrize("cut", [0, 10, 2000, -1, -3000])
def test_a_journal_cut_off_anywhere_gives_whole_frames(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.parquet"
    interrupted(path, 200)
    piece = tmp_path / "a.parquet.partial-001"
    piece.write_bytes(piece.read_bytes()[:cut])
    done = resume(path, info())
    assert done in (0, 60, 120, 180, 200)
    with TakeWriter(path, info(), resume=True) as writer:
        for frame in clip(200 - done, start=done):
            writer.write(*frame)
    assert_same(list(read_take(path)), clip(200))


def test_a_killed_run_loses_at_most_two_seconds(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    program = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path\n"
        "import test_take as t\n"
        "writer = t.TakeWriter(Path(sys.argv[1]), t.info())\n"
        "for frame in t.clip(100): writer.write(*frame)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path), str(Path(__file__).parent)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not path.exists()
    assert recover(path) == 60
    assert_same(list(read_take(path)), clip(60))


def test_what_exists_needs_force(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, clip(3))
    with pytest.raises(BodyDoubleError, match="--force"):
        TakeWriter(path, info())
    write(path, clip(4), force=True)
    assert len(read_take(path)) == 4


def test_what_cannot_be_a_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BodyDoubleError, match=r"\.parquet"):
        TakeWriter(tmp_path / "a.csv", info())
    with pytest.raises(BodyDoubleError, match="no skeleton"):
        TakeWriter(tmp_path / "a.parquet", info("dog-7"))
    with pytest.raises(BodyDoubleError, match="does not exist"):
        TakeWriter(tmp_path / "nowhere" / "a.parquet", info())
    with TakeWriter(tmp_path / "a.parquet", info()) as writer:
        writer.write(3, 0.1, [pose()])
        with pytest.raises(BodyDoubleError, match="frame 3 follows frame 3"):
            writer.write(3, 0.2, [])
        with pytest.raises(BodyDoubleError, match='skeleton "body-25"'):
            writer.write(4, 0.2, [pose(skeleton="body-25")])


def read_fails(path: Path) -> str:
    with pytest.raises(BodyDoubleError) as caught:
        list(read_take(path))
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return message


def test_what_is_no_take_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    assert "no take" in read_fails(path)
    path.write_text("hello")
    assert "no Parquet file" in read_fails(path)
    pq.write_table(pa.table({"a": [1]}), path)
    assert "is no take" in read_fails(path)


def rewrite(path: Path, table: pa.Table, old: bytes = b"", new: bytes = b"") -> None:
    described = {key: value.replace(old, new) for key, value in table.schema.metadata.items()}
    pq.write_table(table.replace_schema_metadata(described), path)


def test_other_schemas_and_damage_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, clip(300))
    table, whole = pq.read_table(path), path.read_bytes()
    rewrite(path, table, b'"schema": 1', b'"schema": 2')
    assert "schema 2, this bodydouble reads 1" in read_fails(path)
    rewrite(path, table, b'"nose", ', b"")
    assert "other points" in read_fails(path)
    rewrite(path, table, b'"source"', b'"sauce"')
    assert "damaged description" in read_fails(path)
    rewrite(path, table.drop_columns(["world"]))
    assert "lacks the column world" in read_fails(path)
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in read_fails(path)
    path.write_bytes(whole[:200] + bytes(len(whole) // 2) + whole[200 + len(whole) // 2 :])
    assert "damaged" in read_fails(path)


def test_discard_leaves_nothing(tmp_path: Path) -> None:
    writer = TakeWriter(tmp_path / "a.parquet", info())
    for frame in clip(100):
        writer.write(*frame)
    writer.discard()
    writer.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("limited_from, limit, kept", [(0, 100_000, 60), (199, 9_000, 180), (0, 9_000, 0)])
def test_a_full_disk_is_one_line_and_keeps_what_is_whole(
    tmp_path: Path, limited_from: int, limit: int, kept: int
) -> None:
    """A limit on the size of files stands for the disk, met in the middle and when the take is made."""
    program = (
        "import resource, signal, sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path\n"
        "import test_take as t\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "start, limit = int(sys.argv[3]), int(sys.argv[4])\n"
        "try:\n"
        "    with t.TakeWriter(Path(sys.argv[1]), t.info()) as writer:\n"
        "        for frame in t.clip(200):\n"
        "            if frame.frame == start: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "            writer.write(*frame)\n"
        "except t.BodyDoubleError as error:\n"
        "    print(error); sys.exit(2)\n"
    )
    path = tmp_path / "a.parquet"
    command = [sys.executable, "-c", program, str(path), str(Path(__file__).parent), str(limited_from), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "no space left" in done.stdout and ("is kept beside it" if kept else "nothing was kept") in done.stdout
    assert done.stdout.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == (["a.parquet.partial-001"] if kept else [])
    assert resume(path, info()) >= kept


def test_a_journal_is_never_empty(tmp_path: Path) -> None:
    writer = TakeWriter(tmp_path / "a.parquet", info())
    assert writer.journal is not None and writer.journal.stat().st_size > 0
    assert read_take(tmp_path / "a.parquet").info == info()
    writer.close()
