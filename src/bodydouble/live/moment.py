"""What a live run publishes: a LiveMoment for every frame (or idle tick), and on request a LiveReport of how all goes.

Seconds on live.clock.now(); milliseconds where a name says so. Frozen; shared by all who listen, never written to.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bodydouble.characters import Puppet
from bodydouble.sources.live import Health
from bodydouble.types import Frame, Pose, RigPose


@dataclass(frozen=True, slots=True, eq=False)
class LiveMoment:
    """What every character does at one time.

    sequence: grows by one a moment. captured: when the camera's frame was taken, 0 where no frame is behind it. time:
    the moment that is posed for: captured, plus what was predicted. ready: when it was published. people: steadied, at
    the time of capture. seen: as measured. rigs: by person, from picture left to right. followed: the person who moves
    the character, -1 for nobody or for "all". idle: nobody is followed, the figures idle. model: "" while none is
    loaded. puppet: whom the rigs are of; revision: grows when it changes.
    """

    sequence: int
    captured: float
    time: float
    ready: float
    people: list[Pose]
    seen: list[Pose]
    rigs: dict[int, RigPose]
    frame: Frame | None
    followed: int
    idle: bool
    model: str
    puppet: Puppet
    revision: int


@dataclass(frozen=True, slots=True)
class ModelState:
    """The model in use. loading: one being fetched or warmed up, "" if none; progress of that 0..1.

    milliseconds: of the estimator for a frame, the 80th percentile of late; 0 before the first.
    """

    name: str = ""
    provider: str = ""
    automatic: bool = False
    loading: str = ""
    progress: float = 0.0
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class LatencyFigures:
    """Milliseconds from a frame's capture over the last ten seconds, (p50, p95), 0 where unknown.

    ready: until the program was done; posed: until a page had posed the character; drawn: until it had drawn it.
    pose_rate: frames posed a second; draw_rate: pictures a second of the page that draws most; work: milliseconds of a
    page's main thread for a picture (p50).
    """

    ready: tuple[float, float] = (0.0, 0.0)
    posed: tuple[float, float] = (0.0, 0.0)
    drawn: tuple[float, float] = (0.0, 0.0)
    pose_rate: float = 0.0
    draw_rate: float = 0.0
    work: float = 0.0


@dataclass(frozen=True, slots=True)
class CalibrationState:
    """state: none, countdown (seconds left), holding (stand still, seconds left), done, failed (message says why)."""

    state: str = "none"
    seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class LiveReport:
    """How a live run goes. source.dropped counts frames overtaken in the source and in the engine alike.

    confidence: 0..1 of the person followed. hint: one plain sentence when tracking is poor, or when something asked for
    could not be had; "" when all is well. people: in sight. counts: frames captured, and dropped, since the run began,
    of whatever camera.
    """

    time: float
    source: Health
    model: ModelState = field(default_factory=ModelState)
    latency: LatencyFigures = field(default_factory=LatencyFigures)
    confidence: float = 0.0
    hint: str = ""
    people: int = 0
    calibration: CalibrationState = field(default_factory=CalibrationState)
    counts: tuple[int, int] = (0, 0)
