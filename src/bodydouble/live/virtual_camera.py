"""The live character as a virtual camera, drawn and sent in a thread of its own at a steady rate.

Each picture shows the newest pose. A device that fails while it runs is opened anew until it comes back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bodydouble.live.clock import now
from bodydouble.live.config import LiveConfig
from bodydouble.live.drawing import Drawing
from bodydouble.live.moment import LiveMoment
from bodydouble.live.newest import Newest
from bodydouble.outputs.colours import TRANSPARENT
from bodydouble.outputs.virtual_camera import VirtualCameraDevice
from bodydouble.types import BodyDoubleError, Image

SIZE, RATE = (1280, 720), 30.0  # what video calls ask of a webcam
GREEN = "#00ff00"  # stands for transparency, which cameras do not have: the colour that programs key out
NOTE = f"the background is transparent, which a camera cannot be: it shows green ({GREEN})"
RETRY = 2.0  # seconds between tries to open a device that failed
PATIENCE = 15.0  # seconds that a driver has to open its device

_log = logging.getLogger(__name__)


class Drawn(Protocol):
    """What is wanted of a live run here."""

    @property
    def config(self) -> LiveConfig: ...  # noqa: D102

    def listen(self, callback: Callable[[LiveMoment], None]) -> Callable[[], None]: ...  # noqa: D102


class Device(Protocol):
    """An open virtual camera."""

    name: str

    def send(self, picture: Image) -> None: ...  # noqa: D102

    def close(self) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class VirtualCameraState:
    """on: it was started and not stopped. device: its name, "" while there is none. message: one sentence, "" if all is
    well. sent: pictures since the start.
    """

    on: bool = False
    device: str = ""
    message: str = ""
    sent: int = 0


class VirtualCamera:
    """Shows a live run as a webcam. Every name may be used from any thread."""

    def __init__(
        self,
        *,
        pictures: Path | None = None,
        open_device: Callable[[tuple[int, int], float], Device] = VirtualCameraDevice,
        clock: Callable[[], float] = now,
    ) -> None:
        """pictures: the folder of the backgrounds called "picture:NAME"."""
        self._pictures = pictures
        self._open_device = open_device
        self._clock = clock
        self._lock = threading.Lock()
        self._run: _Run | None = None

    def start(self, live: Drawn, size: tuple[int, int] = SIZE, fps: float = RATE) -> str:
        """Begin; returns the device's name, as other programs list it.

        size: width, height in pixels. Raises BodyDoubleError if it is on already or there is no device, saying what to
        do; nothing is left running then.
        """
        with self._lock:
            if self._run is not None:
                raise BodyDoubleError(f"the virtual camera is on already ({self._run.state.device or 'opening'})")
            drawing = Drawing(size, pictures=self._pictures, instead=GREEN)
            run = _Run(live, drawing, lambda: self._open_device(size, fps), fps, self._clock)
            if run.opened.wait(PATIENCE) and not run.fault:
                self._run = run
                return run.state.device
            run.end()
            raise BodyDoubleError(run.fault or f"the virtual camera's driver does not answer in {PATIENCE:g} seconds")

    def stop(self) -> None:
        """End, and give the device back. Stopping twice is allowed."""
        with self._lock:
            if self._run is not None:
                self._run.end()
                self._run = None

    close = stop

    @property
    def report(self) -> VirtualCameraState:
        """How it goes."""
        run = self._run
        return VirtualCameraState() if run is None else run.state


class _Run:
    """From one start to its end. opened: set when the first device is there, or cannot be: then fault says why."""

    def __init__(
        self, live: Drawn, drawing: Drawing, open_device: Callable[[], Device], fps: float, clock: Callable[[], float]
    ) -> None:
        self.state = VirtualCameraState(on=True)
        self.fault = ""
        self.opened = threading.Event()
        self._live = live
        self._drawing = drawing
        self._open_device = open_device
        self._fps = fps
        self._clock = clock
        self._newest: Newest[LiveMoment] = Newest()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bodydouble-virtual-camera", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop; returns when the device is given back. A driver that hangs is left behind with its thread."""
        self._stopped.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        stop_listening = self._live.listen(self._newest.put)
        try:
            while not self._stopped.is_set():
                try:
                    device = self._open_device()
                except BodyDoubleError as error:
                    if not self.opened.is_set():
                        self.fault = str(error)
                        return
                    self._tell(device="", message=str(error))
                else:
                    self._use(device)
                self._stopped.wait(RETRY)
        finally:
            stop_listening()
            self._drawing.close()
            self.opened.set()

    def _use(self, device: Device) -> None:
        """Send to a device until stopped, or until it fails."""
        self._tell(device=device.name, message="")
        self.opened.set()
        try:
            self._show(device)
        except BodyDoubleError as error:
            self._tell(device="", message=f"{error}; it is tried again")
        except Exception as fault:  # noqa: BLE001
            _log.exception("a picture for the virtual camera could not be made")  # our bug; the next one may well be
            self._tell(device="", message=f"{type(fault).__name__}: {fault}; it is tried again")
        finally:
            device.close()

    def _show(self, device: Device) -> None:
        """Send pictures at a steady rate until stopped. Raises BodyDoubleError when the device fails."""
        picture: Image | None = None
        due = self._clock()
        while not self._stopped.wait(max(0.0, due - self._clock())):
            due = max(due + 1 / self._fps, self._clock())  # late ones are left out
            moment = self._newest.take(0.0)
            config = self._live.config
            if moment is not None:
                picture = self._drawing(moment, config)
            if picture is not None:
                device.send(picture)
                self._tell(message=NOTE if config.background == TRANSPARENT else "", sent=self.state.sent + 1)

    def _tell(self, **values: object) -> None:
        self.state = replace(self.state, **values)  # type: ignore[arg-type]
