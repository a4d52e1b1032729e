"""Boxes: suppression of those that overlap a better one, and the whole decoding of SSD detectors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bodydouble.convert.graph import Dims
from bodydouble.convert.tflite_call import Call, Result
from bodydouble.convert.tflite_operators.elementwise import pair
from bodydouble.convert.tflite_operators.mediapipe import custom_options, needed
from bodydouble.convert.tflite_operators.registry import handles
from bodydouble.convert.tflite_operators.shape import joined
from bodydouble.types import BodyDoubleError

_DOWN = np.float32(-np.inf)
Kinds = list[tuple[Dims | None, npt.DTypeLike]]


@handles("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5")
def _suppression(call: Call) -> Result:
    """Inputs: boxes, scores, how many at most, overlap, least score, and, in V5, sigma. Zeros fill the outputs up."""
    soft = call.known(5) if call.has(5) else np.zeros(1)
    if call.kind.endswith("V5") and (soft is None or float(soft.ravel()[0]) != 0):
        raise BodyDoubleError("NON_MAX_SUPPRESSION_V5 that lowers scores (soft suppression)")
    (count,) = call.shape(1)
    most = call.numbers(2)[0]
    overlap = call.known(3)
    limit = call.cast(call.reshaped(call.input(3), ()), np.float32)
    if overlap is not None:  # TFLite drops a box that overlaps by exactly as much, ONNX one that overlaps by more
        limit = call.array(np.nextafter(np.float32(overlap.ravel()[0]), _DOWN), np.float32)
    boxes, scores = call.reshaped(call.input(0), (1, count, 4)), call.reshaped(call.input(1), (1, 1, count))
    least = call.reshaped(call.input(4), ())
    kept, found = selected(call, boxes, scores, most, limit, least)
    number = call.cast(call.reshaped(call.add("Shape", [kept], (1,), np.int64), ()), np.int32)
    padded = call.cast(_filled(call, kept, found, 0, most), np.int32)
    if call.kind.endswith("V4"):
        return [padded, number]
    best = call.add("Gather", [call.input(1), kept], (found,), axis=0)
    return [padded, _filled(call, best, found, 0, most), number]


def selected(
    call: Call, boxes: str, scores: str, most: int, overlap: str, least: str, column: int = 2
) -> tuple[str, str]:
    """The numbers of the boxes kept, best first (column 1: their classes), and the name of how many there are."""
    found = call.builder.fresh("kept")
    inputs = [boxes, scores, call.array(most, name="most"), overlap, least]
    triples = call.add("NonMaxSuppression", inputs, (found, 3), np.int64)
    return call.add("Gather", [triples, call.array(column)], (found,), axis=1), found


def _filled(call: Call, values: str, found: str, number: float, most: int) -> str:
    """Up to `most` values, with a number after them."""
    rest = call.builder.constant(np.full(most, number, call.builder.values[values].dtype), name="rest")
    longer = call.add("Concat", [values, rest], (f"{found}_and_{most}",), axis=0)
    return call.add("Slice", [longer, call.array([0]), call.array([most]), call.array([0])], (most,))


@handles("TFLite_Detection_PostProcess")
def _post_process(call: Call) -> Result:
    """Boxes from encodings (centre and size against anchors) and class scores; the best that do not overlap.

    Outputs: boxes (1, n, 4) as top, left, bottom, right; classes, scores (1, n); how many (1,). Zeros fill up.
    Source: TensorFlow Lite, detection_postprocess.cc.
    """
    options = custom_options(call)
    most = int(needed(call, options, "max_detections"))
    each = int(options.get("max_classes_per_detection", 1))
    classes = int(needed(call, options, "num_classes"))
    _, count, scored = call.shape(1)
    if scored not in (classes, classes + 1):
        raise BodyDoubleError(f"{call.kind} of {classes} classes with {scored} scores")
    boxes = _decoded(call, options, count)
    scores = call.input(1)
    if scored != classes:  # the first is the background
        ends = [call.array([1]), call.array([scored]), call.array([2])]
        scores = call.add("Slice", [scores, *ends], (1, count, classes))
    # TFLite keeps a score that equals the least one, ONNX only larger ones.
    least = np.nextafter(np.float32(needed(call, options, "nms_score_threshold")), _DOWN)
    limits = (
        call.array(np.float32(needed(call, options, "nms_iou_threshold")), np.float32),
        call.array(least, np.float32),
    )
    if options.get("use_regular_nms", False):
        per_class = int(options.get("detections_per_class", 100))
        return _by_class(call, boxes, scores, most, per_class, limits)
    return _at_once(call, boxes, scores, most, each, limits)


def _decoded(call: Call, options: dict[str, float], count: int) -> str:
    """(1, count, 4) corners of the boxes."""
    scales = [float(needed(call, options, f"{side}_scale")) for side in "yxhw"]
    ends = [call.array([0]), call.array([4]), call.array([2])]
    coded = call.add("Slice", [call.input(0), *ends], (1, count, 4)) if call.shape(0)[2] != 4 else call.input(0)
    anchors = call.reshaped(call.input(2), (1, count, 4))
    halves = (1, count, 2)

    def half(x: str, which: int) -> str:
        places = [call.array([2 * which]), call.array([2 * which + 2]), call.array([2])]
        return call.add("Slice", [x, *places], halves)

    def scaled(x: str, numbers: list[float]) -> str:
        return call.add("Div", [x, call.array([[numbers]], np.float32)], halves)

    centre = pair(call, "Mul", scaled(half(coded, 0), scales[:2]), half(anchors, 1))
    centre = pair(call, "Add", centre, half(anchors, 0))
    size = pair(call, "Mul", call.add("Exp", [scaled(half(coded, 1), scales[2:])], halves), half(anchors, 1))
    size = pair(call, "Mul", size, call.like(0.5, size))
    corners = [pair(call, op, centre, size) for op in ("Sub", "Add")]
    return call.add("Concat", corners, (1, count, 4), axis=2)


def _at_once(call: Call, boxes: str, scores: str, most: int, each: int, limits: tuple[str, str]) -> Result:
    """Suppression among all boxes by their best score; of each box kept, its best classes."""
    _, count, classes = call.builder.shape(scores)
    each = min(each, classes)
    kinds: Kinds = [((1, count, each), np.float32), ((1, count, each), np.int64)]
    best, which = call.builder.add_all("TopK", [scores, call.array([each])], kinds, axis=2, largest=1, sorted=1)
    top = best
    if each > 1:
        ends = [call.array([0]), call.array([1]), call.array([2])]
        top = call.add("Slice", [best, *ends], (1, count, 1))
    kept, found = selected(call, boxes, call.reshaped(top, (1, 1, count)), most, *limits)
    rows = _filled(call, kept, found, count, most)  # one row more holds zeros
    chosen = [
        call.add("Gather", [_with_zeros(call, x, count, width), rows], (most, width), axis=0)
        for x, width in ((boxes, 4), (call.cast(which, np.float32), each), (best, each))
    ]
    number = call.cast(call.add("Shape", [kept], (1,), np.int64), np.float32)
    total = most
    if each > 1:
        total = most * each
        chosen[0] = call.reshaped(
            call.add("Tile", [call.reshaped(chosen[0], (most, 1, 4)), call.array([1, each, 1])], (most, each, 4)),
            (total, 4),
        )
    found_boxes, found_classes, found_scores = chosen
    return [
        call.reshaped(found_boxes, (1, total, 4)),
        call.reshaped(found_classes, (1, total)),
        call.reshaped(found_scores, (1, total)),
        number,
    ]


def _with_zeros(call: Call, x: str, count: int, width: int) -> str:
    """(1, count, width) as (count + 1, width), the last row zeros."""
    flat = call.reshaped(x, (count, width))
    return joined(call, [flat, call.array(np.zeros((1, width)), np.float32)], 0)


def _by_class(call: Call, boxes: str, scores: str, most: int, each: int, limits: tuple[str, str]) -> Result:
    """Suppression within each class; of all that are kept, the best."""
    _, count, classes = call.builder.shape(scores)
    turned = call.add("Transpose", [scores], (1, classes, count), perm=(0, 2, 1))
    found = call.builder.fresh("kept")
    inputs = [boxes, turned, call.array(each, name="most"), *limits]
    triples = call.add("NonMaxSuppression", inputs, (found, 3), np.int64)
    # As many rows of nothing behind: class 0 of the box after the last, whose score is 0.
    nothing = np.tile(np.array([[0, 0, count]], np.int64), (most, 1))
    longer = f"{found}_and_{most}"
    triples = call.add("Concat", [triples, call.array(nothing, name="rest")], (longer, 3), axis=0)
    which, rows = (call.add("Gather", [triples, call.array(n)], (longer,), axis=1) for n in (1, 2))
    table = _with_zeros(call, scores, count, classes)
    places = [call.add("Unsqueeze", [n, call.array([1])], (longer, 1)) for n in (rows, which)]
    places_both = call.add("Concat", places, (longer, 2), axis=1)
    values = call.add("GatherND", [table, places_both], (longer,))
    kinds: Kinds = [((most,), np.float32), ((most,), np.int64)]
    best, order = call.builder.add_all("TopK", [values, call.array([most])], kinds, axis=0, largest=1, sorted=1)
    rows, which = (call.add("Gather", [n, order], (most,), axis=0) for n in (rows, which))
    found_boxes = call.add("Gather", [_with_zeros(call, boxes, count, 4), rows], (most, 4), axis=0)
    real = call.cast(call.add("Less", [rows, call.array(count)], (most,), np.bool_), np.float32)
    number = call.add("ReduceSum", [real, call.array([0])], (1,), keepdims=1)
    return [
        call.reshaped(found_boxes, (1, most, 4)),
        call.reshaped(call.cast(which, np.float32), (1, most)),
        call.reshaped(best, (1, most)),
        number,
    ]
