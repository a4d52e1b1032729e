"""Loads a folder of the Animated Drawings project as it is: char_cfg.yaml, texture.png, mask.png.

Format: facebookresearch/AnimatedDrawings, examples/config/README.md: sixteen joints [x, y] in pixels of texture.png,
named by the character's own sides (its right shoulder is at picture left), and a mask that is white where the character
is. The whole drawing is one mesh; its triangles are sorted into trunk, head and limbs, which share points at their
borders, so that limbs can be drawn over the trunk and nothing tears. All pieces of the mask are kept but specks.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from bodydouble.characters.bones import Bone, build_rig, sort_bones, standard_bones
from bodydouble.characters.images import decode, premultiplied
from bodydouble.characters.mesh import Mask, Mesh, triangulate
from bodydouble.characters.parts import even_spacing, outward, thickness
from bodydouble.characters.problems import Problems
from bodydouble.characters.puppet import Part, Puppet
from bodydouble.characters.weights import heat_weights, strongest
from bodydouble.types import Array, Image, Rig

CONFIG = "char_cfg.yaml"
TEXTURE = "texture.png"
MASK = "mask.png"
# Animated Drawings' joints and ours. Its torso lies between the shoulders, its neck within the head.
JOINTS = {
    "hip": "hip",
    "torso": "neck",
    "neck": "head_top",
    **{
        f"{side}_{theirs}": f"{side}_{ours}"
        for side in ("left", "right")
        for theirs, ours in (
            ("shoulder", "shoulder"),
            ("elbow", "elbow"),
            ("hand", "wrist"),
            ("hip", "hip"),
            ("knee", "knee"),
            ("foot", "ankle"),
        )
    },
}
# Limbs by the kinds of their bones, with draw order in front of and behind the trunk.
LIMBS: dict[str, tuple[tuple[str, ...], float, float | None]] = {
    "trunk": (("spine", "left_clavicle", "right_clavicle", "left_pelvis", "right_pelvis"), 20.0, None),
    "left_leg": (("left_thigh", "left_shin"), 25.0, 10.0),
    "right_leg": (("right_thigh", "right_shin"), 26.0, 11.0),
    "head": (("head",), 30.0, None),
    "left_arm": (("left_upper_arm", "left_forearm"), 40.0, 5.0),
    "right_arm": (("right_upper_arm", "right_forearm"), 41.0, 6.0),
}
WHITE = 127  # of 255; a mask is black and white, saved or scaled with soft edges at times
POINTS = 900  # of the mesh: below 600 elbows show corners, above 1200 nothing is won
MARGIN = 2.0  # texture pixels: little, so that an arm close to the body is not tied to it
TOLERANCE = 1.0
SOFT_EDGE = 0.8  # standard deviation in texture pixels that a hard mask's edge is blurred by
SHORTEST = 0.55  # least drawn length of a forearm or shin over rest: hand and foot are part of it and get as short
LEAST_AREA = 64  # pixels; a mask with fewer holds no character


def read_drawing(folder: Path, pixels: int, problems: Problems) -> Puppet | None:
    """The drawing in `folder`, its texture no larger than `pixels` of height need. None if an error was told."""
    config = _read_config(folder / CONFIG, problems)
    texture = _read_texture(folder, problems)
    mask = None if texture is None else _read_mask(folder, texture, problems)
    if config is None or texture is None or mask is None:
        return None
    joints = _joints(config, problems)
    size = (texture.shape[1], texture.shape[0])
    _check_size(config, size, problems)
    _check_joints(joints, mask, problems)
    bones = [_whole_ends(bone) for bone in sort_bones(standard_bones(joints), CONFIG, problems)]
    if problems.errors:
        return None
    rows = np.flatnonzero((mask > WHITE).any(axis=1))
    rig = build_rig(bones, joints, floor=float(rows[-1] + 1), top=float(rows[0]), facing="front")
    scale = min(1.0, pixels / rig.height)
    image = _masked(texture, mask)
    if scale < 1.0:
        smaller = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
        image = np.asarray(cv2.resize(image, smaller, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        mask = np.asarray(cv2.resize(mask, smaller, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    stretch = np.array(image.shape[1::-1]) / np.array(size)
    return Puppet(
        name=folder.resolve().name,
        size=size,
        rig=rig,
        parts=_parts(image, (mask > WHITE).astype(np.uint8), rig, bones, stretch),
        joints=joints,
        scale=scale,
        path=folder,
    )


def _read_config(path: Path, problems: Problems) -> dict[str, Any] | None:
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problems.error(CONFIG, f"not valid YAML{place}: {error.problem}")
        return None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problems.error(CONFIG, f"not valid YAML: {' '.join(str(error).split())}")
        return None
    except OSError as error:
        problems.error(CONFIG, f"cannot be read: {error.strerror}")
        return None
    if not isinstance(config, dict) or not isinstance(config.get("skeleton"), list):
        problems.error(CONFIG, "has no `skeleton` list of joints; wanted a file of the Animated Drawings project")
        return None
    return config


def _read_texture(folder: Path, problems: Problems) -> Image | None:
    if not (folder / TEXTURE).is_file():
        problems.error(TEXTURE, f"is missing; a character with a {CONFIG} needs it beside it")
        return None
    return decode(folder / TEXTURE, problems)


def _read_mask(folder: Path, texture: Image, problems: Problems) -> Mask | None:
    """(H, W) uint8, white where the character is; without a mask.png the texture's own alpha, if it has any."""
    if (folder / MASK).is_file():
        image = decode(folder / MASK, problems)
        if image is None:
            return None
        mask = np.asarray(image[..., :3].max(axis=2), dtype=np.uint8)
        if mask.shape != texture.shape[:2]:
            sizes = [f"{shape[1]}x{shape[0]}" for shape in (mask.shape, texture.shape)]
            problems.error(MASK, f"is {sizes[0]}, {TEXTURE} is {sizes[1]}; make them equal")
            return None
    elif (texture[..., 3] <= WHITE).any():
        mask = np.ascontiguousarray(texture[..., 3])
    else:
        problems.error(MASK, f"is missing, and {TEXTURE} has no transparency to take its place; add one of them")
        return None
    if np.count_nonzero(mask > WHITE) < LEAST_AREA:
        problems.error(MASK, "is black (almost) everywhere; wanted white where the character is")
        return None
    return mask


