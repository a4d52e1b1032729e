"""Triangle meshes over the visible part of a picture.

Points are pixels of the mask given, y down. The outline is the mask's, a little dilated, so that triangles reach beyond
the picture's soft edge and never cut it; edges of the outline are edges of the mesh, so what lies apart in the picture
(an arm near the body) is not tied together. Delaunay by cv2.Subdiv2D.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.types import Array

Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.uint8]
Spacing = Callable[[Array], Array]

GRID = 16.0  # points lie on a grid of 1/16 pixel: exact in the float32 of Subdiv2D, so that they can be found again
SPLITS = 8  # rounds of halving outline edges that the triangulation lacks; 3 sufficed on all drawings tried
LEAST_PIECE = 12  # pixels; smaller specks are dirt of a scan
CROWDED = 0.7  # inner points stay this share of the spacing away from the outline
HIDDEN_MARGIN = 8.0  # around the points, for Subdiv2D's outermost rectangle


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """points: (V, 2) pixels. triangles: (T, 3) indices into points."""

    points: Array
    triangles: Indices


def triangulate(mask: Mask, spacing: Spacing, *, margin: float, tolerance: float) -> Mesh:
    """A mesh that covers every pixel of `mask` that is not zero (specks of fewer than LEAST_PIECE pixels left out).

    mask: (H, W) uint8. spacing: wanted distance of points at (N, 2) places, in pixels. margin: how far the mesh reaches
    beyond the mask; the outline is simplified by up to `tolerance` pixels (less than margin). The points are (V, 2)
    pixels of the mask and may lie up to `margin` outside it. An empty mask gives an empty mesh.
    """
    rim = int(np.ceil(margin)) + 2
    padded = cv2.copyMakeBorder((mask > 0).astype(np.uint8), rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=0)
    reach = int(np.ceil(margin))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    loops = _outlines(np.asarray(cv2.dilate(padded, disc), dtype=np.uint8), tolerance)
    if not loops:
        return Mesh(np.zeros((0, 2)), np.zeros((0, 3), dtype=np.int64))
    moved = [_on_grid(loop + 0.5 - rim) for loop in loops]  # a contour runs through pixel centres
    loops = [_subdivided(loop, spacing) for loop in moved]
    inner = _inner_points(loops, spacing)
    points, triangles = _conforming(loops, inner)
    centres = points[triangles].mean(axis=1)
    kept = triangles[_inside(loops, centres)]
    used, renumbered = np.unique(kept, return_inverse=True)
    return Mesh(points[used], renumbered.reshape(-1, 3))


def edges_of(triangles: Indices) -> Indices:
    """(E, 2) the edges of triangles, each once, lesser index first."""
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    return np.unique(np.sort(pairs, axis=1), axis=0)


def pieces_of(mask: Mask) -> list[Mask]:
    """The connected pieces of a mask as masks of their own, largest first, specks left out."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8), connectivity=8)
    sizes = stats[1:count, cv2.CC_STAT_AREA]
    order = [int(i) for i in np.argsort(-sizes) if sizes[i] >= LEAST_PIECE]
    return [(labels == i + 1).astype(np.uint8) for i in order]


def _outlines(mask: Mask, tolerance: float) -> list[Array]:
    """The outlines of a mask and of its holes, simplified; pixels."""
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    loops = []
    for contour in contours:
        if cv2.contourArea(contour) < LEAST_PIECE:
            continue
        loop = cv2.approxPolyDP(contour, tolerance, True).reshape(-1, 2).astype(np.float64)
        if len(loop) >= 3:
            loops.append(loop)
    return loops


def _on_grid(points: Array) -> Array:
    return np.asarray(np.round(points * GRID) / GRID, dtype=np.float64)


def _subdivided(loop: Array, spacing: Spacing) -> Array:
    """A closed outline with long edges cut, so that none is much longer than the spacing wanted there."""
    for _ in range(SPLITS):
        ends = np.roll(loop, -1, axis=0)
        middles = _on_grid((loop + ends) / 2)
        long = np.hypot(*(ends - loop).T) > 1.5 * spacing(middles)
        if not long.any():
            break
        loop = np.insert(loop, np.flatnonzero(long) + 1, middles[long], axis=0)
    return loop


