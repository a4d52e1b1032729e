"""PoseNet's graph: what may be chosen of it, and how network, crop and decoding are put together.

Pixels of the network's input where nothing else is said; regions in source pixels (region.py).
Source of the scheme: tensorflow/tfjs-models, pose-detection/src/posenet/detector.ts
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import onnx

from bodydouble.estimate import graph, graph_input, posenet_decode
from bodydouble.estimate.posenet_decode import RADIUS, THRESHOLD, Decoding, Outputs
from bodydouble.estimate.posenet_network import reshaped
from bodydouble.estimate.region import Region
from bodydouble.models import Progress, onnx_path, silent
from bodydouble.types import BodyDoubleError

OUTPUTS = ("heatmap", "offsets", "forward", "backward")  # roles in the zoo, as posenet_decode.Outputs has them
VALUES = graph.Values(1 / 127.5, -1.0)  # of MobileNet: -1..1
RIVALS = 5  # people told apart while one is followed (MULTI_PERSON_ESTIMATION_CONFIG: maxPoses)
MARGIN = 2  # strides of border around the picture that are kept; with none, small people move by 0.8 % of their size

# Devices where OpenCV's crop is the faster one: docs/decisions/estimate-crop.md
CROP_DEVICES = ("cpu", "openvino")


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be chosen of the network and the decoder.

    width, height: of the network's input, whole strides and one more; the picture is fitted in, its border continued
    around it. stride: pixels between cells; less is finer and slower. threshold: heat from which on a point may be a
    person's first, 0..1. radius: pixels within which two points of a kind are one. trimmed: whether border that the
    network hardly looks at is left off, which changes little and saves a third of the time on wide pictures.
    """

    width: int = 385
    height: int = 385
    stride: int = 16
    threshold: float = THRESHOLD
    radius: float = RADIUS
    trimmed: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise BodyDoubleError(f"a threshold of {self.threshold}; give 0 to 1")
        if not self.radius > 0:
            raise BodyDoubleError(f"a radius of {self.radius} pixels; give more than 0")

    def on(self, width: int, height: int) -> Choices:
        """These choices for pictures of a size in source pixels: whole strides of border left off if `trimmed`.

        The picture lies on the network's cells as before, so they see the same but for the border.
        """
        if not self.trimmed:
            return self
        scale = min(self.width / width, self.height / height)

        def left(side: int, length: int) -> int:
            strides = int((side - length * scale) / 2 // self.stride) - MARGIN
            return side - 2 * self.stride * max(strides, 0)

        return replace(self, width=left(self.width, width), height=left(self.height, height))


DEFAULT = Choices()


def load_network(model: str, progress: Progress = silent) -> onnx.ModelProto:
    """The converted network of a model of the zoo; its outputs are those of OUTPUTS, in order."""
    return onnx.load(onnx_path(model, outputs=OUTPUTS, progress=progress))


def letterbox(width: float, height: float, wanted: graph.Input) -> Region:
    """The region around the whole picture with the input's aspect ratio."""
    return Region(width / 2, height / 2, max(width, height * wanted.width / wanted.height))


def preparation_on(device: str) -> graph.Preparation:
    """Where crops are made for a device."""
    return graph.Preparation.CROP if device in CROP_DEVICES else graph.Preparation.IMAGE


def wanted_input(network: onnx.ModelProto, choices: Choices) -> graph.Input:
    """What the network wants to see: the picture in its aspect ratio, its border continued around it."""
    return graph.Input(
        network.graph.input[0].name,
        choices.width,
        choices.height,
        VALUES,
        graph.Border.REPLICATE,
        rounding=graph.Rounding.NONE,
        upright=True,
    )


def posenet_graph(
    network: onnx.ModelProto, choices: Choices, how: Decoding, preparation: graph.Preparation
) -> onnx.ModelProto:
    """One graph: `image` or `crop` and `region` (4,) in, the outputs of posenet_decode.decode out.

    Raises BodyDoubleError for a size or stride that the network cannot have.
    """
    wanted = wanted_input(network, choices)
    sized = reshaped(network, choices.width, choices.height, choices.stride)
    outputs = Outputs(*(value.name for value in network.graph.output))
    decoding = posenet_decode.decode(sized, wanted, choices.stride, outputs, how)
    return graph.compose(sized, graph_input.prepare(sized, wanted, preparation), decoding)


def decoding_for(people: int, choices: Choices) -> Decoding:
    """What the decoder is asked for: the single pose, and so many people; one is told from RIVALS."""
    return Decoding(RIVALS if people == 1 else people, True, choices.threshold, choices.radius)
