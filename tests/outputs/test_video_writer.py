"""Written videos: times, sound, colours and transparency are those of the source; whole or not there at all."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from bodydouble.outputs import movie
from bodydouble.outputs.alpha import bled, straight
from bodydouble.outputs.files import check_output
from bodydouble.outputs.video import VideoWriter, check_video_output
from bodydouble.types import BodyDoubleError
from made_clips import make_clip, picture, picture_times, sound_onset

SIZE = (64, 48)
VARIABLE = [Fraction(0), Fraction(1, 25), Fraction(1, 7), Fraction(3, 10), Fraction(1, 2), Fraction(9, 10)]
NO_REORDERING = {"qp": "4", "bf": "0"}


def source_times(path: Path) -> list[float]:
    times = picture_times(path)
    return [float(t - times[0]) for t in times]


def remake(source: Path, target: Path, **more: object) -> Path:
    """The source's frames written again with its sound and clock."""
    with VideoWriter(target, SIZE, source=source, **more) as writer:  # type: ignore[arg-type]
        for index, time in enumerate(source_times(source)):
            writer.write(picture(SIZE, index), time)
    return target


def length(path: Path) -> float:
    """Seconds that the pictures take."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return float(stream.duration * stream.time_base)


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov"])
def test_time_stamps_and_duration_are_the_sources(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / "a.mp4", times=VARIABLE, last=Fraction(7, 10), options=NO_REORDERING)
    out = remake(source, tmp_path / f"out{suffix}")
    assert picture_times(out) == picture_times(source)
    assert length(out) == length(source) == pytest.approx(1.6, abs=1e-4)


@pytest.mark.parametrize("name", ["a.ts", "a.mkv", "a.avi"])
def test_time_stamps_are_kept_from_other_containers(tmp_path: Path, name: str) -> None:
    times = [k / Fraction(20) for k in range(12)] if name == "a.avi" else [Fraction(3) + t for t in VARIABLE]
    tick = Fraction(1, 20 if name == "a.avi" else 90000)
    source = make_clip(tmp_path / name, times=times, tick=tick, options=NO_REORDERING)
    out = remake(source, tmp_path / "out.mp4")
    assert [float(t) for t in picture_times(out)] == pytest.approx(source_times(source), abs=1e-9)


def test_the_last_picture_lasts_as_in_matroska_though_the_sound_is_longer(tmp_path: Path) -> None:
    source = make_clip(
        tmp_path / "a.mkv", times=VARIABLE, last=0.7, sound="flac", sound_seconds=4, options=NO_REORDERING
    )
    assert length(remake(source, tmp_path / "out.mp4")) == pytest.approx(1.6, abs=2e-3)


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_matroska_rounds_times_to_its_millisecond(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / "a.mp4", times=VARIABLE)
    out = remake(source, tmp_path / f"out{suffix}")
    assert [float(t) for t in picture_times(out)] == pytest.approx(source_times(source), abs=0.0006)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001), Fraction(60), Fraction(1, 2)])
def test_a_steady_rate_is_exact(tmp_path: Path, rate: Fraction) -> None:
    with VideoWriter(tmp_path / "out.mp4", SIZE, rate=rate) as writer:
        for index in range(10):
            writer.write(picture(SIZE, index), float(index / rate))
    assert picture_times(tmp_path / "out.mp4") == [index / rate for index in range(10)]
    assert length(tmp_path / "out.mp4") == pytest.approx(float(10 / rate), abs=1e-9)


def test_without_source_and_rate_times_are_kept_to_the_mpeg_clock(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "out.mp4", SIZE) as writer:
        for index, time in enumerate(VARIABLE):
            writer.write(picture(SIZE, index), float(time))
    got = [float(t) for t in picture_times(tmp_path / "out.mp4")]
    assert got == pytest.approx([float(t) for t in VARIABLE], abs=1 / 180000)


def test_one_frame_lasts_as_long_as_in_the_source(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", times=[0], last=Fraction(5, 2))
    assert length(remake(source, tmp_path / "out.mp4")) == pytest.approx(2.5)


SOUND_CASES = [
    # source name, its codec, target suffix, codec wanted there: the same is a copy
    ("a.mp4", "aac", ".mp4", "aac"),
    ("a.ts", "aac", ".mp4", "aac"),
    ("a.mkv", "libmp3lame", ".mp4", "mp3"),
    ("a.mkv", "flac", ".mp4", "flac"),
    ("a.mkv", "pcm_s16le", ".mp4", "aac"),
    ("a.mkv", "flac", ".mov", "aac"),
    ("a.mkv", "pcm_s16le", ".mkv", "pcm_s16le"),
    ("a.mp4", "aac", ".webm", "opus"),
    ("a.mkv", "libopus", ".webm", "opus"),
    ("a.mkv", "libopus", ".mp4", "opus"),
]


@pytest.mark.parametrize("video_start, sound_start", [(0.0, 0.0), (0.0, 0.5), (2.0, 2.0), (2.0, 2.4)])
@pytest.mark.parametrize("name, codec, suffix, wanted", SOUND_CASES)
def test_sound_keeps_its_place(
    tmp_path: Path, name: str, codec: str, suffix: str, wanted: str, video_start: float, sound_start: float
) -> None:
    """To a hundredth of a second: codecs' own frames are two."""
    times = [Fraction(video_start) + Fraction(k, 20) for k in range(30)]
    source = make_clip(tmp_path / name, times=times, sound=codec, sound_start=sound_start)
    out = remake(source, tmp_path / f"out{suffix}")
    begins, ends = sound_onset(source)
    offset = float(picture_times(source)[0])
    assert sound_onset(out) == pytest.approx((begins - offset, ends - offset), abs=0.012)
    with av.open(str(out)) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == wanted


