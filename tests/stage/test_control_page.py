"""The built control page in a real browser, against the server with a made run behind it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from bodydouble.characters import samples
from bodydouble.live.moment import CalibrationState, ModelState
from bodydouble.skeletons import BLAZEPOSE_33, SKELETONS
from bodydouble.sources.live import Condition, Health
from bodydouble.sources.pushed import Pushed
from bodydouble.stage.addresses import Listening, listen
from bodydouble.stage.desk import Desk
from bodydouble.stage.messages import Settings
from bodydouble.stage.pages import page_folder
from bodydouble.stage.server import Server
from bodydouble.types import Pose
from made_live import CAMERA, MadeLive, made_desk, neutral
from stage_page import FLAGS, PATIENCE

WEB = Path(__file__).resolve().parents[2] / "web"
MOVES = 0.2  # seconds between motions: enough to see all that is tested, and the page has time for the test
FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
expect.set_options(timeout=PATIENCE)
SIZES = ((1280, 720), (1920, 1080), (1100, 720), (1000, 660), (900, 640), (390, 844))

# No colour is on its way to another; what turns for ever does not count.
SETTLED = """() => document.getAnimations().every((one) => one.playState !== "running"
  || one.effect.getTiming().iterations > 1)"""
# What has no accessible name, and text whose contrast to what is behind it is below 4.5 (WCAG 2.2, 1.4.3).
NAMELESS = """() => [...document.querySelectorAll("button, input, select, a[href], [role=img], dialog")].filter((e) =>
  e.type !== "file" && !(e.getAttribute("aria-label") || (e.labels?.[0]?.textContent ?? "").trim()
    || e.textContent.trim() && !["INPUT", "SELECT"].includes(e.tagName))).map((e) => e.outerHTML.slice(0, 200))"""
PALE = """() => {
  const read = (text) => {
    const [r, g, b, a = 1] = (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
    return text.startsWith("color(") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((value, i) => value * a + under[i] * (1 - a));
  const behind = (element) => {
    if (!element) return [0, 0, 0];
    const colour = read(getComputedStyle(element).backgroundColor);
    return colour[3] === 1 ? colour.slice(0, 3) : over(colour, behind(element.parentElement));
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    const shown = element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    if (!walk.currentNode.data.trim() || !shown) continue;
    if (element.closest("option, [disabled], .picture")) continue;
    const ground = behind(element);
    const [a, b] = [light(over(read(getComputedStyle(element).color), ground)), light(ground)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.push(`${walk.currentNode.data.trim()}: ${contrast.toFixed(2)}`);
  }
  return found;
}"""

# Words of buttons that are cut off, and cards that the row of buttons lies over.
CUT = """() => [...document.querySelectorAll(".dock span, .dock small, .who .chip, .way span")].filter(
  (e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline"
).map((e) => e.textContent).concat([...document.querySelectorAll(".who")].filter(
  (e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent))"""
BENEATH = """() => {
  const over = document.querySelector(".dock").getBoundingClientRect();
  return [...document.querySelectorAll(".card, .stage-card")].filter((e) => {
    const at = e.getBoundingClientRect();
    return at.left < over.right && at.right > over.left && at.top < over.bottom && at.bottom > over.top;
  }).map((e) => e.className);
}"""


class Served:
    """A server with a made run that moves by itself, as a camera's would."""

    def __init__(self, folder: Path, port: int = 0, host: str | None = None) -> None:
        self.desk: Desk = made_desk(folder)
        assert isinstance(self.desk.live, MadeLive)
        self.live = self.desk.live
        self.people: list[Pose] = []
        self.listening: Listening = listen(host, port, exact=port != 0)
        self.server = Server(self.desk, self.listening, page=page_folder())
        self.server.start()
        self._closed = threading.Event()
        self._mover = threading.Thread(target=self._move, name="test-mover", daemon=True)
        self._mover.start()

    @property
    def settings(self) -> Settings:
        return self.desk.settings

    def _move(self) -> None:
        while not self._closed.wait(MOVES):
            self.live.move(people=self.people)

    def close(self) -> None:
        self._closed.set()
        self._mover.join()
        self.server.stop()
        self.desk.close()
        self.listening.close()
        if self.live.browser is not None:
            self.live.browser.close()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=chromium, args=[*FLAGS, *FAKE_CAMERA], timeout=PATIENCE)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    running = Served(tmp_path_factory.mktemp("served"))
    yield running
    running.close()


@contextmanager
def opened(browser: Browser, served: Served, **context: object) -> Iterator[Page]:
    """The control page, connected; fails if the page reports an error."""
    faults: list[str] = []
    held = browser.new_context(**{"viewport": {"width": 1280, "height": 720}, **context})  # type: ignore[arg-type]
    page = held.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console", lambda said: faults.append(said.text) if said.type == "error" and not _meant(said.text) else None
    )
    page.goto(served.listening.control)
    page.locator(".character input[value=fox]").wait_for(state="attached")
    expect(page.locator(".lamp-words strong")).to_have_text(CAMERA.label, timeout=PATIENCE)
    yield page
    held.close()
    assert not faults


def _meant(said: str) -> bool:
    """Whether the browser only says that the server is gone or has refused something."""
    return "net::ERR_" in said or re.search("status of 40[01]|response code: 403", said) is not None


@pytest.fixture(scope="module")
def page(browser: Browser, served: Served) -> Iterator[Page]:
    with opened(browser, served) as shown:
        yield shown


def until(page: Page, done: Callable[[], bool]) -> None:
    """Let the page go on until `done`; fails after PATIENCE."""
    waited = 0
    while not done():
        assert waited < PATIENCE, "what the test waits for never was"
        page.wait_for_timeout(20)
        waited += 20


def escape(page: Page) -> None:
    """Close the dialog; what comes next would still go to it while it is open."""
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


def person(number: int, left: float) -> Pose:
    """A person whose points all lie near `left` of the width, in the middle of the made run's 64 x 48 pixels."""
    points = np.tile([64 * left, 24.0], (len(BLAZEPOSE_33), 1))
    points[:, 1] += np.linspace(-10, 10, len(points))
    return Pose("blazepose-33", points, np.full(len(points), 0.9), 0.9, 0.0, person=number)


def standing_whole() -> Pose:
    """A person from the head to the feet in the made run's picture."""
    one = person(1, 0.5)
    points = one.points.copy()
    points[:, 1] = np.linspace(6, 42, len(points))
    return replace(one, points=points)


def test_skeletons_are_those_of_the_page() -> None:
    golden = json.loads((WEB / "tests" / "skeletons.json").read_text(encoding="utf-8"))
    ours = {
        name: {"points": list(table.points), "edges": sorted(sorted(edge) for edge in table.edges)}
        for name, table in SKELETONS.items()
    }
    assert golden == ours


def test_defaults_of_the_sliders() -> None:
    text = (WEB / "src" / "control" / "defaults.ts").read_text(encoding="utf-8")
    found = re.search(r"DEFAULTS = \{([^}]*)\}", text)
    assert found
    told = {name: float(value) for name, value in re.findall(r"(\w+): ([\d.]+)", found[1])}
    assert told == {name: getattr(Settings(), name) for name in told}
    assert set(told) == {"smooth", "place", "compensation", "fov"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_has_a_name_and_can_be_read(page: Page, theme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=theme)
    expect(page.locator("html")).to_have_attribute("data-theme", theme)
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Shortcuts")).to_be_visible()
    page.wait_for_function(SETTLED)
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(PALE) == []
    escape(page)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_fits(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    if width >= 1280:
        assert page.evaluate("document.documentElement.scrollHeight") == height
        columns = page.evaluate("[...document.querySelectorAll('.column')].map((e) => e.scrollHeight - e.clientHeight)")
        assert columns == [0, 0, 0]
    for name in ("Calibrate", "Snapshot", "Record", "Virtual camera"):
        assert page.get_by_role("button", name=name).first.is_visible()
    if width >= 900:
        assert page.evaluate(CUT) == []
        box = page.locator(".picture").bounding_box()
        assert box and box["y"] + box["height"] < height
        assert page.evaluate(BENEATH) == []
    page.set_viewport_size({"width": 1280, "height": 720})


def test_keys_and_switches(page: Page, served: Served) -> None:
    mirror = page.get_by_role("switch", name="Mirror")
    before = served.settings.mirror
    page.keyboard.press("m")
    until(page, lambda: served.settings.mirror is not before)
    expect(mirror).to_be_checked(checked=not before)
    mirror.focus()
    page.keyboard.press("Space")  # presses what has the focus, and records nothing
    until(page, lambda: served.settings.mirror is before)
    for key, framing in (("2", "half"), ("3", "head"), ("1", "full")):
        page.keyboard.press(key)
        until(page, lambda framing=framing: served.settings.framing == framing)  # type: ignore[misc]
    for _ in range(3):  # however soon after the last
        page.keyboard.press("?")
        expect(page.locator("dialog.help")).to_be_visible()
        escape(page)


def test_keys_are_letters_while_one_types(page: Page, served: Served) -> None:
    before = served.settings
    page.get_by_role("button", name="Use in OBS").click()
    address = page.get_by_label("The stage's address")
    expect(address).to_have_value(served.listening.stage)
    expect(address).to_be_visible()
    address.focus()
    expect(address).to_be_focused()
    page.keyboard.type("m23 ")
    escape(page)
    camera = page.get_by_label("Camera", exact=True)
    camera.focus()
    expect(camera).to_be_focused()
    page.keyboard.press("m")
    page.keyboard.press("?")  # so that what comes before it has been taken up
    page.wait_for_timeout(100)
    assert served.settings == before


def test_sliders(page: Page, served: Served) -> None:
    smooth = page.get_by_role("slider", name="Smoothing")
    smooth.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    until(page, lambda: served.settings.smooth == pytest.approx(0.55))
    page.get_by_role("button", name="Reset smoothing").click()
    until(page, lambda: served.settings.smooth == 0.5)
    expect(page.get_by_role("button", name="Reset smoothing", include_hidden=True)).to_be_disabled()
    view = page.get_by_role("slider", name="Field of view")
    view.fill("7")  # narrower than any camera: off
    until(page, lambda: served.settings.fov == 0)
    view.fill("60")
    until(page, lambda: served.settings.fov == 60)


def test_pages_follow_each_other(browser: Browser, page: Page, served: Served) -> None:
    with opened(browser, served) as other:
        page.get_by_role("radio", name="Green, to key out").check(force=True)
        until(page, lambda: served.settings.background == "#00b140")
        expect(other.get_by_role("radio", name="Green, to key out")).to_be_checked()
        other.get_by_role("radio", name="Mira").check(force=True)
        expect(page.get_by_role("radio", name="Mira")).to_be_checked()
        other.get_by_role("radio", name="Fox").check(force=True)
        until(page, lambda: served.settings.character == "fox")
        page.get_by_role("radio", name="Transparent").check(force=True)
        until(page, lambda: served.settings.background == "transparent")


def test_what_is_refused_is_told_and_taken_back(page: Page, served: Served) -> None:
    served.live.refuse = "the robot has no elbows; give it some"
    try:
        page.get_by_role("radio", name="Mira").click(force=True)  # check() would want it to stay so: it is taken back
        expect(page.locator(".note.bad")).to_contain_text("no elbows")
        expect(page.get_by_role("radio", name="Fox")).to_be_checked()
    finally:
        served.live.refuse = ""


def test_own_pictures_and_characters(page: Page, served: Served, tmp_path: Path) -> None:
    picture = tmp_path / "room.bmp"  # which the server would not take; the page makes a JPEG of it
    cv2.imwrite(str(picture), np.full((30, 40, 3), 200, np.uint8))
    page.get_by_label("Background picture").set_input_files(picture)
    until(page, lambda: served.settings.background == "picture:room.jpg")
    expect(page.get_by_role("radio", name="room.jpg")).to_be_checked()
    page.once("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="Remove room.jpg").click()
    until(page, lambda: served.settings.background == "transparent")
    expect(page.get_by_role("radio", name="room.jpg")).to_have_count(0)
    page.get_by_label("Character file").set_input_files(sorted(samples()["mira"].iterdir()))
    added = page.locator("div.character:has(.remove)")
    expect(added.get_by_role("radio")).to_be_checked()  # who adds one wants to see it
    alone = tmp_path / "cat.png"
    cv2.imwrite(str(alone), np.full((30, 40, 3), 200, np.uint8))
    page.get_by_label("Character file").set_input_files(alone)
    told = page.locator(".note.bad", has_text="cat.png")
    expect(told).to_contain_text("cat.png cannot move yet")
    expect(told).to_contain_text("mask.png")
    broken = tmp_path / "puppet.toml"
    broken.write_text("name = 1")
    page.get_by_label("Character file").set_input_files(broken)
    expect(page.locator(".note.bad").last).not_to_contain_text("cat.png")
    words, stage = page.locator(".notes").bounding_box(), page.locator(".stage-card").bounding_box()
    assert words and stage
    assert words["x"] >= stage["x"] + stage["width"]  # nothing of the stage is covered
    page.get_by_role("radio", name="Fox").check(force=True)
    until(page, lambda: served.settings.character == "fox")
    page.once("dialog", lambda asked: asked.accept())
    added.hover()
    added.locator(".remove").click()
    expect(added).to_have_count(0)


def test_a_click_follows_a_person(page: Page, served: Served) -> None:
    served.people = [person(1, 0.25), person(2, 0.75)]
    try:
        page.get_by_role("button", name="Follow person 2").wait_for()
        page.get_by_role("button", name="Follow person 2").click()
        until(page, lambda: len(served.live.followed) == 1)
        assert served.live.followed[-1][0] == pytest.approx(0.75, abs=0.01)
        page.wait_for_function("() => document.querySelector('canvas.camera').width === 64")
        box = page.locator("canvas.overlay").bounding_box()
        assert box
        page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
        until(page, lambda: len(served.live.followed) == 2)
        x, y = served.live.followed[-1]
        served.people = [person(1, 0.25)]  # others are not told of while one is followed
        page.get_by_role("button", name="Somebody else").click()
        expect(page.get_by_text("Click on the person to follow")).to_be_visible()
        page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"])
        until(page, lambda: len(served.live.followed) == 3)
        expect(page.get_by_text("Click on the person to follow")).not_to_be_visible()
        assert x == pytest.approx(0.75 if served.settings.mirror else 0.25, abs=0.02)
        assert y == pytest.approx(0.5, abs=0.02)
    finally:
        served.people = []


def test_the_browsers_own_camera(browser: Browser, page: Page, served: Served) -> None:
    served.live.browser = camera = Pushed()
    served.live.source = Health(Condition.UNPLUGGED, "it was unplugged", (0, 0), 0.0, 0, 0, CAMERA.name)
    page.get_by_role("button", name="Use this page's camera").click()
    until(page, lambda: camera.health.captured > 3)
    served.live.source = None
    assert served.settings.camera == "browser"
    assert max(camera.health.size) == 960
    with opened(browser, served) as other:  # the last one who wants to gives
        other.get_by_role("button", name="Use this device's camera").click()
        expect(page.get_by_role("button", name="Use this device's camera")).to_be_visible()
        expect(page.locator("video.camera")).to_have_class(re.compile("hidden"))
        expect(other.locator("video.camera")).not_to_have_class(re.compile("hidden"))
        count = camera.health.captured
        until(other, lambda: camera.health.captured > count + 3)
    page.get_by_label("Camera", exact=True).select_option(CAMERA.name)
    until(page, lambda: served.settings.camera == CAMERA.name)
    expect(page.locator("video.camera")).to_have_class(re.compile("hidden"))


def test_a_camera_that_is_denied_is_explained(page: Page, served: Served) -> None:
    served.live.browser = camera = served.live.browser or Pushed()
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = "
        "() => Promise.reject(new DOMException('no', 'NotAllowedError')); }"
    )
    page.get_by_label("Camera", exact=True).select_option("browser")
    until(page, lambda: "may not use the camera" in camera.health.message)
    page.get_by_label("Camera", exact=True).select_option(CAMERA.name)
    until(page, lambda: served.settings.camera == CAMERA.name)


def test_no_camera_at_all_is_no_fault(page: Page, served: Served) -> None:
    message = "no camera found; plug one in, or use a video file (--camera FILE.mp4)"
    served.live.source = Health(Condition.UNPLUGGED, message, (0, 0), 0.0, 0, 0, "")
    try:
        expect(page.get_by_role("button", name="Use this page's camera")).to_be_visible()
        assert "--camera" not in page.locator("body").inner_text()
    finally:
        served.live.source = None
    expect(page.get_by_role("button", name="Use this page's camera")).not_to_be_visible()


def test_a_countdown_that_is_cancelled_forgets_nothing(page: Page, served: Served) -> None:
    served.live.config = replace(served.live.config, neutral=neutral())
    forget = page.get_by_role("button", name="Forget calibration")
    expect(forget).to_be_visible()
    page.keyboard.press("c")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Cancel")).not_to_be_visible()
    expect(forget).to_be_visible()
    forget.click()
    expect(forget).not_to_be_visible()


def test_a_calibration_is_left_by_escape(page: Page, served: Served) -> None:
    mirror = page.get_by_role("switch", name="Mirror")
    mirror.focus()
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="Step back until all of you is in the picture")
    expect(dialog.get_by_role("button")).to_be_focused()
    page.keyboard.press("m")  # which is for the page behind
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    until(page, lambda: served.live.calibration.state == "none")
    expect(mirror).to_be_focused()
    served.live.calibration = CalibrationState("holding", 1.0)
    expect(page.get_by_role("dialog", name="Hold still")).to_be_visible()
    served.live.calibration = CalibrationState("failed", 0.0, "nobody was in the picture; try again")
    failed = page.get_by_role("dialog", name="That did not work")
    expect(failed).to_contain_text("Nobody was in the picture")
    page.keyboard.press("Escape")
    expect(failed).to_have_count(0)
    served.live.calibration = CalibrationState()


@pytest.mark.parametrize(("width", "height"), [(1000, 660), (1920, 1080), (390, 844)])
def test_a_calibration_covers_nothing_of_the_picture(page: Page, served: Served, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    served.live.calibration = CalibrationState("countdown", 5.0)
    try:
        dialog = page.get_by_role("dialog", name="Step back until all of you is in the picture")
        expect(dialog).to_be_visible()
        words, picture = dialog.bounding_box(), page.locator("canvas.overlay").bounding_box()
        assert words and picture
        assert picture["width"] * picture["height"] > 0.4 * width * height
        assert words["x"] + words["width"] <= picture["x"] + 1 or words["y"] + words["height"] <= picture["y"] + 1
        assert (
            page.evaluate(
                "() => { const e = document.querySelector('.calibration'); return e.scrollHeight - e.clientHeight; }"
            )
            <= 0
        )
        served.people = [standing_whole()]
        expect(page.get_by_role("dialog", name="All of you is in the picture")).to_be_visible()
    finally:
        served.people = []
        page.keyboard.press("Escape")
        served.live.calibration = CalibrationState()
        expect(page.locator(".calibration")).to_have_count(0)
        page.set_viewport_size({"width": 1280, "height": 720})


def test_a_hint_covers_nobody_and_can_be_closed(page: Page, served: Served) -> None:
    hint = page.locator(".said")
    served.live.hint = "too busy for 30 pictures a second; close other programs"
    try:
        expect(hint).to_contain_text("Too busy for 30 pictures")
        box, picture, canvas = (
            page.locator(where).bounding_box() for where in (".said", ".picture", ".stage-card canvas")
        )
        assert box and picture and canvas
        for other in (picture, canvas):
            beside = box["x"] >= other["x"] + other["width"] or box["x"] + box["width"] <= other["x"]
            over = box["y"] >= other["y"] + other["height"] or box["y"] + box["height"] <= other["y"]
            assert beside or over
        page.get_by_role("button", name="Close this hint").click()
        expect(hint).to_have_text("")
        served.live.hint = "too dark"
        expect(hint).to_contain_text("Too dark")
    finally:
        served.live.hint = ""
    expect(hint).to_have_text("")


def test_it_is_said_what_is_loaded(browser: Browser, page: Page, served: Served) -> None:
    served.live.model = ModelState(loading="blazepose-full", progress=0.4)
    try:
        expect(page.locator(".said")).to_contain_text("Fetching the pose model")
        expect(page.locator(".said").get_by_role("progressbar")).to_have_attribute("aria-valuenow", "40")
    finally:
        served.live.model = ModelState()
    expect(page.locator(".said")).to_have_text("")
    held = browser.new_page()
    held.set_default_timeout(PATIENCE)
    asked: list[Route] = []
    held.route("**/api/characters/fox/puppet*", lambda route: asked.append(route))  # and not answered
    held.goto(served.listening.control)
    expect(held.locator(".stage-waiting")).to_have_text("Loading Fox…")
    for route in asked:
        route.abort()
    held.close()


def test_a_page_that_is_not_let_in_any_more_says_so(browser: Browser, tmp_path: Path) -> None:
    served = Served(tmp_path)
    port = served.listening.port
    try:
        with opened(browser, served) as page:
            served.close()
            expect(page.get_by_text("Connection lost")).to_be_visible()
            served = Served(tmp_path, port, "127.0.0.1")
            expect(page.get_by_role("alert")).to_contain_text("This page is not let in any more")
            page.get_by_role("button", name="Try again").click()
            expect(page.get_by_role("heading", name="This page wants the token")).to_be_visible()
            assert page.evaluate(PALE) == []
            page.goto(served.listening.control)
            expect(page.locator(".lamp-words strong")).to_have_text(CAMERA.label)
            assert "token" not in page.url
    finally:
        served.close()


def test_a_lost_connection_comes_back(browser: Browser, tmp_path: Path) -> None:
    served = Served(tmp_path)
    port = served.listening.port
    try:
        with opened(browser, served) as page:
            page.wait_for_function("() => [...document.images].every((image) => image.complete)")
            served.close()
            expect(page.get_by_text("Connection lost")).to_be_visible()
            served = Served(tmp_path, port)
            expect(page.get_by_text("Connection lost")).not_to_be_visible()
            before = served.settings.mirror
            page.keyboard.press("m")
            until(page, lambda: served.settings.mirror is not before)
    finally:
        served.close()
