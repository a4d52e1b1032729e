"""Video sources: times, orientation, shape, colour and damage, on clips made here."""

from __future__ import annotations

import socket
import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace

from bodydouble.sources import SourceWarning, open_source
from bodydouble.types import BodyDoubleError, Frame, SourceInfo
from made_clips import QUADRANTS, make_clip, picture

VARIABLE = [Fraction(0), Fraction(1, 25), Fraction(1, 7), Fraction(3, 10), Fraction(1, 2), Fraction(9, 10)]
WHITE = (240, 240, 240)


def read(path: Path) -> tuple[SourceInfo, list[Frame]]:
    with open_source(path) as source:
        return source.info, list(source)


def corners(image: np.ndarray) -> list[tuple[int, ...]]:
    """Colours a quarter in from each corner: top left, top right, bottom left, bottom right."""
    height, width = image.shape[:2]
    places = [(height // 4, width // 4), (height // 4, 3 * width // 4)]
    places += [(3 * height // 4, width // 4), (3 * height // 4, 3 * width // 4)]
    return [tuple(int(v) for v in image[place]) for place in places]


def is_near(got: list[tuple[int, ...]], want: list[tuple[int, ...]], levels: int = 4) -> bool:
    return bool(np.abs(np.array(got) - np.array(want)).max() <= levels)


UNTURNED = [QUADRANTS["top_left"], QUADRANTS["top_right"], QUADRANTS["bottom_left"], WHITE]


def test_frames_are_upright_rgb_with_times_from_zero(tmp_path: Path) -> None:
    info, frames = read(make_clip(tmp_path / "a.mp4", frames=20, rate=20))
    assert info == SourceInfo("a.mp4", (64, 48), Fraction(20), 1.0, 20)
    assert [f.index for f in frames] == list(range(20))
    assert [f.time for f in frames] == [k / 20 for k in range(20)]
    assert all(f.image.dtype == np.uint8 and f.image.shape == (48, 64, 3) for f in frames)
    assert all(f.image.flags.c_contiguous for f in frames)
    assert is_near(corners(frames[0].image), UNTURNED)


def test_frames_come_in_order_and_only_once(tmp_path: Path) -> None:
    _, frames = read(make_clip(tmp_path / "a.mp4", frames=30))
    where = [int(np.abs(f.image[0].astype(int) - 128).sum(axis=1).argmin()) for f in frames]
    assert [column // 2 for column in where] == list(range(30))


def test_variable_frame_rate_is_kept_to_the_tick(tmp_path: Path) -> None:
    _, frames = read(make_clip(tmp_path / "a.mp4", times=VARIABLE))
    ticks = [round(t * 90000) for t in VARIABLE]
    assert [f.time for f in frames] == [tick / 90000 for tick in ticks]


def test_times_start_at_zero_where_the_file_does_not(tmp_path: Path) -> None:
    _, frames = read(make_clip(tmp_path / "a.ts", times=[Fraction(5) + t for t in VARIABLE]))
    assert frames[0].time == 0
    assert frames[-1].time == pytest.approx(0.9, abs=1e-4)
    info, frames = read(make_clip(tmp_path / "a.mkv", times=[Fraction(5) + t for t in VARIABLE]))
    assert frames[0].time == 0
    assert info.duration == pytest.approx(0.95, abs=2e-3)


def test_times_go_on_where_the_files_start_again(tmp_path: Path) -> None:
    """Two broadcasts, one behind the other."""
    one = make_clip(tmp_path / "a.ts", frames=20, options={"qp": "4", "bf": "0"}).read_bytes()
    (tmp_path / "b.ts").write_bytes(one + one)
    with pytest.warns(SourceWarning, match="40 frames could be read, some may be missing"):
        _, frames = read(tmp_path / "b.ts")
    times = np.array([f.time for f in frames])
    assert len(times) == 40
    assert (np.diff(times) > 0).all()
    assert times[-1] < 3


@pytest.mark.parametrize("name, codec", [("raw.h264", "libx264"), ("old.avi", "mpeg4"), ("odd.avi", "libx264")])
def test_files_without_time_stamps_count_by_their_rate(tmp_path: Path, name: str, codec: str) -> None:
    """Raw streams have no times at all; AVI gives those of decoding only."""
    _, frames = read(make_clip(tmp_path / name, codec=codec, frames=10, rate=25, tick=Fraction(1, 25)))
    steps = np.diff([f.time for f in frames])
    assert len(frames) == 10
    assert steps == pytest.approx(np.full(9, 1 / 25), abs=1e-9)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_phone_videos_stand_upright(tmp_path: Path, turn: int, mirrored: bool) -> None:
    info, frames = read(make_clip(tmp_path / "phone.mov", turn=turn, mirrored=mirrored, frames=3))
    want = np.rot90(picture((64, 48)), -turn // 90)
    want = want[:, ::-1] if mirrored else want
    assert frames[0].image.shape == want.shape
    assert is_near(corners(frames[0].image), corners(want))
    assert info.size == frames[0].size
    assert info.rotation == turn


@pytest.mark.parametrize(
    "aspect, size", [(Fraction(2), (128, 48)), (Fraction(1, 2), (64, 96)), (Fraction(50), (64, 48))]
)
def test_pixels_become_square(tmp_path: Path, aspect: Fraction, size: tuple[int, int]) -> None:
    """An absurd ratio is a fault of the file and left alone."""
    info, frames = read(make_clip(tmp_path / "a.mp4", aspect=aspect, frames=3))
    assert info.size == size == frames[0].size
    assert is_near(corners(frames[0].image), UNTURNED)


@pytest.mark.parametrize(
    "pixels, codec", [("yuv444p", "libx264"), ("yuv420p10le", "libx265"), ("yuv422p10le", "prores_ks")]
)
def test_deeper_and_finer_pixels(tmp_path: Path, pixels: str, codec: str) -> None:
    _, frames = read(make_clip(tmp_path / "a.mov", codec=codec, pixels=pixels, frames=3))
    assert is_near(corners(frames[0].image), UNTURNED, 6)


@pytest.mark.parametrize("matrix", [Colorspace.ITU601, Colorspace.ITU709])
@pytest.mark.parametrize("full_range", [False, True])
def test_colour_matrix_and_range_are_respected(tmp_path: Path, matrix: Colorspace, full_range: bool) -> None:
    _, frames = read(make_clip(tmp_path / "a.mp4", matrix=matrix, full_range=full_range, frames=3))
    assert is_near(corners(frames[0].image), UNTURNED)


@pytest.mark.parametrize("size, matrix", [((64, 48), Colorspace.ITU601), ((1280, 720), Colorspace.ITU709)])
def test_untagged_colours_are_guessed_by_size(tmp_path: Path, size: tuple[int, int], matrix: Colorspace) -> None:
    _, frames = read(make_clip(tmp_path / "a.mp4", size=size, matrix=matrix, tagged=False, frames=2))
    assert is_near(corners(frames[0].image), UNTURNED)


def test_odd_sizes(tmp_path: Path) -> None:
    info, frames = read(make_clip(tmp_path / "a.mkv", size=(63, 47), codec="ffv1", pixels="yuv444p", frames=3))
    assert info.size == (63, 47) == frames[0].size


def test_interlaced_video_gives_whole_frames(tmp_path: Path) -> None:
    options = {"flags": "+ildct+ilme"}
    _, frames = read(
        make_clip(tmp_path / "a.ts", codec="mpeg2video", options=options, rate=25, tick=Fraction(1, 25), frames=6)
    )
    assert len(frames) == 6
    assert frames[0].size == (64, 48)


def test_transparent_video_lies_on_white(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("qtrle", rate=10)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "argb"
        pixels = np.zeros((16, 16, 4), np.uint8)
        pixels[:8] = (255, 200, 30, 30)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "argb")))
        container.mux(stream.encode(None))
    _, frames = read(path)
    assert tuple(frames[0].image[2, 2]) == (200, 30, 30)
    assert tuple(frames[0].image[12, 2]) == (255, 255, 255)


def test_transparent_gif_lies_on_white(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:8] = (200, 30, 30, 255)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "pal8"
        graph = av.filter.Graph()
        source = graph.add_buffer(width=16, height=16, format=av.VideoFormat("bgra"), time_base=Fraction(1, 10))
        split, make, use = graph.add("split"), graph.add("palettegen", "reserve_transparent=1"), graph.add("paletteuse")
        sink = graph.add("buffersink")
        source.link_to(split)
        split.link_to(make, 0)
        split.link_to(use, 1, 0)
        make.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[..., [2, 1, 0, 3]]), "bgra")
        frame.pts, frame.time_base = 0, Fraction(1, 10)
        source.push(frame)
        source.push(None)
        container.mux(stream.encode(sink.pull()))
        container.mux(stream.encode(None))
    _, frames = read(path)
    assert np.abs(frames[0].image[2, 2].astype(int) - (200, 30, 30)).max() <= 4
    assert tuple(frames[0].image[12, 2]) == (255, 255, 255)


def test_sound_is_reported(tmp_path: Path) -> None:
    info, _ = read(make_clip(tmp_path / "a.mp4", sound="aac"))
    assert info.has_audio


def test_a_source_can_be_read_again_from_the_start(tmp_path: Path) -> None:
    with open_source(make_clip(tmp_path / "a.mp4", frames=5)) as source:
        half = iter(source)
        next(half)
        again = [frame.time for frame in source]
        assert again == [frame.time for frame in source]
    assert len(again) == 5
    with pytest.raises(BodyDoubleError, match=r"a\.mp4 is closed"):
        iter(source)


def test_one_frame_clip(tmp_path: Path) -> None:
    info, frames = read(make_clip(tmp_path / "a.mp4", frames=1))
    assert (info.frames, len(frames), frames[0].time) == (1, 1, 0.0)


def fails(path: Path) -> str:
    with pytest.raises(BodyDoubleError) as caught, open_source(path) as source:
        list(source)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_missing_file(tmp_path: Path) -> None:
    assert "no file or folder" in fails(tmp_path / "nothing.mp4")


@pytest.mark.parametrize("name", ["notes.mp4", "notes.txt", "notes.mkv", "list.mp4"])
def test_text_is_no_video(tmp_path: Path, name: str) -> None:
    """A playlist would make FFmpeg open the files that it names, or the network."""
    path = tmp_path / name
    playlist = f"#EXTM3U\n#EXTINF:1,\nfile:{make_clip(tmp_path / 'other.ts')}\n" if name == "list.mp4" else ""
    path.write_text(playlist or "dear diary, today I danced\n" * 40)
    assert "as a video" in fails(path)


def test_no_file_makes_us_open_the_network(tmp_path: Path) -> None:
    path = tmp_path / "list.m3u8"
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n")
        assert "list.m3u8" in fails(path)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    assert "is empty" in fails(tmp_path / "a.mp4")


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100)
        stream.codec_context.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "holds only sound" in fails(path)


def test_video_cut_before_its_index_is_an_error(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "as a video" in fails(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_video_cut_in_its_pictures_gives_what_is_left_and_a_warning(tmp_path: Path, name: str) -> None:
    options = {"movflags": "+faststart"} if name == "a.mp4" else {}
    path = make_clip(tmp_path / name, frames=60, size=(320, 240), container_options=options)
    _, whole = read(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    with pytest.warns(SourceWarning, match="could be read"):
        _, frames = read(path)
    assert 10 < len(frames) < len(whole) == 60
    wanted = {frame.time: frame.image for frame in whole}
    assert all(np.array_equal(frame.image, wanted[frame.time]) for frame in frames)


def test_video_cut_between_two_pictures_is_noticed(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=60, container_options={"movflags": "+faststart"})
    with av.open(str(path)) as container:
        ends = sorted(packet.pos + packet.size for packet in container.demux(video=0) if packet.size)
    path.write_bytes(path.read_bytes()[: ends[30]])
    with pytest.warns(SourceWarning, match="ends before it should"):
        _, frames = read(path)
    assert 25 < len(frames) <= 31


def test_a_broadcast_may_be_cut_anywhere(tmp_path: Path) -> None:
    """Transport streams do not say how long they are."""
    path = make_clip(tmp_path / "a.ts", frames=60, size=(320, 240))
    _, whole = read(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    _, frames = read(path)
    assert 10 < len(frames) < 60
    assert np.array_equal(frames[10].image, whole[10].image)


def test_damage_in_the_middle_costs_only_what_it_hits(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=60, size=(320, 240), options={"qp": "4", "g": "10"})
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)
    with pytest.warns(SourceWarning, match="damaged"):
        _, frames = read(path)
    assert 40 <= len(frames) < 60
    assert frames[-1].time == 59 / 20


def test_pictures_that_came_in_part_are_left_out(tmp_path: Path) -> None:
    """A wrong picture would give a wrong pose."""
    path = make_clip(
        tmp_path / "a.ts", codec="mpeg2video", rate=25, tick=Fraction(1, 25), frames=60, options={"g": "20"}
    )
    data = bytearray(path.read_bytes())
    for place in (0.3, 0.5, 0.7):
        start = int(len(data) * place)
        data[start : start + 20] = bytes(range(40, 60))
    path.write_bytes(data)
    with av.open(str(path)) as container:
        decoded = list(container.decode(video=0))
    broken = sum(frame.is_corrupt for frame in decoded)
    assert broken > 0
    with pytest.warns(SourceWarning, match="damaged"):
        _, frames = read(path)
    assert len(frames) == len(decoded) - broken


def test_whole_files_give_no_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("a.mp4", "a.mkv", "a.ts", "a.avi"):
            read(make_clip(tmp_path / name, sound="aac" if name != "a.avi" else "", tick=Fraction(1, 20)))


def test_no_picture_that_can_be_decoded(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=5, container_options={"movflags": "+faststart"})
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start:] = bytes(len(data) - start)
    path.write_bytes(data)
    assert "no picture that can be decoded" in fails(path)
