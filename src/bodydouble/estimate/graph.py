"""One ONNX graph a model: uint8 picture and region in, keypoints in source pixels out.

Composes the crop, normalisation and decoding around a converted network, so that a few hundred bytes leave the
accelerator. Two ways in: `Preparation.IMAGE` takes the whole image (H, W, 3) of any size and crops inside the graph;
`Preparation.CROP` takes the crop that cropping.py made. Which is faster where:
docs/decisions/estimate-crop.md

Inputs: `image` or `crop` uint8 RGB; `region` (4,) float32, see region.Region.array. Pixels and radians as in region.py.
"""

from __future__ import annotations

import onnx
import onnx.compose

from bodydouble.estimate.graph_input import Border, Input, Preparation, Rounding, Sampling, Values, Whole, prepare
from bodydouble.estimate.graph_output import DetectorOutputs, LandmarkOutputs, decode_detections, decode_landmarks
from bodydouble.estimate.graph_text import Part
from bodydouble.types import Array, BodyDoubleError

__all__ = [
    "Border",
    "DetectorOutputs",
    "Input",
    "LandmarkOutputs",
    "Preparation",
    "Rounding",
    "Sampling",
    "Values",
    "Whole",
    "compose",
    "detector_graph",
    "landmark_graph",
]


def landmark_graph(
    network: onnx.ModelProto, wanted: Input, outputs: LandmarkOutputs, preparation: Preparation
) -> onnx.ModelProto:
    """Landmarks of one person.

    Outputs: `points` (kept, 5) x, y, z in source pixels, visibility, presence; `world` (bodies, 3) metres, +Y up, +Z to
    the camera; `score` (1,) presence of the person.
    """
    return compose(network, prepare(network, wanted, preparation), decode_landmarks(network, wanted, outputs))


def detector_graph(
    network: onnx.ModelProto, wanted: Input, outputs: DetectorOutputs, centres: Array, preparation: Preparation
) -> onnx.ModelProto:
    """Candidates of a detector, best first, before suppression. centres: (N, 2) anchors of ssd.anchors.

    Outputs: `boxes` (best, 4) x, y, width, height and `points` (best, P, 2) in source pixels; `scores` (best,).
    The region must not be rotated.
    """
    decode = decode_detections(network, wanted, outputs, centres)
    return compose(network, prepare(network, wanted, preparation), decode)


def compose(network: onnx.ModelProto, before: Part, after: Part) -> onnx.ModelProto:
    """before -> network -> after, where `after` may also take what `before` hands on (`region_again`).

    Raises BodyDoubleError for an output that the network has not.
    """
    handed_on = {value.name for value in before.model.graph.output}
    missing = {name for name, _ in after.joints} - {value.name for value in network.graph.output} - handed_on
    if missing:
        found = ", ".join(value.name for value in network.graph.output)
        raise BodyDoubleError(f"the network has no output {', '.join(sorted(missing))}; it has {found}")
    head = onnx.compose.merge_models(_named(before.model, "before/"), _named(network, "network/"), list(before.joints))
    whole = onnx.compose.merge_models(head, _named(after.model, "after/"), list(after.joints))
    wanted = {value.name for value in after.model.graph.output}
    for value in [value for value in whole.graph.output if value.name not in wanted]:
        whole.graph.output.remove(value)
    return whole


def _named(model: onnx.ModelProto, prefix: str) -> onnx.ModelProto:
    """A copy whose inner names begin with `prefix`, so that pieces do not share any; inputs and outputs keep theirs."""
    return onnx.compose.add_prefix(model, prefix, rename_inputs=False, rename_outputs=False)
