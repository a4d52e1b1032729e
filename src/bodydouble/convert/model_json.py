"""The model.json of TensorFlow.js as JSON: what graph models and layers models have in common."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bodydouble.types import BodyDoubleError


def read_json(path: Path) -> Any:
    """What a model.json holds. Raises BodyDoubleError, in one line, for a file that cannot be read or is damaged."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BodyDoubleError(f"cannot read the model {path}: {error.strerror}") from error
    return parse_json(path, text)


def parse_json(path: Path, text: str | bytes) -> Any:
    """What the text of a model.json holds; path: whose, for the BodyDoubleError of one that is damaged."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BodyDoubleError(f"{path} is damaged JSON ({error}), perhaps cut short: fetch it again") from error
