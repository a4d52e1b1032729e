"""Where the program listens and what that is called."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from bodydouble.stage.addresses import listen, qr_svg, qr_text
from bodydouble.stage.server import Server
from bodydouble.stage.tokens import kept_token, new_token
from bodydouble.types import BodyDoubleError
from made_live import made_desk


def test_the_loopback_address_needs_no_token() -> None:
    listening = listen(port=0)
    try:
        assert listening.socket.getsockname()[0] == "127.0.0.1"
        assert listening.control == f"http://127.0.0.1:{listening.port}/"
        assert listening.stage == f"http://127.0.0.1:{listening.port}/stage"
        assert (listening.token, listening.other) == ("", "")
    finally:
        listening.close()


def test_any_host_that_is_named_has_a_token_and_two_runs_two() -> None:
    tokens = set()
    for host in ("127.0.0.1", "localhost", "0.0.0.0"):
        listening = listen(host, 0)
        try:
            assert listening.token
            assert listening.control.endswith(f"/?token={listening.token}")
            assert listening.everywhere == (host == "0.0.0.0")
            assert "0.0.0.0" not in listening.control, "nobody can open that"
            tokens.add(listening.token)
        finally:
            listening.close()
    assert len(tokens) == 3


def test_a_token_that_was_kept_opens_the_same_address_again() -> None:
    token = new_token()
    listening = listen("127.0.0.1", 0, token=token)
    listening.close()
    assert listening.token == token
    listening = listen(port=0, token=token)
    listening.close()
    assert listening.token == "", "on the loopback address there is none"


def test_the_token_is_kept_for_its_user_alone_until_another_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "new" / "token"
    token = kept_token(path)
    assert kept_token(path) == token
    assert os.name == "nt" or path.stat().st_mode & 0o777 == 0o600
    other = kept_token(path, anew=True)
    assert other != token and kept_token(path) == other
    assert [entry.name for entry in path.parent.iterdir()] == ["token"]


@pytest.mark.parametrize("found", [b"", b"short", b"x" * 23, b"\xff" * 22, b"a b" * 8, b"x" * 10**6])
def test_a_token_that_anybody_could_guess_is_replaced(tmp_path: Path, found: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(found)
    path.chmod(0o600)
    token = kept_token(path)
    assert len(token) == 22 and kept_token(path) == token


@pytest.mark.skipif(os.name == "nt", reason="file modes mean something else there")
def test_a_token_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token = kept_token(path)
    path.chmod(0o644)
    other = kept_token(path)
    assert other != token and path.stat().st_mode & 0o777 == 0o600


def test_a_token_that_cannot_be_kept_holds_for_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told: list[str] = []
    assert len(kept_token(tmp_path / "file" / "token", tell=told.append)) == 22
    assert len(told) == 1 and "\n" not in told[0]


def test_a_busy_port_gives_way_to_the_next_unless_it_was_asked_for() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        listening = listen(port=port)
        assert port < listening.port <= port + 20
        listening.close()
        with pytest.raises(BodyDoubleError, match=f"port {port} is in use"):
            listen(port=port, exact=True)


@pytest.mark.parametrize("host", ["no.such.name.invalid", "192.0.2.7", "", "999.1.1.1", "a b"])
def test_addresses_that_are_not_ours_are_refused(host: str) -> None:
    with pytest.raises(BodyDoubleError, match="host") as caught:
        listen(host, 0).close()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_ports_that_are_none_are_refused(port: int) -> None:
    with pytest.raises(BodyDoubleError, match="--port"):
        listen(port=port)


def test_a_certificate_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("no certificate")
    for file in ("a.pem", "missing.pem"):
        with pytest.raises(BodyDoubleError, match="PEM") as caught:
            listen(port=0, certificate=(tmp_path / file, tmp_path / file))
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_with_a_certificate_everything_is_https(tmp_path: Path) -> None:
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    request = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=bodydouble"
    command = ["openssl", *request.split(), "-keyout", str(files[1]), "-out", str(files[0])]
    subprocess.run(command, check=True, capture_output=True)
    listening = listen("127.0.0.1", 0, certificate=files)
    desk = made_desk(tmp_path)
    server = Server(desk, listening)
    server.start()
    try:
        assert listening.control.startswith("https://127.0.0.1:")
        with httpx.Client(verify=False, timeout=60) as client:
            qr = f"https://127.0.0.1:{listening.port}/api/qr.svg?token={listening.token}"
            assert client.get(qr, headers={"origin": f"https://127.0.0.1:{listening.port}"}).status_code == 200
            assert client.get(qr, headers={"origin": f"http://127.0.0.1:{listening.port}"}).status_code == 403
            assert "Secure" in client.get(listening.control).headers["set-cookie"]
    finally:
        server.stop()
        desk.close()
        listening.close()


def test_qr_codes() -> None:
    address = "http://192.168.1.5:8420/?token=" + "x" * 22
    assert b"<svg" in qr_svg(address)
    assert len(qr_text(address).splitlines()) > 10


def test_small_frames_do_not_wait_for_the_answer_to_those_before() -> None:
    """Of the sockets that asyncio accepts: without TCP_NODELAY one motion in ten is 40 ms late."""
    listening = listen(port=0)

    async def prompt() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            found.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(came, sock=listening.socket):
            with socket.create_connection(("127.0.0.1", listening.port)):
                return await found

    try:
        assert asyncio.run(prompt())
    finally:
        listening.close()


def ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_connections_that_ask_for_nothing_are_let_go_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bodydouble.stage.first_request.SECONDS", 1.0)
    listening = listen(port=0)
    desk = made_desk(tmp_path)
    server = Server(desk, listening)
    server.start()
    at = ("127.0.0.1", listening.port)
    try:
        with (
            connect(f"ws://127.0.0.1:{listening.port}/ws/stage", open_timeout=60, compression=None) as page,
            socket.create_connection(at, 60) as silent,
            socket.create_connection(at, 60) as slow,
            httpx.Client(timeout=60) as client,
        ):
            slow.send(b"GET / HTTP/1.1\r\nHost: ")
            assert ended(silent) and ended(slow)
            assert client.get(f"http://127.0.0.1:{listening.port}/api/qr.svg").status_code == 200
            assert page.recv(timeout=60), "a page that has nothing to say stays"
            page.ping().wait(60)
    finally:
        server.stop()
        desk.close()
        listening.close()
