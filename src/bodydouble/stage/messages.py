"""What a page and the program say to each other; the TypeScript of it is generated (stage/typescript.py).

Text frames are JSON objects, told apart by `kind`. Binary frames begin with one byte, a `Binary`, and are laid out by
LAYOUTS below, little endian. Every time is in seconds on the program's clock (live/clock.py); a page finds its offset
to that clock by Ping and Pong. Pictures' places are fractions of the picture, x right, y down. Frozen; no logic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

PROTOCOL = 1  # raised when a message changes its meaning; a page of another number reloads itself


class Binary(IntEnum):
    """The first byte of a binary frame."""

    MOTION = 1  # program -> page: what every character does at one time
    PEOPLE = 2  # program -> control page: the people's points in the camera's picture
    PREVIEW = 3  # program -> control page: the camera's picture, a JPEG
    CAMERA = 4  # page -> program: one frame of the browser's own camera, a JPEG


# Each layout: (name, type) in order, no gaps but those named. Types: u8 u16 u32 i32 f32 f64; "f32[n]": n numbers, where
# n is a field before it; "f32[n*2]" pairs; "bytes": the rest; "Figure[n]": n of another layout, one after the other.
LAYOUTS: dict[str, tuple[tuple[str, str], ...]] = {
    "Motion": (
        ("type", "u8"),
        ("figure_count", "u8"),
        ("flags", "u16"),  # bit 0: nobody is followed, the figures idle
        ("sequence", "u32"),  # grows by one a motion; a page acknowledges it
        ("captured", "f64"),  # when the camera's frame was taken; 0 where no frame is behind it
        ("time", "f64"),  # the moment that the pose is for: captured, plus what was predicted
        ("sent", "f64"),
        ("figures", "Figure[figure_count]"),
    ),
    "Figure": (
        ("person", "i32"),
        ("state", "u8"),  # 0 tracked, 1 upper body, 2 turned away, 3 lost
        ("blink", "u8"),  # 0 eyes open .. 255 shut
        ("bone_count", "u16"),
        ("offset", "f32[2]"),
        ("size", "f32"),
        ("facing", "f32"),
        ("heads", "f32[bone_count*2]"),
        ("angles", "f32[bone_count]"),
        ("lengths", "f32[bone_count]"),
        ("nearness", "f32[bone_count]"),
    ),
    "People": (
        ("type", "u8"),
        ("person_count", "u8"),
        ("point_count", "u16"),
        ("width", "u16"),  # of the camera's picture, pixels
        ("height", "u16"),
        ("captured", "f64"),
        ("people", "Person[person_count]"),
    ),
    "Person": (
        ("person", "i32"),
        ("state", "u8"),
        ("followed", "u8"),  # 1: this one moves the character
        ("point_count", "u16"),
        ("points", "f32[point_count*2]"),  # fractions of the picture
        ("scores", "f32[point_count]"),
    ),
    "Preview": (
        ("type", "u8"),
        ("pad", "u8"),
        ("width", "u16"),
        ("height", "u16"),
        ("pad2", "u16"),
        ("captured", "f64"),
        ("jpeg", "bytes"),
    ),
    "CameraFrame": (
        ("type", "u8"),
        ("pad", "u8"),
        ("width", "u16"),
        ("height", "u16"),
        ("pad2", "u16"),
        ("captured", "f64"),
        ("jpeg", "bytes"),
    ),
}


# ---- what both sides know -------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class CameraMode:
    """A size and rate that a camera offers."""

    width: int
    height: int
    fps: float


@dataclass(frozen=True, slots=True)
class CameraChoice:
    """A camera as the page lists it. name: what `--camera` and Settings.camera take; label: what people read.

    kind: only a camera and the browser's can be asked for a size and rate.
    """

    name: str
    label: str
    modes: list[CameraMode] = field(default_factory=list)
    kind: Literal["camera", "file", "stream", "browser"] = "camera"


@dataclass(frozen=True, slots=True)
class CharacterChoice:
    """A character as the page lists it. thumbnail: address of a PNG. own: added by the user, may be removed."""

    name: str
    label: str
    author: str
    thumbnail: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class SourceReport:
    """How the camera does. state: one word for the colour of a lamp; message: one plain sentence, "" if all is well.

    size, fps: as granted and as measured. captured, dropped: frames since the start; dropped ones were overtaken by
    newer ones before the model was free.
    """

    name: str
    state: Literal["opening", "live", "waiting", "busy", "no_permission", "unplugged", "black", "failed"]
    message: str
    size: tuple[int, int]
    fps: float
    captured: int
    dropped: int


@dataclass(frozen=True, slots=True)
class ModelReport:
    """The model in use. loading: one that is being fetched or warmed up, "" if none; progress of it 0..1."""

    name: str
    provider: str
    automatic: bool
    loading: str
    progress: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class LatencyReport:
    """Milliseconds from a frame's capture, over the last ten seconds: until the program was done, until a page had
    posed the character, until it had drawn it; 50th and 95th percentile, 0 where unknown.
    """

    ready: tuple[float, float]
    posed: tuple[float, float]
    drawn: tuple[float, float]
    pose_rate: float
    draw_rate: float


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """state: off, recording, or saving (a film is being made; progress 0..1). path: of the last or current take.

    film: the address to fetch the film made last from, "" if none was made.
    """

    state: Literal["off", "recording", "saving"]
    path: str
    seconds: float
    frames: int
    progress: float
    message: str
    film: str = ""


@dataclass(frozen=True, slots=True)
class OutputReport:
    """The virtual camera and the feeds. message: why it is not there and what to do, "" if all is well."""

    virtual_camera: bool
    virtual_camera_device: str
    message: str
    osc: str
    pages: int


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """state: none, countdown (seconds left), holding (stand still), done, failed (message says why).

    calibrated: one made now or before is in force.
    """

    state: Literal["none", "countdown", "holding", "done", "failed"]
    seconds: float
    message: str
    calibrated: bool = False


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
