"""The chain of a live run, one thread's own: a frame becomes people, steadied, predicted, and posed rigs.

Frames with a person in them, frames without, and no frames at all follow one another without a jump: time given to the
stages never runs backwards, and whatever is exchanged while it runs is bridged. Seconds on the program's clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from bodydouble.characters import Puppet
from bodydouble.estimate import Estimator, Steered
from bodydouble.pipeline import Cast, Config, Steady, Watch, blend
from bodydouble.retarget.neutral import Neutral
from bodydouble.types import UNTRACKED, Array, Camera, Frame, Pose, Rig, RigPose, State

STEP = 1e-4  # seconds by which times grow at least, where a frame is older than what was shown while none came
BRIDGE = 0.35  # seconds in which the character goes from the old to the new when a setting changes
AHEAD_SLOWEST = 0.25  # seconds a second by which the time predicted for may change: motion is never seen to hurry
AHEAD_MOST = 0.120  # seconds beyond which prediction invents more than it makes up for
LAG_SETTLING = 0.5  # seconds
UNKNOWN_SIZE = (1280, 720)  # of the picture while no frame has come; nothing depends on it then


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What one step gave: see LiveMoment."""

    time: float
    people: list[Pose]
    seen: list[Pose]
    rigs: dict[int, RigPose]

    @property
    def idle(self) -> bool:
        """Whether nobody moves a character."""
        return all(rig.state is State.LOST for rig in self.rigs.values())


class Bridge:
    """Leads from what was shown to what is shown now, after a change."""

    def __init__(self) -> None:
        self._from: dict[int, RigPose] = {}
        self._began = -math.inf

    def begin(self, shown: dict[int, RigPose], time: float) -> None:
        """Come from here, at `time`."""
        self._from, self._began = dict(shown), time

    def drop(self) -> None:
        """Come from nowhere: another character shows."""
        self._from = {}

    def __call__(self, rig: Rig, rigs: dict[int, RigPose], time: float) -> dict[int, RigPose]:
        """The rigs to show at `time`."""
        share = (time - self._began) / BRIDGE
        if not self._from or not 0 <= share < 1:
            self._from = {}
            return rigs
        share = share * share * (3 - 2 * share)
        only = next(iter(self._from.values())) if len(self._from) == len(rigs) == 1 else None
        starts = {person: self._from.get(person, only) for person in rigs}
        return {
            person: pose if (start := starts[person]) is None else _between(rig, start, pose, share)
            for person, pose in rigs.items()
        }


def _between(rig: Rig, start: RigPose, pose: RigPose, share: float) -> RigPose:
    """`share` of the way from `start` to `pose`, of whom everything but the posture is."""
    mixed = blend(rig, start, pose, share)
    return replace(mixed, time=pose.time, person=pose.person, state=pose.state, facing=pose.facing)


