"""Who has a hand up? The motion of `bodydouble live` over its WebSocket; every field: docs/feeds.md.

python examples/motion_client.py [ws://127.0.0.1:8420/ws/motion]
"""

import json
import sys
from contextlib import suppress

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

with suppress(ConnectionClosed), connect(sys.argv[1] if sys.argv[1:] else "ws://127.0.0.1:8420/ws/motion") as feed:
    for text in feed:
        for person in json.loads(text)["people"]:
            wrist, nose = person["keypoints"]["left_wrist"], person["keypoints"]["nose"]
            print(f"person {person['person']}: left hand {'up' if wrist['y'] < nose['y'] else 'down'}", flush=True)
