"""Cameras made of a list of happenings, a clock that stands still, and a source that runs in the test's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from bodydouble.sources.camera import Camera
from bodydouble.sources.devices import Device
from bodydouble.sources.live import Condition, Health
from bodydouble.sources.reopening import Fault
from bodydouble.types import Frame, Image

STEP = 1 / 30
GRABS = ("frame", "black", "damaged", "none")


class FakeClock:
    """Seconds that pass only when told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def rest(self, seconds: float) -> bool:
        self.now += seconds
        return False


def device(name: str, index: int = 0, *, place: str = "", model: str = "") -> Device:
    return Device(name, model or name, f"/made/video{index}", place or f"socket {name}", ((index, 0),))


def seen(level: int = 120, size: tuple[int, int] = (64, 48)) -> Image:
    """A picture with something in it, as light as `level`."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    image[::2] = level
    return image


class World:
    """What happens to the cameras, one happening a grab: "frame", "black", "damaged", "none" (the read fails).

    Between grabs: "unplug", "plug", "plug elsewhere", "busy", "free", "forbid", "allow". At the end it is closed.
    """

    def __init__(self, happenings: Iterable[str], there: list[Device]) -> None:
        self.clock = FakeClock()
        self.there = list(there)
        self.camera = there[0]
        self.plugged, self.busy, self.forbidden = True, False, False
        self.left = list(happenings)
        self.left_before = -1
        self.frames: list[Frame] = []
        self.healths: list[tuple[str, Health]] = []
        self.rests: list[float] = []
        self.opened: list[Device] = []
        self.open_now = 0
        self.source: StillCamera | None = None
        self.rate = 30.0
        self.wanted_size = (0, 0)

    def devices(self) -> list[Device]:
        return [one for one in self.there if self.plugged or one.model != self.camera.model]

    def opener(self, wanted: Device, size: tuple[int, int], fps: float) -> FakeCapture:
        self.wanted_size = size
        if self.forbidden:
            raise Fault(Condition.NO_PERMISSION, "no permission", again=1.0)
        if self.busy:
            raise Fault(Condition.BUSY, "in use by another program", again=1.0)
        self.opened.append(wanted)
        self.open_now += 1
        return FakeCapture(self)

    def rest(self, seconds: float) -> bool:
        self.rests.append(seconds)
        self.clock.now += seconds
        if len(self.left) == self.left_before:  # nothing could be grabbed since the last rest
            self.left.pop(0)
        what = self.happen(between_grabs=True)
        self.left_before = len(self.left) if what in GRABS else -1
        return not what

    def happen(self, between_grabs: bool) -> str:
        """The next happening that a grab sees, "" at the end; changes of the world on the way take effect."""
        self.note()
        while self.left:
            what = self.left[0]
            if what in GRABS:
                if between_grabs:
                    return what
                self.left.pop(0)
                return what if self.plugged and not self.busy else "none"
            self.left.pop(0)
            self.change(what)
            if not between_grabs and what in ("unplug", "busy"):
                return "none"
            if between_grabs:
                return what
        if self.source is not None:
            self.source._stopped.set()
        return ""

    def change(self, what: str) -> None:
        if what in ("unplug", "plug", "plug elsewhere"):
            self.plugged = what != "unplug"
            if what == "plug elsewhere":
                moved = device(self.camera.name, self.camera.index + 5, place="another socket", model=self.camera.model)
                self.there = [moved if one is self.camera else one for one in self.there]
                self.camera = moved
        elif what in ("busy", "free"):
            self.busy = what == "busy"
        elif what in ("forbid", "allow"):
            self.forbidden = what == "forbid"

    def note(self, what: str = "") -> None:
        if self.source is None:
            return
        frame = self.source.read(0)
        if frame is not None:
            self.frames.append(frame)
        self.healths.append((what, self.source.health))

    def run(self, name: str = "", source: Callable[..., StillCamera] | None = None) -> StillCamera:
        """Live through all of it."""
        camera = (source or StillCamera)(
            name, clock=self.clock, devices=self.devices, opener=self.opener, rest=self.rest
        )
        self.source = camera
        camera._run()
        self.note("end")
        return camera


class StillCamera(Camera):
    """A camera source without its thread: the test calls _run itself."""

    def _start(self) -> None:
        pass


class FakeCapture:
    """An open camera of the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rate = world.rate
        self.what = ""
        self.released = False

    def grab(self) -> bool:
        assert not self.released
        self.world.clock.now += STEP
        self.what = self.world.happen(between_grabs=False)
        return self.what not in ("", "none")

    def age(self) -> float:
        return 0.005

    def picture(self) -> Image | None:
        if self.what == "damaged":
            return None
        return seen(4 if self.what == "black" else 120)

    def release(self) -> None:
        assert not self.released
        self.released = True
        self.world.open_now -= 1
