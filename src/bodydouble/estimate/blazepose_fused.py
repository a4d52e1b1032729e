"""BlazePose as one file: detector, suppression, regions and landmarks of several people in one graph.

Pixels, radians, metres. The parts are those of blazepose.py with crops made in the graph; see fused.py for the file's
inputs and outputs.
"""

from __future__ import annotations

import numpy as np
import onnx

from bodydouble.estimate import assemble, graph, region, ssd
from bodydouble.estimate.assemble import Wiring, value
from bodydouble.estimate.blazepose import (
    DETECTOR,
    DETECTOR_INPUT,
    DETECTOR_OUTPUTS,
    DETECTOR_STRIDES,
    HIPS,
    LANDMARK_INPUT,
    LANDMARK_OUTPUTS,
    MIN_DETECTION,
    RIM,
)
from bodydouble.estimate.following import Manner
from bodydouble.estimate.fused import following, fuses
from bodydouble.estimate.fused_apart import REGION
from bodydouble.estimate.fused_looks import Parts
from bodydouble.estimate.graph_text import float32, parse
from bodydouble.estimate.sight import SEEN
from bodydouble.models import Progress, onnx_path
from bodydouble.skeletons import BLAZEPOSE_33

ROWS = 16  # people told apart in one area
SMALLEST_UNION = 1e-9  # keeps boxes without area from dividing by zero


@fuses("blazepose-lite", "blazepose-full", "blazepose-heavy")
def blazepose(model: str, people: int, regions: bool, progress: Progress) -> onnx.ModelProto:
    """One of the BlazePose models as one file; see fused.fused."""
    detector = onnx.load(onnx_path(DETECTOR, outputs=DETECTOR_OUTPUTS.names, progress=progress))
    landmarks = onnx.load(onnx_path(model, outputs=LANDMARK_OUTPUTS.names, progress=progress))
    kept = LANDMARK_OUTPUTS.kept
    parts = Parts(detect(detector), look(landmarks), BLAZEPOSE_33, True, kept, ROWS, Manner())
    return following(model, people, regions, parts)


def detect(detector: onnx.ModelProto) -> onnx.ModelProto:
    """`image`, `area` (4,) -> `regions` (ROWS, 4) and `scores`, the surest first, zero where there are fewer people."""
    centres = ssd.anchors(DETECTOR_INPUT.size, DETECTOR_STRIDES)
    seen = graph.detector_graph(detector, DETECTOR_INPUT, DETECTOR_OUTPUTS, centres, graph.Preparation.IMAGE)
    wiring = Wiring()
    names = ("boxes", "points", "scores")
    feeds = {"image": "image", "region": "area"}
    wiring.piece(seen, "detector/", feeds, {name: f"candidate_{name}" for name in names})
    feeds = {name: f"candidate_{name}" for name in names}
    wiring.piece(suppress(detector, ROWS), "suppress/", feeds, {"regions": "regions", "best_scores": "scores"})
    inputs = [value("image", ("height", "width", 3), onnx.TensorProto.UINT8), value("area", (REGION,))]
    outputs = [value("regions", (ROWS, REGION)), value("scores", (ROWS,))]
    return assemble.model(wiring.graph("detect", inputs, outputs), detector, {})


def look(landmarks: onnx.ModelProto) -> onnx.ModelProto:
    """`image`, `region` -> `keypoints`, `score`, `next_region`, `seen`, `world` of who is there, however unsure."""
    seen = graph.landmark_graph(landmarks, LANDMARK_INPUT, LANDMARK_OUTPUTS, graph.Preparation.IMAGE)
    count = len(BLAZEPOSE_33)
    wiring = Wiring()
    feeds = {"image": "image", "region": "region"}
    wiring.piece(seen, "landmarks/", feeds, {"points": "points", "world": "world", "score": "score"})
    gives = {name: name for name in ("keypoints", "next_region", "seen")}
    wiring.piece(_told(landmarks), "told/", {"points": "points"}, gives)
    inputs = [value("image", ("height", "width", 3), onnx.TensorProto.UINT8), value("region", (REGION,))]
    outputs = [
        value("keypoints", (count, 3)),
        value("score", (1,)),
        value("next_region", (REGION,)),
        value("seen", (LANDMARK_OUTPUTS.kept, 3)),
        value("world", (count, 3)),
    ]
    return assemble.model(wiring.graph("look", inputs, outputs), landmarks, {})


