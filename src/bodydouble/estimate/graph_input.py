"""The piece of graph before a network: the crop of a region, and the values that the network wants to see.

image: (H, W, 3) uint8 RGB of any size, or crop: (height, width, 3) uint8, made by cropping.py. Pixels and radians as in
region.py. How the picture is sampled: graph_sampling.py
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import onnx

from bodydouble.estimate import graph_sampling
from bodydouble.estimate.graph_sampling_text import Border, Rounding, Sampling
from bodydouble.estimate.graph_text import Constants, Part, parse

__all__ = ["Border", "Input", "Preparation", "Rounding", "Sampling", "Values", "Whole", "prepare", "prepare_whole"]

INT32 = onnx.TensorProto.INT32


class Preparation(StrEnum):
    """Where the crop is made: in the graph, in the graph with ONNX's Resize where that can do it, or outside.

    Resize is quick on a CPU; what else runs it, and how exactly, differs.
    """

    IMAGE = "image"
    RESIZE = "resize"
    CROP = "crop"


@dataclass(frozen=True, slots=True)
class Values:
    """What a network wants to see of a byte: value = scale x byte + offset, for all channels or (R, G, B) each.

    integer: int32 in place of float32; the bytes themselves, then.
    """

    scale: float | tuple[float, float, float] = 1.0
    offset: float | tuple[float, float, float] = 0.0
    integer: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """What a network wants to see of a region.

    name: its input, (1, height, width, 3). border, sampling, rounding: of the crop (graph_sampling.py).
    upright: regions are never rotated, which is a quicker graph.
    Raises ValueError for corners on a rotated region: tf.image.crop_and_resize knows no such thing.
    """

    name: str
    width: int
    height: int
    values: Values
    border: Border
    sampling: Sampling = Sampling.NO_EXTENT
    rounding: Rounding = Rounding.NEAREST
    upright: bool = False

    def __post_init__(self) -> None:
        if self.sampling is Sampling.CORNERS and not self.upright:
            raise ValueError("a crop by its corners must be upright; set upright")

    @property
    def size(self) -> int:
        """Width of a crop, which is its height too where a network takes squares."""
        return self.width


@dataclass(frozen=True, slots=True)
class Whole:
    """What a network wants to see that takes the whole picture, whatever its shape.

    name: its input, (1, height, width, 3) of any size. The picture's longer side becomes `longer` pixels, its aspect
    ratio kept, then right and bottom are filled with black up to `multiple` pixels. Sampled without extent, as
    tf.image.resizeBilinear does.
    """

    name: str
    longer: int
    multiple: int
    values: Values
    rounding: Rounding = Rounding.NEAREST

    def resized(self, width: int, height: int) -> tuple[int, int]:
        """Width and height that a picture of this size gets, before the filling."""
        if width > height:
            return self.longer, max(1, int(self.longer * height / width + 0.5))
        return max(1, int(self.longer * width / height + 0.5)), self.longer

    def filled(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height with the filling."""
        width, height = size
        return -(-width // self.multiple) * self.multiple, -(-height // self.multiple) * self.multiple


def prepare(network: onnx.ModelProto, wanted: Input, preparation: Preparation) -> Part:
    """From `image` or `crop` and `region` (4,) to the network's input; hands the region on as `region_again`.

    Raises ValueError for Resize on anything but corners, black outside and rounded down.
    """
    sampler = graph_sampling.Piece("sampled = Cast<to = 1>(crop)")
    picture = f"uint8[{wanted.height}, {wanted.width}, 3] crop"
    if preparation is Preparation.IMAGE:
        picture = "uint8[image_height, image_width, 3] image"
        sample = graph_sampling.upright if wanted.upright else graph_sampling.turned
        sampler = sample(wanted.width, wanted.height, wanted.sampling, wanted.border, wanted.rounding)
    elif preparation is Preparation.RESIZE:
        if (wanted.sampling, wanted.border, wanted.rounding) != (Sampling.CORNERS, Border.BLACK, Rounding.DOWN):
            raise ValueError("Resize crops by corners, black outside and rounded down; use Preparation.IMAGE")
        picture = "uint8[image_height, image_width, 3] image"
        sampler = graph_sampling.resized(wanted.width, wanted.height)
    values, constants = _values(wanted.values)
    kind = "int32" if wanted.values.integer else "float"
    text = f"""
        prepare ({picture}, float[4] region)
        => ({kind}[1, {wanted.height}, {wanted.width}, 3] prepared, float[4] region_again)
        {{ {sampler.text} {values} region_again = Identity(region) }}
    """
    return Part(parse(network, text, {**sampler.constants, **constants}), (("prepared", wanted.name),))


def prepare_whole(network: onnx.ModelProto, wanted: Whole, preparation: Preparation) -> Part:
    """From `image`, or `crop` (of cropping.whole) and `extent`, to the network's input; hands on `extent_again`.

    extent: (2,) width and height that the filled picture would have in source pixels.
    """
    values, constants = _values(wanted.values)
    if preparation is not Preparation.CROP:
        inputs = "uint8[image_height, image_width, 3] image"
        sampler = graph_sampling.fitted(wanted.longer, wanted.multiple, wanted.rounding)
        if preparation is Preparation.RESIZE:
            sampler = graph_sampling.refitted(wanted.longer, wanted.multiple)
    else:
        inputs = "uint8[height, width, 3] crop, float[2] extent"
        sampler = graph_sampling.Piece("sampled = Cast<to = 1>(crop) extent_again = Identity(extent)")
    kind = "int32" if wanted.values.integer else "float"
    text = f"""
        prepare ({inputs}) => ({kind}[1, height, width, 3] prepared, float[2] extent_again)
        {{ {sampler.text} {values} }}
    """
    return Part(parse(network, text, {**sampler.constants, **constants}), (("prepared", wanted.name),))


def _values(wanted: Values) -> tuple[str, Constants]:
    """From `sampled`, bytes as float32 (h, w, 3), to `prepared`, with a batch in front."""
    constants: Constants = {"prepare_batch": np.array([0], dtype=np.int64)}
    steps, last = "", "sampled"
    for name, operator, value, nothing in (("scale", "Mul", wanted.scale, 1.0), ("offset", "Add", wanted.offset, 0.0)):
        if value != nothing:
            constants[f"prepare_{name}"] = np.array(value, dtype=np.float32)
            steps += f"prepare_{name}d = {operator}({last}, prepare_{name})\n"
            last = f"prepare_{name}d"
    if wanted.integer:
        steps += f"prepare_whole = Cast<to = {INT32}>({last})\n"
        last = "prepare_whole"
    return steps + f"prepared = Unsqueeze({last}, prepare_batch)\n", constants
