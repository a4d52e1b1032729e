"""The piece of graph after a PoseNet network: its maps to keypoints of one or several people.

Exactly the published decoder, without a bound on candidates: the loop runs over people, and each takes the best of all
local maxima that no earlier person has claimed. Keypoints and scores alone leave the graph. Why it is built so:
docs/decisions/estimate-posenet.md

Inside, places are (row, column) in cells of the heat map plus a half, so that the nearest cell is the whole part; maps
are planes, (channels, cells), as the network has them before its last transposition.
Source: tensorflow/tfjs-models, pose-detection/src/posenet/calculators (decode_single_pose.ts, decode_multiple_poses.ts)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from bodydouble.estimate.graph_input import Input
from bodydouble.estimate.graph_text import Constants, Part, float32, parse
from bodydouble.skeletons import COCO_17

POINTS = len(COCO_17)
_SIDES = ("left", "right")
# Parent and child of each displacement, in the order of the channels (constants.ts: POSE_CHAIN).
TREE = tuple(
    (COCO_17.index[parent], COCO_17.index[child])
    for parent, child in (
        *((a, b) for side in _SIDES for a, b in (("nose", f"{side}_eye"), (f"{side}_eye", f"{side}_ear"))),
        *(
            (a, b)
            for side in _SIDES
            for a, b in (
                ("nose", f"{side}_shoulder"),
                (f"{side}_shoulder", f"{side}_elbow"),
                (f"{side}_elbow", f"{side}_wrist"),
                (f"{side}_shoulder", f"{side}_hip"),
                (f"{side}_hip", f"{side}_knee"),
                (f"{side}_knee", f"{side}_ankle"),
            )
        ),
    )
)
EDGES = len(TREE)
THRESHOLD = 0.5  # heat of a local maximum from which on a person may be rooted there (MULTI_PERSON_ESTIMATION_CONFIG)
RADIUS = 20.0  # pixels of the network's input within which two parts of a kind are one (the same)


@dataclass(frozen=True, slots=True)
class Outputs:
    """Names of a PoseNet network's outputs, each (1, rows, columns, channels).

    heatmap: 17 logits. offsets: 34, all y first, then all x, pixels of the input. forward, backward: 32 displacements
    along TREE, parent to child and child to parent, all y first, then all x.
    """

    heatmap: str
    offsets: str
    forward: str
    backward: str

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, in order."""
        return self.heatmap, self.offsets, self.forward, self.backward


@dataclass(frozen=True, slots=True)
class Decoding:
    """How people are read from the maps.

    people: the most that are told apart, 0 for none. single: whether there is also one person whose every part is where
    that part is surest, whoever's it is: the better answer when only one person is in the picture.
    threshold, radius: see THRESHOLD and RADIUS; the radius is in pixels of the network's input.
    """

    people: int
    single: bool = False
    threshold: float = THRESHOLD
    radius: float = RADIUS


def decode(network: onnx.ModelProto, wanted: Input, stride: int, outputs: Outputs, how: Decoding) -> Part:
    """From the network's outputs and `region_again` to keypoints and scores. stride: input pixels between cells.

    With people: `keypoints` (people, 17, 3) x, y in source pixels, score, and `scores` (people,), both zero from
    `count` (1,) int64 on. With single: `single` (1, 17, 3), `single_score` (1,). The region must not be rotated.
    """
    rows, columns = (wanted.height - 1) // stride + 1, (wanted.width - 1) // stride + 1
    shape = f"1, {rows}, {columns}"
    inputs = [f"float[{shape}, {POINTS}] heatmap", f"float[{shape}, {2 * POINTS}] offsets"]
    joints = [(outputs.heatmap, "heatmap"), (outputs.offsets, "offsets"), ("region_again", "region")]
    given, steps = [], _MAPS
    constants = _map_constants(rows, columns, stride) | _source_constants(wanted, stride)
    if how.single:
        given += [f"float[1, {POINTS}, 3] single", "float[1] single_score"]
        steps += _SINGLE + _TO_SOURCE.format(found="single_found", points="single")
        constants |= _single_constants(rows * columns)
    if how.people:
        inputs += [f"float[{shape}, {2 * EDGES}] {name}" for name in ("forward", "backward")]
        joints += [(outputs.forward, "forward"), (outputs.backward, "backward")]
        given += [f"float[{how.people}, {POINTS}, 3] keypoints", f"float[{how.people}] scores", "int64[1] count"]
        steps += _several() + _TO_SOURCE.format(found="found", points="all_keypoints") + _ONLY_VALID
        constants |= _walk_constants(rows, columns) | _people_constants(rows * columns, stride, how)
    text = f"decode ({', '.join(inputs)}, float[4] region) => ({', '.join(given)}) {{ {steps} }}"
    return Part(parse(network, text, constants), tuple(joints))


