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

from bodydouble.estimate import assemble, fused_search
from bodydouble.estimate.assemble import Wiring, value
from bodydouble.estimate.following import TILE_SCALES, Manner
from bodydouble.estimate.fused_search import BOOL, INT64, REGION
from bodydouble.estimate.graph_text import float32
from bodydouble.estimate.sight import SMALLEST
from bodydouble.models import Progress, card, silent
from bodydouble.skeletons import Skeleton
from bodydouble.types import BodyDoubleError

MOST_PEOPLE = 32
IMAGE = ("height", "width", 3)
NEXT = "next_regions"
# Regions are looked at rounded to parts of a pixel and of a radian: runtimes that differ by a hair then see the same
# bytes, and answer alike. OpenCV's crops, with which the estimators work on a CPU, are rounded to as much.
GRID = (32.0, 32.0, 32.0, 8192.0)

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

    detect: `image`, `area` (4,) upright -> `regions` (rows, 4), `scores` (rows,); a region of zeros is nobody.
    look: `image`, `region` (4,) -> `keypoints` (K, 3), `score` (1,), `next_region` (4,), `seen` (points, 3) x, y and
    1 for what counts as visible, else 0; with `world`, `world` (K, 3). manner: whom the follower takes for a person.
    """

    detect: onnx.ModelProto
    look: onnx.ModelProto
    skeleton: Skeleton
    world: bool
    points: int
    rows: int
    manner: Manner


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
        whole.piece(searching(parts, people), "search/", {"image": "image"}, {"places": "places"})
    whole.add("Not", ["known"], ["searching"])
    whole.add("Where", ["known", "looks_known", "looks_found"], ["looks"])
    whole.add("Shape", ["places"], ["places_entry"], start=0, end=1)
    whole.add("Squeeze", ["places_entry"], ["number_of_places"])
    states = _states(people, parts)
    starts = [whole.tensor(f"no_{name}", np.zeros(shape, np.float32)) for name, shape in states]
    given = {"kept_regions": NEXT, "kept_seen": "all_seen"}
    results = [given.get(name, name.removeprefix("kept_")) for name, _ in states]
    whole.add("Loop", ["number_of_places", "always", *starts], results, body=_person(people, parts))
    outputs = [
        value(name, shape)
        for name, (_, shape) in zip(results, states, strict=True)
        if name != "all_seen" and (regions or name != NEXT)
    ]
    return assemble.model(
        whole.graph(model, inputs, outputs), parts.look, facts(model, people, parts.skeleton), __doc__ or ""
    )


def searching(parts: Parts, people: int) -> onnx.ModelProto:
    """`image` -> `places` (m, 4) where somebody may be: of one person in the whole image, of several in tiles as well.

    What is searched, and in which order, is what following.Follower searches in a first frame.
    """
    like = parts.detect
    whole = Wiring()
    scales = TILE_SCALES if people > 1 else ()
    whole.piece(fused_search.areas(like, scales), "areas/", {"image": "image"}, {"areas": "areas"})
    whole.tensor("row_shape", np.array([-1, REGION]))
    whole.tensor("list_shape", np.array([-1]))
    if scales:
        body = Wiring()
        body.add("Gather", ["areas", "number"], ["area"], axis=0)
        gives = {"regions": "area_regions", "scores": "area_scores"}
        body.piece(parts.detect, "detect/", {"image": "image", "area": "area"}, gives)
        body.add("Identity", ["going"], ["going_on"])
        there = value("going_on", (), BOOL)
        found = [there, value("area_regions", (parts.rows, REGION)), value("area_scores", (parts.rows,))]
        loop = body.graph("area", [value("number", (), INT64), value("going", (), BOOL)], found)
        whole.tensor("certainly", np.array(True))
        whole.add("Shape", ["areas"], ["areas_entry"], start=0, end=1)
        whole.add("Squeeze", ["areas_entry"], ["number_of_areas"])
        whole.add("Loop", ["number_of_areas", "certainly"], ["deep_regions", "deep_scores"], body=loop)
    else:
        whole.tensor("area_shape", np.array([REGION]))
        whole.add("Reshape", ["areas", "area_shape"], ["area"])
        gives = {"regions": "deep_regions", "scores": "deep_scores"}
        whole.piece(parts.detect, "detect/", {"image": "image", "area": "area"}, gives)
    whole.add("Reshape", ["deep_regions", "row_shape"], ["all_regions"])
    whole.add("Reshape", ["deep_scores", "list_shape"], ["all_scores"])
    feeds = {"regions": "all_regions", "scores": "all_scores"}
    whole.piece(fused_search.places(like, people), "places/", feeds, {"places": "places"})
    image = value("image", IMAGE, onnx.TensorProto.UINT8)
    return assemble.model(whole.graph("search", [image], [value("places", ("m", REGION))]), like, {})


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
    found.piece(searching(parts, people), "search/", {"image": "image"}, {"places": "found_places"})
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


def _one(parts: Parts) -> list[tuple[str, tuple[int, ...]]]:
    """What is known of one person: name and shape, in the file's order."""
    count = len(parts.skeleton)
    given: list[tuple[str, tuple[int, ...]]] = [("keypoints", (count, 3)), ("scores", ())]
    given += [("world", (count, 3))] if parts.world else []
    return [*given, ("regions", (REGION,)), ("seen", (parts.points, 3))]


