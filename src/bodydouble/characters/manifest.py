"""Reads puppet.toml: what a maker states of a character, checked key by key. The format: docs/puppets.md.

Pixels of the character's picture, y down; turns in degrees. Every fault is told to Problems with the file and key; what
can be read is returned all the same, so that one look finds all faults.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bodydouble.characters.bones import (
    REQUIRED_JOINTS,
    SHORTEST_BONE,
    STANDARD,
    STANDARD_JOINTS,
    Bone,
    sort_bones,
    standard_bones,
    suggestion,
)
from bodydouble.characters.problems import Problems
from bodydouble.characters.puppet import SHOWN
from bodydouble.skeletons import BONE_INDEX

FILE = "puppet.toml"
DEFAULT_BEND = 0.35  # width of a soft bend over the shorter adjoining bone's length; looks like a sleeve
FACINGS = ("front", "left", "right")
LARGEST_SIDE = 20_000  # pixels; a larger picture is a slip of the keyboard

_TOP_KEYS = ("name", "author", "licence", "size", "facing", "floor", "joints", "bones", "parts")
_BONE_KEYS = ("name", "from", "to", "parent", "follows", "stretch", "bend", "gain", "spring")
_PART_KEYS = ("name", "image", "layer", "at", "bones", "bend", "order", "behind", "shown")

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PartEntry:
    """One [[parts]] entry. at: where the image's top-left corner lies, None if not stated."""

    name: str
    image: str
    layer: str
    at: Point | None
    bones: tuple[str, ...]
    bend: float
    order: float
    behind: float | None
    shown: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All of a puppet.toml. bones: parents first, standard ones included. floor: None if not stated."""

    name: str
    author: str
    licence: str
    size: tuple[int, int]
    facing: str
    floor: float | None
    joints: Mapping[str, Point]
    bones: tuple[Bone, ...]
    parts: tuple[PartEntry, ...]


class _Table:
    """A TOML table that is read key by key; what is wrong is told with its place."""

    def __init__(self, values: Mapping[str, Any], place: str, problems: Problems) -> None:
        self.values = values
        self.place = place
        self.problems = problems

    def fault(self, key: str, wanted: str) -> None:
        got = repr(self.values[key]) if key in self.values else "nothing"
        self.problems.error(FILE, f"{self.place}{key} is {got}; wanted {wanted}")

    def only(self, known: tuple[str, ...]) -> None:
        for key in self.values:
            if key not in known:
                self.problems.error(FILE, f'unknown key "{self.place}{key}"; {suggestion(key, known)}')

    def text(self, key: str, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.fault(key, "some text")
            return default or ""
        return value

    def number(self, key: str, default: float | None, low: float = -math.inf, high: float = math.inf) -> float | None:
        if key not in self.values:
            return default
        value = self.values[key]
        if not _is_number(value) or not low <= value <= high:
            bounds = f" from {low:g} to {high:g}" if math.isfinite(low) and math.isfinite(high) else ""
            self.fault(key, f"a number{bounds}")
            return default
        return float(value)

    def pair(self, key: str, default: Point | None, wanted: str) -> Point | None:
        if key not in self.values:
            return default
        value = self.values[key]
        if not isinstance(value, list) or len(value) != 2 or not all(_is_number(item) for item in value):
            self.fault(key, wanted)
            return default
        return float(value[0]), float(value[1])

    def tables(self, key: str) -> list[tuple[str, Mapping[str, Any]]]:
        """The entries of [[key]], each with its place: its name, else its number."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.problems.error(FILE, f"{key} is {value!r}; wanted entries that begin with [[{key}]]")
            return []
        return [(f"{key}.{item.get('name', number)}.", item) for number, item in enumerate(value, 1)]


