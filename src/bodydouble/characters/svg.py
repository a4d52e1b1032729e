"""SVG pictures of parts: checked, one layer kept, rewritten for what skia draws, and rasterised.

skia's SVG reader is silent about what it cannot draw (it was tried feature by feature with skia-python 144: no style
sheets, plain href, symbols, switch, #rrggbbaa; no text, images, markers). What can be rewritten is rewritten here, the
rest is told. Sizes are user units of the SVG: its viewBox, else its width and height. y down.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skia

from bodydouble.characters.problems import Problems
from bodydouble.types import Image

SVG = "{http://www.w3.org/2000/svg}"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
INKSCAPE_LABEL = "{http://www.inkscape.org/namespaces/inkscape}label"
_HIDDEN = "defs"  # skia draws nothing of it and still finds what is referred to
_NOT_DRAWN = {
    "text": "turn the text into paths",
    "image": "give the picture its own part, or draw it as shapes",
    "marker": "turn the marker into paths",
    "foreignObject": "draw it as shapes",
    "animate": "only the first moment is used",
    "script": "it is not run",
}
_HEX8 = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})\b")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SIMPLE = re.compile(r"^(?:([.#])?([\w-]+)|\*)$")
_LENGTH = re.compile(r"^\s*([+]?[0-9.]+(?:[eE][+-]?[0-9]+)?)\s*(px|pt|pc|mm|cm|in|q)?\s*$", re.IGNORECASE)
_PIXELS = {"": 1.0, "px": 1.0, "pt": 96 / 72, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0, "q": 24 / 25.4}


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A readable SVG. size: width, height in its user units. layers: the ids of its groups, in their order."""

    root: ET.Element
    size: tuple[float, float]
    layers: tuple[str, ...]
    name: str


def read_svg(path: Path, problems: Problems) -> Drawing | None:
    """The SVG at `path`, rewritten for skia; None, with the reason told, if it cannot be used."""
    name = path.name
    try:
        root = ET.fromstring(path.read_bytes())
    except ET.ParseError as error:
        line, column = error.position
        problems.error(name, f"not well-formed XML at line {line}, column {column + 1}: {_reason(error)}")
        return None
    except OSError as error:
        problems.error(name, f"cannot be read: {error.strerror}")
        return None
    if root.tag != f"{SVG}svg":
        hint = ' (add xmlns="http://www.w3.org/2000/svg")' if root.tag == "svg" else ""
        problems.error(name, f"its outermost element is {root.tag}, not an SVG's{hint}")
        return None
    size = _size(root)
    if size is None:
        problems.error(name, "has neither a viewBox nor a width and height; add viewBox with the picture's size")
        return None
    _inline_styles(root, name, problems)
    _rewrite(root, name, problems)
    layers = tuple(id_ for group in root.iter(f"{SVG}g") if (id_ := group.get("id")))
    return Drawing(root, size, layers, name)


