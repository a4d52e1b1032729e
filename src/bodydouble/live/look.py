"""How a recording was shown live, kept in its take's settings as text: so that a film of it shows the same.

A take's own `smooth` stays 0, as its points are those measured; what is kept here is named "live.…".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bodydouble import pipeline
from bodydouble.live.config import LiveConfig
from bodydouble.outputs.colours import TRANSPARENT, is_colour
from bodydouble.outputs.take_format import TakeInfo
from bodydouble.retarget.neutral import Neutral
from bodydouble.types import BodyDoubleError

PICTURE = "picture:"  # before a background's name in the pictures folder
_MARK = "live."


@dataclass(frozen=True, slots=True)
class LiveLook:
    """How a character was shown. background: "transparent", a CSS colour or a picture's path. fov: radians or None.

    fps: moments a second. neutral: a calibration as to_toml() gives it. The others are as in LiveConfig.
    """

    character: str
    person: str
    mirror: bool
    smooth: float
    place: float
    fov: float | None
    framing: str
    background: str
    shadow: bool
    fps: float
    neutral: Mapping[str, object] | None = None

    @property
    def calibration(self) -> Neutral | None:
        """The neutral posture, read. Raises BodyDoubleError for values that are none."""
        return None if self.neutral is None else Neutral.from_toml(self.neutral)

    @property
    def config(self) -> pipeline.Config:
        """The same for a run over the take. Raises BodyDoubleError for what cannot be."""
        return pipeline.Config(
            person=self.person, smooth=self.smooth, place=self.place, mirror=self.mirror, fov=self.fov
        )


def look_of(config: LiveConfig, pictures: Path | None = None) -> LiveLook:
    """How a live run shows its character. pictures: the folder of the backgrounds called "picture:NAME"."""
    return LiveLook(
        character=str(config.character),
        person=config.person,
        mirror=config.mirror,
        smooth=config.smooth,
        place=config.place,
        fov=config.fov,
        framing=config.framing,
        background=background_of(config.background, pictures),
        shadow=config.shadow,
        fps=config.fps,
        neutral=config.neutral,
    )


def background_of(background: str, pictures: Path | None) -> str:
    """A live run's background as outputs.draw.Stage takes it; transparent for a picture whose folder is unknown."""
    if not background.startswith(PICTURE):
        return background
    return TRANSPARENT if pictures is None else str(pictures / Path(background.removeprefix(PICTURE)).name)


def opaque(background: str, instead: str) -> str:
    """The background if anything is to be seen of it, else `instead`."""
    if background.strip().lower() == TRANSPARENT:
        return instead
    return background if is_colour(background) or Path(background).is_file() else instead


def to_settings(look: LiveLook) -> dict[str, str]:
    """As settings of a take."""
    values = {name: getattr(look, name) for name in LiveLook.__dataclass_fields__}
    return {f"{_MARK}{name}": _text(value) for name, value in values.items()}


def is_live(info: TakeInfo) -> bool:
    """Whether a take was recorded live."""
    return f"{_MARK}character" in info.settings


def from_settings(info: TakeInfo) -> LiveLook:
    """What a take says of how it was shown. Raises BodyDoubleError if it was not recorded live, or is damaged."""
    if not is_live(info):
        raise BodyDoubleError(
            "this take was not recorded live, so it does not say how it was shown; leave --as-live out"
        )
    text = {name.removeprefix(_MARK): value for name, value in info.settings.items() if name.startswith(_MARK)}
    try:
        return _read(text)
    except (KeyError, ValueError) as error:
        raise BodyDoubleError(f"this take does not say how it was shown ({error}); leave --as-live out") from error


def _read(text: Mapping[str, str]) -> LiveLook:
    numbers = {name: float(text[name]) for name in ("smooth", "place", "fps")}
    if not all(map(math.isfinite, numbers.values())):
        raise ValueError("a number is not finite")
    return LiveLook(
        character=text["character"],
        person=text["person"],
        mirror=text["mirror"] == "yes",
        fov=float(text["fov"]) if text["fov"] else None,
        framing=text["framing"],
        background=text["background"],
        shadow=text["shadow"] == "yes",
        neutral=json.loads(text["neutral"]) if text.get("neutral") else None,
        **numbers,
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return json.dumps(dict(value))
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
