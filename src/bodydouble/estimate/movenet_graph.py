"""The pieces of graph around MoveNet's networks: crops in, 17 points in source pixels out.

Source: tensorflow/tfjs-models, pose-detection/src/movenet/detector.ts
"""

from __future__ import annotations

import numpy as np
import onnx

from bodydouble.estimate import graph
from bodydouble.estimate.graph_input import prepare, prepare_whole
from bodydouble.estimate.graph_text import Constants, Part, float32, parse

POINTS = 17
PEOPLE = 6  # that the network for several people tells apart
PERSON = 3 * POINTS + 5  # y, x, score of each point, then ymin, xmin, ymax, xmax, score of the person
MIN_POINT = 0.2  # score from which a point counts (constants.ts: MIN_CROP_KEYPOINT_SCORE)
SIDES = {"movenet-lightning": 192, "movenet-thunder": 256}  # pixels of the crop
LONGER, MULTIPLE = 256, 32  # pixels: the longer side for several people (MOVENET_MULTIPOSE_DEFAULT_MAX_DIMENSION)

BYTES = graph.Values(integer=True)

# Pieces of the decoding of one person, of `raw` (1, 1, 17, 3): `shares` (17, 2) x, y of the crop and `likely_points`
# (17, 1); the person's `score` (1,), the mean over points that count.
SINGLE: Constants = {
    "table": np.array([POINTS, 3], dtype=np.int64),
    "columns_first": np.array([1, 0]),
    "likely": np.array([2]),
    "least": float32(MIN_POINT),
    "one": float32(1),
    "flat": np.array([1], dtype=np.int64),
}
SHARES = """
    values = Reshape(raw, table)
    shares = Gather<axis = 1>(values, columns_first)
    likely_points = Gather<axis = 1>(values, likely)
"""
PERSON_SCORE = """
    counted = Greater(likely_points, least)
    counts = Cast<to = 1>(counted)
    weighed = Mul(likely_points, counts)
    total = ReduceSum<keepdims = 0>(weighed)
    number = ReduceSum<keepdims = 0>(counts)
    divisor = Max(number, one)
    mean = Div(total, divisor)
    score = Reshape(mean, flat)
"""


def single_input(network: onnx.ModelProto, side: int) -> graph.Input:
    """What a network for one person wants to see: an upright square, black outside the picture."""
    return graph.Input(
        network.graph.input[0].name,
        side,
        side,
        BYTES,
        graph.Border.BLACK,
        graph.Sampling.CORNERS,
        graph.Rounding.DOWN,
        upright=True,
    )


def several_input(network: onnx.ModelProto, longer: int = LONGER) -> graph.Whole:
    """What the network for several people wants to see: the whole picture."""
    return graph.Whole(network.graph.input[0].name, longer, MULTIPLE, BYTES, graph.Rounding.DOWN)


def single_graph(network: onnx.ModelProto, side: int, preparation: graph.Preparation) -> onnx.ModelProto:
    """`image` or `crop`, and `region` (4,) -> `points` (17, 3) x, y in source pixels, score; `score` (1,).

    score: of the person, the mean over points that count; 0 if none does.
    """
    constants: Constants = {
        **SINGLE,
        "place": np.array([0, 1]),
        "one_side": np.array([2]),
        "half": float32(0.5),
    }
    text = f"""
        decode (float[1, 1, {POINTS}, 3] raw, float[4] region) => (float[{POINTS}, 3] points, float[1] score) {{
            {SHARES}
            side = Gather(region, one_side)
            middle = Gather(region, place)
            half_side = Mul(side, half)
            corner = Sub(middle, half_side)
            grown = Mul(shares, side)
            placed = Add(grown, corner)
            points = Concat<axis = 1>(placed, likely_points)
            {PERSON_SCORE}
        }}
    """
    output = network.graph.output[0].name
    after = Part(parse(network, text, constants), ((output, "raw"), ("region_again", "region")))
    return graph.compose(network, prepare(network, single_input(network, side), preparation), after)


def several_graph(network: onnx.ModelProto, preparation: graph.Preparation, longer: int = LONGER) -> onnx.ModelProto:
    """`image`, or `crop` and `extent` -> `points` (6, 17, 3) x, y in source pixels, score; `boxes`, `scores` (6,).

    boxes: (6, 4) x, y, width, height in source pixels, x and y of the top-left corner.
    """
    constants: Constants = {
        "people": np.array([PEOPLE, PERSON], dtype=np.int64),
        "tables": np.array([PEOPLE, POINTS, 3], dtype=np.int64),
        "corners": np.array([PEOPLE, 2, 2], dtype=np.int64),
        "parts": np.array([3 * POINTS, 4, 1], dtype=np.int64),
        "columns_first": np.array([1, 0]),
        "likely": np.array([2]),
        "flat": np.array([-1], dtype=np.int64),
        "first": np.array([0]),
        "second": np.array([1]),
        "box_shape": np.array([PEOPLE, 4], dtype=np.int64),
    }
    text = f"""
        decode (float[1, {PEOPLE}, {PERSON}] raw, float[2] extent)
        => (float[{PEOPLE}, {POINTS}, 3] points, float[{PEOPLE}, 4] boxes, float[{PEOPLE}] scores) {{
            values = Reshape(raw, people)
            flat_points, flat_boxes, flat_scores = Split<axis = 1>(values, parts)
            tabled = Reshape(flat_points, tables)
            shares = Gather<axis = 2>(tabled, columns_first)
            likely_points = Gather<axis = 2>(tabled, likely)
            placed = Mul(shares, extent)
            points = Concat<axis = 2>(placed, likely_points)
            rows_first = Reshape(flat_boxes, corners)
            corner_shares = Gather<axis = 2>(rows_first, columns_first)
            corner_places = Mul(corner_shares, extent)
            low = Gather<axis = 1>(corner_places, first)
            high = Gather<axis = 1>(corner_places, second)
            size = Sub(high, low)
            box_pairs = Concat<axis = 1>(low, size)
            boxes = Reshape(box_pairs, box_shape)
            scores = Reshape(flat_scores, flat)
        }}
    """
    output = network.graph.output[0].name
    after = Part(parse(network, text, constants), ((output, "raw"), ("extent_again", "extent")))
    return graph.compose(network, prepare_whole(network, several_input(network, longer), preparation), after)
