"""MoveNet in rotated regions: it knows upright people, so who lies or hangs is turned upright for it.

Source pixels, radians clockwise as drawn. points: (17, 3) x, y, score in COCO's order.
"""

from __future__ import annotations

import math

import numpy as np
import onnx

from bodydouble.estimate import graph, movenet_crop
from bodydouble.estimate.graph_input import prepare
from bodydouble.estimate.graph_text import Constants, Part, float32, parse
from bodydouble.estimate.movenet_crop import ANKLES, HIPS, SHOULDERS
from bodydouble.estimate.movenet_graph import BYTES, MIN_POINT, PERSON_SCORE, POINTS, SHARES, SINGLE
from bodydouble.estimate.region import Region
from bodydouble.types import Array

CLOSE = 1.2  # side of the square against the longer side of the points' rectangle
LEANING = 0.35  # radians that a trunk may lean and be seen upright; only what is more turns the region


def turned_input(network: onnx.ModelProto, side: int) -> graph.Input:
    """What the network wants to see: a square of any rotation, black outside the picture."""
    return graph.Input(network.graph.input[0].name, side, side, BYTES, graph.Border.BLACK)


def turned_graph(network: onnx.ModelProto, side: int, preparation: graph.Preparation) -> onnx.ModelProto:
    """`image` or `crop`, and `region` (4,) -> `points` (17, 3) x, y in source pixels, score; `score` (1,).

    score: of the person, the mean over points that count; 0 if none does.
    """
    constants: Constants = {
        **SINGLE,
        "place": np.array([0, 1]),
        "one_side": np.array([2]),
        "one_turn": np.array([3]),
        "half": float32(0.5),
        "rotation_shape": np.array([2, 2], dtype=np.int64),
    }
    text = f"""
        decode (float[1, 1, {POINTS}, 3] raw, float[4] region) => (float[{POINTS}, 3] points, float[1] score) {{
            {SHARES}
            side = Gather(region, one_side)
            turn = Gather(region, one_turn)
            middle = Gather(region, place)
            cos = Cos(turn)
            sin = Sin(turn)
            minus_sin = Neg(sin)
            entries = Concat<axis = 0>(cos, sin, minus_sin, cos)
            rotation = Reshape(entries, rotation_shape)
            centred = Sub(shares, half)
            grown = Mul(centred, side)
            turned = MatMul(grown, rotation)
            placed = Add(turned, middle)
            points = Concat<axis = 1>(placed, likely_points)
            {PERSON_SCORE}
        }}
    """
    output = network.graph.output[0].name
    after = Part(parse(network, text, constants), ((output, "raw"), ("region_again", "region")))
    return graph.compose(network, prepare(network, turned_input(network, side), preparation), after)


def lean(points: Array) -> float:
    """Radians, clockwise, that the trunk is turned from upright; 0 while no shoulder or no hip counts."""
    if not movenet_crop.torso_seen(points):
        return 0.0
    across, down = points[SHOULDERS, :2].mean(axis=0) - points[HIPS, :2].mean(axis=0)
    return math.atan2(across, -down)


def upright_turn(points: Array) -> float:
    """Radians to turn a region by so that the body in it leans by LEANING at most; changes without a jump."""
    leaning = lean(points)
    return math.copysign(max(0.0, abs(leaning) - LEANING), leaning)


def around(points: Array, width: int, height: int) -> Region:
    """The square around the points that count, turned with the body; a torso must be seen. width, height: picture."""
    turn = upright_turn(points)
    if turn == 0.0 and not (points[ANKLES, 2] > MIN_POINT).any():
        return movenet_crop.close_around(points, width, height)  # it looks for the legs
    along = np.array([math.cos(turn), math.sin(turn)])
    axes = np.array([along, [-along[1], along[0]]])
    counted = points[points[:, 2] > MIN_POINT, :2] @ axes.T
    low, high = counted.min(axis=0), counted.max(axis=0)
    x, y = (low + high) / 2 @ axes
    return Region(float(x), float(y), CLOSE * float((high - low).max()), turn)