def test_copied_sound_is_the_same_to_the_byte(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", sound="aac", frames=40)
    out = remake(source, tmp_path / "out.mp4")

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    assert packets(out) == packets(source)


def test_sound_that_starts_before_the_first_picture_stays_in_step(tmp_path: Path) -> None:
    times = [Fraction(2) + Fraction(k, 20) for k in range(20)]
    source = make_clip(tmp_path / "a.ts", times=times, sound="aac", sound_start=1.0, sound_seconds=1.5)
    for suffix in (".mp4", ".mkv", ".webm"):
        out = remake(source, tmp_path / f"out{suffix}")
        assert float(picture_times(out)[0]) <= 0.003
        assert sound_onset(out) == pytest.approx((0.0, 0.5), abs=0.05)


def test_sound_ends_with_the_pictures_when_only_some_were_written(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", sound="aac", frames=100)
    with VideoWriter(tmp_path / "out.mp4", SIZE, source=source) as writer:
        for index in range(40):
            writer.write(picture(SIZE, index), index / 20)
    assert sound_onset(tmp_path / "out.mp4")[1] == pytest.approx(2.0, abs=0.05)


def test_damaged_sound_goes_on_after_the_damage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = make_clip(tmp_path / "a.mkv", frames=60, sound="flac")
    with av.open(str(source)) as container:
        packet = next(p for p in container.demux(audio=0) if p.pts * p.time_base > 1)
    data = bytearray(source.read_bytes())
    start = data.index(bytes(packet))
    data[start : start + packet.size] = bytes(packet.size)
    source.write_bytes(data)
    out = remake(source, tmp_path / "out.webm")
    assert sound_onset(out) == pytest.approx((0.0, 3.0), abs=0.05)
    assert "damaged in places" in caplog.text


def test_sound_longer_than_the_pictures_is_kept_whole(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", sound="aac", sound_seconds=3.0)
    assert sound_onset(remake(source, tmp_path / "out.mp4"))[1] == pytest.approx(3.0, abs=0.03)


def test_multichannel_sound_at_an_odd_rate_is_encoded(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=20)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=37800)
        sound.codec_context.layout = "5.1"
        for index in range(20):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture(SIZE, index), "rgb24")))
        samples = (8000 * np.sin(np.arange(37800) / 12)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(samples, 6)[None], "s16", "5.1")
        frame.sample_rate = 37800
        container.mux(sound.encode(frame))
        container.mux(video.encode(None))
    begins, ends = sound_onset(remake(path, tmp_path / "out.mp4"))
    assert (begins, ends) == pytest.approx((0.0, 1.0), abs=0.03)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_come_back(tmp_path: Path, suffix: str, channels: int) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 100, 50), (17, 230, 140)]
    path = tmp_path / f"out{suffix}"
    with VideoWriter(path, SIZE, rate=Fraction(10)) as writer:
        for index, colour in enumerate(colours):
            writer.write(np.full((48, 64, channels), (*colour, 255)[:channels], np.uint8), index / 10)
    for image, colour in zip(decoded(path), colours, strict=True):
        assert np.abs(image.astype(int) - colour).max() <= 3
    with av.open(str(path)) as container:
        context = next(container.decode(video=0))
        assert (context.colorspace, context.color_range) == (1, 1)


