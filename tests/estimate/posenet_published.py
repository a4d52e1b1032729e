"""The published PoseNet decoder, step by step in plain Python: what the graph is held against.

Places are (y, x) in pixels of the input. Source: tensorflow/tfjs-models, pose-detection/src/posenet/calculators
"""

from __future__ import annotations

import math

import numpy as np

from made_maps import EDGES, Maps

Person = tuple[float, np.ndarray]  # score; (17, 3) x, y, score


def single(maps: Maps, stride: int) -> Person:
    """Every part where it is surest."""
    sure = sigmoid(maps.heatmap)
    points = []
    for part in range(17):
        y, x = np.unravel_index(np.argmax(sure[..., part]), sure.shape[:2])
        place = place_of(maps, (int(y), int(x)), part, stride)
        points.append((place[1], place[0], sure[y, x, part]))
    return float(np.mean([point[2] for point in points])), np.array(points)


def several(maps: Maps, stride: int, people: int, threshold: float, radius: float) -> list[Person]:
    """People told apart, the best root first."""
    sure = sigmoid(maps.heatmap)
    found: list[Person] = []

    def claimed(part: int, place: tuple[float, float]) -> bool:
        near = [(points[part, 1] - place[0]) ** 2 + (points[part, 0] - place[1]) ** 2 for _, points in found]
        return any(distance <= radius**2 for distance in near)

    for score, cell, part in roots(sure, threshold):
        if len(found) == people:
            break
        if claimed(part, place_of(maps, cell, part, stride)):
            continue
        points = person(maps, sure, stride, score, cell, part)
        own = [p[2] for number, p in enumerate(points) if not claimed(number, (p[1], p[0]))]
        found.append((sum(own) / 17, points))
    return found


def roots(sure: np.ndarray, threshold: float) -> list[tuple[float, tuple[int, int], int]]:
    rows, columns, _ = sure.shape
    found = []
    for y in range(rows):
        for x in range(columns):
            for part in range(17):
                around = sure[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2, part]
                if sure[y, x, part] >= threshold and sure[y, x, part] >= around.max():
                    found.append((float(sure[y, x, part]), (y, x), part))
    return sorted(found, key=lambda root: -root[0])


def person(maps: Maps, sure: np.ndarray, stride: int, score: float, cell: tuple[int, int], root: int) -> np.ndarray:
    points: dict[int, tuple[float, float, float]] = {root: (*place_of(maps, cell, root, stride), score)}
    for edge in reversed(range(16)):
        parent, child = EDGES[edge]
        if child in points and parent not in points:
            points[parent] = reach(maps, sure, stride, points[child], edge, parent, maps.backward)
    for edge in range(16):
        parent, child = EDGES[edge]
        if parent in points and child not in points:
            points[child] = reach(maps, sure, stride, points[parent], edge, child, maps.forward)
    return np.array([(points[part][1], points[part][0], points[part][2]) for part in range(17)])


def reach(
    maps: Maps,
    sure: np.ndarray,
    stride: int,
    source: tuple[float, float, float],
    edge: int,
    target: int,
    moves: np.ndarray,
) -> tuple[float, float, float]:
    y, x = cell_near(source[0], source[1], stride, sure)
    place = (source[0] + float(moves[y, x, edge]), source[1] + float(moves[y, x, edge + 16]))
    for _ in range(2):
        place = place_of(maps, cell_near(*place, stride, sure), target, stride)
    y, x = cell_near(*place, stride, sure)
    return (*place, float(sure[y, x, target]))


def place_of(maps: Maps, cell: tuple[int, int], part: int, stride: int) -> tuple[float, float]:
    y, x = cell
    return y * stride + float(maps.offsets[y, x, part]), x * stride + float(maps.offsets[y, x, part + 17])


def cell_near(y: float, x: float, stride: int, sure: np.ndarray) -> tuple[int, int]:
    rows, columns, _ = sure.shape
    near = (math.floor(y / stride + 0.5), math.floor(x / stride + 0.5))
    return min(max(near[0], 0), rows - 1), min(max(near[1], 0), columns - 1)


def sigmoid(values: np.ndarray) -> np.ndarray:
    return (1 / (1 + np.exp(-values.astype(np.float64)))).astype(np.float32)
