"""MoveNet as one file: people found, crops, network and the next crops in one graph.

Source pixels. The parts are those of movenet.py and movenet_crop.py with crops made in the graph; see fused.py for the
file's inputs and outputs. Lightning and thunder carry the network for several people, which finds whom to look at.
"""

from __future__ import annotations

import numpy as np
import onnx

from bodydouble.estimate import assemble, fused_search, graph, movenet_crop, movenet_graph
from bodydouble.estimate.assemble import Wiring, value
from bodydouble.estimate.fused import Parts, facts, following, fuses
from bodydouble.estimate.fused_search import REGION
from bodydouble.estimate.graph_text import Constants, float32, parse
from bodydouble.estimate.movenet import MANNER, MIN_FOUND, SURE
from bodydouble.estimate.movenet_graph import MIN_POINT, PEOPLE, POINTS, SIDES
from bodydouble.estimate.movenet_published import MIN_PERSON
from bodydouble.estimate.movenet_several import FINDER, SAME_BODY
from bodydouble.estimate.sight import SEEN
from bodydouble.models import Progress, onnx_path
from bodydouble.skeletons import COCO_17
from bodydouble.types import BodyDoubleError

FAR = 1e9  # pixels; a point that does not count is never the outermost
IMAGE = ("height", "width", 3)


@fuses(*SIDES)
def movenet(model: str, people: int, regions: bool, progress: Progress) -> onnx.ModelProto:
    """Lightning or thunder as one file; see fused.fused."""
    network = onnx.load(onnx_path(model, progress=progress))
    finder = onnx.load(onnx_path(FINDER, progress=progress))
    parts = Parts(detect(finder), look(network, SIDES[model]), COCO_17, False, POINTS, PEOPLE, MANNER)
    return following(model, people, regions, parts)


@fuses(FINDER)
def several(model: str, people: int, regions: bool, progress: Progress) -> onnx.ModelProto:
    """The network for several people as one file; see fused.fused."""
    if regions:
        raise BodyDoubleError(f"{model} looks at whole pictures and takes no regions; make the file without them")
    if people > PEOPLE:
        raise BodyDoubleError(f"{people} people asked for; {model} tells {PEOPLE} apart: give 1 to {PEOPLE}")
    network = onnx.load(onnx_path(model, progress=progress))
    seen = movenet_graph.several_graph(network, graph.Preparation.IMAGE)
    whole = Wiring()
    whole.piece(seen, "movenet/", {"image": "image"}, {"points": "points", "scores": "found_scores"})
    feeds = {"points": "points", "scores": "found_scores"}
    gives = {"chosen_points": "keypoints", "chosen_scores": "scores"}
    whole.piece(choose(network, people, MIN_PERSON), "chosen/", feeds, gives)
    inputs = [value("image", IMAGE, onnx.TensorProto.UINT8)]
    outputs = [value("keypoints", (people, POINTS, 3)), value("scores", (people,))]
    return assemble.model(whole.graph(model, inputs, outputs), network, facts(model, people, COCO_17), __doc__ or "")


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


def look(network: onnx.ModelProto, side: int) -> onnx.ModelProto:
    """`image`, `region` -> `keypoints`, `score`, `next_region`, `seen` of who is there, however unsure."""
    seen = movenet_graph.single_graph(network, side, graph.Preparation.IMAGE)
    wiring = Wiring()
    wiring.piece(limit(network), "limit/", {"image": "image", "region": "region"}, {"limited": "limited"})
    feeds = {"image": "image", "region": "limited"}
    wiring.piece(seen, "movenet/", feeds, {"points": "keypoints", "score": "score"})
    feeds = {"image": "image", "region": "limited", "points": "keypoints"}
    gives = {"next_region": "next_region", "seen": "seen"}
    wiring.piece(following_square(network), "next/", feeds, gives)
    inputs = [value("image", IMAGE, onnx.TensorProto.UINT8), value("region", (REGION,))]
    outputs = [value("keypoints", (POINTS, 3)), value("score", (1,)), value("next_region", (REGION,))]
    outputs.append(value("seen", (POINTS, 3)))
    return assemble.model(wiring.graph("look", inputs, outputs), network, {})


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
    wiring.piece(fused_search.firsts(like), "firsts/", {"same": "same"}, {"kept": "kept"})
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


# (2,) width and height, and (4,) the square around the whole image, of an image.
_PICTURE = """
    shape = Shape<start = 0, end = 2>(image)
    rows_first = Cast<to = 1>(shape)
    picture = Gather(rows_first, columns_first)
    picture_middle = Mul(picture, half)
    picture_side = ReduceMax<keepdims = 1>(picture)
    everything = Concat<axis = 0>(picture_middle, picture_side, upright)
"""
_PICTURE_CONSTANTS: Constants = {
    "columns_first": np.array([1, 0]),
    "half": float32(0.5),
    "upright": np.zeros(1, dtype=np.float32),
}


