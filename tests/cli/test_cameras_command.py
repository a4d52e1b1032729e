"""`bodydouble cameras`: what it prints for people and for programs."""

from __future__ import annotations

import json

import pytest

from bodydouble.cli import main
from bodydouble.sources import camera
from bodydouble.sources.camera import CameraInfo

FOUND = [
    CameraInfo("HD Webcam", "HD Webcam (/dev/video0)", ((1280, 720, 30.0), (1280, 720, 29.97), (640, 480, 0.0))),
    CameraInfo("Studio", "Studio (number 1)"),
    CameraInfo("Taken", "Taken (/dev/video4)", (), "Taken is in use by zoom; close the camera there"),
]


def printed(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["cameras", *args])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_for_people(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(camera, "cameras", lambda *, probe: FOUND)
    assert printed(capsys).splitlines() == [
        "HD Webcam (/dev/video0)",
        "  1280x720   30, 29.97 fps",
        "  640x480, rates unknown",
        "Studio (number 1)",
        "  sizes and rates unknown: the system does not list them; bodydouble cameras --probe switches it on and tries",
        "Taken (/dev/video4)",
        "  not now: Taken is in use by zoom; close the camera there",
        'use one: bodydouble live --camera "HD Webcam" (a part of the name is enough)',
    ]


def test_for_programs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked = []
    monkeypatch.setattr(camera, "cameras", lambda *, probe: asked.append(probe) or FOUND)
    first, second, third = json.loads(printed(capsys, "--json", "--probe"))
    assert asked == [True]
    assert first["name"] == "HD Webcam"
    assert first["modes"][0] == {"width": 1280, "height": 720, "fps": 30.0}
    assert (second["modes"], second["trouble"]) == ([], "")
    assert third["trouble"].startswith("Taken is in use")


def test_none_is_one_plain_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(camera, "cameras", lambda *, probe: [])
    (line,) = printed(capsys).splitlines()
    assert line.startswith("no camera found; plug one in")
    assert json.loads(printed(capsys, "--json")) == []


def test_on_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys)
