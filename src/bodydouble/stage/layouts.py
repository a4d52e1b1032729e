"""The binary frames between a page and the program: their first byte and how each is laid out, little endian.

Packed and unpacked by stage/frames.py; the TypeScript of it is generated (stage/typescript.py). Every time is in
seconds on the program's clock (live/clock.py). Places in pictures are fractions of them, x right, y down. No logic.
"""

from __future__ import annotations

from enum import IntEnum


class Binary(IntEnum):
    """The first byte of a binary frame."""

    MOTION = 1  # program -> page: what every character does at one time
    PEOPLE = 2  # program -> control page: the people's points in the camera's picture
    PREVIEW = 3  # program -> control page: the camera's picture, a JPEG
    CAMERA = 4  # page -> program: one frame of the browser's own camera, a JPEG


# A camera's picture, whichever way it goes.
_PICTURE = (
    ("type", "u8"),
    ("pad", "u8"),
    ("width", "u16"),
    ("height", "u16"),
    ("pad2", "u16"),
    ("captured", "f64"),
    ("jpeg", "bytes"),
)

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
    "Preview": _PICTURE,
    "CameraFrame": _PICTURE,
}
