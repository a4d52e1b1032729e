"""The page's half of the messages, web/src/messages.ts, written from stage/messages.py, reports.py and layouts.py.

`python -m bodydouble.stage.typescript` writes it, `--check` only compares and exits 1 where it differs; a test does the
same. Every dataclass becomes an interface with its words; every layout an interface, a decoder and an encoder.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path

from bodydouble.stage import layouts, messages, reports
from bodydouble.stage.frames import TYPE_OF, Part, part_of
from bodydouble.stage.typescript_runtime import RUNTIME
from bodydouble.types import BodyDoubleError

TARGET = Path(__file__).resolve().parents[3] / "web" / "src" / "messages.ts"
WIDTH = 120  # of a line, as web/biome.json has it

_PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}
_LAYOUT_LINE = re.compile(r'^ {4}"(\w+)": \($')
_FIELD_LINE = re.compile(r'^ {8}\("(\w+)", "[^"]+"\),\s+# (.+)$')
_READ = {"B": "u8", "H": "u16", "I": "u32", "i": "i32", "f": "f32", "d": "f64"}  # struct's letter: Reader's method


def typescript() -> str:
    """The whole text of messages.ts."""
    parts = [
        "// Made by `python -m bodydouble.stage.typescript` from src/bodydouble/stage/messages.py: change that.",
        f"/** Raised when a message changes its meaning; a page of another number reloads itself. */\n"
        f"export const PROTOCOL = {messages.PROTOCOL};",
        _enum(),
        *(_interface(kind) for kind in _dataclasses()),
        _union("FromProgram", "What the program says.", messages.FROM_PROGRAM),
        _union("FromPage", "What a page says.", messages.FROM_PAGE),
        RUNTIME.strip(),
        *(text for layout in _inner_first() for text in _layout(layout)),
    ]
    return "\n\n".join(parts) + "\n"


# ---- text messages --------------------------------------------------------------------------------------------------


def _dataclasses() -> list[type]:
    """The dataclasses of reports.py and messages.py, in their order."""
    return [
        kind
        for module in (reports, messages)
        for kind in vars(module).values()
        if inspect.isclass(kind) and dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__
    ]


def _comment(text: str, indent: str = "") -> str:
    """A JSDoc comment of `text`, as it is broken into lines."""
    lines = inspect.cleandoc(text).replace("*/", "* /").splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */"
    body = "\n".join(f"{indent} * {line}".rstrip() for line in lines)
    return f"{indent}/**\n{body}\n{indent} */"


def _enum() -> str:
    """Binary, with the comments of its lines."""
    comments = dict(re.findall(r"^ {4}(\w+) = \d+  # (.+)$", inspect.getsource(layouts.Binary), re.MULTILINE))
    lines = [_comment(layouts.Binary.__doc__ or ""), "export enum Binary {"]
    for member in layouts.Binary:
        if member.name in comments:
            lines.append(_comment(comments[member.name], "  "))
        lines.append(f"  {member.name} = {member.value},")
    return "\n".join([*lines, "}"])


def _type(hint: object) -> str:
    """A Python annotation as TypeScript. Raises BodyDoubleError for one that no rule covers."""
    if isinstance(hint, type) and hint in _PLAIN:
        return _PLAIN[hint]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return hint.__name__
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " | ".join(f'"{value}"' for value in arguments)
    if origin is types.UnionType:
        return " | ".join(dict.fromkeys(_type(one) for one in arguments))
    if origin is list:
        inner = _type(arguments[0])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if origin is tuple:
        return f"[{', '.join(_type(one) for one in arguments)}]"
    if origin is dict:
        return f"{{ [name: {_type(arguments[0])}]: {_type(arguments[1])} }}"  # Record is a message's name
    raise BodyDoubleError(f"stage messages: no TypeScript for {hint!r}; teach stage/typescript.py:_type")


def _interface(kind: type) -> str:
    """A dataclass as an interface. A page may leave out what has a default."""
    hints = typing.get_type_hints(kind)
    lines = [_comment(kind.__doc__ or kind.__name__), f"export interface {kind.__name__} {{"]
    for field in dataclasses.fields(kind):
        filled = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        mark = "?" if filled and kind in messages.FROM_PAGE else ""
        lines += _member(f"{field.name}{mark}", _type(hints[field.name]))
    return "\n".join([*lines, "}"])


def _member(name: str, kind: str) -> list[str]:
    """The lines of an interface's member; a long union has a line for each."""
    line = f"  {name}: {kind};"
    if len(line) <= WIDTH:
        return [line]
    choices = "\n".join(f"    | {one}" for one in kind.split(" | "))
    return [f"  {name}:", f"{choices};"]


def _union(name: str, words: str, kinds: tuple[type, ...]) -> str:
    """A union of messages, told apart by `kind`."""
    names = [kind.__name__ for kind in kinds]
    line = f"export type {name} = {' | '.join(names)};"
    if len(line) > WIDTH:
        line = f"export type {name} =\n" + "\n".join(f"  | {one}" for one in names) + ";"
    return f"{_comment(words)}\n{line}"


# ---- binary frames --------------------------------------------------------------------------------------------------


def _inner_first() -> list[str]:
    """The layouts, each after those it holds."""
    ordered: list[str] = []

    def add(layout: str) -> None:
        for name, kind in layouts.LAYOUTS[layout]:
            part = part_of(name, kind)
            if part.kind == "layouts":
                add(part.of)
        if layout not in ordered:
            ordered.append(layout)

    for layout in layouts.LAYOUTS:
        add(layout)
    return ordered


def interface_of(layout: str) -> str:
    """The TypeScript name of a layout: its own, with "Frame" behind where a message has that name."""
    return f"{layout}Frame" if layout in {kind.__name__ for kind in _dataclasses()} else layout


