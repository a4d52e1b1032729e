"""A live run: the newest frame becomes the newest pose, whatever changes meanwhile; nothing queues.

One thread reads the source, runs the chain (performance.py) and publishes; loading, opening and closing are done beside
it (background.py). Seconds on live.clock.now(). Every public name may be used from any thread. Why it is built so, and
what it costs: docs/decisions/live.md
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

import cv2

from bodydouble import characters
from bodydouble.characters import Puppet
from bodydouble.estimate import choose_providers, models
from bodydouble.live.background import Worker
from bodydouble.live.calibrating import Calibrating
from bodydouble.live.choosing import Choosing
from bodydouble.live.clock import now
from bodydouble.live.config import LiveConfig
from bodydouble.live.hints import Hints, Look, brightness
from bodydouble.live.intake import Intake, opened
from bodydouble.live.latency import Latency
from bodydouble.live.listeners import Listener, Listeners
from bodydouble.live.models import Models
from bodydouble.live.moment import LiveMoment, LiveReport
from bodydouble.live.pace import Pace
from bodydouble.live.performance import Performance, Shown, followed
from bodydouble.sources.live import LiveSource, kind_of
from bodydouble.sources.pushed import Pushed
from bodydouble.types import UNTRACKED, BodyDoubleError, Frame

NOTED = 8.0  # seconds for which something that could not be had is told
JOIN = 10.0  # seconds that close() waits for the thread: a frame of the slowest model takes one

_log = logging.getLogger(__name__)


class Live:
    """A live run. `start` begins it, `close` ends it and waits for its threads; also a context manager of both.

    Raises BodyDoubleError for a character, model, device or source that can never be had.
    """

    def __init__(
        self, config: LiveConfig, *, source: LiveSource | None = None, clock: Callable[[], float] = now
    ) -> None:
        """source: read in place of config.camera, until another camera is asked for; closed with the run."""
        _check(config)
        puppet = characters.load(config.character)
        self._clock = clock
        self._config = self._wanted = config
        self._changing = threading.Lock()  # one change after the other; each may open a source
        self._wanting = threading.Lock()  # of what is wanted, held for an instant
        self._given = source is not None
        self._neutral = config.calibration
        self._intake = Intake(source or opened(config.camera, config.size, config.fps))
        self._performance = Performance(puppet, config.performance, self._neutral)
        self._models = Models(config)
        self._choosing = Choosing()
        self._calibrating = Calibrating()
        self._latency = Latency()
        self._hints = Hints()
        self._puppets: Worker[Puppet] = Worker("characters")
        self._listeners = Listeners()
        self._closing = threading.Event()
        self._opencv: int | None = None  # threads that it had before
        self._thread = threading.Thread(target=self._run, name="bodydouble-live", daemon=True)
        self._sequence = 0
        self._revision = 0
        self._frame: Frame | None = None
        self._pace = Pace()
        self._is_camera = source is None and _is_camera(config)
        self._note = ("", 0.0)
        self._moment: LiveMoment | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begin; returns at once. The character idles until a model is loaded and somebody is seen.

        A second time does nothing; raises RuntimeError once the run was closed. Meanwhile OpenCV works in the thread
        that calls it, in this whole process: its own wait busily for small pictures, and take what the model needs.
        """
        if self._closing.is_set():
            raise RuntimeError("a live run that was closed cannot be started again; make a new one")
        if self._opencv is None:
            self._opencv = cv2.getNumThreads()
            cv2.setNumThreads(1)
            self._thread.start()

    def close(self) -> None:
        """End the run, let go of the source, and wait for every thread. A second time does nothing."""
        self._closing.set()
        self._intake.close()
        if self._thread.is_alive():
            self._thread.join(JOIN)
        for part in (self._models, self._choosing, self._puppets):
            part.close()
        if self._opencv is not None:
            cv2.setNumThreads(self._opencv)
            self._opencv = None

    @property
    def config(self) -> LiveConfig:
        """What the run was last asked for."""
        return self._wanted

    def change(self, config: LiveConfig) -> None:
        """Go on with another configuration, from the next frame on; only what differs is made anew.

        Raises BodyDoubleError, and goes on as before, for what can never be had. What takes time (a model, a character,
        a camera) is made beside the run while the old one goes on; if that fails, report().hint says so.
        """
        with self._changing:
            before = self._wanted
            _check(config)
            if config.camera != before.camera:
                self._intake.exchange(opened(config.camera, config.size, config.fps))
                self._given = False
            elif (config.size, config.fps) != (before.size, before.fps) and not self._given:
                self._intake.reopen(config.camera, config.size, config.fps)
            with self._wanting:
                self._wanted = config

    def listen(self, callback: Listener) -> Callable[[], None]:
        """Have every moment from now on; returns what stops that.

        The callback runs in the engine's thread and must return at once: hand the moment over to a thread of your own
        (newest.py), never wait. One that raises is not called again.
        """
        return self._listeners.add(callback)

    def acknowledge(self, sequence: int, posed: float, drawn: float, draw_rate: float, work: float = 0.0) -> None:
        """A page has posed the character with a moment, and drawn it (0: not), on the run's clock.

        draw_rate: its pictures a second. work: milliseconds of its main thread for one, 0 unknown.
        """
        self._latency.acknowledge(sequence, posed, drawn, draw_rate, self._clock(), work)

    def follow(self, x: float, y: float) -> bool:
        """Follow whoever is at this place of the picture, in fractions of it; returns at once.

        The search takes up to some seconds; that nobody is there is then told in report().hint. False if no picture has
        come yet, if the place is outside it, or if everybody has a character of their own.
        """
        if self._frame is None or self._wanted.person == "all" or not (0 <= x <= 1 and 0 <= y <= 1):
            return False
        self._choosing.ask(x, y)
        return True

    def calibrate(self, seconds: float) -> None:
        """Learn the neutral posture after a countdown; report().calibration tells how far it is.

        0 forgets it; less than 0 leaves off what is going on, and the posture learnt before stays.
        """
        if not seconds <= 0:  # also what is no number, which is refused
            self._calibrating.begin(seconds, self._clock())
            return
        self._calibrating.forget()
        if seconds == 0:
            with self._wanting:
                self._wanted = replace(self._wanted, neutral=None)

    @property
    def browser(self) -> Pushed | None:
        """The source, if it is the browser's camera."""
        source = self._intake.source
        return source if isinstance(source, Pushed) else None

    @property
    def puppet(self) -> Puppet:
        """The character that plays."""
        return self._performance.puppet

    @property
    def revision(self) -> int:
        """Grows when the character changes."""
        return self._revision

    @property
    def newest(self) -> LiveMoment | None:
        """The moment published last, None before the first."""
        return self._moment

    def report(self) -> LiveReport:
        """How all goes."""
        time = self._clock()
        health = self._intake.health
        moment = self._moment
        note, until = self._note
        return LiveReport(
            time=time,
            source=replace(health, dropped=health.dropped + self._intake.late),
            model=self._models.state,
            latency=self._latency.figures(time),
            confidence=self._hints.confidence,
            hint=health.message or (note if time < until else "") or self._hints.hint,
            people=0 if moment is None else len(moment.seen),
            calibration=self._calibrating.report(time),
            counts=self._intake.counts,
        )

    def _run(self) -> None:
        """The engine's thread."""
        while not self._closing.is_set():
            self._take_up()
            frame = self._intake.read(self._pace.patience(self._clock()))
            if self._closing.is_set():
                return
            time = self._clock()
            if frame is not None:
                self._look(frame, time)
            elif self._pace.due(time):
                shown = self._performance.tick(self._ahead(), time)
                self._publish(shown, None)
                self._calibrate(shown, time)

    def _ahead(self) -> float:
        """Seconds to predict for."""
        return self._config.compensation * self._latency.delay()

    def _look(self, frame: Frame, time: float) -> None:
        """One frame through the chain."""
        self._frame = frame
        looked = self._performance.watch is not None
        try:
            shown = self._performance.frame(frame, self._ahead(), time)
        except Exception as fault:  # noqa: BLE001
            _log.exception("a frame could not be posed")  # a device that is gone, or our bug; the run goes on
            self._told(self._models.failed(self._performance, fault, time), time)
            shown = self._performance.tick(self._ahead(), time)
        self._publish(shown, frame)
        done, rate = self._clock(), self._intake.health.fps
        self._pace.framed(done, rate, self._config.fps)
        if looked:
            took = self._performance.looked
            self._models.observe(done, took, done - time - took, self._pace.period(), somebody=bool(shown.seen))
            self._hints.update(self._look_of(frame, shown, rate, done))
        self._told(self._choosing.step(frame, self._performance, self._models, done), done)
        self._calibrate(shown, done)

    def _calibrate(self, shown: Shown, time: float) -> None:
        """Go on with a calibration, if there is one."""
        learnt = self._calibrating.step(shown.people, time, self._performance.camera)
        if learnt is not None:
            with self._wanting:
                self._wanted = replace(self._wanted, neutral=learnt.to_toml())
            self._told(learnt.note, time)

    def _look_of(self, frame: Frame, shown: Shown, rate: float, time: float) -> Look:
        """What the hints are made of."""
        config = self._config
        return Look(
            time=time,
            brightness=brightness(frame.image),
            people=len(shown.seen) + self._performance.others,
            pose=shown.seen[0] if shown.seen else None,
            size=frame.size,
            one=config.person != "all",
            whole=config.framing == "full",
            took=self._models.slow,
            period=self._pace.period(),
            rate=rate if self._is_camera else 0.0,
            asked=config.fps,
            model=self._models.state.name,
            lightest=self._models.lightest,
            lighter=self._models.lighter,
            automatic=config.automatic,
            own=kind_of(config.camera) == "browser",
        )

    def _publish(self, shown: Shown, frame: Frame | None) -> None:
        """Tell everybody who listens."""
        watch = self._performance.watch
        time = self._clock()
        self._sequence += 1
        moment = self._moment = LiveMoment(
            sequence=self._sequence,
            captured=0.0 if frame is None else frame.time,
            time=shown.time,
            ready=time,
            people=shown.people,
            seen=shown.seen,
            rigs=shown.rigs,
            frame=frame,
            followed=UNTRACKED if self._config.person == "all" else followed(shown.seen),
            idle=shown.idle,
            model="" if watch is None else watch.estimate.model,
            puppet=self._performance.puppet,
            revision=self._revision,
        )
        if frame is not None:
            self._latency.published(self._sequence, frame.time, time)
        self._listeners.tell(moment)

    def _take_up(self) -> None:
        """What was changed, and what became ready, since the last frame."""
        config, before = self._wanted, self._config
        self._config = config
        if config is not before:
            self._is_camera = not self._given and _is_camera(config)
            if config.neutral != before.neutral:
                self._neutral = config.calibration
            self._performance.change(config.performance, self._neutral)
            self._models.choose(config)
            if config.character != before.character:
                self._puppets.ask(config.character, lambda: _ready(config.character))
        time = self._clock()
        outcome = self._puppets.take()
        if outcome is not None and outcome.value is not None and outcome.key == config.character:
            self._performance.play(outcome.value)
            self._revision += 1
        if outcome is not None:
            self._told(outcome.fault, time)
        self._told(self._models.step(self._performance, self._frame, time), time)

    def _told(self, fault: str, time: float) -> None:
        """Have something that went wrong shown for a while."""
        if fault:
            self._note = (fault, time + NOTED)


def _check(config: LiveConfig) -> None:
    """Raises BodyDoubleError for a character, model or device that cannot be had."""
    characters.find(config.character)
    if not config.automatic and config.model not in models():
        raise BodyDoubleError(f'no pose model "{config.model}"; choose from auto, {", ".join(models())}')
    choose_providers(config.device)


def _is_camera(config: LiveConfig) -> bool:
    """Whether the source can be asked for a rate."""
    return kind_of(config.camera) in ("camera", "browser")


def _ready(name: object) -> Puppet:
    """A character, loaded, with what is made of it on first use."""
    puppet = characters.load(str(name))
    _ = puppet.skin, puppet.box
    return puppet
