"""Bad input: one clear line on standard error, exit code 2, and no output, whole or half."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.made_clips import make_clip

from bodydouble.characters import samples
from bodydouble.cli import main
from bodydouble.outputs.take import TakeWriter, read_take
from bodydouble.outputs.take_format import TakeInfo
from bodydouble.sources import open_source
from bodydouble.types import SourceInfo
from running_program import heeding

Refused = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs the command line, expects to be refused, returns the one line."""

    def run(*args: str | Path) -> str:
        with pytest.raises(SystemExit) as exit_:
            main([str(arg) for arg in args])
        told = capsys.readouterr().err.strip()
        assert exit_.value.code == 2, told
        lines = [line for line in told.splitlines() if line.strip()]
        assert len(lines) == 1, told
        assert lines[0].startswith("bodydouble: ")
        return lines[0]

    return run


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def write_image(path: Path, image: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), image)
    return path


def test_wrong_usage_names_the_help_of_the_command_asked_for(refused: Refused) -> None:
    assert "(bodydouble convert --help lists" in refused("convert", "model.json")
    assert "(bodydouble models export --help lists" in refused("models", "export", "--nope")
    assert "(bodydouble --help lists" in refused("nope")


def test_missing_file(refused: Refused, tmp_path: Path) -> None:
    line = refused("animate", tmp_path / "nothing.mp4", "-o", tmp_path / "out.mp4")
    assert "nothing.mp4" in line
    assert left_in(tmp_path) == set()


