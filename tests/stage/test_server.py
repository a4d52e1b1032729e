"""The server, run by uvicorn on a free port, as pages and others meet it: over HTTP and WebSockets."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from bodydouble.characters import load, samples
from bodydouble.sources.pushed import Pushed
from bodydouble.stage import messages
from bodydouble.stage.addresses import Listening, listen
from bodydouble.stage.desk import Desk
from bodydouble.stage.frames import pack, unpack
from bodydouble.stage.layouts import Binary
from bodydouble.stage.outbox import MOST_AHEAD
from bodydouble.stage.page import MOST_COMMANDS
from bodydouble.stage.server import Server
from bodydouble.types import Pose
from made_live import CAMERA, MadeLive, made_desk

PATIENCE = 30.0  # seconds; a busy machine is slow, a broken server waits for ever


class Running:
    """A server with a made run behind it."""

    def __init__(self, folder: Path, listening: Listening) -> None:
        page = folder / "page"
        (page / "assets").mkdir(parents=True)
        (page / "index.html").write_text("<!doctype html>control")
        (page / "stage.html").write_text("<!doctype html>stage")
        (page / "assets" / "a-1234.js").write_text("export {};")
        (folder / "secret.txt").write_text("secret")
        self.desk: Desk = made_desk(folder)
        live = self.desk.live
        assert isinstance(live, MadeLive)
        self.live = live
        self.listening = listening
        self.server = Server(self.desk, listening, page=page)
        self.server.start()
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{listening.port}", timeout=PATIENCE)

    def page(self, path: str = "/ws/control", **more: Any) -> ClientConnection:
        """A page's connection."""
        address = f"ws://127.0.0.1:{self.listening.port}{path}"
        return connect(address, compression=None, max_size=None, max_queue=None, open_timeout=PATIENCE, **more)

    def close(self) -> None:
        self.http.close()
        self.server.stop()
        self.desk.close()
        self.listening.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    served = Running(tmp_path_factory.mktemp("served"), listen(port=0))
    yield served
    served.close()


def until(page: ClientConnection, wanted: Callable[[Any], bool]) -> Any:
    """The first message (an object, or the values of a frame with its `type`) that is wanted."""
    end = time.monotonic() + PATIENCE
    while True:
        data = page.recv(timeout=max(0.0, end - time.monotonic()))
        value = json.loads(data) if isinstance(data, str) else unpack(data)
        if wanted(value):
            return value


def kind(name: str) -> Callable[[Any], bool]:
    return lambda value: value.get("kind") == name


def frame(binary: Binary) -> Callable[[Any], bool]:
    return lambda value: value.get("type") == binary


def asked(page: ClientConnection, number: int, name: str, **values: Any) -> dict[str, Any]:
    """Send a command; its answer."""
    page.send(json.dumps({"kind": name, "id": number, **values}))
    answer: dict[str, Any] = until(page, lambda value: value.get("kind") == "answer" and value["id"] == number)
    return answer


def alive(running: Running) -> None:
    """The service goes on: a new page is greeted, posed and answered."""
    with running.page() as page:
        until(page, kind("scene"))
        page.send(json.dumps({"kind": "ping", "sent": 12.5}))
        assert until(page, kind("pong"))["sent"] == 12.5
        moment = running.live.move()
        assert until(page, frame(Binary.MOTION))["sequence"] >= moment.sequence - 1
    assert running.http.get("/").status_code == 200


# ---- what pages are told ---------------------------------------------------------------------------------------------


def test_a_control_page_is_told_everything_at_once(running: Running) -> None:
    with running.page() as page:
        hello = json.loads(page.recv(timeout=PATIENCE))
        assert (hello["kind"], hello["protocol"]) == ("hello", messages.PROTOCOL)
        state = until(page, kind("state"))
        assert state["settings"]["camera"] == CAMERA.name
        choices = until(page, lambda value: value.get("kind") == "choices" and value["characters"])
        assert [camera["name"] for camera in choices["cameras"]] == ["browser", CAMERA.name]
        assert {"fox", "mira"} <= {character["name"] for character in choices["characters"]}
        assert choices["models"][0] == "auto"
        assert choices["stage_address"].endswith("/stage")
        status = until(page, kind("status"))
        assert status["source"]["state"] == "live"
        thumbnail = running.http.get(choices["characters"][0]["thumbnail"])
        assert thumbnail.headers["content-type"] == "image/png"


