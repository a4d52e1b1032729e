"""What a page and the program say to each other in text; the TypeScript of it is generated (stage/typescript.py).

Text frames are JSON objects, told apart by `kind`; what the program tells of itself in them: stage/reports.py, binary
frames: stage/layouts.py. Every time is in seconds on the program's clock (live/clock.py); a page finds its offset to
that clock by Ping and Pong. Pictures' places are fractions of the picture, x right, y down. Frozen; no logic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bodydouble.stage.reports import (
    CalibrationReport,
    CameraChoice,
    CharacterChoice,
    LatencyReport,
    ModelReport,
    OutputReport,
    RecordingReport,
    SourceReport,
)

PROTOCOL = 1  # raised when a message or a layout changes its meaning; a page of another number reloads itself


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a user may choose; kept per camera and character in live.toml (stage/settings.py).

    camera: a camera's name, "browser", a file or an address. size: "" or WIDTHxHEIGHT asked of the camera. fps: asked.
    person: "largest" or "all". smooth: 0..1. place: 0 stays put, 1 goes where the person goes. compensation: 0..1, how
    much of the delay is made up for by prediction. fov: degrees, 0 leaves perspective in. background: "transparent", a
    CSS colour (chroma), or "picture:NAME" of the pictures folder. framing: what of the character is shown.
    """

    camera: str = ""
    size: str = ""
    fps: float = 30.0
    character: str = "fox"
    model: str = "auto"
    device: str = "auto"
    person: Literal["largest", "all"] = "largest"
    mirror: bool = True
    smooth: float = 0.5
    place: float = 0.3
    compensation: float = 0.7
    fov: float = 60.0
    framing: Literal["full", "half", "head"] = "full"
    background: str = "transparent"
    shadow: bool = True


# ---- program -> page ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """First word to every page. session: changes when the program was started anew."""

    kind: Literal["hello"]
    version: str
    protocol: int
    session: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What the stage shows. puppet: address of the character's mesh; it changes when the character does.

    background: "transparent", "#rrggbb", or the address of a picture. mirror is already in the motion.
    """

    kind: Literal["scene"]
    character: str
    puppet: str
    framing: Literal["full", "half", "head"]
    background: str
    shadow: bool


@dataclass(frozen=True, slots=True)
class State:
    """The settings in force; sent when they change, whoever changed them."""

    kind: Literal["state"]
    settings: Settings


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from; sent at the start and when it changes."""

    kind: Literal["choices"]
    cameras: list[CameraChoice]
    characters: list[CharacterChoice]
    models: list[str]
    backgrounds: list[str]
    stage_address: str
    lan_address: str


@dataclass(frozen=True, slots=True)
class Status:
    """How all goes, twice a second. confidence: 0..1 of the person followed. hint: a plain sentence when tracking is
    poor, and why; "" when it is not. people: in sight.
    """

    kind: Literal["status"]
    time: float
    source: SourceReport
    model: ModelReport
    latency: LatencyReport
    recording: RecordingReport
    output: OutputReport
    calibration: CalibrationReport
    confidence: float
    hint: str
    people: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command. message: for people; path: of a file that was made, as an address to fetch it from."""

    kind: Literal["answer"]
    id: int
    ok: bool
    message: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Pong:
    """sent: as in the Ping. time: the program's clock when it came."""

    kind: Literal["pong"]
    sent: float
    time: float


# ---- page -> program ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ping:
    """sent: the page's own clock, any unit; comes back as it is."""

    kind: Literal["ping"]
    sent: float


@dataclass(frozen=True, slots=True)
class Ack:
    """A motion was taken up. posed: when the character had its pose; drawn: when a picture with it was drawn, 0 if it
    was overtaken. Program's clock. A page that does not acknowledge is sent no more than a few motions ahead.
    work: milliseconds of the page's main thread that a picture takes, median of the last second; 0 if none was.
    """

    kind: Literal["ack"]
    sequence: int
    posed: float
    drawn: float
    draw_rate: float
    work: float = 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """Other settings; only the named ones change."""

    kind: Literal["change"]
    id: int
    settings: dict[str, str | float | bool]


@dataclass(frozen=True, slots=True)
class Calibrate:
    """Begin the countdown of so many seconds; 0 forgets the calibration; less than 0 leaves off a countdown or
    measurement that is going on, and the calibration made before stays.
    """

    kind: Literal["calibrate"]
    id: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Record:
    """Start or stop a recording. film: also make a video of the character when it stops."""

    kind: Literal["record"]
    id: int
    on: bool
    film: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Save the character as it is now, as PNG."""

    kind: Literal["snapshot"]
    id: int
    transparent: bool = True


@dataclass(frozen=True, slots=True)
class VirtualCamera:
    """Switch the virtual camera."""

    kind: Literal["virtual_camera"]
    id: int
    on: bool


@dataclass(frozen=True, slots=True)
class Follow:
    """Follow the person at this place of the picture."""

    kind: Literal["follow"]
    id: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Refresh:
    """List cameras and characters anew."""

    kind: Literal["refresh"]
    id: int


@dataclass(frozen=True, slots=True)
class Preview:
    """Whether this page wants the camera's picture, and how wide at most, in pixels."""

    kind: Literal["preview"]
    on: bool
    width: int = 480


@dataclass(frozen=True, slots=True)
class BrowserCamera:
    """State of the page's own camera: on, or why not (for the status that every page shows)."""

    kind: Literal["browser_camera"]
    on: bool
    message: str = ""


FROM_PROGRAM = (Hello, Scene, State, Choices, Status, Answer, Pong)
FROM_PAGE = (Ping, Ack, Change, Calibrate, Record, Snapshot, VirtualCamera, Follow, Refresh, Preview, BrowserCamera)