def _joints(config: dict[str, Any], problems: Problems) -> dict[str, tuple[float, float]]:
    """Our joints by name, from the file's `skeleton` list."""
    found: dict[str, tuple[float, float]] = {}
    for number, entry in enumerate(config["skeleton"], 1):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            problems.error(CONFIG, f"skeleton entry {number} has no name")
            continue
        loc = entry.get("loc")
        if (
            not isinstance(loc, list)
            or len(loc) != 2
            or not all(isinstance(value, int | float) and np.isfinite(value) for value in loc)
        ):
            problems.error(CONFIG, f"skeleton.{entry['name']}.loc is {loc!r}; wanted [x, y] in pixels")
            continue
        found[entry["name"]] = (float(loc[0]), float(loc[1]))
    named = {entry.get("name") for entry in config["skeleton"] if isinstance(entry, dict)}
    for name in JOINTS:
        if name not in named:
            problems.error(CONFIG, f"skeleton has no joint {name}; wanted its loc [x, y] in pixels")
    return {ours: found[theirs] for theirs, ours in JOINTS.items() if theirs in found}


def _whole_ends(bone: Bone) -> Bone:
    """A limb's last bone carries its hand or foot, which nobody wants to see squashed flat."""
    if not bone.name.endswith(("forearm", "shin")):
        return bone
    return replace(bone, stretch=(max(bone.stretch[0], SHORTEST), bone.stretch[1]))


