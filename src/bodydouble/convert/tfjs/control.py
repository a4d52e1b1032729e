"""Old-style control flow (Switch, Merge, Enter, Exit, NextIteration, LoopCond) lifted into functions.

A frame becomes one record "_While" with functions `cond` and `body`; the Merges of one predicate become one record
"_If" with functions `then` and `else`. What they find around them they read by name. No circles are left.
Source: Implementation of Control Flow in TensorFlow (2017).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from bodydouble.convert.tfjs.records import Function, Record, needed, node_of, reads
from bodydouble.types import BodyDoubleError

_OLD = {"Switch", "Merge", "RefSwitch", "RefMerge", "Enter", "RefEnter"}
Guards = dict[str, bool]  # predicate -> the side on which something is computed


def lifted(function: Function) -> Function:
    """The function without old-style control flow. Raises BodyDoubleError where a loop has not the usual parts."""
    if not any(record.op in _OLD for record in function.records):
        return function
    return _without_merges(_without_frames(function))


def _renamed(records: Iterable[Record], names: Mapping[str, str]) -> tuple[Record, ...]:
    """The records reading other tensors."""
    return tuple(
        replace(record, inputs=tuple(names.get(tensor, tensor) for tensor in record.inputs))
        if any(tensor in names for tensor in record.inputs)
        else record
        for record in records
    )


def _forward(records: Mapping[str, Record], visit: Callable[[Record], None]) -> None:
    """Visit every record after those that it reads or waits for; the ways back of loops do not count."""
    done: set[str] = set()
    for start in records:
        stack = [start]
        while stack:
            name = stack[-1]
            record = records[name]
            before = [*map(node_of, reads(record)), *record.controls]
            wanted = [n for n in before if n in records and n not in done and records[n].op != "NextIteration"]
            if name in done or not wanted:
                if name not in done:
                    done.add(name)
                    visit(record)
                stack.pop()
            elif len(stack) > len(records):
                raise BodyDoubleError(f"the network has a circle through {name}")
            else:
                stack.append(wanted[0])


def _frames(records: Mapping[str, Record]) -> dict[str, tuple[str, ...]]:
    """The frames that each record is in, outermost first."""
    frames: dict[str, tuple[str, ...]] = {}

    def visit(record: Record) -> None:
        around = [frames.get(node_of(tensor), ()) for tensor in record.inputs]
        around += [frames.get(control, ()) for control in record.controls]
        here = max(around, key=len, default=())
        if record.op in ("Enter", "RefEnter"):
            here = (*here, str(record.attributes.get("frame_name", "")))
        elif record.op in ("Exit", "RefExit"):
            here = here[:-1]
        frames[record.name] = here

    _forward(records, visit)
    return frames


def _without_frames(function: Function) -> Function:
    """Every outermost frame as one _While; those inside it are lifted with its body."""
    records = {record.name: record for record in function.records}
    frames = _frames(records)
    result = dict(records)
    for frame in dict.fromkeys(stack[0] for stack in frames.values() if stack):
        inside = {name: records[name] for name, stack in frames.items() if stack and stack[0] == frame}
        level = {name for name in inside if len(frames[name]) == 1}
        loop = _Loop.of(frame, inside, level)
        for name in inside:
            del result[name]
        result[loop.name] = loop.record()
        for record in records.values():
            if record.op in ("Exit", "RefExit") and node_of(record.inputs[0]) in loop.switches:
                number = loop.merges.index(loop.switches[node_of(record.inputs[0])])
                result[record.name] = Record(record.name, "Identity", (f"{loop.name}:{number}",))
    return replace(function, records=tuple(result.values()))


@dataclass(frozen=True, slots=True, eq=False)
class _Loop:
    """One frame. merges: the Merge of each variable. switches: Switch -> its Merge. limit: what LoopCond reads."""

    name: str
    inside: Mapping[str, Record]
    merges: list[str]
    switches: dict[str, str]
    limit: str

    @classmethod
    def of(cls, frame: str, inside: Mapping[str, Record], level: set[str]) -> _Loop:
        conditions = [name for name in level if inside[name].op == "LoopCond"]
        if len(conditions) != 1:
            raise BodyDoubleError(f"loop {frame} with {len(conditions)} conditions")
        merges = [
            name
            for name in level
            if inside[name].op in ("Merge", "RefMerge")
            and any(inside[node].op == "NextIteration" for node in map(node_of, inside[name].inputs) if node in inside)
        ]
        switches = {
            name: node_of(inside[name].inputs[0])
            for name in level
            if inside[name].op in ("Switch", "RefSwitch") and node_of(inside[name].inputs[1]) == conditions[0]
        }
        return cls(f"{frame} loop", inside, sorted(merges), switches, inside[conditions[0]].inputs[0])

    def _entries(self) -> dict[str, tuple[str, str]]:
        """Merge -> what enters it from outside, and what comes back."""
        found = {}
        for name in self.merges:
            nodes = [self.inside[node_of(tensor)] for tensor in self.inside[name].inputs]
            back = next(node for node in nodes if node.op == "NextIteration")
            enter = next((node for node in nodes if node.op in ("Enter", "RefEnter")), None)
            if enter is None:
                raise BodyDoubleError(f"{self.name} with a variable that enters nowhere")
            found[name] = (enter.inputs[0], back.inputs[0])
        return found

    def record(self) -> Record:
        """The loop as one record; its outputs are the variables in the order of the merges."""
        entries = self._entries()
        names = {f"{switch}:{side}": f"{merge}:0" for switch, merge in self.switches.items() for side in (0, 1)}
        gone = {*self.merges, *self.switches}
        own = []
        for name, record in self.inside.items():
            if name in gone or record.op in ("NextIteration", "LoopCond"):
                continue
            outer = record.op in ("Enter", "RefEnter") and node_of(record.inputs[0]) not in self.inside
            own.append(Record(name, "Identity", record.inputs) if outer else record)
        records = _renamed(own, names)
        arguments = tuple(f"{merge}:0" for merge in self.merges)
        results = tuple(names.get(entries[merge][1], entries[merge][1]) for merge in self.merges)
        limit = names.get(self.limit, self.limit)
        functions = {
            "cond": lifted(needed(Function(arguments, (limit,), records))),
            "body": lifted(needed(Function(arguments, results, records))),
        }
        return Record(self.name, "_While", tuple(entries[merge][0] for merge in self.merges), functions)


def _origin(tensor: str, records: Mapping[str, Record]) -> str:
    """The tensor that a chain of Identities passes on."""
    while node_of(tensor) in records and records[node_of(tensor)].op == "Identity":
        tensor = records[node_of(tensor)].inputs[0]
    return tensor


def _without_merges(function: Function) -> Function:
    """The Merges of one predicate, as far as none depends on another Merge between, as one _If."""
    records = {record.name: record for record in function.records}
    guards: dict[str, Guards] = {}  # by tensor; "node" alone stands for what waits for the node
    levels: dict[str, int] = {}
    groups: dict[tuple[str, frozenset[tuple[str, bool]], int], list[tuple[Record, str, str]]] = {}

    def visit(record: Record) -> None:
        read = [*reads(record), *record.controls]
        levels[record.name] = max((levels.get(node_of(tensor), 0) for tensor in read), default=0)
        around: Guards = {}
        for tensor in read:
            around |= guards.get(tensor, guards.get(node_of(tensor), {}))
        if record.op == "Switch":
            predicate = _origin(record.inputs[1], records)
            for side in (False, True):
                guards[f"{record.name}:{int(side)}"] = {**around, predicate: side}
            return
        if record.op == "Merge" and len(record.inputs) == 2:
            found = _sides(record, guards)
            if found is not None:
                predicate, yes, no, around = found
                levels[record.name] += 1
                key = (predicate, frozenset(around.items()), levels[record.name])
                groups.setdefault(key, []).append((record, yes, no))
        guards[record.name] = around

    _forward(records, visit)
    result = dict(records)
    for number, ((predicate, outer, _), merges) in enumerate(groups.items()):
        if any(record.name not in result for record, _, _ in merges):
            continue
        name = f"{node_of(predicate)} choice {number}"
        branches = {
            key: _branch(records, guards, predicate, side, outer, [yes if side else no for _, yes, no in merges])
            for key, side in (("then", True), ("else", False))
        }
        result[name] = Record(name, "_If", (predicate,), branches)
        for position, (record, _, _) in enumerate(merges):
            result[record.name] = Record(record.name, "Identity", (f"{name}:{position}",))
    return replace(function, records=tuple(result.values()))


def _sides(record: Record, guards: Mapping[str, Guards]) -> tuple[str, str, str, Guards] | None:
    """Of a Merge: its predicate, the tensors for true and false, and the guards that hold for both."""
    one, two = (guards.get(tensor, guards.get(node_of(tensor), {})) for tensor in record.inputs)
    against = [p for p in one if p in two and one[p] != two[p]] or [
        p for p in {**one, **two} if (p in one) != (p in two)
    ]
    if not against:
        return None
    predicate = against[0]
    first_is_true = one[predicate] if predicate in one else not two[predicate]
    yes, no = record.inputs if first_is_true else reversed(record.inputs)
    both = {p: side for p, side in one.items() if two.get(p) == side and p != predicate}
    return predicate, yes, no, both


def _branch(
    records: Mapping[str, Record],
    guards: Mapping[str, Guards],
    predicate: str,
    side: bool,
    outer: frozenset[tuple[str, bool]],
    results: list[str],
) -> Function:
    """What is computed on one side of a predicate; the Switches of the predicate let their data through."""
    names, own = {}, []
    for record in records.values():
        if record.op == "Switch" and _origin(record.inputs[1], records) == predicate:
            names[f"{record.name}:{int(side)}"] = record.inputs[0]
        elif guards.get(record.name, guards.get(f"{record.name}:0", {})).get(predicate) == side or (
            record.op == "Switch" and guards.get(f"{record.name}:1", {}).get(predicate) == side
        ):
            own.append(record)
    chain = {name: _through(tensor, names) for name, tensor in names.items()}
    found = Function((), tuple(chain.get(tensor, tensor) for tensor in results), _renamed(own, chain))
    return lifted(needed(found))


def _through(tensor: str, names: Mapping[str, str]) -> str:
    """A Switch may read a Switch."""
    while tensor in names:
        tensor = names[tensor]
    return tensor