def test_the_scene_names_a_mesh_that_can_be_fetched(running: Running) -> None:
    with running.page("/ws/stage") as page:
        scene = until(page, kind("scene"))
    mesh = running.http.get(scene["puppet"])
    assert mesh.content.startswith(b"BDP1")
    assert "immutable" in mesh.headers["cache-control"]
    assert running.http.get("/api/characters/mira/puppet").content.startswith(b"BDP1")
    assert running.http.get("/api/characters/nobody/puppet").status_code == 404


def test_pages_and_assets(running: Running) -> None:
    assert running.http.get("/").text.endswith("control")
    assert running.http.get("/stage").text.endswith("stage")
    assert "immutable" in running.http.get("/assets/a-1234.js").headers["cache-control"]
    assert "frame-ancestors 'none'" in running.http.get("/stage").headers["content-security-policy"]
    assert "server" not in running.http.get("/").headers


def test_a_moment_reaches_all_pages_in_their_layouts(running: Running) -> None:
    points = np.tile([[32.0, 24.0]], (33, 1))
    person = Pose("blazepose-33", points, np.ones(33), 0.9, 0.0, person=1)
    with running.page() as control, running.page("/ws/stage") as stage, running.page("/ws/motion") as feed:
        for page in (control, stage):
            until(page, kind("scene"))
        moment = running.live.move(people=[person])
        for page in (control, stage):
            motion = until(page, lambda value: value.get("sequence") == moment.sequence)
            assert motion["flags"] == 0
            assert motion["time"] == moment.time
            assert motion["sent"] >= moment.ready
            assert motion["figures"][0]["bone_count"] == len(running.live.puppet.rig.names)
            np.testing.assert_allclose(motion["figures"][0]["heads"], running.live.puppet.rig.heads.ravel(), rtol=1e-6)
        people = until(control, frame(Binary.PEOPLE))
        assert (people["width"], people["height"]) == (64, 48)
        np.testing.assert_allclose(people["people"][0]["points"], 0.5)
        assert people["people"][0]["followed"] == 1
        assert until(feed, kind("motion"))["sequence"] == moment.sequence


