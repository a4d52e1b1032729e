"""Binary frames: what is packed is unpacked; what is no frame is a FrameError and nothing else."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodydouble.stage.frames import LAYOUT_OF, FrameError, pack, parts_of, unpack
from bodydouble.stage.layouts import LAYOUTS, Binary

FIGURE = {
    "person": -1,
    "state": 3,
    "blink": 255,
    "bone_count": 2,
    "offset": [0.5, -0.25],
    "size": 1.5,
    "facing": -3.0,
    "heads": [[1, 2], [3, 4]],
    "angles": [0.5, -0.5],
    "lengths": [1, 0.5],
    "nearness": [0, 9],
}
MOTION = {"figure_count": 1, "flags": 1, "sequence": 7, "captured": 1.5, "time": 2.5, "sent": 3.5, "figures": [FIGURE]}


def test_a_motion_has_the_bytes_of_its_layout() -> None:
    golden = struct.pack("<BBHIddd", 1, 1, 1, 7, 1.5, 2.5, 3.5)
    golden += struct.pack("<iBBHffff", -1, 3, 255, 2, 0.5, -0.25, 1.5, -3.0)
    golden += struct.pack("<10f", 1, 2, 3, 4, 0.5, -0.5, 1, 0.5, 0, 9)
    assert pack("Motion", MOTION) == golden


def test_a_motion_comes_back() -> None:
    values = unpack(pack("Motion", MOTION))
    assert values["sequence"] == 7
    figure = values["figures"][0]
    assert figure["heads"].tolist() == [1, 2, 3, 4]
    assert figure["offset"].tolist() == [0.5, -0.25]
    assert figure["blink"] == 255


def test_numbers_are_aligned_for_the_page() -> None:
    """Typed arrays can be views only where their place is a multiple of their size."""
    for layout in LAYOUTS:
        at = 0
        for part in parts_of(layout):
            if part.kind == "numbers":
                assert at % 4 == 0, layout
            if part.kind == "scalars":
                at += struct.calcsize("<" + part.of)
    assert len(pack("Motion", {**MOTION, "figure_count": 0, "figures": []})) % 8 == 0


@given(st.binary(max_size=400))
def test_any_bytes_are_a_frame_or_a_frame_error(data: bytes) -> None:
    for layout in (None, *LAYOUT_OF.values()):
        try:
            unpack(data, layout)
        except FrameError as fault:
            assert "\n" not in str(fault)


@given(st.integers(0, 200))
def test_a_cut_frame_is_refused(length: int) -> None:
    whole = pack("Motion", MOTION)
    if length < len(whole):
        with pytest.raises(FrameError):
            unpack(whole[:length])
    with pytest.raises(FrameError, match="wanted"):
        unpack(whole + bytes(length + 1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"figures": []},
        {"sequence": -1},
        {"sequence": "7"},
        {"captured": None},
        {"figures": [{**FIGURE, "angles": [1.0]}]},
        {"figures": [{name: value for name, value in FIGURE.items() if name != "size"}]},
    ],
)
def test_values_that_do_not_fit_are_told(wrong: dict[str, object]) -> None:
    with pytest.raises(FrameError, match="frame"):
        pack("Motion", {**MOTION, **wrong})


def test_the_first_byte_decides() -> None:
    camera = pack("CameraFrame", {"width": 4, "height": 3, "captured": 1.0, "jpeg": b"abc"})
    assert camera[0] == Binary.CAMERA
    assert bytes(unpack(camera)["jpeg"]) == b"abc"
    with pytest.raises(FrameError, match="begins with 4; wanted 1"):
        unpack(camera, "Motion")


def test_arrays_of_any_shape_are_taken_by_their_count() -> None:
    flat = pack("Motion", {**MOTION, "figures": [{**FIGURE, "heads": np.arange(4.0)}]})
    assert unpack(flat)["figures"][0]["heads"].tolist() == [0, 1, 2, 3]
