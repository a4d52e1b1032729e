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
OTHER_SIDE = {"left": "right", "right": "left"}
ROSE = 0.08  # of the character's height: the least that its hand rises
SEEN = 6  # moments with the arm up, and as many with it down, after which all is seen
SHOWN = 3  # pictures of each that a page must have drawn by then
SETTLED = 0.5  # seconds with the same person until the character has gone over to them; a change takes 0.35
STEADY = 2  # motions before the last that a page may still be on its way from
LONGEST = 240.0  # seconds to wait for that
MIRA = characters.load("mira").rig
Numbers = npt.NDArray[np.float64]

# From now on the page notes each picture that it draws: the motion it has, how high each of these bones begins.
NOTE = """(bones) => {
  const stage = window.bodydouble;
  const draw = stage.picture.bind(stage);
  window.noted = [];
  stage.picture = () => {
    draw();
    const movers = [...stage.movers.values()];
    if (movers.length !== 1) return;
    window.noted.push([stage.stats.sequence, ...bones.map((bone) => -movers[0].pose.heads[2 * bone + 1])]);
  };
}"""
NOTED = "() => window.noted.splice(0)"
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
    """Those in which somebody moves the character, and the same one for a while: it needs time to go over to them."""
    found, who, since = [], None, 0.0
    for moment in moments:
        person = moment["people"][0] if moment["people"] and moment["characters"] else {"person": None, "state": ""}
        if person["person"] != who:
            who, since = person["person"], moment["time"]
        if person["state"] == "tracked" and moment["time"] - since >= SETTLED:
            found.append(moment)
    return found


def heights_of(moments: list[dict[str, Any]], person: str) -> dict[int, float]:
    """How high the person's wrist of this side is, by the motion's number."""
    return {moment["sequence"]: over_shoulder(moment["people"][0], person) for moment in moments}


def rose_and_sank(heights: list[float]) -> bool:
    """Whether an arm was seen to hang, then up, then to hang again, a few times each."""
    up = [place for place, height in enumerate(heights) if height > UP]
    hung = [place for place, height in enumerate(heights) if height < DOWN]
    return len(up) >= SEEN and len(hung) >= SEEN and hung[0] < up[-1] and up[0] < hung[-1]


def check_sides(moments: list[dict[str, Any]], person: str, character: str) -> None:
    """The character's arm of one side goes up with the person's, and its other one does not."""
    theirs = np.array([over_shoulder(moment["people"][0], person) for moment in moments])
    other = OTHER_SIDE[character]
    ours = np.array([[hand(moment, side) for side in (character, other)] for moment in moments])
    up, hung = (np.median(ours[chosen], axis=0) for chosen in (theirs > UP, theirs < DOWN))
    rose, stirred = up - hung
    assert rose > ROSE and stirred < 0.4 * rose, (up, hung)


def drawn_so(drawn: list[list[float]], heights: dict[int, float]) -> tuple[list[list[float]], list[list[float]]]:
    """The arms that a page drew while the person's arm was up all the while, and while it hung. heights: by motion."""
    place = {motion: number for number, motion in enumerate(heights)}
    over = list(heights.values())
    had: list[int] = []  # the motions that the page has had
    up: list[list[float]] = []
    hung: list[list[float]] = []
    for number, *arms in drawn:
        if not had or had[-1] != int(number):
            had.append(int(number))
        first, last = place.get(had[max(0, len(had) - 1 - STEADY)]), place.get(had[-1])
        if first is None or last is None:  # drawn before all this, or while nobody was followed yet
            continue
        up += [arms] if min(over[first : last + 1]) > UP else []
        hung += [arms] if max(over[first : last + 1]) < DOWN else []
    return up, hung


def check_drawn(up: list[list[float]], hung: list[list[float]], character: str) -> None:
    """As check_sides, of what a page drew."""
    left, right = (b - a for a, b in np.reshape(np.median(up, axis=0) - np.median(hung, axis=0), (2, 2)))
    rose, stirred = (left, right) if character == "left" else (right, left)
    assert rose > ROSE * MIRA.height and stirred < 0.4 * rose, (up, hung)


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


def gone_over(moments: list[dict[str, Any]], person: str, character: str) -> bool:
    """Whether this arm of the character, and not its other one, is up with the person's: the switch has come."""
    other = OTHER_SIDE[character]
    up = [moment for moment in followed(moments) if over_shoulder(moment["people"][0], person) > UP]
    return bool(up) and hand(up[-1], character) - hand(up[-1], other) > ROSE


def wait(page: Page, done: Callable[[], bool]) -> None:
    """Let the pages go on until it is done."""
    until = time.monotonic() + LONGEST
    while not done():
        assert time.monotonic() < until, "the arm was never seen to rise and sink"
        page.wait_for_timeout(100)


def check_rise(feed: Heard, pages: list[Page], character: str) -> None:
    """The person's left arm rises and sinks, and this arm of the character with it: in the feed and on the pages."""
    asked = len(feed.moments)
    wait(pages[0], lambda: gone_over(feed.moments[asked:], "left", character))
    since = len(feed.moments)
    drawn: list[list[list[float]]] = [[] for _ in pages]

    def seen() -> bool:
        for page, pictures in zip(pages, drawn, strict=True):
            pictures += page.evaluate(NOTED)
        heights = heights_of(followed(feed.moments[since:]), "left")
        shown = [part for pictures in drawn for part in drawn_so(pictures, heights)]
        return rose_and_sank(list(heights.values())) and all(len(part) >= SHOWN for part in shown)

    wait(pages[0], seen)
    moments = followed(feed.moments[since:])
    check_sides(moments, "left", character)
    for pictures in drawn:
        check_drawn(*drawn_so(pictures, heights_of(moments, "left")), character)


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
            feed.until(lambda all: bool(all[-1:]) and [one["character"] for one in all[-1]["characters"]] == ["Mira"])
            for stage in (first, second):
                stage.wait_for_function(
                    "(bones) => window.bodydouble.rig?.parents.length === bones", arg=len(MIRA.names)
                )
                stage.evaluate(NOTE, [MIRA.names.index(bone) for bone in ARMS])

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
