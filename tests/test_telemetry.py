"""Nothing is told to anybody: ONNX Runtime, which would, is asked not to before it is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os
import bodydouble.estimate.session
import onnxruntime
from onnx import TensorProto, helper
values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "one", values[:1], values[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
print(os.environ["ORT_DISABLE_TELEMETRY"])
"""


def said(home: Path, **more: str) -> str:
    """What a program that loads a model says, with a home of its own."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    environment = {**given, "HOME": str(home), "USERPROFILE": str(home), **more}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment
    ).stdout.strip()


def test_onnx_runtime_keeps_nothing_to_tell(tmp_path: Path) -> None:
    assert said(tmp_path) == "1"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("wanted", ["0", "1"])
def test_who_wants_otherwise_is_heard(wanted: str) -> None:
    code = "import bodydouble, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": wanted}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip() == wanted
