"""Writes tests/fixtures/views.json: what the views of a network must show, by PyTorch.

The network is LeNet-4 with ReLU in its convolutions and tanh behind them, written out here with PyTorch's operators in
float64. Its weights follow from a formula, which the test `views_are_pytorchs` computes again; the images are the last
1,200 of MNIST's training file, of which the hidden layers are looked at with the first 1,000, the gradients
and the histograms with 250.

usage: zstd -d assets/mnist/*.zst --output-dir-flat /tmp/mnist
       views.py /tmp/mnist     with torch (from PyPI) in the Python that runs it
"""
import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
WIDTHS = [3, 5, 7]
SPLIT = 1200
SAMPLE = 1000
BACKWARD_SAMPLE = 250
FLAT = 0.01
UNIT = 2


def series(count, start, scale):
    """scale * ((k * 7919 mod 2003) / 2003 - 0.5) for k = start, start + 1, ..., rounded to float32"""
    k = torch.arange(start, start + count, dtype=torch.float64)
    return (scale * (torch.remainder(k * 7919, 2003) / 2003 - 0.5)).float().double()


a, b, c = WIDTHS
shapes = {
    "conv1.weight": [a, 1, 5, 5],
    "conv1.bias": [a],
    "conv2.weight": [b, a, 5, 5],
    "conv2.bias": [b],
    "fc1.weight": [c, b * 25],
    "fc1.bias": [c],
    "fc2.weight": [10, c],
    "fc2.bias": [10],
}
w, start = {}, 0
for name, shape in shapes.items():
    count = int(np.prod(shape))
    w[name] = series(count, start, 1.2).reshape(shape)
    start += count
# A map that is never active.
w["conv2.bias"][4] = -1000.0
for tensor in w.values():
    tensor.requires_grad_(True)

