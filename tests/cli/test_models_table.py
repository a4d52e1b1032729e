"""bodydouble models list: a line a model, whatever the width of the terminal."""

from __future__ import annotations

import pytest

from bodydouble.cli.models import listing

ROWS = [("name", "size", "what it is"), ("one", "3.0 MB", "the first of all"), ("another", "12.0 MB", "more of it")]


def test_what_is_read_by_programs_has_a_line_a_model() -> None:
    assert listing(ROWS, None) == listing(ROWS, 200)
    assert listing(ROWS, None)[1] == "one      3.0 MB   the first of all"


@pytest.mark.parametrize("width", [30, 20])
def test_in_a_narrow_terminal_no_line_is_broken_by_it_and_no_word_is_lost(width: int) -> None:
    lines = listing(ROWS, width)
    assert max(map(len, lines)) <= width
    assert lines[0] == "name     size"
    words = " ".join(lines).split()
    assert words == " ".join(" ".join(row) for row in [ROWS[0][:-1], *ROWS[1:]]).split()
