"""Encoding pictures and the source's sound into one video file.

Time stamps are kept to the source's own clock ticks; every picture lasts until the next, the last as long as it does in
the source. Colours are sRGB in, BT.709 limited range out.
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from bodydouble.outputs.alpha import bled, straight
from bodydouble.outputs.audio import SourceAudio
from bodydouble.outputs.timing import Timing, timing
from bodydouble.types import BodyDoubleError, Image

# Container by suffix, as FFmpeg calls it.
KINDS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
H264_ENCODERS = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf")
_X264_QUALITY = "20"  # constant rate factor; 18 to 23 look clean to most eyes (x264 documentation)
_VP9_QUALITY = "24"
# For encoders without a constant quality mode: bits a pixel and frame that keep drawn characters clean.
_BITS_A_PIXEL = 0.12
_BT709 = 1  # the same number for matrix, primaries and transfer (ITU-T H.273)
_CLOCK = Fraction(1, 90000)  # the MPEG clock; whole ticks for 24, 25, 30, 50 and 60 frames a second
_LEAST_TICKS = 10000  # a second, so that times between the frames of a steady rate keep their place
_FINEST = 1_000_000  # ticks a second; beyond this MP4's 32-bit durations are short
_UNKNOWN_RATE = Fraction(30)


class Movie:
    """One video file being encoded.

    path: where to write now. kind: a value of KINDS. size: width, height of every picture. rate: frames a second of a
    steady rate, None to keep the source's times. source: the file that gives sound and clock. transparent: VP9 with
    alpha. threads: for the encoder, 0 for as many as there are cores. preset: x264's speed.
    """

    def __init__(
        self,
        path: Path,
        kind: str,
        size: tuple[int, int],
        *,
        rate: Fraction | None,
        source: Path | None,
        transparent: bool,
        threads: int,
        preset: str,
    ) -> None:
        self._size = size
        self._rate = rate
        self._transparent = transparent
        self._timing = timing(source) if source is not None else None
        self._tick = _tick(rate, self._timing)
        self._held: tuple[Any, int] | None = None
        self._longest = 0
        self._latest = 0
        self._durations: dict[int, int] = {}
        self._written = 0
        self._reformatter = VideoReformatter()
        options = {"movflags": "+faststart"} if kind in ("mp4", "mov") else {}
        self._container = av.open(f"file:{path}", "w", format=kind, container_options=options)
        self._audio: SourceAudio | None = None
        try:
            self._stream = self._video_stream(kind, threads, preset)
            if source is not None and self._timing is not None and self._timing.has_audio:
                self._audio = SourceAudio(source, self._container, kind, self._timing.start)
            self._container.start_encoding()
        except (av.FFmpegError, ValueError) as error:
            self.abort()
            width, height = size
            raise BodyDoubleError(f"cannot encode {width}x{height} pictures ({error}); choose another size") from error
        except BaseException:
            self.abort()
            raise

    def write(self, image: Image, time: float) -> None:
        """Encode one (H, W, 3 or 4) picture, shown from `time` seconds on; times increase."""
        pts = round(time / self._tick)
        if pts < 0:
            raise BodyDoubleError(f"a picture at {time} s; times count from the first picture, at 0")
        if self._held is not None:
            before = self._held[1]
            if pts <= before:
                last = float(before * self._tick)
                raise BodyDoubleError(f"a picture at {time} s follows one at {last} s; times must increase")
            self._encode(pts - before)
        self._held = (self._converted(image), pts)

    def finish(self) -> None:
        """Encode what is held, carry over the rest of the sound and complete the file."""
        if self._held is not None:
            last = self._held[1]
            duration, complete = self._last_duration(last)
            self._encode(duration)
            self._mux(self._stream.encode(None))
            if self._audio is not None:
                self._audio.until(None if complete else (last + duration) * self._tick)
        if self._audio is not None:
            self._audio.close()
        self._container.close()

    def abort(self) -> None:
        """Let go of the files; what was written is of no use."""
        if self._audio is not None:
            self._audio.close()
        with suppress(av.FFmpegError, OSError, ValueError):  # the disk may be full, the header may be missing
            self._container.close()

    def _video_stream(self, kind: str, threads: int, preset: str) -> Any:
        rate = self._rate or (self._timing.rate if self._timing else None) or _UNKNOWN_RATE
        width, height = self._size
        if kind == "webm":
            name, options = "libvpx-vp9", _vp9_options()
            pixels = "yuva420p" if self._transparent else "yuv420p"
        else:
            name, pixels = h264_encoder(), "yuv420p"
            width, height = width + width % 2, height + height % 2  # colour has half the resolution
            options = {"preset": preset, "crf": _X264_QUALITY, "bf": "0"} if name == "libx264" else {}
        stream = self._container.add_stream(name, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        context = stream.codec_context
        context.time_base = self._tick
        context.thread_count = threads
        context.color_range = int(ColorRange.MPEG)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        if not options:
            context.bit_rate = int(_BITS_A_PIXEL * width * height * rate)
        return stream

    def _converted(self, image: Image) -> Any:
        """The picture in the encoder's own pixels; the caller may change its image afterwards."""
        pixels = "rgb24"
        if self._transparent:
            if image.shape[2] == 3:
                image = np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2RGBA), dtype=np.uint8)
            image = bled(straight(image))
        if image.shape[2] == 4:
            pixels = "rgba"
        stream = self._stream
        spare_rows, spare_columns = stream.height - image.shape[0], stream.width - image.shape[1]
        if spare_rows or spare_columns:  # an odd size, made even by repeating the edge
            edge = cv2.copyMakeBorder(image, 0, spare_rows, 0, spare_columns, cv2.BORDER_REPLICATE)
            image = np.asarray(edge, dtype=np.uint8)
        return self._reformatter.reformat(
            av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(image), pixels),
            format=stream.pix_fmt,
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=2,  # measured at 720p: 2.1 ms against 4.5 on one thread, no better on more
        )

    def _encode(self, duration: int) -> None:
        """Send the held picture, which lasts `duration` ticks, and the sound up to it."""
        if self._held is None:
            return
        frame, pts = self._held
        frame.pts, frame.time_base = pts, self._tick
        self._durations[pts] = duration
        self._longest, self._latest = max(self._longest, duration), duration
        self._written += 1
        self._mux(self._stream.encode(frame))
        self._held = None
        if self._audio is not None:
            self._audio.until(pts * self._tick)

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, packet.duration or 0)
            self._container.mux(packet)

    def _last_duration(self, last: int) -> tuple[int, bool]:
        """Ticks that the last picture is shown, and whether it is the source's last too."""
        usual = round(1 / self._rate / self._tick) if self._rate else self._latest
        known = self._timing
        if known is None or not known.end:
            rate = known.rate if known and known.rate else _UNKNOWN_RATE
            return max(1, usual or round(1 / rate / self._tick)), True
        left = round((known.end - known.start) / self._tick) - last
        whole = left <= 2 * max(self._longest, usual) or self._written + 1 >= known.frames > 0
        if whole and not self._rate and left > 0:
            return left, True
        return max(1, usual or left), whole


def h264_encoder() -> str:
    """The best H.264 encoder that this build of FFmpeg has. Raises BodyDoubleError when it has none."""
    for name in H264_ENCODERS:
        try:
            av.Codec(name, "w")
        except (av.FFmpegError, ValueError):
            continue
        return name
    raise BodyDoubleError("this PyAV has no H.264 encoder; install PyAV from its own wheels, or write .webm")


def _vp9_options() -> dict[str, str]:
    """Quality by constant rate factor, speed as for live video; alternate reference frames cannot carry alpha."""
    return {
        "crf": _VP9_QUALITY,
        "b": "0",
        "deadline": "realtime",
        "cpu-used": "6",
        "row-mt": "1",
        "auto-alt-ref": "0",
    }


def _tick(rate: Fraction | None, known: Timing | None) -> Fraction:
    """The clock to count times in: the source's own, or one in which every frame of a steady rate falls on a tick."""
    if rate is not None:
        if rate <= 0:
            raise BodyDoubleError(f"rate {rate} is not above 0; give frames a second, for example 30")
        return 1 / (rate * -(-_LEAST_TICKS // max(1, int(rate))))
    if known is None or known.tick <= 0 or known.tick.denominator > _FINEST:
        return _CLOCK
    return known.tick
