"""What Linux says of a camera: the sizes and rates it offers, and why it cannot be used (Video4Linux, by ioctl).

Structures and request numbers: Linux, include/uapi/linux/videodev2.h, as on x86 and ARM. `Ask` is one ioctl on an open
device; tests give a made one.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

Ask = Callable[[int, bytearray], object]
Mode = tuple[int, int, float]

ENUM_FMT = 0xC0405602
ENUM_FRAMESIZES = 0xC02C564A
ENUM_FRAMEINTERVALS = 0xC034564B
REQBUFS = 0xC0145608
_FMT = struct.Struct("=III32sII12x")  # index, type, flags, description, pixelformat, mbus_code
_SIZE = struct.Struct("=III6I8x")  # index, pixel_format, type, then width, height or min, max, step of each
_INTERVAL = struct.Struct("=5I6I8x")  # index, pixel_format, width, height, type, then fractions of a second
_BUFFERS = struct.Struct("=4IB3x")  # count, type, memory, capabilities, flags
_CAPTURE, _MMAP = 1, 1
_DISCRETE = 1

# Formats that OpenCV does not turn into pictures.
_UNREADABLE = frozenset({b"H264", b"HEVC", b"VP80", b"VP90", b"MPEG", b"Z16 "})
# Sizes that are named of a camera which takes any size within bounds.
_USUAL = ((1920, 1080), (1280, 960), (1280, 720), (960, 540), (800, 600), (640, 480), (640, 360), (320, 240))
_USUAL_RATES = (60.0, 30.0, 15.0)
_MOST = 256  # entries read of a list: a driver that never ends one is at fault


def modes(ask: Ask) -> tuple[Mode, ...]:
    """(width, height, pictures a second) of all that an open camera offers, largest and fastest first.

    A rate of 0 means that the driver does not say.
    """
    found: set[Mode] = set()
    for pixels in _formats(ask):
        for width, height in _sizes(ask, pixels):
            found.update((width, height, rate) for rate in _rates(ask, pixels, width, height) or [0.0])
    return tuple(sorted(found, key=lambda mode: (mode[0] * mode[1], mode[0], mode[2]), reverse=True))


def modes_of(path: str) -> tuple[Mode, ...]:
    """The modes of the device at `path`; none where it cannot be asked (gone, no permission)."""
    try:
        with asking(path) as ask:
            return modes(ask)
    except OSError:
        return ()


@contextmanager
def asking(path: str) -> Generator[Ask, None, None]:
    """Open a device, without taking it from anybody. Raises OSError."""
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield lambda request, data: fcntl.ioctl(descriptor, request, data, True)
    finally:
        os.close(descriptor)


def why_not(path: str, open_device: Callable[[str], object] = asking) -> int:
    """The errno that keeps a program from capturing now; 0 if nothing does. EBUSY: another one has its buffers."""
    try:
        with open_device(path) as ask:  # type: ignore[attr-defined]
            try:
                ask(REQBUFS, bytearray(_BUFFERS.pack(1, _CAPTURE, _MMAP, 0, 0)))
                ask(REQBUFS, bytearray(_BUFFERS.pack(0, _CAPTURE, _MMAP, 0, 0)))
            except OSError as error:  # only what tells of others: drivers refuse for reasons of their own, too
                return errno.EBUSY if error.errno == errno.EBUSY else 0
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def users_of(path: str, processes: Path = Path("/proc")) -> list[str]:
    """Names of the programs that have the device open, as far as this user may know; this one is left out."""
    device, names = os.path.realpath(path), set()
    for process in processes.glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            if any(os.path.realpath(handle) == device for handle in (process / "fd").iterdir()):
                names.add((process / "comm").read_text(errors="replace").strip())
        except OSError:  # ended meanwhile, or another user's
            continue
    return sorted(names - {""})


def _formats(ask: Ask) -> Iterator[int]:
    for data in _listed(ask, ENUM_FMT, lambda index: _FMT.pack(index, _CAPTURE, 0, b"", 0, 0)):
        pixels = int(_FMT.unpack(data)[4])
        if pixels.to_bytes(4, "little") not in _UNREADABLE:
            yield pixels


def _sizes(ask: Ask, pixels: int) -> Iterator[tuple[int, int]]:
    zeros = (0,) * 6
    for data in _listed(ask, ENUM_FRAMESIZES, lambda index: _SIZE.pack(index, pixels, 0, *zeros)):
        _, _, kind, *numbers = _SIZE.unpack(data)
        if kind == _DISCRETE:
            yield numbers[0], numbers[1]
            continue
        least_w, most_w, step_w, least_h, most_h, step_h = numbers  # one entry that names bounds
        for width, height in dict.fromkeys((*_USUAL, (most_w, most_h))):
            if _fits(width, least_w, most_w, step_w) and _fits(height, least_h, most_h, step_h):
                yield width, height
        return


def _rates(ask: Ask, pixels: int, width: int, height: int) -> list[float]:
    zeros = (0,) * 6
    rates = []
    for data in _listed(
        ask, ENUM_FRAMEINTERVALS, lambda index: _INTERVAL.pack(index, pixels, width, height, 0, *zeros)
    ):
        _, _, _, _, kind, *numbers = _INTERVAL.unpack(data)
        fastest = _rate(numbers[0], numbers[1])
        if kind == _DISCRETE:
            rates.append(fastest)
            continue
        slowest = _rate(numbers[2], numbers[3])
        return list(dict.fromkeys([fastest, *(rate for rate in _USUAL_RATES if slowest <= rate < fastest)]))
    return [rate for rate in rates if rate > 0]


def _listed(ask: Ask, request: int, entry: Callable[[int], bytes]) -> Iterator[bytes]:
    """The driver's answers for index 0, 1, ... until it refuses."""
    for index in range(_MOST):
        data = bytearray(entry(index))
        try:
            ask(request, data)
        except OSError:  # EINVAL: past the end; ENOTTY: the driver has no such list
            return
        yield bytes(data)


def _fits(value: int, least: int, most: int, step: int) -> bool:
    return least <= value <= most and (value - least) % max(1, step) == 0


def _rate(numerator: int, denominator: int) -> float:
    """Pictures a second from seconds a picture, to a hundredth; 0 for no interval."""
    return round(denominator / numerator, 2) if numerator and denominator else 0.0
