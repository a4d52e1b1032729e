"""Reading annotation files."""

import json

import numpy as np
import pytest
from made_truth import annotation, document, grid, write

from bodydouble.evaluation.truth import AREA_OF_BOX, OTHER_SIGMA, read_truth, sigma
from bodydouble.skeletons import COCO_17
from bodydouble.types import BodyDoubleError


def read(tmp_path, content):
    return read_truth(write(tmp_path, content))


def test_people_pictures_and_what_counts(tmp_path) -> None:
    people = [
        annotation(1, 1, grid(10, 10)),
        annotation(2, 1, grid(90, 10), iscrowd=1),
        annotation(3, 2, grid(50, 50), visible=0),
        {**annotation(4, 2, grid(0, 0)), "category_id": 7},
    ]
    content = document(people)
    content["categories"].append({"id": 7, "name": "dog", "keypoints": ["nose"]})
    truth = read(tmp_path, content)
    assert [(one.id, one.counts) for one in truth.people] == [(1, True), (2, False), (3, False)]
    assert [len(found) for found in truth.by_picture().values()] == [2, 1]
    assert truth.only(truth.pictures[1:]).people == truth.people[2:]
    assert truth.people[0].size == 100.0


def test_a_layout_of_its_own_goes_by_its_names(tmp_path) -> None:
    points = grid(0, 0, count=3)
    content = document([annotation(1, 1, points)], names=["neck", "left_wrist", "left_ear_tip"])
    content["categories"][0]["name"] = "human"
    truth = read(tmp_path, content)
    assert truth.points == ("neck", "left_wrist", "left_ear_tip")
    assert truth.sigmas.tolist() == [0.079, 0.062, OTHER_SIGMA]
    content["categories"][0]["sigmas"] = [0.1, 0.2, 0.3]
    assert read(tmp_path, content).sigmas.tolist() == [0.1, 0.2, 0.3]


def test_sigmas_of_coco_are_the_published_ones() -> None:
    from pycocotools.cocoeval import Params

    names = document([])["categories"][0]["keypoints"]
    assert [sigma(name) for name in names] == pytest.approx(Params("keypoints").kpt_oks_sigmas.tolist())


def test_what_a_file_may_leave_out(tmp_path) -> None:
    points = grid(20, 30)
    entry = annotation(1, 1, points)
    for key in ("bbox", "area", "iscrowd", "num_keypoints"):
        del entry[key]
    person = read(tmp_path, document([entry])).people[0]
    assert person.box.tolist() == [20.0, 30.0, *np.ptp(points, axis=0).tolist()]
    assert person.area == pytest.approx(AREA_OF_BOX * person.box[2] * person.box[3])
    assert person.counts


def test_a_person_category_without_names_has_cocos(tmp_path) -> None:
    content = document([annotation(1, 1, grid(0, 0))])
    del content["categories"][0]["keypoints"]
    assert read(tmp_path, content).points == COCO_17.points


def broken(**changes):
    content = document([annotation(1, 1, grid(0, 0))])
    return {**content, **changes}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([], "perhaps of results"),
        ({"images": []}, "no images, annotations and categories"),
        (broken(categories=[{"id": 1, "name": "dog"}]), "0 categories"),
        (broken(images=[{"id": 2, "file_name": "x.png"}]), "image 1, which is not among"),
        (broken(images=[{"file_name": "x.png"}]), "without id"),
        (broken(annotations=[annotation(1, 1, grid(0, 0, count=16))]), "48 keypoint values; wanted 51"),
        (broken(annotations=[annotation(1, 1, grid(0, 0))] * 2), "two annotations have the same id"),
        (broken(annotations=[{**annotation(1, 1, grid(0, 0)), "bbox": [1, 2]}]), "wanted x, y, width, height"),
        (broken(annotations=[{"category_id": 1}]), "missing or no numbers"),
    ],
)
def test_a_broken_file_is_told_in_one_line(tmp_path, content, says) -> None:
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(content))
    with pytest.raises(BodyDoubleError, match=says) as error:
        read_truth(path)
    assert "\n" not in str(error.value)


def test_a_file_that_is_missing_or_no_json(tmp_path) -> None:
    with pytest.raises(BodyDoubleError, match="cannot read"):
        read_truth(tmp_path / "none.json")
    (tmp_path / "text.json").write_text("keypoints")
    with pytest.raises(BodyDoubleError, match="is not JSON"):
        read_truth(tmp_path / "text.json")
