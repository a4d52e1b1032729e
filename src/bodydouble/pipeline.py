"""The one loop: frames -> poses -> who -> steady -> motion -> the character's bones.

The only module that knows every stage. `Watch` turns frames into people, `Act` turns people into posed rigs; both
remember their past and offer reset(). `track` and `moments` chain them over a file. Seconds, pixels, radians.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bodydouble.estimate import Estimator, Steered, load
from bodydouble.facing import Facing
from bodydouble.models import Progress, silent
from bodydouble.retarget.calibration import Calibration
from bodydouble.retarget.idle import Idle
from bodydouble.retarget.neutral import Neutral
from bodydouble.retarget.placement import Placer
from bodydouble.retarget.planar import Planar
from bodydouble.retarget.posture import posture
from bodydouble.smooth import Smoother
from bodydouble.sources import open_source
from bodydouble.tracking import Tracker
from bodydouble.types import (
    UNTRACKED,
    BodyDoubleError,
    Camera,
    Frame,
    Motion,
    Placement,
    Pose,
    Posture,
    Rig,
    RigPose,
    State,
)

DEFAULT_FOV = math.radians(60)  # webcams see 55 to 70 degrees across, phones filming video 55 to 65
PEOPLE_AT_MOST = 8
LEAVE_SECONDS = 2.0  # how long a character stays on the stage after its person has gone, where there are several
NOBODY = Motion(Posture((), np.zeros((0, 3)), np.zeros(0)), Placement(), 0.0, state=State.LOST)

# One frame's worth of people: (time in seconds, index, people, the frame or None)
Watched = Iterable[tuple[float, int, list[Pose], Frame | None]]


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that a user may choose for a run; a change makes a new one.

    model, device: as `bodydouble models list` and `bodydouble doctor` name them. person: "largest", "all" or a number
    from 1. smooth: 0 as the model saw it .. 1 steadiest. place: 0 stays put, 1 goes where the person goes. mirror: the
    character is the person's mirror image. fov: radians across the picture's longer side, None leaves perspective in.
    """

    model: str = "blazepose-full"
    device: str = "auto"
    person: str | int = "largest"
    smooth: float = 0.5
    place: float = 0.0
    mirror: bool = False
    fov: float | None = DEFAULT_FOV
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.person not in ("largest", "all") and not (isinstance(self.person, int) and self.person >= 1):
            raise BodyDoubleError(f'person "{self.person}"; wanted largest, all or a number from 1')
        for name, least, most in (("smooth", 0, 1), ("place", 0, 5), ("fov", 0.05, 3.0)):
            value = getattr(self, name)
            if value is None and name == "fov":
                continue
            if not isinstance(value, int | float) or not least <= value <= most:
                unit = " radians, or None" if name == "fov" else ""
                raise BodyDoubleError(f"{name} {value!r}; wanted a number from {least} to {most}{unit}")

    @property
    def people(self) -> int:
        """How many people the estimator has to follow."""
        return 1 if self.person == "largest" else PEOPLE_AT_MOST


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What the character does at one time: the posed rig of each person, and the frame and people behind it.

    frame is None when the motion comes from a take.
    """

    time: float
    index: int
    people: list[Pose]
    rigs: dict[int, RigPose]
    frame: Frame | None = None


class Watch:
    """Frames in, people out: estimated and with an identity and a state."""

    def __init__(self, config: Config, estimator: Estimator | None = None, *, progress: Progress = silent) -> None:
        self.config = config
        self.estimate = estimator or load(
            config.model, device=config.device, people=config.people, threads=config.threads, progress=progress
        )
        self.identify = Tracker(config.person)

    def __call__(self, frame: Frame) -> list[Pose]:
        """The people in `frame`, in source pixels. The frame's image is read-only from now on."""
        frame.image.setflags(write=False)  # so that it crosses to an accelerator once, whoever looks at it
        return self.identify(self.estimate(frame), frame.size, frame.time)

    def exchange(self, estimator: Estimator) -> None:
        """Go on with another estimator; the people keep their identities, and their places where both can."""
        if not (isinstance(estimator, Steered) and estimator.take_over(self.estimate)):
            estimator.reset()
        self.estimate = estimator

    def reset(self) -> None:
        """Forget everybody."""
        self.estimate.reset()
        self.identify.reset()


