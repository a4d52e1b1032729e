"""Pieces of MoveNet's one file that find people: the network for several people in an area, each body once.

Source pixels. As movenet.Networks.detect and movenet_several.people_in, with the crop made in the graph.
"""

from __future__ import annotations

import numpy as np
import onnx

from bodydouble.estimate import assemble, fused_apart, graph, movenet_crop, movenet_graph
from bodydouble.estimate.assemble import Wiring, value
from bodydouble.estimate.fused_apart import REGION
from bodydouble.estimate.graph_text import Constants, float32, parse
from bodydouble.estimate.movenet import MIN_FOUND
from bodydouble.estimate.movenet_graph import PEOPLE, POINTS
from bodydouble.estimate.movenet_several import SAME_BODY

IMAGE = ("height", "width", 3)


# (2,) width and height, and (4,) the square around the whole image, of an image.
PICTURE = """
    shape = Shape<start = 0, end = 2>(image)
    rows_first = Cast<to = 1>(shape)
    picture = Gather(rows_first, columns_first)
    picture_middle = Mul(picture, half)
    picture_side = ReduceMax<keepdims = 1>(picture)
    everything = Concat<axis = 0>(picture_middle, picture_side, upright)
"""
PICTURE_CONSTANTS: Constants = {
    "columns_first": np.array([1, 0]),
    "half": float32(0.5),
    "upright": np.zeros(1, dtype=np.float32),
}


def detect(finder: onnx.ModelProto) -> onnx.ModelProto:
    """`image`, `area` (4,) -> `regions` (6, 4) around the people found in an area, `scores`, as Networks.detect.

    The area itself, if it is the whole image and nobody is found in it.
    """
    wiring = Wiring()
    feeds = {"image": "image", "area": "area"}
    wiring.piece(_part(finder), "part/", feeds, {"part": "part", "corner": "corner"})
    seen = movenet_graph.several_graph(finder, graph.Preparation.IMAGE)
    wiring.piece(seen, "finder/", {"image": "part"}, {"points": "points", "scores": "points_scores"})
    gives = {"chosen_points": "chosen_points", "chosen_scores": "chosen_scores"}
    feeds = {"points": "points", "scores": "points_scores"}
    wiring.piece(choose(finder, PEOPLE, MIN_FOUND), "chosen/", feeds, gives)
    feeds = {name: name for name in ("image", "area", "corner", "chosen_points", "chosen_scores")}
    wiring.piece(_around(finder), "around/", feeds, {"regions": "regions"})
    wiring.add("Identity", ["chosen_scores"], ["scores"])
    inputs = [value("image", IMAGE, onnx.TensorProto.UINT8), value("area", (REGION,))]
    outputs = [value("regions", (PEOPLE, REGION)), value("scores", (PEOPLE,))]
    return assemble.model(wiring.graph("detect", inputs, outputs), finder, {})


_SAME_BODY = """
    place = Gather<axis = 2>(ranked_points, xy)
    place_low = ReduceMin<axes = [1], keepdims = 0>(place)
    place_high = ReduceMax<axes = [1], keepdims = 0>(place)
    extent = Sub(place_high, place_low)
    size = ReduceL2<axes = [1], keepdims = 1>(extent)
    size_row = Transpose<perm = [1, 0]>(size)
    larger = Max(size, size_row)
    reach = Mul(larger, same_share)
    place_here = Unsqueeze(place, first_axis)
    place_there = Unsqueeze(place, second_axis)
    away = Sub(place_here, place_there)
    apart = ReduceL2<axes = [3], keepdims = 0>(away)
    nearest, nearest_rows = TopK<axis = 2, largest = 0>(apart, half_of_points)
    median = ReduceMax<axes = [2], keepdims = 0>(nearest)
    alike = LessOrEqual(median, reach)
    sure = GreaterOrEqual(ranked_scores, least)
    sure_row = Unsqueeze(sure, first_axis)
    same = And(alike, sure_row)
"""


