"""A page's part played in Python: takes motions from the stage's WebSocket and acknowledges each, drawing nothing."""

from __future__ import annotations

import json
import threading
from types import TracebackType

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bodydouble.live.clock import now
from bodydouble.stage.frames import unpack
from bodydouble.stage.layouts import Binary

JOIN = 10.0  # seconds


class StandIn:
    """A client of the stage at a port of this computer, in a thread, from entering the context to leaving it."""

    def __init__(self, port: int) -> None:
        self._address = f"ws://127.0.0.1:{port}/ws/stage"
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bodydouble-stand-in", daemon=True)

    def __enter__(self) -> StandIn:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join(JOIN)

    def _run(self) -> None:
        with connect(self._address, compression=None) as socket:
            while not self._closing.is_set():
                try:
                    data = socket.recv(timeout=0.5)
                except TimeoutError:
                    continue
                except ConnectionClosed:
                    return
                if isinstance(data, bytes) and data[0] == Binary.MOTION:
                    motion = unpack(data)
                    ack = {"kind": "ack", "sequence": motion["sequence"], "posed": now(), "drawn": 0.0}
                    socket.send(json.dumps({**ack, "draw_rate": 0.0, "work": 0.0}))
