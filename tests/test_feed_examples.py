"""The examples that receive the motion, run as a user runs them; and the docs show the example that there is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection, serve

from bodydouble.live.feed import OscFeed
from bodydouble.outputs.feed import as_json
from moved_live import MadeLive, person

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def live() -> MadeLive:
    return MadeLive()


@contextmanager
def running(name: str, *args: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(REPOSITORY / "examples" / name), *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_websocket_client_sees_the_hand_go_up(live: MadeLive) -> None:
    def feed(connection: ServerConnection) -> None:
        for step in range(10):
            connection.send(json.dumps(as_json(live.moment(step / 30, [person(step / 30, raised=step / 9)]))))

    with serve(feed, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        with running("motion_client.py", f"ws://127.0.0.1:{port}/ws/motion") as client:
            assert client.stdout is not None
            lines = [client.stdout.readline().strip() for _ in range(10)]
        server.shutdown()
        thread.join()
    assert lines[0] == "person 1: left hand down" and lines[-1] == "person 1: left hand up"


def test_the_osc_receiver_prints_the_hand(live: MadeLive) -> None:
    with running("osc_receiver.py", "0") as receiver:
        assert receiver.stdout is not None
        port = int(receiver.stdout.readline().split()[-1])
        feed = OscFeed(live, f"127.0.0.1:{port}")
        stopped = threading.Event()

        def publish() -> None:
            while not stopped.wait(0.03):
                live.publish(live.moment(0.0, [person(0.0)]))

        thread = threading.Thread(target=publish)
        thread.start()
        line = receiver.stdout.readline()
        stopped.set()
        thread.join()
        feed.close()
    assert re.fullmatch(r"left wrist at 0\.560, 0\.\d+ of the picture, score 0\.90\n", line)


def test_the_documentation_shows_the_example() -> None:
    example = (REPOSITORY / "examples" / "motion_client.py").read_text()
    code = example.split('"""', 2)[2].strip()
    assert code in (REPOSITORY / "docs" / "feeds.md").read_text()
    assert len([line for line in code.splitlines() if line]) <= 10
