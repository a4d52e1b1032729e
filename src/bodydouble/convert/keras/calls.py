"""What a handler gets, and the table of handlers by class of layer.

A handler is a function from a Call to what the layer gives: the name of a tensor in the graph that is being made, or a
tuple of them; or Flows, where it makes masks of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Dims, Tensor
from bodydouble.convert.keras.activations import activated, named
from bodydouble.convert.keras.topology import Layer, plain
from bodydouble.convert.keras.weights import Store
from bodydouble.types import BodyDoubleError

if TYPE_CHECKING:
    from bodydouble.convert.keras.networks import Walk


@dataclass(frozen=True, slots=True)
class Flow:
    """A tensor on its way. mask: a tensor of booleans (batch, time), false where a step does not count."""

    value: str
    mask: str | None = None


Result = str | Flow | Sequence[str] | Sequence[Flow]
Handler = Callable[["Call"], Result]
LAYERS: dict[str, Handler] = {}
# Classes that hand the mask of their first input on.
PASSING: set[str] = set()


def layer(*kinds: str, masks: bool = False) -> Callable[[Handler], Handler]:
    """Register a handler for classes of layers. masks: they take masks; the first input's is handed on."""

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            if kind in LAYERS:
                raise ValueError(f"two handlers for {kind}")
            LAYERS[kind] = handler
        if masks:
            PASSING.update(kinds)
        return handler

    return register


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call of a layer. scopes: where its weights may be found."""

    g: Emitter
    layer: Layer
    flows: tuple[Flow, ...]
    store: Store
    walk: Walk
    scopes: tuple[tuple[str, ...], ...] = field(default=())

    @property
    def x(self) -> str:
        """The first input."""
        if not self.flows:
            raise BodyDoubleError("no input")
        return self.flows[0].value

    @property
    def xs(self) -> list[str]:
        """All inputs."""
        return [flow.value for flow in self.flows]

    @property
    def mask(self) -> str | None:
        """The mask of the first input."""
        return self.flows[0].mask if self.flows else None

    def dims(self) -> Dims:
        """The dims of the first input."""
        return self.g.dims(self.x)

    def option(self, name: str, default: Any = None) -> Any:
        """An option of the layer."""
        return self.layer.option(name, default)

    def word(self, name: str, default: str) -> str:
        """An option that is a word, as Keras writes it."""
        return plain(str(self.option(name, default)))

    def flag(self, name: str, default: bool = False) -> bool:
        """An option that is yes or no."""
        return bool(self.option(name, default))

    def sizes(self, name: str, count: int, default: Any = 1) -> tuple[int, ...]:
        """An option of one number for all axes, or a number an axis."""
        value = self.option(name, default)
        numbers = [value] * count if isinstance(value, int | float) else list(value)
        if len(numbers) == 1:
            numbers *= count
        if len(numbers) != count or any(int(number) != number or number < 1 for number in numbers):
            raise BodyDoubleError(f"{name} {value}; wanted {count} whole numbers")
        return tuple(int(number) for number in numbers)

    def channels_first(self) -> bool:
        """Whether pictures are (N, C, ...)."""
        word = self.word("data_format", "channels_last")
        if word not in ("channels_last", "channels_first"):
            raise BodyDoubleError(f"data_format {word}")
        return word == "channels_first"

    def weights(self, *names: str) -> list[Tensor]:
        """The layer's weights, as stored. All of them, in Keras's order, since some files only number them."""
        return [weight.stored for weight in self.store.find(self.scopes or ((self.layer.name,),), names)]

    def constant(self, array: Tensor, name: str = "weights") -> str:
        """A weight as nodes see it: float32, whatever it is stored as."""
        return self.g.constant(array, np.float32, f"{self.layer.name}/{name}")

    def activated(self, x: str, name: str = "activation", default: str = "linear") -> str:
        """The value through the activation that an option names."""
        return activated(self.g, x, named(self.layer.options.get(name), default))

    def inner(self, layer: Layer, scopes: Sequence[tuple[str, ...]], flows: Sequence[Flow]) -> Call:
        """A call of a layer inside this one."""
        return Call(self.g, layer, tuple(flows), self.store, self.walk, tuple(scopes))


def sized(g: Emitter, x: str, sizes: Sequence[int | tuple[str, int]]) -> str:
    """x in another shape. sizes: numbers (one may be -1), or (tensor, axis) for the size that a tensor has there."""
    parts = [
        g.ints(size) if isinstance(size, int) else g.emit("Shape", size[0], start=size[1], end=size[1] + 1)
        for size in sizes
    ]
    return g.emit("Reshape", x, g.emit("Concat", *parts, axis=0))


def number(value: Any, what: str) -> float:
    """A number of a configuration."""
    if not isinstance(value, int | float):
        raise BodyDoubleError(f"{what} {value}; wanted a number")
    return float(value)


def known(dims: Mapping[int, Any] | Dims, axis: int, what: str) -> int:
    """A size that has to be known while converting."""
    size = dims[axis]
    if not isinstance(size, int):
        raise BodyDoubleError(f"{what} known only at run time")
    return size
