"""The browser's camera: what it takes, what it refuses, how times are set right, and that memory is bounded."""

from __future__ import annotations

import struct
import threading
from itertools import pairwise

import cv2
import numpy as np
import pytest
from fake_cameras import FakeClock, seen
from hypothesis import given
from hypothesis import strategies as st

from bodydouble.sources import pushed as pushed_module
from bodydouble.sources.jpeg import LONGEST_SIDE, MOST_BYTES, MOST_SCANS, size_of_jpeg
from bodydouble.sources.live import Condition, open_live
from bodydouble.sources.pushed import OLDEST_SECONDS, SILENCE_SECONDS, Pushed, Retimed
from bodydouble.types import BodyDoubleError


def jpeg(image: np.ndarray, *options: int) -> bytes:
    return bytes(cv2.imencode(".jpg", image[..., ::-1], list(options))[1].tobytes())


GOOD = jpeg(seen(200))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def source(clock: FakeClock):
    made = Pushed(clock=clock)
    yield made
    made.close()
    assert not made._thread.is_alive()


def test_a_picture_comes_through_upright_and_in_rgb(source: Pushed, clock: FakeClock) -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24, :32] = (220, 30, 30)
    source.push(jpeg(image, cv2.IMWRITE_JPEG_QUALITY, 100), clock.now - 0.02)
    frame = source.read(60)
    assert frame is not None
    assert frame.time == clock.now - 0.02
    assert frame.index == 0
    assert np.abs(frame.image[8, 8].astype(int) - (220, 30, 30)).max() < 8
    assert (source.health.condition, source.health.message) == (Condition.LIVE, "")
    assert source.health.size == (64, 48)


