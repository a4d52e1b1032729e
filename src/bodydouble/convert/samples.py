"""Inputs to try a model with: random values, and pictures where an input looks like one.

Sizes that a file leaves open are filled in with ones that most networks take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bodydouble.convert.references import Feed, Place

Tensor = npt.NDArray[Any]
Range = tuple[float, float]

# Height and width for axes that the file leaves open: multiples of 32, which networks that shrink pictures want.
OPEN_PICTURE = (256, 320)
OPEN_BATCH = 1
OPEN_AXIS = 4
CHANNELS = (1, 3, 4)
SMALLEST = 8  # pixels across, of what is taken for a picture
# What black and white become: the two habits of preprocessing that most networks follow.
RANGES: tuple[Range, ...] = ((0.0, 1.0), (-1.0, 1.0))
WAVES = 12  # of a made picture


def is_picture(shape: Sequence[int]) -> bool:
    """Whether a tensor of the shape (N, H, W, C) holds pictures."""
    return len(shape) == 4 and shape[3] in CHANNELS and min(shape[1:3]) >= SMALLEST


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


def made_picture(shape: Sequence[int], seed: int) -> Tensor:
    """A smooth picture (H, W, 3) uint8 of waves of all lengths, of the shape's (N, H, W, C) height and width."""
    height, width = shape[1:3]
    random = np.random.default_rng(seed)
    rows, columns = np.linspace(0, 1, height)[:, None, None], np.linspace(0, 1, width)[None, :, None]
    total = np.zeros((height, width, 3))
    for wave in range(1, WAVES + 1):
        down, across = random.normal(size=(2, 3)) * wave
        phase, strength = random.uniform(0, 2 * np.pi, 3), random.uniform(0.2, 1, 3) / np.sqrt(wave)
        total += strength * np.cos(2 * np.pi * (rows * down + columns * across) + phase)
    total -= total.min()
    scaled: Tensor = np.round(total / max(float(total.max()), 1e-9) * 255).astype(np.uint8)
    return scaled


def feeds(
    places: Sequence[Place],
    *,
    given: Mapping[str, Sequence[int]] | None = None,
    limits: Mapping[str, int] | None = None,
    picture: Tensor | None = None,
) -> list[Feed]:
    """Random values from 0 to 1, then pictures (the one given or a made one) in each of RANGES.

    given: shapes by input. limits: of inputs that count the rows of a table, how many rows there are.
    """
    made = []
    for number, (low, high) in enumerate(((0.0, 1.0), *RANGES)):
        feed: Feed = {}
        for place in places:
            shape = chosen(place, given or {})
            if limits and place.name in limits:
                random = np.random.default_rng(number)
                feed[place.name] = random.integers(0, limits[place.name], shape).astype(place.dtype)
            elif number and is_picture(shape):
                shown = made_picture(shape, number) if picture is None else picture
                feed[place.name] = picture_values(shown, shape, place.dtype, low, high)
            else:
                # RANGES are of pictures; a single number (a ratio, a threshold) is seldom below 0.
                least = low if shape else 0.0
                feed[place.name] = random_values(shape, place.dtype, least, high, number)
        made.append(feed)
    return made