# Weighted suppression as ssd.suppress: the best candidate left, averaged with all left that overlap it; once a person.
_SUPPRESS = """
    low = Gather<axis = 1>(boxes, place)
    extent = Gather<axis = 1>(boxes, extents)
    high = Add(low, extent)
    low_here = Unsqueeze(low, first_axis)
    low_there = Unsqueeze(low, second_axis)
    high_here = Unsqueeze(high, first_axis)
    high_there = Unsqueeze(high, second_axis)
    shared_low = Max(low_here, low_there)
    shared_high = Min(high_here, high_there)
    shared_signed = Sub(shared_high, shared_low)
    shared_extent = Max(shared_signed, nothing)
    shared = ReduceProd<axes = [2], keepdims = 0>(shared_extent)
    area = ReduceProd<axes = [1], keepdims = 0>(extent)
    area_here = Unsqueeze(area, first_axis)
    area_there = Unsqueeze(area, second_axis)
    areas = Add(area_here, area_there)
    union_signed = Sub(areas, shared)
    union = Max(union_signed, smallest)
    overlap = Div(shared, union)
    overlapping = Greater(overlap, most_overlap)
    same = Or(overlapping, oneself)
    flat_points = Flatten<axis = 1>(points)
    likely = GreaterOrEqual(scores, least_score)
    likely_float = Cast<to = 1>(likely)
    left_0 = Mul(scores, likely_float)
"""
_PERSON = """
    best_{n} = ArgMax<axis = 0, keepdims = 0>(left_{n})
    score_{n} = ReduceMax<axes = [0], keepdims = 1>(left_{n})
    row_{n} = Gather<axis = 0>(same, best_{n})
    row_float_{n} = Cast<to = 1>(row_{n})
    weights_{n} = Mul(left_{n}, row_float_{n})
    total_{n} = ReduceSum<keepdims = 1>(weights_{n})
    found_{n} = Greater(total_{n}, nothing)
    divisor_{n} = Max(total_{n}, smallest)
    shares_{n} = Div(weights_{n}, divisor_{n})
    shares_row_{n} = Unsqueeze(shares_{n}, first_axis)
    mean_{n} = MatMul(shares_row_{n}, flat_points)
    alignment_{n} = Slice(mean_{n}, start, end, second_axis)
    hips_and_rim_{n} = Reshape(alignment_{n}, two_points)
    found_float_{n} = Cast<to = 1>(found_{n})
    others_{n} = Sub(one, row_float_{n})
    left_{m} = Mul(left_{n}, others_{n})
"""


def suppress(like: onnx.ModelProto, people: int) -> onnx.ModelProto:
    """`boxes` (N, 4), `points` (N, P, 2), `scores` (N,), best first -> `regions` (people, 4), `best_scores`."""
    count = DETECTOR_OUTPUTS.best
    rows = range(people)
    text = f"""
        suppress (float[{count}, 4] boxes, float[{count}, p, 2] points, float[{count}] scores)
        => (float[{people}, 2, 2] pairs, float[{people}] found, float[{people}] best_scores) {{
            {_SUPPRESS}
            {"".join(_PERSON.format(n=n, m=n + 1) for n in rows)}
            pairs = Concat<axis = 0>({", ".join(f"hips_and_rim_{n}" for n in rows)})
            found = Concat<axis = 0>({", ".join(f"found_float_{n}" for n in rows)})
            best_scores = Concat<axis = 0>({", ".join(f"score_{n}" for n in rows)})
        }}
    """
    chosen = parse(
        like,
        text,
        {
            "place": np.array([0, 1]),
            "extents": np.array([2, 3]),
            "first_axis": np.array([0]),
            "second_axis": np.array([1]),
            "nothing": float32(0),
            "one": float32(1),
            "smallest": float32(SMALLEST_UNION),
            "most_overlap": float32(ssd.MAX_OVERLAP),
            "oneself": np.eye(count, dtype=bool),
            "least_score": float32(MIN_DETECTION),
            "start": np.array([0]),
            "end": np.array([4]),
            "two_points": np.array([1, 2, 2]),
        },
    )
    wiring = Wiring()
    names = ("boxes", "points", "scores")
    gives = {"pairs": "pairs", "found": "found", "best_scores": "best_scores"}
    wiring.piece(chosen, "chosen/", {name: name for name in names}, gives)
    wiring.piece(from_alignment(like, people), "regions/", {"pairs": "pairs", "found": "found"}, {"regions": "regions"})
    inputs = [value("boxes", (count, 4)), value("points", (count, "p", 2)), value("scores", (count,))]
    outputs = [value("regions", (people, REGION)), value("best_scores", (people,))]
    return assemble.model(wiring.graph("suppress", inputs, outputs), like, {})


