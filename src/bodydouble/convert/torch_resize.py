"""Resize and GridSample. Where torch.nn.functional.interpolate means the same it is used; elsewhere each axis is read
at the coordinates that ONNX defines, one axis after another, which is the same sum.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import fx
from torch.nn import functional

from bodydouble.convert.torch_call import Call, are_constant, operator
from bodydouble.convert.torch_layers import carry_channels
from bodydouble.convert.torch_sizes import larger
from bodydouble.types import BodyDoubleError

FIRST_SPATIAL = 2
# (mode, coordinates, rounding) of ONNX -> mode and align_corners of torch; rounding matters for nearest alone.
LINEAR = {3: "linear", 4: "bilinear", 5: "trilinear"}
CUBIC = "bicubic"
CUBIC_COEFFICIENT = -0.75  # torch's


@operator("Resize", "Upsample")
def _resize(call: Call) -> Any:
    rank = call.rank()
    mode = call.attribute("mode", b"nearest").decode()
    where = call.attribute("coordinate_transformation_mode", b"half_pixel").decode()
    if call.node.op_type == "Upsample":
        where = "asymmetric"
    axes = [axis % rank for axis in call.attribute("axes", range(rank))]
    targets = _targets(call, axes)
    changed = list(targets)
    carry_channels(call)
    x = call.running(0)
    if not changed:
        return x
    options = _interpolate_options(call, rank, mode, where)
    if options is not None and min(changed) >= FIRST_SPATIAL and _whole_scales(call, changed, targets):
        sizes = [targets[a][0] if a in targets else call.size(a) for a in range(FIRST_SPATIAL, rank)]
        return functional.interpolate(x, sizes, **options)
    if mode not in ("nearest", "linear") or call.attribute("antialias", 0):
        raise BodyDoubleError(f"Resize ({mode}, {where})")
    for axis in changed:
        size, scale = targets[axis]
        x = _along(call, x, axis, _coordinates(call, axis, size, scale, where), mode)
    return x


def _targets(call: Call, axes: list[int]) -> dict[int, tuple[Any, Any]]:
    """Axis that changes -> new size and scale (None for new over old size)."""
    by_scale = 1 if call.node.op_type == "Upsample" or call.opset < 11 else 2
    found: dict[int, tuple[Any, Any]] = {}
    about = call.about(by_scale).shape if call.has(by_scale) else None
    if call.has(by_scale) and about != (0,):
        for axis, scale in zip(axes, call.numbers(by_scale), strict=True):
            if type(scale) is float and scale == 1.0:
                continue
            size = call.size(axis)
            known = type(scale) is float and type(size) is int
            found[axis] = (int(size * scale) if known else torch.sym_int(size * scale), scale)
        return found
    if call.attribute("keep_aspect_ratio_policy", b"stretch") != b"stretch":
        raise BodyDoubleError("Resize that keeps the aspect ratio")
    shape = call.about().shape or ()
    for axis, size in zip(axes, call.numbers(3), strict=True):
        # A batch or channel size that comes from a shape is the input's own: nothing resizes over them.
        own = isinstance(size, fx.Proxy) and axis < FIRST_SPATIAL
        if not own and (isinstance(size, fx.Proxy) or size != shape[axis]):
            found[axis] = (size, None)
    return found


def _interpolate_options(call: Call, rank: int, mode: str, where: str) -> dict[str, Any] | None:
    """What to tell torch's interpolate; None where it has not the like."""
    if rank not in LINEAR:
        return None
    dtype = call.about().dtype
    if dtype is None or not dtype.is_floating_point:
        return None
    antialias = bool(call.attribute("antialias", 0))
    aligned = where == "align_corners"
    if mode == "linear" and (aligned or where in ("half_pixel", "pytorch_half_pixel")):
        if antialias and (rank != 4 or aligned):
            return None
        options: dict[str, Any] = {"mode": LINEAR[rank], "align_corners": aligned}
        return options | {"antialias": True} if antialias else options
    if mode == "cubic" and rank == 4 and (aligned or where in ("half_pixel", "pytorch_half_pixel")):
        plain = call.attribute("cubic_coeff_a", CUBIC_COEFFICIENT) == CUBIC_COEFFICIENT
        if not plain or call.attribute("exclude_outside", 0) or (antialias and aligned):
            return None
        return {"mode": CUBIC, "align_corners": aligned, "antialias": antialias}
    rounding = call.attribute("nearest_mode", b"round_prefer_floor")
    if mode == "nearest" and where == "asymmetric" and rounding == b"floor" and not antialias:
        return {"mode": "nearest"}
    return None


def _whole_scales(call: Call, changed: list[int], targets: dict[int, tuple[Any, Any]]) -> bool:
    """Whether each scale is what torch makes of the sizes: new over old."""
    for axis in changed:
        goal, scale = targets[axis]
        size = call.size(axis)
        if scale is None:
            continue
        if type(scale) is not float or (type(size) is int and size * scale != goal):
            return False
        if type(size) is not int and scale != int(scale):
            return False
    return True


def _coordinates(call: Call, axis: int, size: Any, scale: Any, where: str) -> Any:
    """Where each element of the new axis lies on the old, (size,) float32."""
    old = call.size(axis)
    scale = size / old if scale is None else scale
    if are_constant([size, old, scale]):
        places = torch.arange(size, dtype=torch.float32)
    else:
        places = torch.arange(size, dtype=torch.float32, device=call.scope.device())
    match where:
        case "half_pixel":
            return (places + 0.5) / scale - 0.5
        case "pytorch_half_pixel":
            if isinstance(size, fx.Proxy):
                raise BodyDoubleError(f"Resize ({where}) to sizes known at run time only")
            return (places + 0.5) / scale - 0.5 if size > 1 else places * 0.0
        case "asymmetric":
            return places / scale
        case "align_corners":
            last = larger(size - 1, 1)
            return places * (old - 1) / last
        case "tf_half_pixel_for_nn":
            return (places + 0.5) / scale
    raise BodyDoubleError(f"Resize ({where})")


def _along(call: Call, x: Any, axis: int, places: Any, mode: str) -> Any:
    """x read at the coordinates of one axis."""
    last = call.size(axis) - 1
    if mode == "nearest":
        rounding = call.attribute("nearest_mode", b"round_prefer_floor").decode()
        numbers = {
            "round_prefer_floor": lambda: torch.ceil(places - 0.5),
            "round_prefer_ceil": lambda: torch.floor(places + 0.5),
            "floor": lambda: torch.floor(places),
            "ceil": lambda: torch.ceil(places),
        }[rounding]()
        return x.index_select(axis, torch.clamp(numbers, 0, last).long())
    places = torch.clamp(places, 0, last)
    below = torch.floor(places)
    above = torch.clamp(below + 1, max=last)
    share = (places - below).reshape([-1 if n == axis else 1 for n in range(call.rank())])
    low, high = x.index_select(axis, below.long()), x.index_select(axis, above.long())
    return low + (high - low) * share


@operator("GridSample")
def _grid_sample(call: Call) -> Any:
    mode = call.attribute("mode", b"bilinear").decode()
    names = {"linear": "bilinear", "cubic": "bicubic"}
    return functional.grid_sample(
        call.running(0),
        call.running(1),
        mode=names.get(mode, mode),
        padding_mode=call.attribute("padding_mode", b"zeros").decode(),
        align_corners=bool(call.attribute("align_corners", 0)),
    )
