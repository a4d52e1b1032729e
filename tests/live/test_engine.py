"""A live run with made models and a source worked by hand: newest wins, changes while it runs, nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import cv2
import pytest
from standing import Hand, Model, standing

from bodydouble import characters
from bodydouble.live.config import LiveConfig
from bodydouble.live.engine import Live
from bodydouble.live.moment import LiveMoment
from bodydouble.sources.live import Condition
from bodydouble.types import BodyDoubleError, Frame

LONG = 120.0  # seconds that a test waits for what comes in milliseconds on a machine that is not busy


class Heard:
    """What a run published; wait for what is wanted."""

    def __init__(self) -> None:
        self.moments: list[LiveMoment] = []
        self._changed = threading.Condition()

    def __call__(self, moment: LiveMoment) -> None:
        with self._changed:
            self.moments.append(moment)
            self._changed.notify_all()

    def wait(self, wanted: Callable[[LiveMoment], bool], since: int | None = None) -> LiveMoment:
        """The first moment of which that is true, from now on or from the one of that number on."""
        with self._changed:
            begin = len(self.moments) if since is None else since

            def found() -> LiveMoment | None:
                return next((moment for moment in self.moments[begin:] if wanted(moment)), None)

            moment = self._changed.wait_for(found, LONG)
        assert moment, "nothing of the kind came"
        return moment


class Loads:
    """Stands in for estimate.load: models by name; one may be held up or fail."""

    def __init__(self) -> None:
        self.models: dict[str, Model] = {}
        self.held: dict[str, threading.Event] = {}
        self.faults: dict[str, str] = {}
        self.asked: list[tuple[str, int]] = []

    def __call__(self, model: str, *, people: int, **_: object) -> Model:
        self.asked.append((model, people))
        if model in self.held:
            assert self.held[model].wait(LONG)
        if model in self.faults:
            raise BodyDoubleError(self.faults[model])
        return self.models.setdefault(model, Model(model))


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Loads:
    loads = Loads()
    small = partial(characters.load, pixels=100)
    monkeypatch.setattr("bodydouble.live.engine.characters.load", small)
    monkeypatch.setattr("bodydouble.live.estimators.load", loads)
    return loads


CONFIG = LiveConfig(model="blazepose-full", fps=60)


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def run(loads: Loads, hand: Hand) -> Iterator[tuple[Live, Heard]]:
    before = set(threading.enumerate())
    heard = Heard()
    live = Live(CONFIG, source=hand)
    live.listen(heard)
    with live:
        yield live, heard
    assert hand.closed.is_set()
    left = set(threading.enumerate()) - before
    assert not left, left


def fed(hand: Hand, heard: Heard, wanted: Callable[[LiveMoment], bool]) -> LiveMoment:
    """The first moment like that, while a picture comes with every moment."""
    found: list[LiveMoment] = []

    def true(moment: LiveMoment) -> bool:
        hand.put()
        return wanted(moment)

    hand.put()
    found.append(heard.wait(true))
    return found[0]


def test_a_frame_becomes_a_moment(run: tuple[Live, Heard], hand: Hand) -> None:
    live, heard = run
    moment = fed(hand, heard, lambda moment: bool(moment.seen))
    assert moment.captured > 0
    assert moment.frame is not None
    assert moment.frame.time == moment.captured
    assert moment.ready >= moment.captured
    assert moment.model == "blazepose-full"
    assert moment.followed == 1
    assert moment.puppet is live.puppet
    assert list(moment.rigs) == [1]
    sequences = [moment.sequence for moment in heard.moments]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    report = live.report()
    assert report.model.name == "blazepose-full"
    assert report.people == 1
    assert report.latency.ready[0] > 0
    assert report.source.condition is Condition.LIVE


def test_the_newest_frame_wins_while_the_model_is_at_work(run: tuple[Live, Heard], hand: Hand, loads: Loads) -> None:
    live, heard = run
    fed(hand, heard, lambda moment: bool(moment.seen))
    entered, release = threading.Event(), threading.Event()

    def slow(picture: Frame) -> list[object]:
        entered.set()
        assert release.wait(LONG)
        return [standing(picture.time)]

    loads.models["blazepose-full"].sees = slow  # type: ignore[assignment]
    hand.put()
    assert entered.wait(LONG)
    dropped = live.report().source.dropped
    times = [hand.put(after=0.002) for _ in range(5)]
    loads.models["blazepose-full"].sees = lambda picture: [standing(picture.time)]
    since = len(heard.moments)
    release.set()
    assert heard.wait(lambda moment: moment.captured >= times[0], since).captured == times[-1]
    assert live.report().source.dropped == dropped + 4


def test_without_frames_the_character_goes_on_idling(run: tuple[Live, Heard], hand: Hand) -> None:
    _, heard = run
    fed(hand, heard, lambda moment: bool(moment.seen))
    first = heard.wait(lambda moment: moment.captured == 0)
    last = heard.wait(lambda moment: moment.idle and moment.sequence > first.sequence + 20)
    assert last.time > first.time
    assert last.frame is None
    again = fed(hand, heard, lambda moment: not moment.idle)
    assert again.time > last.time


def test_another_character_is_taken_up_beside_the_run(run: tuple[Live, Heard], hand: Hand) -> None:
    live, heard = run
    before = live.puppet
    with pytest.raises(BodyDoubleError, match="no character"):
        live.change(replace(live.config, character="unicorn"))
    assert live.config == CONFIG
    live.change(replace(live.config, character="mira"))
    moment = fed(hand, heard, lambda moment: moment.revision == 1)
    assert moment.puppet is not before
    rig = next(iter(moment.rigs.values()))
    assert len(rig.angles) == len(moment.puppet.rig.names)
    assert live.revision == 1


def test_the_old_model_goes_on_until_the_new_one_is_there(run: tuple[Live, Heard], hand: Hand, loads: Loads) -> None:
    live, heard = run
    first = fed(hand, heard, lambda moment: bool(moment.seen))
    loads.held["blazepose-heavy"] = threading.Event()
    live.change(replace(live.config, model="blazepose-heavy"))
    fed(hand, heard, lambda moment: live.report().model.loading == "blazepose-heavy")
    assert fed(hand, heard, lambda moment: True).model == "blazepose-full"
    loads.held["blazepose-heavy"].set()
    moment = fed(hand, heard, lambda moment: moment.model == "blazepose-heavy")
    assert moment.followed == first.followed
    assert live.report().hint == ""


def test_a_model_that_cannot_be_had_is_told_and_the_old_one_goes_on(
    run: tuple[Live, Heard], hand: Hand, loads: Loads
) -> None:
    live, heard = run
    fed(hand, heard, lambda moment: bool(moment.seen))
    loads.faults["movenet-thunder"] = "movenet-thunder cannot be fetched: check the network"
    live.change(replace(live.config, model="movenet-thunder"))
    moment = fed(hand, heard, lambda moment: "cannot be fetched" in live.report().hint)
    assert moment.model == "blazepose-full"
    with pytest.raises(BodyDoubleError, match="no pose model"):
        live.change(replace(live.config, model="openpose"))
    with pytest.raises(BodyDoubleError, match="device"):
        live.change(replace(live.config, device="abacus"))


def test_a_model_that_fails_at_work_does_not_end_the_run(
    run: tuple[Live, Heard], hand: Hand, loads: Loads, caplog: pytest.LogCaptureFixture
) -> None:
    live, heard = run
    fed(hand, heard, lambda moment: bool(moment.seen))

    def broken(picture: Frame) -> list[object]:
        raise RuntimeError("the device is gone")

    loads.models.pop("blazepose-full").sees = broken  # type: ignore[assignment]
    moment = fed(hand, heard, lambda moment: "the device is gone" in live.report().hint)
    fed(hand, heard, lambda later: later.model == "" and later.sequence > moment.sequence + 5)
    assert "blazepose-full failed" in live.report().hint
    live.change(replace(live.config, model="blazepose-lite"))
    fed(hand, heard, lambda moment: moment.model == "blazepose-lite" and bool(moment.seen))


def test_everybody_is_seen_when_all_play(run: tuple[Live, Heard], hand: Hand, loads: Loads) -> None:
    live, heard = run
    fed(hand, heard, lambda moment: bool(moment.seen))
    loads.models.clear()
    live.change(replace(live.config, person="all"))
    fed(hand, heard, lambda moment: loads.asked[-1] == ("blazepose-full", 8) and len(moment.rigs) == 1)
    assert not live.follow(0.5, 0.5)


def test_another_camera_is_opened_and_the_old_one_closed(
    run: tuple[Live, Heard], hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, heard = run
    fed(hand, heard, lambda moment: bool(moment.seen))
    opened: list[Hand] = []

    def open_live(name: str, **_: object) -> Hand:
        if name == "none":
            raise BodyDoubleError("no such file: none")
        opened.append(Hand(name))
        return opened[-1]

    monkeypatch.setattr("bodydouble.live.intake.open_live", open_live)
    with pytest.raises(BodyDoubleError, match="no such file"):
        live.change(replace(live.config, camera="none"))
    live.change(replace(live.config, camera="second"))
    assert hand.closed.wait(LONG)
    fed(opened[0], heard, lambda moment: moment.captured > 0)
    assert live.report().source.name == "second"
    live.change(replace(live.config, size=(640, 480)))  # the same camera: closed first, then opened again
    assert opened[0].closed.wait(LONG)
    heard.wait(lambda moment: len(opened) == 2)
    fed(opened[1], heard, lambda moment: moment.captured > 0)
    live.change(replace(live.config, camera="browser"))
    heard.wait(lambda moment: True)
    assert live.browser is None  # a Pushed it would be, were open_live not another here


def test_the_browsers_camera_is_handed_out(loads: Loads) -> None:
    with Live(replace(CONFIG, camera="browser")) as live:
        assert live.browser is not None
        assert live.report().source.condition is Condition.WAITING
        assert "browser" in live.report().hint


def test_a_listener_that_fails_is_left_out(run: tuple[Live, Heard], hand: Hand) -> None:
    live, heard = run
    calls = []

    def bad(moment: LiveMoment) -> None:
        calls.append(moment)
        raise ValueError("no")

    live.listen(bad)
    other = Heard()
    stop = live.listen(other)
    fed(hand, heard, lambda moment: len(other.moments) > 3)
    assert len(calls) == 1
    stop()
    fed(hand, heard, lambda moment: True)
    count = len(other.moments)
    fed(hand, heard, lambda moment: True)
    assert len(other.moments) == count


def test_what_pages_acknowledge_is_what_is_predicted_for(run: tuple[Live, Heard], hand: Hand) -> None:
    live, heard = run
    live.listen(lambda moment: live.acknowledge(moment.sequence, moment.captured + 0.06, moment.captured + 0.07, 60.0))
    live.change(replace(live.config, compensation=1.0))
    fed(hand, heard, lambda moment: moment.captured > 0 and moment.time - moment.captured > 0.05)
    live.change(replace(live.config, compensation=0.0))
    fed(hand, heard, lambda moment: moment.captured > 0 and moment.time - moment.captured < 0.001)


def test_a_calibration_is_kept_in_the_configuration(run: tuple[Live, Heard], hand: Hand) -> None:
    live, heard = run
    for wrong in (1000, float("nan")):
        with pytest.raises(BodyDoubleError, match="countdown"):
            live.calibrate(wrong)
    live.calibrate(50)
    assert live.report().calibration.state == "countdown"
    states = set()
    stop = live.listen(lambda moment: states.add(live.report().calibration.state))
    live.calibrate(0.05)
    fed(hand, heard, lambda moment: live.report().calibration.state == "done")
    stop()
    assert "holding" in states
    assert live.config.neutral is not None
    live.calibrate(50)
    live.calibrate(-1)
    assert live.report().calibration.state == "none"
    assert live.config.neutral is not None, "leaving off a countdown forgets nothing"
    live.calibrate(0)
    assert live.config.neutral is None
    assert live.report().calibration.state == "none"


def test_a_run_that_was_closed_is_closed(loads: Loads, hand: Hand) -> None:
    live = Live(CONFIG, source=hand)
    live.start()
    live.close()
    live.close()
    assert hand.closed.is_set()


def test_a_run_is_started_once_and_leaves_opencv_as_it_was(loads: Loads, hand: Hand) -> None:
    cv2.setNumThreads(2)
    live = Live(CONFIG, source=hand)
    with live:
        live.start()
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == 2
    with pytest.raises(RuntimeError, match="make a new one"):
        live.start()
