"""COCO's figures: known by hand, and the same as pycocotools makes of the same files."""

import contextlib
import io
import json

import numpy as np
import pytest
from made_truth import annotation, document, grid, write

from bodydouble.evaluation.coco import NOBODY, coco_figures
from bodydouble.evaluation.results import Result, read_results, write_results
from bodydouble.evaluation.truth import read_truth
from bodydouble.types import BodyDoubleError

TOOLS = ["faster-coco-eval", "pycocotools"]


def result(picture: int, points: np.ndarray, score: float) -> Result:
    return Result(picture, points, np.ones(len(points)), score)


@pytest.mark.parametrize("tool", TOOLS)
def test_one_of_two_people_found_and_one_invented(tmp_path, tool) -> None:
    truth = read_truth(write(tmp_path, document([annotation(1, 1, grid(0, 0)), annotation(2, 1, grid(150, 0))])))
    figures, curves = coco_figures(truth, [result(1, grid(0, 0), 0.9), result(2, grid(0, 0), 0.8)], tool)
    # precision 1 at the 51 recalls 0, 0.01, ..., 0.50 of 101
    assert figures.ap == pytest.approx(51 / 101)
    assert figures.ap_large == pytest.approx(51 / 101)
    assert figures.ap_medium == NOBODY
    assert figures.ar == pytest.approx(0.5)
    assert curves.at(0.75)[:51] == pytest.approx(np.ones(51))
    assert curves.at(0.75)[51:] == pytest.approx(np.zeros(50))


@pytest.mark.parametrize("tool", TOOLS)
def test_a_person_seen_with_oks_just_above_0_7_counts_up_to_0_7(tmp_path, tool) -> None:
    truth = read_truth(write(tmp_path, document([annotation(1, 1, grid(50, 50))], pictures=1)))
    # exp(-d^2 / (2 (2 sigma)^2 area)) = 0.71 for every point
    away = 2 * truth.sigmas * np.sqrt(2 * 10000.0 * -np.log(0.71))
    figures, _ = coco_figures(truth, [result(1, grid(50, 50) + [1, 0] * away[:, None], 0.5)], tool)
    assert figures.ap == pytest.approx(5 / 10)  # 0.50, 0.55, 0.60, 0.65, 0.70
    assert (figures.ap50, figures.ap75) == pytest.approx((1.0, 0.0))


@pytest.mark.parametrize("tool", TOOLS)
def test_nobody_found_and_nobody_there(tmp_path, tool) -> None:
    truth = read_truth(write(tmp_path, document([annotation(1, 1, grid(0, 0))])))
    figures, _ = coco_figures(truth, [], tool)
    assert (figures.ap, figures.ar) == (0.0, 0.0)
    nobody = read_truth(write(tmp_path, document([])))
    figures, _ = coco_figures(nobody, [result(1, grid(0, 0), 0.5)], tool)
    assert (figures.ap, figures.ar) == (NOBODY, NOBODY)


def crowded(seed: int) -> tuple[dict, list[Result]]:
    """Pictures full of people of all kinds, and results near them, doubled, invented and equal in score."""
    random = np.random.default_rng(seed)
    people, results, number = [], [], 0
    for picture in range(1, 13):
        for _ in range(random.integers(0, 6)):
            number += 1
            size = random.choice([20.0, 45.0, 80.0, 200.0])
            points = np.round(grid(*random.uniform(0, 200, 2), size), 1)
            visible = random.choice([0, 1, 2], 17) if random.random() < 0.8 else 0
            crowd = int(random.random() < 0.15)
            people.append(annotation(number, picture, points, visible, area=0.6 * size**2, iscrowd=crowd))
            for _ in range(random.integers(0, 3)):
                noise = random.normal(0, size * random.choice([0.01, 0.05, 0.15]), points.shape)
                results.append(result(picture, np.round(points + noise, 3), round(random.random(), 1)))
        for _ in range(random.choice([0, 2, 22])):
            results.append(result(picture, np.round(random.uniform(0, 300, (17, 2)), 3), round(random.random(), 2)))
    return document(people, pictures=13), results


@pytest.mark.parametrize("seed", range(6))
def test_figures_are_those_of_pycocotools_on_the_same_files(tmp_path, seed) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    content, results = crowded(seed)
    path = write(tmp_path, content)
    truth = read_truth(path)
    write_results(tmp_path / "results.json", results, truth)
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO(str(path))
        evaluator = COCOeval(reference, reference.loadRes(str(tmp_path / "results.json")), "keypoints")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    for tool in TOOLS:
        figures, _ = coco_figures(truth, read_results(tmp_path / "results.json", truth), tool)
        assert list(figures.as_dict().values()) == pytest.approx(evaluator.stats.tolist(), abs=1e-6), tool
    assert 0 < figures.ap < 1


def test_results_of_other_pictures_or_points_are_an_error(tmp_path) -> None:
    truth = read_truth(write(tmp_path, document([annotation(1, 1, grid(0, 0))])))
    for wrong in (result(9, grid(0, 0), 0.5), result(1, grid(0, 0, count=16), 0.5)):
        with pytest.raises(BodyDoubleError, match="wanted images of"):
            coco_figures(truth, [wrong])


def test_without_a_tool_the_extra_is_named(tmp_path) -> None:
    truth = read_truth(write(tmp_path, document([])))
    with pytest.raises(BodyDoubleError, match=r"bodydouble\[eval\]"):
        coco_figures(truth, [], "another-tool")


def test_the_file_is_coco_results(tmp_path) -> None:
    truth = read_truth(write(tmp_path, document([annotation(1, 1, grid(0, 0))])))
    write_results(tmp_path / "results.json", [result(1, grid(0, 0), 0.5)], truth)
    (entry,) = json.loads((tmp_path / "results.json").read_text())
    assert set(entry) == {"image_id", "category_id", "keypoints", "score"}
    assert len(entry["keypoints"]) == 51
