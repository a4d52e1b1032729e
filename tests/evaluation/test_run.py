"""A model over pictures: what it is given, what is kept when a run is cut off, which pictures count."""

import struct

import cv2
import numpy as np
import pytest
from made_truth import Finder, Pointer, annotation, document, grid, number_pictures, write

from bodydouble.evaluation.pictures import Folder, missing_note, present
from bodydouble.evaluation.results import read_results
from bodydouble.evaluation.run import judge, run_model
from bodydouble.evaluation.truth import read_truth
from bodydouble.types import BodyDoubleError

FOUR = [annotation(n, n, grid(10.0 * n, 20)) for n in range(1, 5)]


@pytest.fixture
def made(tmp_path):
    content = document(FOUR, pictures=4)
    path = write(tmp_path / "pictures", content)
    number_pictures(tmp_path / "pictures", content)
    return read_truth(path), Folder(tmp_path / "pictures"), tmp_path / "results.json"


def answers(*numbers: int) -> dict:
    return {n: [grid(10.0 * n, 20)] for n in numbers}


class Heard:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.steps: list[tuple] = []

    def step(self, done, total, text) -> None:
        self.steps.append((done, total, text))

    def say(self, line) -> None:
        self.lines.append(line)


def test_the_model_looks_at_every_picture_with_nobody_remembered(made) -> None:
    truth, folder, out = made
    finder, heard = Finder(answers(1, 3)), Heard()
    run = run_model(finder, truth, folder, out=out, told=heard)
    assert [result.picture for result in run.results] == [1, 3]
    assert (finder.calls, finder.resets, len(run.seconds)) == (4, 4, 4)
    assert heard.steps[0][:2] == (0, 4) and heard.steps[-1][:2] == (4, 4)
    assert run.milliseconds > 0
    verdict = judge(truth, run)
    assert verdict.measures.mean_oks == pytest.approx(0.5)
    assert verdict.as_dict()["point_oks"]["nose"] == pytest.approx(0.5)
    assert [one.picture for one in read_results(out, truth)] == [1, 3]
    assert [path.name for path in out.parent.iterdir() if path.is_file()] == ["results.json"]


def test_at_most_twenty_people_a_picture_the_surest(made) -> None:
    truth, folder, _ = made
    run = run_model(Finder({1: [grid(n, 0) for n in range(25)]}), truth, folder)
    scores = [result.score for result in run.results]
    assert len(scores) == 20 and scores == sorted(scores, reverse=True)


def test_boxes_are_given_only_of_people_who_count(made, tmp_path) -> None:
    people = [*FOUR[:1], annotation(8, 1, grid(100, 0), iscrowd=1), annotation(9, 2, grid(0, 0), visible=0)]
    content = document(people, pictures=2)
    truth = read_truth(write(tmp_path / "boxes", content))
    pointer = Pointer()
    run = run_model(pointer, truth, Folder(tmp_path / "boxes"), crop="gt")
    assert [(result.picture, result.person) for result in run.results] == [(1, 1)]
    assert pointer.calls == 1
    assert judge(truth, run).measures.mean_oks == pytest.approx(1.0)


def test_a_model_without_boxes_says_so(made) -> None:
    truth, folder, _ = made
    with pytest.raises(BodyDoubleError, match="--crop detect"):
        run_model(Finder(), truth, folder, crop="gt")
    with pytest.raises(BodyDoubleError, match="choose from detect, gt"):
        run_model(Finder(), truth, folder, crop="box")


@pytest.mark.parametrize("torn", [False, True])
def test_an_interrupted_run_goes_on(made, torn) -> None:
    truth, folder, out = made
    finder = Finder(answers(1, 2, 3, 4))
    finder.fail_at = 3
    with pytest.raises(KeyboardInterrupt):
        run_model(finder, truth, folder, out=out)
    journal = out.with_name(".results.json.journal")
    assert journal.exists() and not out.exists()
    if torn:  # the machine went off while the second picture was written
        journal.write_bytes(journal.read_bytes()[:-40])
    again, heard = Finder(answers(1, 2, 3, 4)), Heard()
    run = run_model(again, truth, folder, out=out, told=heard)
    assert again.calls == (3 if torn else 2)
    assert heard.lines == [f"finder: going on after {1 if torn else 2} pictures of an interrupted run"]
    assert [result.picture for result in run.results] == [1, 2, 3, 4] and len(run.seconds) == 4
    whole = run_model(Finder(answers(1, 2, 3, 4)), truth, folder)
    for one, other in zip(run.results, whole.results, strict=True):
        assert np.array_equal(one.points, other.points) and one.score == other.score
    assert not journal.exists()


