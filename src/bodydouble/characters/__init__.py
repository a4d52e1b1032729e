"""Characters: puppet folders and drawings become rigs with textured meshes, which a RigPose moves.

Character pixels, y down. load(name_or_path) -> Puppet; deform(puppet, pose) -> the points of each part;
check(path) -> Report.
"""

from bodydouble.characters.check import Report, check
from bodydouble.characters.deform import DrawOrder, deform, draw_order, is_shown, rest_pose
from bodydouble.characters.library import find, load, samples
from bodydouble.characters.puppet import Part, Puppet

__all__ = [
    "DrawOrder",
    "Part",
    "Puppet",
    "Report",
    "check",
    "deform",
    "draw_order",
    "find",
    "is_shown",
    "load",
    "rest_pose",
    "samples",
]
