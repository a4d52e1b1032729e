"""A live run without camera, model or thread: tests move it by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bodydouble.characters import Puppet, load, rest_pose
from bodydouble.live.clock import now
from bodydouble.live.config import LiveConfig
from bodydouble.live.moment import CalibrationState, LiveMoment, LiveReport, ModelState
from bodydouble.retarget.calibration import typical
from bodydouble.retarget.neutral import BONE_INDEX, Neutral
from bodydouble.sources.live import Condition, Health
from bodydouble.sources.pushed import Pushed
from bodydouble.stage.desk import Desk
from bodydouble.stage.folders import Folders
from bodydouble.stage.reports import CameraChoice
from bodydouble.stage.settings import Kept, to_config
from bodydouble.stage.wardrobe import Wardrobe
from bodydouble.types import BodyDoubleError, Frame, Pose

CAMERA = CameraChoice("Made Camera", "Made Camera (number 0)")


_LOOKED: dict[Path, Any] = {}  # thumbnails take a while; they are made once for all tests


@cache
def _fox() -> Puppet:
    return load("fox", pixels=64)


class MadeLive:
    """What the server wants of a live run; `move` publishes a moment."""

    def __init__(self, config: LiveConfig | None = None, puppet: Puppet | None = None) -> None:
        self.config = config or LiveConfig()
        self.puppet = puppet or _fox()
        self.revision = 0
        self.newest: LiveMoment | None = None
        self.browser: Pushed | None = None
        self.changes: list[LiveConfig] = []
        self.acknowledged: list[tuple[int, float, float, float]] = []
        self.followed: list[tuple[float, float]] = []
        self.refuse = ""
        self.source: Health | None = None
        self.calibration = CalibrationState()
        self.model = ModelState()
        self.hint = ""
        self.listeners: list[Callable[[LiveMoment], None]] = []
        self._sequence = 0

    def change(self, config: LiveConfig) -> None:
        if self.refuse:
            raise BodyDoubleError(self.refuse)
        self.changes.append(config)
        self.config = config

    def listen(self, callback: Callable[[LiveMoment], None]) -> Callable[[], None]:
        self.listeners.append(callback)

        def stop() -> None:
            if callback in self.listeners:
                self.listeners.remove(callback)

        return stop

    def acknowledge(self, sequence: int, posed: float, drawn: float, draw_rate: float, work: float = 0.0) -> None:
        self.acknowledged.append((sequence, posed, drawn, draw_rate))

    def follow(self, x: float, y: float) -> bool:
        self.followed.append((x, y))
        return 0 <= x <= 1

    def calibrate(self, seconds: float) -> None:
        if seconds > 60:
            raise BodyDoubleError("a countdown that nobody waits for")
        self.calibration = CalibrationState("countdown", seconds) if seconds > 0 else CalibrationState()
        if seconds == 0:
            self.config = replace(self.config, neutral=None)

    def report(self) -> LiveReport:
        well = Health(Condition.LIVE, "", (640, 480), 30.0, 5, 1, "Made Camera")
        return LiveReport(now(), self.source or well, self.model, hint=self.hint, calibration=self.calibration)

    def move(self, *, people: list[Pose] | None = None, frame: bool = True) -> LiveMoment:
        """Publish the next moment, from whichever thread calls."""
        self._sequence += 1
        time = now()
        picture = Frame(np.full((48, 64, 3), 90, np.uint8), time, self._sequence) if frame else None
        rig = rest_pose(self.puppet.rig, time)
        self.newest = LiveMoment(
            sequence=self._sequence,
            captured=time if frame else 0.0,
            time=time,
            ready=time,
            people=people or [],
            seen=people or [],
            rigs={1: rig},
            frame=picture,
            followed=1,
            idle=not people,
            model="blazepose-full",
            puppet=self.puppet,
            revision=self.revision,
        )
        for call in list(self.listeners):
            call(self.newest)
        return self.newest


def neutral(pitch: float = 0.1) -> dict[str, Any]:
    """A calibration as a live run keeps it."""
    count = len(BONE_INDEX)
    held = np.tile([0.0, 1.0, 0.0], (count, 1))
    return Neutral(pitch, 0.0, typical(), held, np.ones(count)).to_toml()


def made_desk(folder: Path, live: MadeLive | None = None, **given: object) -> Desk:
    """A desk with everything of its own in `folder`."""
    folders = Folders(folder / "characters", folder / "backgrounds", folder / "recordings")
    kept = Kept(folder / "live.toml")
    settings = kept.first({"camera": CAMERA.name, **given})
    run = live or MadeLive(to_config(settings, settings.character))
    wardrobe = Wardrobe(folders.characters)
    wardrobe._looked = _LOOKED
    return Desk(run, settings, kept, folders, wardrobe, find_cameras=lambda: [CAMERA])
