"""When a source's pictures are shown: what a film of it needs to keep its sound and times. Seconds as fractions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from bodydouble.types import BodyDoubleError


@dataclass(frozen=True)
class Timing:
    """A source's picture times, seconds in its own time: the first picture's, and the end of the last one's.

    end and rate are 0 when unknown; frames as the file says, 0 if it does not.
    """

    start: Fraction
    end: Fraction
    tick: Fraction
    rate: Fraction
    frames: int
    has_audio: bool


def timing(source: Path) -> Timing | None:
    """The timing of a video file, None for images, folders and what holds no pictures."""
    if not source.is_file():
        return None
    try:
        with av.open(f"file:{source}") as container:
            stream = container.streams.best("video")
            if stream is None or stream.codec_context is None or stream.time_base is None:
                return None
            frames = (f for f in container.decode(stream) if f.pts is not None and not f.is_corrupt)
            first = next(frames, None)
            start = Fraction(0) if first is None else first.pts * stream.time_base
            audio = container.streams.best("audio")
            return Timing(
                start=start,
                end=_end(container, stream),
                tick=stream.time_base,
                rate=stream.average_rate or Fraction(0),
                frames=stream.frames,
                has_audio=audio is not None and audio.codec_context is not None,
            )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise BodyDoubleError(f"cannot read the sound and times of {source} ({error}); is it still there?") from error


def _end(container: Any, stream: Any) -> Fraction:
    """When the last picture ends, in the source's own time, 0 if the file does not say."""
    tag = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))  # Matroska, by its muxers
    if tag:
        return int(tag[1]) * 3600 + int(tag[2]) * 60 + Fraction(tag[3])
    if stream.duration:
        return Fraction(((stream.start_time or 0) + stream.duration) * stream.time_base)
    if container.duration and not container.streams.audio:
        return Fraction((container.start_time or 0) + container.duration, av.time_base)
    return Fraction(0)
