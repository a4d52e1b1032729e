"""Bodies of a one-file graph's loops: who is at a place, looked at as following.Follower meets people, and kept once.

Source pixels; regions are rows x, y, side, rotation (region.py), a row of zeros is nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from bodydouble.estimate import fused_apart
from bodydouble.estimate.assemble import Wiring, value
from bodydouble.estimate.following import Manner
from bodydouble.estimate.fused_apart import BOOL, INT64, REGION
from bodydouble.skeletons import Skeleton

# Regions are looked at rounded to parts of a pixel and of a radian: runtimes that differ by a hair then see the same
# bytes, and answer alike. OpenCV's crops, with which the estimators work on a CPU, are rounded to as much.
GRID = (32.0, 32.0, 32.0, 8192.0)


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


def known_of(parts: Parts) -> list[tuple[str, tuple[int, ...]]]:
    """What is known of one person: name and shape, in the file's order."""
    count = len(parts.skeleton)
    given: list[tuple[str, tuple[int, ...]]] = [("keypoints", (count, 3)), ("scores", ())]
    given += [("world", (count, 3))] if parts.world else []
    return [*given, ("regions", (REGION,)), ("seen", (parts.points, 3))]


def states_of(people: int, parts: Parts) -> list[tuple[str, tuple[int, ...]]]:
    """The same of everybody kept so far."""
    return [(f"kept_{name}", (people, *shape)) for name, shape in known_of(parts)]


def person(people: int, parts: Parts) -> onnx.GraphProto:
    """Body of the loop over places: who is at one of them, kept if they are somebody, and nobody yet kept.

    Those searched for take the first free place, who is known keeps theirs.
    """
    body = Wiring()
    states = states_of(people, parts)
    body.add("Gather", ["places", "number"], ["place"], axis=0)
    _looks_here(body, parts)
    starts, new = ["place", "more_looks"], ["regions_new", "looks_left"]
    for name, shape in known_of(parts):
        if name != "regions":
            starts.append(body.tensor(f"none_{name}", np.zeros(shape or (1,), np.float32)))
            new.append(f"{name}_new" if shape else f"{name}_entry")
    body.add("Loop", ["looks_here", "always", *starts], new, body=_look(parts))
    body.add("Reshape", ["scores_entry", "scalar"], ["scores_new"])
    _keep(body, people, parts)
    for name, shape in known_of(parts):
        table = body.tensor(f"{name}_table", np.array([people, *(1 for _ in shape)]))
        body.add("Reshape", ["taken_here", table], [f"{name}_here"])
        body.add("Reshape", ["stays_number", table], [f"{name}_stays"])
        body.add("Mul", [f"kept_{name}", f"{name}_stays"], [f"{name}_left"])
        body.add("Where", [f"{name}_here", f"{name}_new", f"{name}_left"], [f"after_{name}"])
    return body.graph(
        "person",
        [value("number", (), INT64), value("going", (), BOOL), *(value(name, shape) for name, shape in states)],
        [value("going_on", (), BOOL), *(value(f"after_{name}", (people, *shape)) for name, shape in known_of(parts))],
    )


def _looks_here(body: Wiring, parts: Parts) -> None:
    """`looks_here`: none where nobody is said to be, or where somebody found already is."""
    body.add("Gather", ["place", "side_entry"], ["side"])
    body.add("Greater", ["side", "nothing"], ["there"])
    body.add("Unsqueeze", ["place", "first_axis"], ["place_row"])
    feeds = {"ones": "place_row", "others": "kept_regions"}
    body.piece(fused_apart.same_place(parts.look), "places/", feeds, {"same": "same_places"})
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
    body.piece(fused_apart.told_apart(parts.look, people, parts.points), "apart/", feeds, gives)
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
    carried += [(name, shape or (1,), onnx.TensorProto.FLOAT) for name, shape in known_of(parts) if name != "regions"]
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
