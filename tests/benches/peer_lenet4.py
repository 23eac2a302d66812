"""The peer of `cargo bench --bench peer`: one arm of LeNet-4 in PyTorch eager at its best setting on a CPU.

Channels-last, one thread; the bench starts one process an arm, both at once. The initial weights and the order of the
images are the ones that relu-notebook uses, so that both train the same network with the same batches.

usage: peer_lenet4.py FOLDER ARM EPOCHS BATCH IMAGES VALIDATION
prints `ready`, waits for a line, then prints one JSON object an epoch
"""
import json
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

folder, arm, epochs, batch = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(1)
torch.set_num_interop_threads(1)

TRAIN, VALIDATION = int(sys.argv[5]), int(sys.argv[6])


def read(name, skip):
    return torch.from_numpy(np.fromfile(f"{folder}/{name}", dtype=np.uint8)[skip:])


images = F.pad(read("train-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28).float() / 255, (2, 2, 2, 2))
labels = read("train-labels-idx1-ubyte", 8).long()


class LeNet4(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.activation = activation
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 5), nn.Conv2d(4, 16, 5)
        self.fc1, self.fc2 = nn.Linear(400, 120), nn.Linear(120, 10)

    def forward(self, x):  # (batch, 1, 32, 32)
        x = self.activation(F.max_pool2d(self.conv1(x), 2))  # (batch, 4, 14, 14)
        x = self.activation(F.max_pool2d(self.conv2(x), 2))  # (batch, 16, 5, 5)
        return self.fc2(torch.tanh(self.fc1(x.flatten(1))))  # (batch, 10)


net = LeNet4({"relu-tanh": torch.relu, "all-tanh": torch.tanh}[arm])
flat = torch.from_numpy(np.fromfile(f"{folder}/weights.f32", dtype=np.float32))
nn.utils.vector_to_parameters(flat, net.parameters())
net = net.to(memory_format=torch.channels_last)
sgd = torch.optim.SGD(net.parameters(), lr=0.1)

print("ready", flush=True)
sys.stdin.readline()
for epoch in range(1, epochs + 1):
    order = torch.from_numpy(np.fromfile(f"{folder}/order-{epoch}.i64", dtype=np.int64))
    start, started, total = time.perf_counter(), time.process_time(), torch.zeros(())
    for i in range(0, TRAIN, batch):
        pick = order[i : i + batch]
        sgd.zero_grad()
        loss = F.cross_entropy(net(images[pick]), labels[pick])
        loss.backward()
        sgd.step()
        total += loss.detach() * len(pick)
    seconds, busy = time.perf_counter() - start, time.process_time() - started
    with torch.no_grad():
        wrong = sum(
            (net(images[i : i + 1000]).argmax(1) != labels[i : i + 1000]).sum().item()
            for i in range(60_000 - VALIDATION, 60_000, 1000)
        )
    record = {"seconds": seconds, "busy": busy, "train_loss": total.item() / TRAIN, "val_error": 100 * wrong / VALIDATION}
    print(json.dumps(record), flush=True)
