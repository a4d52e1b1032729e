"""Text messages: JSON of a page read into messages.FROM_PAGE, and messages written as JSON.

What a page says is never trusted: every field is checked by its annotation, and whatever is wrong is a MessageError in
one sentence. Nothing else is ever raised.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from functools import cache
from typing import Any, Literal, NoReturn

from bodydouble.stage import messages
from bodydouble.types import BodyDoubleError

LARGEST_TEXT = 64 << 10  # characters of one message; the longest that a page has reason to send is a hundredth of it
LONGEST_STRING = 2000  # characters: the longest addresses that browsers and servers agree on
MOST_ENTRIES = 64  # of a dictionary; Settings has a quarter of that
LARGEST_NUMBER = 2**53  # beyond it a page's numbers are no whole numbers any more
SHOWN = 60  # characters of a wrong value that are told back

_PLAIN = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}

FromPage = (
    messages.Ping
    | messages.Ack
    | messages.Change
    | messages.Calibrate
    | messages.Record
    | messages.Snapshot
    | messages.VirtualCamera
    | messages.Follow
    | messages.Refresh
    | messages.Preview
    | messages.BrowserCamera
)


class MessageError(BodyDoubleError):
    """A message that cannot be understood. id: the command's number, where it could be read, else 0."""

    def __init__(self, words: str, id: int = 0) -> None:
        super().__init__(words)
        self.id = id


def written(message: Any) -> str:
    """A message (a dataclass of messages.py) as JSON. Numbers that are not finite become 0: JSON has none."""
    return json.dumps(_finite(dataclasses.asdict(message)), separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    """`value` with every float finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else 0.0
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def read(text: str) -> FromPage:
    """The message in `text`. Raises MessageError for what is none."""
    if len(text) > LARGEST_TEXT:
        raise MessageError(f"a message of {len(text)} characters; at most {LARGEST_TEXT} are taken")
    try:
        values = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as fault:
        raise MessageError("a message that is no JSON") from fault
    if not isinstance(values, dict):
        raise MessageError(f"a message that is {_shown(values)}; wanted an object with a kind")
    given = values.get("id")
    number = given if isinstance(given, int) and not isinstance(given, bool) and abs(given) < LARGEST_NUMBER else 0
    kinds = _kinds()
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise MessageError(f"no message of kind {_shown(kind)}; wanted one of {', '.join(kinds)}", number)
    try:
        return _message(kinds[kind], values)
    except MessageError as fault:
        raise MessageError(f"{kind}: {fault}", number) from fault


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


@cache
def _kinds() -> dict[str, type[FromPage]]:
    """What a page may say, by kind."""
    return {typing.get_args(typing.get_type_hints(one)["kind"])[0]: one for one in messages.FROM_PAGE}


@cache
def _fields(name: str) -> dict[str, tuple[Any, bool]]:
    """The annotation of each field of a message, and whether it must be given."""
    kind = getattr(messages, name)
    hints = typing.get_type_hints(kind)
    return {one.name: (hints[one.name], one.default is dataclasses.MISSING) for one in dataclasses.fields(kind)}


def _message(kind: type[FromPage], values: dict[str, Any]) -> FromPage:
    fields = _fields(kind.__name__)
    unknown = [name for name in values if name not in fields]
    if unknown:
        raise MessageError(f"no field {_shown(unknown[0])}; wanted {', '.join(fields)}")
    missing = [name for name, (_, needed) in fields.items() if needed and name not in values]
    if missing:
        raise MessageError(f"{missing[0]} is missing")
    return kind(**{name: _checked(fields[name][0], value, name) for name, value in values.items()})


def _checked(hint: Any, value: Any, name: str) -> Any:
    """`value`, if it is what `hint` says. Whole numbers are taken for numbers."""
    if typing.get_origin(hint) is Literal:
        if value in typing.get_args(hint):
            return value
    elif typing.get_origin(hint) is dict:
        inner = typing.get_args(hint)[1]
        if isinstance(value, dict) and len(value) <= MOST_ENTRIES:
            return {_checked(str, key, name): _checked(inner, item, name) for key, item in value.items()}
        raise MessageError(f"{name} is {_shown(value)}; wanted an object of at most {MOST_ENTRIES} entries")
    elif isinstance(hint, types.UnionType):
        for kind in typing.get_args(hint):
            if _is(kind, value):
                return _plain(kind, value)
        raise MessageError(f"{name} is {_shown(value)}; wanted a text, a number, true or false")
    elif _is(hint, value):
        return _plain(hint, value)
    raise MessageError(f"{name} is {_shown(value)}; wanted {_PLAIN.get(hint, hint)}")


def _is(kind: type, value: Any) -> bool:
    """Whether a value of JSON is one of `kind`, and of a sane size."""
    if kind is bool:
        return isinstance(value, bool)
    if kind is str:
        return isinstance(value, str) and len(value) <= LONGEST_STRING and value.isprintable()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if kind is int and not isinstance(value, int):
        return False
    return abs(value) <= LARGEST_NUMBER if isinstance(value, int) else math.isfinite(value)


def _plain(kind: type, value: Any) -> Any:
    return float(value) if kind is float else value


def _shown(value: Any) -> str:
    """A wrong value, short enough to be told back."""
    text = json.dumps(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
