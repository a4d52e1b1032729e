"""PoseNet as one file: letterbox, network, decoding and the choice of people in one graph.

Source pixels. The same answers as posenet.PoseNet gives for a picture by itself, its border not trimmed; see fused.py
for the file's inputs and outputs.
"""

from __future__ import annotations

import numpy as np
import onnx

from bodydouble.estimate import assemble, graph
from bodydouble.estimate.assemble import Wiring, value
from bodydouble.estimate.fused import facts, fuses
from bodydouble.estimate.graph_text import float32, parse
from bodydouble.estimate.posenet import MIN_SCORE, MODELS
from bodydouble.estimate.posenet_decode import POINTS
from bodydouble.estimate.posenet_graph import DEFAULT, RIVALS, Choices, decoding_for, load_network, posenet_graph
from bodydouble.models import Progress
from bodydouble.skeletons import COCO_17
from bodydouble.types import BodyDoubleError

SMALLEST = 1e-9  # keeps a body that nobody is sure of from dividing by zero


@fuses(*MODELS)
def posenet(model: str, people: int, regions: bool, progress: Progress) -> onnx.ModelProto:
    """A PoseNet model as one file; see fused.fused."""
    if regions:
        raise BodyDoubleError(f"{model} looks at whole pictures and takes no regions; make the file without them")
    return fuse(load_network(model, progress), model, people)


def fuse(network: onnx.ModelProto, model: str, people: int, choices: Choices = DEFAULT) -> onnx.ModelProto:
    """`image` -> `keypoints`, `scores` with a network of load_network."""
    how = decoding_for(people, choices)
    seen = posenet_graph(network, choices, how, graph.Preparation.IMAGE)
    whole = Wiring()
    whole.piece(_letterbox(network, choices), "letterbox/", {"image": "image"}, {"region": "region"})
    found = {name: f"found_{name}" for name in ("keypoints", "scores", "single", "single_score")}
    whole.piece(seen, "posenet/", {"image": "image", "region": "region"}, found)
    chosen = _one(network) if people == 1 else _sure(network, people)
    feeds = {entry.name: found[entry.name] for entry in chosen.graph.input}
    gives = {"chosen_keypoints": "keypoints", "chosen_scores": "scores"}
    whole.piece(chosen, "chosen/", feeds, gives)
    inputs = [value("image", ("height", "width", 3), onnx.TensorProto.UINT8)]
    outputs = [value("keypoints", (people, POINTS, 3)), value("scores", (people,))]
    return assemble.model(whole.graph(model, inputs, outputs), network, facts(model, people, COCO_17), __doc__ or "")


def _letterbox(like: onnx.ModelProto, choices: Choices) -> onnx.ModelProto:
    """`image` -> `region` (4,), as posenet_graph.letterbox."""
    text = """
        letterbox (uint8[height, width, 3] image) => (float[4] region) {
            shape = Shape<start = 0, end = 2>(image)
            extent = Cast<to = 1>(shape)
            swapped = Gather(extent, columns_first)
            middle = Mul(swapped, half)
            widths = Mul(extent, aspects)
            side = ReduceMax<axes = [0], keepdims = 1>(widths)
            region = Concat<axis = 0>(middle, side, upright)
        }
    """
    constants = {
        "half": float32(0.5),
        "columns_first": np.array([1, 0]),
        "aspects": np.array([choices.width / choices.height, 1.0], dtype=np.float32),
        "upright": np.zeros(1, np.float32),
    }
    return parse(like, text, constants)


_SURE = """
    enough = GreaterOrEqual(scores, least)
    enough_float = Cast<to = 1>(enough)
"""


def _sure(like: onnx.ModelProto, people: int) -> onnx.ModelProto:
    """`keypoints` and `scores` of people, zero where a score is too low."""
    text = f"""
        sure (float[{people}, {POINTS}, 3] keypoints, float[{people}] scores)
        => (float[{people}, {POINTS}, 3] chosen_keypoints, float[{people}] chosen_scores) {{
            {_SURE}
            mask = Reshape(enough_float, a_person)
            chosen_keypoints = Mul(keypoints, mask)
            chosen_scores = Mul(scores, enough_float)
        }}
    """
    return parse(like, text, {"least": float32(MIN_SCORE), "a_person": np.array([-1, 1, 1])})


def _one(like: onnx.ModelProto) -> onnx.ModelProto:
    """The single pose while fewer than two people are sure, else the largest of them (posenet_lock.Lock, at first)."""
    text = f"""
        one (float[{RIVALS}, {POINTS}, 3] keypoints, float[{RIVALS}] scores,
             float[1, {POINTS}, 3] single, float[1] single_score)
        => (float[1, {POINTS}, 3] chosen_keypoints, float[1] chosen_scores) {{
            {_SURE}
            number = ReduceSum<keepdims = 1>(enough_float, people_axis)
            several = Greater(number, one)
            place = Gather<axis = 2>(keypoints, xy)
            weight = Gather<axis = 2>(keypoints, sure)
            total = ReduceSum<keepdims = 1>(weight, points_axis)
            divisor = Max(total, smallest)
            share = Div(weight, divisor)
            weighed = Mul(place, share)
            middle = ReduceSum<keepdims = 1>(weighed, points_axis)
            away = Sub(place, middle)
            squared = Mul(away, away)
            weighed_squared = Mul(squared, share)
            variance = ReduceSum<keepdims = 0>(weighed_squared, person_axes)
            size = Sqrt(variance)
            size_sure = Mul(size, enough_float)
            rank = Mul(size_sure, scores)
            largest = ArgMax<axis = 0, keepdims = 1>(rank)
            largest_keypoints = Gather<axis = 0>(keypoints, largest)
            largest_score = Gather<axis = 0>(scores, largest)
            any_score = Where(several, largest_score, single_score)
            any_keypoints = Where(several, largest_keypoints, single)
            there = GreaterOrEqual(any_score, least)
            there_float = Cast<to = 1>(there)
            chosen_keypoints = Mul(any_keypoints, there_float)
            chosen_scores = Mul(any_score, there_float)
        }}
    """
    constants = {
        "least": float32(MIN_SCORE),
        "one": float32(1),
        "smallest": float32(SMALLEST),
        "xy": np.array([0, 1]),
        "sure": np.array([2]),
        "people_axis": np.array([0]),
        "points_axis": np.array([1]),
        "person_axes": np.array([1, 2]),
    }
    return parse(like, text, constants)
