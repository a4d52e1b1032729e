"""The motion of a live run sent by OSC, in a thread of its own: the engine never waits for a network."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from bodydouble.live.clock import now
from bodydouble.live.moment import LiveMoment
from bodydouble.live.newest import Newest
from bodydouble.outputs.feed import as_json
from bodydouble.outputs.osc import OscSocket, bundles

MOST_RATE = 60.0  # moments a second that are sent; more than a camera gives, less than a network minds

_log = logging.getLogger(__name__)


class Listened(Protocol):
    """What is wanted of a live run here."""

    def listen(self, callback: Callable[[LiveMoment], None]) -> Callable[[], None]: ...  # noqa: D102


class OscFeed:
    """Sends every moment of `live` to an OSC receiver until closed; one that is not there does no harm.

    address: HOST:PORT (outputs/osc.py). rate: moments a second at most, the newest is sent. Times are counted from the
    making of this. Raises BodyDoubleError for an address that cannot be.
    """

    def __init__(
        self, live: Listened, address: str, *, rate: float = MOST_RATE, clock: Callable[[], float] = now
    ) -> None:
        self.address = address
        self._socket = OscSocket(address)
        self._start = clock()
        self._clock = clock
        self._pause = 1.0 / rate
        self._message = ""
        self._newest: Newest[LiveMoment] = Newest()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._send, name="bodydouble-osc", daemon=True)
        self._thread.start()
        self._stop_listening = live.listen(self._newest.put)

    @property
    def message(self) -> str:
        """Why nothing can be sent at this moment; "" if all is well. UDP does not tell whether anybody receives."""
        return self._message

    def close(self) -> None:
        """Stop sending. Closing twice is allowed."""
        self._stop_listening()
        self._stopped.set()
        self._newest.close()
        self._thread.join()
        self._socket.close()

    def _send(self) -> None:
        due = self._clock()
        while not self._stopped.wait(max(0.0, due - self._clock())):
            moment = self._newest.take()
            if moment is None:
                continue
            due = self._clock() + self._pause
            failed = self._sent(moment)
            self._message = f"OSC to {self.address} cannot be sent ({failed})" if failed else ""

    def _sent(self, moment: LiveMoment) -> str:
        """Send one moment; why it could not be sent, "" if it was."""
        try:
            return self._socket.send(bundles(as_json(moment), self._start))
        except Exception as fault:  # noqa: BLE001
            if not self._message:
                _log.exception("a moment could not be told by OSC")  # our bug; the next one may well be
            return f"{type(fault).__name__}: {fault}"
