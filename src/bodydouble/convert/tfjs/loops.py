"""Loops: unrolled, or ONNX's Loop.

A loop whose condition is known at every turn is unrolled if it is short; else it becomes ONNX's Loop, which carries
only what changes. A list that the loop fills one item a turn becomes one of the Loop's stacked outputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bodydouble.convert.emitter import Emitter
from bodydouble.convert.graph import Dims, Graph, Node, Value
from bodydouble.convert.tfjs import lists
from bodydouble.convert.tfjs.calls import Call, Missing, Thing
from bodydouble.convert.tfjs.lists import NotCollectedError, TensorList
from bodydouble.convert.tfjs.records import Function
from bodydouble.types import BodyDoubleError

# Loops that end by then are unrolled; longer ones stay loops.
MOST_TURNS = 32
MOST_NODES = 5000
ATTEMPTS = 12  # at settling which variables of a loop change, and their dims; each can lose one size at a time


def common(one: Dims | None, two: Dims | None) -> Dims | None:
    """Dims that both are: sizes that differ are open ("")."""
    if one is None or two is None or len(one) != len(two):
        return None
    return tuple(a if a == b else "" for a, b in zip(one, two, strict=True))


def name_sizes(g: Emitter, name: str) -> None:
    """Give open sizes their names."""
    value = g.values[name]
    if value.dims is not None:
        dims = tuple(f"{name}.{axis}" if size == "" else size for axis, size in enumerate(value.dims))
        g.values[name] = replace(value, dims=dims)


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """One loop to convert."""

    call: Call
    condition: Function
    body: Function
    outer: object

    def _run(self, function: Function, given: Sequence[Thing]) -> list[Thing]:
        return self.call.walk.call(function, given, self.outer)  # type: ignore[arg-type]

    def _goes_on(self, given: Sequence[Thing]) -> str:
        """The condition, a bool without axes."""
        g = self.call.g
        (thing,) = self._run(self.condition, given)
        if not isinstance(thing, str):
            raise BodyDoubleError("While whose condition cannot be converted")
        thing = g.cast(thing, np.bool_)
        return thing if g.dims_or_none(thing) == () else g.emit("Reshape", thing, lists.scalar_shape(g))

    def unrolled(self) -> list[Thing] | None:
        """What the variables are at the end, turn after turn; None where that is not known or takes too long."""
        g, walk = self.call.g, self.call.walk
        things, before, missing = list(self.call.given), len(g.nodes), Counter(walk.missing)
        for _ in range(MOST_TURNS + 1):
            goes_on = g.known(self._goes_on(things))
            if goes_on is None or len(g.nodes) - before > MOST_NODES:
                break
            if not goes_on:
                return things
            things = self._run(self.body, things)
            if walk.missing != missing:
                return things  # said already, and would be again
        walk.missing.clear()
        walk.missing.update(missing)
        return None

    def emitted(self, *, collect: bool) -> tuple[Thing, ...] | Missing:
        """ONNX's Loop. collect: whether lists that are not set yet are taken to be filled one item a turn."""
        g, walk = self.call.g, self.call.walk
        start = [self._carried(thing, collect) for thing in self.call.given]
        changing: dict[int, Dims | None] = {}  # variable -> its dims, through all turns
        for _ in range(ATTEMPTS):
            missing = Counter(walk.missing)
            with g.body() as nodes:
                turn, flag = g.fresh("turn"), g.fresh("goes_on")
                g.values[turn] = Value(turn, (), np.dtype(np.int64))
                g.values[flag] = Value(flag, (), np.dtype(np.bool_))
                given = [self._inside(n, thing, changing) for n, thing in enumerate(start)]
                things = self._run(self.body, given)
                if walk.missing != missing or any(isinstance(thing, Missing) for thing in things):
                    return Missing()
                things = [self._like(thing, model) for thing, model in zip(things, given, strict=True)]
                goes_on = self._goes_on(things)
            more = self._more(start, given, things, changing)
            if more == changing:
                return self._finished(start, given, things, changing, nodes, (turn, flag, goes_on))
            changing = more
        raise BodyDoubleError("While whose variables do not settle")

    def _carried(self, thing: Thing, collect: bool) -> Thing:
        """A variable as the loop carries it: a tensor, or a list that is read only, collected, or a sequence."""
        if not isinstance(thing, TensorList):
            return thing
        unset = thing.items is None and not thing.dense and not thing.sequence
        unset = unset or (thing.items is not None and None in thing.items)
        if unset and collect:
            return replace(thing, collecting=object(), written=())
        return thing

    def _inside(self, number: int, thing: Thing, changing: dict[int, Dims | None]) -> Thing:
        """A variable as the body sees it: an input of its own where it changes."""
        g = self.call.g
        if number not in changing:
            return thing
        if isinstance(thing, TensorList):
            if thing.collecting is not None:
                return thing
            if self._dense(thing):
                name = g.fresh("list")
                g.values[name] = Value(name, changing[number], thing.dtype)
                name_sizes(g, name)
                return replace(thing, items=None, size="", dense=name)
            name = g.fresh("sequence")
            g.values[name] = Value(name, None, thing.dtype, sequence=True)
            return replace(thing, items=None, dense="", size="", sequence=name)
        name = g.fresh("variable")
        g.values[name] = Value(name, changing[number], g.dtype(thing))
        name_sizes(g, name)
        return name

    def _dense(self, thing: TensorList) -> bool:
        """Whether a list is carried as one tensor."""
        if thing.sequence:
            return False
        if thing.dense or thing.element is None:
            return bool(thing.dense)
        return bool(thing.items or thing.size) and all(isinstance(n, int) and n >= 0 for n in thing.element)

    def _like(self, thing: Thing, model: Thing) -> Thing:
        """A result in the form in which the loop carries the variable."""
        g = self.call.g
        if isinstance(model, TensorList) and isinstance(thing, TensorList) and thing is not model:
            if model.collecting is not None:
                return thing
            if model.dense:
                return replace(thing, items=None, sequence="", size="", dense=lists.together(g, thing))
            if model.sequence:
                return replace(thing, items=None, dense="", size="", sequence=lists.as_sequence(g, thing))
        if isinstance(model, str) and isinstance(thing, str) and g.dtype(thing) != g.dtype(model):
            return g.cast(thing, g.dtype(model))
        return thing

    def _more(
        self, start: list[Thing], given: list[Thing], things: list[Thing], changing: dict[int, Dims | None]
    ) -> dict[int, Dims | None]:
        """The variables that change, with the dims that hold before and after a turn."""
        g, more = self.call.g, dict(changing)
        for number, (model, thing) in enumerate(zip(given, things, strict=True)):
            if number not in changing:
                if thing is model or thing == model:
                    continue
                first = start[number]
                if isinstance(first, str):
                    more[number] = g.dims_or_none(first)
                elif isinstance(first, TensorList):
                    more[number] = self._list_dims(first)
                else:
                    raise BodyDoubleError(f"While that changes a {type(first).__name__.lower()}")
            elif isinstance(model, str) or (isinstance(model, TensorList) and model.dense):
                names = (model, thing) if isinstance(model, str) else (model.dense, thing.dense)
                before, after = (g.dims_or_none(name) for name in names)
                merged = common(before, after)
                if merged != before:
                    stated = changing[number]
                    kept = None if merged is None or stated is None else merged
                    more[number] = kept
        return more

    def _list_dims(self, of: TensorList) -> Dims | None:
        if not self._dense(of):
            return None
        return self.call.g.dims_or_none(lists.together(self.call.g, of)) if of.collecting is None else ()

    def _finished(
        self,
        start: list[Thing],
        given: list[Thing],
        things: list[Thing],
        changing: dict[int, Dims | None],
        nodes: list[Node],
        control: tuple[str, str, str],
    ) -> tuple[Thing, ...]:
        """The node, and what each variable is after it."""
        g = self.call.g
        turn, flag, goes_on = control
        collected = [n for n in changing if isinstance(start[n], TensorList) and start[n].collecting is not None]
        carried = [n for n in changing if n not in collected]
        scans = [self._written(n, given, things, start) for n in collected]
        inputs = ["", self._goes_on([self._plain(thing) for thing in start])]
        inputs += [self._tensor(start[n], given[n]) for n in carried]
        results = [goes_on, *[_name(things[n]) for n in carried], *scans]
        body = Graph(
            (turn, flag, *[_name(given[n]) for n in carried]),
            {g.fresh(f"after_{position}"): value for position, value in enumerate(results)},
            tuple(nodes),
            {},
            {},
        )
        values = [g.values[_name(given[n])] for n in carried]
        kinds: list[tuple[Dims | None, np.dtype[Any]]] = [(value.dims, value.dtype) for value in values]
        for scan in scans:
            dims = g.dims_or_none(scan)
            kinds.append((None if dims is None else ("", *dims), g.dtype(scan)))
        outputs = g.add_all("Loop", inputs, kinds, body=body)
        for output, value in zip(outputs, [*values, *[None] * len(scans)], strict=True):
            if value is not None and value.sequence:
                g.values[output] = replace(g.values[output], sequence=True)
            self._own_sizes(output, body)
        after: list[Thing] = [self._plain(thing) for thing in start]
        for n, output in zip([*carried, *collected], outputs, strict=True):
            thing = start[n]
            if not isinstance(thing, TensorList):
                after[n] = output
            elif n in collected:
                after[n] = TensorList(thing.dtype, g.dims(output)[1:], dense=output)
            elif g.values[output].sequence:
                after[n] = TensorList(thing.dtype, thing.element, sequence=output)
            else:
                after[n] = TensorList(thing.dtype, thing.element, dense=output)
        return tuple(after)

    def _own_sizes(self, output: str, body: Graph) -> None:
        """Sizes that have names only inside the body are new ones outside."""
        g = self.call.g
        value = g.values[output]
        if value.dims is None:
            return
        inner = {*body.inputs, *(name for node in body.nodes for name in node.outputs)}
        dims = tuple("" if isinstance(size, str) and size.rsplit(".", 1)[0] in inner else size for size in value.dims)
        g.values[output] = replace(value, dims=dims)
        name_sizes(g, output)

    def _plain(self, thing: Thing) -> Thing:
        return replace(thing, collecting=None, written=()) if isinstance(thing, TensorList) else thing

    def _tensor(self, thing: Thing, model: Thing) -> str:
        """What enters the loop for a variable."""
        if isinstance(thing, str):
            return thing
        return lists.together(self.call.g, thing) if model.dense else lists.as_sequence(self.call.g, thing)

    def _written(self, number: int, given: list[Thing], things: list[Thing], start: list[Thing]) -> str:
        """The item that a turn writes to a collected list, at the place of the turn."""
        thing = things[number]
        same = isinstance(thing, TensorList) and thing.collecting is given[number].collecting
        if not same or len(thing.written) != 1:
            raise NotCollectedError("a list that a loop writes more than once a turn")
        index, value = thing.written[0]
        if not self._counts(index, given, things, start):
            raise NotCollectedError("a list that a loop does not fill in order")
        return str(value)

    def _counts(self, index: str, given: list[Thing], things: list[Thing], start: list[Thing]) -> bool:
        """Whether a value is a variable that counts the turns: from 0, plus 1."""
        g = self.call.g
        for before, inside, after in zip(start, given, things, strict=True):
            if inside != index or not isinstance(before, str) or not isinstance(after, str):
                continue
            first, maker = g.known(before), g.makers.get(after)
            if first is None or first.any() or maker is None or maker.op != "Add" or index not in maker.inputs:
                return False
            step = g.known(next((name for name in maker.inputs if name != index), ""))
            return step is not None and int(step) == 1
        return False


def _name(thing: Thing) -> str:
    """The value that carries a variable."""
    if isinstance(thing, TensorList):
        return thing.dense or thing.sequence
    return str(thing)