folder = pathlib.Path(sys.argv[1])
images = np.fromfile(folder / "train-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 1, 28, 28)[-SPLIT:]
labels = np.fromfile(folder / "train-labels-idx1-ubyte", np.uint8)[8:][-SPLIT:]
x = F.pad(torch.from_numpy(images.astype(np.float32) / np.float32(255)).double(), (2, 2, 2, 2))
y = torch.from_numpy(labels.astype(np.int64))

LAYERS = ["conv1", "conv2", "fc1"]


def behind(h, layer):
    """The logits from a hidden layer's output."""
    if layer == "conv1":
        z = F.max_pool2d(F.conv2d(h, w["conv2.weight"], w["conv2.bias"]), 2)
        h, layer = F.relu(z), "conv2"
    if layer == "conv2":
        h = torch.tanh(F.linear(h.flatten(1), w["fc1.weight"], w["fc1.bias"]))
    return F.linear(h, w["fc2.weight"], w["fc2.bias"])


def trace(x):
    z1 = F.max_pool2d(F.conv2d(x, w["conv1.weight"], w["conv1.bias"]), 2)
    h1 = F.relu(z1)
    z2 = F.max_pool2d(F.conv2d(h1, w["conv2.weight"], w["conv2.bias"]), 2)
    h2 = F.relu(z2)
    z3 = F.linear(h2.flatten(1), w["fc1.weight"], w["fc1.bias"])
    h3 = torch.tanh(z3)
    return [z1, z2, z3], [h1, h2, h3], F.linear(h3, w["fc2.weight"], w["fc2.bias"])


with torch.no_grad():
    logits = trace(x)[2]
    probabilities = logits.softmax(1)
answers = logits.argmax(1)
matrix = [[int(((y == truth) & (answers == answer)).sum()) for answer in range(10)] for truth in range(10)]

sx, sy = x[:SAMPLE], y[:SAMPLE]
zs, hs, sample_logits = trace(sx)
bzs, _, back_logits = trace(x[:BACKWARD_SAMPLE])
loss = F.cross_entropy(sample_logits, sy, reduction="sum")
back_loss = F.cross_entropy(back_logits, y[:BACKWARD_SAMPLE], reduction="sum")
weights = [w[f"{layer}.weight"] for layer in LAYERS]
found = torch.autograd.grad(back_loss, weights + bzs)
of_weights, of_z = found[:3], found[3:]


def by_unit(flags):
    return flags.transpose(0, 1).flatten(1).double().mean(1) * 100


slopes = [(zs[0] > 0).double(), (zs[1] > 0).double(), 1 - hs[2] ** 2]
units = [
    {
        "layer": layer,
        "zeros": by_unit(h == 0).tolist(),
        "saturated": by_unit(slope.abs() < FLAT).tolist(),
        "dead": [u for u in range(h.shape[1]) if bool((h[:, u] == 0).all())],
    }
    for layer, h, slope in zip(LAYERS, hs, slopes)
]
gradients = [
    {
        "layer": layer,
        "weights": float((g / BACKWARD_SAMPLE).square().mean().sqrt()),
        "z": float(gz.square().mean().sqrt()),
    }
    for layer, g, gz in zip(LAYERS, of_weights, of_z)
]
histogram = [
    {
        "layer": layer,
        "mean": float(z.mean()),
        "deviation": float(z.std(unbiased=False)),
        "positive": int((z > 0).sum()),
        "count": z.numel(),
    }
    for layer, z in zip(LAYERS, bzs)
]


def ablated(layer):
    h = hs[LAYERS.index(layer)].detach()
    rows = []
    for unit in range(h.shape[1]):
        without = h.clone()
        without[:, unit] = 0
        with torch.no_grad():
            out = behind(without, layer)
        wrong = 100 * float((out.argmax(1) != sy).double().mean())
        rows.append({"error": wrong, "loss": float(F.cross_entropy(out, sy))})
    return rows


outputs = hs[1][:, UNIT].flatten(1).amax(1)
order = sorted(range(SAMPLE), key=lambda i: (-float(outputs[i]), i))[:12]



def scale(layer, unit, factor):
    return {"layer": layer, "unit": unit, "change": {"scale": factor}}


def revive(layer, unit):
    return {"layer": layer, "unit": unit, "change": "revive"}


@torch.no_grad()
def changed(changes):
    """What the network answers with these changes, made in their order."""
    bias = {layer: w[f"{layer}.bias"].detach().clone() for layer in LAYERS}
    gain = {layer: torch.ones_like(bias[layer]) for layer in LAYERS}

    def forward(x):
        z1 = F.max_pool2d(F.conv2d(x, w["conv1.weight"], bias["conv1"]), 2)
        h1 = F.relu(z1) * gain["conv1"].view(-1, 1, 1)
        z2 = F.max_pool2d(F.conv2d(h1, w["conv2.weight"], bias["conv2"]), 2)
        h2 = F.relu(z2) * gain["conv2"].view(-1, 1, 1)
        z3 = F.linear(h2.flatten(1), w["fc1.weight"], bias["fc1"])
        h3 = torch.tanh(z3) * gain["fc1"]
        return dict(zip(LAYERS, [z1, z2, z3])), F.linear(h3, w["fc2.weight"], w["fc2.bias"])

    for change in changes:
        layer, unit = change["layer"], change["unit"]
        if change["change"] == "revive":
            bias[layer][unit] -= forward(sx)[0][layer][:, unit].mean()
        else:
            gain[layer][unit] *= change["change"]["scale"]
    logits = forward(x)[1]
    return {
        "changes": changes,
        "error": 100 * float((logits[:SAMPLE].argmax(1) != sy).double().mean()),
        "loss": float(F.cross_entropy(logits[:SAMPLE], sy)),
        "probabilities": logits[17].softmax(0).tolist(),
    }


@torch.no_grad()
def products():
    """One sum of each layer for image 17, before pooling."""
    image = x[17:18]
    z1 = F.conv2d(image, w["conv1.weight"], w["conv1.bias"])
    z2 = F.conv2d(F.relu(F.max_pool2d(z1, 2)), w["conv2.weight"], w["conv2.bias"])
    z3 = F.linear(F.relu(F.max_pool2d(z2, 2)).flatten(1), w["fc1.weight"], w["fc1.bias"])
    z4 = F.linear(torch.tanh(z3), w["fc2.weight"], w["fc2.bias"])
    places = [("conv1", 1, 12, 9, z1), ("conv2", 2, 3, 7, z2), ("fc1", 6, 0, 0, z3), ("fc2", 3, 0, 0, z4)]
    return [
        {
            "layer": layer,
            "unit": unit,
            "row": row,
            "column": column,
            "z": float(z[0, unit].reshape(side, side)[row, column]),
        }
        for layer, unit, row, column, z in places
        for side in [z.shape[2] if z.dim() == 4 else 1]
    ]


z, h, _ = trace(x[17:18])
json.dump(
    {
        "widths": WIDTHS,
        "split": SPLIT,
        "matrix": matrix,
        "ask": {"number": 17, "probabilities": probabilities[17].tolist()},
        "maps": [
            {"layer": layer, "z": float(zz.sum()), "y": float(hh.sum()), "shape": list(hh.shape[1:])}
            for layer, zz, hh in zip(LAYERS, z, h)
        ],
        "units": units,
        "gradients": gradients,
        "histogram": histogram,
        "ablation": {
            "error": 100 * float((sample_logits.argmax(1) != sy).double().mean()),
            "loss": float(loss) / SAMPLE,
            "conv1": ablated("conv1"),
            "fc1": ablated("fc1"),
        },
        "changed": [
            changed([scale("conv1", 1, 0.5)]),
            changed([scale("fc1", 3, -2.0), scale("fc1", 3, 0.25)]),
            changed([revive("conv2", 4)]),
            # The order counts: a map of the first layer is silenced before a map behind it is revived.
            changed([scale("conv1", 2, 0.0), revive("conv2", 4), revive("fc1", 5)]),
            changed([revive("conv2", 4), revive("fc1", 5), scale("conv1", 2, 0.0)]),
        ],
        "products": products(),
        "wants": {"layer": "conv2", "unit": UNIT, "numbers": order, "outputs": [float(outputs[i]) for i in order]},
        "first mistake": {
            "number": int((answers != y).nonzero()[0]),
            "wrong": int((answers != y).sum()),
        },
    },
    open(pathlib.Path(__file__).parent.parent / "fixtures/views.json", "w"),
    indent=1,
)
