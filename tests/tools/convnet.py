"""Writes tests/fixtures/convnet.json: the values and gradients of cuda-convnet's "80sec" network in PyTorch.

The layers are written out here with PyTorch's own modules. Weights and images follow from a formula, which the test
`the_convnet_is_pytorchs` computes again; widths are small, so that all gradients fit into the file.

usage: convnet.py     with torch (from PyPI) in the Python that runs it
"""
import json
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_num_threads(1)
WIDTHS = [2, 3, 4, 5]
IMAGES = 3


def series(count, start):
    """(k * 7919 mod 2003) / 2003 - 0.5 for k = start, start + 1, ..."""
    k = torch.arange(start, start + count, dtype=torch.float64)
    return (torch.remainder(k * 7919, 2003) / 2003 - 0.5).float()


class Net(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.activation = activation
        a, b, c, d = WIDTHS
        self.conv1 = nn.Conv2d(3, a, 5, padding=2)
        self.conv2 = nn.Conv2d(a, b, 5, padding=2)
        self.conv3 = nn.Conv2d(b, c, 5, padding=2)
        self.fc1, self.fc2 = nn.Linear(c * 16, d), nn.Linear(d, 10)
        self.max = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.average = nn.AvgPool2d(3, 2, ceil_mode=True)

    def forward(self, x):
        x = self.activation(self.max(self.conv1(x)))
        x = self.average(self.activation(self.conv2(x)))
        x = self.average(self.activation(self.conv3(x)))
        return self.fc2(self.activation(self.fc1(x.flatten(1))))


def case(activation):
    net = Net(activation)
    start = 0
    for parameter in net.parameters():
        parameter.data = series(parameter.numel(), start).reshape(parameter.shape)
        start += parameter.numel()
    images = series(IMAGES * 3 * 32 * 32, start).reshape(IMAGES, 3, 32, 32)
    logits = net(images)
    loss = F.cross_entropy(logits, torch.arange(IMAGES))
    loss.backward()
    number = lambda value: float(f"{value:.7g}")
    flat = lambda tensor: [number(value) for value in tensor.detach().flatten().tolist()]
    return {
        "logits": flat(logits),
        "loss": number(loss.item()),
        "gradients": {name: flat(parameter.grad) for name, parameter in net.named_parameters()},
    }


def full_size():
    net = nn.ModuleList(
        [nn.Conv2d(3, 32, 5), nn.Conv2d(32, 32, 5), nn.Conv2d(32, 64, 5), nn.Linear(64 * 16, 64), nn.Linear(64, 10)]
    )
    return sum(parameter.numel() for parameter in net.parameters())


found = {
    "torch": torch.__version__.split("+")[0],
    "widths": WIDTHS,
    "images": IMAGES,
    "parameters_at_full_size": full_size(),
    "relu": case(torch.relu),
    "tanh": case(torch.tanh),
}
file = pathlib.Path(__file__).parent.parent / "fixtures" / "convnet.json"
file.write_text(json.dumps(found) + "\n")