def rasterise(drawing: Drawing, layer: str, scale: float, problems: Problems) -> Image | None:
    """(H, W, 4) uint8 premultiplied RGBA of the whole picture, or of the group `layer` alone; scale: pixels a unit.

    None, with the reason told, if there is no such layer or nothing is drawn.
    """
    width, height = (max(1, round(side * scale)) for side in drawing.size)
    root = drawing.root
    if layer:
        kept = _only(root, layer)
        if kept is None:
            problems.error(drawing.name, f'has no layer "{layer}"; its layers are {_listed(drawing)}')
            return None
        root = kept
    svg = skia.SVGDOM.MakeFromStream(skia.MemoryStream.MakeCopy(_text(root, drawing.size, (width, height))))
    if svg is None:
        problems.error(drawing.name, "skia cannot read it; save it as plain SVG 1.1")
        return None
    pixels = np.zeros((height, width, 4), dtype=np.uint8)
    info = skia.ImageInfo.Make(width, height, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    surface = skia.Surface.MakeRasterDirect(info, pixels, width * 4)
    svg.setContainerSize(skia.Size(width, height))
    svg.render(surface.getCanvas())
    del surface
    if not pixels[..., 3].any():
        what = f'layer "{layer}" draws' if layer else "draws"
        problems.error(drawing.name, f"{what} nothing inside the picture; is it hidden, empty, or outside the viewBox?")
        return None
    return pixels


def unused_layers(element: ET.Element, used: set[str]) -> list[str]:
    """The outermost groups with an id within `element` that neither are in `used` nor hold one that is.

    "" in `used` stands for the whole picture.
    """
    if "" in used:  # the whole picture
        return []
    found = []
    for child in element.findall(f"{SVG}g"):
        layer = child.get("id", "")
        if layer and layer in used:
            continue
        holds = any(group.get("id") in used for group in child.iter(f"{SVG}g"))
        if holds:
            found += unused_layers(child, used)
        elif layer:
            found.append(layer)
    return found


def _reason(error: ET.ParseError) -> str:
    return str(error).partition(": line")[0]


def _listed(drawing: Drawing) -> str:
    return ", ".join(drawing.layers) if drawing.layers else "none (give the group an id)"


def _size(root: ET.Element) -> tuple[float, float] | None:
    box = re.split(r"[\s,]+", root.get("viewBox", "").strip())
    if len(box) == 4:
        try:
            width, height = float(box[2]), float(box[3])
        except ValueError:
            return None
        return (width, height) if width > 0 and height > 0 else None
    sides = [_LENGTH.match(root.get(key, "")) for key in ("width", "height")]
    if not all(sides):
        return None
    width, height = (float(side[1]) * _PIXELS[(side[2] or "").lower()] for side in sides if side)
    return (width, height) if width > 0 and height > 0 else None


def _text(root: ET.Element, size: tuple[float, float], pixels: tuple[int, int]) -> bytes:
    """The document as bytes, with the size in pixels that it shall be drawn at."""
    sized = ET.Element(root.tag, dict(root.attrib))
    sized.set("viewBox", root.get("viewBox") or f"0 0 {size[0]} {size[1]}")
    sized.set("width", str(pixels[0]))
    sized.set("height", str(pixels[1]))
    sized.set("preserveAspectRatio", "none")  # width and height are rounded to whole pixels
    sized.extend(root)
    ET.register_namespace("", SVG[1:-1])
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return bytes(ET.tostring(sized, encoding="utf-8"))


def _only(root: ET.Element, layer: str) -> ET.Element | None:
    """A copy of the document that draws just the group `layer`: all beside its path moves into defs, so that what the
    group refers to is still found and its parents' transforms and colours still apply.
    """
    if root.tag == f"{SVG}g" and root.get("id") == layer:
        return root
    for child in root:
        kept = _only(child, layer)
        if kept is None:
            continue
        copy = ET.Element(root.tag, dict(root.attrib))
        others = ET.SubElement(copy, f"{SVG}{_HIDDEN}")
        others.extend(sibling for sibling in root if sibling is not child)
        copy.append(kept)
        return copy
    return None


def _rewrite(root: ET.Element, name: str, problems: Problems) -> None:
    """Change in place what skia would ignore though it has another way to say it; tell what it cannot draw."""
    for element in root.iter():
        kind = element.tag.removeprefix(SVG)
        if kind in _NOT_DRAWN:
            problems.warn(name, f"<{kind}> is not drawn; {_NOT_DRAWN[kind]}")
        if kind == "g" and not element.get("id") and element.get(INKSCAPE_LABEL):
            element.set("id", element.attrib[INKSCAPE_LABEL])
        if element.get("href") and not element.get(XLINK_HREF):
            element.set(XLINK_HREF, element.attrib.pop("href"))
        if kind == "switch":
            element.tag = f"{SVG}g"
        for key, value in element.attrib.items():
            if key in ("style", "fill", "stroke", "stop-color", "flood-color", "color"):
                element.set(key, _HEX8.sub(_rgba, value.replace("!important", "")))
            if "hsl(" in value and key != "d":
                problems.warn(
                    name, f"<{kind}> has a colour {value.strip()!r} that is not understood; write it as #rrggbb"
                )
        if "mix-blend-mode" in element.get("style", ""):
            problems.warn(name, "mix-blend-mode is ignored; draw the mixed colour")
    _unpack_symbols(root, name, problems)


def _unpack_symbols(root: ET.Element, name: str, problems: Problems) -> None:
    """<symbol> becomes a group within <defs>."""
    for parent in list(root.iter()):
        for place, child in enumerate(list(parent)):
            if child.tag != f"{SVG}symbol":
                continue
            if child.get("viewBox"):
                problems.warn(
                    name, f'<symbol id="{child.get("id", "")}"> has a viewBox, which is ignored; make it a group'
                )
            child.tag = f"{SVG}g"
            hidden = ET.Element(f"{SVG}{_HIDDEN}")
            hidden.append(child)
            parent[place] = hidden


def _rgba(match: re.Match[str]) -> str:
    red, green, blue, alpha = (int(digits, 16) for digits in match.groups())
    return f"rgba({red},{green},{blue},{alpha / 255:.4f})"


def _inline_styles(root: ET.Element, name: str, problems: Problems) -> None:
    """Style sheets become style attributes, as drawing programs write them: .class, #id and element selectors."""
    sheets = [element.text or "" for element in root.iter(f"{SVG}style")]
    rules: list[tuple[int, str, str]] = []
    for selectors, body in _RULE.findall(_COMMENT.sub("", "\n".join(sheets))):
        for selector in selectors.split(","):
            if not _SIMPLE.match(selector.strip()):
                problems.warn(
                    name, f'style rule "{selector.strip()}" is ignored; use a plain class, or style attributes'
                )
                continue
            rules.append((_weight(selector.strip()), selector.strip(), body.strip().rstrip(";")))
    if not rules:
        return
    rules.sort(key=lambda rule: rule[0])
    for element in root.iter():
        bodies = [body for _, selector, body in rules if _matches(element, selector)]
        if bodies:
            element.set("style", ";".join([*bodies, element.get("style", "")]).strip(";"))


def _weight(selector: str) -> int:
    return {"#": 3, ".": 2, "*": 0}.get(selector[0], 1)


def _matches(element: ET.Element, selector: str) -> bool:
    if selector[0] == ".":
        return selector[1:] in element.get("class", "").split()
    if selector[0] == "#":
        return element.get("id") == selector[1:]
    return selector == "*" or element.tag == f"{SVG}{selector}"
