"""Who is in a video, and when is the left hand above the head?

python examples/track_people.py clip.mp4
"""

import sys

import bodydouble
from bodydouble.skeletons import skeleton

for frame, people in bodydouble.track(sys.argv[1], person="all"):
    for pose in people:
        index = skeleton(pose.skeleton).index
        wrist, nose = index["left_wrist"], index["nose"]
        raised = pose.scores[wrist] > 0.5 and pose.points[wrist, 1] < pose.points[nose, 1]
        print(f"{frame.time:7.3f} s  person {pose.person}  {pose.state:<12}{'  left hand up' if raised else ''}")
