"""What a handler gets, and the table of handlers.

A handler is a function from a Call to what the operator gives: one value, or a tuple of them. A value is the name of a
tensor in the graph that is being made, or something that ONNX has not: a list of tensors, a complex number, a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Dims, Tensor
from bodydouble.convert.tfjs.records import Record
from bodydouble.types import BodyDoubleError

if TYPE_CHECKING:
    from bodydouble.convert.tfjs.networks import Walk

# A name of a tensor, or an object of lists.py, spectral.py or tables.py.
Thing = Any
Handler = Callable[["Call"], Thing]
HANDLERS: dict[str, Handler] = {}


class Missing:
    """In the place of what could not be made; why is said already."""


def handles(*ops: str) -> Callable[[Handler], Handler]:
    """Register a handler for operators, by TensorFlow's names."""

    def register(handler: Handler) -> Handler:
        for op in ops:
            if op in HANDLERS:
                raise ValueError(f"two handlers for {op}")
            HANDLERS[op] = handler
        return handler

    return register


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One record to convert. given: what its inputs are. env: everything made so far around it."""

    g: Emitter
    record: Record
    given: tuple[Thing, ...]
    walk: Walk
    env: Mapping[str, Thing]

    def has(self, position: int) -> bool:
        """Whether there is such an input."""
        return -len(self.given) <= position < len(self.given)

    def x(self, position: int = 0) -> str:
        """The tensor of an input. Raises BodyDoubleError where there is none, or something else."""
        if not self.has(position):
            raise BodyDoubleError(f"{self.record.op} without input {position}")
        thing = self.given[position]
        if not isinstance(thing, str):
            raise BodyDoubleError(f"{self.record.op} of a {type(thing).__name__.lower()}")
        return thing

    def xs(self, start: int = 0, end: int | None = None) -> list[str]:
        """The tensors of several inputs."""
        return [self.x(position) for position in range(len(self.given))[start:end]]

    def dims(self, position: int = 0) -> Dims:
        """The dims of an input."""
        return self.g.dims(self.x(position))

    def known(self, position: int) -> Tensor | None:
        """The array of an input, where it is known while converting."""
        return self.g.known(self.x(position))

    def array(self, position: int) -> Tensor:
        """The array of an input that has to be known."""
        array = self.known(position)
        if array is None:
            raise BodyDoubleError(f"{self.record.op} whose input {position} is known only at run time")
        return array

    def numbers(self, position: int) -> list[int]:
        """A known input as a flat list of integers."""
        return [int(n) for n in self.array(position).ravel()]

    def number(self, position: int) -> float:
        """A known input of one number."""
        array = self.array(position).ravel()
        if array.size != 1:
            raise BodyDoubleError(f"{self.record.op} whose input {position} has {array.size} numbers where 1 is wanted")
        return float(array[0])

    def attr(self, name: str, default: Any = None) -> Any:
        """An attribute, or the default."""
        return self.record.attributes.get(name, default)

    def axis(self, value: int, rank: int) -> int:
        """An axis counted from 0. Raises BodyDoubleError for one that is not there."""
        if not -rank <= value < rank:
            raise BodyDoubleError(f"{self.record.op} along axis {value} of {rank}")
        return value % rank

    def dtype(self, position: int = 0) -> np.dtype[Any]:
        """The dtype of an input."""
        return self.g.dtype(self.x(position))

    def as_float(self, position: int = 0) -> str:
        """An input as float32."""
        return self.g.cast(self.x(position), np.float32)

    def as_type(self, position: int, dtype: npt.DTypeLike) -> str:
        """An input in a dtype."""
        return self.g.cast(self.x(position), dtype)
