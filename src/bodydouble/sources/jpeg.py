"""What can be told of a JPEG from its headers, so that a hostile or broken one is refused before it is decoded.

Source: ITU-T T.81, annex B (markers and segments).
"""

from __future__ import annotations

from bodydouble.types import BodyDoubleError

MOST_BYTES = 8 * 1024 * 1024  # a 4096 x 2160 picture at quality 90 takes 3 to 5 MB
LONGEST_SIDE = 4096
MOST_SCANS = 64  # encoders make 1 to 10; thousands of scans in a small file keep a decoder busy for minutes
TRAILING = 64  # bytes after the end marker that some encoders pad with

# Start-of-frame markers: C0..CF without the tables (C4, C8, CC).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers that no length follows
_SCAN, _END = 0xDA, 0xD9


def size_of_jpeg(data: bytes) -> tuple[int, int]:
    """Width and height in pixels of a whole JPEG of an acceptable size, before rotation.

    Raises BodyDoubleError, one line, for what is no JPEG, is cut short, or is larger than a camera's picture can be.
    """
    if len(data) > MOST_BYTES:
        raise BodyDoubleError(
            f"a picture of {len(data) / 1e6:.1f} MB; wanted {MOST_BYTES / 1e6:.1f} MB at most, send a smaller one"
        )
    if data[:2] != b"\xff\xd8":
        raise BodyDoubleError("a picture that is no JPEG; send each picture as a whole JPEG")
    width, height = _frame_size(data)
    if not (1 <= width <= LONGEST_SIDE and 1 <= height <= LONGEST_SIDE):
        raise BodyDoubleError(
            f"a picture of {width}x{height}; wanted 1 to {LONGEST_SIDE} pixels a side, send a smaller one"
        )
    if bytes((0xFF, _END)) not in data[-TRAILING:]:
        raise BodyDoubleError("a JPEG that is cut short; send each picture whole")
    if data.count(bytes((0xFF, _SCAN))) > MOST_SCANS:
        raise BodyDoubleError(f"a JPEG of more than {MOST_SCANS} scans; send baseline JPEG")
    return width, height


def _frame_size(data: bytes) -> tuple[int, int]:
    """Width and height by the first start-of-frame segment."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _FRAMES and at + 9 <= len(data):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        elif marker in (_SCAN, _END):
            break
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    raise BodyDoubleError("a JPEG without a size in it; send each picture as a whole JPEG")