class Performance:
    """Poses one character, or one for each person, from frames; keeps people's identities whatever is exchanged."""

    def __init__(self, puppet: Puppet, config: Config, neutral: Neutral | None = None) -> None:
        self.puppet = puppet
        self.config = config
        self._neutral, self._applied = neutral, _applicable(neutral, config)
        self._watch: Watch | None = None
        self._size = UNKNOWN_SIZE
        self._steady = Steady(config.smooth)
        self._cast = self._casting()
        self._bridge = Bridge()
        self._rigs: dict[int, RigPose] = {}
        self._time = -math.inf  # of the last frame or tick that was steadied
        self._posed = -math.inf  # of the last pose
        self._person = UNTRACKED  # who moves the one character
        self._ahead = 0.0
        self._lag = 0.0  # by which poses shown are behind the clock, smoothed
        self.looked = 0.0  # seconds that the model took for the last frame

    @property
    def watch(self) -> Watch | None:
        """Who looks at frames; None while no model is there."""
        return self._watch

    @property
    def camera(self) -> Camera | None:
        """The camera that the people are seen with, None where perspective is left in."""
        return None if self.config.fov is None else Camera(self._size, self.config.fov)

    @property
    def others(self) -> int:
        """People who were in sight when the one followed was taken, besides; 0 where that is not known."""
        estimator = None if self._watch is None else self._watch.estimate
        return estimator.others if isinstance(estimator, Steered) else 0

    def estimate_with(self, estimator: Estimator) -> None:
        """Look with this model from the next frame on."""
        if self._watch is None:
            self._watch = Watch(replace(self.config, model=estimator.model), estimator)
            return
        if self._watch.estimate is estimator:
            return
        self._steady.handover()
        if self._watch.estimate.skeleton is not estimator.skeleton:
            self._bridge.begin(self._rigs, self._posed)
        self._watch.exchange(estimator)

    def without_model(self) -> None:
        """See nobody until another model is there."""
        self._watch = None

    def change(self, config: Config, neutral: Neutral | None) -> None:
        """Pose with other choices from the next step on; who is who and how they are built is kept."""
        if config == self.config and neutral is self._neutral:
            return
        before, self.config = self.config, config
        if neutral is not self._neutral or config.person != before.person:
            self._neutral, self._applied = neutral, _applicable(neutral, config)
        if config.person != before.person:
            self._rename(config)
        if config.smooth != before.smooth:
            self._steady = Steady(config.smooth)
        self._recast()
        self._bridge.begin(self._rigs, self._posed)

    def play(self, puppet: Puppet) -> None:
        """Another character from the next step on, in the pose of now."""
        self.puppet = puppet
        self._recast()
        self._rigs = {}
        self._bridge.drop()

    def follow(self, frame: Frame, box: Array) -> bool:
        """Follow the person in a box of this frame, (4,) x, y, width, height in pixels; False if nobody is there."""
        if self._watch is None or not isinstance(self._watch.estimate, Steered):
            return False
        if not self._watch.estimate.follow(frame, box):
            return False
        self._watch.identify.release()
        self._bridge.begin(self._rigs, self._posed)
        return True

    def frame(self, frame: Frame, ahead: float, now: float) -> Shown:
        """What a frame shows, posed for `ahead` seconds after it was captured (at most AHEAD_MOST, and eased)."""
        if frame.size != self._size:
            self._size = frame.size
            self._steady.reset()  # what it remembers is pixels
            self._recast()
            self._bridge.begin(self._rigs, self._posed)
        began = perf_counter()
        seen = [] if self._watch is None else self._watch(frame)
        self.looked = perf_counter() - began
        return self._step(seen, frame.time, ahead, now)

    def tick(self, ahead: float, now: float) -> Shown:
        """What is shown when no frame comes: who was there is held for a moment, then the character idles."""
        return self._step([], now - self._lag - self._ahead, ahead, now, settled=True)

    def _step(self, seen: list[Pose], time: float, ahead: float, now: float, *, settled: bool = False) -> Shown:
        time = max(time, self._time + STEP)
        step = 0.0 if math.isinf(self._time) else time - self._time
        self._time = time
        people = self._playing(seen, self._steady(_at(seen, time), time))
        self._ease_ahead(ahead, step)
        posed = max(time + self._ahead, self._posed + STEP)
        self._posed = posed
        if not settled:
            share = 1.0 if step == 0 else -math.expm1(-step / LAG_SETTLING)
            self._lag += share * (max(now - posed, 0.0) - self._lag)
        predicted = self._playing(seen, self._steady.predict(self._ahead))
        rigs = self._cast(_at(predicted, posed), posed)
        self._rigs = self._bridge(self.puppet.rig, rigs, posed)
        return Shown(posed, people, seen, self._rigs)

    def _playing(self, seen: list[Pose], people: list[Pose]) -> list[Pose]:
        """Those who move a character: of one, not also the one before, who is still held and fading."""
        if self.config.person == "all":
            return people
        self._person = seen[0].person if seen else self._person
        return [pose for pose in people if pose.person == self._person]

    def _ease_ahead(self, wanted: float, step: float) -> None:
        wanted = min(max(wanted, 0.0), AHEAD_MOST)
        most = AHEAD_SLOWEST * step
        self._ahead += min(max(wanted - self._ahead, -most), most)

    def _recast(self) -> None:
        before, self._cast = self._cast, self._casting()
        self._cast.adopt(before)

    def _casting(self) -> Cast:
        """A cast that knows nobody yet."""
        return Cast(self.puppet.rig, self.config, self._size, neutral=self._applied, alive=True)

    def _rename(self, config: Config) -> None:
        """Follow one person, or all: the model for it comes by estimate_with()."""
        if self._watch is not None:
            self._watch.identify.person = config.person
            self._watch.identify.release()


def _applicable(neutral: Neutral | None, config: Config) -> Neutral | None:
    """The calibration as it holds for whoever may be seen: of several people only the camera's tilt is known."""
    if neutral is None or config.person != "all":
        return neutral
    body = replace(neutral.body, confidence=np.zeros_like(neutral.body.confidence))
    return replace(neutral, body=body, sure=np.zeros_like(neutral.sure))


def _at(poses: Iterable[Pose], time: float) -> list[Pose]:
    """The same poses as of `time`."""
    return [pose if pose.time == time else replace(pose, time=time) for pose in poses]


def followed(people: Iterable[Pose]) -> int:
    """The one person who is there, UNTRACKED if nobody is."""
    return next((pose.person for pose in people), UNTRACKED)
