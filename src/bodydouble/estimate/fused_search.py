"""Pieces of a one-file graph that find people and tell them apart, as following.py and sight.py do in numpy.

Source pixels; regions are rows x, y, side, rotation (region.py), a row of zeros is nobody.
"""

from __future__ import annotations

import numpy as np
import onnx

from bodydouble.estimate import assemble, following, sight
from bodydouble.estimate.assemble import Wiring, value
from bodydouble.estimate.graph_text import Constants, float32, parse

BOOL, INT64 = onnx.TensorProto.BOOL, onnx.TensorProto.INT64
REGION = 4  # x, y, side, rotation
DIRECTIONS = 64  # in which an outline is measured: its rounding off is a thousandth of a distance from it
FAR = 1e9  # pixels; a point that does not count is never the outermost

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


def same_place(like: onnx.ModelProto) -> onnx.ModelProto:
    """`ones` (n, 4), `others` (m, 4) -> `same` (n, m): whether two regions are of one person, as sight.same_place."""
    text = f"""
        places (float[n, {REGION}] ones, float[m, {REGION}] others) => (bool[n, m] same) {{
            place = Gather<axis = 1>(ones, xy)
            place_deep = Unsqueeze(place, second_axis)
            side = Gather<axis = 1>(ones, side_column)
            other_place = Gather<axis = 1>(others, xy)
            other_deep = Unsqueeze(other_place, first_axis)
            other_side_column = Gather<axis = 1>(others, side_column)
            other_side = Transpose<perm = [1, 0]>(other_side_column)
            away = Sub(place_deep, other_deep)
            apart = ReduceL2<axes = [2], keepdims = 0>(away)
            larger = Max(side, other_side)
            smaller = Min(side, other_side)
            reach = Mul(larger, same_share)
            near = LessOrEqual(apart, reach)
            grown = Mul(smaller, same_size)
            alike = LessOrEqual(larger, grown)
            same = And(near, alike)
        }}
    """
    constants: Constants = {
        "xy": np.array([0, 1]),
        "side_column": np.array([2]),
        "first_axis": np.array([0]),
        "second_axis": np.array([1]),
        "same_share": float32(sight.SAME_PLACE),
        "same_size": float32(sight.SAME_SIZE),
    }
    return parse(like, text, constants)


def firsts(like: onnx.ModelProto) -> onnx.ModelProto:
    """`same` (n, n), rows best first -> `kept` (n,): each that is not the same as one kept before it."""
    whole, body = Wiring(), Wiring()
    whole.add("Cast", ["same"], ["same_number"], to=onnx.TensorProto.FLOAT)
    whole.tensor("nobody", float32(0))
    whole.tensor("always", np.array(True))
    for name, value_ in (("first", 0), ("step", 1)):
        whole.tensor(name, np.array(value_))
    whole.add("Shape", ["same"], ["count_entry"], start=0, end=1)
    whole.add("Squeeze", ["count_entry"], ["count"])
    whole.add("Range", ["first", "count", "step"], ["numbers"])
    whole.add("Cast", ["numbers"], ["numbers_float"], to=onnx.TensorProto.FLOAT)
    whole.add("Mul", ["numbers_float", "nobody"], ["none_kept"])
    body.add("Gather", ["same_number", "number"], ["row"], axis=0)
    body.add("Mul", ["row", "kept_before"], ["kept_same"])
    body.add("ReduceMax", ["kept_same"], ["doubled"], keepdims=0)
    body.tensor("certain", float32(1))
    body.add("Sub", ["certain", "doubled"], ["fresh"])
    body.add("Equal", ["numbers", "number"], ["here"])
    body.add("Cast", ["here"], ["here_number"], to=onnx.TensorProto.FLOAT)
    body.add("Mul", ["here_number", "fresh"], ["more"])
    body.add("Add", ["kept_before", "more"], ["kept_after"])
    body.add("Identity", ["going"], ["going_on"])
    loop = body.graph(
        "first",
        [value("number", (), INT64), value("going", (), BOOL), value("kept_before", ("n",))],
        [value("going_on", (), BOOL), value("kept_after", ("n",))],
    )
    whole.add("Loop", ["count", "always", "none_kept"], ["kept_number"], body=loop)
    whole.add("Cast", ["kept_number"], ["kept"], to=BOOL)
    return _model(whole, "firsts", like, [value("same", ("n", "n"), BOOL)], [value("kept", ("n",), BOOL)])


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
    return _model(whole, "places", like, inputs, [value("places", ("m", REGION))])


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


