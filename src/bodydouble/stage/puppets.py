"""A puppet as one file for the page, which draws it as outputs/draw.py does.

Little endian: `MAGIC`, the header's length in bytes as u32, the header as JSON, and then, each beginning at a multiple
of 8 bytes counted from the file's start, the arrays and pictures that the header names:

    {"name": "fox", "size": [1000, 1200], ..., "rig": {...}, "parts": [...],
     "arrays": {"points": {"at": 4096, "type": "f64", "count": 2414}, ...},
     "textures": [{"at": 65536, "length": 40000, "width": 496, "height": 370}, ...]}

Textures are PNGs whose pixels are premultiplied and meant to be taken as they are (a PNG's own are not): what the page
draws is then exact to the last bit. What framing.py and shots.py find out about a puppet once is said in the header, so
that the page need not find it again.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any
from weakref import WeakKeyDictionary

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.characters.finer import finer
from bodydouble.characters.library import SHARP_AT
from bodydouble.characters.puppet import LID, Part, Puppet
from bodydouble.outputs.draw import feet
from bodydouble.outputs.framing import anchor, reach
from bodydouble.outputs.shots import HALF, HEAD, View, view
from bodydouble.types import BodyDoubleError, Image, Rig

MAGIC = b"BDP1"
ALIGNED = 8  # bytes: what a Float64Array asks of its place in a buffer
LARGEST_SIDE = 4096  # of a texture in pixels; what WebGL 2 has everywhere is 2048, what is seen everywhere is 4096
LARGEST_FILE = 64 << 20  # bytes; the samples have less than 1 MB
MOST_POINTS = 1 << 16  # what the page's u16 indices can tell apart
TYPES: dict[str, np.dtype[Any]] = {"f64": np.dtype("<f8"), "f32": np.dtype("<f4"), "u16": np.dtype("<u2")}

# Pixels of height that a page's characters are sharp at: all of one on a 4K screen, its head on one of 1080 lines.
PAGE_PIXELS = 2160

_made: WeakKeyDictionary[Puppet, tuple[bytes, str]] = WeakKeyDictionary()


def puppet_bytes(puppet: Puppet) -> tuple[bytes, str]:
    """The file, and a name for its content that changes when it does, fit for an ETag and for an address.

    Made once for each puppet. Raises BodyDoubleError for one too large for a page.
    """
    if puppet not in _made:
        data = _packed(puppet)
        _made[puppet] = data, hashlib.sha256(data).hexdigest()[:24]
    return _made[puppet]


def sharper(puppet: Puppet) -> Puppet:
    """The same character with textures for the pages: they may be large, and show its head alone. As finer()."""
    return finer(puppet, max(PAGE_PIXELS, SHARP_AT))


def _packed(puppet: Puppet) -> bytes:
    skin = puppet.skin
    if len(skin.points) > MOST_POINTS:
        raise BodyDoubleError(
            f"{puppet.name} has {len(skin.points)} points; a page draws up to {MOST_POINTS}: use fewer or simpler parts"
        )
    pictures, texture_of = _pictures(puppet)
    rig = puppet.rig
    starts = (0, *skin.ends[:-1])
    triangles = [part.triangles + start for part, start in zip(puppet.parts, starts, strict=True)]
    arrays: dict[str, npt.NDArray[Any]] = {
        "heads": _as(rig.heads, "f64"),
        "tails": _as(rig.tails, "f64"),
        "points": _as(np.stack([skin.points.real, skin.points.imag], axis=1), "f64"),
        "drop": _as(np.zeros(len(skin.points)) if skin.drop is None else skin.drop, "f64"),
        "weights": _as(skin.weights, "f64"),
        "columns": _as(skin.columns, "u16"),
        "uv": _as(np.concatenate([_fractions(part) for part in puppet.parts]), "f32"),
        "triangles": _as(np.concatenate(triangles), "u16"),
    }
    header = {
        "name": puppet.name,
        "size": list(puppet.size),
        "scale": puppet.scale,
        "lids": any(part.shown == LID for part in puppet.parts),
        "rig": _rig(rig, puppet),
        "parts": [
            _part(part, start, end, texture_of[id(part.texture)])
            for part, start, end in zip(puppet.parts, starts, skin.ends, strict=True)
        ],
    }
    data = _laid_out(header, arrays, pictures)
    if len(data) > LARGEST_FILE:
        raise BodyDoubleError(
            f"{puppet.name} takes {len(data) >> 20} MB; a page takes up to {LARGEST_FILE >> 20}: "
            "make its pictures smaller"
        )
    return data


def _rig(rig: Rig, puppet: Puppet) -> dict[str, Any]:
    """What the page has to know of a rig, beside its heads and tails."""
    x, floor = anchor(puppet)
    room = reach(puppet)
    return {
        "names": list(rig.names),
        "parents": list(rig.parents),
        "floor": floor,
        "height": rig.height,
        "x": x,
        "reach": [room.side, room.up],
        "feet": feet(puppet),
        "views": {framing: _view(view(puppet, framing)) for framing in (HALF, HEAD)},
    }


def _view(seen: View) -> dict[str, Any]:
    return {
        "top": seen.top,
        "bottom": seen.bottom,
        "side": seen.side,
        "bones": list(seen.bones),
        "aim": list(seen.aim),
        "x": seen.x,
    }


def _part(part: Part, start: int, end: int, texture: int) -> dict[str, Any]:
    """start, end: the part's points among all. limb: the bones that say whether it is behind the body."""
    return {
        "name": part.name,
        "start": start,
        "end": end,
        "triangles": len(part.triangles),
        "texture": texture,
        "order": part.order,
        "behind": part.behind,
        "limb": list(part.bones[1:] or part.bones),
        "shown": part.shown,
    }


