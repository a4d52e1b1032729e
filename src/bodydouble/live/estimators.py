"""The models of a live run: loaded and warmed up beside it, kept so that going back to a lighter one takes no time.

How many threads: docs/decisions/live.md.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from bodydouble.estimate import Estimator, load
from bodydouble.estimate.session import default_threads
from bodydouble.live.background import Outcome, Worker
from bodydouble.types import BodyDoubleError, Frame

WARMING = 2  # frames looked at before a model is used: the first makes the runtime plan its memory


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a model is loaded for. people: how many it has to follow."""

    model: str
    device: str
    people: int


def live_threads() -> int:
    """Threads of a model while live: one core is left to the camera, the pages and the program that shows them."""
    return max(default_threads() - 1, 1)


class Estimators:
    """Loads models in a thread; one at a time, the newest that was asked for."""

    def __init__(self) -> None:
        self._worker: Worker[Estimator] = Worker("models")
        self._kept: dict[Wanted, Estimator] = {}
        self._lock = threading.Lock()
        self._progress = 0.0
        self._picture: Frame | None = None

    def ready(self, wanted: Wanted) -> Estimator | None:
        """The model, if it is loaded."""
        return self._kept.get(wanted)

    def ask(self, wanted: Wanted, picture: Frame | None) -> None:
        """Have it loaded, unless it is or is being. picture: what it is warmed up with, None for none."""
        self._picture = picture
        if wanted not in self._kept and self._worker.busy != wanted:
            self._progress = 0.0
            self._worker.ask(wanted, lambda: self._loaded(wanted))

    def take(self) -> Outcome[Estimator] | None:
        """What became of the last one asked for, once; a model that came is kept."""
        outcome = self._worker.take()
        if outcome is not None and outcome.value is not None and isinstance(outcome.key, Wanted):
            self._kept[outcome.key] = outcome.value
        return outcome

    def forget(self, wanted: Wanted) -> None:
        """Let go of one model."""
        self._kept.pop(wanted, None)

    def forget_but(self, device: str, people: int) -> None:
        """Let go of models for another device or number of people."""
        self._kept = {key: value for key, value in self._kept.items() if (key.device, key.people) == (device, people)}

    @property
    def loading(self) -> tuple[str, float]:
        """The model that is being loaded, "" for none, and how far that is, 0..1."""
        busy = self._worker.busy
        with self._lock:
            return (busy.model, self._progress) if isinstance(busy, Wanted) else ("", 0.0)

    def close(self) -> None:
        """Stop loading."""
        self._worker.close()
        self._kept.clear()

    def _loaded(self, wanted: Wanted) -> Estimator:
        estimator = load(
            wanted.model,
            device=wanted.device,
            people=wanted.people,
            threads=live_threads(),
            progress=self._report,
        )
        picture = self._picture
        if picture is not None:
            for _ in range(WARMING):
                estimator(picture)
        return estimator

    def _report(self, done: int, total: int | None, _: str) -> None:
        """Progress of fetching; also where a fetch ends that nobody wants any more."""
        if self._worker.closed:
            raise BodyDoubleError("the run has ended")
        with self._lock:
            self._progress = min(done / total, 1.0) if total else 0.0