class Steady:
    """People in, steadier people out; a person who is not seen is held for a moment and fades.

    Sides that a model exchanges are put right first, and who has turned away is told by the sides that are shown.
    """

    def __init__(self, amount: float) -> None:
        self.amount = amount
        self._smoothers: dict[int, Smoother] = {}
        self._facings: dict[int, Facing] = {}
        self._last: list[Pose] = []

    def __call__(self, people: Iterable[Pose], time: float) -> list[Pose]:
        """The people of one frame at `time` in seconds, those missing since a short while included."""
        steady = []
        seen = set()
        for pose in people:
            seen.add(pose.person)
            facing = self._facings.setdefault(pose.person, Facing())
            right = facing(pose)
            smoother = self._smoothers.get(pose.person)
            if smoother is None or facing.changed:
                smoother = self._smoothers[pose.person] = Smoother(self.amount)
            steady.append(facing.told(smoother(right)))
        for person in [person for person in self._smoothers if person not in seen]:
            held = self._smoothers[person].missing(time)
            if held is None:
                del self._smoothers[person], self._facings[person]
            else:
                steady.append(self._facings[person].told(held))
        self._last = steady
        return steady

    def predict(self, ahead: float) -> list[Pose]:
        """The people of the last call as they will be `ahead` seconds later; nothing is remembered of it."""
        predicted = [(pose.person, self._smoothers[pose.person].predict(ahead)) for pose in self._last]
        return [self._facings[person].shown(pose) for person, pose in predicted if pose is not None]

    def handover(self) -> None:
        """The next poses come from another model: what is shown glides there."""
        for smoother in self._smoothers.values():
            smoother.handover()

    def reset(self) -> None:
        """Forget everybody."""
        self._smoothers.clear()
        self._facings.clear()
        self._last = []


class Act:
    """People's poses in, one character's posed rig out. When another person takes over, the character eases across.

    neutral: a calibration, None to learn while watching. idle: what the character does of itself, None for nothing.
    """

    def __init__(
        self,
        rig: Rig,
        config: Config,
        size: tuple[int, int],
        *,
        neutral: Neutral | None = None,
        idle: Idle | None = None,
    ) -> None:
        self.camera = None if config.fov is None else Camera(size, config.fov)
        self._rig = rig
        self._planar = Planar(rig, place=config.place, mirror=config.mirror, at_ease=idle is not None)
        self._neutral = neutral
        self._idle = idle
        self._calibration = Calibration(None if neutral is None else neutral.body)
        self._placer = Placer(size)
        self._person = UNTRACKED
        self._last = NOBODY
        self._here = -math.inf  # when the person was last seen

    def __call__(self, pose: Pose) -> RigPose:
        """The rig at the pose's time."""
        if pose.state is not State.LOST:
            self._here = pose.time
        return self._alive(self._planar(self.motion(pose)), pose.time)

    def motion(self, pose: Pose) -> Motion:
        """Posture and placement, free of the person's size and proportions."""
        if pose.person != self._person:
            self._calibration.reset()
            self._placer.reset()
            self._person = pose.person
        body = self._calibration.update(pose)
        told = posture(pose, body, self.camera)
        level = None
        if self._neutral is not None:
            told, level = self._neutral.applied(told), self._neutral.level
        self._last = Motion(
            told,
            self._placer(pose, body, self.camera, level),
            pose.time,
            pose.person,
            pose.state,
        )
        return self._last

    def idle(self, time: float) -> RigPose:
        """The rig at `time` seconds when nobody is seen: it eases to rest where it stands."""
        return self._alive(self._planar(replace(self._last, time=time, state=State.LOST)), time)

    def adopt(self, before: Act) -> None:
        """Go on with what another knew of the person: their lengths, their floor, and what they did last."""
        self._person, self._last, self._here = before._person, before._last, before._here
        if before._neutral is self._neutral:
            self._calibration = before._calibration
            if before._placer.size == self._placer.size:
                self._placer = before._placer
        if self._idle is not None and before._idle is not None:
            self._idle = before._idle

    def _alive(self, pose: RigPose, time: float) -> RigPose:
        """The pose with what the character does of itself."""
        if self._idle is None:
            return pose
        return self._idle(self._rig, pose, time, max(time - self._here, 0.0))