def _check_size(config: dict[str, Any], size: tuple[int, int], problems: Problems) -> None:
    stated = (config.get("width"), config.get("height"))
    if None not in stated and stated != size:
        problems.error(CONFIG, f"says {stated[0]}x{stated[1]}, {TEXTURE} is {size[0]}x{size[1]}; make them equal")


def _check_joints(joints: dict[str, tuple[float, float]], mask: Mask, problems: Problems) -> None:
    height, width = mask.shape
    for name, (x, y) in joints.items():
        if not (0 <= x <= width and 0 <= y <= height):
            problems.error(CONFIG, f"joint {name} at [{x:g}, {y:g}] lies outside the picture of {width}x{height}")
        elif mask[min(int(y), height - 1), min(int(x), width - 1)] <= WHITE:
            problems.warn(CONFIG, f"joint {name} at [{x:g}, {y:g}] lies outside the mask; its limb may bend oddly")
    for joint in ("shoulder", "hip"):
        left, right = joints.get(f"left_{joint}"), joints.get(f"right_{joint}")
        if left and right and left[0] < right[0]:
            problems.warn(
                CONFIG, f"left_{joint} lies left of right_{joint}; the character's own left is at picture right"
            )


def _masked(texture: Image, mask: Mask) -> Image:
    """Premultiplied RGBA of what the mask shows, its edge made a little soft."""
    soft = cv2.GaussianBlur(mask, (0, 0), SOFT_EDGE)
    alpha = np.minimum(soft, texture[..., 3])
    return premultiplied(np.concatenate([texture[..., :3], alpha[..., None]], axis=2))


def _parts(image: Image, mask: Mask, rig: Rig, bones: list[Bone], scale: Array) -> tuple[Part, ...]:
    """The drawing's mesh, sorted into trunk, head and limbs. scale: (2,) texture pixels a character pixel."""
    step = float(np.sqrt(np.count_nonzero(mask) / POINTS)) * 1.07  # a hexagonal grid holds 1.15 points a square
    mesh = triangulate(mask, even_spacing(max(step, 2.0)), margin=MARGIN, tolerance=TOLERANCE)
    heads, tails = rig.heads * scale, rig.tails * scale
    weights = heat_weights(mesh, heads, tails, thickness(mask, rig, range(len(bones)), heads, tails))
    columns, shares = strongest(weights)
    image, moved = _bordered(image)
    names = [bone.name for bone in bones]
    depth = np.array([_depth(rig, bone) for bone in range(len(names))])
    limbs = {name: [names.index(bone) for bone in of if bone in names] for name, (of, _, _) in LIMBS.items()}
    pull = np.stack([weights[:, indices].sum(axis=1) for indices in limbs.values()], axis=1)
    owner = pull[mesh.triangles].sum(axis=1).argmax(axis=1)
    parts = []
    for index, (name, indices) in enumerate(limbs.items()):
        own = Mesh(mesh.points, mesh.triangles[owner == index])
        if not len(own.triangles):
            continue
        used, triangles = np.unique(own.triangles, return_inverse=True)
        _, order, behind = LIMBS[name]
        parts.append(
            Part(
                name=name,
                bones=tuple(indices),
                texture=image,
                points=mesh.points[used] / scale,
                uv=mesh.points[used] + moved,
                triangles=outward(triangles.reshape(-1, 3), weights[used], depth),
                columns=columns[used],
                weights=shares[used],
                order=order,
                behind=behind,
            )
        )
    return tuple(parts)


def _depth(rig: Rig, bone: int) -> float:
    """How many bones lie between a bone and its root."""
    parent = rig.parents[bone]
    return 0.0 if parent < 0 else 1.0 + _depth(rig, parent)


def _bordered(image: Image) -> tuple[Image, float]:
    """The texture with a transparent border for the mesh's margin, and the border's width in pixels."""
    room = int(MARGIN) + 2
    return cv2.copyMakeBorder(image, room, room, room, room, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0)), float(room)
