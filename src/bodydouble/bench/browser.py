"""A real browser of the Chromium family, without a window, on one page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

from bodydouble.types import BodyDoubleError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
FLAGS = (
    "--headless=new",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--mute-audio",
    "--window-size=1280,720",
)
SOFTWARE = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")  # WebGL without a GPU
RENDER_DEVICES = Path("/dev/dri")  # Linux: there is none where there is no GPU
PATIENCE = 10.0  # seconds that it has to end


def find(given: Path | None = None) -> Path | None:
    """The browser to use, None if this computer has none. Raises BodyDoubleError if the one given is not there."""
    if given is not None:
        found = shutil.which(str(given))
        if found is None:
            raise BodyDoubleError(f"no browser {given}; wanted the program of Chromium, Chrome or Edge")
        return Path(found)
    named = next((found for name in NAMES if (found := shutil.which(name))), None)
    places = (Path(place) for place in PLACES)
    return Path(named) if named else next((place for place in places if place.is_file()), None)


def without_gpu() -> bool:
    """Whether pages are drawn in software here."""
    return sys.platform == "linux" and not RENDER_DEVICES.exists()


class Browser:
    """The browser on a page, from entering the context to leaving it."""

    def __init__(self, program: Path, address: str) -> None:
        self._program, self._address = program, address
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Browser:
        self._folder = tempfile.TemporaryDirectory(prefix="bodydouble-browser-", ignore_cleanup_errors=True)
        flags = [*FLAGS, f"--user-data-dir={self._folder.name}"]
        if without_gpu():
            flags += SOFTWARE
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            flags.append("--no-sandbox")  # it refuses to start for root with one
        self._process = subprocess.Popen(
            [str(self._program), *flags, self._address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._folder is not None:
            self._folder.cleanup()
