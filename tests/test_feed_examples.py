"""The examples that receive the motion, run as a user runs them; and the docs show the example that there is."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import made_live
from bodydouble.live.feed import OscFeed
from bodydouble.stage.addresses import listen
from bodydouble.stage.server import Server
from made_live import made_desk
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


def test_the_websocket_client_sees_the_hand_go_up(tmp_path: Path) -> None:
    """Against the server of `bodydouble live` itself."""
    (tmp_path / "page").mkdir()
    desk, listening = made_desk(tmp_path), listen(port=0)
    server = Server(desk, listening, page=tmp_path / "page")
    server.start()
    run = desk.live
    assert isinstance(run, made_live.MadeLive)
    lines: list[str] = []
    with running("motion_client.py", f"ws://127.0.0.1:{listening.port}/ws/motion") as client:
        for raised, wanted in ((0.0, "down"), (1.0, "up")):
            reached, stopped = f"person 1: left hand {wanted}", threading.Event()
            thread = threading.Thread(target=move, args=(run, raised, stopped))
            thread.start()
            for line in client.stdout or ():
                lines.append(line.strip())
                if lines[-1] == reached:
                    break
            stopped.set()
            thread.join()
    server.stop()
    desk.close()
    listening.close()
    assert lines[0].endswith("down") and lines[-1].endswith("up")


def move(run: made_live.MadeLive, raised: float, stopped: threading.Event) -> None:
    """Publish somebody with the arm at that height until stopped."""
    while not stopped.wait(0.03):
        run.move(people=[person(0.0, raised=raised)])


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
