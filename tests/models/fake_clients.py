"""Stand-ins for pip and npm that copy a local archive and keep a log of their calls, and a small web server."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bodydouble.models.cards import Card, parse

# What both clients do: log their arguments, wait until a named file is there (if asked to), copy, or fail.
CLIENT = """
import os, pathlib, shutil, sys, time
here = pathlib.Path(os.environ["FAKE_CLIENTS"])
kind, arguments = sys.argv[1], sys.argv[2:]
with (here / "log").open("a") as log:
    log.write(kind + " " + " ".join(arguments) + "\\n")
gate = here / "gate"
for _ in range(1500 if gate.exists() and not (here / "open").exists() else 0):
    if (here / "open").exists():
        break
    time.sleep(0.01)
archive = here / {"pip": "box.whl", "npm": "bag.tgz"}[kind]
if not archive.exists():
    mark = "ERROR:" if kind == "pip" else "npm error"
    print("something by the way")
    print(f"{mark} code 1" if kind == "npm" else "")
    print(f"{mark} nothing answers")
    print("[notice] a new version is there")
    sys.exit(1)
target = pathlib.Path(arguments[arguments.index("--dest") + 1] if kind == "pip" else ".")
if kind == "pip":
    print("Progress 5 of 10", flush=True)
shutil.copy(archive, target / {"pip": "box-1.0-py3-none-any.whl", "npm": "bag-2.0.tgz"}[kind])
"""

CONTENT = {"thing": b"abc" * 1000, "other": b"another file" * 99}


class Fake:
    """The folder of the stand-ins: what they would fetch, and what they were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheel = folder / "box.whl"
        self.npm = folder / "bag.tgz"

    @property
    def calls(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def make_wheel(self, **members: bytes) -> None:
        with zipfile.ZipFile(self.wheel, "w") as archive:
            for name, content in (members or CONTENT).items():
                archive.writestr(f"box/{name}.bin", content)

    def make_npm(self, **members: bytes) -> None:
        with tarfile.open(self.npm, "w:gz") as archive:
            for name, content in (members or CONTENT).items():
                entry = tarfile.TarInfo(f"package/{name}.bin")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))


def fake_zoo(sources: str, content: dict[str, bytes] = CONTENT) -> dict[str, Card]:
    """Cards of the content, each with these sources; NAME in them stands for the card's name."""
    text = '[packages.box]\nclient = "pip"\nname = "box"\nversion = "1.0"\n'
    text += 'platform = "any"\npython = "3.11"\nabi = "cp311"\n'
    text += '[packages.bag]\nclient = "npm"\nname = "@some/bag"\nversion = "2.0"\n'
    for name, data in content.items():
        text += f'[files.{name}]\nkind = "model"\nabout = "a"\nlicence = "MIT"\nauthor = "b"\nsize = {len(data)}\n'
        text += f'sha256 = "{hashlib.sha256(data).hexdigest()}"\nsources = [{sources.replace("NAME", name)}]\n'
    return parse(text)


PIP = '{ package = "box", member = "box/NAME.bin" }'
NPM = '{ package = "bag", member = "package/NAME.bin" }'


class Site:
    """A web server for one file. asked: the Range header of each request ("" for none)."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[str] = []
        self.paths: list[str] = []
        self.ranges = True
        self.break_after: int | None = None
        self.address = ""


@contextmanager
def serving(content: bytes) -> Iterator[Site]:
    site = Site(content)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            site.asked.append(asked)
            site.paths.append(self.path)
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and site.ranges else 0
            if start >= len(site.content) and start:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(site.content) - start))
            self.end_headers()
            self.wfile.write(site.content[start : site.break_after])

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site.address = f"http://127.0.0.1:{server.server_port}/thing.bin"
        try:
            yield site
        finally:
            server.shutdown()
