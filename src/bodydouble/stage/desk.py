"""What a user may do and choose while live, whichever page asks for it: one desk for all pages.

Every method may take a while, so the hub calls them in one thread, one after the other; `status` and `scene` return at
once and may be called beside them. What cannot be done is a BodyDoubleError in one sentence, and all goes on as before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, Protocol, cast
from urllib.parse import quote

from bodydouble.characters import Puppet
from bodydouble.live.clock import now
from bodydouble.live.config import LiveConfig
from bodydouble.live.feed import OscFeed
from bodydouble.live.models import names
from bodydouble.live.moment import LiveMoment, LiveReport
from bodydouble.live.recording import Recorder, RecordingState
from bodydouble.live.snapshot import snapshot
from bodydouble.live.virtual_camera import VirtualCamera
from bodydouble.sources.pushed import Pushed
from bodydouble.stage import messages, reports
from bodydouble.stage.backgrounds import add_backgrounds, find_background, remove_background
from bodydouble.stage.folders import Folders
from bodydouble.stage.listing import Listing, cameras
from bodydouble.stage.settings import PICTURE, Kept, to_config
from bodydouble.stage.wardrobe import Wardrobe
from bodydouble.types import BodyDoubleError


class Run(Protocol):
    """What the pages want of a live run (live.engine.Live)."""

    @property
    def config(self) -> LiveConfig: ...  # noqa: D102

    @property
    def browser(self) -> Pushed | None: ...  # noqa: D102

    @property
    def puppet(self) -> Puppet: ...  # noqa: D102

    @property
    def revision(self) -> int: ...  # noqa: D102

    @property
    def newest(self) -> LiveMoment | None: ...  # noqa: D102

    def change(self, config: LiveConfig) -> None: ...  # noqa: D102

    def listen(self, callback: Callable[[LiveMoment], None]) -> Callable[[], None]: ...  # noqa: D102

    def acknowledge(  # noqa: D102
        self, sequence: int, posed: float, drawn: float, draw_rate: float, work: float = 0.0
    ) -> None: ...

    def follow(self, x: float, y: float) -> bool: ...  # noqa: D102

    def calibrate(self, seconds: float) -> None: ...  # noqa: D102

    def report(self) -> LiveReport: ...  # noqa: D102


class Desk:
    """The settings in force, and the commands. settings: to begin with, as Kept.first gives them."""

    def __init__(
        self,
        live: Run,
        settings: messages.Settings,
        kept: Kept,
        folders: Folders,
        wardrobe: Wardrobe,
        *,
        osc: OscFeed | None = None,
        find_cameras: Callable[[], list[reports.CameraChoice]] = cameras,
    ) -> None:
        self.live = live
        self.settings = settings
        self.folders = folders
        self.wardrobe = wardrobe
        self._kept = kept
        self.listing = Listing(wardrobe, folders.backgrounds, settings.camera, find_cameras)
        self._neutral = live.config.neutral
        self._recorder = Recorder(pictures=folders.backgrounds)
        self._virtual = VirtualCamera(pictures=folders.backgrounds)
        self._osc = osc
        self._closing = threading.Lock()

    def close(self) -> None:
        """Complete what is being recorded, switch the virtual camera off, write the settings."""
        with self._closing:
            self._recorder.close()
            self._virtual.close()
            if self._osc is not None:
                self._osc.close()
            self.tick()
            self._kept.flush(at_once=True)

    @property
    def recording(self) -> RecordingState:
        """How the recording goes."""
        return self._recorder.report

    # ---- commands, one at a time -------------------------------------------------------------------------------

    def change(self, values: Mapping[str, object]) -> None:
        """Other settings; a camera or character that is chosen anew brings what it was left with."""
        after = self._kept.chosen(self.settings, values)
        self._check_names(after, values)
        self.tick()  # a calibration that was just made belongs to the camera before
        neutral = self._neutral if after.camera == self.settings.camera else self._kept.neutral(after.camera)
        self.live.change(to_config(after, self.wardrobe.place(after.character), neutral))
        self.settings, self._neutral = after, neutral
        self._kept.keep(after)

    def calibrate(self, seconds: float) -> str:
        """Begin the countdown; 0 forgets the calibration, less than 0 leaves off a countdown."""
        self.live.calibrate(seconds)
        self.tick()
        return "" if seconds else "The calibration is forgotten."

    def record(self, on: bool, film: bool) -> tuple[str, str]:
        """Start or stop a recording; what to say, and the address of the take."""
        if on:
            path = self._recorder.start(self.live, self.folders.recordings, film)
            return f"Recording to {path.name}", ""
        path = self._recorder.stop(film)
        return f"Saved as {path}", recording_address(path)

    def snapshot(self, transparent: bool) -> tuple[str, str]:
        """Save the character as it is now; what to say, and the picture's address."""
        path = snapshot(self.live, self.folders.recordings, transparent, pictures=self.folders.backgrounds)
        return f"Saved as {path}", recording_address(path)

    def virtual_camera(self, on: bool) -> str:
        """Switch the virtual camera."""
        if on:
            return f"The virtual camera is on: choose {self._virtual.start(self.live)} as the camera."
        self._virtual.stop()
        return ""

    def follow(self, x: float, y: float) -> str:
        """Follow the person at this place of the picture."""
        if not self.live.follow(x, y):
            raise BodyDoubleError("nobody can be followed there; click on a person in the camera's picture")
        return ""

    def add_character(self, uploads: Sequence[tuple[str, bytes]]) -> tuple[str, list[str]]:
        """A new character from what a page sent; its name, and what its maker will want to know."""
        added = self.wardrobe.add(uploads)
        self.listing.refresh_folders()
        return added

    def add_backgrounds(self, uploads: Sequence[tuple[str, bytes]]) -> str:
        """New background pictures; the first one's name."""
        name = add_backgrounds(self.folders.backgrounds, uploads)
        self.listing.refresh_folders()
        return name

    def remove(self, name: str) -> None:
        """Remove one of the user's own characters."""
        if name == self.settings.character:
            raise BodyDoubleError("this character is on the stage; choose another one first")
        self.wardrobe.remove(name)
        self.listing.refresh_folders()

    def remove_background(self, name: str) -> None:
        """Remove a background picture; one that is in use gives way to a transparent background."""
        if self.settings.background == PICTURE + name:
            self.change({"background": "transparent"})
        remove_background(self.folders.backgrounds, name)
        self.listing.refresh_folders()

    def tick(self) -> None:
        """What is done twice a second: a calibration that was made is kept, settings that are due are written."""
        neutral = self.live.config.neutral
        if neutral != self._neutral:
            self._neutral = neutral
            self._kept.keep_neutral(self.settings.camera, neutral)
        self._kept.flush()

    # ---- what pages are told ------------------------------------------------------------------------------------

    def choices(self, stage_address: str, lan_address: str) -> messages.Choices:
        """What there is to choose from, as of the last refresh."""
        return messages.Choices(
            "choices",
            cameras=self.listing.cameras,
            characters=self.listing.characters,
            models=names(),
            backgrounds=self.listing.backgrounds,
            stage_address=stage_address,
            lan_address=lan_address,
        )

    def scene(self, character: str, puppet: str) -> messages.Scene:
        """What the stage shows. character: whose mesh is loaded; puppet: that mesh's address."""
        settings = self.settings
        background = settings.background
        if background.startswith(PICTURE):
            background = f"/api/backgrounds/{quote(background.removeprefix(PICTURE), safe='')}"
        return messages.Scene("scene", character, puppet, settings.framing, background, settings.shadow)

    def status(self, pages: int) -> messages.Status:
        """How all goes."""
        report = self.live.report()
        source, recording = report.source, self._recorder.report
        return messages.Status(
            "status",
            time=now(),
            source=reports.SourceReport(
                source.name,
                cast(Any, source.condition.value),
                source.message,
                source.size,
                source.fps,
                source.captured,
                source.dropped,
            ),
            model=_as(reports.ModelReport, report.model),
            latency=_as(reports.LatencyReport, report.latency),
            recording=reports.RecordingReport(
                cast(Literal["off", "recording", "saving"], recording.state),
                "" if recording.path is None else str(recording.path),
                recording.seconds,
                recording.frames,
                recording.progress,
                recording.message,
                "" if recording.film is None else recording_address(recording.film),
            ),
            output=self._output(pages),
            calibration=reports.CalibrationReport(
                cast(Any, report.calibration.state),
                report.calibration.seconds,
                report.calibration.message,
                self.live.config.neutral is not None,
            ),
            confidence=report.confidence,
            hint=report.hint,
            people=report.people,
        )

    def _output(self, pages: int) -> reports.OutputReport:
        """The virtual camera and the feeds."""
        virtual = self._virtual.report
        osc = "" if self._osc is None else self._osc.address
        trouble = "" if self._osc is None else self._osc.message
        return reports.OutputReport(virtual.on, virtual.device, virtual.message or trouble, osc, pages)

    def _check_names(self, after: messages.Settings, values: Mapping[str, object]) -> None:
        """Raises BodyDoubleError for a name that a page may not use: what is not listed here is no page's business."""
        if "camera" in values and after.camera != self.settings.camera:
            listed = [camera.name for camera in self.listing.cameras]
            if after.camera not in listed:
                raise BodyDoubleError(f'no camera "{after.camera}"; choose from {", ".join(listed)}')
        if after.background.startswith(PICTURE):
            find_background(self.folders.backgrounds, after.background.removeprefix(PICTURE))
        self.wardrobe.find(after.character)


def recording_address(path: Path) -> str:
    """Where a page fetches a recording or snapshot from."""
    return f"/api/recordings/{quote(path.name, safe='')}"


def _as(kind: type[Any], value: object) -> Any:
    """A message's part made of a value with the same fields."""
    return kind(**{field.name: getattr(value, field.name) for field in fields(kind)})
