"""The pieces of graph after a network: its raw values to keypoints, or to candidates, in source pixels.

Heat map refinement: docs/decisions/estimate-heatmap.md
Source: google-ai-edge/mediapipe, calculators/tensor/tensors_to_landmarks_calculator.cc,
calculators/util/refine_landmarks_from_heatmap_calculator.cc, landmark_projection_calculator.cc,
world_landmark_projection_calculator.cc
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from bodydouble.estimate.graph_input import Input
from bodydouble.estimate.graph_text import Constants, Part, float32, parse
from bodydouble.types import Array

WINDOW = 7  # cells a side around a point that refine it (refine_landmarks_from_heatmap_calculator.proto: kernel_size)
WINDOW_PEAK = 0.5  # a window whose greatest confidence is less refines nothing (min_confidence_to_refine)
SCORE_CLIP = 100.0  # pose_detection_cpu.pbtxt: score_clipping_thresh
NO_WEIGHT = 1e-9  # keeps an empty window from dividing by zero; it is never used, its peak is 0


@dataclass(frozen=True, slots=True)
class LandmarkOutputs:
    """Names of a landmark network's outputs and the numbers of points in them.

    landmarks: (1, total x 5) crop pixels, logits of visibility and presence. presence: (1, 1) 0..1.
    world: (1, total x 3) metres. heatmap: (1, cells, cells, total) logits, "" to leave points as they are.
    total: points in the network. kept: points handed out. bodies: points of them that have a world position.
    """

    landmarks: str
    presence: str
    world: str
    heatmap: str
    total: int
    kept: int
    bodies: int
    cells: int

    @property
    def names(self) -> tuple[str, ...]:
        """The outputs in use, in order."""
        names = (self.landmarks, self.presence, self.world, self.heatmap)
        return tuple(name for name in names if name)


@dataclass(frozen=True, slots=True)
class DetectorOutputs:
    """Names of a detector's outputs.

    boxes: (1, N, 4 + 2 P) raw values. scores: (1, N, 1) logits. best: candidates kept.
    """

    boxes: str
    scores: str
    best: int

    @property
    def names(self) -> tuple[str, ...]:
        """The outputs, in order."""
        return self.boxes, self.scores


def decode_landmarks(network: onnx.ModelProto, wanted: Input, outputs: LandmarkOutputs) -> Part:
    """From the network's outputs and `region_again` to points, world and score."""
    total, kept, bodies = outputs.total, outputs.kept, outputs.bodies
    constants: Constants = {
        "table": np.array([total, 5], dtype=np.int64),
        "world_table": np.array([total, 3], dtype=np.int64),
        "flat": np.array([-1], dtype=np.int64),
        "kept_rows": np.arange(kept),
        "body_rows": np.arange(bodies),
        "xy": np.array([0, 1]),
        "z": np.array([2]),
        "likelihoods": np.array([3, 4]),
        "network_size": float32(wanted.size),
        "crop_middle": float32(wanted.size / 2),
        "rotation_shape": np.array([2, 2], dtype=np.int64),
        "place": np.array([0, 1]),
        "one_size": np.array([2]),
        "one_turn": np.array([3]),
        "our_axes": np.array([1, -1, -1], dtype=np.float32),
    }
    inputs = ["float[1, m] raw", "float[1, 1] presence", "float[1, n] raw_world", "float[4] region"]
    joints = [(outputs.landmarks, "raw"), (outputs.presence, "presence"), (outputs.world, "raw_world")]
    refine = "refined = Identity(found)"
    if outputs.heatmap:
        cells = outputs.cells
        inputs.append(f"float[1, {cells}, {cells}, {total}] heatmap")
        joints.append((outputs.heatmap, "heatmap"))
        constants |= _window_constants(wanted.size, outputs)
        refine = _REFINE
    text = f"""
        decode ({", ".join(inputs)}) => (float[{kept}, 5] points, float[{bodies}, 3] world, float[1] score)
        {{ {_LANDMARKS} {refine} {_TO_SOURCE} }}
    """
    return Part(parse(network, text, constants), (*joints, ("region_again", "region")))


