"""`bodydouble live` as a program of its own, and its motion as any other program has it: ws://.../ws/motion."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PATIENCE = 60.0  # seconds; a machine that does other work beside is slow


def heeding() -> None:
    """Let a child heed Ctrl-C even where these tests run in the background, which hands down that it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Running:
    """The program, from its start until `ended` or `killed`; what it writes goes below `folder`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.recordings = folder / "out"
        usual = ("--no-browser", "--port", "0", "--settings", str(folder / "live.toml"), "--out", str(self.recordings))
        self._said = folder / "said.txt"
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bodydouble", "live", *usual, *arguments],
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"},
                preexec_fn=None if sys.platform == "win32" else heeding,
            )
        assert self.process.stdout is not None
        address = re.search(r"http://\S+", self.process.stdout.readline())
        assert address is not None, self.said
        self.control = address[0]
        self.stage = self.control.rstrip("/") + "/stage"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    @property
    def said(self) -> str:
        """What stands on its standard error."""
        return self._said.read_text()

    def ended(self) -> str:
        """Ctrl-C; the last line that it says. Fails if it does not end well."""
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0 and "Traceback" not in self.said, self.said
        return out.strip().splitlines()[-1]


class Heard:
    """All moments of a running program's feed from now on, oldest first; a context manager."""

    def __init__(self, control: str) -> None:
        self.moments: list[dict[str, Any]] = []
        self._more = threading.Condition()
        self._open = ExitStack()
        address = control.replace("http", "ws", 1) + "ws/motion"
        self._socket = self._open.enter_context(connect(address, open_timeout=PATIENCE, compression=None))
        self._thread = threading.Thread(target=self._hear, name="test-feed", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        self._thread.join()

    def _hear(self) -> None:
        try:
            for text in self._socket:
                with self._more:
                    self.moments.append(json.loads(text))
                    self._more.notify_all()
        except ConnectionClosed:  # the program was killed
            return

    def until(self, done: Callable[[list[dict[str, Any]]], bool], since: int = 0) -> list[dict[str, Any]]:
        """Wait until the moments from number `since` on are what is waited for; those moments."""
        with self._more:
            assert self._more.wait_for(lambda: done(self.moments[since:]), PATIENCE), "the feed never shows it"
            return self.moments[since:]
