"""Models of the zoo as ONNX: converted when first used, then kept.

The key of a converted file is the hashes of the model's files, the converter's version, and the outputs and the shapes
of inputs asked for; its own hash lies beside it, so that a damaged one is noticed and made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from bodydouble.convert import CONVERTER_VERSION, to_onnx
from bodydouble.models.cache import cache_dir, file_hash, locked, usable, write_whole
from bodydouble.models.cards import Card, card
from bodydouble.models.fetchers import Progress, silent
from bodydouble.models.fetching import fetch
from bodydouble.types import BodyDoubleError

Shapes = Sequence[int] | Mapping[str, Sequence[int]]


@usable()
def onnx_path(
    name: str, outputs: Sequence[str] | None = None, input_shapes: Shapes | None = None, progress: Progress = silent
) -> Path:
    """The model of that name as an ONNX file, fetched and converted if this is the first time.

    outputs: roles of its card ("landmarks") or names of tensors, in order; the rest of the network is cut off. None
    keeps all. The file's outputs have the tensors' names: card(name).outputs maps roles to them.
    input_shapes: the shape of the only input, or shapes by name; None leaves them as the model has them.
    Raises BodyDoubleError for an unknown name, a clip, an unknown output, and where fetching fails.
    """
    wanted = card(name)
    if wanted.kind != "model":
        raise BodyDoubleError(f"{name} is a {wanted.kind}, not a model (bodydouble models list)")
    tensors = None if outputs is None else tuple(wanted.outputs.get(output, output) for output in outputs)
    path = _place(wanted, tensors, input_shapes)
    if _sound(path):
        return path
    source = fetch(name, progress)
    with locked(path.stem, progress):
        if not _sound(path):
            progress(0, None, f"converting {name}")
            content = to_onnx(source, outputs=tensors, input_shapes=input_shapes).SerializeToString()
            write_whole(_hash_beside(path), hashlib.sha256(content).hexdigest().encode())
            write_whole(path, content)
    return path


def _place(wanted: Card, tensors: tuple[str, ...] | None, shapes: Shapes | None) -> Path:
    hashes = (wanted.sha256, *(companion.sha256 for companion in wanted.companions))
    sizes = (
        sorted((name, *shape) for name, shape in shapes.items())
        if isinstance(shapes, Mapping)
        else [tuple(shapes or ())]
    )
    what = "|".join((*hashes, str(CONVERTER_VERSION), *(tensors or ()), *([repr(sizes)] if shapes else [])))
    return cache_dir() / "onnx" / f"{wanted.name}-{hashlib.sha256(what.encode()).hexdigest()[:12]}.onnx"


def _hash_beside(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _sound(path: Path) -> bool:
    """Whether the converted file is there and has the hash beside it."""
    found = file_hash(path)
    beside = _hash_beside(path)
    return bool(found) and beside.exists() and beside.read_text(encoding="utf-8", errors="replace") == found