def _inside(loops: list[Array], points: Array) -> npt.NDArray[np.bool_]:
    """Which points lie inside the outlines and outside their holes: crossed an odd number of times to the right."""
    odd = np.zeros(len(points), dtype=bool)
    for loop in loops:
        ends = np.roll(loop, -1, axis=0)
        for start, end in zip(loop, ends, strict=True):
            if start[1] == end[1]:
                continue
            between = (points[:, 1] < start[1]) != (points[:, 1] < end[1])
            share = (points[:, 1] - start[1]) / (end[1] - start[1])
            odd ^= between & (points[:, 0] < start[0] + share * (end[0] - start[0]))
    return odd


def _inner_points(loops: list[Array], spacing: Spacing) -> Array:
    """Points inside the outlines: hexagonal grids, each used where its spacing is the one wanted."""
    outline = np.concatenate(loops)
    low, high = outline.min(axis=0), outline.max(axis=0)
    probe = np.stack(np.meshgrid(*(np.linspace(a, b, 48) for a, b in zip(low, high, strict=True))), -1).reshape(-1, 2)
    wanted = spacing(probe)
    step = float(wanted.min())
    levels = []
    while step < max(high - low):
        levels.append(step)
        if step >= wanted.max():
            break
        step *= 2
    found = []
    for level in levels:
        grid = _hexagonal(low, high, level)
        here = spacing(grid)
        fits = (here >= level) & (here < 2 * level)
        grid = grid[fits]
        grid = grid[_inside(loops, grid)]
        if len(grid):
            found.append(grid[_nearest(grid, outline) > CROWDED * level])
    return _on_grid(np.concatenate(found)) if found else np.zeros((0, 2))


def _hexagonal(low: Array, high: Array, step: float) -> Array:
    row = step * np.sqrt(0.75)
    ys = np.arange(low[1] + row / 2, high[1], row)
    xs = np.arange(low[0] + step / 2, high[0], step)
    if not len(xs) or not len(ys):
        return np.zeros((0, 2))
    x, y = np.meshgrid(xs, ys)
    x[1::2] += step / 2
    return np.stack([x, y], axis=-1).reshape(-1, 2)


def _nearest(points: Array, others: Array) -> Array:
    """Distance of each point to the nearest of `others`, in blocks that bound the memory."""
    block = 512
    result = np.empty(len(points))
    for begin in range(0, len(points), block):
        apart = points[begin : begin + block, None] - others[None]
        result[begin : begin + block] = np.sqrt((apart**2).sum(axis=2).min(axis=1))
    return result


def _conforming(loops: list[Array], inner: Array) -> tuple[Array, Indices]:
    """Delaunay triangles in which every outline edge appears; missing ones are halved until they do."""
    for _ in range(SPLITS):
        outline = np.concatenate(loops)
        points, which = np.unique(np.concatenate([outline, inner]), axis=0, return_inverse=True)
        triangles = _delaunay(points)
        present = {(int(a), int(b)) for a, b in edges_of(triangles)}
        split = False
        begin = 0
        refined = []
        for loop in loops:
            at = which.ravel()[begin : begin + len(loop)]
            begin += len(loop)
            ends = np.roll(at, -1)
            missing = np.array(
                [(min(a, b), max(a, b)) not in present and a != b for a, b in zip(at, ends, strict=True)], dtype=bool
            )
            if missing.any():
                split = True
                middles = _on_grid((loop + np.roll(loop, -1, axis=0)) / 2)
                loop = np.insert(loop, np.flatnonzero(missing) + 1, middles[missing], axis=0)
            refined.append(loop)
        if not split:
            break
        loops[:] = refined
    return points, triangles


def _delaunay(points: Array) -> Indices:
    """(T, 3) indices of the Delaunay triangles of points on the grid, each given once."""
    low = points.min(axis=0) - HIDDEN_MARGIN
    span = points.max(axis=0) - low + HIDDEN_MARGIN
    # Subdiv2D wants whole, non-negative bounds
    origin = np.floor(low)
    subdivision = cv2.Subdiv2D((0, 0, int(np.ceil(span[0])) + 2, int(np.ceil(span[1])) + 2))
    moved = (points - origin).astype(np.float32)
    number = {(float(x), float(y)): i for i, (x, y) in enumerate(moved)}
    subdivision.insert([(float(x), float(y)) for x, y in moved])
    triangles = []
    for x0, y0, x1, y1, x2, y2 in np.asarray(subdivision.getTriangleList()).reshape(-1, 6).tolist():
        corners = (number.get((x0, y0)), number.get((x1, y1)), number.get((x2, y2)))
        if None not in corners:  # corners of the outermost rectangle are none of ours
            triangles.append(corners)
    return np.array(triangles, dtype=np.int64).reshape(-1, 3)
