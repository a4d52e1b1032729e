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
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from bodydouble.estimate import assemble
from bodydouble.estimate.assemble import Wiring, value
from bodydouble.models import Progress, card, silent
from bodydouble.skeletons import Skeleton
from bodydouble.types import BodyDoubleError

MOST_PEOPLE = 32
REGION = 4  # x, y, side, rotation
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
        raise BodyDoubleError(f'no pose model "{model}" to fuse; choose from {", ".join(sorted(FUSERS))}')
    if not 1 <= people <= MOST_PEOPLE:
        raise BodyDoubleError(f"{people} people asked for; give 1 to {MOST_PEOPLE}")
    return FUSERS[model](model, people, regions, progress)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a family that follows people by regions is fused from.

    find: `image` -> `regions` (people, 4), zero rows for nobody. look: `image`, `region` (4,) -> `keypoints` (K, 3),
    `score` (1,), `next_region` (4,) and, with `world`, `world` (K, 3).
    looks: how often a person who was just found is looked at, each time where the look before says.
    """

    find: onnx.ModelProto
    look: onnx.ModelProto
    skeleton: Skeleton
    world: bool
    looks: int = 1


def following(model: str, people: int, regions: bool, parts: Parts) -> onnx.ModelProto:
    """find, then look at each person; with regions, who is known already is looked at where they were."""
    whole = Wiring()
    whole.tensor("nothing", np.array(0, np.float32))
    whole.tensor("always", np.array(True))
    whole.tensor("people", np.array(people, np.int64))
    inputs = [value("image", ("height", "width", 3), onnx.TensorProto.UINT8)]
    if regions:
        inputs.append(value("regions", (people, REGION)))
        _find_unless_known(whole, people, parts)
    else:
        whole.tensor("looks", np.array(parts.looks, np.int64))
        whole.piece(parts.find, "find/", {"image": "image"}, {"regions": "places"})
    given = _given(parts)
    whole.add("Loop", ["people", "always"], [name for name, _ in given], body=_person(parts))
    outputs = [value(name, (people, *shape)) for name, shape in given if regions or name != NEXT]
    return assemble.model(
        whole.graph(model, inputs, outputs), parts.look, facts(model, people, parts.skeleton), __doc__ or ""
    )


def _find_unless_known(whole: Wiring, people: int, parts: Parts) -> None:
    """`places` and `looks`: from `regions`, or by looking for people where all of those are zero."""
    whole.tensor("side_column", np.array([2], np.int64))
    whole.tensor("looks_known", np.array(1, np.int64))
    whole.tensor("looks_found", np.array(parts.looks, np.int64))
    whole.add("Gather", ["regions", "side_column"], ["sides"], axis=1)
    whole.add("ReduceMax", ["sides"], ["longest"], keepdims=0)
    whole.add("Greater", ["longest", "nothing"], ["known"])
    found, told = Wiring(), Wiring()
    found.piece(parts.find, "find/", {"image": "image"}, {"regions": "found_regions"})
    told.add("Identity", ["regions"], ["told_regions"])
    whole.add(
        "If",
        ["known"],
        ["places"],
        then_branch=told.graph("told", [], [value("told_regions", (people, REGION))]),
        else_branch=found.graph("found", [], [value("found_regions", (people, REGION))]),
    )
    whole.add("Where", ["known", "looks_known", "looks_found"], ["looks"])


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


def _given(parts: Parts) -> list[tuple[str, tuple[int, ...]]]:
    """The outputs of one person: name and shape, in the file's order."""
    count = len(parts.skeleton)
    given: list[tuple[str, tuple[int, ...]]] = [("keypoints", (count, 3)), ("scores", ())]
    return [*given, *([("world", (count, 3))] if parts.world else []), (NEXT, (REGION,))]


def _person(parts: Parts) -> onnx.GraphProto:
    """Body of the loop over people: number -> keypoints, score, next region, world of one."""
    body = Wiring()
    place = body.add("Gather", ["places", "number"], ["place"], axis=0)
    body.tensor("side_entry", np.array(2, np.int64))
    body.add("Gather", [place, "side_entry"], ["side"], axis=0)
    body.add("Greater", ["side", "nothing"], ["there"])
    body.tensor("no_looks", np.array(0, np.int64))
    body.add("Where", ["there", "looks", "no_looks"], ["looks_here"])
    starts, seen = [place], ["place_seen"]
    for name, shape in _given(parts):
        if name != NEXT:
            starts.append(body.tensor(f"no_{name}", np.zeros(shape or (1,), np.float32)))
            seen.append(f"{name}_seen")
    body.add("Loop", ["looks_here", "always", *starts], seen, body=_look(parts))
    body.add("Identity", ["going"], ["going_on"])
    body.tensor("person_flat", np.array([], np.int64))
    body.add("Reshape", ["scores_seen", "person_flat"], ["person_score"])
    by_name = {"scores": "person_score", NEXT: "place_seen"}
    return body.graph(
        "person",
        [value("number", (), onnx.TensorProto.INT64), value("going", (), onnx.TensorProto.BOOL)],
        [
            value("going_on", (), onnx.TensorProto.BOOL),
            *(value(by_name.get(name, f"{name}_seen"), shape) for name, shape in _given(parts)),
        ],
    )


def _look(parts: Parts) -> onnx.GraphProto:
    """Body of the loop over looks at one person; each goes where the one before says."""
    body = Wiring()
    count = len(parts.skeleton)
    carried: list[tuple[str, Sequence[int]]] = [("place", (REGION,)), ("keypoints", (count, 3)), ("score", (1,))]
    if parts.world:
        carried.append(("world", (count, 3)))
    gives = {"next_region" if name == "place" else name: f"{name}_after" for name, _ in carried}
    body.piece(parts.look, "look/", {"image": "image", "region": "place_before"}, gives)
    body.add("Identity", ["looking"], ["looking_on"])
    return body.graph(
        "look",
        [
            value("turn", (), onnx.TensorProto.INT64),
            value("looking", (), onnx.TensorProto.BOOL),
            *(value(f"{name}_before", shape) for name, shape in carried),
        ],
        [
            value("looking_on", (), onnx.TensorProto.BOOL),
            *(value(f"{name}_after", shape) for name, shape in carried),
        ],
    )
