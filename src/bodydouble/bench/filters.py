"""The filters that smooth/ is compared with, each in many settings at once: EMA, One Euro, Kalman, Savitzky-Golay.

Every family takes (T, K, D) values and gives (S, T, K, D), one for each of its S settings. 310 settings in all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TypeVar

import numpy as np

from bodydouble.types import Array

T = TypeVar("T")
CHUNK = 24  # settings at once: bounds memory

EMA_SHARES = tuple(np.linspace(0.05, 0.95, 29))  # share of the new value
EURO_LEAST = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # Hz, the cutoff at rest
EURO_BETA = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 40.0, 80.0, 160.0)  # Hz a unit of speed
EURO_DERIVATIVE = 1.0  # Hz, the cutoff of the speed
KALMAN_PUSH = tuple(np.geomspace(0.05, 500.0, 42))  # acceleration noise over measurement noise, 1/s^1.5 (see kalman)
SAVGOL_WINDOWS, SAVGOL_ORDERS, SAVGOL_DELAYS = (3, 4, 5, 6, 7, 8, 9, 11, 13), (1, 2, 3), (0, 1, 2)
MEDIAPIPE_WORDS = "of MediaPipe"
MEDIAPIPE = {"world": (0.1, 40.0), "image": (0.05, 80.0)}  # its pose_landmark_filtering.pbtxt: least cutoff, beta


@dataclass(frozen=True, slots=True)
class Setting:
    """One filter: its family and its setting in words."""

    family: str
    words: str


@dataclass(frozen=True, slots=True)
class Family:
    """A family's settings and the filter: run(values, step, scale) with step seconds, scale 1 / the unit of speeds."""

    settings: tuple[Setting, ...]
    run: Callable[[Array, float, float], Array]


def families(space: str) -> Iterator[Family]:
    """All settings, CHUNK at a time, and MediaPipe's own One Euro. space: "world" or "image"."""
    yield Family((Setting("One Euro", MEDIAPIPE_WORDS),), partial(one_euro, [MEDIAPIPE[space]]))
    yield from _chunks("EMA", "{0:.2f}", average, EMA_SHARES)
    yield from _chunks("One Euro", "{0[0]:g} Hz, beta {0[1]:g}", one_euro, list(product(EURO_LEAST, EURO_BETA)))
    yield from _chunks("Kalman", "push {0:.2f}", kalman, KALMAN_PUSH)
    yield from _chunks("Savitzky-Golay", "{0[0]} frames, order {0[1]}, {0[2]} late", savgol, _windows())


def _chunks(
    name: str, words: str, run: Callable[[Sequence[T], Array, float, float], Array], every: Sequence[T]
) -> Iterator[Family]:
    """A family's settings, CHUNK at a time. words: a format string for one."""
    for start in range(0, len(every), CHUNK):
        some = every[start : start + CHUNK]
        yield Family(tuple(Setting(name, words.format(value)) for value in some), partial(run, some))


def _windows() -> list[tuple[int, int, int]]:
    """Window, order and delay in frames of those that smooth at all."""
    every = product(SAVGOL_WINDOWS, SAVGOL_ORDERS, SAVGOL_DELAYS)
    return [(window, order, late) for window, order, late in every if window > order + 1 and late <= window // 2]


def average(shares: Sequence[float], values: Array, step: float, scale: float) -> Array:
    """Exponential moving averages; shares of the new value."""
    share = np.array(shares)[:, None, None]
    out = np.empty((len(shares), *values.shape))
    out[:, 0] = values[0]
    for i in range(1, len(values)):
        out[:, i] = out[:, i - 1] + share * (values[i] - out[:, i - 1])
    return out


def one_euro(settings: Sequence[tuple[float, float]], values: Array, step: float, scale: float) -> Array:
    """One Euro filters (Casiez, Roussel and Vogel, CHI 2012) on every coordinate: (least cutoff, beta)."""
    least, beta = (np.array(column)[:, None, None] for column in zip(*settings, strict=True))
    out = np.empty((len(settings), *values.shape))
    out[:, 0] = values[0]
    speed = np.zeros_like(out[:, 0])
    smooth = _share(np.array(EURO_DERIVATIVE), step)
    for i in range(1, len(values)):
        speed = speed + smooth * ((values[i] - out[:, i - 1]) * scale / step - speed)
        out[:, i] = out[:, i - 1] + _share(least + beta * np.abs(speed), step) * (values[i] - out[:, i - 1])
    return out


def _share(cutoff: Array, step: float) -> Array:
    """What a low pass of a cutoff in Hz takes of a new value."""
    return np.asarray(1 / (1 + 1 / (2 * np.pi * cutoff * step)))


def kalman(pushes: Sequence[float], values: Array, step: float, scale: float) -> Array:
    """Kalman filters of constant velocity: white acceleration of `push` times a sight's deviation, per second^1.5."""
    push = np.array(pushes)[:, None, None] ** 2
    place = np.broadcast_to(values[0], (len(pushes), *values[0].shape)).copy()
    speed = np.zeros_like(place)
    out = np.empty((len(pushes), *values.shape))
    out[:, 0] = place
    spread, common, speed_spread = np.ones_like(push), np.zeros_like(push), np.ones_like(push) * 1e4
    for i in range(1, len(values)):
        place = place + step * speed
        spread = spread + step * (2 * common + step * speed_spread) + push * step**3 / 3
        common = common + step * speed_spread + push * step**2 / 2
        speed_spread = speed_spread + push * step
        gain, gain_speed = spread / (spread + 1), common / (spread + 1)
        off = values[i] - place
        place, speed = place + gain * off, speed + gain_speed * off
        spread, common, speed_spread = (1 - gain) * spread, (1 - gain) * common, speed_spread - gain_speed * common
        out[:, i] = place
    return out


def savgol(settings: Sequence[tuple[int, int, int]], values: Array, step: float, scale: float) -> Array:
    """Savitzky-Golay on past frames only: the fitted polynomial's value `late` frames before the newest."""
    out = np.zeros((len(settings), *values.shape))
    for row, (window, order, late) in enumerate(settings):
        ago = np.arange(window, dtype=np.float64)
        weights = (np.vander(np.array([late]), order + 1) @ np.linalg.pinv(np.vander(ago, order + 1)))[0]
        padded = np.concatenate([np.repeat(values[:1], window - 1, axis=0), values])
        for back, weight in enumerate(weights):
            end = len(padded) - back
            out[row] += weight * padded[end - len(values) : end]
    return out
