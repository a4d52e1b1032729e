"""A camera as a live source: chosen by name, found again when it was unplugged, with a reason when it gives nothing.

`cameras` lists what there is. The device list and the opener may be given, so that all of it can be tested without one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

from bodydouble.sources import hindrance, v4l2
from bodydouble.sources.black import BlackWatch
from bodydouble.sources.capture import Capture, OpenCVCapture, size_to_ask
from bodydouble.sources.devices import Device, again, choose, matching, plugged_in
from bodydouble.sources.live import Clock, Condition
from bodydouble.sources.reopening import Fault, Reopening, Rest, Shot
from bodydouble.sources.v4l2 import Mode
from bodydouble.types import BodyDoubleError

# Pictures in a row that may be damaged (MJPEG over a poor cable) before the camera is opened anew.
MOST_DAMAGED = 30
# What is tried where the system does not list what a camera offers.
_PROBED = ((1920, 1080), (1280, 720), (640, 480))
_PROBED_RATES = (60.0, 30.0)

Devices = Callable[[], list[Device]]
Opener = Callable[[Device, tuple[int, int], float], Capture]


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera that can be chosen. name: unique, as `--camera` takes it. label: with its number or device file.

    modes: (width, height, pictures a second) that it offers, best first; a rate of 0 is unknown, () is all unknown.
    trouble: why it cannot be used now, as far as the system says without opening it; "" if nothing is known.
    """

    name: str
    label: str
    modes: tuple[Mode, ...] = ()
    trouble: str = ""


def cameras(*, probe: bool = False, devices: Devices = plugged_in, opener: Opener = OpenCVCapture) -> list[CameraInfo]:
    """All cameras that are plugged in, in the system's order; none is not a fault.

    probe: where the system does not say what a camera offers, open it and try the usual sizes; that switches it on.
    Raises BodyDoubleError where cameras cannot be listed.
    """
    found = []
    for device in devices():
        modes = _modes(device)
        if probe and not modes:
            modes = probed(device, opener)
        label = device.path if device.path.startswith("/dev/") else f"number {device.index}"
        trouble = hindrance.linux(device)
        found.append(CameraInfo(device.name, f"{device.name} ({label})", modes, str(trouble) if trouble else ""))
    return found


def probed(device: Device, opener: Opener = OpenCVCapture) -> tuple[Mode, ...]:
    """The modes that a camera granted when asked for the usual ones; none if it does not open."""
    found: set[Mode] = set()
    for size in _PROBED:
        for rate in _PROBED_RATES:
            try:
                capture = opener(device, size, rate)
            except BodyDoubleError:
                return ()
            try:
                image = capture.picture() if capture.grab() else None
                if image is not None:
                    found.add((image.shape[1], image.shape[0], round(capture.rate, 2)))
            finally:
                capture.release()
    return tuple(sorted(found, key=lambda mode: (mode[0] * mode[1], mode[2]), reverse=True))


class Camera(Reopening):
    """A LiveSource (live.py) of a camera.

    name: the camera's, a unique part of it, its number or device file; "" is the first one. size, fps: asked for.
    Raises BodyDoubleError if the name fits several cameras; one that is not there is waited for.
    """

    def __init__(
        self,
        name: str,
        *,
        size: tuple[int, int] | None = None,
        fps: float = 30.0,
        clock: Clock = time.monotonic,
        devices: Devices = plugged_in,
        opener: Opener = OpenCVCapture,
        rest: Rest | None = None,
    ) -> None:
        self._wanted = name
        self._size, self._fps = size, fps
        self._devices, self._opener = devices, opener
        self._first = True
        self._known: Device | None = None
        self._others: frozenset[str] = frozenset()
        _check(name, devices)
        stalled = (Condition.FAILED, _frozen(name or "the camera"))
        super().__init__(name or "camera", thread="bodydouble-camera", clock=clock, stalled=stalled, rest=rest)
        self._start()

    def _shots(self) -> Generator[Shot | None, None, None]:
        """Pictures for as long as the camera gives them."""
        first, self._first = self._first, False
        device = self._find()
        if first:  # later the reason why it did not open stands until a picture comes
            self._newest.trouble(Condition.OPENING, f"opening {device.name}")
        self._newest.named(device.name)
        capture = self._opener(device, size_to_ask(self._size, self._fps, _modes(device)), self._fps)
        try:
            self._known = device
            self._newest.named(device.name, capture.rate)
            self._newest.expect((Condition.FAILED, _frozen(device.name)))
            yield from self._pictures(device, capture)
        finally:
            capture.release()

    def _pictures(self, device: Device, capture: Capture) -> Generator[Shot | None, None, None]:
        blind = BlackWatch()
        damaged, any_yet = 0, False
        while True:
            if not capture.grab():
                raise self._lost(device, any_yet)
            taken = self._clock() - capture.age()
            image = capture.picture()
            if image is None:
                damaged += 1
                if damaged > MOST_DAMAGED:
                    raise Fault(Condition.FAILED, f"{device.name} gives damaged pictures; try another cable or socket")
                yield Shot(None, taken)
                continue
            damaged, any_yet = 0, True
            if blind(image, taken):
                yield Shot(image, taken, Condition.BLACK, _black(device.name))
            else:
                yield Shot(image, taken)

    def _find(self) -> Device:
        """The camera that is meant, under whatever number it has now."""
        there = self._devices()
        if self._known is None:
            try:
                device = choose(self._wanted, there)
            except BodyDoubleError as error:
                several = bool(matching(self._wanted, there))
                raise Fault(
                    Condition.FAILED if several else Condition.UNPLUGGED, str(error), again=hindrance.SOON
                ) from error
        else:
            found = again(self._known, self._others, there)
            if found is None:
                raise hindrance.unplugged(self._known)
            device = found
        self._others = frozenset(other.place for other in there if other is not device)
        return device

    def _lost(self, device: Device, any_yet: bool) -> Fault:
        """Why pictures stopped, or never came."""
        if again(device, self._others, self._devices()) is None:
            return hindrance.unplugged(device)
        return Fault(Condition.FAILED, _frozen(device.name)) if any_yet else hindrance.after(device)


def _check(name: str, devices: Devices) -> None:
    """Raises BodyDoubleError if the name fits several cameras. What else is wrong is found out while it runs."""
    try:
        there = devices()
    except (BodyDoubleError, OSError, RuntimeError):  # told by the source's health
        return
    if name.strip() and len(matching(name, there)) > 1:
        choose(name, there)  # says which ones


def _modes(device: Device) -> tuple[Mode, ...]:
    """What the system says that the camera offers; nothing where it does not."""
    return v4l2.modes_of(device.path) if sys.platform == "linux" and device.path.startswith("/dev/") else ()


def _frozen(name: str) -> str:
    return f"no picture comes from {name}; if it stays so, unplug it and plug it in again"


def _black(name: str) -> str:
    return f"{name} shows nothing; open its lens cover or privacy switch, or turn on a light"
