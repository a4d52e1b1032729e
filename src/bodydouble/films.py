"""Whole files: a video or take in, a film of the character or a take of keypoints out.

What a run needs is checked before it begins (outputs, character, background), work overlaps (ahead.py), and nothing
half-written is left: outputs appear under their name when they are whole.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from bodydouble import characters, pipeline
from bodydouble.ahead import ahead
from bodydouble.characters import Puppet
from bodydouble.estimate.session import default_threads
from bodydouble.feeds import TAKE_SUFFIX, open_feed, recorded
from bodydouble.outputs.draw import Figure, Stage
from bodydouble.outputs.exports import check_recording, open_recorder
from bodydouble.outputs.overlay import draw_skeleton
from bodydouble.outputs.overlay import side_by_side as compose
from bodydouble.outputs.take import TakeWriter, earlier
from bodydouble.outputs.video import VideoWriter, check_video_output
from bodydouble.pipeline import Config, Moment
from bodydouble.retarget.neutral import Neutral
from bodydouble.types import BodyDoubleError, Image, SourceInfo

LONGEST_SIDE = 1920  # of a picture whose size the user leaves to us, in pixels
SHORTEST_SIDE = 240  # below this a character cannot be made out; a small source gets a larger picture
DEFAULT_BACKGROUND = "#f4f1ea"
TRANSPARENT = "transparent"


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
    second, None keeps the source's time stamps. background: a colour, the path of a picture, or "transparent". framing:
    how much of the character is shown, "full", "half" or "head". shadow: one below its feet.
    """

    background: str = DEFAULT_BACKGROUND
    size: tuple[int, int] | None = None
    rate: float | None = None
    side_by_side: bool = False
    framing: str = "full"
    shadow: bool = True

    def __post_init__(self) -> None:
        if self.size is not None and not all(16 <= side <= 8192 for side in self.size):
            raise BodyDoubleError(f"a picture of size {self.size}; wanted 16 to 8192 pixels a side")
        if self.rate is not None and not 1 <= self.rate <= 240:
            raise BodyDoubleError(f"{self.rate} pictures a second; wanted 1 to 240, or None for the source's own times")


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
    sees across the picture's longer side, None leaves perspective in. Raises BodyDoubleError for bad input.
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
    neutral: Neutral | None = None,
    alive: bool = False,
    told: Told,
) -> None:
    """As `animate`, with its settings in two values. Leaves the film, and the take if one is wanted, or neither.

    neutral, alive: as pipeline.Cast takes them, for films of what was shown live.
    """
    transparent = look.background == TRANSPARENT
    if transparent and look.side_by_side:
        raise BodyDoubleError("--side-by-side shows the source, which is not transparent; choose one of the two")
    check_apart(source, out, take)
    check_video_output(out, transparent=transparent, force=force)
    if config.threads is None:  # one core is for drawing and encoding: docs/decisions/estimate-threads.md
        config = replace(config, threads=max(1, default_threads() - 1))
    puppet = characters.load(character, pixels=look.size[1] if look.size else LONGEST_SIDE)
    told.step(0, None, "opening")
    with ExitStack() as stack:
        feed = open_feed(source, config, stack, pictures=look.side_by_side, progress=told.step)
        size = look.size or picture_size(feed.info.size)
        stage = Stage(size, look.background, shadow=look.shadow, framing=look.framing)
        keeper = None if take is None else stack.enter_context(TakeWriter(take, feed.origin, force=force))
        film_size = beside(feed.info.size, size) if look.side_by_side else size
        rate = None if look.rate is None else Fraction(look.rate).limit_denominator(1001)
        video = stack.enter_context(
            VideoWriter(out, film_size, rate=rate, source=feed.sound, transparent=transparent, force=force)
        )
        # each stage is closed before what it reads from: a thread must not be reading what is being closed
        watched = stack.enter_context(closing(ahead(feed.people(0))))
        if keeper is not None:
            watched = stack.enter_context(closing(recorded(watched, keeper)))
        posed = pipeline.moments(watched, puppet.rig, feed.config, feed.info.size, neutral=neutral, alive=alive)
        acted = stack.enter_context(closing(ahead(posed)))
        moments: Iterator[Moment] = acted
        if look.rate is not None:
            moments = pipeline.at_rate(acted, puppet.rig, look.rate, feed.info.duration)
        total = frame_count(feed.info, look.rate)
        shown = feed.info.size if look.side_by_side else None
        count, anybody = 0, False
        try:
            with closing(ahead(_pictures(moments, puppet, stage, shown))) as drawn:
                for count, (moment, picture) in enumerate(drawn, 1):
                    anybody = anybody or bool(moment.people)
                    video.write(picture, moment.time)
                    told.step(count, total, "animating")
        except KeyboardInterrupt:
            if keeper is None or not keeper.frames:
                raise
            acted.close()  # its thread writes to the keeper
            keeper.suspend()
            raise BodyDoubleError(
                f"stopped; the keypoints of {keeper.frames} frames are kept; after them goes on: "
                f"{_command(source, keeper.path, feed.config)}"
            ) from None
        if not anybody:
            if keeper is not None:
                keeper.discard()
            raise BodyDoubleError(nobody(source, config))
    told.say(f"{out}: {puppet.name}, {film_size[0]}x{film_size[1]}, {_counted(count, 'picture')}, {feed.how}")