def _around(like: onnx.ModelProto) -> onnx.ModelProto:
    """Regions around the people chosen, as movenet_crop.around_everything; the whole image if there is nobody in it."""
    text = f"""
        around (uint8[height, width, 3] image, float[4] area, float[2] corner,
                float[{PEOPLE}, {POINTS}, 3] chosen_points, float[{PEOPLE}] chosen_scores)
        => (float[{PEOPLE}, 4] regions) {{
            {_PICTURE}
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
        **_PICTURE_CONSTANTS,
        "xy": np.array([0, 1]),
        "close": float32(movenet_crop.CLOSE),
        "nothing": float32(0),
        "one_side": np.array([2]),
        "first_axis": np.array([0]),
        "second_axis": np.array([1]),
        "first_place": first,
    }
    return parse(like, text, constants)


def limit(like: onnx.ModelProto) -> onnx.ModelProto:
    """`image`, `region` -> `limited` (4,), as movenet_crop.limited."""
    text = f"""
        limit (uint8[height, width, 3] image, float[4] region) => (float[4] limited) {{
            {_PICTURE}
            middle = Gather(region, place)
            side = Gather(region, one_side)
            half_side = Mul(side, half)
            beyond = Sub(picture, middle)
            reaches = Max(middle, beyond)
            farthest = ReduceMax<keepdims = 1>(reaches)
            half_limited = Min(half_side, farthest)
            side_limited = Add(half_limited, half_limited)
            too_large = Greater(side_limited, picture_side)
            square = Concat<axis = 0>(middle, side_limited, upright)
            limited = Where(too_large, everything, square)
        }}
    """
    return parse(like, text, {**_PICTURE_CONSTANTS, "place": np.array([0, 1]), "one_side": np.array([2])})


_CLOSE = """
    place = Gather<axis = 1>(points, xy)
    likely = Gather<axis = 1>(points, third)
    counted = Greater(likely, least_point)
    place_low = Where(counted, place, far)
    place_high = Where(counted, place, minus_far)
    low_seen = ReduceMin<axes = [0], keepdims = 0>(place_low)
    high_seen = ReduceMax<axes = [0], keepdims = 0>(place_high)
    extent_seen = Sub(high_seen, low_seen)
    longer_seen = ReduceMax<keepdims = 1>(extent_seen)
    margin = Mul(longer_seen, half_close)
    ends_seen = Add(low_seen, high_seen)
    middle_seen = Mul(ends_seen, half)
    low_close = Sub(middle_seen, margin)
    high_close = Add(middle_seen, margin)
    hip_points = Gather<axis = 0>(place, hips)
    hip_middle = ReduceMean<axes = [0], keepdims = 0>(hip_points)
    torso_points = Gather<axis = 0>(place, torso)
    torso_signed = Sub(torso_points, hip_middle)
    torso_away = Abs(torso_signed)
    torso_reach = ReduceMax<keepdims = 0>(torso_away)
    legs_reach = Mul(torso_reach, legs)
    legs_low_free = Sub(hip_middle, legs_reach)
    legs_high_free = Add(hip_middle, legs_reach)
    legs_low_positive = Max(legs_low_free, nothing)
    legs_low = Min(legs_low_positive, picture)
    legs_high_positive = Max(legs_high_free, nothing)
    legs_high = Min(legs_high_positive, picture)
    low_legs = Min(low_close, legs_low)
    high_legs = Max(high_close, legs_high)
    ankles_likely = Gather<axis = 0>(likely, ankles)
    ankle_likely = ReduceMax<keepdims = 0>(ankles_likely)
    ankle_seen = Greater(ankle_likely, least_point)
    low = Where(ankle_seen, low_close, low_legs)
    high = Where(ankle_seen, high_close, high_legs)
    ends = Add(low, high)
    close_middle = Mul(ends, half)
    close_extent = Sub(high, low)
    close_side = ReduceMax<keepdims = 1>(close_extent)
    close_region = Concat<axis = 0>(close_middle, close_side, upright)
"""
_WIDER = """
    side = Gather(region, third)
    middle = Gather(region, xy)
    side_wider = Mul(side, widening)
    wide_side = Min(side_wider, picture_side)
    wide_ratio = Div(wide_side, picture_side)
    wide_share = Sub(one, wide_ratio)
    away = Sub(middle, picture_middle)
    away_less = Mul(away, wide_share)
    wide_middle = Add(picture_middle, away_less)
    wide_region = Concat<axis = 0>(wide_middle, wide_side, upright)
"""
_CHOICE = """
    hips_likely = Gather<axis = 0>(likely, hips)
    shoulders_likely = Gather<axis = 0>(likely, shoulders)
    hip_likely = ReduceMax<keepdims = 0>(hips_likely)
    shoulder_likely = ReduceMax<keepdims = 0>(shoulders_likely)
    torso_likely = Min(hip_likely, shoulder_likely)
    torso_seen = Greater(torso_likely, least_point)
    next_region = Where(torso_seen, close_region, wide_region)
    is_visible = Greater(likely, least_visible)
    visible = Cast<to = 1>(is_visible)
    seen = Concat<axis = 1>(place, visible)
"""


def following_square(like: onnx.ModelProto) -> onnx.ModelProto:
    """`image`, `region`, `points` -> `next_region` (4,), `seen` (17, 3).

    The next region as movenet_crop.close_around or, without a torso, movenet_crop.widened.
    """
    text = f"""
        follow (uint8[height, width, 3] image, float[4] region, float[{POINTS}, 3] points)
        => (float[4] next_region, float[{POINTS}, 3] seen) {{
            {_PICTURE} {_CLOSE} {_WIDER} {_CHOICE}
        }}
    """
    constants: Constants = {
        **_PICTURE_CONSTANTS,
        "xy": np.array([0, 1]),
        "third": np.array([2]),
        "least_point": float32(MIN_POINT),
        "least_visible": float32(SEEN / SURE),
        "far": float32(FAR),
        "minus_far": float32(-FAR),
        "half_close": float32(movenet_crop.CLOSE / 2),
        "legs": float32(movenet_crop.LEGS),
        "widening": float32(movenet_crop.WIDENING),
        "nothing": float32(0),
        "one": float32(1),
        "hips": np.array(movenet_crop.HIPS),
        "shoulders": np.array(movenet_crop.SHOULDERS),
        "torso": np.array(movenet_crop.TORSO),
        "ankles": np.array(movenet_crop.ANKLES),
    }
    return parse(like, text, constants)
