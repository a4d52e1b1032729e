"""What was measured, as a table for the terminal, as JSON, and as a chart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from rich.box import SIMPLE_HEAD
from rich.table import Table

from bodydouble import models
from bodydouble.bench.speed import Measured, Results, peers_of, ratio
from bodydouble.outputs.files import check_output, write_error
from bodydouble.types import BodyDoubleError

SPEED = ("model", "on", "p50 ms", "p95 ms", "graph", "crop", "rest", "fps")
COST = ("model", "on", "start s", "MB", "bytes in", "bytes out", "raw out")
EXPLAINED = (
    "milliseconds a frame from uint8 image to keypoints; graph: networks and decoding; crop: pictures made for them "
    "outside; MB: peak memory; bytes in, out: a frame, to and from the device; raw out: what the network's own outputs "
    "(heat maps, offsets) would be"
)


def tables(results: Results) -> list[Table]:
    """The figures, a row each: of speed, with the ratios to the peers if there are any, and of cost."""
    against = any(one.contender.peer for one in results.measured)
    speed = _table(*SPEED, *(["ours / peer"] if against else []))
    cost = _table(*COST)
    for one in results.measured:
        others = [] if one.contender.peer else peers_of(one, results.measured)
        ratios = [" ".join(f"{ratio(one, other):.2f} {other.contender.where}" for other in others)] if against else []
        speed.add_row(*_names(one), *_speed(one), *ratios)
        cost.add_row(*_names(one), *_cost(one))
    return [speed, cost]


def _table(*columns: str) -> Table:
    shown = Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in shown.columns[2:]:
        column.justify = "right"
    for column in shown.columns[:8]:
        column.no_wrap = True
    return shown


def _names(one: Measured) -> tuple[str, str]:
    return one.contender.model, name_of(one)


def _speed(one: Measured) -> list[str]:
    p50, p95 = np.percentile(one.values("ms"), (50, 95))
    graph, crop = one.typical("graph"), one.typical("crop")
    rest = None if graph is None or crop is None else max(0.0, p50 - graph - crop)
    return [f"{p50:.2f}", f"{p95:.2f}", *map(_milliseconds, (graph, crop, rest)), f"{1e3 / p50:.0f}"]


def _cost(one: Measured) -> list[str]:
    crossing = [_bytes(one.typical(name)) for name in ("bytes_in", "bytes_out")]
    raw = "" if one.contender.peer else _bytes(raw_bytes(one.contender.model))
    return [f"{one.about['seconds']:.2f}", _whole(one.typical("megabytes")), *crossing, raw]


def name_of(one: Measured) -> str:
    """The device in use, or the peer's name."""
    if one.contender.peer:
        return str(one.about["runtime"])
    return str(one.about["device"])


def raw_bytes(model: str) -> float | None:
    """Bytes of one answer of the published network, None if their number depends on the picture, or of several."""
    if model in models.combinations():
        return None
    outputs = onnx.load(models.onnx_path(model)).graph.output
    sizes = [[dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in outputs]
    return None if any(0 in size for size in sizes) else float(sum(4 * np.prod(size) for size in sizes))


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _whole(value: float | None) -> str:
    return "" if not value else f"{value:.0f}"


def _bytes(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f} B" if value < 1e4 else f"{value / 1e3:.0f} KB" if value < 1e6 else f"{value / 1e6:.1f} MB"


def as_json(results: Results) -> dict[str, Any]:
    """All figures, those of every frame included."""
    return {
        "clip": results.clip,
        "size": list(results.size),
        "threads": results.threads,
        "machine": results.machine,
        "complete": results.complete,
        "faults": results.faults,
        "measured": [
            {
                "model": one.contender.model,
                "asked": one.contender.where,
                "peer": one.contender.peer,
                "start": one.about,
                "p50": float(np.median(one.values("ms"))),
                "p95": float(np.percentile(one.values("ms"), 95)),
                "raw_bytes": None if one.contender.peer else raw_bytes(one.contender.model),
                "ratios": {}
                if one.contender.peer
                else {other.contender.where: ratio(one, other) for other in peers_of(one, results.measured)},
                "frames": one.answers,
            }
            for one in results.measured
        ],
    }


def write_json(results: Results, path: Path) -> None:
    """The figures in a file. Raises BodyDoubleError."""
    save_json(as_json(results), path)


def check_json(path: Path) -> None:
    """Raises BodyDoubleError, before anything is measured, if figures cannot be written there."""
    if path.is_dir():
        raise BodyDoubleError(f"{path} is a folder; give the name of a file for the figures, such as figures.json")
    check_output(path if path.suffix else path.with_suffix(".json"), force=True)  # without a suffix: no folder here


def save_json(figures: dict[str, Any], path: Path) -> None:
    """Figures in a file. Raises BodyDoubleError."""
    try:
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise write_error(path, error) from error
