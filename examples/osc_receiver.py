"""Prints the left hand's place, sent by `bodydouble live --osc 127.0.0.1:9000`; every address: docs/feeds.md.

python examples/osc_receiver.py [PORT]
"""

import sys

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer

dispatcher = Dispatcher()
dispatcher.map(
    "/bodydouble/person/1/point/left_wrist",
    lambda address, x, y, score: print(f"left wrist at {x:.3f}, {y:.3f} of the picture, score {score:.2f}", flush=True),
)
port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
with BlockingOSCUDPServer(("127.0.0.1", port), dispatcher) as server:
    print(f"waiting at port {server.server_address[1]}", flush=True)
    server.serve_forever()
