#!/usr/bin/env python3
"""Writes tests/fixtures/run.tfevents with TensorBoard's own classes, and reads event files with them.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install tensorboard
    /tmp/venv/bin/python tests/tools/tfevents.py write tests/fixtures/run.tfevents
    /tmp/venv/bin/python tests/tools/tfevents.py read FILE       # JSON: the scalars by tag, and the study
"""

import json
import os
import shutil
import sys
import tempfile

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

# The run of the unit test in src/cli/tfevents.rs.
CREATED = 1_795_661_487
EPOCHS = [
    ("relu-tanh", 1, 1, [("train_loss", 0.5), ("val_error", 1.5), ("seconds", 2.25)]),
    ("all-tanh", 1, 1, [("train_loss", 0.75), ("val_error", 1.37), ("seconds", 2.5), ("fc1.zeros", 0.1)]),
    ("relu-tanh", 1, 2, [("train_loss", 1e-9), ("seconds", 300.0)]),
]


def write(path, study):
    """One event a record, as the export has them."""
    shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)])
    text = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_shape=shape, string_val=[study.encode()])
    plugin = summary_pb2.SummaryMetadata(plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text"))
    study = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="study", tensor=text, metadata=plugin)])
    events = [
        event_pb2.Event(wall_time=CREATED, file_version="brain.Event:2"),
        event_pb2.Event(wall_time=CREATED, summary=study),
    ]
    trained = {}
    for arm, seed, epoch, values in EPOCHS:
        trained[arm, seed] = trained.get((arm, seed), 0.0) + dict(values)["seconds"]
        tags = [
            summary_pb2.Summary.Value(tag=f"{key}/{arm}/seed {seed}", simple_value=value) for key, value in values
        ]
        events.append(
            event_pb2.Event(
                wall_time=CREATED + trained[arm, seed], step=epoch, summary=summary_pb2.Summary(value=tags)
            )
        )
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString(deterministic=True))
        writer.flush()


def read(path):
    """What TensorBoard shows of a file."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, os.path.join(folder, "events.out.tfevents.0"))
        found = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0})
        found.Reload()
        scalars = {
            tag: [[event.step, event.value, event.wall_time] for event in found.Scalars(tag)]
            for tag in found.Tags()["scalars"]
        }
        study = [event.tensor_proto.string_val[0].decode() for event in found.Tensors("study")]
    json.dump({"version": found.file_version, "scalars": scalars, "study": study}, sys.stdout)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], "relu-tanh; all-tanh")
    else:
        read(sys.argv[2])