def _fractions(part: Part) -> npt.NDArray[np.float64]:
    """(V, 2) the part's points in fractions of its texture."""
    height, width = part.texture.shape[:2]
    return np.asarray(part.uv / (width, height), dtype=np.float64)


def _pictures(puppet: Puppet) -> tuple[list[tuple[bytes, int, int]], dict[int, int]]:
    """Each texture once, as PNG with its width and height; and the place of each among them, by its id."""
    pictures: list[tuple[bytes, int, int]] = []
    found: dict[int, int] = {}
    for part in puppet.parts:
        if id(part.texture) in found:
            continue
        found[id(part.texture)] = len(pictures)
        height, width = part.texture.shape[:2]
        if max(height, width) > LARGEST_SIDE:
            raise BodyDoubleError(
                f'part "{part.name}" of {puppet.name} has a picture of {width}x{height}; '
                f"a page takes up to {LARGEST_SIDE} pixels a side: make it smaller"
            )
        pictures.append((_png(part.texture), width, height))
    return pictures, found


def _png(texture: Image) -> bytes:
    done, data = cv2.imencode(".png", cv2.cvtColor(texture, cv2.COLOR_RGBA2BGRA))
    if not done:
        raise RuntimeError(f"OpenCV could not write a PNG of {texture.shape}")
    return data.tobytes()


def _as(values: npt.NDArray[Any], kind: str) -> npt.NDArray[Any]:
    return np.ascontiguousarray(values.astype(TYPES[kind]))


def _laid_out(
    header: dict[str, Any], arrays: dict[str, npt.NDArray[Any]], pictures: list[tuple[bytes, int, int]]
) -> bytes:
    """The file. Places depend on the header's length, and that on the places' digits, so room is left for them."""
    names = {dtype: kind for kind, dtype in TYPES.items()}
    blobs = [values.tobytes() for values in arrays.values()] + [data for data, _, _ in pictures]
    room = 0
    while True:
        at = room
        places = []
        for blob in blobs:
            places.append(at)
            at += _aligned(len(blob))
        header["arrays"] = {
            name: {"at": place, "type": names[values.dtype], "count": values.size}
            for (name, values), place in zip(arrays.items(), places, strict=False)
        }
        header["textures"] = [
            {"at": place, "length": len(data), "width": width, "height": height}
            for (data, width, height), place in zip(pictures, places[len(arrays) :], strict=True)
        ]
        text = json.dumps(header, separators=(",", ":")).encode()
        needed = _aligned(len(MAGIC) + 4 + len(text))
        if needed <= room:
            break
        room = needed
    start = MAGIC + struct.pack("<I", len(text)) + text
    return b"".join([start.ljust(room, b"\0")] + [blob.ljust(_aligned(len(blob)), b"\0") for blob in blobs])


def _aligned(length: int) -> int:
    return -(-length // ALIGNED) * ALIGNED
