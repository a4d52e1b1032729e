"""Takes docs/images/live.png: the control page of `bodydouble live`, with a clip as the camera, in headless Chromium.

python benchmarks/live_picture.py CLIP [-o docs/images/live.png] [--at SECONDS]; CLIP: a portrait film of one person
(for the README pose_squats.mp4 of the test data), or walk-front. Needs the extra `dev` and a browser of Chromium's
kind. The clip is cut to a square around the person first.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
from playwright.sync_api import Playwright, sync_playwright

from bodydouble import models
from bodydouble.bench.browser import find
from bodydouble.sources import open_source

SIZE = (1280, 720)
PATIENCE = 120_000  # milliseconds
SWITCHES = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
PLAYS = "() => [...document.querySelectorAll('canvas')].length >= 2"
WEBCAM, RATE = (480, 480), 15.0  # a rate that a machine which also draws the page in software can hold
TOP = 0.12  # of the clip's height, above the cut-out


def as_webcam(clip: Path, out: Path) -> Path:
    """The clip as a webcam might show it: the whole width, as high as that allows, RATE pictures a second.

    To its end and back again: it is played in a loop, in which nobody is to jump.
    """
    pictures = []
    film = cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*"mp4v"), RATE, WEBCAM)
    due = 0.0
    with open_source(clip) as source:
        for frame in source:
            height, width = frame.image.shape[:2]
            top, high = int(TOP * height), min(height, width * WEBCAM[1] // WEBCAM[0])
            while due <= frame.time + 0.5 / RATE:
                cut = cv2.resize(frame.image[top : top + high], WEBCAM, interpolation=cv2.INTER_AREA)
                pictures.append(cv2.cvtColor(cut, cv2.COLOR_RGB2BGR))
                due += 1 / RATE
    for picture in [*pictures, *pictures[-2:0:-1]]:
        film.write(picture)
    film.release()
    return out


@contextmanager
def running(clip: Path, folder: Path) -> Iterator[str]:
    """The control page's address of a run that begins anew."""
    command = [sys.executable, "-m", "bodydouble", "live", "--camera", str(clip), "--character", "fox", "--no-browser"]
    command += ["--port", "0", "--settings", str(folder / "live.toml"), "--out", str(folder)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as run:
        try:
            line = run.stdout.readline() if run.stdout is not None else ""
            address = re.search(r"http://\S+", line)
            if address is None:
                raise RuntimeError(f"bodydouble live said {line!r}")
            yield address[0]
        finally:
            run.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip")
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/images/live.png"))
    parser.add_argument("--at", type=float, default=12.0, help="seconds after the page shows somebody")
    given = parser.parse_args()
    clip = Path(given.clip) if Path(given.clip).is_file() else models.fetch(given.clip)
    with TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        shot(playwright, as_webcam(clip, folder / "webcam.mp4"), folder, given.out, given.at)


def shot(playwright: Playwright, clip: Path, folder: Path, out: Path, seconds: float) -> None:
    """Open the page, wait, and take its picture."""
    with running(clip, folder) as address:
        browser = playwright.chromium.launch(executable_path=find(), args=SWITCHES)
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme="dark")
        page.goto(address)
        page.wait_for_function(PLAYS, timeout=PATIENCE)
        page.wait_for_timeout(seconds * 1000)
        page.screenshot(path=out)
        browser.close()


if __name__ == "__main__":
    main()
