"""Writes `events.golden` with TensorBoard's own record writer. Written with tensorboard 2.21.0."""

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

first = {
    "loss/train": 0.75, "loss/train_image": 0.5, "loss/train_outline": 0.5, "loss/validation": 0.625,
    "validation/auroc": 0.95, "validation/balanced_accuracy": 0.9, "learning_rate": 0.001,
}
second = {tag: value for tag, value in first.items() if tag not in ("loss/train_outline", "validation/auroc")}

with open("events.golden", "wb") as file:
    writer = RecordWriter(file)
    writer.write(Event(file_version="brain.Event:2").SerializeToString())
    for step, figures in [(1, first), (200, second)]:
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in figures.items()]
        writer.write(Event(wall_time=step, step=step, summary=Summary(value=values)).SerializeToString())
    writer.flush()
