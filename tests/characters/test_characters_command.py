"""`bodydouble characters`: list and check, in words that a maker understands."""

from __future__ import annotations

import cv2
import pytest
from typer.testing import CliRunner

from bodydouble.characters import samples
from bodydouble.cli.characters import app
from bodydouble.types import BodyDoubleError

runner = CliRunner()


def test_list_names_every_sample():
    result = runner.invoke(app, ["list"])
    assert result.exit_code == 0
    assert all(name in result.output for name in samples())


def test_check_says_what_there_is_and_writes_the_picture(make_puppet, tmp_path):
    picture = tmp_path / "joints.png"
    result = runner.invoke(app, ["check", str(make_puppet()), "-o", str(picture), "--mesh"])
    assert result.exit_code == 0, result.output
    assert "14 bones, 6 parts" in result.output and "no warnings" in result.output
    assert cv2.imread(str(picture)).shape[2] == 3


def test_check_of_a_faulty_one_lists_all_and_exits_with_2(make_puppet, tmp_path):
    picture = tmp_path / "joints.png"
    folder = make_puppet(('facing = "front"', 'facing = "up"'), ("order = 30", 'order = "top"'))
    result = runner.invoke(app, ["check", str(folder), "-o", str(picture)])
    assert result.exit_code == 2
    assert result.output.count("error: puppet.toml") == 2
    assert "2 errors" in result.output
    assert not picture.exists()


def test_a_picture_that_is_there_is_kept_unless_forced(make_puppet, tmp_path):
    picture = tmp_path / "joints.png"
    picture.write_text("mine")
    folder = str(make_puppet())
    refused = runner.invoke(app, ["check", folder, "-o", str(picture)])
    assert isinstance(refused.exception, BodyDoubleError)
    assert "--force" in str(refused.exception) and picture.read_text() == "mine"
    assert runner.invoke(app, ["check", folder, "-o", str(picture), "--force"]).exit_code == 0


@pytest.mark.parametrize("name", ["joints.jpg", "no/such/folder.png"])
def test_a_picture_that_cannot_be_written_is_one_line(make_puppet, tmp_path, name):
    refused = runner.invoke(app, ["check", str(make_puppet()), "-o", str(tmp_path / name)])
    assert isinstance(refused.exception, BodyDoubleError)
    assert "\n" not in str(refused.exception)