def choose(like: onnx.ModelProto, people: int, least: float) -> onnx.ModelProto:
    """`points` (6, 17, 3), `scores` (6,) -> the surest `people`, or the largest for one; zero where there are fewer.

    Each body once, as movenet_several.people_in. Gives `chosen_points` (people, 17, 3), `chosen_scores` (people,).
    """
    ranking = parse(
        like,
        f"""
        rank (float[{PEOPLE}, {POINTS}, 3] points, float[{PEOPLE}] scores)
        => (float[{PEOPLE}, {POINTS}, 3] ranked_points, float[{PEOPLE}] ranked_scores, float[{PEOPLE}, 1] size,
            bool[{PEOPLE}, {PEOPLE}] same, bool[{PEOPLE}] sure) {{
            ranked_scores, order = TopK<axis = 0>(scores, everybody)
            ranked_points = Gather<axis = 0>(points, order)
            {_SAME_BODY}
        }}
        """,
        {
            "everybody": np.array([PEOPLE]),
            "xy": np.array([0, 1]),
            "same_share": float32(SAME_BODY),
            "first_axis": np.array([0]),
            "second_axis": np.array([1]),
            "half_of_points": np.array([POINTS // 2 + 1]),
            "least": float32(least),
        },
    )
    wiring = Wiring()
    feeds = {"points": "points", "scores": "scores"}
    names = ("ranked_points", "ranked_scores", "size", "same", "sure")
    wiring.piece(ranking, "rank/", feeds, {name: name for name in names})
    wiring.piece(fused_apart.firsts(like), "firsts/", {"same": "same"}, {"kept": "kept"})
    feeds = {name: name for name in ("ranked_points", "ranked_scores", "size", "kept", "sure")}
    gives = {"chosen_points": "chosen_points", "chosen_scores": "chosen_scores"}
    wiring.piece(_best(like, people), "best/", feeds, gives)
    inputs = [value("points", (PEOPLE, POINTS, 3)), value("scores", (PEOPLE,))]
    outputs = [value("chosen_points", (people, POINTS, 3)), value("chosen_scores", (people,))]
    return assemble.model(wiring.graph("choose", inputs, outputs), like, {})


def _best(like: onnx.ModelProto, people: int) -> onnx.ModelProto:
    """The first `people` of those kept who are sure, for one the largest; the others zero."""
    rank = "size_kept" if people == 1 else "row_rank"
    text = f"""
        best (float[{PEOPLE}, {POINTS}, 3] ranked_points, float[{PEOPLE}] ranked_scores, float[{PEOPLE}, 1] size,
              bool[{PEOPLE}] kept, bool[{PEOPLE}] sure)
        => (float[{people}, {POINTS}, 3] chosen_points, float[{people}] chosen_scores) {{
            counted = And(kept, sure)
            counted_number = Cast<to = 1>(counted)
            size_list = Reshape(size, flat)
            size_kept = Mul(size_list, counted_number)
            row_rank = Mul(row_order, counted_number)
            highest, order = TopK<axis = 0>({rank}, number)
            best_points = Gather<axis = 0>(ranked_points, order)
            best_scores = Gather<axis = 0>(ranked_scores, order)
            best_kept = Gather<axis = 0>(counted_number, order)
            mask = Reshape(best_kept, one_person)
            chosen_points = Mul(best_points, mask)
            chosen_scores = Mul(best_scores, best_kept)
        }}
    """
    constants: Constants = {
        "flat": np.array([-1]),
        "row_order": np.arange(PEOPLE, 0, -1).astype(np.float32),
        "number": np.array([people]),
        "one_person": np.array([-1, 1, 1]),
    }
    return parse(like, text, constants)


def _part(like: onnx.ModelProto) -> onnx.ModelProto:
    """`image`, `area` (4,) -> `part`, what of the image is in the area, `corner` (2,) where that begins."""
    text = """
        cut (uint8[height, width, 3] image, float[4] area)
        => (uint8[part_height, part_width, 3] part, float[2] corner) {
            middle = Gather(area, xy)
            side = Gather(area, one_side)
            half_side = Mul(side, half)
            low = Sub(middle, half_side)
            high = Add(middle, half_side)
            low_inside = Max(low, nothing)
            corner = Floor(low_inside)
            high_whole = Floor(high)
            high_end = Add(high_whole, one)
            starts_columns = Cast<to = 7>(corner)
            ends_columns = Cast<to = 7>(high_end)
            starts = Gather(starts_columns, rows_first)
            ends = Gather(ends_columns, rows_first)
            part = Slice(image, starts, ends, both_axes)
        }
    """
    constants: Constants = {
        "xy": np.array([0, 1]),
        "one_side": np.array([2]),
        "half": float32(0.5),
        "nothing": float32(0),
        "one": float32(1),
        "rows_first": np.array([1, 0]),
        "both_axes": np.array([0, 1]),
    }
    return parse(like, text, constants)


def _around(like: onnx.ModelProto) -> onnx.ModelProto:
    """Regions around the people chosen, as movenet_crop.around_everything; the whole image if there is nobody in it."""
    text = f"""
        around (uint8[height, width, 3] image, float[4] area, float[2] corner,
                float[{PEOPLE}, {POINTS}, 3] chosen_points, float[{PEOPLE}] chosen_scores)
        => (float[{PEOPLE}, 4] regions) {{
            {PICTURE}
            place = Gather<axis = 2>(chosen_points, xy)
            low = ReduceMin<axes = [1], keepdims = 0>(place)
            high = ReduceMax<axes = [1], keepdims = 0>(place)
            extent = Sub(high, low)
            ends = Add(high, low)
            middles_part = Mul(ends, half)
            middles = Add(middles_part, corner)
            longer = ReduceMax<axes = [1], keepdims = 1>(extent)
            sides = Mul(longer, close)
            turns = Mul(sides, nothing)
            around_all = Concat<axis = 1>(middles, sides, turns)
            sure = Greater(chosen_scores, nothing)
            sure_column = Unsqueeze(sure, second_axis)
            around_sure = Where(sure_column, around_all, nothing)
            surest = ReduceMax<keepdims = 0>(chosen_scores)
            somebody = Greater(surest, nothing)
            area_side = Gather(area, one_side)
            whole_seen = GreaterOrEqual(area_side, picture_side)
            whole_number = Cast<to = 1>(whole_seen)
            instead_row = Mul(area, whole_number)
            instead_one = Unsqueeze(instead_row, first_axis)
            instead = Mul(instead_one, first_place)
            regions = Where(somebody, around_sure, instead)
        }}
    """
    first = np.zeros((PEOPLE, 1), dtype=np.float32)
    first[0] = 1
    constants: Constants = {
        **PICTURE_CONSTANTS,
        "xy": np.array([0, 1]),
        "close": float32(movenet_crop.CLOSE),
        "nothing": float32(0),
        "one_side": np.array([2]),
        "first_axis": np.array([0]),
        "second_axis": np.array([1]),
        "first_place": first,
    }
    return parse(like, text, constants)
