"""All handlers: importing this module fills the table."""

from __future__ import annotations

from bodydouble.convert.tfjs import (
    arithmetic,
    convolution,
    creation,
    detection,
    flow,
    list_handlers,
    matrices,
    normalization,
    pictures,
    reduction,
    searching,
    shaping,
    slicing,
    spectral,
    windows,
)
from bodydouble.convert.tfjs.calls import HANDLERS as HANDLERS

MODULES = (
    arithmetic,
    convolution,
    creation,
    detection,
    flow,
    list_handlers,
    matrices,
    normalization,
    pictures,
    reduction,
    searching,
    shaping,
    slicing,
    spectral,
    windows,
)
