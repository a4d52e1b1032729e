"""How much each bone moves each point of a mesh.

Weights: (V, B), rows sum to 1. A limb's chain of bones gives weights in closed form: a soft step across each inner joint.
A whole drawing gets them by diffusion from the bones through the mesh (bone heat, Baran and Popovic 2007, section 4, with
distances through the mesh in place of straight lines), so that an arm beside the body does not drag it.
"""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from bodydouble.characters.mesh import Indices, Mesh, edges_of
from bodydouble.types import Array

INFLUENCES = 4  # bones that may move one point: what a vertex shader holds in one vector
HEAT = 1.0  # Baran and Popovic's c
STIFF_CORE = 0.6  # of a limb's radius: nearer than this to its bone, all is equally near
SAMPLES = 24  # places along a bone from which distances are measured


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

    radii: (B,) half the thickness of the body around each bone, so that a thick trunk keeps its flanks from a thin arm
    that starts nearer to them. Pieces that hold no bone follow the nearest one.
    """
    distance, owner = _nearest_bone(mesh, heads, tails, radii)
    count = len(mesh.points)
    edges = edges_of(mesh.triangles)
    lengths = np.hypot(*(mesh.points[edges[:, 0]] - mesh.points[edges[:, 1]]).T)
    laplacian = np.zeros((count, count))
    # on a hexagonal grid the Laplacian is 2/3 of the mean edge's inverse square for each neighbour
    flow = 2.0 / 3.0 / np.maximum(lengths, 1e-6) ** 2
    laplacian[edges[:, 0], edges[:, 1]] = laplacian[edges[:, 1], edges[:, 0]] = -flow
    laplacian[np.arange(count), np.arange(count)] = -laplacian.sum(axis=1)
    near = np.maximum(distance, STIFF_CORE * radii[owner])
    heat = HEAT / np.maximum(near, 1e-3) ** 2
    source = np.zeros((count, len(heads)))
    source[np.arange(count), owner] = heat
    weights = np.linalg.solve(laplacian + np.diag(heat), source)
    return np.clip(weights, 0.0, 1.0) / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)


def strongest(weights: Array) -> tuple[Indices, Array]:
    """The INFLUENCES greatest weights of each row: (V, 4) columns and (V, 4) weights that sum to 1, greatest first."""
    columns = np.argsort(-weights, axis=1, kind="stable")[:, :INFLUENCES]
    values = np.take_along_axis(weights, columns, axis=1)
    missing = INFLUENCES - columns.shape[1]
    if missing > 0:
        columns = np.pad(columns, ((0, 0), (0, missing)))
        values = np.pad(values, ((0, 0), (0, missing)))
    return columns.astype(np.int64), values / values.sum(axis=1, keepdims=True)


def _nearest_bone(mesh: Mesh, heads: Array, tails: Array, radii: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    """For each point the distance through the mesh to its bone, and which bone that is.

    The bone is the one whose distance less its radius is least. Dijkstra from all bones at once along the mesh's edges.
    """
    count = len(mesh.points)
    neighbours: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    edges = edges_of(mesh.triangles)
    lengths = np.hypot(*(mesh.points[edges[:, 0]] - mesh.points[edges[:, 1]]).T)
    for (a, b), length in zip(edges.tolist(), lengths.tolist(), strict=True):
        neighbours[a].append((b, length))
        neighbours[b].append((a, length))
    head_start = radii.max() - radii  # what a thinner bone has to run first
    best = np.full(count, np.inf)
    owner = np.full(count, -1, dtype=np.int64)
    queue: list[tuple[float, int, int]] = []
    for bone, (head, tail) in enumerate(zip(heads, tails, strict=True)):
        for place in np.linspace(0.0, 1.0, SAMPLES):
            point = head + place * (tail - head)
            for vertex, away in _around(mesh, point):
                heapq.heappush(queue, (float(head_start[bone]) + away, vertex, bone))
    while queue:
        reached, vertex, bone = heapq.heappop(queue)
        if reached >= best[vertex]:
            continue
        best[vertex] = reached
        owner[vertex] = bone
        for other, length in neighbours[vertex]:
            if reached + length < best[other]:
                heapq.heappush(queue, (reached + length, other, bone))
    for vertex in np.flatnonzero(owner < 0):  # a piece of its own that holds no bone
        away = segment_distance(mesh.points[vertex][None], heads, tails)[0]
        owner[vertex] = int(np.argmin(away - radii))
        best[vertex] = away[owner[vertex]] + head_start[owner[vertex]]
    return best - head_start[owner], owner


def _around(mesh: Mesh, point: Array) -> list[tuple[int, float]]:
    """The corners of the triangle that holds `point` and their distances; outside the mesh the nearest point."""
    corners = mesh.points[mesh.triangles]
    sides = np.roll(corners, -1, axis=1) - corners
    towards = point - corners
    cross = sides[..., 0] * towards[..., 1] - sides[..., 1] * towards[..., 0]
    holds = (cross >= 0).all(axis=1) | (cross <= 0).all(axis=1)
    vertices = (
        mesh.triangles[np.argmax(holds)] if holds.any() else [int(np.argmin(((mesh.points - point) ** 2).sum(1)))]
    )
    return [(int(vertex), float(np.hypot(*(mesh.points[vertex] - point)))) for vertex in vertices]


def segment_distance(points: Array, heads: Array, tails: Array) -> Array:
    """(V, B) straight distance of points (V, 2) to segments heads -> tails (B, 2)."""
    along = tails - heads
    towards = points[:, None] - heads
    share = np.clip((towards * along).sum(2) / np.maximum((along**2).sum(1), 1e-12), 0.0, 1.0)
    return np.asarray(np.linalg.norm(towards - share[..., None] * along, axis=2), dtype=np.float64)
