"""Builds the pages of `bodydouble live` into the package, for wheels and source distributions.

Where Node.js is missing or too old, or its packages cannot be had, the package is built without pages: everything but
`bodydouble live` works then, and that says what to do (stage/pages.py). An editable install leaves it to the Makefile.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LEAST_NODE = (20, 19)  # what Vite 8 asks for


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling's hook `custom`."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the pages unless they are there and newer than what they are made of."""
        web, page = Path(self.root) / "web", Path(self.root) / "src" / "bodydouble" / "stage" / "page"
        if version == "editable" or not (web / "package.json").is_file() or is_fresh(web, page):
            return
        reason = why_no_node() or failure(web)
        if reason:
            self.app.display_warning(f"bodydouble is built without the pages of `bodydouble live`: {reason}")


def is_fresh(web: Path, page: Path) -> bool:
    """Whether the built pages are no older than any source of theirs."""
    built = page / "index.html"
    if not built.is_file():
        return False
    made_of = [path for path in web.iterdir() if path.is_file()]
    made_of += [path for path in (web / "src").rglob("*") if path.is_file()]
    return all(path.stat().st_mtime <= built.stat().st_mtime for path in made_of)


def why_no_node() -> str:
    """One line that says why Node.js cannot build the pages; "" if it can."""
    node, npm = shutil.which("node"), shutil.which("npm")
    wanted = ".".join(map(str, LEAST_NODE))
    if node is None or npm is None:
        return f"it needs Node.js {wanted} or newer with npm, and there is none"
    text = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    numbers = text.removeprefix("v").split(".")[:2]
    if not all(number.isdigit() for number in numbers) or tuple(map(int, numbers)) < LEAST_NODE:
        return f"it needs Node.js {wanted} or newer, and this is {text or 'of no known version'}"
    return ""


def failure(web: Path) -> str:
    """Install what the build needs, and build. Returns one line that says what went wrong; "" if nothing did."""
    npm = shutil.which("npm") or "npm"
    for command in (["ci", "--no-audit", "--no-fund", "--loglevel=error"], ["run", "--silent", "build"]):
        done = subprocess.run([npm, *command], cwd=web, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            return f"npm {command[0]} ended with {said[0] if said else done.returncode}"
    return ""