def test_a_run_interrupted_twice_keeps_all(made) -> None:
    truth, folder, out = made
    for fail_at in (2, 2):
        finder = Finder(answers(1, 2, 3, 4))
        finder.fail_at = fail_at
        with pytest.raises(KeyboardInterrupt):
            run_model(finder, truth, folder, out=out)
    last = Finder(answers(1, 2, 3, 4))
    run_model(last, truth, folder, out=out)
    assert last.calls == 2


def test_another_run_starts_over(made) -> None:
    truth, folder, out = made
    finder = Pointer(answers(1, 2, 3, 4))
    finder.fail_at = 3
    with pytest.raises(KeyboardInterrupt):
        run_model(finder, truth, folder, out=out)
    again, heard = Pointer(), Heard()
    run_model(again, truth, folder, crop="gt", out=out, told=heard)
    assert again.calls == 4 and "starting over" in heard.lines[0]


def test_pictures_that_are_missing_are_left_out_and_counted(made) -> None:
    truth, folder, _ = made
    (folder.path / "2.png").unlink()
    there, missing = present(truth, folder)
    assert [picture.id for picture in there.pictures] == [1, 3, 4] and len(there.people) == 3
    assert missing_note(missing, 4, folder).startswith("1 of 4 pictures are not in")
    assert [picture.id for picture in present(truth, folder, 2)[0].pictures] == [1, 3]
    with pytest.raises(BodyDoubleError, match="none of the 4 pictures"):
        present(truth, Folder(folder.path.parent))
    with pytest.raises(BodyDoubleError, match="no folder"):
        present(truth, Folder(folder.path / "nowhere"))


def test_folders_in_names_may_be_left_out_on_disk(tmp_path) -> None:
    content = document([], pictures=1)
    write(tmp_path, content)
    content["images"][0]["file_name"] = "val2017/1.png"
    path = tmp_path / "other.json"
    path.write_text(__import__("json").dumps(content))
    truth = read_truth(path)
    assert Folder(tmp_path).read(truth.pictures[0]).shape == (240, 320, 3)


def with_orientation(path, orientation: int) -> None:
    """Puts an orientation tag into a JPEG."""
    tiff = b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x0112, 3, 1, orientation) + struct.pack("<I", 0)
    body = b"Exif\0\0" + tiff
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:])


@pytest.mark.parametrize(("annotated", "upright"), [((40, 20), False), ((20, 40), True)])
def test_pixels_are_as_stored_unless_only_the_upright_ones_fit(tmp_path, annotated, upright) -> None:
    content = document([], pictures=1, size=annotated)
    content["images"][0]["file_name"] = "1.jpg"
    truth = read_truth(write(tmp_path, content))
    stored = np.zeros((20, 40, 3), np.uint8)
    stored[:, :20] = 255  # left half white
    cv2.imwrite(str(tmp_path / "1.jpg"), stored)
    with_orientation(tmp_path / "1.jpg", 6)
    image = Folder(tmp_path).read(truth.pictures[0])
    assert image.shape == ((40, 20, 3) if upright else (20, 40, 3))
    assert (image[:18].mean() > 250 and image[22:].mean() < 5) == upright


def test_a_picture_of_another_size_is_an_error(tmp_path) -> None:
    content = document([], pictures=1)
    truth = read_truth(write(tmp_path, content))
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((100, 100, 3), np.uint8))
    with pytest.raises(BodyDoubleError, match="is 100x100 and was annotated at 320x240"):
        Folder(tmp_path).read(truth.pictures[0])