def test_the_preview_comes_only_to_whom_asked(running: Running) -> None:
    with running.page() as asking, running.page() as other:
        for page in (asking, other):
            until(page, kind("scene"))
        asking.send('{"kind":"preview","on":true,"width":200}')
        asking.send('{"kind":"ping","sent":1}')
        until(asking, kind("pong"))
        running.live.move()
        preview = until(asking, frame(Binary.PREVIEW))
        image = cv2.imdecode(np.frombuffer(preview["jpeg"], np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (48, 64, 3)
        other.send('{"kind":"ping","sent":1}')
        heard = until(other, lambda value: value.get("kind") == "pong" or value.get("type") == Binary.PREVIEW)
        assert heard.get("kind") == "pong"


# ---- slow, sleeping and returning pages ------------------------------------------------------------------------------


def test_a_page_that_does_not_answer_gets_two_motions_and_then_the_newest(running: Running) -> None:
    with running.page("/ws/stage") as page:
        until(page, kind("scene"))
        page.send('{"kind":"ack","sequence":4294967295,"posed":0,"drawn":0,"draw_rate":60}')
        page.send('{"kind":"ping","sent":0}')
        got = []

        def count(value: Any) -> bool:
            if value.get("type") == Binary.MOTION:
                got.append(value["sequence"])
            return value.get("kind") == "pong"

        until(page, count)
        got.clear()
        for number in range(20):
            last = running.live.move()
            page.send(json.dumps({"kind": "ping", "sent": number}))
            until(page, count)
        assert len(got) == MOST_AHEAD
        page.send(json.dumps({"kind": "ack", "sequence": got[-1], "posed": 0, "drawn": 0, "draw_rate": 60}))
        assert until(page, frame(Binary.MOTION))["sequence"] == last.sequence
        assert running.live.acknowledged[-1][0] == got[-1]


def test_a_page_that_never_reads_slows_nobody(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.listening.port)) as stuck, running.page() as awake:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = (
            f"GET /ws/motion HTTP/1.1\r\nHost: 127.0.0.1:{running.listening.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        stuck.sendall(request.encode())
        assert stuck.recv(12) == b"HTTP/1.1 101"
        until(awake, kind("scene"))
        for number in range(120):  # over 1 MB for the one that does not read
            moment = running.live.move()
            seen = until(awake, frame(Binary.MOTION))["sequence"]
            awake.send(json.dumps({"kind": "ack", "sequence": seen, "posed": 0, "drawn": 0, "draw_rate": number}))
        while seen < moment.sequence:
            seen = until(awake, frame(Binary.MOTION))["sequence"]
    alive(running)


def test_a_page_that_comes_back_resumes_with_the_newest(running: Running) -> None:
    with running.page("/ws/stage") as page:
        session = until(page, kind("hello"))["session"]
        until(page, kind("scene"))
        running.live.move()
    last = running.live.move()
    with running.page("/ws/stage") as page:
        assert until(page, kind("hello"))["session"] == session
        assert until(page, kind("scene"))["character"] == "fox"
        assert until(page, frame(Binary.MOTION))["sequence"] == last.sequence


def test_pages_that_vanish_leave_nothing(running: Running) -> None:
    hub = running.server.app.hub
    with ExitStack() as open_pages:
        for number in range(20):
            page = open_pages.enter_context(running.page("/ws/control"))
            if number % 2:
                page.socket.shutdown(socket.SHUT_RDWR)
        running.live.move()
    end = time.monotonic() + PATIENCE
    while hub.pages and time.monotonic() < end:
        running.http.get("/")
    assert not hub.pages
    alive(running)


def test_another_character_is_told_before_it_moves(running: Running) -> None:
    live = running.live
    before, mira = live.puppet, load("mira", pixels=64)
    with running.page("/ws/stage") as page:
        until(page, kind("scene"))
        page.send('{"kind":"ack","sequence":4294967295,"posed":0,"drawn":0,"draw_rate":60}')
        live.puppet, live.revision = mira, live.revision + 1
        try:
            live.move()
            assert until(page, kind("scene"))["character"] == "mira"
            page.send('{"kind":"ack","sequence":4294967295,"posed":0,"drawn":0,"draw_rate":60}')
            page.send('{"kind":"ping","sent":0}')
            until(page, kind("pong"))
            last = live.move()
            motion = until(page, lambda value: value.get("sequence") == last.sequence)
            assert motion["figures"][0]["bone_count"] == len(mira.rig.names)
        finally:
            live.puppet, live.revision = before, live.revision + 1
            live.move()
            until(page, lambda value: value.get("kind") == "scene" and value["character"] == "fox")


# ---- commands --------------------------------------------------------------------------------------------------------


def test_a_change_reaches_the_run_and_all_pages(running: Running) -> None:
    with running.page() as one, running.page() as two, running.page("/ws/stage") as stage:
        until(stage, kind("scene"))
        assert asked(one, 1, "change", settings={"smooth": 0.75, "framing": "half", "background": "lime"})["ok"]
        for page in (one, two):
            state = until(page, lambda v: v.get("kind") == "state" and v["settings"]["smooth"] == 0.75)
            assert state["settings"]["background"] == "#00ff00"
        scene = until(stage, lambda v: v.get("kind") == "scene" and v["framing"] == "half")
        assert scene["background"] == "#00ff00"
        assert running.live.config.smooth == 0.75
        assert asked(one, 2, "change", settings={"framing": "full", "background": "transparent"})["ok"]


@pytest.mark.parametrize(
    "settings",
    [
        {"camera": "/etc/passwd"},
        {"camera": "../../secret.mp4"},
        {"camera": "file:///etc/passwd"},
        {"camera": "rtsp://inside.example/"},
        {"camera": ""},
        {"character": "/etc"},
        {"character": "../characters"},
        {"character": "nobody"},
        {"background": "picture:../secret.txt"},
        {"background": "picture:/etc/passwd"},
        {"background": "/etc/passwd"},
        {"background": "url(http://evil.example/a.png)"},
        {"smooth": 7},
        {"framing": "feet"},
        {"neutral": "x"},
        {"camera": 5},
    ],
)
def test_what_a_page_may_not_choose_is_refused(running: Running, settings: dict[str, Any]) -> None:
    before = running.desk.settings, running.live.config
    with running.page() as page:
        answer = asked(page, 9, "change", settings=settings)
    assert not answer["ok"]
    assert answer["message"]
    assert "\n" not in answer["message"]
    assert (running.desk.settings, running.live.config) == before


def test_what_the_run_refuses_changes_nothing(running: Running) -> None:
    before = running.desk.settings
    running.live.refuse = "this cannot be had"
    try:
        with running.page() as page:
            assert asked(page, 3, "change", settings={"smooth": 0.1})["message"] == "this cannot be had"
    finally:
        running.live.refuse = ""
    assert running.desk.settings == before


def test_a_fault_of_our_own_is_answered_and_logged(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(running.live, "follow", lambda x, y: 1 / 0)
    with running.page() as page:
        assert "fault of bodydouble" in asked(page, 4, "follow", x=0.5, y=0.5)["message"]
    assert "ZeroDivisionError" in caplog.text
    alive(running)


def test_a_fault_in_the_status_does_not_end_it(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with running.page() as page:
        until(page, kind("scene"))
        monkeypatch.setattr(running.live, "report", lambda: (monkeypatch.undo(), 1 / 0))
        assert until(page, kind("status"))
        assert until(page, kind("status"))
    assert "ZeroDivisionError" in caplog.text


def test_commands_are_answered_in_their_order(running: Running) -> None:
    with running.page() as page:
        for number in range(MOST_COMMANDS):
            page.send(json.dumps({"kind": "follow", "id": number, "x": 0.5, "y": 2.0 if number % 2 else 0.5}))
        answers = [until(page, kind("answer")) for _ in range(MOST_COMMANDS)]
    assert [answer["id"] for answer in answers] == list(range(MOST_COMMANDS))
    assert running.live.followed[-1] == (0.5, 2.0)


def test_snapshots_are_made_and_fetched(running: Running) -> None:
    stop = threading.Event()

    def go_on() -> None:
        while not stop.wait(0.05):
            running.live.move()

    mover = threading.Thread(target=go_on, daemon=True)
    mover.start()
    try:
        with running.page() as page:
            answer = asked(page, 5, "snapshot", transparent=True)
            assert answer["ok"], answer
            started = asked(page, 6, "record", on=True)
            assert started["ok"], started
            until(page, lambda v: v.get("kind") == "status" and v["recording"]["frames"] > 2)
            assert not asked(page, 7, "record", on=True)["ok"]
            stopped = asked(page, 8, "record", on=False)
            assert stopped["ok"], stopped
    finally:
        stop.set()
        mover.join()
    picture = running.http.get(answer["path"])
    assert picture.headers["content-type"] == "image/png"
    take = running.http.get(stopped["path"])
    assert take.content.startswith(b"PAR1")
    assert "attachment" in take.headers["content-disposition"]


def test_the_stage_steers_nothing(running: Running) -> None:
    with running.page("/ws/stage") as page:
        answer = asked(page, 7, "change", settings={"smooth": 0.2})
        assert not answer["ok"]
        assert "control page only" in answer["message"]


def test_the_browsers_camera_is_taken(running: Running) -> None:
    _, jpeg = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))
    sent = pack("CameraFrame", {"width": 64, "height": 48, "captured": 1.0, "jpeg": jpeg.tobytes()})
    with running.page("/ws/camera") as page:
        page.send(sent)
        assert "choose it first" in until(page, kind("answer"))["message"]
        source = running.live.browser = Pushed()
        try:
            page.send(sent)
            assert source.read(PATIENCE) is not None
            page.send(pack("CameraFrame", {"width": 64, "height": 48, "captured": 1.0, "jpeg": b"no picture"}))
            assert "JPEG" in until(page, kind("answer"))["message"]
            page.send('{"kind":"browser_camera","on":false,"message":"the camera is not allowed"}')
            page.send('{"kind":"ping","sent":1}')
            until(page, kind("pong"))
            assert source.health.message == "the camera is not allowed"
        finally:
            running.live.browser = None
            source.close()


# ---- malformed, oversized, too many ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "{",
        "null",
        '{"kind":"nothing","id":3}',
        "x" * 70_000,
        b"",
        b"\x00",
        b"\x01" * 50,
        b"\x04abc",
        b"\xff" * 9000,
    ],
)
def test_what_is_malformed_is_answered_and_the_connection_goes_on(running: Running, wrong: str | bytes) -> None:
    for path in ("/ws/control", "/ws/stage", "/ws/camera"):
        with running.page(path) as page:
            page.send(wrong)
            answer = until(page, kind("answer"))
            assert not answer["ok"]
            page.send('{"kind":"ping","sent":3}')
            assert until(page, kind("pong"))["sent"] == 3


