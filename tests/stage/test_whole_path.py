"""The whole program: `bodydouble live` as it is, real browsers, a filmed person as their camera, and what is kept.

Whose left arm rises moves the character's left arm: in the recording, in the motion that other programs are sent, in
the pictures that two pages draw. Seconds; heights are shares of the trunk, up from the shoulder.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from acted import left_arm_raised
from bodydouble import characters
from bodydouble.live.recording import recover_all
from bodydouble.models import fetch
from bodydouble.outputs.take import Take, read_take
from bodydouble.skeletons import skeleton
from made_clips import make_clip
from running_program import Heard, Running
from stage_page import FLAGS, PATIENCE

UP, DOWN = 0.0, -0.7  # of a wrist over its shoulder: it is as high as the shoulder, or hangs
OTHER = -0.7  # the other arm hangs all the while
SEEN = 6  # moments with the arm up, and as many with it down, after which all is seen
SETTLED = 1.0  # seconds after a switch until the character has gone over to its other side, and the pages have
STEADY = 2  # moments before, that a page may still be on its way from
LONGEST = 120.0  # seconds to wait for that
MIRA = characters.load("mira").rig
Numbers = npt.NDArray[np.float64]

# What the page drew last: the number of the motion it has, and how high each of these bones begins, in its pixels.
DRAWN = """(bones) => {
  const [mover] = window.bodydouble.movers.values();
  return [window.bodydouble.stats.sequence, ...bones.map((bone) => -mover.pose.heads[2 * bone + 1])];
}"""
ARMS = ("left_upper_arm", "left_hand", "right_upper_arm", "right_hand")


@contextmanager
def filmed(chromium: str, film: Path) -> Iterator[Browser]:
    """A browser whose camera shows a film."""
    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with sync_playwright() as play:
        args = [*FLAGS, *camera, f"--use-file-for-fake-video-capture={film}"]
        opened = play.chromium.launch(executable_path=chromium, args=args, timeout=PATIENCE)
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def page_of(browser: Browser, address: str, size: tuple[int, int]) -> Iterator[Page]:
    """A page that reports no error while it is open. size: a small one is drawn quickly, where the processor draws."""
    faults: list[str] = []
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto(address)
    yield page
    page.close()
    assert not faults, faults


def over_shoulder(person: dict[str, Any], side: str) -> float:
    """How far a wrist is over its shoulder, in trunks."""
    points = person["keypoints"]
    shoulder, hip, wrist = (points[f"{side}_{name}"]["y"] for name in ("shoulder", "hip", "wrist"))
    return float((shoulder - wrist) / (hip - shoulder))


def hand(moment: dict[str, Any], side: str) -> float:
    """How high the character's hand of a side is over where its upper arm begins, in character heights."""
    bones = {bone["follows"]: bone for bone in moment["characters"][0]["bones"].values() if bone["follows"]}
    return float(bones[f"{side}_hand"]["y"] - bones[f"{side}_upper_arm"]["y"])


