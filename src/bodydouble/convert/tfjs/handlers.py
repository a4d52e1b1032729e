"""All handlers: importing this module fills the table."""

from __future__ import annotations

from importlib import import_module

from bodydouble.convert.tfjs.calls import HANDLERS as HANDLERS

MODULES = (
    "arithmetic",
    "convolution",
    "creation",
    "detection",
    "flow",
    "list_handlers",
    "matrices",
    "normalization",
    "pictures",
    "reduction",
    "searching",
    "shaping",
    "slicing",
    "spectral",
    "windows",
)
for _name in MODULES:
    import_module(f"{__package__}.{_name}")