def test_a_message_that_is_far_too_large_ends_its_own_connection_only(running: Running) -> None:
    with running.page("/ws/camera") as page, pytest.raises(ConnectionClosed):
        page.send(bytes(9 << 20))
        until(page, lambda value: False)
    alive(running)


def test_a_flood_is_slowed_down_and_others_do_not_notice(running: Running) -> None:
    with running.page() as page, running.page() as other:
        for _ in range(700):
            page.send('{"kind":"refresh"}')
        until(page, lambda v: v.get("kind") == "answer" and "slow down" in v["message"])
        other.send('{"kind":"ping","sent":1}')
        until(other, kind("pong"))
    alive(running)


def test_a_socket_where_there_is_none_is_refused(running: Running) -> None:
    for path in ("/", "/ws/none", "/ws", "/stage", "/assets/a-1234.js", "/api/qr.svg"):
        with pytest.raises(InvalidStatus) as caught:
            running.page(path).__enter__()
        assert caught.value.response.status_code in (403, 404)


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x81\x82\0\0\0\0\xff\xfe",  # text that is no UTF-8
        b"\x83\x80\0\0\0\0",  # an opcode that does not exist
        b"\xf1\x80\0\0\0\0",  # reserved bits
        b"\x81\x02hi",  # not masked
        b"\x80\x80\0\0\0\0",  # goes on with nothing
        b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",  # as long as can be
        b"\x88\x81\0\0\0\0a",  # a close of one byte
        bytes(range(256)) * 50,
    ],
)
def test_what_is_no_websocket_ends_its_own_connection_only(running: Running, wrong: bytes) -> None:
    with running.page() as page:
        page.socket.sendall(wrong)
        with pytest.raises(ConnectionClosed):
            until(page, lambda value: False)
    alive(running)


