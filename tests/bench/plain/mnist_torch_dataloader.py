"""PyTorch in float32 as tutorials write it: a DataLoader collects images normalised beforehand."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def prepare(params, arrays, numbers):
    model = build(params)
    optimizer = torch.optim.SGD(model.parameters(), lr=numbers["learning_rate"])
    images = (torch.tensor(arrays["images"]).float() / 255 - numbers["mean"]) / numbers["std"]
    dataset = TensorDataset(images, torch.tensor(arrays["labels"]).long())
    loader = DataLoader(dataset, batch_sampler=arrays["order"].tolist())

    def run():
        losses = []
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    return run


def build(params):
    layers = []
    for i in range(1, len(params) // 2 + 1):
        w, b = (torch.tensor(params[f"{kind}{i}"], dtype=torch.float32) for kind in "wb")
        linear = nn.Linear(*w.shape)
        linear.weight, linear.bias = nn.Parameter(w.T.contiguous()), nn.Parameter(b)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])
