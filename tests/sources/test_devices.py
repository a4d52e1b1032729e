"""Finding a camera by its name, its number, its device file, and again after it was away."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest
from fake_cameras import device
from hypothesis import given
from hypothesis import strategies as st

from bodydouble.sources import devices
from bodydouble.sources.devices import again, choose, listed, matching, plugged_in
from bodydouble.sources.live import kind_of, open_live, path_of
from bodydouble.types import BodyDoubleError

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)


def info(index: int, name: str, path: str = "") -> SimpleNamespace:
    return SimpleNamespace(index=index, name=name, path=path or f"/dev/video{index}", vid=None, pid=None)


WEBCAM, DISPLAY, TWIN = device("HD Webcam", 0), device("Studio Display", 1), device("HD Webcam Pro", 2)
THERE = [WEBCAM, DISPLAY, TWIN]


@pytest.mark.parametrize(
    "name, want",
    [
        ("", WEBCAM),
        ("Studio Display", DISPLAY),
        ("studio", DISPLAY),
        ("  STUDIO   display ", DISPLAY),
        ("hd webcam", WEBCAM),  # the whole name of one, though a part of another's
        ("pro", TWIN),
        ("1", DISPLAY),
        ("/made/video2", None),
    ],
)
def test_chosen_by_name(name: str, want: object) -> None:
    if want is None:
        with pytest.raises(BodyDoubleError):
            choose(name, THERE)
    else:
        assert choose(name, THERE) is want


@pytest.mark.parametrize(
    "name, words",
    [
        ("web", "several cameras: HD Webcam, HD Webcam Pro; give more of the name"),
        ("canon", 'no camera "canon"; there are: HD Webcam, Studio Display, HD Webcam Pro'),
        ("7", 'no camera "7"; there are: HD Webcam'),
        ("/dev/video99", 'no camera "/dev/video99"; there are'),
    ],
)
def test_what_cannot_be_chosen_lists_what_there_is(name: str, words: str) -> None:
    with pytest.raises(BodyDoubleError) as caught:
        choose(name, THERE)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.lists(NAMES, max_size=6))
def test_every_camera_can_be_chosen_by_its_listed_name(names: list[str]) -> None:
    found = listed([(info(k, name), cv2.CAP_V4L2) for k, name in enumerate(names)])
    assert len(found) == len(names)
    assert len({one.name.lower() for one in found}) == len(names)
    for one in found:
        if not (one.name.isdecimal() and one.name.isascii()) and not one.name.startswith("/dev/"):
            assert matching(one.name, found) == [one]


def test_equal_cameras_are_numbered_in_the_systems_order() -> None:
    found = listed([(info(k, "C270"), cv2.CAP_V4L2) for k in (4, 0, 2)])
    assert [(one.name, one.index) for one in found] == [("C270", 0), ("C270 (2)", 2), ("C270 (3)", 4)]


def test_a_camera_that_two_backends_know_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    usb = r"\\?\usb#vid_046d&pid_0825#7&1a#{e5323777}\global"
    show = r"\\?\USB#VID_046D&PID_0825#7&1a#{65e8773d}\global"
    found = listed(
        [
            (info(0, "C270", usb), cv2.CAP_MSMF),
            (info(0, "OBS Virtual Camera", "sw:1"), cv2.CAP_DSHOW),
            (info(1, "C270", show), cv2.CAP_DSHOW),
        ]
    )
    assert [(one.name, one.ways) for one in found] == [
        ("C270", ((0, cv2.CAP_MSMF), (1, cv2.CAP_DSHOW))),
        ("OBS Virtual Camera", ((0, cv2.CAP_DSHOW),)),
    ]


def test_a_linked_device_file_is_the_camera(tmp_path: Path) -> None:
    real = tmp_path / "video3"
    real.touch()
    one = devices.Device("Cam", "Cam", str(real), "", ((3, 0),))
    link = tmp_path / "by-id"
    link.symlink_to(real)
    assert matching(f"/dev/../{link}", [one]) == [one]


def test_found_again_by_socket_then_by_name() -> None:
    known = device("C270", 0, place="left")
    moved = device("C270", 3, place="front")
    other = device("C270 (2)", 1, place="right", model="C270")
    assert again(known, frozenset(), [other, known]) is known
    assert again(known, frozenset({"right"}), [other, moved]) is moved
    assert again(known, frozenset({"right"}), [other]) is None
    assert again(known, frozenset(), [DISPLAY]) is None


def test_the_real_list_can_be_asked_for() -> None:
    found = plugged_in()
    assert len({one.name for one in found}) == len(found)


def test_an_address_of_a_file_and_a_home_of_nobody() -> None:
    assert path_of("file:///a%20b/%C3%A9.mp4") == Path("/a b/é.mp4")
    assert path_of(" ~nobody-here/a.mp4") == Path("~nobody-here/a.mp4")


@pytest.mark.parametrize(
    "name, kind",
    [
        ("", "camera"),
        ("HD Webcam", "camera"),
        ("0", "camera"),
        ("/dev/video0", "camera"),
        ("Browser ", "browser"),
        ("rtsp://host/stream", "stream"),
        ("HTTPS://host/a.mp4", "stream"),
        ("udp://@:1234", "stream"),
        ("dance.mp4", "file"),
        ("file:///a/b.mp4", "file"),
        ("folder/of images", "file"),
        ("C:\\clips\\a.mov", "file"),
    ],
)
def test_what_a_name_stands_for(name: str, kind: str) -> None:
    assert kind_of(name) == kind


@pytest.mark.parametrize(
    "name, words",
    [
        ("no such clip.mp4", "no file or folder no such clip.mp4"),
        ("concat://a|b", 'an address "concat://" cannot be read; wanted one of http'),
        ("rtsp://", "is not a whole address"),
        ("http://host:port/", "is not a whole address"),
    ],
)
def test_what_can_never_work_is_said_at_once(name: str, words: str) -> None:
    with pytest.raises(BodyDoubleError) as caught:
        open_live(name)
    assert words in str(caught.value)


@pytest.mark.parametrize("fps", [0, -1, float("nan"), 1e6])
def test_impossible_rates(fps: float) -> None:
    with pytest.raises(BodyDoubleError, match="wanted a number from 1 to 1000"):
        open_live("", fps=fps)


def test_a_camera_with_a_slash_in_its_name_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "plugged_in", lambda: [device("Capture HDMI/SDI")])
    source = open_live("hdmi/sdi")
    source.close()
    assert type(source).__name__ == "Camera"
