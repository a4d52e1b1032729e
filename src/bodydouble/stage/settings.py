"""What a user chose: checked value by value, kept per camera and character in live.toml, and made a LiveConfig.

Degrees here, radians in LiveConfig. The file is one that a person reads and edits: what is wrong in it is told and left
out; a file that is no TOML is set aside. It is written whole, a moment after the last change.
"""

from __future__ import annotations

import math
import re
import tempfile
import tomllib
import typing
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import platformdirs

from bodydouble.live.clock import now
from bodydouble.live.config import LiveConfig
from bodydouble.models.cache import write_whole
from bodydouble.outputs.colours import colour, is_colour
from bodydouble.stage.messages import Settings
from bodydouble.stage.settings_text import as_text
from bodydouble.types import BodyDoubleError

FILE = "live.toml"
LATER = 1.0  # seconds from the last change to the writing: a slider that is dragged writes once
DIGITS = 6  # behind the point, of a calibration
LARGEST_FILE = 1 << 20  # bytes

Value = str | float | bool
Neutral = Mapping[str, object]  # as retarget.neutral writes it: numbers and lists of numbers by name

PER_CAMERA = ("size", "fps", "mirror", "fov")
PER_CHARACTER = ("framing", "background", "shadow", "place", "smooth")
LAST = ("camera", "character", "model", "device", "person", "compensation")
CALIBRATION = "calibration"
PICTURE = "picture:"  # what a background begins with that is one

BOUNDS = {"fps": (1, 240), "smooth": (0, 1), "place": (0, 5), "compensation": (0, 1)}
FOV = (5, 170)  # degrees, or 0
SIDES = (16, 8192)  # pixels of a camera's picture
_SIZE = re.compile(r"([1-9]\d{1,3})x([1-9]\d{1,3})")


def settings_path() -> Path:
    """Where settings are kept unless told otherwise."""
    return Path(platformdirs.user_config_dir("bodydouble", appauthor=False)) / FILE


def checked(name: str, value: object) -> Value:
    """A setting's value, as Settings holds it. Raises BodyDoubleError for an unknown name or a value that cannot be."""
    hints = typing.get_type_hints(Settings)
    if name not in hints:
        raise BodyDoubleError(f'no setting "{name}"; choose from {", ".join(hints)}')
    hint = hints[name]
    if hint is bool:
        if isinstance(value, bool):
            return value
        raise BodyDoubleError(f"{name} {value!r}; wanted true or false")
    if hint is float:
        return _number(name, value)
    if not isinstance(value, str) or not value.isprintable():
        raise BodyDoubleError(f"{name} {value!r}; wanted a text of one line")
    if choices := typing.get_args(hint):
        if value in choices:
            return value
        raise BodyDoubleError(f'{name} "{value}"; wanted {", ".join(choices[:-1])} or {choices[-1]}')
    if name == "size":
        return _size(value)
    return _background(value) if name == "background" else value


def _number(name: str, value: object) -> float:
    least, most = BOUNDS.get(name, FOV)
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if least <= number <= most or (name == "fov" and number == 0):
        return number
    or_none = ", or 0 to leave perspective in" if name == "fov" else ""
    raise BodyDoubleError(f"{name} {value!r}; wanted a number from {least} to {most}{or_none}")


def _size(value: str) -> str:
    match = _SIZE.fullmatch(value)
    if value and not (match and all(SIDES[0] <= int(side) <= SIDES[1] for side in match.groups())):
        raise BodyDoubleError(f'size "{value}"; wanted WIDTHxHEIGHT of {SIDES[0]} to {SIDES[1]} pixels, or ""')
    return value


def _background(value: str) -> str:
    if value == "transparent" or (value.startswith(PICTURE) and value != PICTURE):
        return value
    if not is_colour(value):
        raise BodyDoubleError(f'background "{value}"; wanted transparent, a colour such as #00ff00, or {PICTURE}NAME')
    return "#{:02x}{:02x}{:02x}".format(*colour(value))


def changed(settings: Settings, values: Mapping[str, object]) -> Settings:
    """Settings with some values changed. Raises BodyDoubleError for the first that cannot be; nothing changes then."""
    told: dict[str, Any] = {name: checked(name, value) for name, value in values.items()}
    return replace(settings, **told)


def to_config(settings: Settings, character: str | Path, neutral: Neutral | None = None) -> LiveConfig:
    """What a live run is asked for. character: the folder that Settings.character names."""
    width, _, height = settings.size.partition("x")
    return LiveConfig(
        camera=settings.camera,
        size=(int(width), int(height)) if settings.size else None,
        fps=settings.fps,
        character=character,
        model=settings.model,
        device=settings.device,
        person=settings.person,
        mirror=settings.mirror,
        smooth=settings.smooth,
        place=settings.place,
        compensation=settings.compensation,
        fov=math.radians(settings.fov) if settings.fov else None,
        framing=settings.framing,
        background=settings.background,
        shadow=settings.shadow,
        neutral=None if neutral is None else dict(neutral),
    )


def _short(value: object) -> object:
    """A calibration's value with as many digits as mean something: micrometres, millionths of a radian."""
    if isinstance(value, float):
        return round(value, DIGITS)
    return [_short(item) for item in value] if isinstance(value, list | tuple) else value


