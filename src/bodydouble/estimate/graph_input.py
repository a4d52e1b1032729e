"""The piece of graph before a network: the crop of a region, and the values that the network wants to see.

image: (H, W, 3) uint8 RGB of any size, or crop: (S, S, 3). Pixels and radians as in region.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import onnx

from bodydouble.estimate.graph_text import Constants, Part, float32, parse


class Preparation(StrEnum):
    """Where the crop is made."""

    IMAGE = "image"
    CROP = "crop"


@dataclass(frozen=True, slots=True)
class Input:
    """What a network wants to see.

    name: its input, (1, size, size, 3). scale, offset: value = scale x byte + offset.
    replicate: outside the image its border continues; otherwise it is black.
    """

    name: str
    size: int
    scale: float
    offset: float
    replicate: bool


def prepare(network: onnx.ModelProto, wanted: Input, preparation: Preparation) -> Part:
    """From `image` or `crop` and `region` to the network's input."""
    size = wanted.size
    constants: Constants = {
        "prepare_scale": float32(wanted.scale),
        "prepare_offset": float32(wanted.offset),
        "prepare_batch": np.array([0], dtype=np.int64),
    }
    normalise = """
        prepare_scaled = Mul(prepare_bytes, prepare_scale)
        prepare_values = Add(prepare_scaled, prepare_offset)
        prepared = Unsqueeze(prepare_values, prepare_batch)
        region_again = Identity(region)
    """
    if preparation is Preparation.CROP:
        picture = f"uint8[{size}, {size}, 3] crop"
        sample = "prepare_bytes = Cast<to = 1>(crop)"
    else:
        picture = "uint8[height, width, 3] image"
        sample = _SAMPLE + (_REPLICATE if wanted.replicate else _BLACK) + _BLEND
        line = np.arange(size, dtype=np.float32) - size / 2
        constants |= {
            "crop_column": line.reshape(1, size),
            "crop_row": line.reshape(size, 1),
            "crop_size": float32(size),
            "one": float32(1),
            "zero": float32(0),
            "pixel_list": np.array([-1, 3], dtype=np.int64),
            "last_axis": np.array([-1], dtype=np.int64),
            **{f"entry_{i}": np.array(i, dtype=np.int64) for i in range(4)},
        }
    text = f"""
        prepare ({picture}, float[4] region) => (float[1, {size}, {size}, 3] prepared, float[4] region_again)
        {{ {sample} {normalise} }}
    """
    return Part(parse(network, text, constants), (("prepared", wanted.name),))


# Crop pixel (i, j) samples the source at A (i, j) + t, with A and t of region.source_from_crop.
_SAMPLE = """
    middle_x = Gather(region, entry_0)
    middle_y = Gather(region, entry_1)
    side = Gather(region, entry_2)
    turn = Gather(region, entry_3)
    ratio = Div(side, crop_size)
    cos = Cos(turn)
    sin = Sin(turn)
    along = Mul(cos, ratio)
    across = Mul(sin, ratio)
    x_of_column = Mul(along, crop_column)
    x_of_row = Mul(across, crop_row)
    y_of_column = Mul(across, crop_column)
    y_of_row = Mul(along, crop_row)
    x_turned = Sub(x_of_column, x_of_row)
    y_turned = Add(y_of_column, y_of_row)
    x = Add(x_turned, middle_x)
    y = Add(y_turned, middle_y)
    left = Floor(x)
    top = Floor(y)
    right = Add(left, one)
    bottom = Add(top, one)
    share_right = Sub(x, left)
    share_bottom = Sub(y, top)
    share_left = Sub(one, share_right)
    share_top = Sub(one, share_bottom)
    shape = Shape(image)
    height = Gather(shape, entry_0)
    width = Gather(shape, entry_1)
    height_float = Cast<to = 1>(height)
    width_float = Cast<to = 1>(width)
    last_row = Sub(height_float, one)
    last_column = Sub(width_float, one)
    left_inside = Clip(left, zero, last_column)
    right_inside = Clip(right, zero, last_column)
    top_inside = Clip(top, zero, last_row)
    bottom_inside = Clip(bottom, zero, last_row)
"""
_REPLICATE = """
    weight_left = Identity(share_left)
    weight_right = Identity(share_right)
    weight_top = Identity(share_top)
    weight_bottom = Identity(share_bottom)
"""
_BLACK = "".join(
    f"""
    {side}_seen = Equal({side}, {side}_inside)
    {side}_seen_float = Cast<to = 1>({side}_seen)
    weight_{side} = Mul(share_{side}, {side}_seen_float)
    """
    for side in ("left", "right", "top", "bottom")
)
_BLEND = (
    "pixels = Reshape(image, pixel_list)"
    + "".join(f"{side}_index = Cast<to = 7>({side}_inside)\n" for side in ("left", "right", "top", "bottom"))
    + "top_start = Mul(top_index, width) bottom_start = Mul(bottom_index, width)"
    + "".join(
        f"""
        {row}_{column}_index = Add({row}_start, {column}_index)
        {row}_{column}_bytes = Gather(pixels, {row}_{column}_index)
        {row}_{column} = Cast<to = 1>({row}_{column}_bytes)
        {row}_{column}_weight = Mul(weight_{row}, weight_{column})
        {row}_{column}_weights = Unsqueeze({row}_{column}_weight, last_axis)
        {row}_{column}_part = Mul({row}_{column}, {row}_{column}_weights)
        """
        for row in ("top", "bottom")
        for column in ("left", "right")
    )
    + """
    blended = Sum(top_left_part, top_right_part, bottom_left_part, bottom_right_part)
    prepare_bytes = Round(blended)
    """
)