def test_raw_rubbish_stops_nothing(running: Running) -> None:
    for rubbish in (b"\x00\xff" * 500, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET " + b"a" * 100_000):
        with socket.create_connection(("127.0.0.1", running.listening.port)) as raw:
            raw.sendall(rubbish)
    alive(running)


# ---- foreign pages, paths, uploads -----------------------------------------------------------------------------------


def test_foreign_pages_are_refused_and_the_service_goes_on(running: Running) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        for path in ("/ws/control", "/ws/stage", "/ws/camera", "/ws/motion"):
            with pytest.raises(InvalidStatus) as caught:
                running.page(path, additional_headers=headers)
            assert caught.value.response.status_code == 403
        for path in ("/", "/api/recordings/a.png", "/api/characters/fox/puppet", "/api/qr.svg"):
            assert running.http.get(path, headers=headers).status_code == 403
        assert running.http.post("/api/characters", headers=headers, files={"f": b""}).status_code == 403
    assert running.http.get("/", headers={"Host": f"evil.example:{running.listening.port}"}).status_code == 421
    alive(running)


@pytest.mark.parametrize(
    "path",
    [
        "/api/recordings/..%2f..%2fsecret.txt",
        "/api/recordings/%2e%2e/secret.txt",
        "/api/recordings/..%5csecret.txt",
        "/api/recordings/%2fetc%2fpasswd",
        "/api/recordings/secret.txt%00.png",
        "/api/backgrounds/..%2fsecret.txt",
        "/api/backgrounds/%2e%2e%2fsecret.txt",
        "/api/characters/..%2f/puppet",
        "/api/characters/%2e%2e/thumbnail.png",
        "/api/characters/%2fetc/puppet",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/.%00/secret.txt",
        "//etc/passwd",
    ],
)
def test_no_path_leads_outside(running: Running, path: str) -> None:
    with socket.create_connection(("127.0.0.1", running.listening.port)) as raw:
        host = f"127.0.0.1:{running.listening.port}"
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := raw.recv(1 << 16):
            answer += piece
    assert answer.split()[1] in (b"404", b"400"), answer[:200]
    assert b"secret\n" not in answer
    assert b"root:" not in answer


def test_recordings_that_are_links_or_hidden_are_not_served(running: Running) -> None:
    folder = running.desk.folders.recordings
    folder.mkdir(exist_ok=True)
    (folder / ".hidden.png").write_text("x")
    (folder / "sub").mkdir(exist_ok=True)
    (folder / "link.png").symlink_to(folder.parent / "secret.txt")
    for name in (".hidden.png", "sub", "link.png"):
        assert running.http.get(f"/api/recordings/{name}").status_code == 404


def test_backgrounds_are_chosen_by_name(running: Running) -> None:
    folder = running.desk.folders.backgrounds
    folder.mkdir(exist_ok=True)
    (folder / "my room.png").write_bytes(b"picture")
    (folder / "notes.txt").write_bytes(b"text")
    with running.page() as page, running.page("/ws/stage") as stage:
        assert asked(page, 1, "refresh")["ok"]
        choices = until(page, lambda v: v.get("kind") == "choices" and v["backgrounds"])
        assert choices["backgrounds"] == ["my room.png"]
        assert asked(page, 2, "change", settings={"background": "picture:my room.png"})["ok"]
        scene = until(stage, lambda v: v.get("kind") == "scene" and v["background"].startswith("/api"))
        assert running.http.get(scene["background"]).content == b"picture"
        assert asked(page, 3, "change", settings={"background": "transparent"})["ok"]
        _, picture = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))
        added = running.http.post("/api/backgrounds", files={"files": ("sea.png", picture.tobytes())})
        assert added.json()["name"] == "sea.png"
        until(page, lambda v: v.get("kind") == "choices" and "sea.png" in v["backgrounds"])
        assert running.http.get("/api/backgrounds/sea.png").content == picture.tobytes()
        assert asked(page, 4, "change", settings={"background": "picture:sea.png"})["ok"]
        assert running.http.delete("/api/backgrounds/sea.png").status_code == 200
        until(stage, lambda v: v.get("kind") == "scene" and v["background"] == "transparent")
        until(page, lambda v: v.get("kind") == "choices" and v["backgrounds"] == ["my room.png"])
    assert running.http.delete("/api/backgrounds/sea.png").status_code == 400
    assert running.http.delete("/api/backgrounds/notes.txt").status_code == 400
    assert (folder / "notes.txt").exists()
    assert running.http.post("/api/backgrounds", files={"files": ("a.html", b"<script>")}).status_code == 400
    assert running.http.get("/api/backgrounds/notes.txt").status_code == 404


