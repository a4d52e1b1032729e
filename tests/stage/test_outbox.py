"""What waits for a page: the newest of each kind, answers in order, no more motions than it takes up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bodydouble.stage.outbox import MOST_AHEAD, MOST_ANSWERS, MOST_UNHEARD, ORDER, Outbox


def drained(outbox: Outbox) -> list[str | bytes]:
    out = []
    while (data := outbox.next()) is not None:
        out.append(data)
    return out


def test_a_page_that_sleeps_finds_only_the_newest() -> None:
    outbox = Outbox()
    for number in range(1000):
        outbox.put("status", f"status {number}")
        outbox.put_motion(number, b"motion %d" % number)
    assert drained(outbox) == ["status 999", b"motion 999"]
    assert outbox.overtaken == 2 * 999


def test_hello_comes_first_and_the_scene_before_the_motion() -> None:
    outbox = Outbox()
    outbox.put_motion(1, b"motion")
    outbox.put_answer("answer 1")
    outbox.put("scene", "scene")
    outbox.put_answer("answer 2")
    outbox.put("hello", "hello")
    assert drained(outbox) == ["hello", "answer 1", "answer 2", "scene", b"motion"]


def test_motions_wait_for_the_page() -> None:
    outbox = Outbox()
    sent = []
    for number in range(10):
        outbox.put_motion(number, b"%d" % number)
        sent += drained(outbox)
    assert sent == [b"0", b"1"]
    outbox.acknowledge(0)
    assert drained(outbox) == [b"9"]
    outbox.acknowledge(1)
    outbox.acknowledge(9)
    outbox.put_motion(10, b"10")
    assert drained(outbox) == [b"10"]


def test_pictures_wait_for_a_word_of_the_page() -> None:
    outbox = Outbox()
    sent = 0
    for _ in range(10 * MOST_UNHEARD):
        outbox.put("preview", b"picture")
        sent += len(drained(outbox))
    assert sent == MOST_UNHEARD
    outbox.put("preview", b"newest")
    outbox.heard()
    assert drained(outbox) == [b"newest"]


def test_answers_are_bounded() -> None:
    outbox = Outbox()
    for number in range(10 * MOST_ANSWERS):
        outbox.put_answer(str(number))
    assert len(drained(outbox)) == MOST_ANSWERS


@given(st.lists(st.tuples(st.sampled_from(["put", "motion", "next", "ack"]), st.integers(0, 9))))
def test_whatever_happens_no_more_than_two_motions_are_ahead(steps: list[tuple[str, int]]) -> None:
    outbox = Outbox()
    sequence, sent, acknowledged = 0, [], -1
    for step, number in steps:
        if step == "put":
            outbox.put(ORDER[number % len(ORDER)] if ORDER[number % len(ORDER)] != "motion" else "status", "text")
        elif step == "motion":
            sequence += 1
            outbox.put_motion(sequence, b"%d" % sequence)
        elif step == "ack":
            acknowledged = max(acknowledged, sequence - number)
            outbox.acknowledge(sequence - number)
        else:
            data = outbox.next()
            if isinstance(data, bytes):
                assert data == b"%d" % sequence, "an old motion was sent"
                sent.append(int(data))
        assert sum(number > acknowledged for number in sent) <= MOST_AHEAD
