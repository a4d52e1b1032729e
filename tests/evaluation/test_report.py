"""The report: one file that needs nothing else, and says what the figures say."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from made_truth import Finder, annotation, document, grid, number_pictures, write

from bodydouble.evaluation import charts
from bodydouble.evaluation.pictures import Folder
from bodydouble.evaluation.report import write_report
from bodydouble.evaluation.run import Run, judge, run_model
from bodydouble.evaluation.truth import read_truth

PEOPLE = [annotation(1, 1, grid(10, 20)), annotation(2, 1, grid(150, 40), iscrowd=1), annotation(3, 2, grid(40, 60))]
VOID = {"meta", "br", "img", "input", "link", "hr"}


class Checked(HTMLParser):
    """Fails on tags that do not close, and keeps the text and what is referred to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.references: list[str] = []

    def handle_starttag(self, tag, attributes) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.references += [value for name, value in attributes if name in ("href", "src") and value]

    def handle_startendtag(self, tag, attributes) -> None:
        self.references += [value for name, value in attributes if name in ("href", "src") and value]

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.text += data + " "


@pytest.fixture
def made(tmp_path):
    content = document(PEOPLE, pictures=3)
    path = write(tmp_path / "pictures", content)
    number_pictures(tmp_path / "pictures", content)
    return read_truth(path), Folder(tmp_path / "pictures"), tmp_path / "report.html"


def verdict(truth, folder, name: str, answers: dict):
    finder = Finder(answers)
    finder.model = name
    return judge(truth, run_model(finder, truth, folder))


def page_of(path) -> Checked:
    page = Checked()
    page.feed(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page


def test_two_models_side_by_side(made) -> None:
    truth, folder, out = made
    verdicts = [
        verdict(truth, folder, "good <&> model", {1: [grid(10, 20)], 2: [grid(41, 60)]}),
        verdict(truth, folder, "other", {1: [grid(10, 20)], 3: [grid(0, 0)]}),
    ]
    write_report(out, truth, verdicts, folder)
    page = page_of(out)
    assert "good <&> model" in page.text
    assert f"{verdicts[0].measures.mean_oks:.3f}" in page.text and "0.500" in page.text
    assert "annotation 3, 75 x 100 pixels" in page.text  # whom the other missed
    assert "3.png" in page.text  # where it invented somebody
    assert "by the mean oks of their people over all models" in page.text.lower()


def test_it_needs_nothing_from_outside_and_holds_each_picture_once(made) -> None:
    truth, folder, out = made
    write_report(out, truth, [verdict(truth, folder, "one", {1: [grid(10, 20)]})] * 2, folder)
    page, text = page_of(out), out.read_text()
    outside = [one for one in page.references if not one.startswith(("#", "data:image/jpeg;base64,"))]
    assert outside == [] and "<script" not in text and "url(" not in text and "@import" not in text
    assert text.count("data:image/jpeg") == 2  # nobody is in the third picture
    assert "prefers-color-scheme: dark" in text
    used = set(re.findall(r'href="#(p\d+)"', text))
    assert used == set(re.findall(r'<image id="(p\d+)"', text))


def test_results_from_a_file_without_pictures(made) -> None:
    truth, folder, out = made
    run = Run("theirs", verdict(truth, folder, "one", {1: [grid(10, 20)]}).run.results)
    write_report(out, truth, [judge(truth, run)], None)
    page = page_of(out)
    assert "results read from a file" in page.text and "Worst" not in page.text
    assert page.references == []


def test_nobody_annotated_and_nobody_found(tmp_path) -> None:
    path = write(tmp_path, document([], pictures=1))
    truth = read_truth(path)
    write_report(tmp_path / "report.html", truth, [judge(truth, Run("none", ()))], Folder(tmp_path))
    assert "Nobody." in page_of(tmp_path / "report.html").text


def test_a_report_that_exists_is_kept_unless_forced(made) -> None:
    truth, folder, out = made
    out.write_text("mine")
    verdicts = [verdict(truth, folder, "one", {})]
    with pytest.raises(Exception, match="exists"):
        write_report(out, truth, verdicts, folder)
    assert out.read_text() == "mine"
    write_report(out, truth, verdicts, folder, force=True)
    assert out.read_text().startswith("<!doctype html>")


def test_bars_are_as_long_as_their_values() -> None:
    svg = charts.bars(["a", "b", "c"], [np.array([0.5, 1.0, np.nan])], ["m"], 1.0, ".2f")
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"', svg)]
    assert len(widths) == 2 and widths[1] == pytest.approx(2 * widths[0], rel=1e-2)


def test_the_distribution_falls_from_all_to_none() -> None:
    svg = charts.distribution([np.array([0.25, 0.75])], ["m"])
    (points,) = re.findall(r'class="curve" points="([^"]+)"', svg)
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert heights == sorted(heights) and len(set(heights)) == 3