def from_alignment(like: onnx.ModelProto, people: int) -> onnx.ModelProto:
    """`pairs` (people, 2, 2) of hips and rim, `found` (people,) 1 or 0 -> `regions`, as region.from_alignment.

    The rotation is atan2(across, up), which ONNX has not: twice the arc tangent of the half angle, pi straight down.
    """
    text = f"""
        align (float[{people}, 2, 2] pairs, float[{people}] found) => (float[{people}, 4] regions) {{
            hips = Gather<axis = 1>(pairs, first)
            rim = Gather<axis = 1>(pairs, second)
            line = Sub(rim, hips)
            across = Gather<axis = 1>(line, columns)
            down = Gather<axis = 1>(line, rows)
            up = Neg(down)
            length = ReduceL2<axes = [1], keepdims = 1>(line)
            size = Mul(length, scale)
            reach = Add(length, up)
            flat = Greater(reach, smallest)
            divisor = Where(flat, reach, one)
            tangent = Div(across, divisor)
            half_turn = Atan(tangent)
            turn = Mul(half_turn, two)
            rotation = Where(flat, turn, pi)
            all = Concat<axis = 1>(hips, size, rotation)
            mask = Unsqueeze(found, rows)
            regions = Mul(all, mask)
        }}
    """
    return parse(
        like,
        text,
        {
            "first": np.array(0),
            "second": np.array(1),
            "columns": np.array([0]),
            "rows": np.array([1]),
            "scale": float32(2 * region.BODY_SCALE),
            "smallest": float32(SMALLEST_UNION),
            "one": float32(1),
            "two": float32(2),
            "pi": float32(np.pi),
        },
    )


def _told(like: onnx.ModelProto) -> onnx.ModelProto:
    """`points` (kept, 5) -> `keypoints` (33, 3), `next_region` (4,), `seen` (kept, 3)."""
    count = len(BLAZEPOSE_33)
    text = f"""
        told (float[{LANDMARK_OUTPUTS.kept}, 5] points)
        => (float[{count}, 3] keypoints, float[1, 2, 2] pairs, float[{LANDMARK_OUTPUTS.kept}, 3] seen) {{
            all_places = Gather<axis = 1>(points, xy)
            all_visibilities = Gather<axis = 1>(points, visible)
            is_visible = Greater(all_visibilities, least)
            visible_number = Cast<to = 1>(is_visible)
            seen = Concat<axis = 1>(all_places, visible_number)
            body = Slice(points, start, end, first_axis)
            place = Gather<axis = 1>(body, xy)
            visibility = Gather<axis = 1>(body, visible)
            presence = Gather<axis = 1>(body, present)
            sure = Mul(visibility, presence)
            keypoints = Concat<axis = 1>(place, sure)
            alignment = Gather<axis = 0>(points, alignment_rows)
            pair = Gather<axis = 1>(alignment, xy)
            pairs = Unsqueeze(pair, first_axis)
        }}
    """
    split = parse(
        like,
        text,
        {
            "start": np.array([0]),
            "end": np.array([count]),
            "first_axis": np.array([0]),
            "xy": np.array([0, 1]),
            "visible": np.array([3]),
            "present": np.array([4]),
            "alignment_rows": np.array([HIPS, RIM]),
            "least": float32(SEEN),
        },
    )
    wiring = Wiring()
    gives = {name: name for name in ("keypoints", "pairs", "seen")}
    wiring.piece(split, "split/", {"points": "points"}, gives)
    wiring.tensor("one_found", np.ones(1, np.float32))
    feeds = {"pairs": "pairs", "found": "one_found"}
    wiring.piece(from_alignment(like, 1), "align/", feeds, {"regions": "regions"})
    wiring.tensor("region_shape", np.array([REGION], np.int64))
    wiring.add("Reshape", ["regions", "region_shape"], ["next_region"])
    inputs = [value("points", (LANDMARK_OUTPUTS.kept, 5))]
    outputs = [
        value("keypoints", (count, 3)),
        value("next_region", (REGION,)),
        value("seen", (LANDMARK_OUTPUTS.kept, 3)),
    ]
    return assemble.model(wiring.graph("told", inputs, outputs), like, {})