def test_the_orientation_tag_is_applied(source: Pushed, clock: FakeClock) -> None:
    tag = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    block = b"Exif\0\0" + tag
    source.push(GOOD[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + GOOD[2:], clock.now)
    frame = source.read(60)
    assert frame is not None
    assert frame.size == (48, 64)


def test_it_waits_for_the_page_and_says_so(source: Pushed, clock: FakeClock) -> None:
    assert source.health.condition is Condition.WAITING
    assert "allow it to use the camera" in source.health.message
    source.push(GOOD, clock.now)
    assert source.read(60) is not None
    clock.now += SILENCE_SECONDS
    assert source.health.condition is Condition.WAITING
    assert "keep its page open" in source.health.message
    source.push(GOOD, clock.now)
    assert source.read(60) is not None
    assert source.health.condition is Condition.LIVE


def test_the_pages_own_reason_is_shown_until_the_next_picture(source: Pushed, clock: FakeClock) -> None:
    source.push(GOOD, clock.now)
    assert source.read(60) is not None
    source.waiting("the user said\nno " + "x" * 1000)
    clock.now += 100
    health = source.health
    assert health.condition is Condition.WAITING
    assert health.message.startswith("the user said no x")
    assert len(health.message) <= 300
    source.push(GOOD, clock.now)
    assert source.read(60) is not None
    assert source.health.message == ""
    source.waiting("")
    assert source.health.message == pushed_module.SILENT


def bomb(width: int, height: int) -> bytes:
    """A small JPEG whose header says that it is large."""
    at = GOOD.index(b"\xff\xc0")
    return GOOD[: at + 5] + struct.pack(">HH", height, width) + GOOD[at + 9 :]


BAD = {
    "no JPEG": (b"\x89PNG\r\n\x1a\n" + b"x" * 99, "no JPEG"),
    "empty": (b"", "no JPEG"),
    "cut": (GOOD[: len(GOOD) // 2], "cut short"),
    "only a head": (b"\xff\xd8\xff\xd9", "without a size"),
    "wide": (bomb(LONGEST_SIDE + 1, 8), "wanted 1 to 4096 pixels a side"),
    "tall": (bomb(8, 65535), "wanted 1 to 4096 pixels a side"),
    "nothing": (bomb(0, 0), "wanted 1 to 4096 pixels a side"),
    "heavy": (GOOD + b"\0" * MOST_BYTES, "8.4 MB; wanted 8.4 MB at most"),
    "scans": (GOOD[:-2] + b"\xff\xda" * (MOST_SCANS + 1) + b"\xff\xd9", "more than 64 scans"),
    "text": ("hello", "of type str"),
    "none": (None, "of type NoneType"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_and_nothing_stops(source: Pushed, clock: FakeClock, name: str) -> None:
    data, words = BAD[name]
    with pytest.raises(BodyDoubleError) as caught:
        source.push(data, clock.now)  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    clock.now += 0.1
    source.push(GOOD, clock.now)
    assert source.read(60) is not None


def test_largest_allowed(source: Pushed, clock: FakeClock) -> None:
    source.push(jpeg(np.zeros((LONGEST_SIDE, LONGEST_SIDE, 3), np.uint8)), clock.now)
    frame = source.read(60)
    assert frame is not None
    assert frame.size == (LONGEST_SIDE, LONGEST_SIDE)


@given(st.binary(max_size=60), st.integers(0, len(GOOD) - 1))
def test_damage_anywhere_is_an_error_or_a_size(junk: bytes, at: int) -> None:
    for data in (junk, b"\xff\xd8" + junk, GOOD[:at] + junk, GOOD[:at] + junk + GOOD[at + len(junk) :]):
        try:
            width, height = size_of_jpeg(data)
        except BodyDoubleError:
            continue
        assert 1 <= width <= LONGEST_SIDE
        assert 1 <= height <= LONGEST_SIDE


def test_damage_that_only_the_decoder_sees_is_told(source: Pushed, clock: FakeClock, monkeypatch) -> None:
    decoded = threading.Semaphore(0)

    def fails(data: bytes) -> None:
        decoded.release()

    monkeypatch.setattr(pushed_module, "decode", fails)
    source.push(GOOD, clock.now)
    assert decoded.acquire(timeout=60)
    assert source.read(0.05) is None
    clock.now += 0.1
    source.push(GOOD, clock.now)
    assert decoded.acquire(timeout=60)  # the first one's end is told by now
    assert source.health.condition is Condition.FAILED
    assert "cannot be decoded" in source.health.message


def test_the_newest_wins_and_no_more_than_one_waits(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, begun, real = threading.Semaphore(0), threading.Semaphore(0), pushed_module.decode
    decoded: list[bytes] = []

    def slow(data: bytes) -> object:
        begun.release()
        gate.acquire()
        decoded.append(data)
        return real(data)

    monkeypatch.setattr(pushed_module, "decode", slow)
    source = Pushed(clock=clock)
    pictures = [jpeg(seen(100 + k)) for k in range(50)]
    for picture in pictures:
        clock.now += 0.01
        source.push(picture, clock.now)
        if picture is pictures[0]:
            assert begun.acquire(timeout=60)
    gate.release(2)
    first = source.read(60)
    assert first is not None
    second = source.read(60) if first.time < clock.now else first
    assert second is not None
    assert decoded == [pictures[0], pictures[-1]]
    assert second.time == clock.now
    health = source.health
    assert health.captured == 50
    assert health.captured == health.dropped + (2 if first is not second else 1)
    source.close()
    source.push(GOOD, clock.now)
    assert source.read(60) is None


def test_a_picture_on_its_way_does_not_take_the_pages_reason_back(clock: FakeClock, monkeypatch) -> None:
    gate, begun, real = threading.Semaphore(0), threading.Semaphore(0), pushed_module.decode

    def slow(data: bytes) -> object:
        begun.release()
        gate.acquire()
        return real(data)

    monkeypatch.setattr(pushed_module, "decode", slow)
    source = Pushed(clock=clock)
    source.push(GOOD, clock.now)
    assert begun.acquire(timeout=60)
    source.waiting("the user took the permission back")
    gate.release()
    assert source.read(60) is not None
    clock.now += SILENCE_SECONDS
    assert source.health.message == "the user took the permission back"
    source.close()


def test_any_thread_may_push(source: Pushed) -> None:
    def push() -> None:
        for _ in range(50):
            source.push(GOOD, float("nan"))

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    source.close()
    health = source.health
    assert health.captured == 200
    assert health.dropped in (199, 200)


@given(st.lists(st.tuples(st.floats(0, 0.1), st.floats(-15, 15) | st.floats(-0.1, 0.0)), max_size=60))
def test_times_are_set_right(pushes: list[tuple[float, float]]) -> None:
    """They grow, never lie ahead, and a sane page's are kept as they are."""
    retimed, now, times = Retimed(), 1000.0, []
    for wait, offset in pushes:
        now += wait
        taken = retimed(now + offset, now)
        if taken is not None:
            assert now - OLDEST_SECONDS <= taken <= now
            times.append(taken)
    assert all(a < b for a, b in pairwise(times))


def test_a_sane_pages_times_are_kept_and_a_clock_set_back_is_caught_up_with() -> None:
    retimed = Retimed()
    sane = [retimed(1000 + k / 30, 1000.02 + k / 30) for k in range(10)]
    assert sane == [1000 + k / 30 for k in range(10)]
    back = [retimed(1000 + k / 30 - 0.1, 1000.02 + k / 30) for k in range(10, 30)]
    steps = np.diff([sane[-1], *back])
    assert np.all(steps > 0.4 / 30)
    assert back[-1] == 1000 + 29 / 30 - 0.1


def test_the_browser_is_opened_by_name() -> None:
    source = open_live("browser")
    assert isinstance(source, Pushed)
    source.close()
    source.close()
