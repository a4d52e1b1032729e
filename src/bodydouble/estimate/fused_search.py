"""Pieces of a one-file graph that search for people in an image and in tiles of it, as following.py does in numpy.

Source pixels; regions are rows x, y, side, rotation (region.py), a row of zeros is nobody.
"""

from __future__ import annotations

import numpy as np
import onnx

from bodydouble.estimate import assemble, following, sight
from bodydouble.estimate.assemble import Wiring, value
from bodydouble.estimate.fused_apart import BOOL, INT64, REGION, firsts, same_place
from bodydouble.estimate.graph_text import Constants, float32, parse

IMAGE = ("height", "width", 3)


def searching(detect: onnx.ModelProto, rows: int, people: int) -> onnx.ModelProto:
    """`image` -> `places` (m, 4) where somebody may be: of one person in the whole image, of several in tiles as well.

    detect, rows: of fused_looks.Parts. What is searched, and in which order, is what following.Follower searches in a
    first frame.
    """
    whole = Wiring()
    scales = following.TILE_SCALES if people > 1 else ()
    whole.piece(areas(detect, scales), "areas/", {"image": "image"}, {"areas": "areas"})
    whole.tensor("row_shape", np.array([-1, REGION]))
    whole.tensor("list_shape", np.array([-1]))
    if scales:
        body = Wiring()
        body.add("Gather", ["areas", "number"], ["area"], axis=0)
        gives = {"regions": "area_regions", "scores": "area_scores"}
        body.piece(detect, "detect/", {"image": "image", "area": "area"}, gives)
        body.add("Identity", ["going"], ["going_on"])
        there = value("going_on", (), BOOL)
        found = [there, value("area_regions", (rows, REGION)), value("area_scores", (rows,))]
        loop = body.graph("area", [value("number", (), INT64), value("going", (), BOOL)], found)
        whole.tensor("certainly", np.array(True))
        whole.add("Shape", ["areas"], ["areas_entry"], start=0, end=1)
        whole.add("Squeeze", ["areas_entry"], ["number_of_areas"])
        whole.add("Loop", ["number_of_areas", "certainly"], ["deep_regions", "deep_scores"], body=loop)
    else:
        whole.tensor("area_shape", np.array([REGION]))
        whole.add("Reshape", ["areas", "area_shape"], ["area"])
        gives = {"regions": "deep_regions", "scores": "deep_scores"}
        whole.piece(detect, "detect/", {"image": "image", "area": "area"}, gives)
    whole.add("Reshape", ["deep_regions", "row_shape"], ["all_regions"])
    whole.add("Reshape", ["deep_scores", "list_shape"], ["all_scores"])
    feeds = {"regions": "all_regions", "scores": "all_scores"}
    whole.piece(places(detect, people), "places/", feeds, {"places": "places"})
    image = value("image", IMAGE, onnx.TensorProto.UINT8)
    return assemble.model(whole.graph("search", [image], [value("places", ("m", REGION))]), detect, {})


_AXIS = """
    over_signed_{a}_{n} = Sub(length_{a}, side_{n})
    over_{a}_{n} = Max(over_signed_{a}_{n}, nothing)
    parts_{a}_{n} = Div(over_{a}_{n}, advance_{n})
    gaps_{a}_{n} = Ceil(parts_{a}_{n})
    count_{a}_{n} = Add(gaps_{a}_{n}, one)
    count_here_{a}_{n} = Mul(count_{a}_{n}, large_number_{n})
    numbers_{a}_{n} = Range(nothing, count_here_{a}_{n}, one)
    divisor_{a}_{n} = Max(gaps_{a}_{n}, one)
    step_{a}_{n} = Div(over_{a}_{n}, divisor_{a}_{n})
    shift_{a}_{n} = Mul(numbers_{a}_{n}, step_{a}_{n})
    covered_{a}_{n} = Min(side_{n}, length_{a})
    start_{a}_{n} = Mul(covered_{a}_{n}, half)
    middles_{a}_{n} = Add(start_{a}_{n}, shift_{a}_{n})
"""
_TILES = """
    side_{n} = Mul(longer, scale_{n})
    advance_{n} = Mul(side_{n}, free_share)
    large_{n} = GreaterOrEqual(side_{n}, smallest)
    large_number_{n} = Cast<to = 11>(large_{n})
    AXES
    column_{n} = Unsqueeze(middles_y_{n}, second_axis)
    no_column_{n} = Mul(column_{n}, nothing)
    grid_x_{n} = Add(middles_x_{n}, no_column_{n})
    no_grid_{n} = Mul(grid_x_{n}, nothing)
    grid_y_{n} = Add(no_grid_{n}, column_{n})
    grid_side_{n} = Add(no_grid_{n}, side_{n})
    deep_x_{n} = Unsqueeze(grid_x_{n}, last_axis)
    deep_y_{n} = Unsqueeze(grid_y_{n}, last_axis)
    deep_side_{n} = Unsqueeze(grid_side_{n}, last_axis)
    deep_turn_{n} = Unsqueeze(no_grid_{n}, last_axis)
    deep_{n} = Concat<axis = 2>(deep_x_{n}, deep_y_{n}, deep_side_{n}, deep_turn_{n})
    tiles_{n} = Reshape(deep_{n}, rows)
"""