class Cast:
    """Who plays: one character that is always there, or one for each person while they are there.

    neutral: a calibration of the one person; of several, only what it says of the camera is used. alive: characters
    breathe and blink of themselves.
    """

    def __init__(
        self, rig: Rig, config: Config, size: tuple[int, int], *, neutral: Neutral | None = None, alive: bool = False
    ) -> None:
        self._made_of = (rig, config, size)
        self._mirror = config.mirror
        self._neutral = neutral
        self._alive = alive
        self._alone = None if config.person == "all" else self._act(0)
        self._acts: dict[int, Act] = {}
        self._seen: dict[int, float] = {}
        self._home: dict[int, float] = {}  # picture x where each was first seen: their order on the stage

    def __call__(self, people: Iterable[Pose], time: float) -> dict[int, RigPose]:
        """The rig of each character by person, from picture left to right."""
        if self._alone is not None:
            rigs = [self._alone(pose) for pose in people] or [self._alone.idle(time)]
            return {rig.person: rig for rig in rigs}
        rigs_of = {}
        for pose in people:
            if pose.person not in self._acts:
                self._acts[pose.person] = self._act(pose.person)
                centre = float(np.average(pose.points[:, 0], weights=pose.scores + 1e-9))
                self._home[pose.person] = -centre if self._mirror else centre
            self._seen[pose.person] = time
            rigs_of[pose.person] = self._acts[pose.person](pose)
        for person in [person for person in self._acts if person not in rigs_of]:
            if time - self._seen[person] > LEAVE_SECONDS:
                del self._acts[person]
            else:
                rigs_of[person] = self._acts[person].idle(time)
        return dict(sorted(rigs_of.items(), key=lambda item: self._home[item[0]]))

    def adopt(self, before: Cast) -> None:
        """Go on with what another knew of the people: one for one, or each of several."""
        if self._alone is not None and before._alone is not None:
            self._alone.adopt(before._alone)
        if self._alone is None:
            for person, act in before._acts.items():
                self._acts[person] = self._act(person)
                self._acts[person].adopt(act)
            self._seen, self._home = dict(before._seen), dict(before._home)
            if self._mirror != before._mirror:
                self._home = {person: -x for person, x in self._home.items()}

    def _act(self, person: int) -> Act:
        """A character for somebody; each blinks at other times."""
        return Act(*self._made_of, neutral=self._neutral, idle=Idle(person) if self._alive else None)


def track(
    path: str | Path,
    *,
    model: str = "blazepose-full",
    device: str = "auto",
    person: str | int = "largest",
    smooth: float = 0.0,
) -> Iterator[tuple[Frame, list[Pose]]]:
    """Every frame of a video, image or folder of images with the people in it.

    path: the file or folder. person: "largest" locks on to one, "all" everybody, a number the Nth to appear.
    smooth: 0 gives points as the model saw them, up to 1 for the steadiest. Yields (frame, people); people is empty
    where nobody was found. Raises BodyDoubleError for what cannot be read or had.
    """
    config = Config(model=model, device=device, person=person, smooth=smooth)
    watch = Watch(config)
    steady = Steady(smooth) if smooth else None
    with open_source(Path(path)) as source:
        for frame in source:
            people = watch(frame)
            yield frame, steady(people, frame.time) if steady else people


def moments(
    frames: Watched,
    rig: Rig,
    config: Config,
    size: tuple[int, int],
    *,
    neutral: Neutral | None = None,
    alive: bool = False,
) -> Iterator[Moment]:
    """Posed rigs for tracked people, frame by frame.

    frames: (time, index, people, frame or None). size: width, height in pixels of the picture that the poses lie in.
    neutral, alive: as Cast takes them.
    """
    steady = Steady(config.smooth)
    cast = Cast(rig, config, size, neutral=neutral, alive=alive)
    for time, index, people, frame in frames:
        seen = steady(people, time)
        yield Moment(time, index, seen, cast(seen, time), frame)


def at_rate(items: Iterable[Moment], rig: Rig, rate: float, duration: float = 0.0) -> Iterator[Moment]:
    """The same motion at `rate` moments a second, between moments interpolated, from 0 to `duration` (or the last)."""
    before: Moment | None = None
    count = 0
    for after in items:
        while count / rate < after.time:
            time = count / rate
            yield after if before is None else between(before, after, rig, time, count)
            count += 1
        before = after
    while before is not None and (count == 0 or count / rate < max(duration, before.time + 0.5 / rate)):
        yield replace(before, time=count / rate, index=count)
        count += 1


def between(before: Moment, after: Moment, rig: Rig, time: float, index: int) -> Moment:
    """The moment at `time`; its picture and people are those of `before`, its rigs lie between."""
    share = (time - before.time) / (after.time - before.time)
    rigs = {
        person: blend(rig, pose, after.rigs[person], share) if person in after.rigs else pose
        for person, pose in before.rigs.items()
    }
    return Moment(time, index, before.people, rigs, before.frame)


def blend(rig: Rig, before: RigPose, after: RigPose, share: float) -> RigPose:
    """The pose `share` (0..1) of the way from one to the next; a bone that has lost a whole turn does not spin."""
    names = ("heads", "lengths", "nearness", "offset", "size", "time", "blink")
    mixed = {name: (1 - share) * getattr(before, name) + share * getattr(after, name) for name in names}
    turn = after.angles - before.angles
    mixed["angles"] = before.angles + share * (turn - 2 * np.pi * np.round(turn / (2 * np.pi)))
    mixed["heads"] = rig.posed_heads(mixed["angles"], mixed["lengths"], mixed["heads"])
    return replace(before, **mixed)
