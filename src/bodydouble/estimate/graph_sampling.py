"""How a picture is sampled inside a graph: ONNX text from `image` and `region` to `sampled` (height, width, 3).

image: uint8 (H, W, 3). region: (4,) float32 middle x, y, width in source pixels, rotation (region.py).
sampled: float32 0..255.
Bilinear always; where sample number i of n lies, and what is outside the picture, differs from one library to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bodydouble.estimate.graph_sampling_text import (
    BLACK,
    BLEND_LINES,
    BLEND_POINTS,
    CORNERS,
    CUT,
    FILL,
    FIT,
    FIT_SHAPES,
    LINES,
    NEIGHBOURS,
    NUMBERS,
    PLACE,
    REGION,
    REPLICATE,
    REPLICATE_FIT,
    RESIZE,
    RESIZED,
    ROUND,
    SCALE,
    TURN,
    Border,
    Rounding,
    Sampling,
)
from bodydouble.estimate.graph_text import Constants, float32


@dataclass(frozen=True, slots=True)
class Piece:
    """ONNX text and its constants."""

    text: str
    constants: Constants = field(default_factory=dict)


def offsets(count: int, sampling: Sampling) -> np.ndarray:
    """(count,) places of the samples from the region's middle, in steps between samples."""
    middle = count / 2 if sampling is Sampling.NO_EXTENT else (count - 1) / 2
    return np.arange(count, dtype=np.float32) - np.float32(middle)


def steps(count: int, sampling: Sampling) -> int:
    """Steps between samples in a region's side."""
    return max(count - 1, 1) if sampling is Sampling.CORNERS else count


def turned(width: int, height: int, sampling: Sampling, border: Border, rounding: Rounding) -> Piece:
    """A region of any rotation, width x height samples of one scale."""
    constants: Constants = {
        "crop_column": offsets(width, sampling).reshape(1, width),
        "crop_row": offsets(height, sampling).reshape(height, 1),
        "crop_size": float32(width),
        "pixel_list": np.array([-1, 3], dtype=np.int64),
        "flat": np.array([-1], dtype=np.int64),
        "as_planes": np.array([3, height, width], dtype=np.int64),
        "half": float32(0.5),
        **NUMBERS,
    }
    shift = "x = Sub(x_placed, half) y = Sub(y_placed, half)"
    same = "x = Identity(x_placed) y = Identity(y_placed)"
    place = REGION + TURN + (shift if sampling is Sampling.CENTRES else same)
    weigh = REPLICATE if border is Border.REPLICATE else BLACK
    return Piece(place + NEIGHBOURS + weigh + BLEND_POINTS + ROUND[rounding], constants)


def upright(width: int, height: int, sampling: Sampling, border: Border, rounding: Rounding) -> Piece:
    """A region that is not rotated: rows and columns are mixed one after the other."""
    constants: Constants = {
        "crop_column": offsets(width, sampling),
        "crop_row": offsets(height, sampling),
        "column_steps": float32(steps(width, sampling)),
        "row_steps": float32(steps(height, sampling)),
        "aspect": float32(height / width),
        "half": float32(0.5),
        **NUMBERS,
        **LINES,
    }
    if sampling is Sampling.CORNERS:
        weigh = REPLICATE if border is Border.REPLICATE else CUT
    else:
        weigh = REPLICATE if border is Border.REPLICATE else BLACK
    place = REGION + SCALE + PLACE[sampling] + NEIGHBOURS
    return Piece(place + weigh + BLEND_LINES + ROUND[rounding], constants)


def fitted(longer: int, multiple: int, rounding: Rounding) -> Piece:
    """The whole picture with its longer side `longer`, then black up to `multiple` at the right and at the bottom.

    Also gives `extent_again` (2,): width and height of all of that in source pixels.
    """
    constants: Constants = {
        "longer": float32(longer),
        "multiple": float32(multiple),
        "half": float32(0.5),
        "pair": np.array([1], dtype=np.int64),
        **NUMBERS,
        **LINES,
    }
    return Piece(FIT + NEIGHBOURS + REPLICATE_FIT + BLEND_LINES + ROUND[rounding], constants)


def resized(width: int, height: int) -> Piece:
    """An upright region by its corners, black outside, with ONNX's own operator: on a CPU four times as quick.

    ONNX Runtime mixes bytes with weights of 10 bits and rounds down: one value in twenty is a level less. Where a
    picture is as wide or as high as the crop it leaves that side alone whatever the region says; such a picture goes
    the other way.
    """
    other = upright(width, height, Sampling.CORNERS, Border.BLACK, Rounding.DOWN)
    constants: Constants = {
        "crop_shape": np.array([1, height, width, 3], dtype=np.int64),
        "crop_sides": np.array([height, width, 0], dtype=np.int64),
        "all_axes": np.array([0], dtype=np.int64),
        **RESIZED,
        **other.constants,
    }
    resize = CORNERS + RESIZE.format(mode="tf_crop_and_resize", roi="roi", shape="crop_shape")
    crop = f"float[{height}, {width}, 3] sampled"
    unusual = other.text.removeprefix(REGION)
    choose = f"""
        sides_same = Equal(shape, crop_sides)
        sides_same_number = Cast<to = 7>(sides_same)
        same_count = ReduceSum<keepdims = 0>(sides_same_number, all_axes)
        unusual = Cast<to = 9>(same_count)
        sampled = If<then_branch = mixed () => ({crop.replace("sampled", "mixed_crop")}) {{
            {unusual.replace("sampled =", "mixed_crop =")}
        }}, else_branch = resized () => ({crop.replace("sampled", "resized_crop")}) {{
            {resize.replace("sampled =", "resized_crop =")}
        }}>(unusual)
    """
    return Piece(REGION + choose, constants)


def refitted(longer: int, multiple: int) -> Piece:
    """What `fitted` gives, with ONNX's own operator, as `resized`."""
    fit = fitted(longer, multiple, Rounding.DOWN)
    text = FIT + FIT_SHAPES + RESIZE.format(mode="asymmetric", roi="", shape="fit_shape")
    return Piece(text.replace("sampled =", "unfilled =") + FILL, {**fit.constants, **RESIZED})
