"""Everybody who makes use of the program in benchmarks/live_soak.py, well or badly.

Each work is done by a thread of its own again and again, at times and in ways that a seeded chance says. `everything`
does each of them once: what is loaded, opened or begun on first use is there from then on.
"""

from __future__ import annotations

import json
import random
import shutil
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from live_soak_program import Control, Program, Told
from playwright.sync_api import sync_playwright
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bodydouble.bench.browser import SOFTWARE, find, without_gpu
from bodydouble.stage.frames import pack
from bodydouble.stage.layouts import Binary

MODELS = ("movenet-lightning", "blazepose-lite", "auto")
PLACES = (
    ("character", ("fox", "mira")),
    ("model", MODELS),
    ("mirror", (True, False)),
    ("smooth", (0.1, 0.5, 0.9)),
    ("person", ("largest", "all")),
    ("framing", ("full", "half", "head")),
    ("background", ("transparent", "#00b140")),
    ("size", ("", "640x360")),  # of a film it means only that it is closed and opened again
)
# What everything is put back to; the camera and the character first, as each brings what it was left with.
REST = (
    {"camera": "browser"},  # no film's decoder, which comes and goes with every loop
    {"character": "fox"},
    {"mirror": True, "smooth": 0.5, "framing": "full", "background": "transparent", "size": ""},
)
SWITCHES = ("--no-sandbox", "--disable-quic", *(SOFTWARE if without_gpu() else ()))
SHOWN = 180.0  # seconds for a page to show a character, where a browser that draws in software shares two cores
FILMED = 600.0  # seconds for all films that wait, and for a model to be fetched


