"""PyTorch nn: modules own weights and running statistics, and train() and eval() say which BatchNorm uses."""

from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from .torch_manual import EPS, MOMENTUM, WINDOWS, channels_first

READ_AFTER = "torch_autograd"


def to_torch(name, value):
    """As modules keep it: kernels (out, in, 3, 3), w (out, in) with its inputs channel by channel."""
    if "kernel" in name:
        return value.permute(3, 2, 0, 1).contiguous()
    if name.split("/")[-1] == "w":
        return value.view(4, 4, -1, value.shape[1]).permute(3, 2, 0, 1).flatten(1)
    return value


def from_torch(name, value):
    if "kernel" in name:
        return value.permute(2, 3, 1, 0)
    if name.split("/")[-1] == "w":
        return value.unflatten(1, (-1, 4, 4)).permute(2, 3, 1, 0).flatten(0, 2)
    return value


def adopt(params):
    layers = []
    for i in (1, 2):
        c_in, c_out = params[f"kernel{i}"].shape[2:]
        conv = nn.Conv2d(c_in, c_out, 3, stride=2, padding=1, bias=False, device="meta")
        norm = nn.BatchNorm2d(c_out, eps=EPS, momentum=MOMENTUM, device=params["w"].device)
        layers += [conv, norm, nn.ReLU()]
    linear = nn.Linear(*params["w"].shape, device="meta")  # no memory, no initial values
    model = nn.Sequential(*layers, nn.AvgPool2d(**WINDOWS, count_include_pad=False), nn.Flatten(), linear)
    for name, (layer, attribute) in places(model).items():
        value = to_torch(name, params[name])
        # A buffer stays one: running statistics are no parameters
        setattr(layer, attribute, value if "running" in attribute else nn.Parameter(value))
    return model


def places(model):
    """The layer and the attribute of each parameter and running statistic."""
    conv1, norm1, _, conv2, norm2, *_, linear = model
    attributes = {"scale": "weight", "shift": "bias", "mean": "running_mean", "var": "running_var"}
    found = {}
    for i, (conv, norm) in enumerate([(conv1, norm1), (conv2, norm2)], start=1):
        found[f"kernel{i}"] = conv, "weight"
        found |= {f"{name}{i}": (norm, attribute) for name, attribute in attributes.items()}
    return found | {"w": (linear, "weight"), "b": (linear, "bias")}


def named(model):
    return {name: getattr(layer, attribute) for name, (layer, attribute) in places(model).items()}


def weights(model):
    return {name: p for name, p in named(model).items() if isinstance(p, nn.Parameter)}


def export(state):
    return {name: from_torch(name, p) for name, p in named(state).items()}


@torch.inference_mode()
def forward(state, x):
    return state.eval()(channels_first(x))


def trace(state, x, y):
    a, seen = channels_first(x), {}
    names = ["conv1", "h1", "h1_relu", "conv2", "h2", "h2_relu", "pooled", "flat", "logits"]
    copy = deepcopy(state).train()  # whose running statistics are renewed
    for name, layer in zip(names, copy, strict=True):
        a = layer(a)
        seen[name] = a.permute(0, 2, 3, 1) if a.ndim == 4 else a
    del seen["flat"]
    loss, grads = loss_and_grads(state, x, y)
    return seen | {"loss": loss} | {f"grad_{name}": grad for name, grad in grads.items()}


def loss_and_grads(state, x, y):
    state.train().zero_grad()

    # Forward pass: in training it renews the running statistics, here those of a copy
    copies = {name: buffer.clone() for name, buffer in state.named_buffers()}
    logits = functional_call(state, copies, channels_first(x))

    # Loss
    loss = F.cross_entropy(logits, y)

    # Backward pass
    loss.backward()

    return loss.detach(), {name: from_torch(name, p.grad) for name, p in weights(state).items()}


def train_step(state, x, y, learning_rate):
    state.train().zero_grad()
    loss = F.cross_entropy(state(channels_first(x)), y)
    loss.backward()
    with torch.no_grad():
        for p in state.parameters():
            p.sub_(p.grad, alpha=learning_rate)
    return state, loss.detach()
