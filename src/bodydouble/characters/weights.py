"""How much each bone moves each point of a mesh.

Weights: (V, B), rows sum to 1. A limb's chain of bones gives weights in closed form: a soft step across each inner
joint. A whole drawing gets them by diffusion from the bones through the mesh (bone heat, Baran and Popovic 2007,
section 4, with distances through the mesh in place of straight lines), so that an arm beside the body does not drag it.
"""

from __future__ import annotations

import heapq

import numpy as np

from bodydouble.characters.mesh import Indices, Mesh, edges_of
from bodydouble.types import Array

INFLUENCES = 4  # bones that may move one point: what a vertex shader holds in one vector
SOFTNESS = 0.6  # of the thinner limb's radius: how far a border between two bones is softened to either side
LOOSE = 0.5  # of the distance to a bone's flesh: hair and skirts, which no bone is near, are softer


def chain_weights(points: Array, joints: Array, bend: float) -> Array:
    """Weights of a chain of n bones for points (V, 2); joints: (n + 1, 2), the chain's joints at rest.

    bend: width of the soft bend at each inner joint over the shorter adjoining bone's length. The step lies across the
    line that halves the angle between the two bones.
    """
    count = len(joints) - 1
    steps = np.diff(joints, axis=0)
    lengths = np.hypot(*steps.T)
    units = steps / np.maximum(lengths, 1e-9)[:, None]
    weights = np.zeros((len(points), count))
    rest = np.ones(len(points))
    for bone in range(count - 1):
        along = units[bone] + units[bone + 1]
        norm = np.hypot(*along)
        along = along / norm if norm > 1e-6 else units[bone]
        width = max(bend * min(lengths[bone], lengths[bone + 1]), 1e-6)
        share = smooth_step((points - joints[bone + 1]) @ along / width + 0.5)
        weights[:, bone] = rest * (1 - share)
        rest = rest * share
    weights[:, count - 1] = rest
    return weights


def smooth_step(x: Array) -> Array:
    """0 below 0, 1 above 1, between them a step whose first and second derivative have no jump."""
    t = np.clip(x, 0.0, 1.0)
    return np.asarray(t**3 * (t * (6 * t - 15) + 10), dtype=np.float64)


def heat_weights(mesh: Mesh, heads: Array, tails: Array, radii: Array) -> Array:
    """Weights of bones heads -> tails, (B, 2), for a mesh of any shape.

    radii: (B, S) half the thickness of the body at S places along each bone, head to tail. A point belongs to the bone
    whose flesh is nearest, so a thick trunk keeps its flanks from a thin arm that starts nearer to them; a border
    between two bones is as soft as the thinner of them is thick. Pieces of the mesh that hold no bone follow the
    nearest one.
    """
    flesh = flesh_distances(mesh, heads, tails, radii)
    typical = np.median(radii, axis=1)
    nearest = np.argsort(flesh, axis=1, kind="stable")
    owner = nearest[:, 0]
    rival = nearest[:, min(1, nearest.shape[1] - 1)]
    count = len(mesh.points)
    every = np.arange(count)
    edges = edges_of(mesh.triangles)
    lengths = np.hypot(*(mesh.points[edges[:, 0]] - mesh.points[edges[:, 1]]).T)
    laplacian = np.zeros((count, count))
    # on a hexagonal grid the Laplacian is 2/3 of the edge's inverse square for each neighbour
    flow = 2.0 / 3.0 / np.maximum(lengths, 1e-6) ** 2
    laplacian[edges[:, 0], edges[:, 1]] = laplacian[edges[:, 1], edges[:, 0]] = -flow
    laplacian[every, every] = -laplacian.sum(axis=1)
    soft = np.maximum(SOFTNESS * np.minimum(typical[owner], typical[rival]), LOOSE * flesh[every, owner])
    heat = 1.0 / np.maximum(soft, 1e-3) ** 2
    source = np.zeros((count, len(heads)))
    source[every, owner] = heat
    weights = np.clip(np.linalg.solve(laplacian + np.diag(heat), source), 0.0, 1.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def strongest(weights: Array) -> tuple[Indices, Array]:
    """The INFLUENCES greatest weights of each row: (V, 4) columns and (V, 4) weights that sum to 1, greatest first."""
    columns = np.argsort(-weights, axis=1, kind="stable")[:, :INFLUENCES]
    values = np.take_along_axis(weights, columns, axis=1)
    missing = INFLUENCES - columns.shape[1]
    if missing > 0:
        columns = np.pad(columns, ((0, 0), (0, missing)))
        values = np.pad(values, ((0, 0), (0, missing)))
    return columns.astype(np.int64), values / values.sum(axis=1, keepdims=True)


def flesh_distances(mesh: Mesh, heads: Array, tails: Array, radii: Array) -> Array:
    """(V, B) how far each point is from the flesh around each bone, less than 0 within it; arguments as heat_weights.

    Measured along the mesh's edges; straight where no way leads to the bone.
    """
    count = len(mesh.points)
    neighbours: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    edges = edges_of(mesh.triangles)
    lengths = np.hypot(*(mesh.points[edges[:, 0]] - mesh.points[edges[:, 1]]).T)
    for (a, b), length in zip(edges.tolist(), lengths.tolist(), strict=True):
        neighbours[a].append((b, length))
        neighbours[b].append((a, length))
    share = np.linspace(0.0, 1.0, radii.shape[1])[:, None]
    result = np.empty((count, len(heads)))
    for bone, (head, tail) in enumerate(zip(heads, tails, strict=True)):
        places = head + share * (tail - head)
        starts = [
            (vertex, away - thick)
            for place, thick in zip(places, radii[bone].tolist(), strict=True)
            for vertex, away in _around(mesh, place)
        ]
        along = np.array(_spread(neighbours, starts))
        straight = (np.linalg.norm(mesh.points[:, None] - places, axis=2) - radii[bone]).min(axis=1)
        result[:, bone] = np.where(np.isfinite(along), along, straight)
    return result


def _spread(neighbours: list[list[tuple[int, float]]], starts: list[tuple[int, float]]) -> list[float]:
    """Dijkstra: for each point the shortest way from any of the starts (point, its distance)."""
    best = [float("inf")] * len(neighbours)
    queue = [(away, vertex) for vertex, away in starts]
    heapq.heapify(queue)
    while queue:
        reached, vertex = heapq.heappop(queue)
        if reached >= best[vertex]:
            continue
        best[vertex] = reached
        for other, length in neighbours[vertex]:
            if reached + length < best[other]:
                heapq.heappush(queue, (reached + length, other))
    return best


def _around(mesh: Mesh, point: Array) -> list[tuple[int, float]]:
    """The corners of the triangle that holds `point` and their distances; outside the mesh the nearest point."""
    corners = mesh.points[mesh.triangles]
    sides = np.roll(corners, -1, axis=1) - corners
    towards = point - corners
    cross = sides[..., 0] * towards[..., 1] - sides[..., 1] * towards[..., 0]
    holds = (cross >= 0).all(axis=1) | (cross <= 0).all(axis=1)
    apart = np.hypot(*(mesh.points - point).T)
    vertices = mesh.triangles[np.argmax(holds)].tolist() if holds.any() else [int(np.argmin(apart))]
    return [(vertex, float(apart[vertex])) for vertex in vertices]
