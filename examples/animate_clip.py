"""A video becomes a film of the fox; the keypoints are kept, so that a second character needs no model.

python examples/animate_clip.py dance.mp4
"""

import sys
from pathlib import Path

import bodydouble

clip = Path(sys.argv[1])
take = clip.with_suffix(".parquet")
bodydouble.animate(clip, "fox", clip.with_name(f"{clip.stem}-fox.mp4"), side_by_side=True, take=take)
bodydouble.animate(take, "mira", clip.with_name(f"{clip.stem}-mira.mp4"), place=1.0, background="white")