def _comments() -> dict[tuple[str, str], str]:
    """The words behind each layout's fields in layouts.py."""
    found, layout = {}, ""
    for line in inspect.getsource(layouts).splitlines():
        if heading := _LAYOUT_LINE.match(line):
            layout = heading[1]
        elif field := _FIELD_LINE.match(line):
            found[layout, field[1]] = field[2]
    return found


def _steps(layout: str) -> Iterator[Part]:
    """The fields that a page sees, one by one, with the type byte and the pads."""
    return (part_of(name, kind) for name, kind in layouts.LAYOUTS[layout])


def _silent(name: str) -> bool:
    """Whether a field is not one of the interface's."""
    return name == "type" or name.startswith("pad")


def _layout(layout: str) -> Iterator[str]:
    """Interface, reader and writer of a layout; decoder and encoder where it is a frame."""
    name = interface_of(layout)
    yield _layout_interface(layout, name)
    yield _reader(layout, name)
    yield _writer(layout, name)
    if layout not in TYPE_OF:
        return
    binary = f"Binary.{TYPE_OF[layout].name}"
    yield f"""/** The {layout} frame in `buffer`. Throws FrameError where it is none, too short or too long. */
export function decode{layout}(buffer: ArrayBuffer): {name} {{
  const from = new Reader(buffer, "{layout}", {binary});
  const value = read{layout}(from);
  from.end();
  return value;
}}"""
    yield f"""/** The bytes of a {layout} frame. Throws FrameError where a count and its array differ. */
export function encode{layout}(value: {name}): ArrayBuffer {{
  const to = new Writer("{layout}");
  write{layout}(to, value);
  return to.finished();
}}"""


def _layout_interface(layout: str, name: str) -> str:
    """What a page holds of a frame."""
    words = (
        f"What a binary frame of type {TYPE_OF[layout].name} holds."
        if layout in TYPE_OF
        else f"One {layout} of a frame."
    )
    comments, lines = _comments(), [_comment(words), f"export interface {name} {{"]
    for part in _steps(layout):
        field = part.names[0]
        if _silent(field):
            continue
        if (layout, field) in comments:
            lines.append(_comment(comments[layout, field], "  "))
        lines.append(f"  {field}: {_held(part)};")
    return "\n".join([*lines, "}"])


def _held(part: Part) -> str:
    """The TypeScript type of a field."""
    if part.kind == "scalars":
        return "number"
    if part.kind == "bytes":
        return "Uint8Array<ArrayBuffer>"
    if part.kind == "layouts":
        return f"{interface_of(part.of)}[]"
    if isinstance(part.count, int):
        return f"[{', '.join(['number'] * part.count * part.each)}]"
    return "Float32Array<ArrayBuffer>"


def _length(part: Part, owner: str = "") -> str:
    """The number of numbers or layouts, as an expression."""
    return f"{owner}{part.count} * {part.each}" if part.each != 1 else f"{owner}{part.count}"


def _reader(layout: str, name: str) -> str:
    """The function that reads a layout's fields."""
    lines = [f"function read{layout}(from: Reader): {name} {{"]
    for part in _steps(layout):
        field = part.names[0]
        if part.kind == "scalars":
            call = f"from.{_READ[part.of]}()"
            lines.append(f"  {call};" if _silent(field) else f"  const {field} = {call};")
        elif part.kind == "bytes":
            lines.append(f"  const {field} = from.rest();")
        elif part.kind == "layouts":
            lines.append(f"  const {field}: {interface_of(part.of)}[] = [];")
            lines.append(f"  for (let at = 0; at < {_length(part)}; at++) {field}.push(read{part.of}(from));")
        elif isinstance(part.count, int):
            calls = ", ".join(["from.f32()"] * part.count * part.each)
            lines.append(f"  const {field}: {_held(part)} = [{calls}];")
        else:
            lines.append(f"  const {field} = from.floats({_length(part)});")
    fields = [part.names[0] for part in _steps(layout) if not _silent(part.names[0])]
    line = f"  return {{ {', '.join(fields)} }};"
    if len(line) > WIDTH:
        line = "  return {\n" + "".join(f"    {field},\n" for field in fields) + "  };"
    return "\n".join([*lines, line, "}"])


def _writer(layout: str, name: str) -> str:
    """The function that writes a layout's fields."""
    lines = [f"function write{layout}(to: Writer, value: {name}): void {{"]
    for part in _steps(layout):
        field = part.names[0]
        value = f"value.{field}"
        if part.kind == "scalars":
            given = f"Binary.{TYPE_OF[layout].name}" if field == "type" else "0" if _silent(field) else value
            lines.append(f"  to.{_READ[part.of]}({given});")
        elif part.kind == "bytes":
            lines.append(f"  to.rest({value});")
        elif part.kind == "layouts":
            lines.append(f'  to.count("{field}", {value}.length, {_length(part, "value.")});')
            lines.append(f"  for (const one of {value}) write{part.of}(to, one);")
        else:
            count = str(part.count * part.each) if isinstance(part.count, int) else _length(part, "value.")
            lines.append(f'  to.floats("{field}", {value}, {count});')
    return "\n".join([*lines, "}"])


def main(arguments: list[str] | None = None) -> int:
    """Write the file, or with --check only compare. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Write web/src/messages.ts from stage/messages.py.")
    parser.add_argument("--check", action="store_true", help="only say whether it is as it should be")
    wanted = typescript()
    if not parser.parse_args(arguments).check:
        TARGET.write_text(wanted, encoding="utf-8", newline="\n")
        return 0
    if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{TARGET} differs from messages.py; run: python -m bodydouble.stage.typescript", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
