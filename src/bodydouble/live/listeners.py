"""Those who are told of every moment of a live run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from bodydouble.live.moment import LiveMoment

Listener = Callable[[LiveMoment], None]

_log = logging.getLogger(__name__)


class Listeners:
    """`tell` is for one thread, `add` and what it returns for any, also from within a listener."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[object, Listener] = {}  # never changed, but exchanged for another

    def add(self, callback: Listener) -> Callable[[], None]:
        """Have `callback` told from now on; returns what stops that, which may be called twice."""
        key = object()
        with self._lock:
            self._all = {**self._all, key: callback}
        return lambda: self._remove(key)

    def tell(self, moment: LiveMoment) -> None:
        """Tell everybody; one that raises is not told again."""
        for key, callback in self._all.items():
            try:
                callback(moment)
            except Exception:  # noqa: BLE001
                _log.exception("a listener failed and is not called again")
                self._remove(key)

    def _remove(self, key: object) -> None:
        with self._lock:
            self._all = {other: callback for other, callback in self._all.items() if other is not key}
