"""Working ahead keeps order, raises where the fault lies, holds little and leaves no thread behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bodydouble.ahead import ahead


def test_same_items_in_order() -> None:
    assert list(ahead(range(100), depth=2)) == list(range(100))


def test_nothing_at_all() -> None:
    assert list(ahead([])) == []


def test_error_comes_after_what_preceded_it() -> None:
    def two_then_fault() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("third")

    seen = []
    with pytest.raises(ValueError, match="third"):
        for item in ahead(two_then_fault()):
            seen.append(item)
    assert seen == [1, 2]


def test_never_more_than_depth_ahead() -> None:
    made: list[int] = []

    def count() -> Iterator[int]:
        for i in range(50):
            made.append(i)
            yield i

    for taken, _ in enumerate(ahead(count(), depth=2)):
        assert len(made) <= taken + 1 + 2 + 1  # the one in hand, two waiting, one being put


def test_leaving_early_closes_the_source_and_the_thread() -> None:
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    before = set(threading.enumerate())
    items = ahead(endless())
    assert next(items) == 1
    items.close()  # type: ignore[attr-defined]
    assert closed.is_set()
    assert not set(threading.enumerate()) - before


def test_chained() -> None:
    assert list(ahead((i * 2 for i in ahead(range(20))), depth=1)) == list(range(0, 40, 2))


@pytest.mark.parametrize("begins", [True, False])
def test_interrupted_while_the_thread_begins(monkeypatch: pytest.MonkeyPatch, begins: bool) -> None:
    reading, left, closed = threading.Event(), threading.Event(), []

    def slow() -> Iterator[int]:
        try:
            reading.set()
            left.wait(0.2)
            yield 1
        finally:
            closed.append(threading.current_thread())

    real = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        if begins:
            real(thread)
            assert reading.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    source = slow()
    if not begins:
        next(source)
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        next(iter(ahead(source)))
    assert len(closed) == 1
    source.close()  # nobody reads it any more
    assert not set(threading.enumerate()) - before
