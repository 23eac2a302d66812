"""Opens a checkpoint with numpy alone and computes its validation error: an independent reading of the file.

usage: check_checkpoint.py CHECKPOINT.safetensors FOLDER [RECORDED_PERCENT]

FOLDER holds the images: of MNIST train-images-idx3-ubyte and train-labels-idx1-ubyte, plain (`zstd -d
assets/mnist/*.zst` unpacks them), of CIFAR-10 data_batch_1.bin to data_batch_5.bin (`cifar-10-batches-bin` in the data
folder). Reads LeNet-4 and the convnet, without normalisation. With the recorded error as third argument, the exit status
is 1 unless both agree to the last image.
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
assert spec.get("norm", "none") == "none", "this tool has no normalisation"
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
if spec.get("data", "mnist") == "cifar10":
    # A label, then 32x32 bytes of each colour.
    records = [np.fromfile(f"{folder}/data_batch_{n}.bin", np.uint8).reshape(-1, 3073) for n in range(1, 6)]
    records = np.concatenate(records)
    images, labels = records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]
else:
    images = np.fromfile(f"{folder}/train-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 1, 28, 28)
    labels = np.fromfile(f"{folder}/train-labels-idx1-ubyte", np.uint8)[8:]
# The first images train, the last ones validate.
training = images[: spec["train_size"]]
images, labels = images[-size:], labels[-size:]
inputs = spec.get("inputs", "unit")
if inputs == "unit":
    x = images.astype(np.float32) / np.float32(255)
elif inputs == "mean-image":
    x = (images - training.mean(0, dtype=np.float64)).astype(np.float32)
else:
    mean = training.mean((0, 2, 3), dtype=np.float64, keepdims=True)
    deviation = np.sqrt(np.mean(np.square(training, dtype=np.float64), (0, 2, 3), keepdims=True) - mean**2)
    x = ((images - mean) / deviation).astype(np.float32)
if x.shape[2] < 32:
    x = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)))


def convolution(x, name):
    """5x5, without its bias: (n, c, s, s) -> (n, maps, s-4, s-4)."""
    z = np.tensordot(sliding_window_view(x, (5, 5), (2, 3)), w[f"{name}.weight"], ((1, 4, 5), (1, 2, 3)))
    return z.transpose(0, 3, 1, 2)


def pooled(x, how):
    """Windows of 3x3 at every second pixel; the last row and column of windows hold the pixels that there are."""
    starts = range(0, x.shape[2] - 1, 2)
    rows = np.stack([how(x[:, :, s : s + 3], 2) for s in starts], 2)
    return np.stack([how(rows[:, :, :, s : s + 3], 3) for s in starts], 3)


def lenet4(x):
    for name in ["conv1", "conv2"]:
        z = convolution(x, name)
        n, maps, s, _ = z.shape
        z = z.reshape(n, maps, s // 2, 2, s // 2, 2).max((3, 5))
        x = activations[conv](z + w[f"{name}.bias"][:, None, None])
    return x


def convnet(x):
    for name in ["conv1", "conv2", "conv3"]:
        z = convolution(np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2))), name) + w[f"{name}.bias"][:, None, None]
        x = activations[conv](pooled(z, np.max)) if name == "conv1" else pooled(activations[conv](z), np.mean)
    return x


def logits(x):
    h = {"lenet4": lenet4, "convnet": convnet}[spec.get("network", "lenet4")](x)
    h = activations[fc](h.reshape(len(h), -1) @ w["fc1.weight"].T + w["fc1.bias"])
    return h @ w["fc2.weight"].T + w["fc2.bias"]


wrong = sum(int((logits(x[i : i + 500]).argmax(1) != labels[i : i + 500]).sum()) for i in range(0, size, 500))
error = 100 * wrong / size
print(f"{lane['arm']} seed {lane['seed']} epoch {metadata['epoch']}: {wrong} of {size} wrong, {error} %")
if len(sys.argv) > 3 and round(float(sys.argv[3]) * size / 100, 6) != wrong:
    sys.exit(f"recorded was {sys.argv[3]} %")
