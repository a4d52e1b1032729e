"""How live.toml is written: the sections in their order, with comments for whoever reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import tomli_w

from bodydouble.skeletons import BODY_BONES

HEADING = """\
# bodydouble live: what was chosen last, and what was chosen for each camera and each character.
# It may be edited while bodydouble is not running. Comments are not kept.
"""
COMMENTS = {
    "last": "",
    "camera": '# size: WIDTHxHEIGHT or "" for the camera\'s own. fov: degrees, 0 leaves perspective in.\n',
    "character": '# background: "transparent", "#rrggbb" or "picture:NAME". framing: full, half or head.\n',
}
# What stands above each line of a calibration (retarget.neutral.Neutral.to_toml).
CALIBRATION_COMMENTS = {
    "pitch": "the camera looks up by so much, radians",
    "roll": "the camera is turned clockwise by so much, as seen from behind it, radians",
    "metric": "whether lengths and height are metres; if false, shares of the standing height",
    "height": "standing height, in that unit",
    "lengths": f"length of each bone, in that unit: {', '.join(bone.name for bone in BODY_BONES)}",
    "confidence": "how surely each length was measured, 0 (a usual one is taken) to 1; bones as above",
    "held": "where each bone points when you stand at ease: x to your left, y up, z ahead; bones as above",
    "sure": "how well each bone was seen, 0 to 1; bones as above",
    "face": "the face is tilted to the picture's right by so much at ease, radians",
}
MEASURED = "# Measured by the button Calibrate; take this whole section out to forget it.\n"
_ROW = re.compile(r"(?<= = )\[\n((?: +[-+.\dEe]+,\n)+) *\]", re.MULTILINE)
_CALIBRATION = re.compile(r"^\[camera\..*\.calibration\]\n(?:.+\n?)*", re.MULTILINE)
_KEY = re.compile(r"^(\w+)(?= = )", re.MULTILINE)


def as_text(tables: Mapping[str, Any]) -> str:
    """The whole file. What is in no table comes first: else it would belong to the table before."""
    plain = {name: value for name, value in tables.items() if not isinstance(value, dict)}
    parts = [HEADING, *([_toml(plain)] if plain else [])]
    for section in (*COMMENTS, *(name for name in tables if name not in COMMENTS)):
        if section in tables and section not in plain:
            toml = _CALIBRATION.sub(_explained, _toml({section: tables[section]}))
            parts.append(COMMENTS.get(section, "") + toml)
    return "\n".join(parts)


def _toml(tables: Mapping[str, Any]) -> str:
    """As TOML; rows of numbers in one line each, where tomli_w gives every number its own."""
    return _ROW.sub(lambda row: f"[{', '.join(row[1].replace(',', ' ').split())}]", tomli_w.dumps(tables))


def _explained(section: re.Match[str]) -> str:
    """A calibration's section with a comment above every line."""

    def line(key: re.Match[str]) -> str:
        comment = CALIBRATION_COMMENTS.get(key[1])
        return key[1] if comment is None else f"# {comment}\n{key[1]}"

    heading, _, rest = section[0].partition("\n")
    return f"{heading}\n{MEASURED}{_KEY.sub(line, rest)}"
