"""Variables of a TFLite file, which keep a value from run to run, as inputs and outputs of a model that keeps none.

A variable that the model assigns becomes an input of its name, to be fed with what the output "NAME_next" gave in the
run before (in the first run: what it starts with, zeros unless the file says otherwise). One that is only read is a
constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bodydouble.convert.graph import Builder, Dims, Tensor
from bodydouble.types import BodyDoubleError

NEXT = "_next"


class Variables:
    """All variables of a model. assigned: numbers of those that the main subgraph assigns."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.assigned: set[str] = set()
        self.starting = False
        self._start: dict[int, Tensor] = {}
        self._current: dict[int, str] = {}
        self._inputs: dict[int, str] = {}

    def number(self, name: str) -> int:
        """The number of a variable's name."""
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    def start(self, number: int, value: Tensor) -> None:
        """What the variable holds before the first run."""
        self._start[number] = value

    def assign(self, number: int, value: str) -> None:
        """A new value for what reads it from here on."""
        self._current[number] = value

    def read(self, builder: Builder, number: int, dims: Dims, dtype: np.dtype[Any]) -> str | Tensor:
        """What the variable holds here."""
        if number in self._current:
            return self._current[number]
        start = self._start.get(number)
        if self.names[number] not in self.assigned:
            if start is not None:
                return start
            raise BodyDoubleError(f'READ_VARIABLE of "{self.names[number]}", which nothing assigns')
        if start is not None:
            dims = start.shape
        self._inputs[number] = self._current[number] = builder.input(self.names[number], dims, dtype)
        return self._current[number]

    def state(self, builder: Builder, name: str, dims: Dims) -> str:
        """The input for what an operator keeps by itself (a tensor marked as variable)."""
        number = self.number(name)
        self._inputs[number] = builder.input(name, dims, np.float32)
        return self._inputs[number]

    def outputs(self) -> dict[str, str]:
        """Name of the output -> value, of all variables that are assigned."""
        return {self.names[number] + NEXT: value for number, value in self._current.items()
                if self._inputs.get(number) != value}  # fmt: skip
