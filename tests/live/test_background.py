"""Work beside the run: the newest job is done, each outcome is told once, and memory is given back when it is quiet."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bodydouble.live import background
from bodydouble.live.background import Outcome, Worker
from bodydouble.types import BodyDoubleError

LONG = 120.0


@pytest.fixture
def worker() -> Iterator[Worker[int]]:
    worker: Worker[int] = Worker("made")
    yield worker
    worker.close()
    assert "bodydouble-made" not in {thread.name for thread in threading.enumerate()}


def taken(worker: Worker[int]) -> Outcome[int]:
    """The next outcome, soon."""
    for _ in range(round(LONG / 0.01)):
        outcome = worker.take()
        if outcome is not None:
            return outcome
        threading.Event().wait(0.01)
    pytest.fail("nothing came")


def test_of_several_jobs_that_wait_the_newest_is_done(worker: Worker[int]) -> None:
    began, go_on = threading.Event(), threading.Event()
    done = []

    def first() -> int:
        began.set()
        assert go_on.wait(LONG)
        return 1

    worker.ask("first", first)
    assert began.wait(LONG)
    worker.ask("second", lambda: done.append(2) or 2)
    worker.ask("third", lambda: 3)
    assert worker.busy == "third"
    go_on.set()
    assert (taken(worker), taken(worker)) == (Outcome("first", 1), Outcome("third", 3))
    assert done == [] and worker.take() is None


def test_what_fails_is_told_in_one_line(worker: Worker[int], caplog: pytest.LogCaptureFixture) -> None:
    def missing() -> int:
        raise BodyDoubleError("it is not there; fetch it")

    worker.ask("a", missing)
    assert taken(worker) == Outcome("a", None, "it is not there; fetch it")
    assert not caplog.records
    worker.ask("b", lambda: 1 // 0)
    outcome = taken(worker)
    assert outcome.value is None and "ZeroDivisionError" in outcome.fault
    assert len(caplog.records) == 1


def test_memory_is_given_back_once_after_each_job(worker: Worker[int], monkeypatch: pytest.MonkeyPatch) -> None:
    given = threading.Semaphore(0)
    monkeypatch.setattr(background, "QUIET", 0.01)
    monkeypatch.setattr(background, "give_back", given.release)
    for number in range(2):
        worker.ask(number, lambda: 0)
        assert given.acquire(timeout=LONG)
    worker.close()
    assert not given.acquire(blocking=False)