class Kept:
    """live.toml: read once, written a moment after changes. One thread at a time uses it (commands.py sees to that).

    tell: is told in one line what was wrong with the file.
    """

    def __init__(
        self, path: Path, *, tell: Callable[[str], None] = lambda line: None, clock: Callable[[], float] = now
    ) -> None:
        self.path = path
        self._tell = tell
        self._clock = clock
        self._due = math.inf
        self._tables = self._read()

    def first(self, given: Mapping[str, object]) -> Settings:
        """The settings to begin with: what was kept, and above it what was given on the command line."""
        settings = self._with(Settings(), self._table("last"), LAST, "[last]")
        settings = changed(settings, {name: value for name, value in given.items() if name in LAST})
        settings = self._of_camera(self._of_character(settings))
        return changed(settings, given)

    def chosen(self, before: Settings, values: Mapping[str, object]) -> Settings:
        """`before` with some values changed; a camera or character that is chosen anew brings what it was left with.

        Raises BodyDoubleError for a value that cannot be.
        """
        after = changed(before, values)
        if after.camera != before.camera:
            after = self._of_camera(replace(after, size=""))  # what another camera was asked for, this one may lack
        if after.character != before.character:
            after = self._of_character(after)
        return changed(after, values)

    def neutral(self, camera: str) -> Neutral | None:
        """The calibration made with a camera, None if there is none; a damaged one is told of."""
        kept = self._table("camera", camera).get(CALIBRATION)
        if not isinstance(kept, dict) or not kept:
            return None
        try:
            LiveConfig(neutral=kept)
        except BodyDoubleError as fault:
            self._tell(f'{self.path} [camera."{camera}".{CALIBRATION}]: {fault}')
            return None
        return dict(kept)

    def keep_neutral(self, camera: str, neutral: Neutral | None) -> None:
        """Remember or forget a camera's calibration."""
        table = self._own("camera", camera)
        if neutral is None:
            table.pop(CALIBRATION, None)
        else:
            table[CALIBRATION] = {name: _short(value) for name, value in neutral.items()}
        self._due = self._clock() + LATER

    def keep(self, settings: Settings) -> None:
        """Remember settings; they are written a little later."""
        values = asdict(settings)
        if not isinstance(self._tables.get("last"), dict):
            self._tables["last"] = {}
        self._tables["last"].update({name: values[name] for name in LAST})
        if settings.camera:
            self._own("camera", settings.camera).update({name: values[name] for name in PER_CAMERA})
        self._own("character", settings.character).update({name: values[name] for name in PER_CHARACTER})
        self._due = self._clock() + LATER

    def flush(self, *, at_once: bool = False) -> None:
        """Write what is due. A folder that cannot be written is told once; nothing else stops."""
        if self._due == math.inf or (self._clock() < self._due and not at_once):
            return
        self._due = math.inf
        try:
            write_whole(self.path, self.text().encode())
        except OSError as error:
            self._tell(f"cannot keep settings in {self.path} ({error.strerror}); use --settings to name another file")

    def try_writing(self) -> None:
        """Raises BodyDoubleError if the file could not be written; nothing of it changes."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path.parent):
                pass
        except OSError as error:
            raise BodyDoubleError(
                f"cannot keep settings in {self.path} ({error.strerror}); name another file with --settings"
            ) from error

    def text(self) -> str:
        """The file as it is written."""
        return as_text(self._tables)

    def _read(self) -> dict[str, Any]:
        """The file's tables; {} where there is none. A damaged one is set aside and told of."""
        try:
            if self.path.stat().st_size > LARGEST_FILE:
                raise ValueError("it is far too large")
            return tomllib.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError) as fault:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
            reason = " ".join(str(fault).split())
        except OSError as error:
            raise BodyDoubleError(f"cannot read the settings {self.path} ({error.strerror}); use --settings") from error
        aside = next(path for path in self._aside() if not path.exists())
        try:
            self.path.rename(aside)
            self._tell(f"the settings {self.path} cannot be read ({reason}); they are set aside as {aside.name}")
        except OSError as error:
            raise BodyDoubleError(
                f"the settings {self.path} cannot be read ({reason}) nor set aside ({error.strerror}); use --settings"
            ) from error
        return {}

    def _aside(self) -> typing.Iterator[Path]:
        yield self.path.with_name(self.path.name + ".damaged")
        number = 2
        while True:
            yield self.path.with_name(f"{self.path.name}.damaged{number}")
            number += 1

    def _table(self, section: str, name: str | None = None) -> dict[str, Any]:
        """A table of the file; {} if it is not there or no table."""
        table = self._tables.get(section)
        if name is not None:
            table = table.get(name) if isinstance(table, dict) else None
        return table if isinstance(table, dict) else {}

    def _own(self, section: str, name: str) -> dict[str, Any]:
        """A table of the file to write into, made if it is not there."""
        if not isinstance(self._tables.get(section), dict):
            self._tables[section] = {}
        tables = self._tables[section]
        if not isinstance(tables.get(name), dict):
            tables[name] = {}
        own: dict[str, Any] = tables[name]
        return own

    def _of_camera(self, settings: Settings) -> Settings:
        camera = settings.camera
        return self._with(settings, self._table("camera", camera), PER_CAMERA, f'[camera."{camera}"]')

    def _of_character(self, settings: Settings) -> Settings:
        character = settings.character
        return self._with(settings, self._table("character", character), PER_CHARACTER, f'[character."{character}"]')

    def _with(self, settings: Settings, table: Mapping[str, Any], names: tuple[str, ...], where: str) -> Settings:
        """Settings with a table's values; what is wrong in it is told and left out."""
        for name in names:
            if name not in table:
                continue
            try:
                settings = changed(settings, {name: table[name]})
            except BodyDoubleError as fault:
                self._tell(f"{self.path} {where}: {fault}; it is left out")
        return settings
