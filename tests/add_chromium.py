"""Finds a Chromium for the tests of the pages, or installs one where that can be done without asking anybody.

Run by the Makefile with the virtual environment's Python. Where there is none its tests are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
MISSING = (
    "no Chromium, Chrome or Edge is found; the tests of the pages will be skipped. "
    "To run them: install one, or set BODYDOUBLE_CHROMIUM to its path"
)


def find_chromium() -> str | None:
    """The path of a browser of Chromium's kind; BODYDOUBLE_CHROMIUM goes before all others."""
    chosen = os.environ.get("BODYDOUBLE_CHROMIUM")
    if chosen:
        return chosen
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    return next((place for place in PLACES if Path(place).is_file()), None)


def install() -> bool:
    """Debian's package, if this is Debian and we may install."""
    if shutil.which("apt-get") is None or not hasattr(os, "geteuid"):
        return False
    sudo: list[str] = []
    if os.geteuid() != 0:
        if shutil.which("sudo") is None or subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode:
            return False
        sudo = ["sudo", "-n"]
    quiet = {"capture_output": True, "text": True, "check": False}
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = [*sudo, "apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
    if subprocess.run(command, env=environment, **quiet).returncode == 0:  # type: ignore[call-overload]
        return True
    subprocess.run([*sudo, "apt-get", "update"], env=environment, **quiet)  # type: ignore[call-overload]
    return bool(subprocess.run(command, env=environment, **quiet).returncode == 0)  # type: ignore[call-overload]


def main() -> None:
    if find_chromium() is None and not (install() and find_chromium()):
        print(MISSING)


if __name__ == "__main__":
    main()
