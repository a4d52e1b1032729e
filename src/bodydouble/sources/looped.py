"""A video, an image or a folder of images in place of a camera: in real time by its own time stamps, in a loop.

A picture is given at the moment it is due, and that moment is its time: what comes after it can measure its delay as
with a camera. The last picture stands as long as the file says, then the first follows; due times are exact over any
number of loops. A file that vanishes or is damaged is told in words and taken up again when it is whole.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Protocol

from bodydouble.sources import open_source
from bodydouble.sources.images import ImageSource, read_upright
from bodydouble.sources.live import Clock, Condition
from bodydouble.sources.pace import Pace
from bodydouble.sources.playing import Picture, Playing
from bodydouble.sources.reopening import Fault, Rest, Shot
from bodydouble.sources.video import Damage, VideoSource
from bodydouble.types import BodyDoubleError, Image

DECODERS = 2  # threads: enough for 4K in real time, and leaves the machine to the model
_UNKNOWN_RATE = Fraction(30)  # of a film that does not say
_LONGEST_LAST = 1.0  # seconds that a film's last picture may stand; a longer duration is that of the sound


class Film(Protocol):
    """What plays: something with pictures at its own times, from 0. step: seconds between pictures, as a rule."""

    step: float

    def pictures(self, damage: Damage) -> Iterable[tuple[float, Picture]]:
        """Each picture's time and a function that makes it, which holds until the next is asked for."""
        ...

    def period(self, last: float) -> float:
        """Seconds from the first picture to the same one in the next loop; last: the time of the last picture."""
        ...


class Looped(Playing):
    """A LiveSource (live.py) of a file or folder. Raises BodyDoubleError for one that cannot be played at all.

    fps: the rate of images.
    """

    def __init__(
        self, path: Path, *, fps: float = 30.0, clock: Clock = time.monotonic, rest: Rest | None = None
    ) -> None:
        self._path = path
        self._fps = fps
        _film(path, fps)  # says at once what can never be played
        name = path.name or str(path)
        stalled = (Condition.FAILED, f"no picture comes from {name}; is the drive that it lies on still there?")
        super().__init__(name, thread="bodydouble-file", clock=clock, stalled=stalled, rest=rest)
        self._start()

    def _shots(self) -> Generator[Shot | None, None, None]:
        """The film over and over, each picture when it is due."""
        self._newest.trouble(Condition.OPENING, f"opening {self._path.name}")
        seen = _signature(self._path)
        film = self._opened()
        pace = Pace(film.step, self._clock())
        note = ""
        while True:
            damage = Damage()
            at, count = 0.0, 0
            for at, picture in film.pictures(damage):
                count += 1
                for shot in self._paced(pace, at, picture, note):
                    if shot is None:
                        return
                    yield shot
            if not count:
                raise Fault(Condition.FAILED, f"{self._path.name} holds no picture that can be decoded; mend the file")
            note = damage.sentence(self._path.name, count) if damage else ""
            pace.loops(film.period(at))
            now = _signature(self._path)
            if now != seen:
                seen, film = now, self._opened()

    def _opened(self) -> Film:
        """The film, or a Fault that says what is wrong with it now."""
        try:
            return _film(self._path, self._fps)
        except BodyDoubleError as error:
            raise Fault(Condition.FAILED, f"{error}; it goes on when the file is whole again") from error


class _Clip:
    """A video file."""

    def __init__(self, source: VideoSource) -> None:
        self._source = source
        self.step = float(1 / (source.info.rate or _UNKNOWN_RATE))
        self.pictures = source.pictures

    def period(self, last: float) -> float:
        """As long as the file says that its pictures take, if that can be."""
        said = self._source.info.duration
        return said if last < said <= last + max(_LONGEST_LAST, self.step) else last + self.step


class _Pictures:
    """A folder of images, read again in each loop."""

    def __init__(self, source: ImageSource, step: float) -> None:
        self._source = source
        self.step = step

    def pictures(self, damage: Damage) -> Iterable[tuple[float, Picture]]:
        """Each image at its place in the folder's rate. An image that cannot be read is damage."""
        for index, path in enumerate(self._source.paths):
            try:
                image = read_upright(path)[0]
            except BodyDoubleError as error:
                damage.reasons.append(str(error))
                continue
            yield index * self.step, partial(_same, image)

    def period(self, last: float) -> float:
        """The last image stands as long as the others."""
        return last + self.step


class _Still:
    """One image, kept."""

    def __init__(self, image: Image, step: float) -> None:
        self._image = image
        self._image.flags.writeable = False  # every frame is this one array
        self.step = step

    def pictures(self, damage: Damage) -> Iterable[tuple[float, Picture]]:
        """The image."""
        return [(0.0, partial(_same, self._image))]

    def period(self, last: float) -> float:
        """It is given again at the rate of images."""
        return self.step


def _same(image: Image) -> Image:
    return image


def _film(path: Path, fps: float) -> Film:
    """What lies at `path`. Raises BodyDoubleError, one line."""
    source = open_source(path, rate=Fraction(fps).limit_denominator(1000), threads=DECODERS)
    if isinstance(source, VideoSource):
        return _Clip(source)
    if path.is_dir() and isinstance(source, ImageSource):
        return _Pictures(source, 1 / fps)
    return _Still(next(iter(source)).image, 1 / fps)


def _signature(path: Path) -> tuple[int, int, int]:
    """Changes when the file does; zeros while it is not there."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return status.st_mtime_ns, status.st_size, status.st_ino
