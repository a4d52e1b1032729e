"""Whole files: a video or take in, a film of the character or a take of keypoints out.

What a run needs is checked before it begins (outputs, character, background), work overlaps (ahead.py), and nothing
half-written is left: outputs appear under their name when they are whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from bodydouble import characters, pipeline
from bodydouble.ahead import ahead
from bodydouble.characters import Puppet
from bodydouble.outputs.draw import Figure, Stage
from bodydouble.outputs.overlay import draw_skeleton, side_by_side
from bodydouble.outputs.take import TakeWriter, read_take
from bodydouble.outputs.video import VideoWriter, check_video_output
from bodydouble.pipeline import Config, Moment, Watched
from bodydouble.sources import open_source
from bodydouble.types import BodyDoubleError, Frame, Image, SourceInfo

LONGEST_SIDE = 1920  # of a picture whose size the user leaves to us, in pixels
SHORTEST_SIDE = 240  # below this a character cannot be made out; a small source gets a larger picture
DEFAULT_BACKGROUND = "#f4f1ea"
TRANSPARENT = "transparent"
TAKE_SUFFIX = ".parquet"


class Told(Protocol):
    """Who hears how a run goes."""

    def step(self, done: int, total: int | None, text: str) -> None:
        """`done` of `total` (None: unknown) of what `text` names."""

    def say(self, line: str) -> None:
        """One line worth keeping."""


class Silent:
    """Tells nobody."""

    def step(self, done: int, total: int | None, text: str) -> None:
        """Nothing."""

    def say(self, line: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a film looks. size: width, height of the character's picture in pixels, None as the source. rate: pictures a
    second, None keeps the source's time stamps. background: a colour, the path of a picture, or "transparent".
    """

    background: str = DEFAULT_BACKGROUND
    size: tuple[int, int] | None = None
    rate: float | None = None
    side_by_side: bool = False


def animate(
    source: str | Path,
    character: str | Path = "fox",
    out: str | Path = "out.mp4",
    *,
    model: str = "blazepose-full",
    device: str = "auto",
    person: str | int = "largest",
    place: float = 0.0,
    smooth: float = 0.5,
    mirror: bool = False,
    fov: float | None = pipeline.DEFAULT_FOV,
    background: str = DEFAULT_BACKGROUND,
    size: tuple[int, int] | None = None,
    rate: float | None = None,
    side_by_side: bool = False,
    take: str | Path | None = None,
    force: bool = False,
    told: Told | None = None,
) -> Path:
    """Make a film of `character` moving as the person in `source` moves; returns the film's path.

    source: video, image, folder of images, or a take (.parquet). out: .mp4; with a transparent background .webm or a
    folder of PNG files. place: 0 stays put, 1 goes where the person goes. smooth: 0..1. fov: radians that the camera
    sees across the picture's longer side, None leaves perspective in. Raises BodyDoubleError for what the user can mend.
    """
    config = Config(model=model, device=device, person=person, smooth=smooth, place=place, mirror=mirror, fov=fov)
    look = Look(background=background, size=size, rate=rate, side_by_side=side_by_side)
    film(
        Path(source),
        str(character),
        Path(out),
        config,
        look,
        take=None if take is None else Path(take),
        force=force,
        told=told or Silent(),
    )
    return Path(out)


def film(
    source: Path,
    character: str,
    out: Path,
    config: Config,
    look: Look,
    *,
    take: Path | None = None,
    force: bool = False,
    told: Told,
) -> None:
    """As `animate`, with its settings in two values. Leaves the film, and the take if one is wanted, or neither."""
    transparent = look.background == TRANSPARENT
    if transparent and look.side_by_side:
        raise BodyDoubleError("--side-by-side shows the source, which is not transparent; choose one of the two")
    check_video_output(out, transparent=transparent, force=force)
    _check_apart(source, out, take)
    puppet = characters.load(character)
    with ExitStack() as stack:
        feed = _open(source, config, look, stack)
        size = look.size or picture_size(feed.info.size)
        stage = Stage(size, look.background)
        watched = feed.watched
        if take is not None:
            writer = stack.enter_context(TakeWriter(take, feed.info, force=force, **feed.origin))
            watched = _recorded(watched, writer)
        film_size = size if not look.side_by_side else _beside(feed.info.size, size)
        video = stack.enter_context(
            VideoWriter(
                out,
                film_size,
                rate=None if look.rate is None else Fraction(look.rate).limit_denominator(1001),
                source=feed.sound,
                transparent=transparent,
                force=force,
            )
        )
        people = _run(watched, puppet, stage, feed.info, config, look, video, told)
        if not people:
            raise BodyDoubleError(nobody(source))
    told.say(f"{out}: {puppet.name}, {film_size[0]}x{film_size[1]}, {feed.how}")


def record(source: Path, out: Path, config: Config, *, force: bool = False, told: Told) -> None:
    """Write the keypoints of the people in `source`: a take, CSV, OpenPose JSON or COCO results, by out's name."""


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """People over time, from a model or a take. sound: the video whose sound and clock the film gets, if there is one.

    origin: what a take says of how its poses were made. how: the same in words.
    """

    info: SourceInfo
    watched: Watched
    sound: Path | None
    origin: dict[str, str]
    how: str


def picture_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size of the character's picture for a source of `size`: the same, even, neither huge nor tiny."""
    width, height = size
    scale = min(1.0, LONGEST_SIDE / max(size))
    scale = max(scale, SHORTEST_SIDE / min(size)) if max(size) * SHORTEST_SIDE / min(size) <= LONGEST_SIDE else scale
    return max(16, round(width * scale / 2) * 2), max(16, round(height * scale / 2) * 2)


def nobody(source: Path) -> str:
    """What to say when nobody was found."""
    return f"no person was found in {source.name}; wanted somebody at least a fifth of the picture high, in fair light"
