"""A small puppet of our own, written as a folder, that tests change to see what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 600">
  <defs>
    <linearGradient id="skin"><stop offset="0" stop-color="#f80"/><stop offset="1" stop-color="#fa0"/></linearGradient>
  </defs>
  <g id="figure" stroke-linecap="round">
    <g id="left_leg"><rect x="210" y="330" width="40" height="230" rx="18" fill="#225"/></g>
    <g id="right_leg"><rect x="150" y="330" width="40" height="230" rx="18" fill="#225"/></g>
    <g id="body"><rect x="140" y="170" width="120" height="190" rx="30" fill="#284"/></g>
    <g id="head"><circle cx="200" cy="110" r="70" fill="url(#skin)"/></g>
    <g id="left_arm"><path d="M250 195 L330 275 L390 355" stroke="#c33" stroke-width="30" fill="none"/></g>
    <g id="right_arm"><path d="M150 195 L70 275 L10 355" stroke="#c33" stroke-width="30" fill="none"/></g>
  </g>
</svg>
"""
TOML = """name = "Test"
author = "us"
licence = "CC0-1.0"
size = [400, 600]
facing = "front"

[joints]
hip = [200, 340]
neck = [200, 180]
head_top = [200, 40]
left_shoulder = [250, 195]
left_elbow = [320, 265]
left_wrist = [385, 350]
right_shoulder = [150, 195]
right_elbow = [80, 265]
right_wrist = [15, 350]
left_hip = [230, 340]
left_knee = [230, 440]
left_ankle = [230, 550]
right_hip = [170, 340]
right_knee = [170, 440]
right_ankle = [170, 550]

[[parts]]
name = "left_leg"
image = "figure.svg"
layer = "left_leg"
bones = ["left_thigh", "left_shin"]
order = 10

[[parts]]
name = "right_leg"
image = "figure.svg"
layer = "right_leg"
bones = ["right_thigh", "right_shin"]
order = 11

[[parts]]
name = "body"
image = "figure.svg"
layer = "body"
bones = ["spine"]
order = 20

[[parts]]
name = "head"
image = "figure.svg"
layer = "head"
bones = ["head"]
order = 30

[[parts]]
name = "left_arm"
image = "figure.svg"
layer = "left_arm"
bones = ["left_upper_arm", "left_forearm"]
order = 40
behind = 5

[[parts]]
name = "right_arm"
image = "figure.svg"
layer = "right_arm"
bones = ["right_upper_arm", "right_forearm"]
order = 41
behind = 6
"""


def write_puppet(folder: Path, *changes: tuple[str, str], svg: Sequence[tuple[str, str]] = ()) -> Path:
    """The puppet in `folder`, with these texts of its puppet.toml and figure.svg exchanged."""
    for name, text, swaps in (("puppet.toml", TOML, changes), ("figure.svg", SVG, svg)):
        for old, new in swaps:
            assert old in text, old
            text = text.replace(old, new)
        (folder / name).write_text(text)
    return folder
