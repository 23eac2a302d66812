"""Opens a checkpoint with numpy alone and computes its validation error: an independent reading of the file.

usage: check_checkpoint.py CHECKPOINT.safetensors MNIST_FOLDER [RECORDED_PERCENT]

MNIST_FOLDER holds train-images-idx3-ubyte and train-labels-idx1-ubyte, plain (`zstd -d assets/mnist/*.zst` unpacks
them). With the recorded error as third argument, the exit status is 1 unless both agree to the last image.
"""
import json
import sys

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

path, folder = sys.argv[1], sys.argv[2]

# safetensors: the header's length as u64, the header as JSON, then the bytes that its offsets count from.
raw = open(path, "rb").read()
length = int.from_bytes(raw[:8], "little")
header, body = json.loads(raw[8 : 8 + length]), raw[8 + length :]
metadata = header.pop("__metadata__")
w = {}
for name, entry in header.items():
    assert entry["dtype"] == "F32", f"{name} is {entry['dtype']}"
    start, end = entry["data_offsets"]
    w[name] = np.frombuffer(body[start:end], np.float32).reshape(entry["shape"])

spec, lane = json.loads(metadata["spec"]), json.loads(metadata["place"])["lane"]
conv, fc = lane["arm"].split("-")
conv = fc if conv == "all" else conv
activations = {
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.logaddexp(z, np.float32(0)),
    "leaky": lambda z: np.where(z > 0, z, np.float32(0.01) * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "linear": lambda z: z,
}

size = spec["val_size"]
images = np.fromfile(f"{folder}/train-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 28, 28)[-size:]
labels = np.fromfile(f"{folder}/train-labels-idx1-ubyte", np.uint8)[8:][-size:]
x = np.pad(images.astype(np.float32) / np.float32(255), ((0, 0), (2, 2), (2, 2)))[:, None]  # (n, 1, 32, 32)


def block(x, weight, bias):
    """Convolution, 2x2 max-pool, bias, activation: (n, c, s, s) -> (n, maps, (s-4)/2, (s-4)/2)."""
    z = np.tensordot(sliding_window_view(x, (5, 5), (2, 3)), weight, ((1, 4, 5), (1, 2, 3)))  # (n, s-4, s-4, maps)
    n, s, _, maps = z.shape
    z = z.reshape(n, s // 2, 2, s // 2, 2, maps).max((2, 4)) + bias
    return activations[conv](z).transpose(0, 3, 1, 2)


def logits(x):
    h = block(block(x, w["conv1.weight"], w["conv1.bias"]), w["conv2.weight"], w["conv2.bias"])
    h = activations[fc](h.reshape(len(h), -1) @ w["fc1.weight"].T + w["fc1.bias"])
    return h @ w["fc2.weight"].T + w["fc2.bias"]


wrong = sum(int((logits(x[i : i + 500]).argmax(1) != labels[i : i + 500]).sum()) for i in range(0, size, 500))
error = 100 * wrong / size
print(f"{lane['arm']} seed {lane['seed']} epoch {metadata['epoch']}: {wrong} of {size} wrong, {error} %")
if len(sys.argv) > 3 and round(float(sys.argv[3]) * size / 100, 6) != wrong:
    sys.exit(f"recorded was {sys.argv[3]} %")
