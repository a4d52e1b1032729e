"""Small videos made for tests: known colours, known times, known sound.

A picture is four quadrants, red green / blue white, with a grey bar whose place tells the frame's number.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace

QUADRANTS = {"top_left": (220, 30, 30), "top_right": (30, 200, 30), "bottom_left": (30, 30, 220)}
TONE = 440.0
SOUND_RATE = 44100


def picture(size: tuple[int, int], index: int = 0) -> npt.NDArray[np.uint8]:
    """(H, W, 3) RGB."""
    width, height = size
    image = np.full((height, width, 3), 240, np.uint8)
    image[: height // 2, : width // 2] = QUADRANTS["top_left"]
    image[: height // 2, width // 2 :] = QUADRANTS["top_right"]
    image[height // 2 :, : width // 2] = QUADRANTS["bottom_left"]
    image[:2, 2 * index % width : 2 * index % width + 2] = 128
    return image


def make_clip(
    path: Path,
    *,
    size: tuple[int, int] = (64, 48),
    times: Sequence[Fraction | float] | None = None,
    frames: int = 20,
    rate: int = 20,
    tick: Fraction = Fraction(1, 90000),
    last: Fraction | float | None = None,
    turn: int = 0,
    mirrored: bool = False,
    sound: str = "",
    sound_start: float = 0.0,
    sound_seconds: float | None = None,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    aspect: Fraction | None = None,
    matrix: Colorspace = Colorspace.ITU709,
    full_range: bool = False,
    tagged: bool = True,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a clip of `picture`s. times: seconds of each frame, otherwise `frames` at `rate`. sound: codec of a tone.

    turn: degrees clockwise that a player must turn the picture by (MP4 and MOV); mirrored: left to right, after that.
    """
    moments = [Fraction(k, rate) for k in range(frames)] if times is None else [Fraction(t) for t in times]
    ends = [*moments[1:], moments[-1] + (Fraction(1, rate) if last is None else Fraction(last))]
    settings = {"qp": "4"} if codec == "libx264" and options is None else (options or {})
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=settings)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        context = stream.codec_context
        context.time_base = tick
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        drawn_range = ColorRange.JPEG if full_range else ColorRange.MPEG
        if tagged:
            context.color_range = int(drawn_range)
            context.colorspace = 1 if matrix == Colorspace.ITU709 else 6
        noise = container.add_stream(sound, rate=48000 if sound == "libopus" else SOUND_RATE) if sound else None
        if noise is not None:
            noise.codec_context.layout = "mono"
        durations = {}
        for index, (start, end) in enumerate(zip(moments, ends, strict=True)):
            frame = av.VideoFrame.from_ndarray(picture(size, index), "rgb24").reformat(
                format=pixels, dst_colorspace=matrix, dst_color_range=drawn_range, src_color_range=ColorRange.JPEG
            )
            frame.pts, frame.time_base = round(start / tick), tick
            durations[frame.pts] = round((end - start) / tick)
            for packet in stream.encode(frame):
                packet.duration = durations[packet.pts]
                container.mux(packet)
        for packet in stream.encode(None):
            packet.duration = durations[packet.pts]
            container.mux(packet)
        if noise is not None:
            length = float(ends[-1] - moments[0]) if sound_seconds is None else sound_seconds
            _add_tone(container, noise, sound_start, length)
    if turn or mirrored:
        _turn(path, turn, mirrored)
    return path


def _turn(path: Path, turn: int, mirrored: bool) -> None:
    """Write a display matrix into the first track's header (ISO/IEC 14496-12, 8.3.2), as phones do."""
    a, b, c, d = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[turn]
    if mirrored:
        a, c = -a, -c
    data, one = bytearray(path.read_bytes()), 1 << 16
    place = data.index(b"tkhd") + 4 + 40
    assert struct.unpack_from(">9i", data, place) == (one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    struct.pack_into(">9i", data, place, a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def _add_tone(container: av.container.OutputContainer, stream: av.AudioStream, start: float, length: float) -> None:
    rate = stream.codec_context.sample_rate
    for begin in range(0, int(length * rate), 1024):
        count = min(1024, int(length * rate) - begin)
        wave = 0.4 * np.sin(2 * np.pi * TONE * (begin + np.arange(count)) / rate)
        frame = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = begin + round(start * rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def picture_times(path: Path) -> list[Fraction]:
    """Seconds of every picture in the file's own time, as a player gets them."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [frame.pts * stream.time_base for frame in container.decode(stream)]


def sound_onset(path: Path) -> tuple[float, float]:
    """Seconds, in the file's own time, at which the tone starts and ends."""
    with av.open(str(path)) as container:
        pieces, start, rate = [], None, 1
        for frame in container.decode(audio=0):
            rate = frame.sample_rate
            start = float(frame.pts * frame.time_base) if start is None else start
            samples = frame.to_ndarray().astype(np.float64)
            pieces.append(samples[0] if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels)[:, 0])
    wave = np.concatenate(pieces)
    loud = np.flatnonzero(np.abs(wave) > np.abs(wave).max() / 4)
    return start + loud[0] / rate, start + loud[-1] / rate