class Crowd:
    """The works. film: the camera's file, which is spoilt at times; beside it lies one that stays whole."""

    def __init__(self, program: Program, control: Control, film: Path, told: Told, seed: int) -> None:
        self._program, self._control, self._film, self._told = program, control, film, told
        self._whole = film.with_name("whole" + film.suffix)
        self._random = random.Random(seed)
        self._ended = threading.Event()
        self._browser = find()
        self._threads: list[threading.Thread] = []

    def everything(self) -> None:
        """Each thing once, whatever chance would say."""
        self._control.change(camera=str(self._film))
        for kind in ("control", "stage", "motion"):
            self._look_in(kind, 2.0, rudely=kind == "stage")
        for name, values in PLACES:
            for value in values:
                self._control.change(**{name: value})
                if name in ("character", "model", "person"):
                    self._loaded()
        self._snap("head")
        self._control.ask("follow", x=0.5, y=0.5)
        self._control.ask("calibrate", seconds=1.0)
        self._control.ask("virtual_camera", on=True)  # refused where there is none
        self._control.ask("virtual_camera", on=False)
        for how in ("gone", "broken", "short"):
            self._spoilt(how, 2.0)
        self._filmed(2.0, film=True)
        self._browse(pages=2)
        self._give_camera()

    def start(self) -> None:
        """All begin."""
        self._ended.clear()
        visitors = (self._visit, self._visit, self._never_read, self._browse)
        works = (*visitors, self._give_camera, self._spoil, self._choose, self._point, self._record, self._ping)
        self._threads = [
            threading.Thread(target=self._keep, args=(work,), name=f"soak-{work.__name__}", daemon=True)
            for work in works
        ]
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        """All stop what they do, films that wait are made, and everything is as it was: nothing else is loaded."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._control.wait("no film waits", lambda status: status["recording"]["state"] == "off", FILMED)
        shutil.copy(self._whole, self._film)
        self._control.ask("calibrate", seconds=-1.0)
        self._control.ask("calibrate", seconds=0)
        for settings in REST:
            self._control.change(**settings)
        for person, model in (("all", MODELS[0]), ("largest", MODELS[1])):  # those for another number are let go of
            self._control.change(person=person, model=model)
            self._loaded(model)

    def _loaded(self, model: str = "") -> None:
        """Wait until the model is in use; without a name until none is being loaded, for two reports."""
        if model:
            self._control.wait(f"{model} is in use", lambda status: status["model"]["name"] == model, FILMED)
            return
        for _ in range(2):
            self._control.wait("a model is loaded", lambda status: not status["model"]["loading"], FILMED)

    def _keep(self, work: Callable[[], None]) -> None:
        """Do it again and again. A connection that is cut is what a user may have, anything else a fault."""
        while not self._ended.is_set():
            try:
                work()
            except (ConnectionClosed, ConnectionError, InvalidHandshake) as fault:
                self._told.done[f"cut off: {type(fault).__name__}"] += 1
                self._pause(0.2, 1)
            except Exception as fault:  # noqa: BLE001
                self._told.faults.append(f"{work.__name__}: {type(fault).__name__}: {fault}")
                self._pause(0.2, 1)

    def _pause(self, least: float, most: float) -> None:
        self._ended.wait(self._random.uniform(least, most))

    # ---- pages --------------------------------------------------------------------------------------------------

    def _ping(self) -> None:
        self._control.ping()
        self._pause(0.1, 0.3)

    def _visit(self) -> None:
        """A page comes, looks for a while, and leaves or vanishes; at times several a second."""
        kind = self._random.choice(("control", "stage", "stage", "motion"))
        hurried = self._random.random() < 0.7
        self._look_in(kind, self._random.uniform(0, 0.2 if hurried else 4), rudely=self._random.random() < 0.3)

    def _look_in(self, kind: str, seconds: float, *, rudely: bool) -> None:
        with self._program.socket(kind, max_queue=None, close_timeout=1) as page:
            if kind == "control":
                page.send(json.dumps({"kind": "preview", "on": True, "width": 480}))
            self._ended.wait(seconds)
            if rudely:
                page.socket.shutdown(socket.SHUT_RDWR)  # without a goodbye
        self._told.done["visits"] += 1

    def _browse(self, pages: int = 0) -> None:
        """A real browser comes, shows some pages one after the other, and goes; pages: 0 for a few."""
        if self._browser is None:
            self._ended.wait()
            return
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=self._browser, args=list(SWITCHES))
            for number in range(pages or self._random.randint(1, 3)):
                page = browser.new_page()
                page.on("pageerror", lambda error: self._told.faults.append(f"a page failed: {error}"))
                page.goto(self._program.address + ("stage" if number % 2 else ""), timeout=1e3 * SHOWN)
                page.wait_for_selector("canvas", timeout=1e3 * SHOWN)
                self._pause(1, 8)
                self._told.done["real pages"] += 1
                page.close()
                if self._ended.is_set():
                    break
            browser.close()
        self._pause(1, 10)

    def _never_read(self) -> None:
        """A page that is open and never reads, nor answers."""
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that it is full soon
        raw.connect(("127.0.0.1", self._program.port))
        with self._program.socket(self._random.choice(("motion", "stage")), sock=raw, max_queue=1, close_timeout=0.5):
            self._pause(10, 40)
        self._told.done["never read"] += 1

    # ---- sources ------------------------------------------------------------------------------------------------

    def _give_camera(self) -> None:
        """A browser's camera for a while, which then vanishes."""
        self._control.change(camera="browser")
        with self._program.socket("camera", close_timeout=1) as page:
            for number in range(self._random.randint(10, 120)):
                picture = np.full((360, 640, 3), number % 200, np.uint8)
                jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
                values = {"type": Binary.CAMERA, "pad": 0, "pad2": 0, "width": 640, "height": 360, "jpeg": jpeg}
                page.send(pack("CameraFrame", {**values, "captured": time.monotonic()}))
                if self._ended.wait(1 / 30):
                    break
            page.socket.shutdown(socket.SHUT_RDWR)
        self._told.done["browser cameras"] += 1
        self._pause(0.5, 3)
        while not self._control.ask("change", settings={"camera": str(self._film)})["ok"]:
            self._told.done["no film to choose"] += 1  # as it is gone at this moment
            time.sleep(1)
        self._pause(3, 10)

    def _spoil(self) -> None:
        """The film is broken, cut short or gone, and whole again."""
        self._pause(2, 6)
        self._spoilt(self._random.choice(("gone", "broken", "short")), self._random.uniform(0.5, 4))

    def _spoilt(self, how: str, seconds: float) -> None:
        if how == "gone":
            self._film.unlink(missing_ok=True)
        elif how == "broken":
            self._film.write_bytes(random.Random(0).randbytes(5000))
        else:
            self._film.write_bytes(self._whole.read_bytes()[: self._whole.stat().st_size // 3])
        self._ended.wait(seconds)
        shutil.copy(self._whole, self._film)
        self._told.done[f"film {how}"] += 1

    # ---- commands -----------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        """Other settings."""
        name, values = self._random.choice(PLACES)
        self._control.change(**{name: self._random.choice(values)})
        self._told.done["settings"] += 1
        self._pause(0.1, 2.5)

    def _point(self) -> None:
        """A click, which may meet nobody; a calibration, which may be left off."""
        self._pause(2, 8)
        if self._random.random() < 0.6:
            self._control.ask("follow", x=self._random.uniform(0.3, 0.7), y=self._random.uniform(0.2, 0.8))
            self._told.done["clicks"] += 1
        else:
            self._control.ask("calibrate", seconds=self._random.choice((1.0, -1.0, 0.0)))
            self._told.done["calibrations"] += 1

    def _record(self) -> None:
        """A recording, of which a film is made at times, or a snapshot before it."""
        if self._random.random() < 0.4:
            self._snap()
        self._filmed(self._random.uniform(0.5, 6), film=self._random.random() < 0.15)
        self._pause(0.2, 1)

    def _snap(self, framing: str = "") -> None:
        if framing:
            self._control.change(framing=framing)
        answer = self._control.ask("snapshot", transparent=True)
        self._told.done["snapshots"] += answer["ok"]

    def _filmed(self, seconds: float, *, film: bool) -> None:
        answer = self._control.ask("record", on=True, film=film)
        if not answer["ok"]:
            self._told.faults.append(f"no recording: {answer['message']}")
            return
        self._ended.wait(seconds)
        answer = self._control.ask("record", on=False, film=film)
        if not answer["ok"] and "no picture came" not in answer["message"]:
            self._told.faults.append(f"a recording was lost: {answer['message']}")
        self._told.done["recordings"] += answer["ok"]