def paths() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """The way from every root to every part along the tree.

    Returns (17, 17) the part before each part on the way from each root, itself for the root; (17, 17) the displacement
    taken from there: e forward along edge e, EDGES + e backward, 0 for the root; and the longest way in steps.
    """
    before, taken = np.zeros((2, POINTS, POINTS), dtype=np.int64)
    steps = np.zeros((POINTS, POINTS), dtype=np.int64)
    ways = [(a, b, edge) for edge, (a, b) in enumerate(TREE)] + [
        (b, a, EDGES + edge) for edge, (a, b) in enumerate(TREE)
    ]
    for root in range(POINTS):
        before[root, root] = root
        reached = [root]
        for part in reached:
            for start, end, way in ways:
                if start == part and end not in reached:
                    before[root, end], taken[root, end] = part, way
                    steps[root, end] = steps[root, part] + 1
                    reached.append(end)
    return before, taken, int(steps.max())


def _map_constants(rows: int, columns: int, stride: int) -> Constants:
    """Tensors of _MAPS."""
    cells = rows * columns
    part = np.arange(POINTS).reshape(-1, 1)
    grid = np.mgrid[0:rows, 0:columns].reshape(2, 1, cells)
    return {
        "flat": np.array([-1], dtype=np.int64),
        "as_places": np.array([2, POINTS, cells], dtype=np.int64),
        "cells_per_pixel": float32(1 / stride),
        "middles": (grid + 0.5).astype(np.float32),
        "plane": part * cells,  # where a part's plane starts in a list of them
        "planes": np.hstack([part, POINTS + part]) * cells,  # the same of its two planes, rows and columns
    }


def _single_constants(cells: int) -> Constants:
    """Tensors of _SINGLE."""
    return {
        "as_maps": np.array([POINTS, cells], dtype=np.int64),
        "as_one": np.array([1, POINTS, 3], dtype=np.int64),
        "single_axes": np.array([0, 1], dtype=np.int64),
        "points_number": float32(POINTS),
    }


def _walk_constants(rows: int, columns: int) -> Constants:
    """Tensors of _NEAREST and _walk: for every root a table of what to read on the way to each part."""
    cells = rows * columns
    before, taken, _ = paths()
    edge, way = taken % EDGES, taken // EDGES  # channels: forward y, forward x, backward y, backward x
    move = (2 * way * EDGES + edge)[..., None] + np.array([0, EDGES])
    part = np.arange(POINTS)
    return {
        "before_table": before,
        "before_plane_table": before[..., None] * cells,
        "before_planes_table": (before[..., None] + np.array([0, POINTS])) * cells,
        "move_table": move * cells,
        "root_table": (part[:, None] == part)[..., None],
        "cells": np.array(cells, dtype=np.int64),
        "everywhere": np.zeros((POINTS, 1), dtype=np.int64),
        "first_cell": float32(0),
        "last_cell": np.array([rows - 1, columns - 1], dtype=np.float32),
        "last_row": float32(rows - 1),
        "last_column": float32(columns - 1),
        "columns_number": float32(columns),
        "one_each": np.array([1, 1], dtype=np.int64),
        "as_lines": np.array([POINTS, cells], dtype=np.int64),
        "cell_of_place": np.array([[columns], [1]], dtype=np.float32),
    }


def _people_constants(cells: int, stride: int, how: Decoding) -> Constants:
    """Tensors of _ROOTS, _PERSON and _PEOPLE."""
    return {
        "threshold": float32(how.threshold),
        "near": float32((how.radius / stride) ** 2),
        "nothing": float32(0),
        "list_of_all": np.array([POINTS * cells], dtype=np.int64),
        "first_axis": np.array([0], dtype=np.int64),
        "second_axis": np.array([1], dtype=np.int64),
        "last_axis": np.array([-1], dtype=np.int64),
        "start": np.array([0], dtype=np.int64),
        "end": np.array([how.people], dtype=np.int64),
        "most": np.array(how.people, dtype=np.int64),
        "nobody": np.zeros((how.people, POINTS, 3), dtype=np.float32),
        "yx_columns": np.array([0, 1]),
        "score_column": np.array([2]),
        "earlier": np.tri(how.people, k=-1, dtype=bool)[..., None],
        "ranks": np.arange(how.people).reshape(-1, 1, 1),
        "points_of_all": float32(POINTS),
    }


