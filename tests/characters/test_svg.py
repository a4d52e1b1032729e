"""SVG pictures: one layer alone, what skia ignores rewritten or told, and a reason for whatever does not load."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bodydouble.characters.problems import Problems
from bodydouble.characters.svg import rasterise, read_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 100 100">'
RED, GREEN, NONE = (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 0, 0)


def draw(tmp_path: Path, body: str, layer: str = "", scale: float = 1.0, head: str = HEAD) -> tuple:
    path = tmp_path / "picture.svg"
    path.write_text(f"{head}{body}</svg>")
    problems = Problems()
    drawing = read_svg(path, problems)
    return (None if drawing is None else rasterise(drawing, layer, scale, problems)), problems


DRAWN = {
    "style sheet, class": '<style>.a, .b { fill: #f00; }</style><rect class="b" width="50" height="50"/>',
    "style sheet, id beats class": (
        '<style>#x{fill:#f00}.b{fill:#00f}</style><rect id="x" class="b" width="50" height="50"/>'
    ),
    "plain href": '<defs><rect id="q" width="50" height="50" fill="#f00"/></defs><use href="#q"/>',
    "symbol": '<symbol id="q"><rect width="50" height="50" fill="#f00"/></symbol><use xlink:href="#q"/>',
    "switch": '<switch><g><rect width="50" height="50" fill="#f00"/></g></switch>',
    "eight digits": '<rect width="50" height="50" fill="#ff0000ff"/>',
    "important": '<rect width="50" height="50" style="fill:#f00 !important"/>',
    "parent's colour": '<g fill="#f00"><g id="L"><rect width="50" height="50"/></g></g>',
}


@pytest.mark.parametrize("kind", DRAWN)
def test_what_skia_would_ignore_is_drawn(kind, tmp_path):
    image, problems = draw(tmp_path, DRAWN[kind])
    assert problems.errors == []
    assert tuple(image[20, 20]) == RED


def test_a_layer_alone_keeps_its_parents_and_what_it_refers_to(tmp_path):
    body = """<g id="other"><rect id="shape" width="30" height="30" fill="#0f0"/></g>
      <g transform="translate(50 50)"><rect width="9" height="9" fill="#f00"/><g id="L"><use href="#shape"/></g></g>"""
    image, problems = draw(tmp_path, body, "L")
    assert problems.errors == []
    assert tuple(image[60, 60]) == GREEN
    assert tuple(image[10, 10]) == NONE
    assert tuple(image[55, 45]) == NONE


def test_scale_makes_more_pixels_of_the_same_picture(tmp_path):
    body = '<circle cx="40" cy="60" r="25" fill="#f00"/>'
    small, _ = draw(tmp_path, body)
    large, _ = draw(tmp_path, body, scale=3.0)
    assert large.shape == (300, 300, 4)
    assert large[..., 3].mean() == pytest.approx(small[..., 3].mean(), rel=0.01)
    centre = np.argwhere(large[..., 3] > 128).mean(axis=0)
    assert centre == pytest.approx([180, 120], abs=1)


@pytest.mark.parametrize(
    ("body", "layer", "words"),
    [
        ("<g>", "", ["picture.svg", "line 1", "column", "mismatched tag"]),
        ("<g id='a'/><g id='b'/>", "c", ['"c"', "a, b"]),
        ("<g id='a'/>", "a", ['"a"', "nothing"]),
        ("<g id='a' style='display:none'><rect width='9' height='9'/></g>", "a", ['"a"', "hidden"]),
        ("<rect x='200' width='9' height='9'/>", "", ["nothing", "viewBox"]),
    ],
)
def test_what_does_not_load_has_a_reason(tmp_path, body, layer, words):
    image, problems = draw(tmp_path, body, layer)
    assert image is None
    assert len(problems.errors) == 1
    for word in words:
        assert word in problems.errors[0]


def test_size_is_needed_and_read(tmp_path):
    image, problems = draw(tmp_path, "", head='<svg xmlns="http://www.w3.org/2000/svg">')
    assert image is None and "viewBox" in problems.errors[0]
    rect = '<rect width="10" height="10"/>'
    image, _ = draw(tmp_path, rect, head='<svg xmlns="http://www.w3.org/2000/svg" width="2in" height="96">')
    assert image.shape == (96, 192, 4)
    image, problems = draw(tmp_path, rect, head='<svg viewBox="0 0 9 9">')
    assert "xmlns" in problems.errors[0]


def test_what_is_not_drawn_is_told(tmp_path):
    body = '<rect width="9" height="9"/><text>hello</text><image href="x.png"/><style>g > rect {fill: red}</style>'
    _, problems = draw(tmp_path, body)
    assert [any(word in line for line in problems.warnings) for word in ("<text>", "<image>", "g > rect")] == [True] * 3


@pytest.mark.clips
@pytest.mark.parametrize("name", ["girl.svg", "skeleton.svg"])
def test_drawings_of_others_load(test_data, name):
    problems = Problems()
    drawing = read_svg(test_data / "svg_puppets" / name, problems)
    assert drawing is not None, problems.errors
    for layer in ("", *(layer for layer in drawing.layers if layer.startswith(("illustration", "skeleton")))):
        image = rasterise(drawing, layer, 0.5, problems)
        assert image is not None, problems.errors
        assert image[..., 3].any()
