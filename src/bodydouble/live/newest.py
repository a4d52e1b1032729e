"""A place for one value between two threads: the newest wins, nothing queues, who puts never waits."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Holds the newest value that was put and not taken yet. Any threads may put and take."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._closed = False

    def put(self, value: T) -> None:
        """Replace what is there."""
        with self._changed:
            self._value = value
            self._changed.notify_all()

    def take(self, timeout: float | None = None) -> T | None:
        """The newest value, once; waits for one at most `timeout` seconds. None: none came, or it was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._value is not None, timeout)
            value, self._value = (None if self._closed else self._value), None
            return value

    def close(self) -> None:
        """Wake who waits; nothing is given out any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed
