"""Pieces of a one-file graph that tell people apart, as sight.py and following.without_doubles do in numpy.

Source pixels; regions are rows x, y, side, rotation (region.py), a row of zeros is nobody.
"""

from __future__ import annotations

import numpy as np
import onnx

from bodydouble.estimate import assemble, sight
from bodydouble.estimate.assemble import Wiring, value
from bodydouble.estimate.graph_text import Constants, float32, parse

BOOL, INT64 = onnx.TensorProto.BOOL, onnx.TensorProto.INT64
REGION = 4  # x, y, side, rotation
DIRECTIONS = (
    360  # in which an outline is measured: from an edge it is wrong by a hundredth of the edge's length at most
)
FAR = 1e9  # pixels; a point that does not count is never the outermost


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
    graph = whole.graph("firsts", [value("same", ("n", "n"), BOOL)], [value("kept", ("n",), BOOL)])
    return assemble.model(graph, like, {})


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
