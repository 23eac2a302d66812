"""Writes tests/fixtures/norms.json: batch normalisation and local response normalisation in PyTorch.

The networks are written out here with PyTorch's own modules, in float64. Weights and images follow from a formula, which
the test `normalised_networks_are_pytorchs` computes again; widths are small, so that all gradients fit into the file.

usage: norms.py     with torch (from PyPI) in the Python that runs it
"""
import json
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
IMAGES = 4
STEPS = 2
# Large, so that the normalisation can be seen.
ALPHA = 0.5


def series(count, start):
    """(k * 7919 mod 2003) / 2003 - 0.5 for k = start, start + 1, ..., rounded to float32"""
    k = torch.arange(start, start + count, dtype=torch.float64)
    return (torch.remainder(k * 7919, 2003) / 2003 - 0.5).float().double()


class Local(nn.Module):
    def forward(self, x):
        return F.local_response_norm(x, 5, alpha=ALPHA, beta=0.75, k=1.0)


class Convnet(nn.Module):
    WIDTHS = [6, 3, 2, 3]
    SHAPE = [3, 32, 32]

    def __init__(self, activation, norm):
        super().__init__()
        self.activation = activation
        batch = norm == "batch"
        norm_of = lambda make: make if batch else nn.Identity()
        a, b, c, d = self.WIDTHS
        self.conv1, self.bn1 = nn.Conv2d(3, a, 5, padding=2), norm_of(nn.BatchNorm2d(a))
        self.conv2, self.bn2 = nn.Conv2d(a, b, 5, padding=2), norm_of(nn.BatchNorm2d(b))
        self.conv3, self.bn3 = nn.Conv2d(b, c, 5, padding=2), norm_of(nn.BatchNorm2d(c))
        self.fc1, self.bn4 = nn.Linear(c * 16, d), norm_of(nn.BatchNorm1d(d))
        self.fc2 = nn.Linear(d, 10)
        self.local = Local() if norm == "local" else nn.Identity()
        self.max = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.average = nn.AvgPool2d(3, 2, ceil_mode=True)

    def forward(self, x):
        x = self.local(self.activation(self.bn1(self.max(self.conv1(x)))))
        x = self.local(self.average(self.activation(self.bn2(self.conv2(x)))))
        x = self.average(self.activation(self.bn3(self.conv3(x))))
        return self.fc2(self.activation(self.bn4(self.fc1(x.flatten(1)))))


class Lenet4(nn.Module):
    WIDTHS = [6, 3, 4]
    SHAPE = [1, 32, 32]

    def __init__(self, activation, norm):
        super().__init__()
        self.activation = activation
        batch = norm == "batch"
        norm_of = lambda make: make if batch else nn.Identity()
        a, b, c = self.WIDTHS
        self.conv1, self.bn1 = nn.Conv2d(1, a, 5), norm_of(nn.BatchNorm2d(a))
        self.conv2, self.bn2 = nn.Conv2d(a, b, 5), norm_of(nn.BatchNorm2d(b))
        self.fc1, self.bn3 = nn.Linear(b * 25, c), norm_of(nn.BatchNorm1d(c))
        self.fc2 = nn.Linear(c, 10)
        self.local = Local() if norm == "local" else nn.Identity()
        self.max = nn.MaxPool2d(2)

    def forward(self, x):
        x = self.local(self.activation(self.bn1(self.max(self.conv1(x)))))
        x = self.activation(self.bn2(self.max(self.conv2(x))))
        return self.fc2(self.activation(self.bn3(self.fc1(x.flatten(1)))))


def number(value):
    return float(f"{value:.7g}")


def flat(tensor):
    return [number(value) for value in tensor.detach().flatten().tolist()]


def case(kind, activation, norm):
    """The last of two training steps without a descent, then the evaluation."""
    net = kind({"relu": torch.relu, "tanh": torch.tanh}[activation], norm).double()
    start = 0
    for parameter in net.parameters():
        parameter.data = series(parameter.numel(), start).reshape(parameter.shape)
        start += parameter.numel()
    for step in range(STEPS):
        images = series(IMAGES * 3 * 32 * 32, start + 1000 * step)
        images = images[: IMAGES * kind.SHAPE[0] * 32 * 32].reshape(IMAGES, *kind.SHAPE)
        net.zero_grad()
        logits = net(images)
        loss = F.cross_entropy(logits, torch.arange(IMAGES))
        loss.backward()
    net.eval()
    return {
        "network": kind.__name__.lower(),
        "widths": kind.WIDTHS,
        "activation": activation,
        "norm": norm if norm == "batch" else f"local({ALPHA})",
        "training_logits": flat(logits),
        "loss": number(loss.item()),
        "gradients": {name: flat(parameter.grad) for name, parameter in net.named_parameters()},
        "statistics": {name: flat(value) for name, value in net.named_buffers() if "num_batches" not in name},
        "logits": flat(net(images)),
    }


found = {
    "torch": torch.__version__.split("+")[0],
    "images": IMAGES,
    "steps": STEPS,
    "cases": [
        case(Convnet, "relu", "batch"),
        case(Convnet, "tanh", "batch"),
        case(Convnet, "relu", "local"),
        case(Convnet, "tanh", "local"),
        case(Lenet4, "relu", "batch"),
        case(Lenet4, "relu", "local"),
    ],
}
file = pathlib.Path(__file__).parent.parent / "fixtures" / "norms.json"
file.write_text(json.dumps(found) + "\n")
