"""What `bodydouble live` says in the terminal of a camera that is not there."""

from __future__ import annotations

import pytest

from bodydouble.cli.live import _tell_of_absent
from bodydouble.sources.devices import Device


@pytest.mark.parametrize(
    ("camera", "there", "words"),
    [
        ("nosuch", ["Desk Cam", "HD Webcam"], ['no camera "nosuch"', "Desk Cam, HD Webcam", "once it is there"]),
        ("nosuch", [], ['no camera "nosuch"', "--camera browser", "once it is there"]),
        ("", [], ["no camera found", "once it is there"]),
        ("desk", ["Desk Cam", "HD Webcam"], []),
        ("", ["Desk Cam"], []),
        ("browser", [], []),
        ("rtsp://here/stream", [], []),
        ("film.mp4", [], []),
    ],
)
def test_a_camera_that_is_not_there_is_told_once(
    camera: str,
    there: list[str],
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    devices = [Device(name, name, f"/dev/video{i}", str(i), ((i, 200),)) for i, name in enumerate(there)]
    monkeypatch.setattr("bodydouble.sources.devices.plugged_in", lambda: devices)
    _tell_of_absent(camera)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == (1 if words else 0)
    assert all(word in said[0] for word in words)
