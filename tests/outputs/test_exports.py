"""CSV, OpenPose JSON and COCO results: the fields, orders and conventions that other programs read."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bodydouble.outputs.exports import check_recording, export, open_recorder
from bodydouble.outputs.take import read_take
from bodydouble.outputs.take_format import TakeFrame, TakeInfo
from bodydouble.skeletons import BLAZEPOSE_33, BODY_25, COCO_17
from bodydouble.types import BodyDoubleError, Pose, SourceInfo, State

INFO = TakeInfo(SourceInfo("dance.mp4", (640, 480)), "blazepose-33", model="m")
COUNT = len(BLAZEPOSE_33)


def pose(person: int = 1, missing: tuple[str, ...] = (), **more: object) -> Pose:
    """Point k lies at (10 k + 0.123, 5 k + person)."""
    k = np.arange(COUNT)
    scores = np.where([name in missing for name in BLAZEPOSE_33.points], 0.0, 0.91234567)
    points = np.column_stack([10 * k + 0.123, 5 * k + person])
    return Pose("blazepose-33", points, scores, 0.876543, 0.0, person=person, **more)  # type: ignore[arg-type]


def at(name: str, person: int = 1) -> list[float]:
    k = BLAZEPOSE_33.index[name]
    return [round(10 * k + 0.123, 2), 5 * k + person]


FRAMES = [TakeFrame(0, 0.0, [pose()]), TakeFrame(1, 0.04, []), TakeFrame(7, 0.28, [pose(1), pose(2)])]


def test_csv_has_one_row_a_person_and_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    world = np.arange(COUNT * 3).reshape(COUNT, 3) / 1000
    full = pose(3, missing=("nose",), world=world, depth=np.full(COUNT, -2.5), state=State.UPPER_BODY)
    export([TakeFrame(0, 0.0, [full]), TakeFrame(1, 0.04, []), TakeFrame(7, 0.28, [full, pose(2)])], path, INFO)
    with path.open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["frame"], row["person"]) for row in table] == [("0", "3"), ("7", "3"), ("7", "2")]
    first, last = table[0], table[-1]
    parts = ("x", "y", "score", "depth", "world_x", "world_y", "world_z")
    assert list(first) == [
        *("frame", "time", "person", "state", "score"),
        *(f"{name}_{part}" for name in BLAZEPOSE_33.points for part in parts),
    ]
    assert (first["state"], first["nose_score"], float(table[1]["time"])) == ("upper_body", "0.0", 0.28)
    assert [float(first["left_wrist_x"]), float(first["left_wrist_y"])] == at("left_wrist", 3)
    k = BLAZEPOSE_33.index["left_wrist"]
    assert [float(first[f"left_wrist_world_{c}"]) for c in "xyz"] == pytest.approx(world[k])
    assert float(first["left_wrist_depth"]) == -2.5
    assert (last["left_wrist_depth"], last["left_wrist_world_x"]) == ("", "")


def test_csv_of_nobody_has_a_header(tmp_path: Path) -> None:
    export([TakeFrame(0, 0.0, [])], tmp_path / "a.csv", INFO)
    text = (tmp_path / "a.csv").read_text()
    assert text.startswith("frame,time,person,state,score,nose_x,nose_y,nose_score,left_eye_inner_x")
    assert text.count("\n") == 1


def test_openpose_has_one_file_a_frame(tmp_path: Path) -> None:
    folder = tmp_path / "poses"
    export(FRAMES, folder, INFO)
    names = sorted(p.name for p in folder.iterdir())
    assert names == [f"dance_{k:012d}_keypoints.json" for k in (0, 1, 7)]
    assert json.loads((folder / names[1]).read_text()) == {"version": 1.1, "people": []}
    people = json.loads((folder / names[2]).read_text())["people"]
    assert [person["person_id"] for person in people] == [[1], [2]]
    assert list(people[0]) == [
        *("person_id", "pose_keypoints_2d", "face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d"),
        *("pose_keypoints_3d", "face_keypoints_3d", "hand_left_keypoints_3d", "hand_right_keypoints_3d"),
    ]
    assert all(people[0][name] == [] for name in list(people[0])[2:])


def test_openpose_points_are_body_25(tmp_path: Path) -> None:
    folder = tmp_path / "poses"
    export([TakeFrame(0, 0.0, [pose(missing=("left_shoulder", "right_wrist"))])], folder, INFO)
    numbers = json.loads(next(folder.iterdir()).read_text())["people"][0]["pose_keypoints_2d"]
    got = dict(zip(BODY_25.points, np.reshape(numbers, (25, 3)).tolist(), strict=True))
    assert numbers[:3] == [*at("nose"), 0.9123]
    assert got["right_ankle"] == [*at("right_ankle"), 0.9123]
    assert got["left_big_toe"] == [*at("left_foot_index"), 0.9123]
    middle = np.mean([at("left_hip"), at("right_hip")], axis=0)
    assert got["hip"][:2] == pytest.approx(middle, abs=0.01)
    for name in ("right_wrist", "neck", "left_small_toe", "right_small_toe"):
        assert got[name] == [0, 0, 0], name


def test_coco_results(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    export([*FRAMES[:2], TakeFrame(7, 0.28, [pose(2, missing=("left_knee",))])], path, INFO)
    results = json.loads(path.read_text())
    assert [list(result) for result in results] == [["image_id", "category_id", "keypoints", "score"]] * 2
    assert [(r["image_id"], r["category_id"], r["score"]) for r in results] == [(0, 1, 0.8765), (7, 1, 0.8765)]
    got = dict(zip(COCO_17.points, np.reshape(results[1]["keypoints"], (17, 3)).tolist(), strict=True))
    assert got["right_ankle"] == [*at("right_ankle", 2), 1]
    assert got["left_knee"] == [0, 0, 0]


def test_coco_results_of_nobody_are_an_empty_list(tmp_path: Path) -> None:
    export([TakeFrame(0, 0.0, [])], tmp_path / "a.json", INFO)
    assert json.loads((tmp_path / "a.json").read_text()) == []


def test_parquet_is_a_take(tmp_path: Path) -> None:
    export(FRAMES, tmp_path / "a.parquet", INFO)
    assert [len(frame.poses) for frame in read_take(tmp_path / "a.parquet")] == [1, 0, 2]


@pytest.mark.parametrize("name", ["a.csv", "a.json", "poses"])
def test_an_interruption_leaves_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyboardInterrupt), open_recorder(tmp_path / name, INFO) as recorder:
        recorder.write(*FRAMES[0])
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.csv", "a.json", "poses"])
def test_what_exists_needs_force(tmp_path: Path, name: str) -> None:
    export(FRAMES, tmp_path / name, INFO)
    with pytest.raises(BodyDoubleError, match="--force"):
        check_recording(tmp_path / name)
    with pytest.raises(BodyDoubleError, match="--force"):
        export(FRAMES[:1], tmp_path / name, INFO)
    export(FRAMES[:1], tmp_path / name, INFO, force=True)
    if name == "poses":
        assert [p.name for p in (tmp_path / name).iterdir()] == ["dance_000000000000_keypoints.json"]
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.csv", "a.json", "poses"])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    """A limit on the size of files stands for the disk."""
    program = (
        "import resource, signal, sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path\n"
        "import test_exports as t\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    t.export([t.TakeFrame(k, k / 30, [t.pose(), t.pose()]) for k in range(40)], Path(sys.argv[1]), t.INFO)\n"
        "except t.BodyDoubleError as error:\n"
        "    print(error); sys.exit(2)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / name), str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "no space left" in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "gran.jpg").write_text("precious")
    with pytest.raises(BodyDoubleError, match=r"holds other things \(gran\.jpg\)"):
        export(FRAMES, tmp_path / "photos", INFO, force=True)
    assert [p.name for p in (tmp_path / "photos").iterdir()] == ["gran.jpg"]


def test_unknown_suffixes_name_the_known(tmp_path: Path) -> None:
    with pytest.raises(BodyDoubleError, match=r'"\.xlsx"; choose from \.parquet, \.csv, \.json'):
        open_recorder(tmp_path / "a.xlsx", INFO)


@pytest.mark.parametrize("name", ["a.csv", "a.json", "poses"])
def test_faults_of_the_caller_are_named(tmp_path: Path, name: str) -> None:
    with open_recorder(tmp_path / name, INFO) as recorder:
        other = Pose("coco-17", np.zeros((17, 2)), np.zeros(17), 0.5, 0.0)
        with pytest.raises(BodyDoubleError, match='skeleton "coco-17"'):
            recorder.write(0, 0.0, [other])
    with pytest.raises(BodyDoubleError, match="is closed"):
        recorder.write(1, 0.0, [])
