"""The sound of a source, carried into the video made from it.

Packets are copied untouched where the new file's format can hold them, else decoded and encoded again. Times are the
source's less those of its first picture, so that sound and picture stay as they were against each other.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from bodydouble.types import BodyDoubleError

_log = logging.getLogger(__name__)

# Codecs that players accept in each kind of file, beyond what the format could hold in theory.
_MP4 = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"})
COPIED: dict[str, frozenset[str]] = {
    "mp4": _MP4,
    "mov": _MP4 - {"opus", "flac"} | {"pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_s24be"},
    "matroska": _MP4 | {"vorbis", "dts", "pcm_s16le", "pcm_s24le"},
    "webm": frozenset({"opus", "vorbis"}),
}
ENCODER = {"mp4": "aac", "mov": "aac", "matroska": "aac", "webm": "libopus"}
_OPUS_RATE = 48000  # Opus knows this rate and a few lower ones only (RFC 6716)
_AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000})
_BITS_A_CHANNEL = 96_000  # a second; both AAC-LC and Opus are transparent for most ears here
# Copied sound that begins before the first picture is left out, save for the decoder's run-in (AAC: 2048 samples) in
# files whose edit lists can hide it; in others it would delay the pictures.
_HIDDEN_RUN_IN = {"mp4": Fraction(1, 10), "mov": Fraction(1, 10), "matroska": Fraction(0), "webm": Fraction(0)}
# Seconds that time stamps may jump without it being a gap: containers round them, to a millisecond and more.
_GAP = Fraction(1, 50)
_MILLISECOND = Fraction(1, 1000)  # Matroska's clock


class SourceAudio:
    """One audio stream of `source`, muxed into `output` bit by bit.

    output: the open container, before its header is written. kind: its format's name. start: seconds of the source's
    first picture in the source's own time.
    """

    def __init__(self, source: Path, output: Any, kind: str, start: Fraction) -> None:
        self._name = source.name
        self._start = start
        self._output = output
        self._input = _opened(source)
        stream = self._input.streams.best("audio")
        self._in = stream
        self._run_in = _HIDDEN_RUN_IN[kind] or _opus_run_in(stream)
        self._copied = stream.codec_context.codec.canonical_name in COPIED[kind]
        try:
            self._out = output.add_stream_from_template(stream) if self._copied else self._encoder(kind)
        except (av.FFmpegError, ValueError) as error:
            self._input.close()
            raise BodyDoubleError(
                f"cannot carry over the sound of {source.name} ({error}); leave the sound out"
            ) from error
        self._packets = self._read()
        self._next: Any = None
        self._damaged = False

    def until(self, seconds: Fraction | None) -> None:
        """Mux all sound that begins before `seconds` after the first picture; None: all that is left."""
        while True:
            if self._next is None:
                self._next = next(self._packets, None)
            packet = self._next
            if packet is None:
                return
            if seconds is not None and packet.pts is not None and packet.pts * packet.time_base >= seconds:
                return
            self._next = None
            self._output.mux(packet)

    def close(self) -> None:
        """Let go of the source."""
        self._packets.close()
        self._input.close()

    def _encoder(self, kind: str) -> Any:
        rate = self._in.codec_context.sample_rate
        if ENCODER[kind] == "libopus":
            rate = _OPUS_RATE
        elif rate not in _AAC_RATES:
            rate = 44100 if rate % 11025 == 0 else 48000
        stream = self._output.add_stream(ENCODER[kind], rate=rate)
        channels = min(2, self._in.codec_context.channels)
        stream.codec_context.layout = "mono" if channels == 1 else "stereo"
        stream.codec_context.bit_rate = _BITS_A_CHANNEL * channels
        return stream

    def _read(self) -> Generator[Any, None, None]:
        """Packets for the output with times from the first picture; damage ends the sound with a line in the log."""
        try:
            yield from self._copies() if self._copied else self._encoded()
        except (av.FFmpegError, OSError) as error:
            _log.warning("the sound of %s is damaged (%s); it ends early", self._name, error)

    def _decoded(self, packet: Any) -> list[Any]:
        """A packet's sound; one that is damaged leaves silence."""
        try:
            return list(packet.decode())
        except av.FFmpegError as error:
            if not self._damaged:
                _log.warning("the sound of %s is damaged in places (%s)", self._name, error)
            self._damaged = True
            return []

    def _copies(self) -> Iterator[Any]:
        time_base = self._in.time_base
        shift = round(self._start / time_base)
        last = None
        for packet in self._input.demux(self._in):
            if packet.size == 0 or packet.pts is None:
                continue
            packet.pts -= shift
            if packet.pts * time_base < -self._run_in:
                continue
            packet.dts = packet.pts
            if last is not None and packet.pts <= last:  # muxers refuse time that stands still
                continue
            last = packet.pts
            packet.stream = self._out
            yield packet

    def _encoded(self) -> Iterator[Any]:
        resampler = av.AudioResampler(
            format=self._out.codec_context.format, layout=self._out.codec_context.layout, rate=self._out.rate
        )
        for frame in self._unbroken():
            for even in resampler.resample(frame):
                yield from self._out.encode(even)
        for even in resampler.resample(None):
            yield from self._out.encode(even)
        yield from self._out.encode(None)

    def _unbroken(self) -> Iterator[Any]:
        """Decoded sound from time 0 on, sample after sample: gaps become silence, what overlaps is left out."""
        end: int | None = None  # in samples
        for packet in self._input.demux(self._in):
            for frame in self._decoded(packet):
                if frame.pts is None:
                    continue
                rate = frame.sample_rate
                kept, begins = _from_zero(frame, round((frame.pts * frame.time_base - self._start) * rate))
                jump = 0 if end is None else begins - end
                if kept is None or jump < -_GAP * rate:
                    continue
                if end is not None and jump > _GAP * rate:
                    yield from _silence(kept, end, begins)
                elif end is not None:
                    begins = end
                kept.time_base, kept.pts = Fraction(1, rate), begins
                end = begins + kept.samples
                yield kept


