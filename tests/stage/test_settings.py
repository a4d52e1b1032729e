"""Settings: checked in words, kept per camera and character in a file that a person can read and edit."""

from __future__ import annotations

import math
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodydouble.stage.messages import Settings
from bodydouble.stage.settings import LATER, Kept, changed, checked, to_config
from bodydouble.types import BodyDoubleError
from made_live import neutral


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def kept(path: Path, told: list[str] | None = None, clock: Clock | None = None) -> Kept:
    return Kept(path, tell=(told if told is not None else []).append, clock=clock or Clock())


def test_what_was_chosen_comes_back_with_its_camera_and_character(tmp_path: Path) -> None:
    path = tmp_path / "new" / "live.toml"
    file = kept(path)
    first = file.first({"camera": "Desk Cam", "character": "fox"})
    one = file.chosen(first, {"size": "1280x720", "fov": 78, "smooth": 0.9, "background": "Lime"})
    file.keep(one)
    two = file.chosen(one, {"camera": "Other Cam"})
    assert (two.size, two.smooth) == ("", 0.9)
    three = file.chosen(two, {"character": "mira", "smooth": 0.1, "mirror": False})
    file.keep(three)
    file.flush(at_once=True)

    again = kept(path)
    settings = again.first({})
    assert settings == three
    back = again.chosen(settings, {"camera": "Desk Cam", "character": "fox"})
    assert (back.size, back.fov, back.smooth, back.background, back.mirror) == ("1280x720", 78, 0.9, "#00ff00", True)
    assert again.chosen(settings, {"camera": "Desk Cam", "fov": 60}).fov == 60


def test_the_command_line_goes_before_what_was_kept(tmp_path: Path) -> None:
    file = kept(tmp_path / "live.toml")
    file.keep(file.first({"camera": "A", "fps": 15}))
    assert file.first({}).fps == 15
    assert file.first({"fps": 60}).fps == 60
    assert file.first({"camera": "B"}).fps == 30


def test_it_is_written_a_moment_after_the_last_change(tmp_path: Path) -> None:
    clock = Clock()
    path = tmp_path / "live.toml"
    file = kept(path, clock=clock)
    settings = file.first({"camera": "A"})
    for step in range(20):
        file.keep(file.chosen(settings, {"smooth": step / 20}))
        clock.time += LATER / 2
        file.flush()
    assert not path.exists()
    clock.time += LATER
    file.flush()
    assert tomllib.loads(path.read_text())["character"]["fox"]["smooth"] == 0.95
    assert [item.name for item in tmp_path.iterdir()] == ["live.toml"], "something half-written was left"


def test_a_person_can_read_it(tmp_path: Path) -> None:
    file = kept(tmp_path / "live.toml")
    file.keep(file.first({"camera": 'Böse "Cam" [1].x'}))
    file.keep_neutral('Böse "Cam" [1].x', {"pitch": 0.123456789, "metric": True, "lengths": [0.25, 1 / 3]})
    text = file.text()
    assert text.startswith("# bodydouble live")
    assert "fov = 60.0" in text
    assert "[character.fox]" in text
    assert "lengths = [0.25, 0.333333]" in text
    table = tomllib.loads(text)["camera"]['Böse "Cam" [1].x']
    assert table["calibration"] == {"pitch": 0.123457, "metric": True, "lengths": [0.25, 0.333333]}


def test_every_line_of_a_calibration_is_explained(tmp_path: Path) -> None:
    file = kept(tmp_path / "live.toml")
    for camera in ("A", 'Böse "Cam" [1].x'):
        file.keep(file.first({"camera": camera}))
        file.keep_neutral(camera, neutral())
    text = file.text()
    section = text.split(".calibration]\n")[1].split("\n\n")[0].splitlines()
    assert "Calibrate" in section[0]
    assert len(section) == 1 + 2 * len(neutral())
    for comment, line in zip(section[1::2], section[2::2], strict=True):
        assert comment.startswith("# ")
        assert line.split(" = ")[0] in neutral()
    written = tomllib.loads(text)["camera"]
    assert set(written["A"]["calibration"]) == set(neutral())
    assert text.count("# the camera looks up") == 2


