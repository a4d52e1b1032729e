"""What a user may do, whichever page asks: calibrations kept per camera, recordings, what a page may name."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bodydouble.characters import samples
from bodydouble.retarget.neutral import Neutral
from bodydouble.stage import messages, reports
from bodydouble.stage.commands import carry_out
from bodydouble.stage.desk import Desk
from bodydouble.stage.settings import Kept
from bodydouble.stage.text import written
from bodydouble.types import BodyDoubleError
from made_live import CAMERA, MadeLive, made_desk, neutral

OTHER = reports.CameraChoice("Other Cam", "Other Cam (number 1)", [reports.CameraMode(640, 480, 30.0)])


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    made = made_desk(tmp_path)
    made.listing.find_cameras = lambda: [CAMERA, OTHER]
    made.listing.refresh()
    yield made
    made.close()


def live_of(desk: Desk) -> MadeLive:
    assert isinstance(desk.live, MadeLive)
    return desk.live


def test_a_calibration_belongs_to_its_camera(desk: Desk, tmp_path: Path) -> None:
    live = live_of(desk)
    live.config = replace(live.config, neutral=neutral(0.123456789))  # as a run does when it has learnt
    desk.change({"camera": OTHER.name})
    assert live.config.neutral is None, "the other camera stands elsewhere"
    live.config = replace(live.config, neutral=neutral(-0.2))
    desk.tick()
    desk.change({"smooth": 0.9})
    assert live.config.neutral == neutral(-0.2), "a slider does not undo it"
    desk.change({"camera": CAMERA.name})
    assert live.config.neutral is not None
    assert live.config.neutral["pitch"] == pytest.approx(0.123457)
    desk.close()

    table = tomllib.loads((tmp_path / "live.toml").read_text())["camera"]
    assert table[OTHER.name]["calibration"]["pitch"] == -0.2
    again = Kept(tmp_path / "live.toml").neutral(CAMERA.name)
    assert again is not None
    assert Neutral.from_toml(again).pitch == pytest.approx(0.123457)


def test_a_calibration_is_forgotten(desk: Desk, tmp_path: Path) -> None:
    live = live_of(desk)
    live.config = replace(live.config, neutral=neutral())
    desk.tick()
    assert desk.status(1).calibration.calibrated
    assert desk.calibrate(-1) == ""
    assert desk.status(1).calibration.calibrated, "leaving off a countdown forgets nothing"
    assert "forgotten" in desk.calibrate(0)
    assert not desk.status(1).calibration.calibrated
    desk.close()
    assert "calibration" not in (tmp_path / "live.toml").read_text()


def test_what_a_camera_was_left_with_comes_back(desk: Desk) -> None:
    desk.change({"size": "1280x720", "fov": 80, "mirror": False})
    desk.change({"camera": OTHER.name})
    assert desk.settings.size == ""
    desk.change({"camera": OTHER.name, "mirror": True, "fov": 0})
    assert live_of(desk).config.fov is None
    desk.change({"camera": CAMERA.name})
    assert (desk.settings.size, desk.settings.fov, desk.settings.mirror) == ("1280x720", 80, False)
    assert live_of(desk).config.size == (1280, 720)


def test_characters_are_listed_where_cameras_cannot_be(tmp_path: Path) -> None:
    def no_cameras() -> list[reports.CameraChoice]:
        raise BodyDoubleError("cameras cannot be listed here")

    desk = made_desk(tmp_path)
    desk.listing.find_cameras = no_cameras
    with pytest.raises(BodyDoubleError, match="cannot be listed"):
        desk.listing.refresh()
    assert {"fox", "mira"} <= {character.name for character in desk.choices("", "").characters}
    desk.close()


def test_choices_and_status_are_messages(desk: Desk) -> None:
    choices = json.loads(written(desk.choices("http://a/stage", "")))
    assert choices["cameras"][2]["modes"] == [{"width": 640, "height": 480, "fps": 30.0}]
    assert [camera["name"] for camera in choices["cameras"]] == ["browser", CAMERA.name, OTHER.name]
    status = json.loads(written(desk.status(3)))
    assert status["output"]["pages"] == 3
    assert status["recording"]["state"] == "off"
    assert set(status) == {"kind", *(field for field in messages.Status.__dataclass_fields__ if field != "kind")}


def test_a_camera_of_the_command_line_is_listed_and_may_be_chosen_again(tmp_path: Path) -> None:
    desk = made_desk(tmp_path, camera="/films/me.mp4")
    desk.listing.refresh()
    assert "/films/me.mp4" in [camera.name for camera in desk.choices("", "").cameras]
    desk.change({"camera": "browser"})
    desk.change({"camera": "/films/me.mp4"})
    with pytest.raises(BodyDoubleError, match="no camera"):
        desk.change({"camera": "/films/other.mp4"})
    desk.close()


def test_a_streams_password_is_not_shown(tmp_path: Path) -> None:
    desk = made_desk(tmp_path, camera="rtsp://me:secret@cam.example/live")
    choice = desk.choices("", "").cameras[-1]
    assert choice.label == "rtsp://cam.example/live"
    desk.close()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (messages.Record("record", 5, False), "nothing is being recorded"),
        (messages.Calibrate("calibrate", 5, 1000.0), "nobody waits"),
        (messages.Follow("follow", 5, 3.0, 0.5), "click on a person"),
        (messages.Change("change", 5, {"fps": 0.0}), "fps"),
    ],
)
def test_what_cannot_be_done_is_answered(desk: Desk, command: Any, words: str) -> None:
    outcome = carry_out(desk, command)
    assert (outcome.answer.id, outcome.answer.ok) == (5, False)
    assert words in outcome.answer.message
    assert not outcome.settings


def test_a_command_tells_what_it_changed(desk: Desk) -> None:
    outcome = carry_out(desk, messages.Change("change", 6, {"smooth": 0.25}))
    assert outcome.answer.ok
    assert outcome.settings
    assert carry_out(desk, messages.Refresh("refresh", 7)).choices
    assert not carry_out(desk, messages.Change("change", 8, {"smooth": 0.25})).settings


def test_a_recording_that_goes_on_is_completed_at_the_end(desk: Desk) -> None:
    desk.record(True, False)
    for _ in range(3):
        live_of(desk).move()
    desk.close()
    assert [path.suffix for path in desk.folders.recordings.iterdir()] == [".parquet"]
    desk.close()


def test_what_there_is_is_told_as_it_is_found(tmp_path: Path) -> None:
    desk = made_desk(tmp_path)
    told = [desk.choices("", "") for _ in desk.listing.bit_by_bit()]
    assert [camera.name for camera in told[0].cameras][1:] == [CAMERA.name]
    assert all({one.name for one in choices.characters} == set(samples()) for choices in told)
    authors = [sum(one.author != "" for one in choices.characters) for choices in told]
    assert authors == list(range(len(samples()) + 1)), "each is looked at after the other"
    assert told[-1].characters == desk.wardrobe.choices()


def test_a_character_that_cannot_be_loaded_is_listed_no_longer(tmp_path: Path) -> None:
    desk = made_desk(tmp_path)
    broken = desk.wardrobe.own / "broken"
    broken.mkdir(parents=True)
    (broken / "puppet.toml").write_text("name = 1")
    assert {one.name for one in desk.wardrobe.unseen()} == {*samples(), "broken"}
    list(desk.listing.bit_by_bit())
    assert {one.name for one in desk.choices("", "").characters} == set(samples())


def test_a_command_between_knows_better_than_what_was_found_so_far(tmp_path: Path) -> None:
    desk = made_desk(tmp_path)
    steps = desk.listing.bit_by_bit()
    next(steps)
    desk.listing.refresh_folders()
    list(steps)
    assert {one.name for one in desk.choices("", "").characters} == set(samples())


def test_characters_are_found_where_cameras_cannot_be(tmp_path: Path) -> None:
    def no_cameras() -> list[reports.CameraChoice]:
        raise BodyDoubleError("cameras cannot be listed")

    desk = made_desk(tmp_path)
    desk.listing.find_cameras = no_cameras
    with pytest.raises(BodyDoubleError, match="cannot be listed"):
        list(desk.listing.bit_by_bit())
    assert desk.choices("", "").characters
