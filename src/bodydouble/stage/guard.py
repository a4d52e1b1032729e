"""Who may speak to the program: checks every HTTP request and WebSocket before anything else sees it.

Pure ASGI. Refused are: a Host that is not an address served here (DNS rebinding), an Origin or Sec-Fetch-Site of
another page, and, where a token is wanted, whoever does not show it. Programs that send no Origin (OBS, native clients)
are welcome on the loopback address. Responses get headers that keep other pages' hands off. A token in a page's address
becomes a cookie and leaves the address. Bodies have a size.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

from bodydouble.live.clock import now
from bodydouble.stage.refusals import POLICY, refusal_page
from bodydouble.stage.tokens import Patience, same

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN = "token"  # of the query
POLICY_NAME = b"content-security-policy"
STAGE = "/stage"
PAGES = ("/", STAGE)  # what a person opens; everything else is fetched by these
LARGEST_UPLOAD = 32 << 20  # bytes of a request's body
LARGEST_UNREAD, READ_ON_SECONDS = 4 * LARGEST_UPLOAD, 10.0  # of a refused body, until the connection is cut
REFUSED_SOCKET = 1008  # WebSocket close code: policy violation
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class Refusal(Exception):
    """A request that is not let in: HTTP status and one sentence."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the program is reached.

    port: that it listens at. names: besides the loopback ones, the names and addresses that it is called by. token: to
    be shown by everybody, "" for none. any_own: also the address at which a connection came in (--host 0.0.0.0).
    """

    port: int
    names: tuple[str, ...] = ()
    token: str = ""
    any_own: bool = False
    scheme: str = "http"

    @property
    def cookie(self) -> str:
        """The cookie's name; cookies are shared by all ports of an address."""
        return f"bodydouble-{self.port}"

    def serves(self, host: str, scope: Scope) -> bool:
        """Whether `host`, as a Host header has it, is one of our addresses."""
        name, _, port = host.lower().rpartition(":")
        if not name or name.endswith(":"):  # no port was given: "localhost", "[::1]" ends in a bracket
            name, port = host.lower(), "443" if self.scheme == "https" else "80"
        if port != str(self.port):
            return False
        if name in LOOPBACK_NAMES or name in self.names:
            return True
        return (
            self.any_own and _address(name) is not None and _address(name) == _address((scope.get("server") or [""])[0])
        )


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class Guard:
    """ASGI middleware around the program's application."""

    def __init__(self, app: Asgi, doors: Doors, *, clock: Callable[[], float] = now) -> None:
        self.app = app
        self.doors = doors
        self._patience = Patience(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        try:
            headers = _headers(scope)
            self._check_place(scope, headers)
            clean = await self._check_token(scope, headers)
        except Refusal as refusal:
            await _refuse(scope, receive, _guarded(send), refusal)
            return
        guarded = _guarded(send, headers["host"], self.doors.scheme) if scope["type"] == "http" else send
        if clean is not None:
            await self._admit(clean, guarded)
        elif scope["type"] == "http":
            await self._sized(scope, headers, receive, guarded)
        else:
            await self.app(scope, receive, send)

    def _check_place(self, scope: Scope, headers: dict[str, str]) -> None:
        """Raises Refusal unless the request is for us and from us."""
        host = headers.get("host", "")
        if not self.doors.serves(host, scope):
            raise Refusal(421, "this is not an address that bodydouble serves; use the one that it printed")
        origin = headers.get("origin")
        if origin is not None and not self._own(origin, scope):
            raise Refusal(403, "requests from other web pages are refused")
        site = headers.get("sec-fetch-site", "none")
        opened = (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and scope["path"] in PAGES
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
        )
        if site not in ("none", "same-origin") and not opened:  # a link that a person follows reads nothing
            raise Refusal(403, "requests from other web pages are refused")

    def _own(self, origin: str, scope: Scope) -> bool:
        """Whether an Origin is a page of ours."""
        scheme, _, host = origin.partition("://")
        return scheme == self.doors.scheme and self.doors.serves(host, scope)

    async def _check_token(self, scope: Scope, headers: dict[str, str]) -> str | None:
        """Raises Refusal without the token. A page's address with it: the address without it, to go to."""
        if not self.doors.token:
            return None
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        shown = [value for name, value in query if name == TOKEN]
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            shown.append(bearer.strip())
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            cookies = SimpleCookie()
        kept = cookies.get(self.doors.cookie)
        if not any(same(token, self.doors.token) for token in [*shown, *([kept.value] if kept else [])]):
            await self._refuse_token(scope, bool(shown or kept))
        if scope["type"] == "http" and scope["path"] in PAGES and any(name == TOKEN for name, _ in query):
            rest = urlencode([(name, value) for name, value in query if name != TOKEN])
            return str(scope["path"]) + (f"?{rest}" if rest else "")
        return None

    async def _refuse_token(self, scope: Scope, wrong: bool) -> None:
        """Raises Refusal; later, if a wrong one was shown."""
        if not wrong:
            raise Refusal(401, "this address wants the token: open it by the QR code or the address in the terminal")
        client = scope.get("client") or [""]
        wait = self._patience.wrong(str(client[0]))
        if math.isinf(wait):
            raise Refusal(429, "too many wrong tokens; wait a minute")
        await asyncio.sleep(wait)
        raise Refusal(401, "the token is wrong or an old one: use the QR code or the address in the terminal")

    async def _admit(self, address: str, send: Send) -> None:
        """Keep the token in a cookie and go to the address without it."""
        secure = "; Secure" if self.doors.scheme == "https" else ""
        cookie = f"{self.doors.cookie}={self.doors.token}; Path=/; HttpOnly; SameSite=Strict{secure}"
        headers = [
            (b"location", address.encode("latin-1")),
            (b"set-cookie", cookie.encode()),
            (b"content-length", b"0"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _sized(self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send) -> None:
        """Pass a request on unless its body is too large, by its own word or as it comes."""
        too_large = Refusal(413, f"that is too large; at most {LARGEST_UPLOAD >> 20} MB are taken")
        told = headers.get("content-length", "0")
        if not told.isascii() or not told.isdigit() or int(told) > LARGEST_UPLOAD:
            await _read_on(receive)
            await _refuse(scope, receive, send, too_large)
            return
        taken, started = 0, False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            return message if taken <= LARGEST_UPLOAD else {"type": "http.disconnect"}

        async def watched(message: Message) -> None:
            nonlocal started
            if taken > LARGEST_UPLOAD and not started:
                return  # whatever the application made of the disconnection: the refusal is the answer
            started = True
            await send(message)

        try:
            await self.app(scope, counted, watched)
        except Exception:
            if taken <= LARGEST_UPLOAD or started:
                raise
        if taken > LARGEST_UPLOAD and not started:
            await _read_on(receive)
            await _refuse(scope, receive, send, too_large)


async def _read_on(receive: Receive) -> None:
    """Read a refused body and forget it, for a while: who is still sending when the connection ends sees no answer."""
    left = LARGEST_UNREAD
    try:
        async with asyncio.timeout(READ_ON_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _headers(scope: Scope) -> dict[str, str]:
    """Headers by lower-case name. Raises Refusal where one that decides is given twice."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        if key in headers and key in ("host", "origin", "content-length", "sec-fetch-site"):
            raise Refusal(400, f"the header {key} is given twice")
        headers[key] = f"{headers[key]}; {value.decode('latin-1')}" if key in headers else value.decode("latin-1")
    return headers


def _guarded(send: Send, host: str = "", scheme: str = "http") -> Send:
    """Adds the headers that keep other pages away. host: ours, for the WebSockets that old browsers want named."""
    sockets = f" ws://{host} wss://{host}" if host else ""
    policy = (
        "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; worker-src 'self' blob:; "
        f"connect-src 'self'{sockets}; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    added = {
        POLICY_NAME: policy.encode("latin-1"),
        b"x-content-type-options": b"nosniff",
        b"x-frame-options": b"DENY",
        b"referrer-policy": b"no-referrer",
        b"cross-origin-resource-policy": b"same-origin",
        b"permissions-policy": b"camera=(self), microphone=(), geolocation=()",
    }
    if scheme == "https" or host.rpartition(":")[0] in LOOPBACK_NAMES:  # elsewhere browsers ignore it, with a complaint
        added[b"cross-origin-opener-policy"] = b"same-origin"

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(name.lower(), value) for name, value in message.get("headers", [])]
            policies = {name: value for name, value in own if name == POLICY_NAME}  # a refusal's is stricter
            given = [(name, value) for name, value in own if name not in added]
            if not any(name == b"cache-control" for name, _ in given):
                given.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*given, *(added | policies).items()]}
        await send(message)

    return sent


def _is_person(scope: Scope) -> bool:
    """Whether somebody opens this in a browser: a page is to be shown, not fetched by one."""
    given = {name.lower(): value for name, value in scope["headers"]}
    return scope["method"] == "GET" and b"text/html" in given.get(b"accept", b"")


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    """Answer a request with the refusal's status and sentence; a WebSocket is closed before it opens."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": REFUSED_SOCKET, "reason": refusal.words[:120]})
        return
    person = _is_person(scope)
    if person:
        body, kind = refusal_page(refusal.status, refusal.words, stage=scope["path"] == STAGE), b"text/html"
    else:
        body, kind = (refusal.words + "\n").encode(), b"text/plain"
    headers = [
        (b"content-type", kind + b"; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *([(POLICY_NAME, POLICY.encode())] if person else []),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