def test_players_are_told_bt709_and_can_start_at_once(tmp_path: Path) -> None:
    remake(make_clip(tmp_path / "a.mp4"), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 1)
        assert context.pix_fmt == "yuv420p"
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
@pytest.mark.parametrize("size", [(63, 47), (16, 16), (1, 1), (321, 200)])
def test_any_size(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    """H.264 needs even sides: the last row and column are repeated."""
    width, height = size
    with VideoWriter(tmp_path / f"out{suffix}", size, rate=Fraction(10)) as writer:
        for index in range(3):
            writer.write(np.full((height, width, 3), (200, 100, 50), np.uint8), index / 10)
    image = decoded(tmp_path / f"out{suffix}")[0]
    rows, columns = image.shape[0] - height, image.shape[1] - width
    assert (rows, columns) == ((height % 2, width % 2) if suffix == ".mp4" else (0, 0))
    assert np.abs(image.astype(int) - (200, 100, 50)).max() <= 3


def test_the_caller_may_change_its_picture_afterwards(tmp_path: Path) -> None:
    canvas = np.zeros((48, 64, 3), np.uint8)
    with VideoWriter(tmp_path / "out.mp4", SIZE, rate=Fraction(10)) as writer:
        for index in range(5):
            canvas[:] = 50 * index
            writer.write(canvas, index / 10)
    assert [round(float(image.mean()) / 50) for image in decoded(tmp_path / "out.mp4")] == [0, 1, 2, 3, 4]


def disc() -> np.ndarray:
    """A soft-edged orange disc on nothing, premultiplied, as the stage draws."""
    y, x = np.mgrid[:96, :128]
    alpha = np.clip(40 - np.hypot(x - 64, y - 48), 0, 8) / 8
    return np.dstack([np.rint(np.array((230, 120, 40)) * alpha[..., None]), np.rint(255 * alpha)]).astype(np.uint8)


def test_straight_alpha_divides_by_alpha() -> None:
    got = straight(disc())
    edge = (got[..., 3] > 30) & (got[..., 3] < 255)
    assert edge.any()
    assert np.abs(got[edge][:, :3].astype(int) - (230, 120, 40)).max() <= 5
    assert (got[..., 3] == disc()[..., 3]).all()
    assert (got[got[..., 3] == 0] == 0).all()


def test_bleeding_changes_only_what_cannot_be_seen() -> None:
    image = straight(disc())
    got = bled(image)
    seen = image[..., 3] > 0
    assert (got[seen] == image[seen]).all()
    assert (got[..., 3] == image[..., 3]).all()
    rim = cv2.dilate(seen.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & ~seen
    assert np.abs(got[rim][:, :3].astype(int) - (230, 120, 40)).max() <= 5


def test_transparent_webm_has_straight_alpha_without_a_dark_fringe(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "out.webm", (128, 96), rate=Fraction(10), transparent=True) as writer:
        for index in range(3):
            writer.write(disc(), index / 10)
    with av.open(str(tmp_path / "out.webm")) as container:
        stream = container.streams.video[0]
        assert stream.metadata["alpha_mode"] == "1"
        decoder = av.CodecContext.create("libvpx-vp9", "r")  # FFmpeg's own decoder leaves alpha out
        frame = next(f for packet in container.demux(stream) for f in decoder.decode(packet))
    got = frame.to_ndarray(format="rgba").astype(int)
    assert np.abs(got[..., 3] - disc()[..., 3]).max() <= 24
    assert (got[:10, :10, 3] <= 2).all() and (got[40:56, 56:72, 3] >= 253).all()
    seen = disc()[..., 3] > 60
    assert np.abs(got[seen][:, :3] - (230, 120, 40)).max() <= 12


@pytest.mark.parametrize("transparent", [False, True])
def test_a_folder_of_pictures(tmp_path: Path, transparent: bool) -> None:
    with VideoWriter(tmp_path / "pictures", (128, 96), transparent=transparent) as writer:
        for index in range(3):
            writer.write(disc(), index / 10)
    names = sorted(p.name for p in (tmp_path / "pictures").iterdir())
    assert names == ["frame_000000.png", "frame_000001.png", "frame_000002.png"]
    image = cv2.imread(str(tmp_path / "pictures" / names[0]), cv2.IMREAD_UNCHANGED)
    if transparent:
        assert (cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA) == straight(disc())).all()
    else:
        assert (image[..., ::-1] == disc()[..., :3]).all()


def test_one_picture(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.png", SIZE) as writer:
        writer.write(picture(SIZE), 0.0)
    assert (cv2.imread(str(tmp_path / "a.png"))[..., ::-1] == picture(SIZE)).all()
    with (
        pytest.raises(BodyDoubleError, match="holds one picture"),
        VideoWriter(tmp_path / "b.png", SIZE) as writer,
    ):
        writer.write(picture(SIZE), 0.0)
        writer.write(picture(SIZE), 0.1)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("name", ["out.mp4", "out.webm", "out.png", "pictures"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interruption_leaves_what_was_there_before(tmp_path: Path, name: str, error: type[BaseException]) -> None:
    source = make_clip(tmp_path / "a.mp4", sound="aac")
    with VideoWriter(tmp_path / name, SIZE) as writer:
        writer.write(picture(SIZE), 0.0)
    before = sorted((p, p.stat().st_size) for p in tmp_path.rglob("*"))
    with (
        pytest.raises(error),
        VideoWriter(tmp_path / name, SIZE, source=source, force=True) as writer,
    ):
        writer.write(picture(SIZE, 1), 0.0)
        raise error
    assert sorted((p, p.stat().st_size) for p in tmp_path.rglob("*")) == before


def test_a_writer_that_got_nothing_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(BodyDoubleError, match="no picture was written"), VideoWriter(tmp_path / "out.mp4", SIZE):
        pass
    assert not list(tmp_path.iterdir())


def test_closing_twice_and_writing_after(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "out.mp4", SIZE)
    writer.write(picture(SIZE), 0.0)
    writer.close()
    writer.close()
    writer.discard()
    assert (tmp_path / "out.mp4").exists()
    with pytest.raises(BodyDoubleError, match="is closed"):
        writer.write(picture(SIZE), 1.0)


@pytest.mark.parametrize("shape", [(48, 65, 3), (47, 64, 3), (48, 64), (48, 64, 2)])
def test_pictures_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(BodyDoubleError, match="wanted"), VideoWriter(tmp_path / "out.mp4", SIZE) as writer:
        writer.write(np.zeros(shape, np.uint8), 0.0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("times", [(0.0, 0.0), (0.5, 0.25), (-0.1,)])
def test_times_must_increase_from_zero(tmp_path: Path, times: tuple[float, ...]) -> None:
    with pytest.raises(BodyDoubleError, match="time"), VideoWriter(tmp_path / "out.mp4", SIZE) as writer:
        for time in times:
            writer.write(picture(SIZE), time)


def refused(path: Path, **more: bool) -> str:
    with pytest.raises(BodyDoubleError) as caught:
        check_video_output(path, **more)
    with pytest.raises(BodyDoubleError) as again:
        VideoWriter(path, SIZE, **more)  # type: ignore[arg-type]
    assert str(caught.value) == str(again.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_outputs_that_cannot_be_are_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "there.mp4").write_text("precious")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "folder.mp4" / "gran.jpg").touch()
    (tmp_path / "file").touch()
    assert "choose from .mp4" in refused(tmp_path / "a.wmv")
    assert ".mp4 has no transparency" in refused(tmp_path / "a.mp4", transparent=True)
    assert "--force" in refused(tmp_path / "there.mp4")
    assert "holds other things" in refused(tmp_path / "folder.mp4", force=True)
    assert "does not exist" in refused(tmp_path / "nowhere" / "a.mp4")
    assert "is not a folder" in refused(tmp_path / "file" / "a.mp4")
    assert "is a file" in refused(tmp_path / "file", force=True)
    assert (tmp_path / "there.mp4").read_text() == "precious"


def test_a_folder_without_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The superuser may write anywhere, so that the system is asked in its place."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(BodyDoubleError, match="no permission"):
        check_output(tmp_path / "a.mp4")


@pytest.mark.parametrize("name", ["out.mp4", "out.webm", "pictures"])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    """A limit on the size of files stands for the disk."""
    program = (
        "import resource, signal, sys; import numpy as np\n"
        "from fractions import Fraction\n"
        "from bodydouble.outputs.video import VideoWriter\n"
        "from bodydouble.types import BodyDoubleError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))\n"
        "noise = np.random.default_rng(0)\n"
        "try:\n"
        "    with VideoWriter(sys.argv[1], (320, 240), rate=Fraction(10)) as writer:\n"
        "        for k in range(40): writer.write(noise.integers(0, 255, (240, 320, 3), np.uint8), k / 10)\n"
        "except BodyDoubleError as error:\n"
        "    print(error); sys.exit(2)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / name)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "no space left" in done.stdout
    assert done.stdout.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_another_encoder_is_used_where_there_is_no_x264(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other H.264 encoder is at hand everywhere; VP9 stands for it."""
    monkeypatch.setattr(movie, "H264_ENCODERS", ("libnothing", "libvpx-vp9"))
    remake(make_clip(tmp_path / "a.mp4"), tmp_path / "out.mp4")
    assert len(decoded(tmp_path / "out.mp4")) == 20
    monkeypatch.setattr(movie, "H264_ENCODERS", ("libnothing",))
    with pytest.raises(BodyDoubleError, match=r"no H\.264 encoder"):
        remake(make_clip(tmp_path / "a.mp4"), tmp_path / "other.mp4")
    assert not (tmp_path / "other.mp4").exists()


def test_a_source_that_has_gone_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(BodyDoubleError, match=r"a\.mp4"):
        VideoWriter(tmp_path / "out.mp4", SIZE, source=tmp_path / "a.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
