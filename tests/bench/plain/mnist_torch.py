"""PyTorch in float32 on images normalised beforehand and kept as one tensor: a module and an optimiser."""

import torch
from torch import nn


def prepare(params, arrays, numbers):
    model = build(params)
    optimizer = torch.optim.SGD(model.parameters(), lr=numbers["learning_rate"])
    images = (torch.tensor(arrays["images"]).float() / 255 - numbers["mean"]) / numbers["std"]
    labels, order = torch.tensor(arrays["labels"]).long(), torch.tensor(arrays["order"]).long()

    def run():
        losses = []
        for batch in order:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses).numpy()

    return run


def build(params):
    layers = []
    for i in range(1, len(params) // 2 + 1):
        w, b = (torch.tensor(params[f"{kind}{i}"], dtype=torch.float32) for kind in "wb")
        linear = nn.Linear(*w.shape)
        linear.weight, linear.bias = nn.Parameter(w.T.contiguous()), nn.Parameter(b)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])
