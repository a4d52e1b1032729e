"""Who is let in: every refusal, and that the service goes on after it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodydouble.stage.guard import LARGEST_UNREAD, LARGEST_UPLOAD, Doors, Guard
from bodydouble.stage.tokens import DELAY, MOST_ADDRESSES, MOST_WRONG, WINDOW, Patience, new_token, same

PORT = 8420
OURS = "http://127.0.0.1:8420"
TOKEN = "right-token-of-this-run"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Says "inside" and how much it was sent."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "inside"})
        return
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RuntimeError("the client left")
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"ALLOWALL")]})
    await send({"type": "http.response.body", "body": b"inside %d" % size})


def asked(
    path: str = "/",
    *,
    doors: Doors | None = None,
    guard: Guard | None = None,
    method: str = "GET",
    body: Any = None,
    base: str = OURS,
    client: str = "127.0.0.1",
    **headers: str,
) -> httpx.Response:
    """The answer to one request. Headers by name with _ for -."""
    guard = guard or Guard(application, doors or Doors(PORT))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(guard, client=(client, 5000))
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(transport=transport, base_url=base) as session:
            return await session.request(method, path, headers=given, content=body)

    return asyncio.run(ask())


def opened(path: str = "/ws/control", *, doors: Doors | None = None, query: bytes = b"", **headers: str) -> list[Any]:
    """What a WebSocket is sent."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    given = {"host": "127.0.0.1:8420", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "websocket",
        "path": path,
        "query_string": query,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", PORT),
    }
    asyncio.run(Guard(application, doors or Doors(PORT))(scope, receive, send))
    return sent


@pytest.fixture
def no_wait(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Delays are counted, not waited for."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("bodydouble.stage.guard.asyncio.sleep", sleep)
    yield waited


# ---- Host, Origin, Sec-Fetch-Site ------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1:8420", "localhost:8420", "LOCALHOST:8420", "[::1]:8420"])
def test_our_own_addresses_are_served(host: str) -> None:
    assert asked(host=host).text == "inside 0"
    assert opened(host=host)[0]["type"] == "websocket.accept"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8420",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1:84200",
        "localhost.evil.example:8420",
        "127.0.0.1.evil.example:8420",
        "127.0.0.1:8420.evil.example",
        "127.0.0.1:8420@evil.example",
        "192.168.1.5:8420",
        "0.0.0.0:8420",
        "2130706433:8420",
        "::1:8420",
        "",
        ":8420",
        "[::1",
        "a" * 5000,
    ],
)
def test_a_name_that_was_bound_anew_is_refused(host: str) -> None:
    assert asked(host=host).status_code == 421
    assert opened(host=host) == [{"type": "websocket.close", "code": 1008, "reason": opened(host=host)[0]["reason"]}]


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://127.0.0.1:8420",
        "http://127.0.0.1:3000",
        "http://127.0.0.1",
        "null",
        "",
        "file://",
        "http://127.0.0.1:8420.evil.example",
        "chrome-extension://abcdef",
        "http://evil.example@127.0.0.1:8420",
    ],
)
def test_a_foreign_page_is_refused_everywhere(origin: str) -> None:
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        answer = asked("/api/characters", method=method, origin=origin)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert opened(origin=origin)[0]["type"] == "websocket.close"


def test_our_own_pages_and_programs_without_origin_are_welcome() -> None:
    for origin in (OURS, "http://localhost:8420"):
        assert asked(method="POST", origin=origin).text == "inside 0"
        assert opened(origin=origin)[1]["text"] == "inside"
    assert opened()[1]["text"] == "inside"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "strange"])