def test_a_character_is_added_shown_chosen_and_removed(running: Running) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path in samples()["fox"].iterdir():
            if path.is_file():
                archive.write(path, path.name)
    with running.page() as page:
        answer = running.http.post("/api/characters", files={"files": ("my fox.zip", file.getvalue())})
        assert answer.status_code == 200, answer.text
        name = answer.json()["name"]
        listed = until(page, lambda v: v.get("kind") == "choices" and any(c["own"] for c in v["characters"]))
        assert name in [choice["name"] for choice in listed["characters"]]
        assert asked(page, 1, "change", settings={"character": name})["ok"]
        assert running.live.config.character == running.desk.folders.characters / name
        refused = running.http.delete(f"/api/characters/{name}")
        assert refused.status_code == 400
        assert "on the stage" in refused.json()["message"]
        assert asked(page, 2, "change", settings={"character": "fox"})["ok"]
    assert running.http.delete(f"/api/characters/{name}").status_code == 200
    assert running.http.delete("/api/characters/fox").status_code == 400
    assert not list(running.desk.folders.characters.iterdir())


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("evil.sh", b"rm", "no file of a character"),
        ("../../evil.png", b"x", ""),
        ("a.zip", b"PK not a zip", "damaged"),
        ("readme.txt", b"hello", "no character"),
    ],
)
def test_uploads_that_are_refused_say_why(running: Running, name: str, content: bytes, words: str) -> None:
    answer = running.http.post("/api/characters", files={"files": (name, content)})
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    alive(running)


