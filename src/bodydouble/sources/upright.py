"""Turning stored pictures upright: display matrices of video files, orientation tags of photographs.

An orientation is a 2x2 matrix (a, b, c, d) of 0, 1 and -1 that carries a stored pixel (x, y), both counted from the
picture's middle, to (a x + c y, b x + d y) on the screen; x right, y down. Eight exist: four turns, each as it is or
mirrored.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import cv2
import numpy as np

from bodydouble.types import Image

Orientation = tuple[int, int, int, int]
UPRIGHT: Orientation = (1, 0, 0, 1)

# Exif 2.32, tag 0x0112: which way the stored row 0 and column 0 lie.
_ORIENTATION_TAG = 0x0112
_EXIF: dict[int, Orientation] = {
    1: UPRIGHT,
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}
_FIXED_POINT = 65536.0  # display matrices are 16.16 fixed point (ISO/IEC 14496-12, 8.3.2)
_SQUARE = 0.1  # how far from a right angle a display matrix may be and still count as one


def from_display_matrix(data: bytes) -> Orientation:
    """The orientation in a display matrix's nine 32-bit numbers; UPRIGHT for one that is no right-angled turn."""
    if len(data) != 36:
        return UPRIGHT
    a, b, _, c, d, *_ = (value / _FIXED_POINT for value in struct.unpack("=9i", data))
    scale = max(abs(a), abs(b))
    if scale == 0:
        return UPRIGHT
    exact = np.array([a, b, c, d]) / scale
    near = np.rint(exact)
    if np.abs(exact - near).max() > _SQUARE or abs(near[0] * near[3] - near[1] * near[2]) != 1:
        return UPRIGHT
    return int(near[0]), int(near[1]), int(near[2]), int(near[3])


def degrees(orientation: Orientation) -> int:
    """Clockwise turn that makes the stored picture upright: 0, 90, 180 or 270; a mirror image counts by its turn."""
    a, b, c, d = orientation
    if a * d - b * c < 0:  # undo the mirroring first, left to right on the screen
        a, c = -a, -c
    return {(1, 0): 0, (0, 1): 90, (-1, 0): 180, (0, -1): 270}[a, b]


def swaps_sides(orientation: Orientation) -> bool:
    """Whether width and height change places."""
    return orientation[0] == 0


def turned(image: Image, orientation: Orientation) -> Image:
    """The (H, W, C) or (H, W) picture as it should be seen; the same array when it already is."""
    if orientation == UPRIGHT:
        return image
    a, b, c, d = orientation
    if swaps_sides(orientation):
        image = np.asarray(cv2.transpose(image), dtype=np.uint8)
    across, down = (c, b) if swaps_sides(orientation) else (a, d)
    if across < 0 or down < 0:
        both = across < 0 and down < 0
        image = np.asarray(cv2.flip(image, -1 if both else int(across < 0)), dtype=np.uint8)
    return image


def from_exif(data: bytes) -> Orientation:
    """The orientation in a PNG, JPEG or WebP file's Exif block; UPRIGHT where there is none or it is damaged."""
    for block in _exif_blocks(data):
        try:
            return _EXIF.get(_orientation_value(block), UPRIGHT)
        except struct.error:  # cut short: the picture itself may still be whole
            return UPRIGHT
    return UPRIGHT


def _orientation_value(tiff: bytes) -> int:
    """The orientation number in a TIFF structure's first directory, 0 if it has none."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 0
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        (tag,) = struct.unpack_from(order + "H", tiff, entry)
        if tag == _ORIENTATION_TAG:
            return int(struct.unpack_from(order + "H", tiff, entry + 8)[0])
    return 0


def _exif_blocks(data: bytes) -> Iterable[bytes]:
    """The TIFF structures that a PNG, JPEG or WebP file carries as Exif."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        yield from (body for name, body in _chunks(data, 8, ">I4s", 4) if name == b"eXIf")
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        for name, body in _chunks(data, 12, "<4sI", 0):
            if name == b"EXIF":
                yield body.removeprefix(b"Exif\0\0")
    elif data[:2] == b"\xff\xd8":
        at = 2
        while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:  # up to the start of the scan
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            body = data[at + 4 : at + 2 + length]
            if data[at + 1] == 0xE1 and body.startswith(b"Exif\0\0"):
                yield body[6:]
            at += 2 + length


def _chunks(data: bytes, at: int, head: str, tail: int) -> Iterable[tuple[bytes, bytes]]:
    """(name, body) of a PNG's or RIFF file's chunks; `tail` bytes of checksum follow each, RIFF pads to even sizes."""
    while at + 8 <= len(data):
        first, second = struct.unpack_from(head, data, at)
        name, size = (second, first) if isinstance(second, bytes) else (first, second)
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size + tail + (size % 2 if tail == 0 else 0)
