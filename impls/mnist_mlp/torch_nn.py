"""PyTorch nn: modules own the weights, and backward() leaves each gradient in .grad."""

import torch
import torch.nn.functional as F
from torch import nn

from .torch_autograd import depth

READ_AFTER = "torch_autograd"


def adopt(params):
    layers = []
    for i in range(1, depth(params) + 1):
        w, b = params[f"w{i}"], params[f"b{i}"]
        layer = nn.Linear(*w.shape, device="meta")  # no memory, no initial values
        # nn.Linear keeps its weight as (out, in), and computes x @ weight.T + bias
        layer.weight, layer.bias = nn.Parameter(w.T.contiguous()), nn.Parameter(b)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def named(model):
    linears = [layer for layer in model if isinstance(layer, nn.Linear)]
    pairs = [(layer.weight, layer.bias) for layer in linears]
    return {
        f"{kind}{i}": p for i, pair in enumerate(pairs, start=1) for kind, p in zip("wb", pair, strict=True)
    }


def export(state):
    return {name: p.t() for name, p in named(state).items()}  # t() leaves a bias as it is


def normalise(images, state, mean, std):
    return images.to(state[0].weight.dtype).div_(255).sub_(mean).div_(std)


@torch.inference_mode()
def forward(state, x):
    return state(x)


def trace(state, x, y):
    n, seen = len(named(state)) // 2, {}
    names = [f"h{i}{kind}" for i in range(1, n) for kind in ("", "_relu")] + ["logits"]
    a = x
    for name, layer in zip(names, state, strict=True):
        a = seen[name] = layer(a)
    loss, grads = loss_and_grads(state, x, y)
    return seen | {"loss": loss} | {f"grad_{name}": grad for name, grad in grads.items()}


def loss_and_grads(state, x, y):
    state.zero_grad()

    # Forward pass
    logits = state(x)

    # Loss
    loss = F.cross_entropy(logits, y)

    # Backward pass
    loss.backward()

    return loss.detach(), {name: p.grad.t() for name, p in named(state).items()}


def train_step(state, x, y, learning_rate):
    loss, _ = loss_and_grads(state, x, y)
    with torch.no_grad():
        for p in state.parameters():
            p.sub_(p.grad, alpha=learning_rate)
    return state, loss


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    losses = []
    for batch in order:
        x = normalise(images.index_select(0, batch), state, mean, std)
        state, loss = train_step(state, x, labels[batch], learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)


def evaluate(state, images, labels, mean, std):
    logits = forward(state, normalise(images, state, mean, std))
    return F.cross_entropy(logits, labels), (logits.argmax(dim=1) == labels).sum()
