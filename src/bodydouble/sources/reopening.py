"""The thread behind a live source: it opens, captures, and opens again after a fault, waiting longer each time.

A source says how its pictures come by one generator, `_shots`; faults in it are words for people, never the end.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass

from bodydouble.sources.live import Clock, Condition, Health
from bodydouble.sources.newest import STALL_SECONDS, Newest
from bodydouble.types import BodyDoubleError, Frame, Image

SOONEST, LATEST = 0.5, 5.0  # seconds until a device or stream is tried again: doubling from the one to the other
# close() waits so long for the thread. A driver or a connection that blocks for longer keeps the thread, which lets go
# of the device and ends by itself as soon as the blocking call returns.
JOIN_SECONDS = 1.0

Rest = Callable[[float], bool]
_log = logging.getLogger(__name__)


class Fault(BodyDoubleError):
    """Why a source gives no pictures. again: seconds after which it is tried again at the latest."""

    def __init__(self, condition: Condition, message: str, *, again: float = LATEST) -> None:
        super().__init__(" ".join(message.split()))
        self.condition = condition
        self.again = again


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One picture as a source captured it. taken: seconds on the live clock. image: None if it was overtaken."""

    image: Image | None
    taken: float
    condition: Condition = Condition.LIVE
    message: str = ""


class Reopening(ABC):
    """A LiveSource (live.py) that captures in a thread. A subclass calls `_start()` when it is ready.

    name: what people call it. thread: the thread's name. stalled: what it means when pictures stop coming. rest: waits
    so many seconds and says whether the source was closed meanwhile; tests that have their own clock give their own.
    """

    def __init__(
        self,
        name: str,
        *,
        thread: str,
        clock: Clock,
        stalled: tuple[Condition, str],
        stall: float = STALL_SECONDS,
        rest: Rest | None = None,
    ) -> None:
        self._clock = clock
        self._newest = Newest(name, clock, stalled, stall=stall)
        self._stopped = threading.Event()
        self._rest: Rest = rest or self._stopped.wait
        self._thread = threading.Thread(target=self._run, name=thread, daemon=True)

    @abstractmethod
    def _shots(self) -> Generator[Shot | None, None, None]:
        """Open, then give pictures as they come, None when there was none for a while. Closing it lets go of all.

        Raises Fault when it cannot go on, with why; a return counts as a fault that has been told already.
        """

    def _interrupt(self) -> None:  # noqa: B027  most sources have nothing to interrupt
        """Make a blocking call in `_shots` return, where there is a way."""

    def read(self, timeout: float) -> Frame | None:
        """The newest frame not read before; None after `timeout` seconds without one."""
        return self._newest.read(timeout)

    @property
    def health(self) -> Health:
        """How the source does now."""
        return self._newest.health

    def close(self) -> None:
        """End the thread and let go of the device; returns soon even if the device does not answer."""
        self._stopped.set()
        self._newest.close()
        self._interrupt()
        if self._thread is not threading.current_thread():
            self._thread.join(JOIN_SECONDS)

    def _start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        wait = SOONEST
        while not self._stopped.is_set():
            captured = self.health.captured
            latest = LATEST
            try:
                self._capture()
            except Fault as fault:
                self._tell(fault.condition, str(fault))
                latest = fault.again
            except BodyDoubleError as error:
                self._tell(Condition.FAILED, str(error))
            except Exception as error:  # noqa: BLE001  a live run outlives whatever a driver's library raises
                _log.warning("a live source failed", exc_info=True)
                what = " ".join(str(error).split()) or type(error).__name__
                self._tell(Condition.FAILED, f"the source failed ({what}); it is tried again")
            if self.health.captured > captured:
                wait = SOONEST
            if self._rest(min(wait, latest)):
                return
            wait = min(2 * wait, LATEST)

    def _tell(self, condition: Condition, message: str) -> None:
        """Say what is wrong; what goes wrong in closing is nobody's concern."""
        if not self._stopped.is_set():
            self._newest.trouble(condition, message)

    def _capture(self) -> None:
        shots = self._shots()
        try:
            for shot in shots:
                if self._stopped.is_set():
                    return
                if shot is None:
                    continue
                if shot.image is None:
                    self._newest.skip()
                else:
                    self._newest.put(shot.image, shot.taken, shot.condition, shot.message)
        finally:
            shots.close()
