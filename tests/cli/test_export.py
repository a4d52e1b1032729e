"""bodydouble models export: what it writes and says, and one line for what it refuses, with nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

from bodydouble.cli import main
from bodydouble.estimate import fused
from bodydouble.models import Progress

MADE = """
    <ir_version: 8, opset_import: ["": 17]> made (uint8[height, width, 3] image) => (float[PEOPLE, 2, 3] keypoints) {
        keypoints = Constant<value = float[PEOPLE, 2, 3] {VALUES}>()
    }
"""


@pytest.fixture(autouse=True)
def made_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model "made" that finds zeros."""

    def make(model: str, people: int, regions: bool, progress: Progress) -> onnx.ModelProto:
        text = MADE.replace("PEOPLE", str(people)).replace("VALUES", ", ".join(["0.0"] * (6 * people)))
        made = onnx.parser.parse_model(text)
        onnx.helper.set_model_props(made, {"model": model, "keypoints": '["left", "right"]'})
        return made

    monkeypatch.setitem(fused.FUSERS, "made", make)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command line; its exit code and what it printed."""

    def run(*args: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main(["models", "export", *map(str, args)])
        told = capsys.readouterr()
        return int(exit_.value.code or 0), told.out, told.err.strip()

    return run


def test_a_file_is_written_and_described(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    path = tmp_path / "pose.onnx"
    code, out, err = run("made", "--fused", "-o", path, "--people", "3")
    assert code == 0, err
    assert str(path) in out
    assert "uint8 (height, width, 3)" in out
    assert "float32 (3, 2, 3)" in out
    assert "left, right" in out
    session = onnxruntime.InferenceSession(path)
    (keypoints,) = session.run(None, {"image": np.zeros((4, 5, 3), np.uint8)})
    assert keypoints.shape == (3, 2, 3)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nobody", "--fused"], "choose from"),
        (["nobody"], "nobody"),
        (["made", "--fused", "--people", "0"], "give 1 to"),
        (["made", "--fused", "--people", "33"], "give 1 to"),
        (["movenet-multipose", "--fused", "--people", "7"], "give 1 to 6"),
        (["movenet-multipose", "--fused", "--regions"], "takes no regions"),
        (["posenet-mobilenet", "--fused", "--regions"], "takes no regions"),
        (["made", "--people", "2"], "--fused"),
        (["made", "--regions"], "--fused"),
    ],
)
def test_what_cannot_be_made_is_one_line(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path, args: list[str], words: str
) -> None:
    code, out, err = run(*args, "-o", tmp_path / "pose.onnx")
    assert code == 2
    assert words in err
    assert len(err.splitlines()) == 1
    assert not out
    assert not list(tmp_path.iterdir())


def test_another_suffix_is_refused(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, _, err = run("made", "--fused", "-o", tmp_path / "pose.tflite")
    assert code == 2
    assert ".onnx" in err
    assert not list(tmp_path.iterdir())


def test_a_file_that_exists_stays_without_force(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    path = tmp_path / "pose.onnx"
    path.write_bytes(b"mine")
    code, _, err = run("made", "--fused", "-o", path)
    assert code == 2
    assert "--force" in err
    assert path.read_bytes() == b"mine"
    assert run("made", "--fused", "-o", path, "--force")[0] == 0
    assert onnx.load(path).graph.name == "made"


def test_no_folder_to_write_in_is_told_before_any_work(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    code, _, err = run("nobody", "--fused", "-o", tmp_path / "missing" / "pose.onnx")
    assert code == 2
    assert "does not exist" in err