def _states(people: int, parts: Parts) -> list[tuple[str, tuple[int, ...]]]:
    """The same of everybody kept so far."""
    return [(f"kept_{name}", (people, *shape)) for name, shape in _one(parts)]


def _person(people: int, parts: Parts) -> onnx.GraphProto:
    """Body of the loop over places: who is at one of them, kept if they are somebody, and nobody yet kept.

    Those searched for take the first free place, who is known keeps theirs.
    """
    body = Wiring()
    states = _states(people, parts)
    body.add("Gather", ["places", "number"], ["place"], axis=0)
    _looks_here(body, parts)
    starts, new = ["place", "more_looks"], ["regions_new", "looks_left"]
    for name, shape in _one(parts):
        if name != "regions":
            starts.append(body.tensor(f"none_{name}", np.zeros(shape or (1,), np.float32)))
            new.append(f"{name}_new" if shape else f"{name}_entry")
    body.add("Loop", ["looks_here", "always", *starts], new, body=_look(parts))
    body.add("Reshape", ["scores_entry", "scalar"], ["scores_new"])
    _keep(body, people, parts)
    for name, shape in _one(parts):
        table = body.tensor(f"{name}_table", np.array([people, *(1 for _ in shape)]))
        body.add("Reshape", ["taken_here", table], [f"{name}_here"])
        body.add("Reshape", ["stays_number", table], [f"{name}_stays"])
        body.add("Mul", [f"kept_{name}", f"{name}_stays"], [f"{name}_left"])
        body.add("Where", [f"{name}_here", f"{name}_new", f"{name}_left"], [f"after_{name}"])
    return body.graph(
        "person",
        [value("number", (), INT64), value("going", (), BOOL), *(value(name, shape) for name, shape in states)],
        [value("going_on", (), BOOL), *(value(f"after_{name}", (people, *shape)) for name, shape in _one(parts))],
    )


def _looks_here(body: Wiring, parts: Parts) -> None:
    """`looks_here`: none where nobody is said to be, or where somebody found already is."""
    body.add("Gather", ["place", "side_entry"], ["side"])
    body.add("Greater", ["side", "nothing"], ["there"])
    body.add("Unsqueeze", ["place", "first_axis"], ["place_row"])
    feeds = {"ones": "place_row", "others": "kept_regions"}
    body.piece(fused_search.same_place(parts.look), "places/", feeds, {"same": "same_places"})
    _any(body, "same_places", "met")
    body.add("And", ["met", "searching"], ["met_again"])
    body.add("Not", ["met_again"], ["new_here"])
    body.add("And", ["there", "new_here"], ["looked_at"])
    body.add("Where", ["looked_at", "looks", "no_looks"], ["looks_here"])


