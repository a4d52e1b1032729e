"""The stage page in a real browser: what it answers, when it draws, and how it comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser

from bodydouble.characters import Puppet, load, rest_pose
from bodydouble.outputs.draw import Figure, Stage
from bodydouble.stage.pages import page_folder
from posing import posed
from stage_page import HOST, StagePage, browser

SIZE = (480, 270)
PICTURES = """count => new Promise(done => {
  const step = left => (left ? requestAnimationFrame(() => step(left - 1)) : done(window.bodydouble.stats.pictures));
  step(count);
})"""

Open = Callable[..., StagePage]


@pytest.fixture(scope="module")
def chrome(chromium: str) -> Iterator[Browser]:
    with browser(chromium) as opened:
        yield opened


@pytest.fixture(scope="module")
def fox() -> Puppet:
    return load("fox")


@pytest.fixture
def opened(chrome: Browser) -> Iterator[Open]:
    contexts = []

    def page(query: str = "", script: str = "", **context: object) -> StagePage:
        viewport = {"width": SIZE[0], "height": SIZE[1]}
        contexts.append(chrome.new_context(viewport=viewport, **context))  # type: ignore[arg-type]
        shown = StagePage(contexts[-1].new_page(), page_folder())
        if script:
            shown.page.add_init_script(script)
        shown.open(query)
        return shown

    yield page
    for context in contexts:
        context.close()


def test_every_motion_is_acknowledged_once_and_the_last_is_drawn(opened: Open, fox: Puppet) -> None:
    page = opened()
    page.scene(fox)
    sent = [page.move([Figure(fox, posed(fox.rig, {"head": step}))], step / 30) for step in range(5)]
    page.until(lambda: len(page.of_kind("ack")) == len(sent))
    acks = page.of_kind("ack")
    assert [ack["sequence"] for ack in acks] == sent
    assert all(ack["posed"] > 0 for ack in acks)
    assert acks[-1]["drawn"] >= acks[-1]["posed"]
    assert all(ack["drawn"] == 0 or ack["drawn"] >= ack["posed"] for ack in acks)
    page.show([Figure(fox, posed(fox.rig, {"head": 9}))], 1.0)
    page.show([Figure(fox, posed(fox.rig, {"head": 3}))], 2.0)
    assert page.of_kind("ack")[-1]["work"] > 0


def test_pictures_are_drawn_only_while_something_changes(opened: Open, fox: Puppet) -> None:
    page = opened()
    page.scene(fox)
    page.show([Figure(fox, rest_pose(fox.rig))])
    before = page.page.evaluate(PICTURES, 1)
    assert page.page.evaluate(PICTURES, 5) == before
    page.show([Figure(fox, rest_pose(fox.rig))], 0.1)  # the same again: nothing to draw
    assert page.page.evaluate(PICTURES, 1) == before
    page.show([Figure(fox, posed(fox.rig, {"head": 20}))], 0.2)
    assert page.page.evaluate(PICTURES, 1) > before


def test_a_lost_connection_comes_back_and_goes_on(opened: Open, fox: Puppet) -> None:
    page = opened()
    page.scene(fox)
    page.show([Figure(fox, rest_pose(fox.rig))])
    page.sockets[-1].close()
    page.until(lambda: len(page.sockets) == 2)
    page.scene(fox)
    shown = page.show([Figure(fox, posed(fox.rig, {"left_upper_arm": -60}))], 5.0)
    skia = Stage(SIZE, "transparent").render([Figure(fox, posed(fox.rig, {"left_upper_arm": -60}))])
    assert np.abs(shown.astype(int) - skia).mean() < 0.2


def test_a_lost_gpu_comes_back_with_the_picture(opened: Open, fox: Puppet) -> None:
    page = opened()
    page.scene(fox)
    before = page.show([Figure(fox, rest_pose(fox.rig))])
    page.page.evaluate("""() => new Promise(done => {
      const canvas = document.querySelector("canvas");
      const loss = canvas.getContext("webgl2").getExtension("WEBGL_lose_context");
      canvas.addEventListener("webglcontextlost", () => setTimeout(() => loss.restoreContext()), { once: true });
      canvas.addEventListener("webglcontextrestored", () => requestAnimationFrame(done), { once: true });
      loss.loseContext();
    })""")
    after = page.show([Figure(fox, rest_pose(fox.rig))], 0.1)
    assert before.any()
    assert (after == before).all()


def test_a_page_without_webgl_says_so(opened: Open) -> None:
    page = opened(script="HTMLCanvasElement.prototype.getContext = () => null;")
    assert "WebGL" in page.page.get_by_role("status").inner_text()


def test_the_picture_has_the_pixels_of_the_screen(opened: Open, fox: Puppet) -> None:
    page = opened(device_scale_factor=2)
    page.scene(fox)
    shown = page.show([Figure(fox, rest_pose(fox.rig))])
    assert shown.shape == (2 * SIZE[1], 2 * SIZE[0], 4)


def test_the_address_may_ask_for_another_look(opened: Open, fox: Puppet) -> None:
    page = opened("?background=%2300ff00&framing=half&mirror=1&shadow=0")
    page.scene(fox, background="#123456", framing="full")
    pose = posed(fox.rig, {"left_upper_arm": -60})
    shown = page.show([Figure(fox, pose)])
    skia = Stage(SIZE, "transparent", framing="half", shadow=False).render([Figure(fox, pose)])
    assert np.abs(shown.astype(int) - skia[:, ::-1]).mean() < 0.5
    colour = page.page.evaluate("() => getComputedStyle(document.querySelector('canvas')).backgroundColor")
    assert colour == "rgb(0, 255, 0)"


def test_the_old_character_stays_until_the_new_one_is_there(opened: Open, fox: Puppet) -> None:
    page = opened()
    page.scene(fox)
    page.show([Figure(fox, rest_pose(fox.rig))])
    mira = load("mira")
    page.move([Figure(mira, rest_pose(mira.rig))], 0.1)  # its motion is there before its mesh
    page.scene(mira)
    shown = page.show([Figure(mira, rest_pose(mira.rig))], 0.2)
    skia = Stage(SIZE, "transparent").render([Figure(mira, rest_pose(mira.rig))])
    assert np.abs(shown.astype(int) - skia).mean() < 0.2


def test_the_page_asks_nobody_but_the_program(opened: Open, fox: Puppet) -> None:
    page = opened()
    asked: list[str] = []
    page.page.on("request", lambda request: asked.append(request.url))
    page.page.reload()
    page.until(lambda: len(page.sockets) == 2)
    page.scene(fox)
    page.show([Figure(fox, rest_pose(fox.rig))])
    assert asked
    assert {urlsplit(address).hostname for address in asked} == {HOST}
