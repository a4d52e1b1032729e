"""A LiveMoment as the binary frames that pages are sent: characters' motion, people's points, the camera's picture.

Encoded once, whatever the number of pages. Layouts: stage/layouts.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from bodydouble.live.moment import LiveMoment
from bodydouble.stage.frames import Values, pack
from bodydouble.types import Frame, Pose, RigPose, State

STATES = {State.TRACKED: 0, State.UPPER_BODY: 1, State.TURNED_AWAY: 2, State.LOST: 3}
IDLE = 1  # bit 0 of Motion.flags
MOST_FIGURES = 255  # what a byte counts
SEQUENCES = 2**32
QUALITY = 80  # of the preview's JPEG: at 480 pixels wide no block is seen, and a picture has about 15 KB
LEAST_WIDTH, MOST_WIDTH, WIDTH_STEP = 160, 960, 80  # of the preview, pixels; steps, so that pages share a picture


def motion_frame(moment: LiveMoment, sent: float) -> bytes:
    """What every character does. sent: seconds, now."""
    rigs = list(moment.rigs.items())[:MOST_FIGURES]
    return pack(
        "Motion",
        {
            "figure_count": len(rigs),
            "flags": IDLE if moment.idle else 0,
            "sequence": moment.sequence % SEQUENCES,
            "captured": moment.captured,
            "time": moment.time,
            "sent": sent,
            "figures": [_figure(person, rig) for person, rig in rigs],
        },
    )


def _figure(person: int, rig: RigPose) -> Values:
    return {
        "person": person,
        "state": STATES[rig.state],
        "blink": round(255 * min(max(rig.blink, 0.0), 1.0)),
        "bone_count": len(rig.angles),
        "offset": rig.offset,
        "size": rig.size,
        "facing": rig.facing,
        "heads": rig.heads,
        "angles": rig.angles,
        "lengths": rig.lengths,
        "nearness": rig.nearness,
    }


def people_frame(people: Sequence[Pose], followed: int, size: tuple[int, int], captured: float) -> bytes:
    """The people's points as fractions of the picture; size: its width, height in pixels."""
    shown = people[:MOST_FIGURES]
    width, height = size
    return pack(
        "People",
        {
            "person_count": len(shown),
            "point_count": len(shown[0].points) if shown else 0,
            "width": width,
            "height": height,
            "captured": captured,
            "people": [
                {
                    "person": pose.person,
                    "state": STATES[pose.state],
                    "followed": int(pose.person == followed),
                    "point_count": len(pose.points),
                    "points": pose.points / np.array([max(width, 1), max(height, 1)]),
                    "scores": pose.scores,
                }
                for pose in shown
            ],
        },
    )


def preview_width(asked: int) -> int:
    """The width in pixels that a page gets which asks for so much at most."""
    return min(max(asked // WIDTH_STEP * WIDTH_STEP, LEAST_WIDTH), MOST_WIDTH)


def preview_frame(frame: Frame, width: int) -> bytes:
    """The camera's picture as a JPEG of at most `width` pixels."""
    whole_width, whole_height = frame.size
    image = frame.image
    if width < whole_width:
        size = (width, max(1, round(whole_height * width / whole_width)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    done, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise RuntimeError(f"OpenCV could not write a JPEG of {image.shape}")
    values = {"width": image.shape[1], "height": image.shape[0], "captured": frame.time, "jpeg": jpeg.tobytes()}
    return pack("Preview", values)