def areas(like: onnx.ModelProto, scales: tuple[float, ...] = following.TILE_SCALES) -> onnx.ModelProto:
    """`image` -> `areas` (n, 4): the whole of it, then tiles of it, as following.Follower searches at first.

    scales: sides of tiles against the longer side of the image. In float64, so that as many tiles come out.
    """
    numbers = range(len(scales))
    tiles = _TILES.replace("AXES", _AXIS.replace("{a}", "x") + _AXIS.replace("{a}", "y"))
    text = f"""
        areas (uint8[height, width, 3] image) => (float[n, {REGION}] areas) {{
            shape = Shape<start = 0, end = 2>(image)
            sides = Cast<to = 11>(shape)
            length_y = Gather(sides, first)
            length_x = Gather(sides, second)
            longer = ReduceMax<keepdims = 0>(sides)
            middles = Mul(sides, half)
            middle = Gather(middles, columns_first)
            side = Reshape(longer, one_entry)
            whole_list = Concat<axis = 0>(middle, side, upright)
            whole = Unsqueeze(whole_list, first_axis)
            {"".join(tiles.replace("{n}", str(n)) for n in numbers)}
            all = Concat<axis = 0>(whole{"".join(f", tiles_{n}" for n in numbers)})
            areas = Cast<to = 1>(all)
        }}
    """
    constants: Constants = {
        "first": np.array(0),
        "second": np.array(1),
        "columns_first": np.array([1, 0]),
        "one_entry": np.array([1]),
        "upright": np.zeros(1),
        "first_axis": np.array([0]),
        "second_axis": np.array([1]),
        "last_axis": np.array([2]),
        "rows": np.array([-1, REGION]),
        "half": np.array(0.5),
        "nothing": np.array(0.0),
        "one": np.array(1.0),
        "free_share": np.array(1 - following.TILE_OVERLAP),
        "smallest": np.array(following.SMALLEST_TILE),
        **{f"scale_{n}": np.array(scale) for n, scale in enumerate(scales)},
    }
    return parse(like, text, constants)


def places(like: onnx.ModelProto, people: int) -> onnx.ModelProto:
    """`regions` (n, 4), `scores` (n,) -> `places` (m, 4) to look at, in that order, each person once.

    The surest first; for one person the largest, and no more than following.LOOKS of them.
    """
    whole = Wiring()
    whole.piece(_by_score(like), "sorted/", {"regions": "regions", "scores": "scores"}, {"ranked": "ranked"})
    whole.piece(same_place(like), "same/", {"ones": "ranked", "others": "ranked"}, {"same": "same"})
    whole.piece(firsts(like), "firsts/", {"same": "same"}, {"kept": "kept"})
    whole.add("NonZero", ["kept"], ["kept_rows"])
    whole.tensor("kept_axis", np.array([0]))
    whole.add("Squeeze", ["kept_rows", "kept_axis"], ["kept_list"])
    whole.add("Gather", ["ranked", "kept_list"], ["each_once"], axis=0)
    if people == 1:
        whole.piece(_largest(like), "largest/", {"regions": "each_once"}, {"largest": "places"})
    else:
        whole.add("Identity", ["each_once"], ["places"])
    inputs = [value("regions", ("n", REGION)), value("scores", ("n",))]
    return assemble.model(whole.graph("places", inputs, [value("places", ("m", REGION))]), like, {})


def _by_score(like: onnx.ModelProto) -> onnx.ModelProto:
    """The regions that are large enough for a person, the surest first."""
    text = f"""
        by_score (float[n, {REGION}] regions, float[n] scores) => (float[m, {REGION}] ranked) {{
            sides = Gather<axis = 1>(regions, side_column)
            large = GreaterOrEqual(sides, smallest)
            rows = NonZero(large)
            list = Squeeze(rows, first_axis)
            regions_here = Gather<axis = 0>(regions, list)
            scores_here = Gather<axis = 0>(scores, list)
            count = Shape(scores_here)
            best, order = TopK<axis = 0>(scores_here, count)
            ranked = Gather<axis = 0>(regions_here, order)
        }}
    """
    constants: Constants = {
        "side_column": np.array(2),
        "smallest": float32(sight.SMALLEST),
        "first_axis": np.array([0]),
    }
    return parse(like, text, constants)


def _largest(like: onnx.ModelProto) -> onnx.ModelProto:
    """The largest regions, following.LOOKS of them at most."""
    text = f"""
        largest (float[n, {REGION}] regions) => (float[m, {REGION}] largest) {{
            sides = Gather<axis = 1>(regions, side_column)
            count = Shape(sides)
            number = Min(count, most)
            greatest, order = TopK<axis = 0>(sides, number)
            largest = Gather<axis = 0>(regions, order)
        }}
    """
    return parse(like, text, {"side_column": np.array(2), "most": np.array([following.LOOKS])})
