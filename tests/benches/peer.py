"""The peer of `cargo bench --bench peer`: one arm of LeNet-4 on MNIST, or of cuda-convnet's "80sec" network on CIFAR-10, in
PyTorch eager at its best setting on a CPU.

Channels-last, one thread; the bench starts one process an arm, both at once. Images, initial weights and the order of
the images are the ones that relu-notebook uses, so that both train the same network with the same batches.

usage: peer.py lenet4|cifar FOLDER ARM EPOCHS BATCH IMAGES VALIDATION
prints `ready`, waits for a line, then prints one JSON object an epoch
"""
import json
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

net_name, folder, arm = sys.argv[1:4]
epochs, batch, train, validation = (int(argument) for argument in sys.argv[4:8])
torch.set_num_threads(1)
torch.set_num_interop_threads(1)

ACTIVATIONS = {  # of the convolutions, and of the fully connected layer
    "relu-relu": (torch.relu, torch.relu),
    "relu-tanh": (torch.relu, torch.tanh),
    "all-tanh": (torch.tanh, torch.tanh),
}


class LeNet4(nn.Module):
    CHANNELS, SIDE, RATE, MOMENTUM = 1, 32, 0.1, 0.0

    def __init__(self, conv, fc):
        super().__init__()
        self.conv, self.fc = conv, fc
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 5), nn.Conv2d(4, 16, 5)
        self.fc1, self.fc2 = nn.Linear(400, 120), nn.Linear(120, 10)

    def forward(self, x):  # (batch, 1, 32, 32)
        x = self.conv(F.max_pool2d(self.conv1(x), 2))  # (batch, 4, 14, 14)
        x = self.conv(F.max_pool2d(self.conv2(x), 2))  # (batch, 16, 5, 5)
        return self.fc2(self.fc(self.fc1(x.flatten(1))))  # (batch, 10)


class Convnet(nn.Module):
    CHANNELS, SIDE, RATE, MOMENTUM = 3, 32, 0.01, 0.9

    def __init__(self, conv, fc):
        super().__init__()
        self.conv, self.fc = conv, fc
        self.conv1 = nn.Conv2d(3, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 32, 5, padding=2)
        self.conv3 = nn.Conv2d(32, 64, 5, padding=2)
        self.fc1, self.fc2 = nn.Linear(64 * 16, 64), nn.Linear(64, 10)

    def forward(self, x):  # (batch, 3, 32, 32)
        x = self.conv(F.max_pool2d(self.conv1(x), 3, 2, ceil_mode=True))  # (batch, 32, 16, 16)
        x = F.avg_pool2d(self.conv(self.conv2(x)), 3, 2, ceil_mode=True)  # (batch, 32, 8, 8)
        x = F.avg_pool2d(self.conv(self.conv3(x)), 3, 2, ceil_mode=True)  # (batch, 64, 4, 4)
        return self.fc2(self.fc(self.fc1(x.flatten(1))))  # (batch, 10)


Net = {"lenet4": LeNet4, "cifar": Convnet}[net_name]
# (image, height, width, channel) in memory, as PyTorch's channels-last is.
images = torch.from_numpy(np.fromfile(f"{folder}/images.f32", dtype=np.float32))
images = images.reshape(-1, Net.SIDE, Net.SIDE, Net.CHANNELS).permute(0, 3, 1, 2)
labels = torch.from_numpy(np.fromfile(f"{folder}/labels.i64", dtype=np.int64))

net = Net(*ACTIVATIONS[arm])
flat = torch.from_numpy(np.fromfile(f"{folder}/weights.f32", dtype=np.float32))
nn.utils.vector_to_parameters(flat, net.parameters())
net = net.to(memory_format=torch.channels_last)
sgd = torch.optim.SGD(net.parameters(), lr=Net.RATE, momentum=Net.MOMENTUM)

print("ready", flush=True)
sys.stdin.readline()
for epoch in range(1, epochs + 1):
    order = torch.from_numpy(np.fromfile(f"{folder}/order-{epoch}.i64", dtype=np.int64))
    start, started, total = time.perf_counter(), time.process_time(), torch.zeros(())
    for i in range(0, train, batch):
        pick = order[i : i + batch]
        sgd.zero_grad()
        loss = F.cross_entropy(net(images[pick].contiguous(memory_format=torch.channels_last)), labels[pick])
        loss.backward()
        sgd.step()
        total += loss.detach() * len(pick)
    seconds, busy = time.perf_counter() - start, time.process_time() - started
    with torch.no_grad():
        wrong = sum(
            (net(images[i : i + 1000]).argmax(1) != labels[i : i + 1000]).sum().item()
            for i in range(train, train + validation, 1000)
        )
    record = {"seconds": seconds, "busy": busy, "train_loss": total.item() / train, "val_error": 100 * wrong / validation}
    print(json.dumps(record), flush=True)
