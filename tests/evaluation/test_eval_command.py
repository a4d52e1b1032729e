"""`bodydouble eval` as a user calls it."""

import json

import pytest
from made_truth import Finder, annotation, document, grid, number_pictures, write

from bodydouble.cli import main
from bodydouble.evaluation.results import Result, write_results
from bodydouble.evaluation.truth import read_truth


def run(*args) -> int:
    with pytest.raises(SystemExit) as end:
        main(["eval", *map(str, args)])
    return end.value.code


@pytest.fixture
def made(tmp_path):
    path = write(tmp_path / "pictures", document([annotation(1, 1, grid(10, 20)), annotation(2, 2, grid(0, 0))]))
    truth = read_truth(path)
    found = [Result(1, grid(10, 20), grid(1, 1)[:, 0] * 0 + 1, 0.5)]
    write_results(tmp_path / "theirs.json", found, truth)
    return path, tmp_path


def test_results_are_judged_again_without_a_model(made, capsys) -> None:
    truth, folder = made
    arguments = ["--gt", truth, "--results", folder / "theirs.json", "--images", truth.parent]
    assert run(*arguments, "--report", folder / "r.html", "--figures", folder / "f.json") == 0
    shown = capsys.readouterr().out
    assert "2 people in 2 pictures" in shown and "0.500" in shown and "theirs" in shown
    (figures,) = json.loads((folder / "f.json").read_text())
    assert figures["mean_oks"] == 0.5 and figures["missed"] == 1 and figures["ap"] == pytest.approx(51 / 101)
    assert (folder / "r.html").exists()


def test_limit_counts_pictures(made, capsys) -> None:
    truth, folder = made
    assert run("--gt", truth, "--results", folder / "theirs.json", "--limit", 1) == 0
    assert "1 people in 1 pictures" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to judge"),
        (["--model", "blazepose-lite"], "give their folder with --images"),
        (["--model", "none", "--images", "{images}"], 'no pose model "none"'),
        (["--model", "blazepose-lite", "--images", "nowhere"], "no folder nowhere"),
        (["--model", "blazepose-lite", "--images", "{images}", "--crop", "box"], "choose from detect, gt"),
        (["--model", "blazepose-lite", "--model", "blazepose-lite", "--images", "{images}"], "named twice"),
        (["--results", "{theirs}", "-o", "x.json"], "-o is for what a model finds"),
        (["--results", "{theirs}", "--report", "x.pdf"], "does not end in .html"),
        (["--results", "{theirs}", "--figures", "{theirs}"], "exists"),
        (["--results", "{theirs}", "--limit", "-1"], "--limit -1"),
        (["--results", "nothing.json"], "cannot read nothing.json"),
    ],
)
def test_what_cannot_be_done_is_one_line(made, capsys, arguments, says) -> None:
    truth, folder = made
    given = [argument.format(images=truth.parent, theirs=folder / "theirs.json") for argument in arguments]
    assert run("--gt", truth, *given) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1


def test_a_command_stopped_at_its_second_model_goes_on_there(made, monkeypatch, capsys) -> None:
    truth, folder = made
    number_pictures(truth.parent, json.loads(truth.read_text()))
    answers = {1: [grid(10, 20)], 2: [grid(0, 0)]}
    finders = {"one": Finder(answers), "two": Finder(answers)}
    for name, finder in finders.items():
        finder.model = name
    monkeypatch.setattr("bodydouble.evaluation.judging.load", lambda model, **_: finders[model])
    command = ["--gt", truth, "--images", truth.parent, "--model", "one", "--model", "two", "-o", folder / "out.json"]
    finders["two"].fail_at = 2
    assert run(*command) == 2
    assert "the same command goes on where two was" in capsys.readouterr().err
    assert (folder / "out-one.json").exists() and not (folder / "out-two.json").exists()
    assert run(*command) == 0
    assert (finders["one"].calls, finders["two"].calls) == (2, 3)  # of the two pictures none was looked at again
    assert "1.000" in capsys.readouterr().out
    assert sorted(path.name for path in folder.iterdir() if "out" in path.name) == ["out-one.json", "out-two.json"]
    assert run(*command) == 2  # now it is complete, and kept
    assert "exists" in capsys.readouterr().err


@pytest.mark.models
@pytest.mark.clips
def test_a_model_on_the_photographs(test_data, tmp_path, capsys) -> None:
    coco = test_data / "coco"
    arguments = ["--gt", coco / "test_coco.json", "--images", coco, "--model", "blazepose-lite", "--device", "cpu"]
    assert run(*arguments, "--crop", "gt", "-o", tmp_path / "out.json") == 0
    assert (
        run("--gt", coco / "test_coco.json", "--results", tmp_path / "out.json", "--figures", tmp_path / "f.json") == 0
    )
    (figures,) = json.loads((tmp_path / "f.json").read_text())
    assert figures["people"] == 12
    assert figures["mean_oks"] > 0.7  # 0.74; with upright squares in place of rotated regions 0.6
    assert figures["missed"] == 0
