"""The source of a run, exchanged and opened anew: the one asked for last is read, every other is closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from standing import Hand

from bodydouble.live.intake import Intake
from bodydouble.sources.live import Condition
from bodydouble.types import BodyDoubleError

LONG = 120.0


class Opens:
    """Stands in for open_live: each size may be held up until it is let go."""

    def __init__(self) -> None:
        self.made: dict[tuple[int, int] | None, Hand] = {}
        self.held: dict[tuple[int, int], threading.Event] = {}
        self.entered = threading.Event()
        self.faults: set[tuple[int, int]] = set()

    def __call__(self, name: str, *, size: tuple[int, int] | None, **_: object) -> Hand:
        self.entered.set()
        if size in self.held:
            assert self.held[size].wait(LONG)
        if size in self.faults:
            raise BodyDoubleError("there is no such size")
        self.made[size] = Hand(f"{size}")
        return self.made[size]


@pytest.fixture
def opens(monkeypatch: pytest.MonkeyPatch) -> Opens:
    opens = Opens()
    monkeypatch.setattr("bodydouble.live.intake.open_live", opens)
    return opens


@pytest.fixture
def hand() -> Hand:
    return Hand("first")


@pytest.fixture
def intake(hand: Hand) -> Iterator[Intake]:
    intake = Intake(hand)
    yield intake
    intake.close()
    assert hand.closed.is_set()
    assert not {thread.name for thread in threading.enumerate()} & {"bodydouble-cameras", "bodydouble-closing"}


SMALL, LARGE = (320, 240), (640, 480)


def until_read(intake: Intake, hand: Hand) -> None:
    """Hand in pictures until one is read."""
    for _ in range(round(LONG / 0.02)):
        hand.put()
        if intake.read(0.02) is not None:
            return
    pytest.fail("nothing was read")


def taken_up(intake: Intake, name: str) -> bool:
    """Whether that source is in use, soon."""
    for _ in range(round(LONG / 0.02)):
        intake.read(0.02)
        if intake.source is not None:
            return intake.health.name == name
    return False


def test_the_size_asked_for_last_is_the_one_in_use(intake: Intake, hand: Hand, opens: Opens) -> None:
    opens.held[SMALL] = threading.Event()
    intake.reopen("camera", SMALL, 30)
    assert opens.entered.wait(LONG) and hand.closed.is_set()
    assert intake.health.condition is Condition.OPENING
    intake.reopen("camera", LARGE, 30)  # while the first is still being opened
    opens.held[SMALL].set()
    assert taken_up(intake, str(LARGE))
    assert opens.made[SMALL].closed.is_set() and not opens.made[LARGE].closed.is_set()
    until_read(intake, opens.made[LARGE])


def test_another_camera_is_not_given_up_for_one_that_opens_late(intake: Intake, opens: Opens) -> None:
    opens.held[SMALL] = threading.Event()
    intake.reopen("camera", SMALL, 30)
    assert opens.entered.wait(LONG)
    other = Hand("other")
    intake.exchange(other)
    opens.held[SMALL].set()
    until_read(intake, other)
    intake.reopen("other", LARGE, 30)
    assert taken_up(intake, str(LARGE))
    assert opens.made[SMALL].closed.is_set() and other.closed.is_set()


def test_what_cannot_be_opened_is_told_until_another_can(intake: Intake, opens: Opens) -> None:
    opens.faults.add(SMALL)
    intake.reopen("camera", SMALL, 30)
    for _ in range(round(LONG / 0.02)):
        intake.read(0.02)
        if intake.health.condition is Condition.FAILED:
            break
    assert intake.health.message == "there is no such size"
    intake.reopen("camera", LARGE, 30)
    assert taken_up(intake, str(LARGE))
    assert intake.health.message == ""


def test_a_source_that_comes_too_late_is_closed(hand: Hand) -> None:
    intake = Intake(hand)
    intake.close()
    late = Hand("late")
    intake.exchange(late)
    assert late.closed.wait(LONG)
    assert intake.read(0.0) is None


def test_frames_of_all_sources_are_counted(intake: Intake, hand: Hand, opens: Opens) -> None:
    until_read(intake, hand)
    first = intake.counts
    assert first[0] >= 1 and first == (hand.health.captured, hand.health.dropped)
    intake.reopen("camera", LARGE, 30.0)
    assert intake.counts == first
    assert taken_up(intake, str(LARGE))
    until_read(intake, opens.made[LARGE])
    second = opens.made[LARGE].health
    assert intake.counts == (first[0] + second.captured, first[1] + second.dropped + intake.late)
    intake.exchange(Hand("third"))
    assert intake.counts[0] == first[0] + second.captured
    assert intake.health.captured == 0
