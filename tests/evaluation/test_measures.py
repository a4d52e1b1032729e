"""OKS, PCK and errors: known by hand."""

import numpy as np
import pytest
from made_truth import NAMES, annotation, document, grid, pose, write

from bodydouble.evaluation.measures import measure, oks
from bodydouble.evaluation.results import Result, read_results, result_of, write_results
from bodydouble.evaluation.truth import read_truth
from bodydouble.skeletons import BLAZEPOSE_33
from bodydouble.types import BodyDoubleError, Pose


def truth_of(tmp_path, *people, **more):
    return read_truth(write(tmp_path, document(list(people), **more)))


def result(picture: int, points: np.ndarray, score: float = 0.5, person: int | None = None) -> Result:
    return Result(picture, points, np.ones(len(points)), score, person)


def test_oks_by_hand(tmp_path) -> None:
    truth = truth_of(tmp_path, annotation(1, 1, grid(0, 0), [2] * 8 + [0] * 9, area=2500.0))
    person = truth.people[0]
    away = 2 * truth.sigmas * np.sqrt(2 * 2500.0 * np.log(2))  # exp(-e) = 0.5
    shift = np.zeros((17, 2))
    shift[:4, 1] = away[:4]  # four of the eight labelled points
    shift[8:] = 999  # not labelled
    assert oks(person, grid(0, 0) + shift, truth.sigmas) == pytest.approx(0.75)
    (hit,) = measure(truth, [result(1, grid(0, 0) + shift)]).hits
    assert hit.similarity[:8] == pytest.approx([0.5] * 4 + [1.0] * 4)
    assert np.isnan(hit.similarity[8:]).all() and np.isnan(hit.distance[8:]).all()


