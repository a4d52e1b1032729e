"""Work that takes long, done beside the run: loading characters and models, opening and closing cameras.

One thread a worker; of several jobs waiting the newest is done, except those that must be (closing).
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bodydouble.live.memory import give_back
from bodydouble.types import BodyDoubleError

T = TypeVar("T")
PATIENCE = 10.0  # seconds that close() waits for a job at work: a download that hangs is left behind, as it is a daemon
QUIET = 3.0  # seconds after a job in which what it replaces is let go of, and nothing else is asked for

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What became of a job. key: what was asked for. value: None if it failed; then fault says why, in one line."""

    key: object
    value: T | None
    fault: str = ""


class Worker(Generic[T]):
    """Makes one thing at a time in a thread of its own."""

    def __init__(self, name: str) -> None:
        self._changed = threading.Condition()
        self._wanted: tuple[object, Callable[[], T]] | None = None
        self._outcomes: deque[Outcome[T]] = deque(maxlen=4)  # taken once a frame; the newest matter
        self._busy: object = None
        self._closed = False
        self._thread: threading.Thread | None = None
        self._name = name

    def ask(self, key: object, make: Callable[[], T]) -> None:
        """Have `make` called in the thread, soon; a job not begun is forgotten for it."""
        with self._changed:
            if self._closed:
                return
            self._wanted = (key, make)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"bodydouble-{self._name}", daemon=True)
                self._thread.start()
            self._changed.notify()

    def take(self) -> Outcome[T] | None:
        """The next outcome, once; None if there is none yet."""
        with self._changed:
            return self._outcomes.popleft() if self._outcomes else None

    @property
    def busy(self) -> object:
        """The key of what is being made or waits to be, None if nothing is."""
        with self._changed:
            return self._busy if self._wanted is None else self._wanted[0]

    @property
    def closed(self) -> bool:
        """Whether what is being made is no longer wanted."""
        return self._closed

    def close(self) -> None:
        """Stop; a job at work is waited for, up to PATIENCE."""
        with self._changed:
            self._closed = True
            self._wanted = None
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        spare = False  # whether what the last job replaced may lie about as free memory
        while True:
            with self._changed:
                waited = self._changed.wait_for(
                    lambda: self._wanted is not None or self._closed, QUIET if spare else None
                )
                if waited:
                    if self._wanted is None:
                        return
                    (key, make), self._wanted = self._wanted, None
                    self._busy = key
            spare = waited
            if not waited:
                give_back()
                continue
            outcome = self._made(key, make)
            with self._changed:
                self._busy = None
                self._outcomes.append(outcome)
            del outcome, make  # nothing of it is held here

    def _made(self, key: object, make: Callable[[], T]) -> Outcome[T]:
        try:
            return Outcome(key, make())
        except BodyDoubleError as fault:
            return Outcome(key, None, str(fault))
        except Exception as fault:  # noqa: BLE001
            _log.exception("%s: %s could not be made", self._name, key)  # our bug; the run goes on with what it has
            return Outcome(key, None, f"{key}: {type(fault).__name__}: {fault}")