def _window_constants(size: int, outputs: LandmarkOutputs) -> Constants:
    """Tensors of _REFINE: the cells of a window around the middle one, and where each point's map starts."""
    reach = WINDOW // 2
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, 1, -1)
    return {
        "cells_per_pixel": float32(outputs.cells / size),
        "pixels_per_cell": float32(size / outputs.cells),
        "columns": columns.astype(np.int64),
        "rows": rows.astype(np.int64),
        "first_cell": np.array(0, dtype=np.int64),
        "last_cell": np.array(outputs.cells - 1, dtype=np.int64),
        "row_stride": np.array(outputs.cells * outputs.total, dtype=np.int64),
        "column_stride": np.array(outputs.total, dtype=np.int64),
        "map_of_point": np.arange(outputs.kept).reshape(-1, 1),
        "column_entry": np.array([0]),
        "row_entry": np.array([1]),
        "across_window": np.array([1], dtype=np.int64),
        "peak_wanted": float32(WINDOW_PEAK),
        "no_weight": float32(NO_WEIGHT),
    }


_LANDMARKS = """
    all_values = Reshape(raw, table)
    values = Gather<axis = 0>(all_values, kept_rows)
    found = Gather<axis = 1>(values, xy)
    depth = Gather<axis = 1>(values, z)
    logits = Gather<axis = 1>(values, likelihoods)
    likely = Sigmoid(logits)
"""
_REFINE = """
    in_cells = Mul(found, cells_per_pixel)
    cell = Cast<to = 7>(in_cells)
    cell_inside = Clip(cell, first_cell, last_cell)
    same = Equal(cell, cell_inside)
    same_column = Gather<axis = 1>(same, column_entry)
    same_row = Gather<axis = 1>(same, row_entry)
    usable = And(same_column, same_row)
    column = Gather<axis = 1>(cell, column_entry)
    row = Gather<axis = 1>(cell, row_entry)
    window_column = Add(column, columns)
    window_row = Add(row, rows)
    window_column_inside = Clip(window_column, first_cell, last_cell)
    window_row_inside = Clip(window_row, first_cell, last_cell)
    column_seen = Equal(window_column, window_column_inside)
    row_seen = Equal(window_row, window_row_inside)
    seen = And(column_seen, row_seen)
    seen_float = Cast<to = 1>(seen)
    row_start = Mul(window_row_inside, row_stride)
    column_start = Mul(window_column_inside, column_stride)
    start = Add(row_start, column_start)
    index = Add(start, map_of_point)
    flat_map = Reshape(heatmap, flat)
    window = Gather(flat_map, index)
    sure = Sigmoid(window)
    confidence = Mul(sure, seen_float)
    peaks = GreaterOrEqual(confidence, peak_wanted)
    peaks_float = Cast<to = 1>(peaks)
    peak_count = ReduceSum<keepdims = 1>(peaks_float, across_window)
    total = ReduceSum<keepdims = 1>(confidence, across_window)
    weight = Max(total, no_weight)
    column_float = Cast<to = 1>(window_column)
    row_float = Cast<to = 1>(window_row)
    column_part = Mul(confidence, column_float)
    row_part = Mul(confidence, row_float)
    column_sum = ReduceSum<keepdims = 1>(column_part, across_window)
    row_sum = ReduceSum<keepdims = 1>(row_part, across_window)
    sums = Concat<axis = 1>(column_sum, row_sum)
    mean_cell = Div(sums, weight)
    mean = Mul(mean_cell, pixels_per_cell)
    clear = Cast<to = 9>(peak_count)
    better = And(clear, usable)
    refined = Where(better, mean, found)
"""
_TO_SOURCE = """
    side = Gather(region, one_size)
    turn = Gather(region, one_turn)
    middle = Gather(region, place)
    cos = Cos(turn)
    sin = Sin(turn)
    minus_sin = Neg(sin)
    entries = Concat<axis = 0>(cos, sin, minus_sin, cos)
    rotation = Reshape(entries, rotation_shape)
    ratio = Div(side, network_size)
    centred = Sub(refined, crop_middle)
    turned = MatMul(centred, rotation)
    grown = Mul(turned, ratio)
    placed = Add(grown, middle)
    depth_source = Mul(depth, ratio)
    points = Concat<axis = 1>(placed, depth_source, likely)
    all_world = Reshape(raw_world, world_table)
    body_world = Gather<axis = 0>(all_world, body_rows)
    world_xy = Gather<axis = 1>(body_world, xy)
    world_z = Gather<axis = 1>(body_world, z)
    world_turned = MatMul(world_xy, rotation)
    world_camera = Concat<axis = 1>(world_turned, world_z)
    world = Mul(world_camera, our_axes)
    score = Reshape(presence, flat)
"""


