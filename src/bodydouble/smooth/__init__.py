"""Steady points: one person's poses as measured -> poses without jitter, teleports, swapped sides or dropouts.

Points, depth and world landmarks are filtered alike, each in its own unit; the score of a point that vanishes fades.
All is measured in the person's own size, so a moved or scaled input gives exactly the moved or scaled output.
"""

from bodydouble.smooth.smoother import Smoother

__all__ = ["Smoother"]