def _source_constants(wanted: Input, stride: int) -> Constants:
    """Tensors of _TO_SOURCE."""
    return {
        "x_first": np.array([1, 0]),
        "score_entry": np.array([2]),
        "place": np.array([0, 1]),
        "one_size": np.array([2]),
        "input_width": float32(wanted.width),
        "pixels_per_cell": float32(stride),
        # from cells, which hold the half, to pixels from the middle of the input
        "input_middle": np.array([wanted.width / 2 + stride / 2, wanted.height / 2 + stride / 2], dtype=np.float32),
    }


_MAPS = """
    heat_planes = Transpose<perm = [0, 3, 1, 2]>(heatmap)
    sure_planes = Sigmoid(heat_planes)
    sure_list = Reshape(sure_planes, flat)
    offset_planes = Transpose<perm = [0, 3, 1, 2]>(offsets)
    offset_maps = Reshape(offset_planes, as_places)
    offset_cells = Mul(offset_maps, cells_per_pixel)
    places = Add(offset_cells, middles)
    place_list = Reshape(places, flat)
"""
_SINGLE = """
    sure_maps = Reshape(sure_planes, as_maps)
    surest_cell = ArgMax<axis = 1, keepdims = 1>(sure_maps)
    surest_planes = Add(surest_cell, planes)
    surest_place = Gather(place_list, surest_planes)
    surest_plane = Add(surest_cell, plane)
    surest_score = Gather(sure_list, surest_plane)
    surest = Concat<axis = 1>(surest_place, surest_score)
    single_found = Reshape(surest, as_one)
    surest_total = ReduceSum<keepdims = 0>(surest_score, single_axes)
    surest_mean = Div(surest_total, points_number)
    single_score = Reshape(surest_mean, flat)
"""
# The cell nearest to where each cell's offset leads, for every part; and where a person may be rooted.
_NEAREST = """
    place_row_maps, place_column_maps = Split<axis = 0>(places, one_each)
    place_rows = Reshape(place_row_maps, as_lines)
    place_columns = Reshape(place_column_maps, as_lines)
    whole_rows = Floor(place_rows)
    whole_columns = Floor(place_columns)
    near_rows = Clip(whole_rows, first_cell, last_row)
    near_columns = Clip(whole_columns, first_cell, last_column)
    near_row_starts = Mul(near_rows, columns_number)
    nearest_float = Add(near_row_starts, near_columns)
    nearest_maps = Cast<to = 7>(nearest_float)
    nearest = Reshape(nearest_maps, flat)
    forward_planes = Transpose<perm = [0, 3, 1, 2]>(forward)
    backward_planes = Transpose<perm = [0, 3, 1, 2]>(backward)
    move_planes = Concat<axis = 1>(forward_planes, backward_planes)
    move_cells = Mul(move_planes, cells_per_pixel)
    moves = Reshape(move_cells, flat)
"""
_ROOTS = """
    peaks = MaxPool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(sure_planes)
    bar = Max(peaks, threshold)
    is_peak = GreaterOrEqual(sure_planes, bar)
    is_peak_float = Cast<to = 1>(is_peak)
    roots = Mul(sure_planes, is_peak_float)
    all_roots = Reshape(roots, list_of_all)
    best_root = ReduceMax<axes = [0], keepdims = 0>(all_roots)
    anybody = Greater(best_root, nothing)
"""
_PERSON = """
    root = ArgMax<axis = 0, keepdims = 0>(free)
    root_part = Div(root, cells)
    root_plane = Mul(root_part, cells)
    root_cell = Sub(root, root_plane)
    before = Gather<axis = 0>(before_table, root_part)
    before_plane = Gather<axis = 0>(before_plane_table, root_part)
    before_planes = Gather<axis = 0>(before_planes_table, root_part)
    move = Gather<axis = 0>(move_table, root_part)
    is_root = Gather<axis = 0>(root_table, root_part)
    cell_0 = Add(everywhere, root_cell)
"""
# From every part's cell to the next part's, along one displacement and two refinements.
_STEP = """
    source_{i} = Gather<axis = 0>(cell_{i}, before)
    source_planes_{i} = Add(source_{i}, before_planes)
    source_place_{i} = Gather(place_list, source_planes_{i})
    source_plane_{i} = Add(source_{i}, before_plane)
    nearest_{i} = Gather(nearest, source_plane_{i})
    move_index_{i} = Add(nearest_{i}, move)
    moved_{i} = Gather(moves, move_index_{i})
    arrived_{i} = Add(source_place_{i}, moved_{i})
    whole_{i} = Floor(arrived_{i})
    not_before_{i} = Max(whole_{i}, first_cell)
    inside_{i} = Min(not_before_{i}, last_cell)
    cell_float_{i} = MatMul(inside_{i}, cell_of_place)
    cell_near_{i} = Cast<to = 7>(cell_float_{i})
    cell_index_{i} = Add(cell_near_{i}, plane)
    refined_{i} = Gather(nearest, cell_index_{i})
    cell_{j} = Where(is_root, root_cell, refined_{i})
"""
_TAKE = """
    place_index = Add(cell_last, planes)
    found_place = Gather(place_list, place_index)
    last_index = Add(cell_last, plane)
    last_nearest = Gather(nearest, last_index)
    score_cell = Where(is_root, root_cell, last_nearest)
    score_index = Add(score_cell, plane)
    found_score = Gather(sure_list, score_index)
    found_one = Concat<axis = 1>(found_place, found_score)
    found_row, found_column = Split<axis = 1>(found_place, one_each)
    rows_away = Sub(place_rows, found_row)
    columns_away = Sub(place_columns, found_column)
    rows_squared = Mul(rows_away, rows_away)
    columns_squared = Mul(columns_away, columns_away)
    distance = Add(rows_squared, columns_squared)
    far = Greater(distance, near)
    far_list = Reshape(far, flat)
    free_after = Where(far_list, free, nothing)
    best_left = ReduceMax<axes = [0], keepdims = 0>(free_after)
    more = Greater(best_left, nothing)
"""
# Padded to the most people; a part that an earlier person has counts nothing for the score.
_PEOPLE = """
    with_nobody = Concat<axis = 0>(found_all, nobody)
    found = Slice(with_nobody, start, end, first_axis)
    found_places = Gather<axis = 2>(found, yx_columns)
    found_scores = Gather<axis = 2>(found, score_column)
    this_place = Unsqueeze(found_places, second_axis)
    other_place = Unsqueeze(found_places, first_axis)
    apart = Sub(this_place, other_place)
    apart_squared = Mul(apart, apart)
    apart_distance = ReduceSum<keepdims = 0>(apart_squared, last_axis)
    together = LessOrEqual(apart_distance, near)
    taken_by = And(together, earlier)
    taken_by_float = Cast<to = 1>(taken_by)
    taken = ReduceMax<axes = [1], keepdims = 0>(taken_by_float)
    flat_scores = Squeeze(found_scores, last_axis)
    one = Constant<value_float = 1.0>()
    own = Sub(one, taken)
    own_scores = Mul(flat_scores, own)
    total = ReduceSum<keepdims = 0>(own_scores, second_axis)
    scores = Div(total, points_of_all)
    count = Shape<start = 0, end = 1>(found_all)
    is_valid = Less(ranks, count)
    valid = Cast<to = 1>(is_valid)
"""
_TO_SOURCE = """
    {points}_cells = Gather<axis = 2>({found}, x_first)
    {points}_scores = Gather<axis = 2>({found}, score_entry)
    {points}_pixels = Mul({points}_cells, pixels_per_cell)
    {points}_centred = Sub({points}_pixels, input_middle)
    {points}_width = Gather(region, one_size)
    {points}_ratio = Div({points}_width, input_width)
    {points}_grown = Mul({points}_centred, {points}_ratio)
    {points}_middle = Gather(region, place)
    {points}_placed = Add({points}_grown, {points}_middle)
    {points} = Concat<axis = 2>({points}_placed, {points}_scores)
"""
_ONLY_VALID = """
    keypoints = Mul(all_keypoints, valid)
"""


def _several() -> str:
    """ONNX text that finds several people."""
    steps = paths()[2]
    walk = "".join(_STEP.format(i=i, j=i + 1 if i + 1 < steps else "last") for i in range(steps))
    body = f"""
        person (int64 number, bool going, float[n] free)
        => (bool more, float[n] free_after, float[{POINTS}, 3] found_one)
        {{ {_PERSON} {walk} {_TAKE} }}
    """
    loop = f"free_at_last, found_all = Loop<body = {body}>(most, anybody, all_roots)"
    return _NEAREST + _ROOTS + loop + _PEOPLE