def decode_detections(network: onnx.ModelProto, wanted: Input, outputs: DetectorOutputs, centres: Array) -> Part:
    """From the network's outputs and `region_again` to boxes, points and scores of the best candidates."""
    constants: Constants = {
        "flat": np.array([-1], dtype=np.int64),
        "pairs": np.array([outputs.best, -1, 2], dtype=np.int64),
        "box_shape": np.array([-1, 4], dtype=np.int64),
        "best": np.array([outputs.best], dtype=np.int64),
        "lowest": float32(-SCORE_CLIP),
        "highest": float32(SCORE_CLIP),
        "centres": centres.astype(np.float32),
        "network_size": float32(wanted.size),
        "half": float32(0.5),
        "first_axis": np.array([0], dtype=np.int64),
        "middle_axis": np.array([1], dtype=np.int64),
        "middle_pair": np.array([0]),
        "extent_pair": np.array([1]),
        "point_start": np.array([2], dtype=np.int64),
        "point_end": np.array([np.iinfo(np.int64).max]),
        "place": np.array([0, 1]),
        "one_size": np.array([2]),
    }
    text = f"""
        decode (float[1, n, m] raw, float[1, n, 1] logits, float[4] region)
        => (float[{outputs.best}, 4] boxes, float[{outputs.best}, p, 2] points, float[{outputs.best}] scores)
        {{ {_DETECTIONS} }}
    """
    joints = ((outputs.boxes, "raw"), (outputs.scores, "logits"), ("region_again", "region"))
    return Part(parse(network, text, constants), joints)


_DETECTIONS = """
    flat_logits = Reshape(logits, flat)
    clipped = Clip(flat_logits, lowest, highest)
    likely = Sigmoid(clipped)
    scores, order = TopK<axis = 0>(likely, best)
    all_raw = Squeeze(raw, first_axis)
    best_raw = Gather<axis = 0>(all_raw, order)
    best_centres = Gather<axis = 0>(centres, order)
    anchor = Unsqueeze(best_centres, middle_axis)
    raw_pairs = Reshape(best_raw, pairs)
    values = Div(raw_pairs, network_size)
    middle_offset = Gather<axis = 1>(values, middle_pair)
    extent = Gather<axis = 1>(values, extent_pair)
    point_offsets = Slice(values, point_start, point_end, middle_axis)
    middle = Add(middle_offset, anchor)
    half_extent = Mul(extent, half)
    corner = Sub(middle, half_extent)
    point_places = Add(point_offsets, anchor)
    side = Gather(region, one_size)
    centre = Gather(region, place)
    half_side = Mul(side, half)
    origin = Sub(centre, half_side)
    corner_grown = Mul(corner, side)
    corner_source = Add(corner_grown, origin)
    extent_source = Mul(extent, side)
    box_pairs = Concat<axis = 1>(corner_source, extent_source)
    boxes = Reshape(box_pairs, box_shape)
    points_grown = Mul(point_places, side)
    points = Add(points_grown, origin)
"""