def _from_zero(frame: Any, begins: int) -> tuple[Any, int]:
    """The part of a sound frame from sample 0 on, None if it has none, and the sample at which that begins."""
    if begins >= 0:
        return frame, begins
    if -begins >= frame.samples:
        return None, begins
    return _like(frame, frame.to_ndarray()[:, -begins * _channels_a_row(frame) :]), 0


def _silence(like: Any, begins: int, ends: int) -> Iterator[Any]:
    """Silent frames of the same kind between two samples, of a second at most."""
    model = like.to_ndarray()
    level = 128 if model.dtype == np.uint8 else 0  # the middle of unsigned samples
    for start in range(begins, ends, like.sample_rate):
        count = min(like.sample_rate, ends - start)
        frame = _like(like, np.full((model.shape[0], count * _channels_a_row(like)), level, model.dtype))
        frame.time_base, frame.pts = Fraction(1, like.sample_rate), start
        yield frame


def _like(frame: Any, samples: Any) -> Any:
    """Samples as a frame of the same kind."""
    made = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), frame.format.name, frame.layout.name)
    made.sample_rate = frame.sample_rate
    return made


def _channels_a_row(frame: Any) -> int:
    """How many channels share a row of the frame's array."""
    return 1 if frame.format.is_planar else len(frame.layout.channels)


def _opus_run_in(stream: Any) -> Fraction:
    """How much of an Opus stream's start players leave out; Matroska writes it down (RFC 7845, 5.1: pre-skip)."""
    head = stream.codec_context.extradata or b""
    if not head.startswith(b"OpusHead") or len(head) < 12:
        return Fraction(0)
    return Fraction(int.from_bytes(head[10:12], "little"), _OPUS_RATE) + _MILLISECOND


def _opened(source: Path) -> Any:
    try:
        return av.open(f"file:{source}", metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise BodyDoubleError(f"cannot read the sound of {source} ({error}); is the file still there?") from error
