"""Text of the sampling graphs: what graph_sampling.py puts together, step by step, and the ways a sample can lie.

Names that a step gives are read by the steps after it. image: uint8 (H, W, 3); see graph_sampling.py.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from bodydouble.estimate.graph_text import Constants, float32

HAIR = 1e-3  # of a source pixel or of a level: float32 misses whole numbers by less, which must not change a sample


class Sampling(StrEnum):
    """Where sample number i of n lies in a region of s source pixels from x0 on, as a number of a source pixel.

    NO_EXTENT: x0 + i s / n, as if pixels had no extent (MediaPipe, tf.image.transform, tf.image.resizeBilinear).
    CENTRES: x0 + (i + 0.5) s / n - 0.5, middles of pixels on each other (half_pixel_centers; OpenCV's resize).
    CORNERS: (x0 + i s / (n - 1)) (W - 1) / W, the region's edges on the outer samples (tf.image.cropAndResize).
    """

    NO_EXTENT = "no extent"
    CENTRES = "centres"
    CORNERS = "corners"


class Border(StrEnum):
    """What is outside the picture: its border continued, or black.

    With CORNERS a sample outside the picture is black; else every pixel outside that a sample is mixed from.
    """

    REPLICATE = "replicate"
    BLACK = "black"


class Rounding(StrEnum):
    """What becomes of a mixed value: the nearest whole number, the whole number below, or it stays."""

    NEAREST = "nearest"
    DOWN = "down"
    NONE = "none"


NUMBERS: Constants = {
    "one": float32(1),
    "zero": float32(0),
    "hair": float32(HAIR),
    **{f"entry_{i}": np.array(i, dtype=np.int64) for i in range(4)},
}
LINES: Constants = {
    "middle_axes": np.array([1, 2], dtype=np.int64),
    "last_axis": np.array([-1], dtype=np.int64),
    "as_lines": np.array([0, -1], dtype=np.int64),
    "as_pixels": np.array([0, -1, 3], dtype=np.int64),
    "three": np.array([1, 3], dtype=np.int64),
    "one_line": np.array([1, -1], dtype=np.int64),
}

SHAPE = """
    shape = Shape(image)
    height = Gather(shape, entry_0)
    width = Gather(shape, entry_1)
    height_float = Cast<to = 1>(height)
    width_float = Cast<to = 1>(width)
    last_row = Sub(height_float, one)
    last_column = Sub(width_float, one)
"""
REGION = (
    SHAPE
    + """
    middle_x = Gather(region, entry_0)
    middle_y = Gather(region, entry_1)
    side = Gather(region, entry_2)
"""
)
# Crop pixel (i, j) samples the source at A (i, j) + t, with A and t of region.source_from_crop.
TURN = """
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
    x_placed = Add(x_turned, middle_x)
    y_placed = Add(y_turned, middle_y)
"""
SCALE = """
    side_down = Mul(side, aspect)
    x_ratio = Div(side, column_steps)
    y_ratio = Div(side_down, row_steps)
    x_scaled = Mul(x_ratio, crop_column)
    y_scaled = Mul(y_ratio, crop_row)
    x_placed = Add(x_scaled, middle_x)
    y_placed = Add(y_scaled, middle_y)
"""
PLACE = {
    Sampling.NO_EXTENT: """
        x = Identity(x_placed)
        y = Identity(y_placed)
    """,
    Sampling.CENTRES: """
        x = Sub(x_placed, half)
        y = Sub(y_placed, half)
    """,
    Sampling.CORNERS: """
        x_share = Div(x_placed, width_float)
        y_share = Div(y_placed, height_float)
        x = Mul(x_share, last_column)
        y = Mul(y_share, last_row)
    """,
}
# Of the whole picture, columns and rows that lie beyond the resized picture are black (REPLICATE_FIT).
FIT = (
    SHAPE
    + """
    greater = Max(width_float, height_float)
    fit = Div(longer, greater)
    width_fit = Mul(width_float, fit)
    height_fit = Mul(height_float, fit)
    width_more = Add(width_fit, half)
    height_more = Add(height_fit, half)
    width_whole = Floor(width_more)
    height_whole = Floor(height_more)
    resized_width = Max(width_whole, one)
    resized_height = Max(height_whole, one)
    width_parts = Div(resized_width, multiple)
    height_parts = Div(resized_height, multiple)
    width_count = Ceil(width_parts)
    height_count = Ceil(height_parts)
    filled_width = Mul(width_count, multiple)
    filled_height = Mul(height_count, multiple)
    crop_column = Range(zero, filled_width, one)
    crop_row = Range(zero, filled_height, one)
    x_ratio = Div(width_float, resized_width)
    y_ratio = Div(height_float, resized_height)
    x = Mul(crop_column, x_ratio)
    y = Mul(crop_row, y_ratio)
    extent_width = Mul(filled_width, x_ratio)
    extent_height = Mul(filled_height, y_ratio)
    extent_width_list = Reshape(extent_width, pair)
    extent_height_list = Reshape(extent_height, pair)
    extent_again = Concat<axis = 0>(extent_width_list, extent_height_list)
"""
)
NEIGHBOURS = """
    left = Floor(x)
    top = Floor(y)
    right = Add(left, one)
    bottom = Add(top, one)
    share_right = Sub(x, left)
    share_bottom = Sub(y, top)
    share_left = Sub(one, share_right)
    share_top = Sub(one, share_bottom)
    left_inside = Clip(left, zero, last_column)
    right_inside = Clip(right, zero, last_column)
    top_inside = Clip(top, zero, last_row)
    bottom_inside = Clip(bottom, zero, last_row)
    left_index = Cast<to = 7>(left_inside)
    right_index = Cast<to = 7>(right_inside)
    top_index = Cast<to = 7>(top_inside)
    bottom_index = Cast<to = 7>(bottom_inside)
"""
SIDES = ("left", "right", "top", "bottom")
REPLICATE = "".join(f"weight_{side} = Identity(share_{side})\n" for side in SIDES)
BLACK = "".join(
    f"""
    {side}_seen = Equal({side}, {side}_inside)
    {side}_seen_float = Cast<to = 1>({side}_seen)
    weight_{side} = Mul(share_{side}, {side}_seen_float)
    """
    for side in SIDES
)
CUT = """
    x_inside = Clip(x, zero, last_column)
    y_inside = Clip(y, zero, last_row)
    x_off = Sub(x, x_inside)
    y_off = Sub(y, y_inside)
    x_miss = Abs(x_off)
    y_miss = Abs(y_off)
    column_seen = LessOrEqual(x_miss, hair)
    row_seen = LessOrEqual(y_miss, hair)
"""
REPLICATE_FIT = """
    column_seen = Less(crop_column, resized_width)
    row_seen = Less(crop_row, resized_height)
"""
MASK = """
    column_seen_float = Cast<to = 1>(column_seen)
    row_seen_float = Cast<to = 1>(row_seen)
""" + "".join(
    f"weight_{side} = Mul(share_{side}, {line}_seen_float)\n"
    for line, sides in (("column", SIDES[:2]), ("row", SIDES[2:]))
    for side in sides
)
CUT += MASK
REPLICATE_FIT += MASK

# Weights are spread over whole planes, which ONNX Runtime does four times as fast as over the three values of a pixel.
BLEND_POINTS = (
    "pixels = Reshape(image, pixel_list)"
    + "top_start = Mul(top_index, width) bottom_start = Mul(bottom_index, width)"
    + "".join(
        f"""
        {row}_{column}_places = Add({row}_start, {column}_index)
        {row}_{column}_index = Reshape({row}_{column}_places, flat)
        {row}_{column}_bytes = Gather(pixels, {row}_{column}_index)
        {row}_{column}_planes = Transpose<perm = [1, 0]>({row}_{column}_bytes)
        {row}_{column} = Cast<to = 1>({row}_{column}_planes)
        {row}_{column}_weights = Mul(weight_{row}, weight_{column})
        {row}_{column}_weight = Reshape({row}_{column}_weights, flat)
        {row}_{column}_part = Mul({row}_{column}, {row}_{column}_weight)
        """
        for row in ("top", "bottom")
        for column in ("left", "right")
    )
    + """
    blended_planes = Sum(top_left_part, top_right_part, bottom_left_part, bottom_right_part)
    blended_pictures = Reshape(blended_planes, as_planes)
    blended = Transpose<perm = [1, 2, 0]>(blended_pictures)
    """
)
# Each row of samples is one line of 3 x width values, so that weights repeat along one axis only.
BLEND_LINES = (
    "".join(
        f"""
        weight_{column}_list = Unsqueeze(weight_{column}, last_axis)
        weight_{column}_channels = Expand(weight_{column}_list, three)
        weight_{column}_line = Reshape(weight_{column}_channels, one_line)
        """
        for column in ("left", "right")
    )
    + "".join(
        f"""
        {row}_lines = Gather<axis = 0>(image, {row}_index)
        {row}_left_bytes = Gather<axis = 1>({row}_lines, left_index)
        {row}_right_bytes = Gather<axis = 1>({row}_lines, right_index)
        {row}_left_line = Reshape({row}_left_bytes, as_lines)
        {row}_right_line = Reshape({row}_right_bytes, as_lines)
        {row}_left = Cast<to = 1>({row}_left_line)
        {row}_right = Cast<to = 1>({row}_right_line)
        {row}_left_part = Mul({row}_left, weight_left_line)
        {row}_right_part = Mul({row}_right, weight_right_line)
        {row}_line = Add({row}_left_part, {row}_right_part)
        weight_{row}_list = Unsqueeze(weight_{row}, last_axis)
        {row}_part = Mul({row}_line, weight_{row}_list)
        """
        for row in ("top", "bottom")
    )
    + """
    blended_lines = Add(top_part, bottom_part)
    blended = Reshape(blended_lines, as_pixels)
    """
)
ROUND = {
    Rounding.NEAREST: "sampled = Round(blended)",
    Rounding.DOWN: "blended_more = Add(blended, hair) sampled = Floor(blended_more)",
    Rounding.NONE: "sampled = Identity(blended)",
}

RESIZED: Constants = {
    "batch": np.array([0], dtype=np.int64),
    "one_entry": np.array([1], dtype=np.int64),
    "two": float32(2),
    "whole_from": np.array([0], dtype=np.float32),
    "whole_to": np.array([1], dtype=np.float32),
    "channels": np.array([3], dtype=np.int64),
    "one_batch": np.array([1], dtype=np.int64),
    "no_filling": np.array([0], dtype=np.int64),
}
CORNERS = (
    """
    side_down = Mul(side, aspect)
    half_across = Div(side, two)
    half_down = Div(side_down, two)
    x_low = Sub(middle_x, half_across)
    x_high = Add(middle_x, half_across)
    y_low = Sub(middle_y, half_down)
    y_high = Add(middle_y, half_down)
"""
    + "".join(
        f"""
    {axis}_{end}_share = Div({axis}_{end}, {length}_float)
    {axis}_{end}_entry = Reshape({axis}_{end}_share, one_entry)
    """
        for axis, length in (("x", "width"), ("y", "height"))
        for end in ("low", "high")
    )
    + """
    roi = Concat<axis = 0>(whole_from, y_low_entry, x_low_entry, whole_from,
                           whole_to, y_high_entry, x_high_entry, whole_to)
"""
)
RESIZE = """
    pictures = Unsqueeze(image, batch)
    crops = Resize<mode = "linear", coordinate_transformation_mode = "{mode}">(pictures, {roi}, , {shape})
    crop_bytes = Squeeze(crops, batch)
    sampled = Cast<to = 1>(crop_bytes)
"""
FIT_SHAPES = """
    resized_width_whole = Cast<to = 7>(resized_width)
    resized_height_whole = Cast<to = 7>(resized_height)
    resized_width_entry = Reshape(resized_width_whole, one_entry)
    resized_height_entry = Reshape(resized_height_whole, one_entry)
    fit_shape = Concat<axis = 0>(one_batch, resized_height_entry, resized_width_entry, channels)
    filling_right = Sub(filled_width, resized_width)
    filling_bottom = Sub(filled_height, resized_height)
    filling_right_whole = Cast<to = 7>(filling_right)
    filling_bottom_whole = Cast<to = 7>(filling_bottom)
    filling_right_entry = Reshape(filling_right_whole, one_entry)
    filling_bottom_entry = Reshape(filling_bottom_whole, one_entry)
    filling = Concat<axis = 0>(no_filling, no_filling, no_filling,
                               filling_bottom_entry, filling_right_entry, no_filling)
"""
FILL = "sampled = Pad(unfilled, filling)"
