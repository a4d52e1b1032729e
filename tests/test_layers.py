"""The flow is one-way: no module imports what its layer may not know; importing the package stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "bodydouble"

# What each part may import of ours, besides itself. Parts not named here may import everything.
VALUES = {"types", "skeletons", "rotations"}
ALLOWED = {
    "types": set(),
    "ahead": set(),
    "skeletons": {"types"},
    "rotations": {"types"},
    "convert": {"types"},
    "models": {"types", "convert"},
    "sources": VALUES,
    "estimate": VALUES | {"models"},
    "facing": VALUES,
    "tracking": VALUES | {"facing"},
    "smooth": VALUES,
    "retarget": VALUES,
    "characters": VALUES,
    "outputs": VALUES | {"characters"},
    "evaluation": VALUES | {"estimate", "sources", "outputs"},
    "pipeline": VALUES
    | {"models", "sources", "estimate", "facing", "tracking", "smooth", "retarget", "characters", "outputs", "ahead"},
    "live": VALUES
    | {"pipeline", "models", "sources", "estimate", "tracking", "smooth", "retarget", "characters", "outputs"},
    "stage": VALUES | {"live", "pipeline", "models", "characters", "sources", "outputs", "films"},
}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write bodydouble.…"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "bodydouble" else []
            names += [node.module or ""]
        found |= {name.split(".")[1] for name in names if name.startswith("bodydouble.")}
    return found


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    part = part_of(path)
    if part not in ALLOWED:
        return
    wrong = imported_parts(path) - ALLOWED[part] - {part}
    assert not wrong, f"{part} may not know {sorted(wrong)}"


def test_every_part_has_a_rule() -> None:
    free = {"__init__", "__main__", "cli", "feeds", "films", "bench"}
    assert {part_of(path) for path in MODULES} - set(ALLOWED) == free


def test_import_is_light() -> None:
    code = "import sys, bodydouble; print(*sorted(m for m in sys.modules if '.' not in m))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"cv2", "onnxruntime", "onnx", "av", "skia", "pyarrow", "torch", "rich", "typer"} & set(run.stdout.split())
    assert not heavy


def test_public_names() -> None:
    import bodydouble

    assert callable(bodydouble.track)
    assert callable(bodydouble.animate)
    for name in bodydouble.__all__:
        assert getattr(bodydouble, name).__doc__, name
