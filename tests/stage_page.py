"""The built stage page in a real browser, fed by the test in place of the program: no server, no camera, no network.

`StagePage.show(figures)` gives the picture that the page draws of them, as outputs.draw.Stage.render does.
"""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import Browser, Page, Route, WebSocketRoute, sync_playwright

from bodydouble.characters import Puppet
from bodydouble.outputs.draw import Figure
from bodydouble.stage.encoding import motion_frame
from bodydouble.stage.messages import PROTOCOL
from bodydouble.stage.puppets import puppet_bytes
from bodydouble.types import Image

HOST = "stage.test"
# Software drawing, and nothing that goes to the network by itself.
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
PATIENCE = 60_000  # milliseconds; a machine that draws in software beside other work is slow
CAPTURE = """() => {
  const { width, height, pixels } = window.bodydouble.capture();
  let text = "";
  for (let i = 0; i < pixels.length; i += 32768) text += String.fromCharCode(...pixels.subarray(i, i + 32768));
  return [width, height, btoa(text)];
}"""


@contextmanager
def browser(chromium: str) -> Iterator[Browser]:
    """A Chromium that draws in software."""
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=chromium, args=list(FLAGS), timeout=PATIENCE)
        try:
            yield opened
        finally:
            opened.close()


@dataclass
class StagePage:
    """A page at /stage, and the program's end of its WebSocket."""

    page: Page
    folder: Path
    puppets: dict[str, Puppet] = field(default_factory=dict)
    heard: list[dict[str, Any]] = field(default_factory=list)
    sockets: list[WebSocketRoute] = field(default_factory=list)
    sequence: int = 0
    standing: dict[str, str | bytes] = field(default_factory=dict)

    def open(self, query: str = "") -> None:
        """Load the page and wait for its connection."""
        self.page.set_default_timeout(PATIENCE)
        self.page.route(f"http://{HOST}/**", self._answer)
        self.page.route_web_socket(f"ws://{HOST}/ws/stage", self._connected)
        self.page.goto(f"http://{HOST}/stage.html{query}")
        self.until(lambda: len(self.sockets) > 0)

    def scene(self, puppet: Puppet, **rest: Any) -> None:
        """Show another character, or the same in another way."""
        address = f"/api/characters/{puppet.path.name}/puppet?v={puppet_bytes(puppet)[1]}"
        self.puppets[urlsplit(address).path] = puppet
        scene = {"kind": "scene", "character": puppet.name, "puppet": address, "framing": "full"}
        self._stand("scene", json.dumps(scene | {"background": "transparent", "shadow": True} | rest))
        self.page.wait_for_function("address => window.bodydouble.puppet === address", arg=address)

    def say(self, message: dict[str, Any]) -> None:
        """Send a message to the page."""
        self.sockets[-1].send(json.dumps(message))

    def move(self, figures: Sequence[Figure], time: float = 0.0) -> int:
        """Send a motion; its sequence number."""
        self.sequence += 1
        rigs = {i if f.pose.person < 0 else f.pose.person: f.pose for i, f in enumerate(figures)}
        moment = SimpleNamespace(sequence=self.sequence, captured=time, time=time, idle=False, rigs=rigs)
        self._stand("motion", motion_frame(moment, time))  # type: ignore[arg-type]
        return self.sequence

    def show(self, figures: Sequence[Figure], time: float = 0.0) -> Image:
        """(H, W, 4) premultiplied RGBA: what the page draws once it has the figures and all has come to rest."""
        sequence = self.move(figures, time)
        self.until(lambda: any(a["sequence"] == sequence for a in self.of_kind("ack")))
        self.page.wait_for_function("() => window.bodydouble.still")
        return self.capture()

    def capture(self) -> Image:
        """(H, W, 4) premultiplied RGBA as drawn now."""
        width, height, data = self.page.evaluate(CAPTURE)
        return np.frombuffer(base64.b64decode(data), dtype=np.uint8).reshape(height, width, 4)

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """What the page has said of a kind."""
        return [message for message in self.heard if message["kind"] == kind]

    def until(self, done: Callable[[], bool]) -> None:
        """Let the page go on until `done`; fails after PATIENCE."""
        waited = 0
        while not done():
            assert waited < PATIENCE, "the page never did what the test waits for"
            self.page.wait_for_timeout(5)
            waited += 5

    def _stand(self, kind: str, data: str | bytes) -> None:
        """Send what the page is to know from now on, and after every loss of its connection."""
        self.standing[kind] = data
        self.sockets[-1].send(data)

    def _connected(self, socket: WebSocketRoute) -> None:
        socket.on_message(self._heard)
        self.sockets.append(socket)
        socket.send(json.dumps({"kind": "hello", "version": "test", "protocol": PROTOCOL, "session": "test"}))
        for data in self.standing.values():
            socket.send(data)

    def _heard(self, data: str | bytes) -> None:
        message = json.loads(data)
        self.heard.append(message)
        if message["kind"] == "ping":
            self.say({"kind": "pong", "sent": message["sent"], "time": message["sent"]})

    def _answer(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path in self.puppets:
            route.fulfill(body=puppet_bytes(self.puppets[path])[0], content_type="application/octet-stream")
            return
        file = self.folder / path.lstrip("/")
        if file.is_file():
            route.fulfill(body=file.read_bytes(), content_type=mimetypes.guess_type(file.name)[0] or "text/plain")
        else:
            route.fulfill(status=404)
