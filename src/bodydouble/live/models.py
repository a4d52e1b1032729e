"""The model of a live run: the one asked for or the governor's choice, fetched and warmed up beside the run.

The model in use goes on until another is ready. All but `state` is for the engine's thread. Seconds.
"""

from __future__ import annotations

from collections import deque

from bodydouble.estimate import models
from bodydouble.live.config import AUTO, LiveConfig
from bodydouble.live.estimators import Estimators, Wanted
from bodydouble.live.governor import Governor, Rung
from bodydouble.live.moment import ModelState
from bodydouble.live.performance import Performance
from bodydouble.models import status
from bodydouble.pipeline import PEOPLE_AT_MOST
from bodydouble.types import BodyDoubleError, Frame

# Milliseconds of a frame on two cores, docs/speed.md; only their ratios count.
LADDER = (Rung("blazepose-lite", 12.4), Rung("blazepose-full", 20.7), Rung("blazepose-heavy", 66.7))
START = ("blazepose-full", "blazepose-lite")  # the first that need not be fetched, else the last, which is the smallest
# What takes less than half of the time of a model that is not on the ladder, docs/speed.md
LIGHTER = {"movenet-thunder": "movenet-lightning", "movenet-multipose": "movenet-lightning"}
RETRY = 30.0  # seconds until a model that could not be had is asked for again
SPARE_AFTER = 5.0  # seconds after a model was taken up until the lighter one is made ready for a fall
MEASURED = 60  # frames that the milliseconds shown are of


def ladder() -> tuple[Rung, ...]:
    """The models that the governor chooses among, lightest first."""
    known = models()
    return tuple(rung for rung in LADDER if rung.model in known)


def names() -> list[str]:
    """What a run may be asked for: the governor's choice, or one of the pose models."""
    return [AUTO, *models()]


def first() -> str:
    """The model that the governor begins with."""
    for name in START:
        try:
            if status(name) == "cached":
                return name
        except BodyDoubleError:
            continue  # no cache to look into: loading will say so
    return START[-1]


class Models:
    """Keeps a performance supplied with its model."""

    def __init__(self, config: LiveConfig) -> None:
        self._estimators = Estimators()
        self._config = config
        self._several = False  # all people are to be seen, though one is followed
        self._governor: Governor | None = None
        self._failed: dict[Wanted, float] = {}
        self._current: Wanted | None = None
        self._since = 0.0
        self._quiet = 0.0  # when nothing was being loaded last
        self._took: deque[float] = deque(maxlen=MEASURED)
        self._state = ModelState(automatic=config.automatic)
        self.choose(config)

    def choose(self, config: LiveConfig) -> None:
        """Take up another configuration."""
        self._config = config
        if config.person == "all":
            self._several = False
        if not config.automatic:
            self._governor = None
        elif self._governor is None:
            names = [rung.model for rung in ladder()]
            start = self._current.model if self._current is not None and self._current.model in names else first()
            self._governor = Governor(ladder(), start)
        self._failed.clear()

    def see_all(self) -> None:
        """See everybody from now on, for one of them to be chosen."""
        self._several = True

    @property
    def people(self) -> int:
        """How many people the model in use follows."""
        return 0 if self._current is None else self._current.people

    @property
    def wanted(self) -> Wanted:
        """The model to be used."""
        people = PEOPLE_AT_MOST if self._config.person == "all" or self._several else 1
        model = self._config.model if self._governor is None else self._governor.choice
        return Wanted(model, self._config.device, people)

    def step(self, performance: Performance, picture: Frame | None, time: float) -> str:
        """Hand over what is ready and ask for what is not. Returns what went wrong, "" if nothing did."""
        fault = self._receive(time)
        wanted = self.wanted
        estimator = self._estimators.ready(wanted)
        if estimator is None:
            if self._failed.get(wanted, 0.0) <= time:
                self._estimators.ask(wanted, picture)
        elif wanted != self._current:
            performance.estimate_with(estimator)
            if self._current is None or (self._current.device, self._current.people) != (wanted.device, wanted.people):
                self._estimators.forget_but(wanted.device, wanted.people)
            self._current, self._since = wanted, time
            self._took.clear()
        elif self._governor is not None and time - self._since > SPARE_AFTER and self._governor.lighter is not None:
            spare = Wanted(self._governor.lighter, wanted.device, wanted.people)
            if self._failed.get(spare, 0.0) <= time:
                self._estimators.ask(spare, picture)
        if self._governor is not None and self._current is not None:
            self._governor.using(self._current.model, time)
        self._report(performance)
        return fault

    def observe(self, time: float, model: float, rest: float, period: float, *, somebody: bool) -> None:
        """One frame took so many seconds in the model, and in all else."""
        self._took.append(model)
        if self._governor is not None and somebody:
            self._governor.observe(time, model, rest, period)

    def failed(self, performance: Performance, fault: Exception, time: float) -> str:
        """The model in use has failed: go on without until another is there. Returns what to tell."""
        if self._current is None:
            return f"{type(fault).__name__}: {fault}"
        failed, self._current = self._current, None
        self._failed[failed] = time + RETRY
        self._estimators.forget(failed)
        performance.without_model()
        if self._governor is not None:
            self._governor.unavailable(failed.model, time)
        return f"{failed.model} failed ({type(fault).__name__}: {fault}); it is tried again in {RETRY:.0f} seconds"

    @property
    def state(self) -> ModelState:
        """How it is; for any thread."""
        return self._state

    @property
    def slow(self) -> float:
        """Seconds that the model in use takes of late, the 80th percentile; 0 before it is known."""
        took = sorted(self._took)
        return took[int(0.8 * (len(took) - 1))] if took else 0.0

    @property
    def lightest(self) -> bool:
        """Whether there is nothing quicker to choose."""
        if self._governor is not None:
            return self._governor.lighter is None
        return self._config.model in (LADDER[0].model, *LIGHTER.values())  # about as quick as each other

    @property
    def lighter(self) -> str:
        """A lighter model than the one asked for by name; "" if none is known, or the governor chooses."""
        if self._governor is not None:
            return ""
        asked, names = self._config.model, [rung.model for rung in ladder()]
        return names[names.index(asked) - 1] if asked in names[1:] else LIGHTER.get(asked, "")

    def close(self) -> None:
        """Stop loading."""
        self._estimators.close()

    def _receive(self, time: float) -> str:
        """Take in what became of a load."""
        outcome = self._estimators.take()
        if outcome is None or not outcome.fault or not isinstance(outcome.key, Wanted):
            return ""
        self._failed[outcome.key] = time + RETRY
        asked = outcome.key == self.wanted
        if self._governor is not None:
            self._governor.unavailable(outcome.key.model, time)
        return outcome.fault if asked and (self._governor is None or self._current is None) else ""

    def _report(self, performance: Performance) -> None:
        loading, progress = self._estimators.loading
        watch = performance.watch
        self._state = ModelState(
            name="" if watch is None else watch.estimate.model,
            provider="" if watch is None else watch.estimate.provider,
            automatic=self._config.model == AUTO,
            loading=loading,
            progress=progress,
            milliseconds=1e3 * self.slow,
        )
