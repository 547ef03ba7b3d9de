"""Prints the scalars of a TensorBoard event file as JSON lines: `python read_events.py FILE`.

Reads with TensorBoard's own loader, so it fails where TensorBoard would.
"""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0}).Reload()
# TensorBoard's data compatibility layer turns simple values into tensors or leaves them, by version: take both.
tags = events.Tags()
for tag in sorted(tags["scalars"]):
    for event in events.Scalars(tag):
        print(json.dumps({"tag": tag, "step": event.step, "wall_time": event.wall_time, "value": event.value}))
for tag in sorted(tags["tensors"]):
    for event in events.Tensors(tag):
        print(json.dumps({"tag": tag, "step": event.step, "wall_time": event.wall_time,
                          "value": event.tensor_proto.float_val[0]}))
