"""Connections that ask for nothing are let go of: uvicorn itself waits for a first request without an end."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.auto import AutoHTTPProtocol

SECONDS = 10.0  # for a request's line and headers, after the connection is made


class FirstRequest(cast(Any, AutoHTTPProtocol)):  # type: ignore[misc]
    """uvicorn's protocol, with a limit to how long a first request may take to come."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Wait for a request from now on."""
        super().connection_made(transport)
        self._limit = self.loop.call_later(SECONDS, self._late, transport)

    def connection_lost(self, fault: Exception | None) -> None:
        """Nothing more is awaited."""
        self._limit.cancel()
        super().connection_lost(fault)

    def _late(self, transport: asyncio.Transport) -> None:
        if self.cycle is None and transport.get_protocol() is self:  # WebSockets have a protocol of their own
            transport.close()
