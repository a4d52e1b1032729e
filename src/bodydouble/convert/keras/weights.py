"""Finds the weights of a layer among those of the file, whose names have changed with Keras's versions.

"dense_1/kernel" is the rule; the name of the cell may stand inside ("lstm/lstm_cell_3/kernel"), a model's in front, and
files saved by Keras 3 number them ("dense_1/vars/0"). Source: tfjs-layers, engine/container (loadWeights).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bodydouble.convert.tfjs.weights import Weight
from bodydouble.types import BodyDoubleError

_SKIPPED = frozenset({"vars", "layer_checkpoint_dependencies"})
Scope = tuple[str, ...]


class Store:
    """The weights of a file by the parts of their names."""

    def __init__(self, weights: Mapping[str, Weight]) -> None:
        self._weights = {self._parts(name): weight for name, weight in weights.items()}
        self._numbered = bool(weights) and all(parts[-1].isdigit() for parts in self._weights)
        self._last: dict[str, list[Scope]] = {}
        for parts in self._weights:
            self._last.setdefault(parts[-1], []).append(parts)

    @staticmethod
    def _parts(name: str) -> Scope:
        return tuple(part for part in name.removesuffix(":0").split("/") if part not in _SKIPPED)

    def find(self, scopes: Sequence[Scope], names: Sequence[str]) -> list[Weight]:
        """The weights of the names, all in the first of the scopes that has them.

        Raises BodyDoubleError for one that is missing, or of which there are several.
        """
        fault: BodyDoubleError | None = None
        for scope in scopes:
            try:
                return [self._one(scope, str(at) if self._numbered else name) for at, name in enumerate(names)]
            except BodyDoubleError as error:
                fault = fault or error
        raise fault or BodyDoubleError("no place to look for weights in")

    def _one(self, scope: Scope, name: str) -> Weight:
        exact = self._weights.get((*scope, name))
        if exact is not None:
            return exact
        candidates = [parts for parts in self._last.get(name, ()) if _within(scope, parts[:-1])]
        shortest = min((len(parts) for parts in candidates), default=0)
        found = [parts for parts in candidates if len(parts) == shortest]
        if len(found) == 1:
            return self._weights[found[0]]
        how_many = "several weights" if found else "no weight"
        raise BodyDoubleError(f'{how_many} "{"/".join((*scope, name))}"')


def _within(scope: Scope, parts: Scope) -> bool:
    """Whether the scope's parts stand among the parts, in order."""
    rest = iter(parts)
    return all(any(part == other for other in rest) for part in scope)