def followed(moments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those in which somebody moves the character."""
    return [moment for moment in moments if moment["people"] and moment["characters"]]


def rose_and_sank(side: str) -> Callable[[list[dict[str, Any]]], bool]:
    """Whether the person's arm was seen to hang, then up, then to hang again, a few times each."""

    def seen(moments: list[dict[str, Any]]) -> bool:
        heights = [over_shoulder(moment["people"][0], side) for moment in followed(moments)]
        up = [place for place, height in enumerate(heights) if height > UP]
        hung = [place for place, height in enumerate(heights) if height < DOWN]
        return len(up) >= SEEN and len(hung) >= SEEN and hung[0] < up[-1] and up[0] < hung[-1]

    return seen


def check_sides(moments: list[dict[str, Any]], person: str, character: str) -> None:
    """The character's arm of one side goes up with the person's, and its other one does not."""
    moments = followed(moments)
    theirs = np.array([over_shoulder(moment["people"][0], person) for moment in moments])
    other = "right" if character == "left" else "left"
    ours = np.array([[hand(moment, side) for side in (character, other)] for moment in moments])
    up, hung = (np.median(ours[chosen], axis=0) for chosen in (theirs > UP, theirs < DOWN))
    rose, stirred = up - hung
    assert rose > 0.08 and stirred < 0.4 * rose, (up, hung)


def check_drawn(drawn: list[list[float]], moments: list[dict[str, Any]], person: str, character: str) -> None:
    """As check_sides, of what a page drew."""
    seen = followed(moments)
    heights = [over_shoulder(moment["people"][0], person) for moment in seen]
    place = {moment["sequence"]: number for number, moment in enumerate(seen)}
    up, hung = [], []
    for number, *arms in drawn:
        at = place.get(int(number))
        if at is None:  # drawn before the first of these moments
            continue
        before = heights[max(0, at - STEADY) : at + 1]
        up += [arms] if min(before) > UP else []
        hung += [arms] if max(before) < DOWN else []
    assert up and hung, f"none of {len(drawn)} pictures has it"
    left, right = (b - a for a, b in np.reshape(np.median(up, axis=0) - np.median(hung, axis=0), (2, 2)))
    rose, stirred = (left, right) if character == "left" else (right, left)
    assert rose > 0.08 * MIRA.height and stirred < 0.4 * rose, (up, hung)


def taken(take: Take, side: str) -> tuple[Numbers, Numbers]:
    """Times, and how far the wrist of a side is over its shoulder, of those in the recording."""
    index = skeleton(take.info.skeleton).index
    found = []
    for _, moment, poses in take:
        if poses:
            shoulder, hip, wrist = (
                poses[0].points[index[f"{side}_{name}"], 1] for name in ("shoulder", "hip", "wrist")
            )
            found.append((moment, (shoulder - wrist) / (hip - shoulder)))
    return np.array([moment for moment, _ in found]), np.array([height for _, height in found])


def watch(pages: list[Page], done: Callable[[], bool]) -> list[list[list[float]]]:
    """What each page draws, again and again until `done`."""
    bones = [MIRA.names.index(bone) for bone in ARMS]
    drawn: list[list[list[float]]] = [[] for _ in pages]
    until = time.monotonic() + LONGEST
    while not done():
        assert time.monotonic() < until, "the arm was never seen to rise and sink"
        for page, seen in zip(pages, drawn, strict=True):
            seen.append(page.evaluate(DRAWN, bones))
            page.wait_for_timeout(50)
    return drawn


def check_rise(feed: Heard, pages: list[Page], character: str) -> None:
    """The person's left arm rises and sinks, and this arm of the character with it: in the feed and on the pages."""
    settled = feed.moments[-1]["time"] + SETTLED
    feed.until(lambda all: all[-1]["time"] > settled)
    since = len(feed.moments)
    drawn = watch(pages, lambda: rose_and_sank("left")(feed.moments[since:]))
    moments = feed.moments[since:]
    check_sides(moments, "left", character)
    for seen in drawn:
        check_drawn(seen, moments, "left", character)


@pytest.mark.models
@pytest.mark.clips
def test_the_arm_that_rises_before_the_camera_rises_on_the_stage(chromium: str, tmp_path: Path) -> None:
    film = left_arm_raised(fetch("walk-front"), tmp_path / "arm.mjpeg")
    empty = tmp_path / "empty.png"
    cv2.imwrite(str(empty), np.full((48, 64, 3), 128, np.uint8))
    with Running(tmp_path, "--camera", str(empty)) as program:
        with (
            filmed(chromium, film) as browser,
            page_of(browser, program.control, (640, 480)) as page,
            page_of(browser, program.stage, (160, 160)) as first,
            page_of(browser, program.stage, (160, 160)) as second,
            Heard(program.control) as feed,
        ):
            page.get_by_label("Camera", exact=True).select_option("browser")
            page.get_by_role("radio", name="Mira").check(force=True)
            mirror = page.get_by_role("switch", name="Mirror")
            page.keyboard.press("m")
            expect(mirror).not_to_be_checked(timeout=PATIENCE)
            feed.until(lambda all: bool(followed(all[-1:])) and all[-1]["characters"][0]["character"] == "Mira")
            for stage in (first, second):
                stage.wait_for_function(
                    "(bones) => window.bodydouble.rig?.parents.length === bones", arg=len(MIRA.names)
                )

            page.get_by_role("button", name="Record", exact=True).click()
            expect(page.get_by_role("button", name="Stop recording")).to_be_visible(timeout=PATIENCE)
            check_rise(feed, [first, second], "left")
            page.evaluate("document.activeElement.blur()")
            page.keyboard.press("Space")
            expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible(timeout=PATIENCE)

            page.keyboard.press("m")
            expect(mirror).to_be_checked(timeout=PATIENCE)
            check_rise(feed, [first], "right")
        line = program.ended()

    (path,) = program.recordings.glob("*.parquet")
    assert path.name in line
    take = read_take(path)
    times, heights = taken(take, "left")
    assert heights.max() > UP and heights.min() < DOWN
    assert taken(take, "right")[1].max() < OTHER
    assert np.all(np.diff(times) > 0)


def shared_clock(take: Take, heard: list[float]) -> float:
    """The program's time of a recording's beginning: all that both know of must be at the same times."""
    times = np.array([moment for _, moment, _ in take])
    begins = Counter((np.array(heard)[:, None] - times).round(4).ravel().tolist())
    (begin, count), (_, next_best) = begins.most_common(2)
    assert count > 2 * next_best, "the film's pictures come too regularly to tell"
    return float(begin)


@pytest.mark.models
def test_kill_9_loses_at_most_the_last_second_of_what_the_program_saw(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    times = [Fraction(int(millisecond), 1000) for millisecond in np.cumsum(random.integers(20, 60, 1000))]
    film = make_clip(tmp_path / "film.mp4", times=times, tick=Fraction(1, 1000))
    with Running(tmp_path, "--camera", str(film), "--record", "--model", "movenet-lightning") as program:
        with Heard(program.control) as feed:
            seen = feed.until(lambda moments: len({one["captured"] for one in moments}) > 90)
            os.kill(program.process.pid, signal.SIGKILL)
            killed = time.monotonic()
            assert program.process.wait() == -signal.SIGKILL
        seen = feed.moments
    heard = sorted({moment["captured"] for moment in seen} - {0.0})
    (left,) = program.recordings.iterdir()
    take = read_take(left.with_name(left.name.split(".partial")[0]))
    begin = shared_clock(take, heard)
    kept, last = len(take), begin + max(moment for _, moment, _ in take)
    lost = [moment for moment in heard if moment > last]
    assert len([moment for moment in heard if moment <= last]) > 30
    assert all(killed - moment <= 1.0 for moment in lost)
    (recovered,) = recover_all(program.recordings)
    assert recovered.frames == kept
