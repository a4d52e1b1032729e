"""People over time, whichever way they come: watched in a source by a model, or read from a take.

A feed is read once, in order. Seconds and source pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from bodydouble.ahead import ahead
from bodydouble.models import Progress, silent
from bodydouble.outputs.take import Take, TakeWriter, read_take
from bodydouble.outputs.take_format import TakeInfo
from bodydouble.pipeline import Config, Watch, Watched
from bodydouble.sources import Source, open_source
from bodydouble.sources.images import IMAGE_SUFFIXES
from bodydouble.tracking import Tracker
from bodydouble.types import BodyDoubleError, Frame, Pose, SourceInfo

TAKE_SUFFIX = ".parquet"

Watching = Generator[tuple[float, int, list[Pose], Frame | None], None, None]


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """People over time. origin: what a take made of it says of itself. people: they, after so many frames passed over.
    sound: the video whose sound and clock a film of it gets, if there is one. how: the model and device, in words.
    config: the run's, with what the feed settles. identify: who names the people, if a run's people are named anew.
    """

    origin: TakeInfo
    people: Callable[[int], Watching]
    sound: Path | None
    how: str
    config: Config
    identify: Tracker | None = None

    @property
    def info(self) -> SourceInfo:
        """The source that the people were seen in."""
        return self.origin.source


def open_feed(
    path: Path, config: Config, stack: ExitStack, *, pictures: bool = False, progress: Progress = silent
) -> Feed:
    """The people in a video, image, folder of images or take.

    stack: closes what is opened here. pictures: a take's frames are wanted too, from the source that it names.
    progress: hears of a model being fetched.
    Raises BodyDoubleError for what cannot be read.
    """
    if path.suffix.lower() == TAKE_SUFFIX:
        return _replay(path, config, stack, pictures=pictures)
    source = stack.enter_context(open_source(path))
    watch = Watch(config, progress=progress)
    origin = TakeInfo(
        source=source.info,
        skeleton=watch.estimate.skeleton.name,
        path=str(path.resolve()),
        model=watch.estimate.model,
        provider=watch.estimate.provider,
        fov=config.fov,
        settings={"person": str(config.person), "smooth": "0"},
    )
    how = f"{watch.estimate.model} on {watch.estimate.provider}"
    return Feed(origin, partial(_watched, source, watch), _sound(path), how, config, watch.identify)


def _watched(source: Source, watch: Watch, skip: int) -> Watching:
    with closing(ahead(source)) as frames:
        for count, frame in enumerate(frames):
            if count >= skip:
                yield frame.time, frame.index, watch(frame), frame


def _sound(path: Path) -> Path | None:
    """The file that sound and time stamps come from; pictures have neither."""
    return path if path.is_file() and path.suffix.lower() not in IMAGE_SUFFIXES else None


def _replay(path: Path, config: Config, stack: ExitStack, *, pictures: bool) -> Feed:
    """A take as a feed; its source gives sound and pictures if it is still where it was."""
    take = read_take(path)
    origin = take.info
    film = _still_there(origin)
    frames = None
    if pictures:
        if film is None:
            raise BodyDoubleError(
                f"--side-by-side shows the source, and {origin.path or 'that'} of {path.name} is gone or another; "
                "leave it out or put the source back"
            )
        frames = stack.enter_context(open_source(film))
    if float(origin.settings.get("smooth", "0")) > 0:
        config = replace(config, smooth=0.0)  # smoothed once, when it was recorded
    how = f"{origin.model} on {origin.provider}, from {path.name}"
    return Feed(origin, partial(_replayed, take, config, frames), film and _sound(film), how, config)


def _still_there(origin: TakeInfo) -> Path | None:
    """The source that a take was made of, if it is still where it was and still the same."""
    path = Path(origin.path)
    if not origin.path or not path.exists():
        return None
    try:
        with open_source(path) as source:
            return path if source.info == origin.source else None
    except BodyDoubleError:
        return None


def _replayed(take: Take, config: Config, source: Source | None, skip: int) -> Watching:
    chosen = config.person == take.info.settings.get("person")  # then these are they, whoever was followed when
    identify = Tracker("largest") if config.person == "largest" and not chosen else None
    with closing(ahead(source or ())) as frames:
        for index, time, poses in islice(take, skip, None):
            if identify is not None:
                poses = identify(poses, take.info.source.size, time)
            elif isinstance(config.person, int):
                poses = [pose for pose in poses if pose.person == config.person]
            yield time, index, poses, _frame(frames, index)


def _frame(frames: Iterator[Frame], index: int) -> Frame | None:
    """The frame of that index, None if there are no more; those before it are passed over."""
    return next((frame for frame in frames if frame.index >= index), None)


def recorded(watched: Watched, writer: TakeWriter) -> Watching:
    """The same people, written to a take as they pass."""
    for time, index, people, frame in watched:
        writer.write(index, time, people)
        yield time, index, people, frame
