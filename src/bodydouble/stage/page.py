"""One connection of a page: what it says is taken no faster than anybody has reason to say it, what waits for it is
sent as fast as its socket takes it. What the words mean is the business of the hub.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bodydouble.live.clock import now
from bodydouble.stage import messages
from bodydouble.stage.outbox import Outbox
from bodydouble.stage.text import FromPage, MessageError, read, written
from bodydouble.stage.throttle import Throttle
from bodydouble.types import BodyDoubleError

Kind = Literal["control", "stage", "camera", "motion"]

MOST_COMMANDS = 32  # of one page that wait
STUCK_SECONDS = 20.0  # without room in the socket: nobody reads there any more
GOODBYE_SECONDS = 1.0
GOING_AWAY = 1001  # WebSocket close code


class Page:
    """One connection. preview: width in pixels of the camera's picture that it wants, 0 for none."""

    def __init__(self, socket: WebSocket, kind: Kind) -> None:
        self.socket = socket
        self.kind = kind
        self.outbox = Outbox()
        self.wake = asyncio.Event()
        self.commands: asyncio.Queue[FromPage] = asyncio.Queue(MOST_COMMANDS)
        self.preview = 0

    def tell(self, kind: str, data: str | bytes) -> None:
        """Lay the newest of a kind into the outbox."""
        self.outbox.put(kind, data)
        self.wake.set()

    def move(self, sequence: int, data: bytes) -> None:
        """Lay the newest motion into the outbox."""
        self.outbox.put_motion(sequence, data)
        self.wake.set()

    def answer(self, number: int, fault: str) -> None:
        """Refuse what the page said, in a sentence."""
        self.reply(messages.Answer("answer", number, False, fault))

    def reply(self, answer: messages.Answer) -> None:
        """Lay an answer into the outbox."""
        self.outbox.put_answer(written(answer))
        self.wake.set()

    async def listen(self, message: Callable[[Page, FromPage], None], frame: Callable[[Page, bytes], None]) -> None:
        """Take what the page says until it leaves. What is wrong with it is answered; nothing stops."""
        throttle = Throttle(now)
        while True:
            event = await self.socket.receive()
            if event["type"] == "websocket.disconnect":
                return
            self.outbox.heard()
            try:
                if event.get("bytes") is not None:
                    frame(self, event["bytes"])
                else:
                    message(self, read(event["text"]))
            except MessageError as fault:
                self.answer(fault.id, str(fault))
            except BodyDoubleError as fault:
                self.answer(0, str(fault))
            self.wake.set()
            wait = throttle.spend()
            if wait > 0:
                self.answer(0, "too many messages; slow down")
                await asyncio.sleep(wait)

    async def send(self) -> None:
        """Empty the outbox whenever there is something in it; returns when nobody reads at the other end."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            while (data := self.outbox.next()) is not None:
                try:
                    async with asyncio.timeout(STUCK_SECONDS):
                        if isinstance(data, str):
                            await self.socket.send_text(data)
                        else:
                            await self.socket.send_bytes(data)
                except TimeoutError:
                    return
                await asyncio.sleep(0)  # a socket that is lost is only told of between two turns of the loop

    async def close(self, code: int = GOING_AWAY, reason: str = "") -> None:
        """Say goodbye, if there is still somebody."""
        socket = self.socket
        if socket.application_state == WebSocketState.CONNECTED and socket.client_state == WebSocketState.CONNECTED:
            try:
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await socket.close(code, reason)
            except (RuntimeError, OSError, WebSocketDisconnect, TimeoutError):
                return
