"""What a person sees whose page is not let in, and what the server keeps to itself of requests that are none."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
from typing import Any

import httpx
import pytest

from bodydouble.stage.guard import Doors, Guard
from bodydouble.stage.refusals import refusal_page
from bodydouble.stage.sayings import Sayings

PORT = 8420
TOKEN = "right-token-of-this-run"


async def nobody(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("somebody was let in")


def asked(path: str, accept: str) -> httpx.Response:
    """The answer to a page without the right token."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Guard(nobody, Doors(PORT, token=TOKEN)))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{PORT}") as client:
            return await client.get(path, headers={"accept": accept})

    return asyncio.run(ask())


@pytest.mark.parametrize("path", ["/", "/stage", "/stage?token=x", "/elsewhere"])
def test_who_opens_a_page_without_the_token_is_shown_what_to_do(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(seconds: float) -> None:
        return

    monkeypatch.setattr("bodydouble.stage.guard.asyncio.sleep", at_once)
    answer = asked(path, "text/html,application/xhtml+xml;q=0.9")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "terminal" in answer.text
    assert TOKEN not in answer.text
    style = re.search(r"<style>(.*)</style>", answer.text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policies = answer.headers.get_list("content-security-policy")
    assert len(policies) == 1, "its own in place of the pages'"
    assert policies[0].startswith("default-src 'none'")
    assert f"style-src 'sha256-{digest}'" in policies[0]
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert ('http-equiv="refresh"' in answer.text) == path.startswith("/stage")
    assert "<" not in asked(path, "*/*").text, "programs are answered in plain text"


@pytest.mark.parametrize("status", [401, 403, 421, 429])
@pytest.mark.parametrize("stage", [False, True])
def test_a_refusal_is_a_page_of_its_own_words(status: int, stage: bool) -> None:
    page = refusal_page(status, 'a <script>"word"', stage=stage).decode()
    assert "<script>" not in page
    assert "A &lt;script&gt;" in page
    assert page.count("<h1>") == 1


def test_requests_that_are_no_http_are_counted_and_not_told() -> None:
    sayings = Sayings()
    said = [
        logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, words, None, None)
        for words in ("Invalid HTTP request received.", "something else", "Invalid HTTP request received.")
    ]
    assert [sayings.filter(one) for one in said] == [False, True, False]
    assert sayings.malformed == 2
    cut = (asyncio.CancelledError, asyncio.CancelledError(), None)
    for words, why in (("Exception", cut), ("Traceback ...\nasyncio.exceptions.CancelledError\n", None)):
        assert not sayings.filter(logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, words, None, why))