def test_oks_is_that_of_pycocotools(tmp_path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    random = np.random.default_rng(3)
    people = [annotation(n, 1, grid(30.0 * n, 5), random.choice([0, 1, 2], 17)) for n in range(1, 5)]
    people.append(annotation(5, 1, grid(0, 100), 0))
    path = write(tmp_path, document(people))
    truth = read_truth(path)
    results = [result(1, grid(*random.uniform(0, 120, 2)), 0.9 - 0.1 * n) for n in range(6)]
    write_results(tmp_path / "results.json", results, truth)
    reference = COCO(str(path))
    evaluator = COCOeval(reference, reference.loadRes(str(tmp_path / "results.json")), "keypoints")
    evaluator.params.imgIds = [1]
    evaluator._prepare()
    table = evaluator.computeOks(1, 1)
    ours = [[oks(person, one.points, truth.sigmas) for person in truth.people] for one in results]
    assert np.array(ours) == pytest.approx(table)


def test_people_and_results_are_paired_once_the_best_first(tmp_path) -> None:
    truth = truth_of(
        tmp_path, annotation(1, 1, grid(0, 0)), annotation(2, 1, grid(20, 0)), annotation(3, 2, grid(0, 0))
    )
    between, exact, nowhere = result(1, grid(12, 0), 0.9), result(1, grid(20, 0), 0.1), result(2, grid(220, 140))
    measures = measure(truth, [between, exact, nowhere])
    assert [hit.result for hit in measures.hits] == [between, exact, None]
    assert measures.hits[1].oks == 1.0
    assert [hit.person.id for hit in measures.missed] == [3]
    assert measures.invented == (nowhere,)
    assert measures.mean_oks == pytest.approx((measures.hits[0].oks + 1.0) / 3)


def test_in_the_boxes_a_result_belongs_to_its_person(tmp_path) -> None:
    truth = truth_of(tmp_path, annotation(1, 1, grid(0, 0)), annotation(2, 1, grid(20, 0)))
    swapped = [result(1, grid(20, 0), person=1), result(1, grid(0, 0), person=2)]
    measures = measure(truth, swapped)
    assert [hit.oks for hit in measures.hits] == [pytest.approx(oks(truth.people[0], grid(20, 0), truth.sigmas))] * 2
    with pytest.raises(BodyDoubleError, match="annotation 9"):
        measure(truth, [result(1, grid(0, 0), person=9)])


def test_crowds_and_the_unlabelled_neither_gain_nor_cost(tmp_path) -> None:
    truth = truth_of(
        tmp_path,
        annotation(1, 1, grid(0, 0)),
        annotation(2, 1, grid(150, 0), iscrowd=1),
        annotation(3, 2, grid(0, 0), visible=0),
    )
    measures = measure(truth, [result(1, grid(0, 0)), result(1, grid(150, 0)), result(2, grid(10, 10))])
    assert (len(measures.hits), measures.mean_oks, measures.invented) == (1, 1.0, ())


def test_pck_and_error_are_shares_of_the_longer_side(tmp_path) -> None:
    truth = truth_of(
        tmp_path, annotation(1, 1, grid(0, 0), [2] * 4 + [0] * 13), annotation(2, 2, grid(0, 0), [2] + [0] * 16)
    )
    points = grid(0, 0)
    points[:4, 0] += [0.0, 4.0, 9.0, 15.0]  # of 100 pixels
    measures = measure(truth, [result(1, points)])
    assert measures.pck == {0.05: 2 / 5, 0.1: 3 / 5, 0.2: 4 / 5}  # the person who was missed has one point
    assert measures.error == pytest.approx(0.07)
    assert measures.point_error[:4] == pytest.approx([0.0, 0.04, 0.09, 0.15])
    assert measures.point_pck[:4].tolist() == [0.5, 1.0, 1.0, 0.0]
    assert np.isnan(measures.point_oks[4:]).all()
    assert measures.found == 0.5


def test_nobody_annotated(tmp_path) -> None:
    measures = measure(truth_of(tmp_path), [result(1, grid(0, 0))])
    assert (measures.mean_oks, measures.found, len(measures.invented)) == (0.0, 0.0, 1)
    assert np.isnan(measures.error) and set(measures.pck.values()) == {0.0}


def test_a_pose_of_another_layout_goes_by_name(tmp_path) -> None:
    points = np.random.default_rng(0).uniform(0, 100, (33, 2)).round(3)
    seen = Pose(BLAZEPOSE_33.name, points, np.full(33, 0.5), 0.8, 0.0)
    truth = truth_of(tmp_path)
    found = result_of(seen, truth, 1)
    for name in ("nose", "left_wrist", "right_ankle"):
        assert found.points[NAMES.index(name)].tolist() == points[BLAZEPOSE_33.index[name]].tolist()
    assert found.score == pytest.approx(0.4)
    other = truth_of(tmp_path, names=["neck", "right_knee", "tail"])
    found = result_of(seen, other, 1)
    shoulders = [BLAZEPOSE_33.index[side + "_shoulder"] for side in ("left", "right")]
    assert found.points[0] == pytest.approx(points[shoulders].mean(axis=0), abs=1e-3)
    assert found.points[2].tolist() == [0.0, 0.0] and found.scores.tolist() == [0.5, 0.5, 0.0]


def test_results_come_back_from_their_file(tmp_path) -> None:
    truth = truth_of(tmp_path, annotation(1, 1, grid(0, 0)))
    results = [result_of(pose(grid(1.25, 3), 0.75), truth, 1, 1), result_of(pose(grid(0, 0), 0.5, 0.123456), truth, 2)]
    write_results(tmp_path / "out.json", results, truth)
    for before, after in zip(results, read_results(tmp_path / "out.json", truth), strict=True):
        assert (before.picture, before.score, before.person) == (after.picture, after.score, after.person)
        assert np.array_equal(before.points, after.points) and np.array_equal(before.scores, after.scores)
    write_results(tmp_path / "none.json", [], truth)
    assert read_results(tmp_path / "none.json", truth) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "holds no list"),
        ("oks", "is not JSON"),
        ('[{"image_id": 1}]', "entry 0: no image_id"),
        ('[{"image_id": 1, "score": 1, "keypoints": [1, 2, 3]}]', "3 keypoint values"),
        ("[5]", "entry 0"),
    ],
)
def test_a_broken_results_file_is_told_in_one_line(tmp_path, text, says) -> None:
    truth = truth_of(tmp_path)
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(BodyDoubleError, match=says):
        read_results(tmp_path / "broken.json", truth)
