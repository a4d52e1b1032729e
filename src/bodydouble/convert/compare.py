"""How far a converted model's answers are from those of its source.

An error is the largest difference over the range of the reference's values, 0 counted into that range, so that an
output of one number has a range too. Lists that differ in length are matched row by row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bodydouble.convert.references import Feed
from bodydouble.types import BodyDoubleError

Tensor = npt.NDArray[Any]

TOLERANCE = 1e-3  # of an output's range
# The least range: float32 runtimes end their sigmoids near 1e-7, so that "surely not" is any number below.
LEAST_RANGE = 1e-3
# At a mask's sharp edge rounding grows: between correct runtimes single pixels of 65536 are off by 1.6e-3 of the range.
STRAY, FAR = 1e-4, 1e-2
MATCHED = 20_000  # elements of a list that may come in another order


@dataclass(frozen=True, slots=True)
class Difference:
    """How far an output is from the reference's. error: a part of its range (inf: other shape). rows: of a list of
    unknown length, how many rows have their like, of how many; None where the shapes agree. beyond: the share of the
    numbers that are further off than the limit compared with."""

    output: str
    error: float
    rows: tuple[int, int] | None = None
    beyond: float = 0.0

    def within(self, limit: float) -> bool:
        """Whether that is agreement: no further off than the limit, but for single numbers among very many (STRAY)."""
        whole = self.rows is None or self.rows[0] == self.rows[1]
        return whole and (self.error <= limit or (0 < self.beyond <= STRAY and self.error <= FAR))


def partners(
    names: Sequence[str], others: Sequence[str], aliases: Mapping[str, str], *, some: bool = False
) -> dict[str, str]:
    """For each of the reference's tensor names the ONNX model's: the same, without ":0", or the signature's alias.

    some: leave out names that have no partner. Raises BodyDoubleError for those otherwise.
    """
    found: dict[str, str] = {}
    bare = {_bare(tensor): alias for tensor, alias in aliases.items()}
    for name in names:
        wishes = [name, _bare(name), f"{_bare(name)}:0"]
        alias = aliases.get(name, bare.get(_bare(name)))
        if alias is not None:
            wishes = [alias, _bare(alias), *wishes]
        partner = next((wish for wish in wishes if wish in others), None)
        if partner is None and len(names) == len(others) == 1:
            partner = others[0]
        if partner is None and some:
            continue
        if partner is None:
            raise BodyDoubleError(f'no "{name}" among {", ".join(others)}')
        found[name] = partner
    return found


def _bare(name: str) -> str:
    return name.removesuffix(":0")


def differences(
    wanted: Sequence[Feed], got: Sequence[Feed], *, unordered: bool = False, limit: float = TOLERANCE
) -> list[Difference]:
    """Each output's error over several runs; the range is that of all the runs together.

    limit: what `beyond` counts from. unordered: lists may come in another order; rows that are off are matched.
    """
    found = []
    for name in wanted[0]:
        values = [np.asarray(answer[name], np.float64) for answer in wanted]
        others = [np.asarray(answer[name], np.float64) for answer in got]
        finite = [value[np.isfinite(value)] for value in values]
        low = min((float(value.min()) for value in finite if value.size), default=0.0)
        high = max((float(value.max()) for value in finite if value.size), default=0.0)
        scale = max(max(high, 0.0) - min(low, 0.0), LEAST_RANGE)
        close = TOLERANCE * scale if unordered else np.inf
        pairs = [_difference(value, other, close) for value, other in zip(values, others, strict=True)]
        rows = [count for _, count in pairs if count is not None]
        total = (sum(n for n, _ in rows), sum(n for _, n in rows)) if rows else None
        beyond = _beyond(values, others, limit * scale) if total is None else 0.0
        found.append(Difference(name, max(error for error, _ in pairs) / scale, total, beyond))
    return found


def _beyond(wanted: Sequence[Tensor], got: Sequence[Tensor], most: float) -> float:
    """The share of numbers that are further apart than `most`; all of them where shapes differ."""
    if any(value.shape != other.shape for value, other in zip(wanted, got, strict=True)):
        return 1.0
    with np.errstate(invalid="ignore"):
        far = sum(int((~(np.abs(a - b) <= most) & (a != b)).sum()) for a, b in zip(wanted, got, strict=True))
    return far / max(sum(value.size for value in wanted), 1)


def _difference(wanted: Tensor, got: Tensor, close: float) -> tuple[float, tuple[int, int] | None]:
    """Largest difference; where lists differ in length, or by more than `close`, that of rows and their like."""
    if wanted.shape == got.shape:
        plain = _largest(wanted, got)
        axis = 1 if wanted.ndim > 1 and wanted.shape[0] == 1 else 0
        if plain <= close or wanted.ndim == 0 or wanted.size > MATCHED:
            return plain, None
        return _matched(_rows(wanted, axis), _rows(got, axis))
    if wanted.ndim != got.ndim or wanted.ndim == 0:
        return np.inf, None
    unlike = [axis for axis in range(wanted.ndim) if wanted.shape[axis] != got.shape[axis]]
    if len(unlike) > 1:
        return np.inf, None
    return _matched(_rows(wanted, unlike[0]), _rows(got, unlike[0]))


def _rows(array: Tensor, axis: int) -> Tensor:
    turned = np.moveaxis(array, axis, 0)
    return turned.reshape(len(turned), math.prod(turned.shape[1:]))


def _matched(rows: Tensor, others: Tensor) -> tuple[float, tuple[int, int]]:
    """Each row with the nearest one left: the largest difference, and how many found one of how many."""
    count = max(len(rows), len(others))
    fewer, more = (rows, others) if len(rows) < len(others) else (others, rows)
    if not len(fewer):
        return np.inf, (0, count)
    free = np.ones(len(more), bool)
    worst = 0.0
    for row in fewer:
        distances = np.where(free, np.abs(more - row).max(axis=1), np.inf)
        nearest = int(distances.argmin())
        free[nearest] = False
        worst = max(worst, float(distances[nearest]))
    return worst, (len(fewer), count)


def _largest(wanted: Tensor, got: Tensor) -> float:
    """Largest difference; values that are not finite must be the same."""
    if wanted.size == 0:
        return 0.0
    with np.errstate(invalid="ignore"):
        difference = np.where((wanted == got) | (np.isnan(wanted) & np.isnan(got)), 0.0, np.abs(wanted - got))
    return float(np.nan_to_num(difference, nan=np.inf, posinf=np.inf).max())
