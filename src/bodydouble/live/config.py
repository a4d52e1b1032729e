"""All that a live run may be asked for, in one frozen value; a change makes a new one.

Radians; pixels. The same choices as the pages' Settings (stage/messages.py), parsed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bodydouble import pipeline
from bodydouble.retarget.neutral import Neutral
from bodydouble.types import BodyDoubleError

AUTO = "auto"  # of the models: the governor chooses
LEAST_RATE, MOST_RATE = 1.0, 240.0  # frames a second that a camera may be asked for
LEAST_SIDE, MOST_SIDE = 16, 8192  # pixels
BACKGROUND = re.compile(r"transparent|#[0-9a-fA-F]{6}|picture:[^/\\]+")


@dataclass(frozen=True, slots=True)
class LiveConfig:
    """What a live run does.

    camera: as sources.live.open_live takes it, "" for the first one. size, fps: asked of the camera. character: a
    sample's name or a folder. model: AUTO or a name. person: "largest" locks on to one, "all" gives each a character.
    mirror: the character is the person's mirror image. smooth: 0..1. place: 0 stays put, 1 goes where the person goes.
    compensation: share 0..1 of the delay that prediction makes up for. fov: radians across the picture's longer side,
    None leaves perspective in. framing, background ("transparent", "#rrggbb", "picture:NAME"), shadow: of the stage.
    neutral: the calibration as retarget.neutral's to_toml gives it, None before one was made.
    Raises BodyDoubleError for a value that cannot be.
    """

    camera: str = ""
    size: tuple[int, int] | None = None
    fps: float = 30.0
    character: str | Path = "fox"
    model: str = AUTO
    device: str = "auto"
    person: Literal["largest", "all"] = "largest"
    mirror: bool = True
    smooth: float = 0.5
    place: float = 0.3
    compensation: float = 0.7
    fov: float | None = pipeline.DEFAULT_FOV
    framing: Literal["full", "half", "head"] = "full"
    background: str = "transparent"
    shadow: bool = True
    neutral: Mapping[str, object] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        for name, least, most in (("fps", LEAST_RATE, MOST_RATE), ("compensation", 0, 1)):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not math.isfinite(value) or not least <= value <= most:
                raise BodyDoubleError(f"{name} {value!r}; wanted a number from {least:g} to {most:g}")
        if self.size is not None and not all(LEAST_SIDE <= side <= MOST_SIDE for side in self.size):
            raise BodyDoubleError(
                f"camera size {self.size[0]}x{self.size[1]}; wanted {LEAST_SIDE} to {MOST_SIDE} pixels"
            )
        if self.person not in ("largest", "all"):
            raise BodyDoubleError(f'person "{self.person}"; wanted largest or all')
        if self.framing not in ("full", "half", "head"):
            raise BodyDoubleError(f'framing "{self.framing}"; wanted full, half or head')
        if not BACKGROUND.fullmatch(self.background):
            raise BodyDoubleError(f'background "{self.background}"; wanted transparent, #rrggbb or picture:NAME')
        _ = self.performance, self.calibration  # check what they are made of

    @property
    def automatic(self) -> bool:
        """Whether the governor chooses the model."""
        return self.model == AUTO

    @property
    def calibration(self) -> Neutral | None:
        """The neutral posture, read. Raises BodyDoubleError for values that are none."""
        return None if self.neutral is None else Neutral.from_toml(self.neutral)

    @property
    def performance(self) -> pipeline.Config:
        """What posing and casting need of it; equal for two configurations that pose alike."""
        return pipeline.Config(
            device=self.device,
            person=self.person,
            smooth=self.smooth,
            place=self.place,
            mirror=self.mirror,
            fov=self.fov,
        )