def _keep(body: Wiring, people: int, parts: Parts) -> None:
    """`taken_here` (people,) the place that is taken now, `stays_number` (people,) 0 for who was a part of the new one.

    Also `going_on`: whether the search goes on. As following.without_doubles.
    """
    body.add("GreaterOrEqual", ["scores_new", "least"], ["sure"])
    body.add("Gather", ["regions_new", "side_entry"], ["side_new"])
    body.add("GreaterOrEqual", ["side_new", "smallest"], ["large"])
    body.add("And", ["sure", "large"], ["usable"])
    body.add("And", ["usable", "looked_at"], ["somebody"])
    feeds = {name: name for name in ("kept_seen", "kept_regions")} | {"seen": "seen_new", "region": "regions_new"}
    gives = {"same": "same_any", "part": "part_any", "kept_part": "kept_part_any"}
    body.piece(fused_search.told_apart(parts.look, people, parts.points), "apart/", feeds, gives)
    body.add("Gather", ["kept_regions", "side_entry"], ["kept_sides"], axis=1)
    body.add("Greater", ["kept_sides", "nothing"], ["taken"])
    for name in ("same", "part", "kept_part"):
        body.add("And", [f"{name}_any", "taken"], [name])
    _any(body, "same", "doubled")
    _any(body, "part", "within")
    body.add("Not", ["doubled"], ["single"])
    body.add("And", ["somebody", "single"], ["another"])
    body.add("And", ["kept_part", "another"], ["leaves"])
    body.add("Not", ["leaves"], ["not_leaving"])
    body.add("And", ["taken", "not_leaving"], ["stays"])
    body.add("Not", ["within"], ["by_themselves"])
    body.add("And", ["another", "by_themselves"], ["kept_now"])
    body.add("Cast", ["stays"], ["stays_number"], to=onnx.TensorProto.FLOAT)
    body.add("ArgMin", ["stays_number"], ["first_free"], axis=0, keepdims=0)
    body.add("Where", ["searching", "first_free", "number"], ["row"])
    body.add("Equal", ["everybody", "row"], ["row_here"])
    body.add("And", ["row_here", "kept_now"], ["taken_here"])
    body.add("Or", ["stays", "taken_here"], ["taken_after"])
    body.add("Not", ["taken_after"], ["free"])
    _any(body, "free", "any_free")
    body.add("Not", ["searching"], ["not_searching"])
    body.add("Or", ["any_free", "not_searching"], ["going_on"])


def _any(body: Wiring, name: str, answer: str) -> None:
    """Whether any entry is true."""
    number = body.add("Cast", [name], [f"{name}_of_any"], to=onnx.TensorProto.FLOAT)
    most = body.add("ReduceMax", [number], [f"{name}_most"], keepdims=0)
    body.add("Cast", [most], [answer], to=BOOL)


def _look(parts: Parts) -> onnx.GraphProto:
    """Body of the loop over looks at one person, each where the one before says, as following.Follower meets people.

    One look more after a doubt about the first, and as many more at who is surely there as the manner wants.
    """
    body = Wiring()
    carried: list[tuple[str, Sequence[int], int]] = [
        ("regions", (REGION,), onnx.TensorProto.FLOAT),
        ("left", (), INT64),
    ]
    carried += [(name, shape or (1,), onnx.TensorProto.FLOAT) for name, shape in _one(parts) if name != "regions"]
    named = {"next_region": "regions", "score": "scores"}
    gives = {name: f"{named.get(name, name)}_after" for name in ("keypoints", "score", "next_region", "seen")}
    gives |= {"world": "world_after"} if parts.world else {}
    body.add("Mul", ["regions_before", "grid"], ["grid_place"])
    body.add("Round", ["grid_place"], ["grid_whole"])
    body.add("Div", ["grid_whole", "grid"], ["region"])
    body.piece(parts.look, "look/", {"image": "image", "region": "region"}, gives)
    body.add("Reshape", ["scores_after", "scalar"], ["score"])
    body.add("Gather", ["regions_after", "side_entry"], ["side_after"])
    body.add("GreaterOrEqual", ["side_after", "smallest"], ["usable_after"])
    body.add("GreaterOrEqual", ["score", "least"], ["sure_after"])
    body.add("Not", ["sure_after"], ["unsure"])
    body.add("GreaterOrEqual", ["score", "doubtful"], ["possible"])
    body.add("Equal", ["turn", "no_looks"], ["first_turn"])
    body.add("And", ["unsure", "possible"], ["in_doubt"])
    body.add("And", ["in_doubt", "first_turn"], ["look_again"])
    body.add("Greater", ["left_before", "no_looks"], ["looks_remain"])
    body.add("And", ["sure_after", "looks_remain"], ["look_closer"])
    body.add("Or", ["look_again", "look_closer"], ["look_on"])
    body.add("And", ["look_on", "usable_after"], ["looking_on"])
    body.add("Cast", ["look_closer"], ["used"], to=INT64)
    body.add("Sub", ["left_before", "used"], ["left_after"])
    return body.graph(
        "look",
        [
            value("turn", (), INT64),
            value("looking", (), BOOL),
            *(value(f"{name}_before", shape, kind) for name, shape, kind in carried),
        ],
        [value("looking_on", (), BOOL), *(value(f"{name}_after", shape, kind) for name, shape, kind in carried)],
    )
