"""MoveNet as one file: people found, crops, network and the next crops in one graph.

Source pixels. The parts are those of movenet.py and movenet_crop.py with crops made in the graph; see fused.py for the
file's inputs and outputs. Lightning and thunder carry the network for several people, which finds whom to look at.
"""

from __future__ import annotations

import numpy as np
import onnx

from bodydouble.estimate import assemble, graph, movenet_crop, movenet_graph
from bodydouble.estimate.assemble import Wiring, value
from bodydouble.estimate.fused import facts, following, fuses
from bodydouble.estimate.fused_apart import REGION
from bodydouble.estimate.fused_looks import Parts
from bodydouble.estimate.graph_text import Constants, float32, parse
from bodydouble.estimate.movenet import MANNER, SURE
from bodydouble.estimate.movenet_fused_find import IMAGE, PICTURE, PICTURE_CONSTANTS, choose, detect
from bodydouble.estimate.movenet_graph import MIN_POINT, PEOPLE, POINTS, SIDES
from bodydouble.estimate.movenet_published import MIN_PERSON
from bodydouble.estimate.movenet_several import FINDER
from bodydouble.estimate.sight import SEEN
from bodydouble.models import Progress, onnx_path
from bodydouble.skeletons import COCO_17
from bodydouble.types import BodyDoubleError

FAR = 1e9  # pixels; a point that does not count is never the outermost


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


def limit(like: onnx.ModelProto) -> onnx.ModelProto:
    """`image`, `region` -> `limited` (4,), as movenet_crop.limited."""
    text = f"""
        limit (uint8[height, width, 3] image, float[4] region) => (float[4] limited) {{
            {PICTURE}
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
    return parse(like, text, {**PICTURE_CONSTANTS, "place": np.array([0, 1]), "one_side": np.array([2])})


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
            {PICTURE} {_CLOSE} {_WIDER} {_CHOICE}
        }}
    """
    constants: Constants = {
        **PICTURE_CONSTANTS,
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
