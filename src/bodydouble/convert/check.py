"""Does a converted model compute what its source does: feeds for it, running it, comparing the answers.

Loads ONNX Runtime only when a model is run. An error is the largest difference over the range of the reference's
values, 0 counted into that range, so that an output of one number has a range too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bodydouble.convert.references import Feed, Place
from bodydouble.types import BodyDoubleError

Tensor = npt.NDArray[Any]

TOLERANCE = 1e-3  # of an output's range
# Sizes for axes that the file leaves open: a multiple of 32 in height and width, which most networks want.
OPEN_PICTURE = (256, 320)
OPEN_BATCH = 1
OPEN_AXIS = 4
CHANNELS = (1, 3, 4)


@dataclass(frozen=True, slots=True)
class Difference:
    """How far an output is from the reference's. error: a part of its range (inf: other shape). rows: of a list of
    unknown length, how many rows have their like, of how many; None where the shapes agree."""

    output: str
    error: float
    rows: tuple[int, int] | None = None


def is_picture(shape: Sequence[int]) -> bool:
    """Whether a tensor of the shape (N, H, W, C) holds pictures."""
    return len(shape) == 4 and shape[3] in CHANNELS and min(shape[1:3]) >= 8


def chosen(place: Place, given: Mapping[str, Sequence[int]], batch: int = OPEN_BATCH) -> tuple[int, ...]:
    """The shape to feed an input with: the one given, else the file's with open sizes filled in."""
    if place.name in given:
        return tuple(given[place.name])
    if place.shape is None:
        return ()
    shape = list(place.shape)
    picture = len(shape) == 4 and shape[3] in CHANNELS
    for axis, size in enumerate(shape):
        if size < 0:
            shape[axis] = batch if axis == 0 else OPEN_PICTURE[axis - 1] if picture and axis < 3 else OPEN_AXIS
    return tuple(shape)


def random_values(shape: Sequence[int], dtype: np.dtype[Any], low: float, high: float, seed: int) -> Tensor:
    """Evenly spread values from low to high; integers take 0 to 255 where the range is of fractions."""
    random = np.random.default_rng(seed)
    if dtype == np.bool_:
        return random.random(shape) < 0.5
    if dtype.kind in "iu":
        limit = min(np.iinfo(dtype).max, 255)
        return random.integers(max(np.iinfo(dtype).min, 0), limit, shape, endpoint=True).astype(dtype)
    return random.uniform(low, high, shape).astype(dtype)


def picture_values(picture: Tensor, shape: Sequence[int], dtype: np.dtype[Any], low: float, high: float) -> Tensor:
    """A photograph (H, W, 3) uint8 cut to the shape's aspect, scaled to it, black at low and white at high."""
    import cv2

    _, height, width, channels = shape
    ratio = max(height / picture.shape[0], width / picture.shape[1])
    rows, columns = round(height / ratio), round(width / ratio)
    top, left = (picture.shape[0] - rows) // 2, (picture.shape[1] - columns) // 2
    cut = picture[top : top + rows, left : left + columns]
    scaled: Tensor = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)
    full = {1: scaled.mean(axis=2, keepdims=True), 3: scaled}.get(channels)
    if full is None:
        full = np.concatenate([scaled, np.full((height, width, 1), 255, np.uint8)], axis=2)
    values = full / 255 * (high - low) + low if dtype.kind == "f" else full
    return np.ascontiguousarray(np.broadcast_to(values.astype(dtype), shape))


def run(model: bytes | str, feed: Feed, threads: int = 1) -> Feed:
    """The outputs of an ONNX model (its bytes or its path) in ONNX Runtime on the CPU, by name.

    Raises BodyDoubleError, one line, if ONNX Runtime cannot.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        names = [place.name for place in session.get_outputs()]
        wanted = {place.name for place in session.get_inputs()}
        values = session.run(names, {name: value for name, value in feed.items() if name in wanted})
    except Exception as error:
        if not type(error).__module__.startswith("onnxruntime") and not isinstance(error, (ValueError, RuntimeError)):
            raise
        raise BodyDoubleError(f"ONNX Runtime cannot run it: {' '.join(str(error).split())}") from error
    return dict(zip(names, values, strict=True))


def partners(names: Sequence[str], others: Sequence[str], aliases: Mapping[str, str]) -> dict[str, str]:
    """For each of the reference's tensor names the ONNX model's: the same, without ":0", or the signature's alias.

    Raises BodyDoubleError where a name has no partner.
    """
    found: dict[str, str] = {}
    bare = {_bare(tensor): alias for tensor, alias in aliases.items()}
    for name in names:
        wishes = [name, _bare(name), f"{_bare(name)}:0"]
        alias = aliases.get(name, bare.get(_bare(name)))
        if alias is not None:
            wishes = [alias, _bare(alias), *wishes]
        partner = next((wish for wish in wishes if wish in others), None)
        if partner is None and len(names) == len(others) == 1:
            partner = others[0]
        if partner is None:
            raise BodyDoubleError(f'no "{name}" among {", ".join(others)}')
        found[name] = partner
    return found


def _bare(name: str) -> str:
    return name.removesuffix(":0")


def differences(wanted: Sequence[Feed], got: Sequence[Feed]) -> list[Difference]:
    """Each output's error over several runs; the range is that of all the runs together."""
    found = []
    for name in wanted[0]:
        values = [np.asarray(answer[name], np.float64) for answer in wanted]
        others = [np.asarray(answer[name], np.float64) for answer in got]
        finite = [value[np.isfinite(value)] for value in values]
        low = min((float(value.min()) for value in finite if value.size), default=0.0)
        high = max((float(value.max()) for value in finite if value.size), default=0.0)
        scale = (max(high, 0.0) - min(low, 0.0)) or 1.0
        pairs = [_difference(value, other) for value, other in zip(values, others, strict=True)]
        rows = [count for _, count in pairs if count is not None]
        total = (sum(n for n, _ in rows), sum(n for _, n in rows)) if rows else None
        found.append(Difference(name, max(error for error, _ in pairs) / scale, total))
    return found


def _difference(wanted: Tensor, got: Tensor) -> tuple[float, tuple[int, int] | None]:
    """Largest difference; where lists differ in length or order, that of each row and its nearest."""
    if wanted.shape == got.shape:
        return _largest(wanted, got), None
    if wanted.ndim != got.ndim or wanted.ndim == 0:
        return np.inf, None
    longer = [axis for axis in range(wanted.ndim) if wanted.shape[axis] != got.shape[axis]]
    if len(longer) > 1:
        return np.inf, None
    rows = np.moveaxis(wanted, longer[0], 0).reshape(wanted.shape[longer[0]], -1)
    others = np.moveaxis(got, longer[0], 0).reshape(got.shape[longer[0]], -1)
    count = max(len(rows), len(others))
    if not len(rows) or not len(others):
        return np.inf, (0, count)
    fewer, more = (rows, others) if len(rows) < len(others) else (others, rows)
    nearest = [float(np.abs(more - row).max(axis=1).min()) for row in fewer]
    return max(nearest), (len(fewer), count)


def _largest(wanted: Tensor, got: Tensor) -> float:
    """Largest difference; values that are not finite must be the same."""
    if wanted.size == 0:
        return 0.0
    with np.errstate(invalid="ignore"):
        difference = np.where((wanted == got) | (np.isnan(wanted) & np.isnan(got)), 0.0, np.abs(wanted - got))
    return float(np.nan_to_num(difference, nan=np.inf).max())


def allowed_threads() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
