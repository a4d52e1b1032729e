"""One portable file a model: uint8 image of any size in, keypoints in its pixels out; needs nothing but ONNX Runtime.

Inputs   image    (H, W, 3) uint8 RGB, upright, any size
         regions  (people, 4) float32, only in a file made with regions: where to look, as `next_regions` gave it for
                  the frame before; all zero: look for people in the whole image
Outputs  keypoints     (people, K, 3) float32: x, y in pixels of the image, score 0..1; zero where there is nobody
         scores        (people,) float32 0..1 confidence that this is a person, 0 for an empty place
         world         (people, K, 3) float32 metres, +Y up, +Z to the camera; models that have it
         next_regions  (people, 4) float32, only in a file made with regions: where each person will be looked for in
                       the next frame, zero when lost
Pixels: origin at the top-left corner of the top-left pixel. The file's metadata names the keypoints.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import onnx

from bodydouble.estimate import assemble
from bodydouble.estimate.assemble import Wiring, value
from bodydouble.estimate.fused_apart import REGION
from bodydouble.estimate.fused_looks import GRID, Parts, person, states_of
from bodydouble.estimate.fused_search import IMAGE, searching
from bodydouble.estimate.graph_text import float32
from bodydouble.estimate.sight import SMALLEST
from bodydouble.models import Progress, card, silent
from bodydouble.skeletons import Skeleton
from bodydouble.types import BodyDoubleError

MOST_PEOPLE = 32
NEXT = "next_regions"

# model, people, whether the file takes regions, progress of fetching
Fuser = Callable[[str, int, bool, Progress], onnx.ModelProto]
FUSERS: dict[str, Fuser] = {}


def fuses(*models: str) -> Callable[[Fuser], Fuser]:
    """Registers a function that makes the one-file graph of these models."""

    def register(make: Fuser) -> Fuser:
        for model in models:
            if model in FUSERS:
                raise BodyDoubleError(f'"{model}" is fused by two functions; take one away')
            FUSERS[model] = make
        return make

    return register


def fused(model: str, people: int = 1, *, regions: bool = False, progress: Progress = silent) -> onnx.ModelProto:
    """The model as one graph from camera image to keypoints (see the module's words).

    people: places in the outputs, the most that are found. regions: whether people are followed from frame to frame by
    an input `regions`; without it every image is looked at for itself. Raises BodyDoubleError for a model that has no
    such graph, for too many or too few people, and for regions of a model that has none.
    """
    if model not in FUSERS:
        raise BodyDoubleError(f'"{model}" is no model that is made one file; choose from {", ".join(sorted(FUSERS))}')
    if not 1 <= people <= MOST_PEOPLE:
        raise BodyDoubleError(f"{people} people asked for; give 1 to {MOST_PEOPLE}")
    return FUSERS[model](model, people, regions, progress)


def following(model: str, people: int, regions: bool, parts: Parts) -> onnx.ModelProto:
    """Search, then look at each person; with regions, who is known already is looked at where they were."""
    whole = Wiring()
    _constants(whole, people, parts)
    inputs = [value("image", IMAGE, onnx.TensorProto.UINT8)]
    if regions:
        inputs.append(value("regions", (people, REGION)))
        _search_unless_known(whole, people, parts)
    else:
        whole.tensor("known", np.array(False))
        whole.piece(searching(parts.detect, parts.rows, people), "search/", {"image": "image"}, {"places": "places"})
    whole.add("Not", ["known"], ["searching"])
    whole.add("Where", ["known", "looks_known", "looks_found"], ["looks"])
    whole.add("Shape", ["places"], ["places_entry"], start=0, end=1)
    whole.add("Squeeze", ["places_entry"], ["number_of_places"])
    states = states_of(people, parts)
    starts = [whole.tensor(f"no_{name}", np.zeros(shape, np.float32)) for name, shape in states]
    given = {"kept_regions": NEXT, "kept_seen": "all_seen"}
    results = [given.get(name, name.removeprefix("kept_")) for name, _ in states]
    whole.add("Loop", ["number_of_places", "always", *starts], results, body=person(people, parts))
    outputs = [
        value(name, shape)
        for name, (_, shape) in zip(results, states, strict=True)
        if name != "all_seen" and (regions or name != NEXT)
    ]
    return assemble.model(
        whole.graph(model, inputs, outputs), parts.look, facts(model, people, parts.skeleton), __doc__ or ""
    )


def _constants(whole: Wiring, people: int, parts: Parts) -> None:
    """What the bodies of the loops read from around them."""
    manner = parts.manner
    for name, array in {
        "nothing": float32(0),
        "always": np.array(True),
        "no_looks": np.array(0),
        "looks_known": np.array(1),
        "looks_found": np.array(manner.first_looks + 1),
        "more_looks": np.array(manner.first_looks - 1),
        "least": float32(manner.min_score),
        "doubtful": float32(manner.second_look),
        "smallest": float32(SMALLEST),
        "side_entry": np.array(2),
        "scalar": np.array([], np.int64),
        "grid": np.array(GRID, np.float32),
        "everybody": np.arange(people),
        "first_axis": np.array([0]),
    }.items():
        whole.tensor(name, array)


def _search_unless_known(whole: Wiring, people: int, parts: Parts) -> None:
    """`places` and `known`: from `regions`, or by looking for people where all of those are zero."""
    whole.add("Gather", ["regions", "side_entry"], ["sides"], axis=1)
    whole.add("ReduceMax", ["sides"], ["longest"], keepdims=0)
    whole.add("Greater", ["longest", "nothing"], ["known"])
    found, told = Wiring(), Wiring()
    found.piece(searching(parts.detect, parts.rows, people), "search/", {"image": "image"}, {"places": "found_places"})
    told.add("Identity", ["regions"], ["told_places"])
    whole.add(
        "If",
        ["known"],
        ["places"],
        then_branch=told.graph("told", [], [value("told_places", ("m", REGION))]),
        else_branch=found.graph("found", [], [value("found_places", ("m", REGION))]),
    )


def facts(model: str, people: int, skeleton: Skeleton) -> dict[str, str]:
    """Metadata of the file: what the rows of `keypoints` are, where the weights are from and their licence."""
    source = card(model)
    return {
        "model": model,
        "people": str(people),
        "skeleton": skeleton.name,
        "keypoints": json.dumps(skeleton.points),
        "edges": json.dumps(skeleton.edges),
        "licence": source.licence,
        "author": source.author,
        "source": source.source,
    }
