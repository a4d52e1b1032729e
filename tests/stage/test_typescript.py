"""The page's messages.ts is what messages.py says, and reads what Python packs, byte for byte."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bodydouble.stage import layouts, messages
from bodydouble.stage.frames import LAYOUT_OF, parts_of
from bodydouble.stage.frames import pack as packed
from bodydouble.stage.typescript import TARGET, interface_of, main, typescript

WEB = TARGET.parents[1]

SCRIPT = """
import { transformWithOxc } from "vite";
import { readFileSync, writeFileSync } from "node:fs";
const [source, frames] = process.argv.slice(1);
const { code } = await transformWithOxc(readFileSync(source, "utf8"), "messages.ts", { lang: "ts" });
writeFileSync(frames + ".mjs", code);
const module = await import(frames + ".mjs");
const told = [];
for (const { layout, hex } of JSON.parse(readFileSync(frames, "utf8"))) {
  const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
  const value = module["decode" + layout](bytes.buffer);
  const again = Buffer.from(module["encode" + layout](value)).toString("hex");
  let cut = "";
  for (const length of layout === "Motion" || layout === "People" ? [0, 1, bytes.length - 1] : [0, 1]) {
    try { module["decode" + layout](bytes.buffer.slice(0, length)); cut = `taken at ${length}`; }
    catch (error) { if (error.name !== "FrameError") cut = String(error); }
  }
  const plain = (_, item) => (ArrayBuffer.isView(item) ? Array.from(item) : item);
  told.push({ value: JSON.parse(JSON.stringify(value, plain)), again, cut });
}
process.stdout.write(JSON.stringify(told));
"""


def values(layout: str, rng: np.random.Generator) -> dict[str, Any]:
    """Random values for a layout, of random sizes."""
    counts = {"figure_count": 3, "person_count": 4, "bone_count": 30, "point_count": 33}
    made: dict[str, Any] = {}
    for part in parts_of(layout):
        if part.kind == "bytes":
            made[part.names[0]] = rng.bytes(int(rng.integers(0, 999)))
        elif part.kind == "numbers":
            made[part.names[0]] = rng.normal(size=part.length(made)).astype(np.float32)
        elif part.kind == "layouts":
            made[part.names[0]] = [values(part.of, rng) for _ in range(part.length(made))]
        else:
            for name, letter in zip(part.names, part.of, strict=True):
                if name in counts:
                    made[name] = int(rng.integers(0, counts[name] + 1))
                elif name != "type" and not name.startswith("pad"):
                    most = {"B": 255, "H": 65535, "I": 2**32 - 1, "i": 2**31 - 1}.get(letter)
                    number = rng.normal() if most is None else int(rng.integers(0, most, endpoint=True))
                    made[name] = float(np.float32(number)) if letter == "f" else number
    return made


def plain(value: Any) -> Any:
    """As JSON has it, without the type and the pads."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, bytes):
        return list(value)
    return [plain(item) for item in value] if isinstance(value, list | np.ndarray) else value


def test_the_generated_file_is_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == typescript(), "run: python -m bodydouble.stage.typescript"


def test_check_tells_of_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bodydouble.stage.typescript.TARGET", tmp_path / "messages.ts")
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0


def test_every_message_and_layout_is_there() -> None:
    text = typescript()
    for kind in (*messages.FROM_PROGRAM, *messages.FROM_PAGE):
        assert f"export interface {kind.__name__} {{" in text
    for layout in layouts.LAYOUTS:
        assert f"export interface {interface_of(layout)} {{" in text
    for layout in LAYOUT_OF.values():
        assert f"export function decode{layout}(" in text
        assert f"export function encode{layout}(" in text


@pytest.mark.skipif(
    shutil.which("node") is None or not (WEB / "node_modules" / "vite").is_dir(),
    reason="needs Node.js and web/node_modules (npm ci)",
)
def test_the_page_reads_what_python_packs(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    made = [(layout, values(layout, rng)) for layout in LAYOUT_OF.values() for _ in range(8)]
    frames = [{"layout": layout, "hex": packed(layout, value).hex()} for layout, value in made]
    listed = tmp_path / "frames.json"
    listed.write_text(json.dumps(frames))
    run = subprocess.run(
        ["node", "--input-type=module", "-e", SCRIPT, str(TARGET), str(listed)],
        cwd=WEB,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    for (layout, value), frame, told in zip(made, frames, json.loads(run.stdout), strict=True):
        assert told["value"] == plain(value), layout
        assert told["again"] == frame["hex"], layout
        assert told["cut"] == "", layout