def record(source: Path, out: Path, config: Config, *, force: bool = False, told: Told) -> None:
    """Write the keypoints of the people in `source`: a take, CSV, OpenPose JSON or COCO results, by out's name.

    A take that was interrupted is gone on with. Raises BodyDoubleError when nobody was found; nothing is left then.
    """
    check_apart(source, out, None)
    check_recording(out, force=force)
    told.step(0, None, "opening")
    with ExitStack() as stack:
        feed = open_feed(source, config, stack, progress=told.step)
        settings = {**feed.origin.settings, "smooth": f"{config.smooth:g}"}
        origin = replace(feed.origin, settings=settings)
        done, anybody = 0, False
        for frame in earlier(out, origin) if out.suffix.lower() == TAKE_SUFFIX else ():
            if feed.identify is not None:
                feed.identify.recall(frame.poses, feed.info.size, frame.time)
            done, anybody = done + 1, anybody or bool(frame.poses)
        if done:
            told.say(f"going on after {done} frames of an interrupted run")
        recorder = stack.enter_context(open_recorder(out, origin, force=force, resume=True))
        steady = pipeline.Steady(config.smooth) if config.smooth else None
        total = frame_count(feed.info, None)
        count = done
        try:
            with closing(ahead(feed.people(done))) as watched:
                for time, index, people, _ in watched:
                    people = steady(people, time) if steady else people
                    recorder.write(index, time, people)
                    count, anybody = count + 1, anybody or bool(people)
                    told.step(count, total, "tracking")
        except KeyboardInterrupt:
            if not isinstance(recorder, TakeWriter):
                raise
            recorder.suspend()
            raise BodyDoubleError(
                f"stopped; {recorder.frames} frames are kept beside {out.name}, and the same command goes on after them"
            ) from None
        if not anybody:
            if isinstance(recorder, TakeWriter):
                recorder.discard()
            raise BodyDoubleError(nobody(source, config))
    told.say(f"{out}: {_counted(count, 'frame')}, {feed.how}")


def _pictures(
    moments: Iterable[Moment], puppet: Puppet, stage: Stage, shown: tuple[int, int] | None
) -> Iterator[tuple[Moment, Image]]:
    """Each moment with its picture. shown: width, height of the source if it is shown beside the character."""
    for moment in moments:
        picture = stage.render([Figure(puppet, rig) for rig in moment.rigs.values()])
        if shown is not None and moment.frame is not None:
            picture = compose(_fitted(draw_skeleton(moment.frame.image, moment.people), shown), picture)
        yield moment, picture


def _fitted(image: Image, size: tuple[int, int]) -> Image:
    """`image` whole, in the middle of a black picture of `size`: pictures in a folder may differ from the first."""
    width, height = size
    if image.shape[:2] == (height, width):
        return image
    scale = min(width / image.shape[1], height / image.shape[0])
    wide, high = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    out = np.zeros((height, width, 3), dtype=np.uint8)
    x, y = (width - wide) // 2, (height - high) // 2
    out[y : y + high, x : x + wide] = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA)
    return out


def check_apart(source: Path, out: Path, take: Path | None) -> None:
    """Refuse to write over what is read, or two outputs over one another."""
    places = {source.resolve(): "the source"}
    for path in (out, take):
        if path is None:
            continue
        if path.resolve() in places:
            raise BodyDoubleError(f"{path} is {places[path.resolve()]}; give the output another name")
        places[path.resolve()] = "another output"


def frame_count(info: SourceInfo, rate: float | None) -> int | None:
    """How many pictures a film of this source will have, None if the file does not say."""
    if rate is not None and info.duration:
        return round(info.duration * rate)
    return info.frames or (round(info.duration * info.rate) if info.duration and info.rate else None)


def beside(source: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the source at the height of a picture of `size`, beside it."""
    return max(1, round(source[0] * size[1] / source[1])) + size[0], size[1]


def picture_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size of the character's picture for a source of `size`: the same, even, neither huge nor tiny."""
    scale = min(1.0, LONGEST_SIDE / max(size))
    if max(size) * SHORTEST_SIDE <= LONGEST_SIDE * min(size):
        scale = max(scale, SHORTEST_SIDE / min(size))
    return max(16, round(size[0] * scale / 2) * 2), max(16, round(size[1] * scale / 2) * 2)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _command(source: Path, take: Path, config: Config) -> str:
    """The command line that records the same people."""
    words = ["bodydouble", "track", str(source), "-o", str(take), "--person", str(config.person)]
    return shlex.join([*words, "--model", config.model])


def nobody(source: Path, config: Config) -> str:
    """What to say when nobody was found."""
    if isinstance(config.person, int):
        return f"person {config.person} did not appear in {source.name}; choose a smaller number, or largest or all"
    return f"no person was found in {source.name}; wanted somebody at least a fifth of the picture high, in fair light"
