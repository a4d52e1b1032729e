"""Video files: every frame with its own time, upright, in square pixels.

Times come from the file's time stamps (variable frame rates stay variable), less the first frame's. Rotation and
mirroring (display matrix), pixel aspect ratio, colour matrix and range are applied; transparent videos are laid on
white. A file that cannot be opened at all raises BodyDoubleError; one that is damaged further on gives the frames that
can be decoded, then a SourceWarning. Memory does not grow with the file's length.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter

from bodydouble.sources.container import decoded, duration, is_cut, opened
from bodydouble.sources.source import SourceWarning
from bodydouble.sources.upright import UPRIGHT, Orientation, degrees, from_display_matrix, swaps_sides, turned
from bodydouble.sources.white import on_white
from bodydouble.types import BodyDoubleError, Frame, Image, SourceInfo

_UNKNOWN_RATE = Fraction(30)  # for files without time stamps or rate (raw streams)
# Pixel aspect ratios beyond these are faults in the file: real ones run from 8:9 (NTSC) to 2:1 (anamorphic).
_WIDEST_PIXEL = Fraction(4)
# Untagged YUV of this size and more is BT.709, smaller is BT.601: what players do (mpv mp_csp_guess_colorspace).
_HD_WIDTH, _HD_HEIGHT = 1280, 577


@dataclass(slots=True)
class Damage:
    """What was wrong with a video as far as it was read: a reason for each frame that was lost, and a missing tail."""

    reasons: list[str] = field(default_factory=list)
    cut: bool = False

    def __bool__(self) -> bool:
        return bool(self.reasons) or self.cut

    def sentence(self, name: str, frames: int) -> str:
        """One line about the file of that name, of which so many frames could be read."""
        what = "ends before it should" if self.cut else f"is damaged ({self.reasons[0]})"
        rest = "the rest is missing" if self.cut else "some may be missing"
        return f"{name} {what}; {frames} frames could be read, {rest}"


class VideoSource:
    """The frames of a video file. Source (source.py) says how to use it.

    path: the file. threads: decoding threads, 0 for as many as the machine has cores.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self._path = path
        self._threads = threads
        self._closed = False
        self._reading: Generator[Frame, None, None] | None = None
        with opened(path, threads) as (container, stream):
            first, _ = next(decoded(container, stream, []), (None, None))
            if first is None:
                raise BodyDoubleError(f"{path.name} holds no picture that can be decoded; is it a whole video file?")
            self._orientation = orientation_of(first)
            self._stored_size = square_size(first.width, first.height, stream.sample_aspect_ratio)
            self._info = self._describe(container, stream)

    @property
    def info(self) -> SourceInfo:
        """What the file says of itself; duration is that of the pictures."""
        return self._info

    def __iter__(self) -> Iterator[Frame]:
        """Each frame once, from the first; a second iteration ends the one before it."""
        if self._closed:
            raise BodyDoubleError(f"{self._path.name} is closed; open it again to read it")
        if self._reading is not None:
            self._reading.close()
        self._reading = self._read()
        return self._reading

    def close(self) -> None:
        """Let go of the file."""
        self._closed = True
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _describe(self, container: Any, stream: Any) -> SourceInfo:
        width, height = self._stored_size
        size = (height, width) if swaps_sides(self._orientation) else (width, height)
        return SourceInfo(
            name=self._path.name,
            size=size,
            rate=stream.average_rate or stream.guessed_rate or Fraction(0),
            duration=duration(container, stream),
            frames=stream.frames,
            has_audio=any(audio.codec_context is not None for audio in container.streams.audio),
            rotation=degrees(self._orientation),
        )

    def _read(self) -> Generator[Frame, None, None]:
        damage = Damage()
        index = 0
        for time, picture in self.pictures(damage):
            yield Frame(image=picture(), time=time, index=index)
            index += 1
        if damage:
            warnings.warn(damage.sentence(self._path.name, index), SourceWarning, stacklevel=2)

    def pictures(self, damage: Damage) -> Generator[tuple[float, Callable[[], Image]], None, None]:
        """The time of each frame and a function that makes its picture, for players that skip what comes too late.

        The function holds until the next frame is asked for. damage: takes what is found to be wrong on the way.
        """
        with opened(self._path, self._threads) as (container, stream):
            step = 1 / (stream.average_rate or stream.guessed_rate or _UNKNOWN_RATE)
            convert = Converter(self._stored_size, self._orientation)
            clock = Stamps(stream.time_base, step)
            for picture, pts in decoded(container, stream, damage.reasons):
                yield clock(pts), partial(convert, picture)
            damage.cut = is_cut(container, stream, clock.now)


class Stamps:
    """Seconds since the first frame; a missing or backward time stamp counts as one step after the last."""

    def __init__(self, time_base: Fraction, step: Fraction) -> None:
        self._time_base = time_base
        self._step = step
        self._start: Fraction | None = None
        self._last: Fraction | None = None

    @property
    def now(self) -> float:
        """The time given last, 0 before the first."""
        return float(self._last - self._start) if self._last is not None and self._start is not None else 0.0

    def __call__(self, pts: int | None) -> float:
        """The time of the frame with this stamp."""
        stamp = None if pts is None else pts * self._time_base
        if self._last is not None and (stamp is None or stamp <= self._last):
            stamp = self._last + self._step
        elif stamp is None:
            stamp = Fraction(0)
        if self._start is None:
            self._start = stamp
        self._last = stamp
        return self.now


class Converter:
    """Decoded frames to upright RGB pictures of one size, whatever the stream does on the way."""

    def __init__(self, size: tuple[int, int], orientation: Orientation) -> None:
        self._width, self._height = size
        self._orientation = orientation
        self._reformatter = VideoReformatter()

    def __call__(self, frame: Any) -> Image:
        """(H, W, 3) uint8 RGB of a PyAV frame, in memory of its own."""
        see_through = _has_alpha(frame.format)
        picture = self._reformatter.reformat(
            frame,
            width=self._width,
            height=self._height,
            format="rgba" if see_through else "rgb24",
            src_colorspace=_matrix(frame),
            interpolation="BILINEAR" if (frame.width, frame.height) == (self._width, self._height) else "BICUBIC",
            threads=1,  # measured at 720p: 0.4 ms; more threads gain 0.1 ms and take a core from the model
        )
        image = np.asarray(picture.to_ndarray(), dtype=np.uint8)
        return np.ascontiguousarray(turned(on_white(image) if see_through else image, self._orientation))


def orientation_of(frame: Any) -> Orientation:
    """How a decoded frame's display matrix says it is to be turned."""
    every = frame.side_data
    for data in (every[i] for i in range(len(every))):
        if data.type.name == "DISPLAYMATRIX":
            return from_display_matrix(bytes(data))
    return UPRIGHT


def square_size(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """Size in square pixels; the side that has too few pixels grows."""
    if not aspect or aspect <= 0 or not 1 / _WIDEST_PIXEL <= aspect <= _WIDEST_PIXEL:
        return width, height
    return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))


def _matrix(frame: Any) -> int | None:
    """The colour matrix to assume for a frame that names none; None leaves the frame's own."""
    if frame.format.is_rgb or frame.colorspace not in (0, 2):  # AVCOL_SPC_RGB (as good as none), AVCOL_SPC_UNSPECIFIED
        return None
    hd = frame.width >= _HD_WIDTH or frame.height >= _HD_HEIGHT
    return int(Colorspace.ITU709 if hd else Colorspace.ITU601)


def _has_alpha(pixels: Any) -> bool:
    return any(component.is_alpha for component in pixels.components)
