"""Hints: each cause is told in words that fit it, after a while, and not for what is well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standing import SIZE, standing

from bodydouble.live.config import LiveConfig
from bodydouble.live.hints import CAUSES, Hints, Look, brightness, confidence
from bodydouble.live.models import Models
from bodydouble.models import fetch
from bodydouble.pipeline import Config, Watch
from bodydouble.types import Frame, Image, State

GOOD = Look(time=0.0, brightness=130.0, people=1, pose=standing(), size=SIZE, took=0.02, rate=30.0)


def told(*looks: Look, seconds: float = 8.0) -> str:
    """What is said after each look was seen for so many seconds."""
    hints = Hints()
    time = 0.0
    for look in looks:
        for _ in range(int(seconds * 30)):
            hints.update(replace(look, time=time))
            time += 1 / 30
    return hints.hint


def test_nothing_is_said_when_all_is_well() -> None:
    assert told(GOOD) == ""


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (replace(GOOD, pose=None, people=0, brightness=12.0), "too dark"),
        (replace(GOOD, pose=standing(score=0.6), brightness=20.0), "too dark"),
        (replace(GOOD, pose=None, people=0, brightness=250.0), "too bright"),
        (replace(GOOD, pose=None, people=0), "Nobody"),
        (replace(GOOD, pose=standing(tall=4.0, floor=3.9, state=State.UPPER_BODY)), "too near"),
        (replace(GOOD, pose=standing(middle=0.0)), "at the side"),
        (replace(GOOD, pose=standing(middle=1.0)), "at the side"),
        (replace(GOOD, pose=standing(tall=1.2, floor=1.0)), "head is out"),
        (replace(GOOD, pose=standing(tall=0.15)), "far away"),
        (replace(GOOD, pose=standing(score=0.4)), "hard to make out"),
        (replace(GOOD, pose=standing(tall=1.6, floor=1.6, state=State.UPPER_BODY)), "legs are out"),
        (replace(GOOD, people=2), "Several people"),
        (replace(GOOD, rate=15.0), "only 15 of 30 pictures a second"),
        (replace(GOOD, took=0.06, model="blazepose-heavy"), "blazepose-heavy takes 60 ms"),
        (replace(GOOD, took=0.06, model="blazepose-heavy", lighter="blazepose-full"), "choose blazepose-full or auto"),
        (replace(GOOD, took=0.06, model="blazepose-heavy", automatic=True), "a lighter one is being taken"),
        (replace(GOOD, took=0.06, lightest=True), "too busy"),
        (replace(GOOD, rate=15.0, took=0.06, period=1 / 15), "15 of 30 pictures a second come: this computer is too"),
        (replace(GOOD, rate=15.0, own=True), "the browser's camera: a busy computer"),
    ],
)
def test_each_cause_has_its_sentence(look: Look, words: str) -> None:
    assert words in told(look)
    assert told(look, GOOD) == ""


def test_what_does_no_harm_is_not_told() -> None:
    assert told(replace(GOOD, brightness=30.0)) == ""  # dark, but surely seen
    upper = standing(tall=1.6, floor=1.6, state=State.UPPER_BODY)
    assert told(replace(GOOD, pose=upper, whole=False)) == ""
    assert told(replace(GOOD, people=2, one=False)) == ""
    assert told(replace(GOOD, pose=standing(tall=1.7, floor=1.7, state=State.TURNED_AWAY), whole=False)) == ""


def test_several_people_are_told_of_while_it_matters() -> None:
    two = replace(GOOD, people=2)
    assert "Several people" in told(two)
    assert told(two, seconds=30) == ""  # by now the one followed is the one meant
    assert "Several people" in told(two, two, replace(two, pose=standing(person=7)))


def test_a_moment_is_not_told() -> None:
    assert told(GOOD, seconds=5) == ""
    hints = Hints()
    for i in range(600):
        look = replace(GOOD, pose=None, people=0) if i % 60 < 10 else GOOD
        assert hints.update(replace(look, time=i / 30)) == ""


def test_the_first_cause_wins() -> None:
    assert "too dark" in told(replace(GOOD, pose=None, people=0, brightness=10.0, rate=12.0))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 60)), min_size=5, max_size=30))
def test_a_sentence_stays_long_enough_to_be_read(runs: list[tuple[int, int]]) -> None:
    looks = [
        GOOD,
        replace(GOOD, pose=None, people=0),
        replace(GOOD, pose=None, people=0, brightness=5.0),
        replace(GOOD, pose=standing(tall=0.15)),
        replace(GOOD, rate=10.0),
        replace(GOOD, pose=standing(score=0.3)),
    ]
    hints, time, since, last = Hints(), 0.0, -10.0, ""
    for which, count in runs:
        for _ in range(count):
            hint = hints.update(replace(looks[which], time=time))
            if hint != last:
                assert time - since > 2.9
                last, since = hint, time
            time += 1 / 30


def test_every_sentence_is_one_and_says_what_to_do() -> None:
    for cause in CAUSES:
        assert cause.name
    assert len({cause.name for cause in CAUSES}) == len(CAUSES)


def test_confidence_counts_legs_only_when_they_are_in_view() -> None:
    pose = standing(score=0.9)
    scores = np.where(pose.points[:, 1] > 500, 0.0, 0.9)
    assert confidence(replace(pose, scores=scores)) < 0.7
    assert confidence(replace(pose, scores=scores, state=State.UPPER_BODY)) > 0.85
    assert confidence(None) == 0.0


def _darker(share: float, noise: float) -> object:
    random = np.random.default_rng(0)

    def change(image: Image) -> Image:
        return np.clip(np.round(share * image + random.normal(0, noise, image.shape)), 0, 255).astype(np.uint8)

    return change


def _cut(top: float, bottom: float, left: float, right: float) -> object:
    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        rows, columns = slice(int(top * height), int(bottom * height)), slice(int(left * width), int(right * width))
        return np.ascontiguousarray(image[rows, columns])

    return change


@pytest.mark.models
@pytest.mark.clips
@pytest.mark.parametrize(
    ("clip", "change", "words"),
    [
        ("squats", _cut(0, 1, 0, 1), ""),
        ("walk", _cut(0, 1, 0, 1), ""),
        ("squats", _darker(0.04, 8), "too dark"),
        ("walk", _darker(0.08, 8), "too dark"),
        ("squats", _cut(0.1, 0.45, 0, 1), "legs are out"),
        ("squats", _cut(0, 1, 0.5, 1), "at the side"),
    ],
)
def test_real_clips(clip: str, change: object, words: str, test_data: Path) -> None:
    path = test_data / "clips" / "pose_squats.mp4" if clip == "squats" else fetch("walk-front")
    watch, hints = Watch(Config(model="blazepose-lite")), Hints()
    with av.open(str(path)) as container:
        images = [change(picture.to_ndarray(format="rgb24")) for picture in container.decode(video=0)][:45]  # type: ignore[operator]
    for i in range(150):
        picture = Frame(images[i % 45], i / 20, i)
        people = watch(picture)
        look = Look(i / 20, brightness(picture.image), len(people), people[0] if people else None, picture.size)
        hints.update(replace(look, rate=30.0, took=0.01))
    assert words in hints.hint if words else hints.hint == ""


@pytest.mark.parametrize(
    ("asked", "lighter", "lightest"),
    [
        ("blazepose-heavy", "blazepose-full", False),
        ("blazepose-full", "blazepose-lite", False),
        ("blazepose-lite", "", True),
        ("movenet-thunder", "movenet-lightning", False),
        ("movenet-lightning", "", True),
        ("auto", "", False),
    ],
)
def test_the_lighter_model_is_named(asked: str, lighter: str, lightest: bool) -> None:
    models = Models(LiveConfig(model=asked))
    try:
        assert models.lighter == lighter
        assert asked == "auto" or models.lightest == lightest
    finally:
        models.close()
