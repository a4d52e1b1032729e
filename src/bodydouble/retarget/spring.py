"""Follow-through of what hangs on a character: tails, ears, hair. One angle on a damped spring.

Radians, seconds, pixels. Integrated exactly for a target that moves evenly between frames, so the frame rate changes
nothing. Source: the damped harmonic oscillator's closed form with a ramp as its target.
"""

from __future__ import annotations

import math

# Swings a second and damping ratio from the stiffest (follow-through 0) to the loosest (1): a cat's ear to a heavy
# tail.
STIFF_HERTZ, LOOSE_HERTZ = 4.0, 1.2
STIFF_DAMPING, LOOSE_DAMPING = 0.9, 0.3
DRAG = 0.6  # share of the angle by which still air would hold a moving tip back
MOST_DRAG = 0.8  # radians
SPEED_SECONDS = 0.05  # time constant that steadies the speed of the bone's start
RAMP_LIMIT = 0.25  # seconds: after a longer gap the target is taken as having stood still


class Spring:
    """One bone's angle. looseness: 0..1, as Rig.spring."""

    def __init__(self, looseness: float) -> None:
        self._pull = 2 * math.pi * (STIFF_HERTZ + looseness * (LOOSE_HERTZ - STIFF_HERTZ))
        self._damping = STIFF_DAMPING + looseness * (LOOSE_DAMPING - STIFF_DAMPING)
        self._turn = self._speed = self._target = 0.0
        self._head = (0.0, 0.0)
        self._wind = (0.0, 0.0)
        self._fresh = True

    def __call__(self, rest: float, parent: float, head: tuple[float, float], length: float, dt: float) -> float:
        """The bone's turn after `dt` seconds.

        rest: its drawn angle at rest; parent: its parent's turn, which it would keep to if nothing moved. head: where
        it starts, pixels. length: its length, pixels.
        """
        if self._fresh or dt > RAMP_LIMIT:
            self._fresh = False
            self._turn, self._speed, self._target = parent, 0.0, parent
            self._head, self._wind = head, (0.0, 0.0)
            return parent
        if dt <= 0.0:
            return self._turn
        share = -math.expm1(-dt / SPEED_SECONDS)
        self._wind = (
            self._wind[0] + share * ((head[0] - self._head[0]) / dt - self._wind[0]),
            self._wind[1] + share * ((head[1] - self._head[1]) / dt - self._wind[1]),
        )
        self._head = head
        angle = rest + parent
        across = self._wind[1] * math.cos(angle) - self._wind[0] * math.sin(angle)
        lag = max(-MOST_DRAG, min(MOST_DRAG, DRAG * across / (max(length, 1.0) * self._pull)))
        self._advance(parent - lag, dt)
        return self._turn

    def _advance(self, target: float, dt: float) -> None:
        """Move on by `dt` while the target goes evenly to its new value."""
        pull, damping = self._pull, self._damping
        slope = (target - self._target) / dt
        behind = 2 * damping * slope / pull  # how far a spring trails a target that moves evenly
        error = self._turn - self._target + behind
        speed = self._speed - slope
        swing = pull * math.sqrt(1 - damping * damping)
        fade = math.exp(-damping * pull * dt)
        c, s = math.cos(swing * dt), math.sin(swing * dt)
        later = fade * (error * c + (speed + damping * pull * error) / swing * s)
        later_speed = fade * (speed * c - (pull * pull * error + damping * pull * speed) / swing * s)
        self._turn, self._speed, self._target = target - behind + later, slope + later_speed, target
