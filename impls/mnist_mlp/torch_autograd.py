"""PyTorch autograd: the forward pass is recorded, and the backward pass follows from it."""

import torch
import torch.nn.functional as F

from .torch_manual import depth, export, normalise

READ_AFTER = "torch_manual"


def adopt(params):
    return {name: value.requires_grad_() for name, value in params.items()}


def network(state, x):
    n, seen = depth(state), {}
    a = x
    for i in range(1, n):
        seen[f"h{i}"] = torch.addmm(state[f"b{i}"], a, state[f"w{i}"])
        a = seen[f"h{i}_relu"] = torch.relu(seen[f"h{i}"])  # clamp(min=0) has derivative 1 at 0
    seen["logits"] = torch.addmm(state[f"b{n}"], a, state[f"w{n}"])
    return seen


@torch.inference_mode()  # nothing is recorded
def forward(state, x):
    return network(state, x)["logits"]


def trace(state, x, y):
    seen = network(state, x)
    loss = F.cross_entropy(seen["logits"], y)
    wanted = state | seen  # every value on the way can be asked for its gradient
    grads = torch.autograd.grad(loss, wanted.values())
    grads = {f"grad_{name}": grad for name, grad in zip(wanted, grads, strict=True)}
    return seen | {"loss": loss} | grads


def loss_and_grads(state, x, y):
    # Forward pass
    logits = network(state, x)["logits"]

    # Loss
    loss = F.cross_entropy(logits, y)

    # Backward pass: grad returns the gradients; loss.backward() would add them to each .grad
    grads = torch.autograd.grad(loss, state.values())
    return loss.detach(), dict(zip(state, grads, strict=True))


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    with torch.no_grad():  # the update is not part of the network
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
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