def test_the_home_of_nobody(refused: Refused, tmp_path: Path) -> None:
    assert "no file or folder ~nobody-here/a.mp4" in refused("animate", "~nobody-here/a.mp4", "-o", tmp_path / "a.mp4")
    kept = ["--no-browser", "--port", "0", "--settings", tmp_path / "live.toml", "--out", tmp_path]
    assert "no file or folder ~nobody-here/a.mp4" in refused("live", "--camera", "~nobody-here/a.mp4", *kept)
    assert 'no character "~nobody-here/a"' in refused("live", "--character", "~nobody-here/a", *kept)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--smooth", "a.bvh", "--live"], "give one at a time"),
        (["--smooth", "a.bvh", "--json", "a.json"], "--models or --live"),
        (["--live", "--chart", "a.svg"], "--models or --smooth"),
        (["--chart", "a.svg"], "--models or --smooth"),
        (["--smooth", "a.bvh", "--chart", "no folder/a.svg"], "does not exist"),
        (["--live", "--json", "no folder/a.json"], "does not exist"),
        (["--models", "all", "--json", "."], "is a folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bench_says_before_it_measures_what_cannot_be(refused: Refused, options: list[str], says: str) -> None:
    assert says in refused("bench", *options)


def test_an_address_and_a_film_shown_as_live(refused: Refused, tmp_path: Path) -> None:
    line = refused("animate", "https://host/a.mp4", "-o", tmp_path / "a.mp4")
    assert "is an address; download the file" in line and "bodydouble live" in line
    line = refused("animate", tmp_path / "a film.mp4", "--as-live", "-o", tmp_path / "a.mp4")
    assert "a film.mp4" in line and "leave it out" in line


def test_what_may_not_be_used_is_named(refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "a" * 300 + ".mp4"  # no file system takes it
    assert long in refused("animate", long, "-o", tmp_path / "a.mp4")

    def forbidden(*args: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied", "secret/a.mp4")

    monkeypatch.setattr("bodydouble.films.film", forbidden)
    assert "cannot use secret/a.mp4 (Permission denied)" in refused("animate", "secret/a.mp4", "-o", tmp_path / "a.mp4")
    monkeypatch.setattr("pyarrow.parquet.ParquetFile", forbidden)
    take = tmp_path / "a.parquet"
    take.touch()
    assert f"no permission to read {take}" in refused("animate", take, "--as-live", "-o", tmp_path / "a.mp4")


def test_text_named_mp4(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_text("not a video\n" * 100)
    assert "clip.mp4" in refused("animate", tmp_path / "clip.mp4", "-o", tmp_path / "out.mp4")
    assert left_in(tmp_path) == {"clip.mp4"}


def test_audio_only(refused: Refused, tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "song.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4410), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "song.m4a" in refused("track", tmp_path / "song.m4a", "-o", tmp_path / "out.parquet")
    assert left_in(tmp_path) == {"song.m4a"}


def test_truncated_video_without_its_index(refused: Refused, tmp_path: Path) -> None:
    make_clip(tmp_path / "whole.mp4", frames=40)
    data = (tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    assert "cut.mp4" in refused("animate", tmp_path / "cut.mp4", "-o", tmp_path / "out.mp4")
    assert left_in(tmp_path) == {"whole.mp4", "cut.mp4"}


@pytest.mark.models
@pytest.mark.parametrize("command", ["animate", "track"])
def test_nobody_in_it(refused: Refused, tmp_path: Path, command: str) -> None:
    make_clip(tmp_path / "empty.mp4", frames=6)
    out = tmp_path / ("out.mp4" if command == "animate" else "out.parquet")
    assert "no person" in refused(command, tmp_path / "empty.mp4", "-o", out)
    assert left_in(tmp_path) == {"empty.mp4"}


@pytest.mark.models
@pytest.mark.parametrize(
    "image",
    [
        np.full((16, 16, 3), 90, np.uint8),
        np.full((4320, 7680, 3), 90, np.uint8),
        np.full((120, 90), 90, np.uint8),
        np.full((120, 90, 4), 90, np.uint8),
    ],
    ids=["16x16", "8K", "grey", "alpha"],
)
def test_odd_images_are_read_and_nobody_found(refused: Refused, tmp_path: Path, image: np.ndarray) -> None:
    write_image(tmp_path / "image.png", image)
    assert "no person" in refused("animate", tmp_path / "image.png", "-o", tmp_path / "out.png")
    assert left_in(tmp_path) == {"image.png"}


def test_unknown_character_names_the_known(refused: Refused, tmp_path: Path) -> None:
    make_clip(tmp_path / "clip.mp4", frames=2)
    line = refused("animate", tmp_path / "clip.mp4", "--character", "dragon", "-o", tmp_path / "out.mp4")
    assert "dragon" in line
    assert "fox" in line


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A copy of a sample puppet to break."""
    return Path(shutil.copytree(samples()["fox"], tmp_path / "puppet"))


@pytest.mark.parametrize("fault", ["joint", "image", "toml"])
def test_broken_character(refused: Refused, tmp_path: Path, broken: Path, fault: str) -> None:
    manifest = broken / "puppet.toml"
    text = manifest.read_text(encoding="utf-8")
    if fault == "joint":
        manifest.write_text("\n".join(line for line in text.splitlines() if not line.startswith("left_elbow")))
    elif fault == "image":
        (broken / "fox.svg").unlink()
    else:
        manifest.write_text(text + "\n[joints\n")
    make_clip(tmp_path / "clip.mp4", frames=2)
    line = refused("animate", tmp_path / "clip.mp4", "--character", broken, "-o", tmp_path / "out.mp4")
    assert {"joint": "left_elbow", "image": "fox.svg", "toml": "puppet.toml"}[fault] in line
    assert left_in(tmp_path) == {"clip.mp4", "puppet"}


@pytest.mark.parametrize("out", ["missing/out.mp4", "out.xyz"])
def test_output_that_cannot_be_written(refused: Refused, tmp_path: Path, out: str) -> None:
    make_clip(tmp_path / "clip.mp4", frames=2)
    refused("animate", tmp_path / "clip.mp4", "-o", tmp_path / out)
    assert left_in(tmp_path) == {"clip.mp4"}


@pytest.mark.parametrize(("command", "name"), [("animate", "out.mp4"), ("track", "out.csv"), ("track", "out.parquet")])
def test_existing_output_asks_for_force(refused: Refused, tmp_path: Path, command: str, name: str) -> None:
    make_clip(tmp_path / "clip.mp4", frames=2)
    (tmp_path / name).write_text("mine")
    assert "--force" in refused(command, tmp_path / "clip.mp4", "-o", tmp_path / name)
    assert (tmp_path / name).read_text() == "mine"


def test_output_that_is_the_source(refused: Refused, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    make_clip(clip, frames=2)
    before = clip.read_bytes()
    refused("animate", clip, "-o", clip, "--force")
    assert clip.read_bytes() == before


@pytest.mark.parametrize(
    "options",
    [
        ["--person", "somebody"],
        ["--place", "far"],
        ["--size", "huge"],
        ["--size", "4x4"],
        ["--smooth", "2"],
        ["--fov", "200"],
        ["--fps", "-1"],
        ["--device", "abacus"],
        ["--model", "blazepose-mega"],
        ["--background", "#12"],
        ["--background", "transparent"],  # .mp4 has no transparency
        ["--colour", "red"],
    ],
    ids=" ".join,
)
def test_unusable_option(refused: Refused, tmp_path: Path, options: list[str]) -> None:
    make_clip(tmp_path / "clip.mp4", frames=2)
    refused("animate", tmp_path / "clip.mp4", "-o", tmp_path / "out.mp4", *options)
    assert left_in(tmp_path) == {"clip.mp4"}


@pytest.mark.models
def test_corrupt_take(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "take.parquet").write_bytes(b"PAR1 nothing of the kind")
    assert "take.parquet" in refused("animate", tmp_path / "take.parquet", "-o", tmp_path / "out.mp4")


def test_no_network_and_no_cache(tmp_path: Path) -> None:
    make_clip(tmp_path / "clip.mp4", frames=2)
    cache = tmp_path / "cache"
    environment = {
        **os.environ,
        "BODYDOUBLE_CACHE": str(cache),
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "0",
        "PIP_NO_CACHE_DIR": "1",
    }
    run = subprocess.run(
        [sys.executable, "-m", "bodydouble", "animate", str(tmp_path / "clip.mp4"), "-o", str(tmp_path / "out.mp4")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2, run.stderr
    assert len(run.stderr.strip().splitlines()) == 1, run.stderr
    assert "blazepose" in run.stderr
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.models
@pytest.mark.clips
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_in_the_middle(tmp_path: Path, test_data: Path) -> None:
    clip = test_data / "clips" / "pose_squats.mp4"
    command = [
        sys.executable,
        "-m",
        "bodydouble",
        "animate",
        str(clip),
        "--fps",
        "240",
        "-o",
        str(tmp_path / "out.mp4"),
    ]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heeding)
    begun = time.monotonic()
    while not any(tmp_path.iterdir()):  # the output being written beside its name
        assert run.poll() is None, "ended before it began to write"
        assert time.monotonic() - begun < 120, "does not begin to write"
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    _, told = run.communicate(timeout=60)
    assert run.returncode == 2, told
    assert "stopped" in told.strip().splitlines()[-1]
    assert left_in(tmp_path) == set()


def test_help_of_a_bare_command_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["models"])
    assert len(capsys.readouterr().out.splitlines()) > 3


@pytest.mark.models
def test_brackets_in_names_are_only_names(tmp_path: Path, test_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = test_data / "coco" / "000000000785.jpg"
    with pytest.raises(SystemExit) as exit_:
        main(["animate", str(image), "-o", str(tmp_path / "[red]b [i] x.png"), "--size", "64x64"])
    assert exit_.value.code == 0
    assert "[red]b [i] x.png" in capsys.readouterr().err.replace("\n", "")


@pytest.mark.parametrize("options", [["--person", "²"], ["--size", "²x²"]], ids=" ".join)
def test_digits_are_plain_digits(refused: Refused, tmp_path: Path, options: list[str]) -> None:
    make_clip(tmp_path / "clip.mp4", frames=2)
    refused("animate", tmp_path / "clip.mp4", "-o", tmp_path / "out.mp4", *options)


@pytest.mark.models
@pytest.mark.clips
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM], ids=["interrupted", "terminated"])
def test_an_interrupted_take_goes_on(tmp_path: Path, test_data: Path, signal_: signal.Signals) -> None:
    """Stopped in the middle, the same command ends with every frame, the same person in all of them."""
    take = tmp_path / "take.parquet"
    clip = test_data / "clips" / "pose_squats.mp4"
    images = tmp_path / "frames"  # a longer source: the clip four times
    images.mkdir()
    for index, frame in enumerate(open_source(clip)):
        cv2.imwrite(str(images / f"{index:04d}.jpg"), frame.image[::2, ::2, ::-1])
    once = sorted(images.iterdir())
    for index in range(len(once), 4 * len(once)):
        shutil.copy(once[index % len(once)], images / f"{index:04d}.jpg")
    command = [sys.executable, "-m", "bodydouble", "track", str(images), "-o", str(take), "--model", "blazepose-lite"]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heeding)
    journal = tmp_path / "take.parquet.partial-001"
    begun = time.monotonic()
    while not journal.exists() or journal.stat().st_size < 50_000:
        assert run.poll() is None, run.stderr and run.stderr.read()
        assert time.monotonic() - begun < 120
        time.sleep(0.02)
    run.send_signal(signal_)
    _, told = run.communicate(timeout=60)
    assert run.returncode == 2, told
    assert "goes on" in told
    assert not take.exists()
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "going on after" in again.stderr
    frames = list(read_take(take))
    assert [frame.frame for frame in frames] == list(range(260))
    assert {pose.person for frame in frames for pose in frame.poses} == {1}
    assert left_in(tmp_path) == {"take.parquet", "frames"}


@pytest.mark.models
@pytest.mark.clips
def test_a_foreign_journal_is_not_overwritten(refused: Refused, tmp_path: Path, test_data: Path) -> None:
    clip = test_data / "clips" / "pose_squats.mp4"
    writer = TakeWriter(tmp_path / "take.parquet", TakeInfo(SourceInfo("other", (64, 64)), "blazepose-33"))
    for index in range(3):
        writer.write(index, index / 30, [])
    writer.suspend()
    line = refused("track", clip, "-o", tmp_path / "take.parquet")
    assert "interrupted take of another source" in line
    assert left_in(tmp_path) == {"take.parquet.partial-001"}