_SAME_PERSON = """
    kept_place = Gather<axis = 2>(kept_seen, xy)
    place = Gather<axis = 1>(seen, xy)
    away = Sub(kept_place, place)
    apart = ReduceL2<axes = [2], keepdims = 0>(away)
    nearest, nearest_rows = TopK<axis = 1, largest = 0>(apart, half_of_points)
    middle_ones = Gather<axis = 1>(nearest, middle_rows)
    median = ReduceMean<axes = [1], keepdims = 0>(middle_ones)
    kept_sides = Gather<axis = 1>(kept_regions, side_column)
    side = Gather(region, side_column)
    larger = Max(kept_sides, side)
    reach = Mul(larger, same_points)
    same = LessOrEqual(median, reach)
"""
# A point lies outside a convex outline by the most that it lies beyond it in any direction.
_NESTED = """
    kept_beyond = MatMul(kept_place, directions)
    beyond = MatMul(place, directions)
    kept_visible = Gather<axis = 2>(kept_seen, third)
    visible = Gather<axis = 1>(seen, third)
    kept_counts = Greater(kept_visible, nothing)
    counts = Greater(visible, nothing)
    kept_counted = Where(kept_counts, kept_beyond, minus_far)
    counted = Where(counts, beyond, minus_far)
    kept_outline = ReduceMax<axes = [1], keepdims = 1>(kept_counted)
    outline = ReduceMax<axes = [0], keepdims = 1>(counted)
    out_of_kept = Sub(beyond, kept_outline)
    kept_out = Sub(kept_beyond, outline)
    farthest = ReduceMax<axes = [2], keepdims = 0>(out_of_kept)
    kept_farthest = ReduceMax<axes = [2], keepdims = 0>(kept_out)
    kept_margins = Mul(kept_sides, margin_share)
    kept_margins_column = Unsqueeze(kept_margins, second_axis)
    margin = Mul(side, margin_share)
    in_kept = LessOrEqual(farthest, kept_margins_column)
    kept_in = LessOrEqual(kept_farthest, margin)
    visible_list = Reshape(visible, flat)
    kept_visible_lists = Squeeze(kept_visible, last_axis)
    in_kept_number = Cast<to = 1>(in_kept)
    kept_in_number = Cast<to = 1>(kept_in)
    in_kept_seen = Mul(in_kept_number, visible_list)
    kept_in_seen = Mul(kept_in_number, kept_visible_lists)
    inside = ReduceSum<keepdims = 0>(in_kept_seen, second_axis)
    kept_inside = ReduceSum<keepdims = 0>(kept_in_seen, second_axis)
    all_seen = ReduceSum<keepdims = 0>(visible_list, first_axis)
    kept_all_seen = ReduceSum<keepdims = 0>(kept_visible_lists, second_axis)
    enough = Mul(all_seen, nested_share)
    kept_enough = Mul(kept_all_seen, nested_share)
    inside_enough = GreaterOrEqual(inside, enough)
    kept_inside_enough = GreaterOrEqual(kept_inside, kept_enough)
    outlined = Greater(all_seen, nothing)
    kept_outlined = Greater(kept_all_seen, nothing)
    least_side = Mul(kept_sides, nested_size)
    least_kept_side = Mul(side, nested_size)
    smaller = Less(side, least_side)
    kept_smaller = Less(kept_sides, least_kept_side)
    part_here = And(inside_enough, smaller)
    part = And(part_here, kept_outlined)
    kept_part_here = And(kept_inside_enough, kept_smaller)
    kept_part = And(kept_part_here, outlined)
"""


def told_apart(like: onnx.ModelProto, people: int, points: int) -> onnx.ModelProto:
    """Somebody new, `seen` (P, 3), `region` (4,), against who is kept, `kept_seen` (people, P, 3), `kept_regions`.

    seen: x, y, 1 for a point that counts as visible, else 0. Gives for each person kept whether the new one is the
    `same`, is a `part` of their body, has them as a part of its own, `kept_part`: sight.same_person and sight.nested.
    """
    text = f"""
        apart (float[{people}, {points}, 3] kept_seen, float[{people}, {REGION}] kept_regions,
               float[{points}, 3] seen, float[{REGION}] region)
        => (bool[{people}] same, bool[{people}] part, bool[{people}] kept_part) {{ {_SAME_PERSON} {_NESTED} }}
    """
    angles = np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
    constants: Constants = {
        "xy": np.array([0, 1]),
        "third": np.array([2]),
        "side_column": np.array(2),
        "half_of_points": np.array([points // 2 + 1]),
        "middle_rows": np.array([(points - 1) // 2, points // 2]),
        "same_points": float32(sight.SAME_POINTS),
        "directions": np.stack([np.cos(angles), np.sin(angles)]).astype(np.float32),
        "nothing": float32(0),
        "minus_far": float32(-FAR),
        "margin_share": float32(sight.NESTED_MARGIN),
        "nested_share": float32(sight.NESTED_SHARE),
        "nested_size": float32(sight.NESTED_SIZE),
        "first_axis": np.array([0]),
        "second_axis": np.array([1]),
        "last_axis": np.array([2]),
        "flat": np.array([-1]),
    }
    return parse(like, text, constants)


def _model(
    wiring: Wiring,
    name: str,
    like: onnx.ModelProto,
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
) -> onnx.ModelProto:
    """A wiring as a model of its own, to be a piece of another."""
    return assemble.model(wiring.graph(name, inputs, outputs), like, {})
