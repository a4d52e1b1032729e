"""What the program tells a page in its messages: what there is to choose from, and how all goes.

Parts of `Choices` and `Status` (stage/messages.py); the TypeScript of them is generated (stage/typescript.py). Sizes
are (width, height) in pixels, rates are per second, times in seconds unless said otherwise. Frozen; no logic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


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
