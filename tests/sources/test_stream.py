"""Streams: pictures as they come, a web server's film in real time, and each fault in words without the password."""

from __future__ import annotations

import io
import socket
import threading
import wave
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_cameras import seen

from bodydouble.sources.live import Condition, Health, LiveSource, open_live
from bodydouble.sources.stream import Stream, shown
from made_clips import make_clip


class Web:
    """A web server that is a camera, a film, or at fault, by the address's path."""

    def __init__(self, film: bytes) -> None:
        self.film = film
        self.more, self.ended = threading.Semaphore(0), threading.Event()
        self.requests: list[str] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                web.requests.append(path)
                getattr(web, path.strip("/").split(".")[0], web.none)(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def address(self, path: str) -> str:
        return f"http://bob:secret@127.0.0.1:{self.server.server_port}/{path}?token=hidden"

    def close(self) -> None:
        self.ended.set()
        self.more.release(1000)
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(60)

    def reply(self, to: BaseHTTPRequestHandler, code: int, body: bytes = b"", kind: str = "text/plain") -> None:
        to.send_response(code)
        to.send_header("Content-Type", kind)
        to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)

    def none(self, to: BaseHTTPRequestHandler) -> None:
        self.reply(to, 404)

    def private(self, to: BaseHTTPRequestHandler) -> None:
        self.reply(to, 401)

    def text(self, to: BaseHTTPRequestHandler) -> None:
        self.reply(to, 200, b"hello " * 200)

    def sound(self, to: BaseHTTPRequestHandler) -> None:
        body = io.BytesIO()
        with wave.open(body, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(b"\0" * 16000)
        self.reply(to, 200, body.getvalue(), "audio/wav")

    def playlist(self, to: BaseHTTPRequestHandler) -> None:
        lines = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"
        self.reply(to, 200, lines.encode(), "application/vnd.apple.mpegurl")

    def dance(self, to: BaseHTTPRequestHandler) -> None:
        start = int((to.headers.get("Range") or "bytes=0-").split("=")[1].split("-")[0])
        to.send_response(206)
        to.send_header("Content-Range", f"bytes {start}-{len(self.film) - 1}/{len(self.film)}")
        to.send_header("Accept-Ranges", "bytes")
        to.send_header("Content-Length", str(len(self.film) - start))
        to.end_headers()
        to.wfile.write(self.film[start:])

    def camera(self, to: BaseHTTPRequestHandler) -> None:
        """Motion JPEG: a picture for each release of `more`, then the connection ends when `ended` is set."""
        to.send_response(200)
        to.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        to.end_headers()
        count = 0
        while self.more.acquire() and not self.ended.is_set():
            jpeg = cv2.imencode(".jpg", seen(100 + count % 100))[1].tobytes()
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
            to.wfile.write(head + jpeg + b"\r\n")
            count += 1


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    film = make_clip(tmp_path / "a.mp4", frames=10, rate=50, container_options={"movflags": "faststart"})
    with closing(Web(film.read_bytes())) as made:
        yield made


def frames_of(source: LiveSource, count: int) -> list:
    frames = []
    for _ in range(count):
        frame = source.read(60)
        assert frame is not None, source.health
        frames.append(frame)
    return frames


class Told(Stream):
    """A stream that tells the test how it does after each fault, and waits for it."""

    def __init__(self, address: str, **options: object) -> None:
        self.rested, self.go_on = threading.Semaphore(0), threading.Semaphore(0)
        super().__init__(address, rest=self._told, **options)  # type: ignore[arg-type]

    def _told(self, seconds: float) -> bool:
        self.rested.release()
        self.go_on.acquire()
        return self._stopped.is_set()

    def fault(self) -> Health:
        assert self.rested.acquire(timeout=60)
        return self.health

    def close(self) -> None:
        self._stopped.set()
        self.go_on.release(100)
        super().close()


def test_a_cameras_pictures_come_as_they_are_sent(web: Web) -> None:
    with closing(Told(web.address("camera"))) as source:
        assert source.health.condition is Condition.OPENING
        web.more.release(60)
        frames = frames_of(source, 2)
        assert all(a.time < b.time for a, b in pairwise(frames))
        assert np.abs(frames[0].image[0, 0].astype(int) - 100).max() < 60
        assert frames[0].size == (64, 48)
        web.ended.set()
        web.more.release()
        health = source.fault()
        assert health.condition in (Condition.WAITING, Condition.FAILED)
        assert health.message
        source.read(0)  # the last one before the fault may still be waiting
        web.ended.clear()
        web.more.release(60)
        source.go_on.release()
        assert frames_of(source, 1)[0].time > frames[-1].time
        assert source.health.condition is Condition.LIVE
        health = source.health
        assert health.captured >= 3
    assert not source._thread.is_alive()


def test_a_film_on_a_web_server_plays_in_real_time_and_loops(web: Web) -> None:
    with closing(open_live(web.address("dance.mp4"))) as source:
        frames = frames_of(source, 25)
    times = np.array([frame.time for frame in frames])
    periods = (times - times[0]) * 50
    assert periods == pytest.approx(np.rint(periods), abs=0.01)
    assert np.all(np.diff(np.rint(periods)) >= 1)
    assert web.requests.count("/dance.mp4") >= 3


@pytest.mark.parametrize(
    "path, condition, words",
    [
        ("private", Condition.NO_PERMISSION, "wants a name and password; give them in the address (http://NAME:"),
        ("none", Condition.FAILED, "nothing at http://127.0.0.1"),
        ("text", Condition.FAILED, "sends no video that can be read"),
        ("sound.wav", Condition.FAILED, "no pictures that can be read"),
        ("playlist.m3u8", Condition.FAILED, "sends no video that can be read"),
    ],
)
def test_each_fault_has_words_without_the_password(web: Web, path: str, condition: Condition, words: str) -> None:
    with closing(Told(web.address(path))) as source:
        health = source.fault()
        assert (health.condition, health.captured) == (condition, 0)
        assert words in health.message
        assert "\n" not in health.message
        for hidden in ("bob", "secret", "hidden"):
            assert hidden not in health.message + health.name


def test_nobody_listens() -> None:
    with socket.socket() as taken:  # by one who does not listen, so that nobody else can
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with closing(Told(f"rtsp://127.0.0.1:{port}/a")) as source:
            health = source.fault()
    assert health.condition is Condition.FAILED
    assert health.message == f"cannot connect to rtsp://127.0.0.1:{port}/a (connection refused); it is tried again"


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_one_that_does_not_answer_is_given_up_and_closes_at_once(scheme: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        address = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/a"
        with closing(Told(address, timeout=(0.3, 0.3))) as source:
            health = source.fault()
            assert health.condition is Condition.WAITING
            assert "does not answer" in health.message
    assert not source._thread.is_alive()


def test_a_name_that_nobody_knows() -> None:
    with closing(Told("rtsp://no-such-host.invalid/a")) as source:
        health = source.fault()
    assert health.message == 'no host "no-such-host.invalid" is known; check the address, and that the network is up'


@pytest.mark.parametrize(
    "address, want",
    [
        ("rtsp://bob:pw@cam.local:554/live?key=1#x", "rtsp://cam.local:554/live"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
        ("udp://@:1234", "udp://:1234"),
        ("http://u:p@host:port/a", "http://..."),
    ],
)
def test_addresses_are_shown_without_secrets(address: str, want: str) -> None:
    assert shown(address) == want
