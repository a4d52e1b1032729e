"""Reads a puppet's folder (puppet.toml and its pictures) into a Puppet, and tells what is wrong with it on the way.

Character pixels, y down. The format: docs/puppets.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from bodydouble.characters.bones import build_rig
from bodydouble.characters.images import VISIBLE, Picture, Pictures
from bodydouble.characters.manifest import FILE, Manifest, PartEntry, read_manifest
from bodydouble.characters.parts import limb
from bodydouble.characters.problems import Problems
from bodydouble.characters.puppet import LID, OPEN, SHUT, Part, Puppet
from bodydouble.types import Array, Rig

COARSE = 400  # blocks a side of a picture in which what is visible is looked for
LARGEST_TEXTURE = 4096  # pixels a side; GPUs of the last fifteen years hold that much
FINEST_SCALE = 4.0  # texture pixels a character pixel; a character drawn smaller than that is a thumbnail
SAMPLES = 9  # places along a bone where its part is looked for
FAR = 0.12  # of the height between a part and its bones: hoods and scarves lie beside them, but not that far
BESIDE = 0.02  # of the height that a joint may lie off its part


def read_puppet(folder: Path, pixels: int, problems: Problems) -> Puppet | None:
    """The puppet in `folder`; its textures are sharp at `pixels` of height. None if an error was told."""
    manifest = read_manifest(folder / FILE, problems)
    if manifest is None:
        return None
    _check_sides(manifest, problems)
    pictures = Pictures(folder, problems)
    scale = texture_scale(manifest, pixels)
    found = [(entry, _picture(entry, manifest, pictures, scale, problems)) for entry in manifest.parts]
    _check_layers(manifest, pictures, problems)
    _check_eyes(manifest, problems)
    if problems.errors:
        return None
    rig = _rig(manifest, [])
    parts = []
    for entry, picture in found:
        if picture is None:
            continue
        _check_cover(entry, picture, manifest, rig, problems)
        parts.append(
            limb(
                entry.name,
                picture,
                entry.at or (0.0, 0.0),
                rig,
                [rig.names.index(bone) for bone in entry.bones],
                bend=entry.bend,
                order=entry.order,
                behind=entry.behind,
                shown=entry.shown,
            )
        )
    return Puppet(
        name=manifest.name,
        size=manifest.size,
        rig=_rig(manifest, parts),
        parts=tuple(parts),
        joints=dict(manifest.joints),
        scale=scale,
        path=folder,
        author=manifest.author,
        licence=manifest.licence,
    )


def texture_scale(manifest: Manifest, pixels: int) -> float:
    """Texture pixels a character pixel at which the character is `pixels` tall."""
    heights = [y for _, y in manifest.joints.values()] or [0.0, float(manifest.size[1])]
    tall = max(max(heights) - min(heights), 1.0)
    return min(pixels / tall, FINEST_SCALE, LARGEST_TEXTURE / max(manifest.size))


def _rig(manifest: Manifest, parts: Sequence[Part]) -> Rig:
    """The rig; its top is the highest point of the parts, or of the joints while there are no parts."""
    heights = [y for _, y in manifest.joints.values()]
    floor = max(heights) if manifest.floor is None else manifest.floor
    top = min(float(part.points[:, 1].min()) for part in parts) if parts else min(heights)
    return build_rig(manifest.bones, manifest.joints, floor=floor, top=top, facing=manifest.facing)


def _picture(
    entry: PartEntry, manifest: Manifest, pictures: Pictures, scale: float, problems: Problems
) -> Picture | None:
    if not entry.image:
        return None
    picture = pictures.read(entry.name, entry.image, entry.layer, scale)
    if picture is None:
        return None
    width, height = picture.size
    if entry.at is None and (round(width), round(height)) != manifest.size:
        problems.error(
            f"parts.{entry.name}.image",
            f'"{entry.image}" is {width:g}x{height:g}, size says {manifest.size[0]}x{manifest.size[1]}; '
            "make them equal, or give the part an `at`",
        )
        return None
    x, y = entry.at or (0.0, 0.0)
    if x >= manifest.size[0] or y >= manifest.size[1] or x + width <= 0 or y + height <= 0:
        problems.error(f"parts.{entry.name}.at", f"[{x:g}, {y:g}] puts the image outside the picture")
        return None
    return picture


def _check_layers(manifest: Manifest, pictures: Pictures, problems: Problems) -> None:
    """Tell of layers of an SVG that no part draws."""
    used: dict[str, set[str]] = {}
    for entry in manifest.parts:
        used.setdefault(entry.image, set()).add(entry.layer)
    for name, layer in pictures.unused(used):
        problems.warn(name, f'layer "{layer}" is drawn by no part')


def _check_eyes(manifest: Manifest, problems: Problems) -> None:
    """Tell if eyes vanish in a blink, as nothing is shown in their place."""
    shown = {entry.shown for entry in manifest.parts}
    if OPEN in shown and not shown & {SHUT, LID}:
        problems.warn(
            FILE, 'parts have shown = "open" but none has "shut" or "lid"; with every blink the eyes would be gone'
        )


def _check_sides(manifest: Manifest, problems: Problems) -> None:
    """Tell if left and right are exchanged: who faces us has its left at picture right."""
    if manifest.facing != "front":
        return
    for joint in ("shoulder", "hip"):
        left, right = (manifest.joints.get(f"{side}_{joint}") for side in ("left", "right"))
        if left and right and left[0] < right[0]:
            problems.warn(
                FILE,
                f"left_{joint} lies left of right_{joint} in the picture; who faces the viewer has its own left at "
                'picture right (exchange them, or say facing = "left" or "right" if it is seen from the side)',
            )


def _check_cover(entry: PartEntry, picture: Picture, manifest: Manifest, rig: Rig, problems: Problems) -> None:
    """Tell if a part has nothing to do with the bones that it follows, or shall bend where it is empty."""
    where = f"parts.{entry.name}"
    bones = [rig.names.index(name) for name in entry.bones]
    lines = np.concatenate([np.linspace(rig.heads[bone], rig.tails[bone], SAMPLES) for bone in bones])
    if _distance(picture, entry, lines).min() > FAR * rig.height:
        problems.warn(
            where, f"lies far from its bones ({', '.join(entry.bones)}); are its bones, layer and `at` right?"
        )
        return
    starts = {bone.name: bone.start for bone in manifest.bones}
    for name in entry.bones[1:]:
        x, y = manifest.joints[starts[name]]
        if _distance(picture, entry, np.array([[x, y]])).min() > BESIDE * rig.height:
            problems.warn(
                where, f"joint {starts[name]} at [{x:g}, {y:g}] lies outside the part, which shall bend there"
            )


def _distance(picture: Picture, entry: PartEntry, points: Array) -> Array:
    """(N,) character pixels from points (N, 2), character pixels, to the visible part of a picture.

    Right to about a COARSE-th of the picture, which is enough for a warning and takes a tenth of the time.
    """
    visible = cv2.threshold(cv2.extractChannel(picture.image, 3), VISIBLE - 1, 255, cv2.THRESH_BINARY)[1]
    step = max(1.0, max(visible.shape) / COARSE)
    small = (max(1, round(visible.shape[1] / step)), max(1, round(visible.shape[0] / step)))
    hidden = (cv2.resize(visible, small, interpolation=cv2.INTER_AREA) == 0).astype(np.uint8)
    away = cv2.distanceTransform(hidden, cv2.DIST_L2, 5) * (step / picture.scale)
    height, width = hidden.shape
    scale = np.array([width, height]) / np.array(picture.size)
    at = (points - (entry.at or (0.0, 0.0))) * scale
    inside = np.clip(at, 0, (width - 1, height - 1))
    columns, rows = inside.astype(int).T
    return np.asarray(away[rows, columns] + np.hypot(*(at - inside).T) * (step / picture.scale))
