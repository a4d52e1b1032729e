"""The cameras that are plugged in, by name, and finding the one that is meant.

Names come from the system (cv2-enumerate-cameras) and are made unique: the second of two equal ones ends in "(2)".
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from bodydouble.types import BodyDoubleError

INSTEAD = "plug one in, or use the browser's camera (--camera browser) or a video file (--camera FILE.mp4)"
NOTHING = f"no camera found; {INSTEAD}"
# The ways into a camera on each system, the better one first. MSMF sees a camera being unplugged, DSHOW is the only
# one to know older virtual cameras.
_BACKENDS: dict[str, tuple[int, ...]] = {
    "linux": (cv2.CAP_V4L2,),
    "darwin": (cv2.CAP_AVFOUNDATION,),
    "win32": (cv2.CAP_MSMF, cv2.CAP_DSHOW),
}


@dataclass(frozen=True, slots=True)
class Device:
    """A camera as the system lists it.

    name: unique, what `--camera` takes. model: as the system calls it, the same for two equal cameras. path: the device
    file or the system's identifier. place: the socket it is plugged into, or the path where that is not known. ways:
    (index, OpenCV backend) pairs that open it, to be tried in order.
    """

    name: str
    model: str
    path: str
    place: str
    ways: tuple[tuple[int, int], ...]

    @property
    def index(self) -> int:
        """The number that the system counts it by."""
        return self.ways[0][0]


def plugged_in() -> list[Device]:
    """All cameras, in the system's order. Raises BodyDoubleError where they cannot be listed."""
    try:
        from cv2_enumerate_cameras import enumerate_cameras, supported_backends
    except ImportError as error:
        raise BodyDoubleError(f"the cameras cannot be listed ({error}); pip install cv2-enumerate-cameras") from error
    backends = [backend for backend in _BACKENDS.get(sys.platform, ()) if backend in supported_backends]
    found = [(info, backend) for backend in backends or supported_backends[:1] for info in enumerate_cameras(backend)]
    return listed(found)


def listed(found: Iterable[tuple[Any, int]]) -> list[Device]:
    """Devices from (CameraInfo of cv2-enumerate-cameras, backend) pairs; one that two backends know is one device."""
    together: dict[str, list[tuple[Any, int]]] = {}
    for info, backend in found:
        together.setdefault(_key(info), []).append((info, backend))
    devices: list[Device] = []
    names: set[str] = set()
    for same in sorted(together.values(), key=lambda same: (same[0][1] != _first_backend(), int(same[0][0].index))):
        info = same[0][0]
        model = " ".join(str(info.name or "").split()) or f"camera {info.index}"
        name, count = model, 1
        while name.lower() in names:
            count += 1
            name = f"{model} ({count})"
        names.add(name.lower())
        path = str(info.path or "")
        ways = tuple((int(other.index), backend) for other, backend in same)
        devices.append(Device(name=name, model=model, path=path, place=_place(path), ways=ways))
    return devices


def choose(name: str, there: Sequence[Device]) -> Device:
    """The camera that `name` means: its name, a unique part of it, its number or its path; "" is the first.

    Raises BodyDoubleError, one line that lists what there is, for none or for several.
    """
    found = matching(name, there)
    if len(found) == 1 or (found and not name.strip()):
        return found[0]
    if found:
        raise BodyDoubleError(f'"{name}" is the name of several cameras: {_names(found)}; give more of the name')
    if not there:
        raise BodyDoubleError(f'no camera "{name}", nor any other; {INSTEAD}' if name.strip() else NOTHING)
    raise BodyDoubleError(f'no camera "{name}"; there are: {_names(there)} (bodydouble cameras)')


def matching(name: str, there: Sequence[Device]) -> list[Device]:
    """The cameras that `name` may mean; the whole name counts for more than a part of it."""
    name = " ".join(name.split())
    if not name:
        return list(there)
    if name.isdecimal() and name.isascii():
        return [device for device in there if device.index == int(name)]
    if name.startswith("/dev/"):
        found = [device for device in there if os.path.realpath(device.path) == os.path.realpath(name)]
        return found or _unlisted(name)
    wanted = name.lower()
    whole = [device for device in there if device.name.lower() == wanted]
    return whole or [device for device in there if wanted in device.name.lower()]


def again(known: Device, others: frozenset[str], there: Sequence[Device]) -> Device | None:
    """The camera that was open before, wherever it is plugged in now; None while it is away.

    others: places of the cameras that were there beside it; an equal one among them is not taken for it.
    """
    same = [device for device in there if device.model == known.model]
    for device in same:
        if device.place == known.place:
            return device
    return next((device for device in same if device.place not in others), None)


def _unlisted(path: str) -> list[Device]:
    """A device file that the system does not list as a camera, but that the user names; none if it is not there."""
    number = re.fullmatch(r"/dev/video(\d+)", os.path.realpath(path))
    if not number or not Path(path).exists():
        return []
    return [Device(path, path, path, _place(path), ((int(number[1]), cv2.CAP_V4L2),))]


def _names(devices: Iterable[Device]) -> str:
    return ", ".join(device.name for device in devices)


def _first_backend() -> int:
    return _BACKENDS.get(sys.platform, (0,))[0]


def _key(info: Any) -> str:
    """The same for one camera that two backends list: their paths differ only in the kind of device after "#{"."""
    path = str(info.path or "").lower()
    return re.split(r"#\{", path)[0] if path else f"{info.name} {info.index}"


def _place(path: str) -> str:
    """Where the camera is plugged in: on Linux its place among the devices, elsewhere the path says it."""
    device = Path("/sys/class/video4linux") / Path(path).name / "device"
    return os.path.realpath(device) if path.startswith("/dev/") and device.exists() else path