@pytest.mark.parametrize("damage", [b"[last\ncamera=", b"\xff\xfe\x00", b"x = " + b"[" * 9_000, b"#" * (2 << 20)])
def test_a_damaged_file_is_set_aside_and_told_of(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "live.toml"
    for name in ("live.toml.damaged", "live.toml.damaged2"):
        path.write_bytes(damage)
        told: list[str] = []
        assert kept(path, told).first({}) == Settings()
        assert len(told) == 1
        assert "set aside" in told[0]
        assert "\n" not in told[0]
        assert (tmp_path / name).read_bytes() == damage
        assert not path.exists()


def test_a_wrong_value_is_told_and_the_rest_holds(tmp_path: Path) -> None:
    path = tmp_path / "live.toml"
    path.write_text(
        'strange = 1\n[last]\ncamera = "A"\nmodel = 3\n[camera.A]\nfps = 1000\nfov = 70\n[character.fox]\n'
        'framing = "feet"\nsmooth = 0.25\nmine = "kept"\n[camera.A.calibration]\npitch = "steep"\n'
    )
    told: list[str] = []
    file = kept(path, told)
    settings = file.first({})
    assert (settings.camera, settings.fov, settings.smooth, settings.fps) == ("A", 70, 0.25, 30)
    assert [any(name in line for line in told) for name in ("model", "fps", "framing")] == [True] * 3
    assert file.neutral("A") is None
    assert "calibrate again" in told[-1]
    file.keep(settings)
    file.flush(at_once=True)
    again = tomllib.loads(path.read_text())
    assert again["strange"] == 1
    assert again["character"]["fox"]["mine"] == "kept"


def test_tables_that_are_none_are_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "live.toml"
    path.write_text('last = 3\ncamera = "no"\n[character]\nfox = 1\n')
    file = kept(path)
    settings = file.first({"camera": "A"})
    file.keep(settings)
    assert tomllib.loads(file.text())["camera"]["A"]["fps"] == 30


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told: list[str] = []
    file = kept(tmp_path / "live.toml", told)
    file.path = tmp_path / "file" / "live.toml"
    file.keep(file.first({"camera": "A"}))
    file.flush(at_once=True)
    file.flush(at_once=True)
    assert len(told) == 1
    assert "--settings" in told[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fps", 0),
        ("fps", float("nan")),
        ("fps", "30"),
        ("smooth", 1.01),
        ("smooth", True),
        ("fov", 3),
        ("mirror", 1),
        ("person", "nobody"),
        ("framing", "feet"),
        ("size", "huge"),
        ("size", "8x8"),
        ("size", "99999x99999"),
        ("background", "picture:"),
        ("background", "url(http://evil.example)"),
        ("camera", 5),
        ("camera", "a\nb"),
        ("kind", "x"),
    ],
)
def test_what_cannot_be_is_refused_in_words(name: str, value: object) -> None:
    with pytest.raises(BodyDoubleError, match=r"wanted|choose"):
        checked(name, value)


def test_nothing_changes_if_one_value_is_wrong() -> None:
    settings = Settings()
    with pytest.raises(BodyDoubleError):
        changed(settings, {"smooth": 0.1, "fps": -1})
    assert settings == Settings()


def test_a_live_run_gets_radians_and_numbers() -> None:
    settings = changed(Settings(), {"size": "640x480", "fov": 90, "background": "lime"})
    config = to_config(settings, "fox")
    assert config.size == (640, 480)
    assert config.fov == pytest.approx(math.pi / 2)
    assert config.background == "#00ff00"
    assert to_config(changed(settings, {"fov": 0, "size": ""}), "fox").fov is None


@given(st.dictionaries(st.sampled_from(sorted(asdict(Settings()))), st.text(max_size=9) | st.floats() | st.booleans()))
def test_whatever_a_page_sends_is_settings_or_refused(values: dict[str, object]) -> None:
    try:
        settings = changed(Settings(), values)
    except BodyDoubleError as fault:
        assert "\n" not in str(fault)
    else:
        to_config(settings, "fox")