def read_manifest(path: Path, problems: Problems) -> Manifest | None:
    """The manifest in `path` (the puppet.toml itself); None, with the reason told, if it cannot be read as TOML."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        problems.error(FILE, f"not valid TOML: {error}")
        return None
    except UnicodeDecodeError as error:
        problems.error(FILE, f"not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8")
        return None
    except OSError as error:
        problems.error(FILE, f"cannot be read: {error.strerror}")
        return None
    table = _Table(values, "", problems)
    table.only(_TOP_KEYS)
    name = table.text("name")
    licence = table.text("licence", "")
    if not licence.strip():
        problems.warn(FILE, 'no licence; add one, e.g. licence = "CC-BY-4.0", so that others know what they may do')
    facing = table.text("facing", "front")
    if facing not in FACINGS:
        table.fault("facing", f"one of {', '.join(FACINGS)}")
        facing = "front"
    size = _size(table)
    joints = _joints(values.get("joints"), size, problems)
    bones = _bones(table, joints, problems)
    return Manifest(
        name=name,
        author=table.text("author", ""),
        licence=licence,
        size=size or (1, 1),
        facing=facing,
        floor=table.number("floor", None),
        joints=joints,
        bones=tuple(bones),
        parts=tuple(_parts(table, {bone.name for bone in bones}, joints, problems)),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _size(table: _Table) -> tuple[int, int] | None:
    wanted = "[width, height] of the picture in pixels"
    size = table.pair("size", None, wanted)
    if size is None or not all(1 <= side <= LARGEST_SIDE for side in size):
        if "size" not in table.values or size is not None:
            table.fault("size", wanted)
        return None
    return round(size[0]), round(size[1])


def _joints(values: object, size: tuple[int, int] | None, problems: Problems) -> dict[str, Point]:
    if not isinstance(values, dict):
        problems.error(FILE, f"no [joints]; wanted at least {' and '.join(REQUIRED_JOINTS)}, in pixels [x, y]")
        return {}
    table = _Table(values, "joints.", problems)
    joints: dict[str, Point] = {}
    for name in values:
        point = table.pair(name, None, "[x, y] in pixels")
        if point is None:
            continue
        joints[name] = point
        if size is not None and not (0 <= point[0] <= size[0] and 0 <= point[1] <= size[1]):
            table.fault(name, f"a point inside the picture of {size[0]}x{size[1]}")
    for name in REQUIRED_JOINTS:
        if name not in values:
            problems.error(FILE, f"joints.{name} is missing; wanted its [x, y] in pixels")
    return joints


def _bones(table: _Table, joints: Mapping[str, Point], problems: Problems) -> list[Bone]:
    bones = standard_bones(joints)
    stated: set[str] = set()
    for place, values in table.tables("bones"):
        entry = _Table(values, place, problems)
        entry.only(_BONE_KEYS)
        bone = _bone(entry, bones.get(entry.text("name")))
        if bone is None:
            continue
        if bone.name in stated:
            problems.error(FILE, f'two [[bones]] are called "{bone.name}"; give each its own name')
        stated.add(bone.name)
        bones[bone.name] = bone
    usable: dict[str, Bone] = {}
    for bone in bones.values():
        missing = [joint for joint in (bone.start, bone.end) if joint not in joints]
        for joint in missing:
            hint = suggestion(joint, list(joints)) if joints else "there are none"
            problems.error(FILE, f'bone "{bone.name}": joint "{joint}" is not in [joints]; {hint}')
        if missing:
            continue
        if math.dist(joints[bone.start], joints[bone.end]) < SHORTEST_BONE:
            problems.error(FILE, f'bone "{bone.name}" has no length: {bone.start} and {bone.end} are the same point')
            continue
        usable[bone.name] = bone
    used = {joint for bone in bones.values() for joint in (bone.start, bone.end)}
    for joint in joints:
        if joint not in used:
            hint = "its bone's other joint is missing" if joint in STANDARD_JOINTS else "is its name spelt right?"
            problems.warn(FILE, f"joints.{joint} belongs to no bone; {hint}")
    return sort_bones(usable, FILE, problems)


def _bone(entry: _Table, base: Bone | None) -> Bone | None:
    """The bone that an entry states, on top of the standard bone of the same name if there is one."""
    name = entry.text("name")
    if base is None:
        start, end = entry.text("from"), entry.text("to")
        if not (name and start and end):
            return None
        base = Bone(name, start, end, "", follows="")
        if "parent" not in entry.values:
            entry.fault("parent", 'the name of the bone that it hangs from ("" for none)')
    bone = replace(
        base,
        start=entry.text("from", base.start),
        end=entry.text("to", base.end),
        parent=entry.text("parent", base.parent),
        follows=entry.text("follows", base.follows),
        gain=entry.number("gain", base.gain, -4.0, 4.0) or 0.0,
        spring=entry.number("spring", base.spring, 0.0, 1.0) or 0.0,
    )
    if bone.follows and bone.follows not in BONE_INDEX:
        entry.fault("follows", f'a body bone ("" for none); {suggestion(bone.follows, list(BONE_INDEX))}')
        bone = replace(bone, follows="")
    stretch = entry.pair("stretch", base.stretch, "[least, greatest] length as a ratio of rest") or base.stretch
    if not 0 < stretch[0] <= stretch[1]:
        entry.fault("stretch", "[least, greatest] length as a ratio of rest, least above 0")
        stretch = base.stretch
    bend = entry.pair("bend", base.bend, "[least, greatest] turn in degrees") or base.bend
    if bend[0] > bend[1]:
        entry.fault("bend", "[least, greatest] turn in degrees, the lesser first")
        bend = base.bend
    return replace(bone, stretch=stretch, bend=bend)


def _why_no_bone(name: str, bones: set[str], joints: Collection[str]) -> str:
    """Why a character has no bone of that name, and what to do."""
    if name in STANDARD:
        lacks = [joint for joint in (STANDARD[name].start, STANDARD[name].end) if joint not in joints]
        if lacks:
            return f"which needs the joint {' and '.join(lacks)}; add it to [joints]"
    return "which is no bone of this character; " + (suggestion(name, sorted(bones)) if bones else "there are none")


def _parts(table: _Table, bones: set[str], joints: Collection[str], problems: Problems) -> list[PartEntry]:
    parts: list[PartEntry] = []
    if not table.values.get("parts"):
        problems.error(FILE, "no [[parts]]; wanted at least one, with name, image and bones")
        return []
    for number, (place, values) in enumerate(table.tables("parts")):
        entry = _Table(values, place, problems)
        entry.only(_PART_KEYS)
        name = entry.text("name")
        if name in {part.name for part in parts}:
            problems.error(FILE, f'two [[parts]] are called "{name}"; give each its own name')
        chain = values.get("bones")
        if not isinstance(chain, list) or not chain or not all(isinstance(item, str) for item in chain):
            entry.fault("bones", 'the names of the bones that it follows, e.g. ["left_upper_arm", "left_forearm"]')
            chain = []
        for item in chain:
            if item not in bones:
                problems.error(FILE, f'{place}bones names "{item}", {_why_no_bone(item, bones, joints)}')
        if len(set(chain)) != len(chain):
            entry.fault("bones", "each bone once")
        shown = entry.text("shown", "")
        if shown not in SHOWN:
            entry.fault("shown", '"open", "shut" or "lid" (a part without it is always drawn)')
            shown = ""
        parts.append(
            PartEntry(
                name=name,
                image=entry.text("image"),
                layer=entry.text("layer", ""),
                at=entry.pair("at", None, "[x, y] of the image's top-left corner in pixels"),
                bones=tuple(dict.fromkeys(item for item in chain if item in bones)),
                bend=_or(entry.number("bend", DEFAULT_BEND, 0.0, 4.0), DEFAULT_BEND),
                order=_or(entry.number("order", float(number)), float(number)),
                behind=entry.number("behind", None),
                shown=shown,
            )
        )
    return parts


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
