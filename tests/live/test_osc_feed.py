"""OSC while live: what a receiver gets, that none is needed, and that nothing is left behind."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from pythonosc.osc_bundle import OscBundle

from bodydouble.live.feed import OscFeed
from bodydouble.types import BodyDoubleError
from moved_live import MadeLive, person

PATIENCE = 120.0


@pytest.fixture(scope="module")
def live() -> MadeLive:
    return MadeLive()


@pytest.fixture(params=["127.0.0.1", "::1", "localhost"])
def receiver(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, str]]:
    """A UDP socket and the address that reaches it."""
    host = request.param
    try:
        got = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        got.bind((host, 0))
    except OSError:
        pytest.skip(f"this machine has no {host}")
    got.settimeout(PATIENCE)
    with got:
        yield got, f"[{host}]:{got.getsockname()[1]}" if ":" in host else f"{host}:{got.getsockname()[1]}"


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_a_receiver_gets_the_moments(live: MadeLive, receiver: tuple[socket.socket, str]) -> None:
    got, address = receiver
    feed = OscFeed(live, address)
    live.publish(live.moment(1.0, [person(0.0)]))
    told: dict[str, object] = {}
    parts = 2
    while len(told) < parts:
        first, *_ = messages = list(OscBundle(got.recv(65536)))
        parts = first.params[2]
        told |= {f"{message.address} {first.params[1]}": message.params for message in messages}
        if first.params[1] == parts:
            break
    assert any(name.startswith("/bodydouble/person/1/point/left_wrist") for name in told)
    assert feed.message == ""
    feed.close()
    feed.close()
    assert "bodydouble-osc" not in threads() and not live.listeners


def test_a_receiver_that_is_not_there_does_no_harm(live: MadeLive) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    feed = OscFeed(live, f"127.0.0.1:{port}", rate=1e6)
    for step in range(20):
        live.publish(live.moment(step / 30, [person(0.0)]))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:  # and it is served once it comes
        late.bind(("127.0.0.1", port))
        late.settimeout(0.1)
        for step in range(200):
            live.publish(live.moment(step / 30, [person(0.0)]))
            try:
                assert late.recv(65536)
                break
            except TimeoutError:
                continue
        else:
            pytest.fail("nothing came")
    feed.close()


def test_what_cannot_be_reached_is_one_line_and_leaves_nothing(live: MadeLive) -> None:
    for address in ("no.such.host.invalid:9000", "127.0.0.1"):
        with pytest.raises(BodyDoubleError) as caught:
            OscFeed(live, address)
        assert "\n" not in str(caught.value)
    assert "bodydouble-osc" not in threads() and not live.listeners


def test_a_moment_that_cannot_be_told_is_not_the_last(live: MadeLive, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as got:
        got.bind(("127.0.0.1", 0))
        got.settimeout(PATIENCE)
        feed = OscFeed(live, f"127.0.0.1:{got.getsockname()[1]}")
        far = live.moment(1.0, [person(0.0)])
        for rig in far.rigs.values():
            rig.heads.flags.writeable = True
            rig.heads[:] = 1e300  # more than OSC's numbers hold
        live.publish(far)
        while not feed.message:
            threading.Event().wait(0.01)
        assert "cannot be sent" in feed.message and "\n" not in feed.message
        live.publish(live.moment(1.1, [person(0.0)]))
        assert got.recv(65536)
        feed.close()
    assert len(caplog.records) == 1
    assert "bodydouble-osc" not in threads()