def test_uploads_that_are_none_or_too_many_are_refused(running: Running) -> None:
    assert running.http.post("/api/characters", content=b"x").status_code == 400
    assert running.http.post("/api/characters", json={"path": "/etc"}).status_code == 400
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert running.http.post("/api/characters", content=b"--y\r\n", headers=headers).status_code == 400
    many = [("files", (f"{number}.txt", b"x")) for number in range(300)]
    assert running.http.post("/api/characters", files=many).status_code == 400
    large = {"files": ("a.png", bytes(33 << 20))}
    assert running.http.post("/api/characters", files=large).status_code == 413
    alive(running)


def test_the_qr_code_is_a_picture(running: Running) -> None:
    answer = running.http.get("/api/qr.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert b"<svg" in answer.content


# ---- with a token, and the end ---------------------------------------------------------------------------------------


def test_with_host_everybody_shows_the_token(tmp_path: Path) -> None:
    served = Running(tmp_path, listen("127.0.0.1", 0))
    try:
        token = served.listening.token
        assert len(token) >= 22
        assert served.http.get("/").status_code == 401
        with pytest.raises(InvalidStatus):
            served.page()
        with served.page(f"/ws/stage?token={token}") as page:
            assert until(page, kind("scene"))["character"] == "fox"
        with served.page("/ws/motion", additional_headers={"Authorization": f"Bearer {token}"}):
            pass
        with httpx.Client(base_url=str(served.http.base_url), follow_redirects=True, timeout=PATIENCE) as browser:
            assert browser.get(f"/?token={token}").text.endswith("control")
            assert browser.get("/api/qr.svg").status_code == 200
            cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        with served.page(additional_headers={"Cookie": cookie}) as page:
            choices = until(page, kind("choices"))
            assert choices["lan_address"].endswith(f"/?token={token}")
            assert choices["stage_address"].endswith(f"/stage?token={token}")
    finally:
        served.close()


def test_it_ends_with_pages_connected_and_leaves_no_thread(tmp_path: Path) -> None:
    before = {thread.name for thread in threading.enumerate()}
    served = Running(tmp_path, listen(port=0))
    with ExitStack() as open_pages:
        pages = [open_pages.enter_context(served.page(f"/ws/{path}")) for path in ("control", "stage", "motion")]
        served.close()
        for page in pages:
            with pytest.raises(ConnectionClosed):
                until(page, lambda value: False)
    assert not served.live.listeners
    left = {thread.name for thread in threading.enumerate()} - before
    assert not {name for name in left if name.startswith("bodydouble")}
