"""How large a picture says it is, by its first bytes, so that a hostile one is refused before anything decodes it."""

from __future__ import annotations

from bodydouble.types import BodyDoubleError

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's start-of-frame markers (ITU-T T.81, annex B)


def size_of_png(content: bytes) -> tuple[int, int]:
    """Width and height of a PNG. Raises BodyDoubleError for what is none. Source: W3C PNG, 11.2.1."""
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR" or len(content) < 33:
        raise BodyDoubleError("it is no PNG; save it as PNG")
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def size_of_photo(content: bytes) -> tuple[int, int]:
    """Width and height of a JPEG as cameras and phones save it, with whatever they put behind it.

    Raises BodyDoubleError for what is no JPEG.
    """
    at = 2
    while content[:2] == b"\xff\xd8" and at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker in _FRAMES:
            return int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
        at += 1 if marker == 0xFF else 2 + max(2, int.from_bytes(content[at + 2 : at + 4], "big"))
    raise BodyDoubleError("it is no JPEG; save it as JPEG or PNG")


def size_of_webp(content: bytes) -> tuple[int, int]:
    """Width and height of a WebP. Raises BodyDoubleError for what is none. Source: RFC 9649, section 2."""
    kind = content[12:16] if content[:4] == b"RIFF" and content[8:12] == b"WEBP" and len(content) >= 30 else b""
    if kind == b"VP8X":
        return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
    if kind == b"VP8L" and content[20] == 0x2F:
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        return int.from_bytes(content[26:28], "little") & 0x3FFF, int.from_bytes(content[28:30], "little") & 0x3FFF
    raise BodyDoubleError("it is no WebP; save it as JPEG or PNG")