def test_what_a_browser_says_of_another_page_counts(site: str) -> None:
    assert asked("/api/backgrounds/me.png", sec_fetch_site=site).status_code == 403
    assert asked("/", sec_fetch_site=site).status_code == 403
    assert opened(sec_fetch_site=site)[0]["type"] == "websocket.close"
    assert asked("/", sec_fetch_site=site, sec_fetch_mode="navigate", sec_fetch_dest="iframe").status_code == 403
    link = {"sec_fetch_site": site, "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert asked("/", **link).status_code == 200, "a link that a person follows"
    assert asked("/api/recordings/a.png", **link).status_code == 403
    assert asked("/", method="POST", **link).status_code == 403


def test_headers_that_decide_may_not_come_twice() -> None:
    async def ask() -> int:
        transport = httpx.ASGITransport(Guard(application, Doors(PORT)))
        async with httpx.AsyncClient(transport=transport, base_url=OURS) as session:
            headers = [("origin", OURS), ("origin", "http://evil.example")]
            return (await session.get("/", headers=headers)).status_code

    assert asyncio.run(ask()) == 400


def test_answers_keep_other_pages_away() -> None:
    for answer in (asked(), asked(origin="http://evil.example")):
        headers = answer.headers
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "evil" not in policy


@given(st.text(max_size=40))
def test_no_host_or_origin_breaks_it(text: str) -> None:
    raw = text.encode("utf-8", "replace").decode("latin-1")
    kept = "".join(letter for letter in raw if ord(letter) >= 32 and ord(letter) != 127)
    assert opened(host=kept)[0]["type"] == "websocket.close"
    assert opened(origin=kept)[0]["type"] == "websocket.close"
    assert opened(cookie=kept, doors=Doors(PORT, token=TOKEN))[0]["type"] == "websocket.close"


# ---- the network -----------------------------------------------------------------------------------------------------


def test_all_addresses_of_this_computer_are_the_one_asked_at() -> None:
    doors = Doors(PORT, ("mine.local",), TOKEN, any_own=True)
    scope = {"server": ("192.168.1.5", PORT)}
    assert doors.serves("192.168.1.5:8420", scope)
    assert doors.serves("mine.local:8420", scope)
    assert not doors.serves("192.168.1.6:8420", scope)
    assert not doors.serves("evil.example:8420", scope)
    assert doors.serves("[fe80::1]:8420", {"server": ("fe80::1%eth0", PORT)})
    assert doors.serves("192.168.1.5:8420", {"server": ("::ffff:192.168.1.5", PORT)})
    assert not Doors(PORT, ("192.168.1.9",), TOKEN).serves("192.168.1.5:8420", scope)


def test_without_the_token_nobody_comes_in() -> None:
    doors = Doors(PORT, token=TOKEN)
    assert asked(doors=doors).status_code == 401
    assert asked("/api/characters/fox/puppet", doors=doors).status_code == 401
    assert opened(doors=doors)[0]["type"] == "websocket.close"


def test_the_token_becomes_a_cookie_and_leaves_the_address() -> None:
    doors = Doors(PORT, token=TOKEN)
    answer = asked(f"/stage?framing=half&token={TOKEN}&x=1", doors=doors)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/stage?framing=half&x=1"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert answer.headers["content-security-policy"]
    kept = cookie.partition(";")[0]
    assert asked("/stage", doors=doors, cookie=kept).text == "inside 0"
    assert opened(doors=doors, cookie=kept)[1]["text"] == "inside"


def test_programs_show_the_token_in_the_address_or_as_bearer() -> None:
    doors = Doors(PORT, token=TOKEN)
    assert opened(doors=doors, query=b"token=" + TOKEN.encode())[1]["text"] == "inside"
    assert opened(doors=doors, authorization=f"Bearer {TOKEN}")[1]["text"] == "inside"
    assert asked(f"/api/characters/fox/puppet?token={TOKEN}", doors=doors).text == "inside 0"


def test_the_token_does_not_excuse_a_foreign_page() -> None:
    doors = Doors(PORT, token=TOKEN)
    assert asked(f"/?token={TOKEN}", doors=doors, origin="http://evil.example").status_code == 403
    assert opened(doors=doors, query=b"token=" + TOKEN.encode(), origin="null")[0]["type"] == "websocket.close"
    assert asked(f"/?token={TOKEN}", doors=doors, host="evil.example:8420").status_code == 421


@pytest.mark.parametrize("wrong", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "%00", "%ff" * 9, "é", "x" * 5000])
def test_wrong_tokens_wait_and_are_refused(wrong: str, no_wait: list[float]) -> None:
    guard = Guard(application, Doors(PORT, token=TOKEN))
    assert asked(f"/?token={wrong}", guard=guard).status_code == 401
    assert no_wait == [DELAY]
    assert asked(guard=guard, authorization="Bearer x").status_code == 401
    assert asked(guard=guard, cookie=f"bodydouble-{PORT}=x").status_code == 401
    assert asked(f"/stage?token={TOKEN}", guard=guard).status_code == 303


def test_who_guesses_on_is_refused_at_once_and_others_are_not(no_wait: list[float]) -> None:
    time = [0.0]
    guard = Guard(application, Doors(PORT, token=TOKEN), clock=lambda: time[0])
    codes = [asked("/?token=x", guard=guard).status_code for _ in range(MOST_WRONG + 3)]
    assert codes == [401] * MOST_WRONG + [429] * 3
    assert len(no_wait) == MOST_WRONG
    assert asked("/?token=x", guard=guard, client="10.0.0.7").status_code == 401
    assert asked(f"/?token={TOKEN}", guard=guard).status_code == 303, "the right one is never refused"
    time[0] += WINDOW
    assert asked("/?token=x", guard=guard).status_code == 401


def test_addresses_that_guess_are_forgotten_at_last() -> None:
    patience = Patience(lambda: 0.0)
    for number in range(3 * MOST_ADDRESSES):
        patience.wrong(f"10.0.{number}")
    assert len(patience._wrong) == MOST_ADDRESSES


def test_tokens() -> None:
    token = new_token()
    assert len(token) >= 22, "128 bits in base 64"
    assert token != new_token()
    assert same(token, token)
    assert not same("", token)
    assert not same("\udcff", token)


# ---- sizes -----------------------------------------------------------------------------------------------------------


def test_a_body_that_says_it_is_too_large_is_refused_unread() -> None:
    answer = asked(method="POST", body=b"x", content_length=str(LARGEST_UPLOAD + 1))
    assert answer.status_code == 413
    assert "32 MB" in answer.text
    for wrong in ("-1", "many", "1e9", "٣"):
        if wrong.isascii():
            assert asked(method="POST", body=b"x", content_length=wrong).status_code == 413


def test_a_body_that_grows_too_large_is_cut_off() -> None:
    sent = 0

    async def pieces() -> Any:
        nonlocal sent
        for _ in range(1000):
            sent += 1 << 20
            yield struct.pack("B", 7) * (1 << 20)

    guard = Guard(application, Doors(PORT))
    answer = asked(method="POST", guard=guard, body=pieces())
    assert answer.status_code == 413
    assert sent <= LARGEST_UPLOAD + LARGEST_UNREAD + (2 << 20)
    assert asked(guard=guard).text == "inside 0"


def test_a_body_of_the_largest_size_is_let_through() -> None:
    assert asked(method="POST", body=bytes(LARGEST_UPLOAD)).text == f"inside {LARGEST_UPLOAD}"
