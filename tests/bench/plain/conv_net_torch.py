"""One step of conv_net in PyTorch, as a module with nn's layers and torch.optim.SGD."""

import torch
from torch import nn


def prepare(params, arrays, numbers):
    channels = len(params["scale1"])
    model = nn.Sequential(
        nn.Conv2d(1, channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(2 * channels),
        nn.ReLU(),
        nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
        nn.Flatten(),
        nn.Linear(*params["w"].shape),
    )
    with torch.no_grad():
        for i, conv, norm in ((1, model[0], model[1]), (2, model[3], model[4])):
            conv.weight.copy_(torch.tensor(params[f"kernel{i}"]).permute(3, 2, 0, 1))
            norm.weight.copy_(torch.tensor(params[f"scale{i}"]))
            norm.bias.copy_(torch.tensor(params[f"shift{i}"]))
            norm.running_mean.copy_(torch.tensor(params[f"mean{i}"]))
            norm.running_var.copy_(torch.tensor(params[f"var{i}"]))
        w = torch.tensor(params["w"]).view(4, 4, -1, 10).permute(3, 2, 0, 1)
        model[-1].weight.copy_(w.flatten(1))
        model[-1].bias.copy_(torch.tensor(params["b"]))
    optimizer = torch.optim.SGD(model.parameters(), lr=numbers["learning_rate"])
    x, y = torch.tensor(arrays["x"]).float().permute(0, 3, 1, 2), torch.tensor(arrays["y"]).long()

    def run():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run
