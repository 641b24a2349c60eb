"""PyTorch autograd: the forward pass is recorded, and the backward pass follows from it."""

import torch
import torch.nn.functional as F

from .torch_manual import adam, export

READ_AFTER = "torch_manual"


def adopt(params):
    # Adam's memory is not part of the network, and wants no gradient
    return {name: value.requires_grad_(name[0] in "wb") for name, value in params.items()}


def network(state, x):
    h = x @ state["w1"] + state["b1"]
    h_relu = torch.relu(h)
    logits = h_relu @ state["w2"] + state["b2"]
    return {"h": h, "h_relu": h_relu, "logits": logits}


@torch.inference_mode()  # nothing is recorded
def forward(state, x):
    return torch.sigmoid(network(state, x)["logits"])


def record(state, x, y):
    # Forward pass
    seen = network(state, x)

    # Loss: its derivative is that of cross-entropy and sigmoid at once
    loss = F.binary_cross_entropy_with_logits(seen["logits"], y)
    return seen, loss


def gradients(loss, of):
    # Backward pass: grad returns the gradients; loss.backward() would add them to each .grad
    return dict(zip(of, torch.autograd.grad(loss, list(of.values())), strict=True))


def loss_and_grads(state, x, y):
    _, loss = record(state, x, y)
    return loss.detach(), gradients(loss, {name: state[name] for name in ("w1", "b1", "w2", "b2")})


def trace(state, x, y):
    seen, loss = record(state, x, y)
    weights = {name: state[name] for name in ("w1", "b1", "w2", "b2")}
    grads = gradients(loss, seen | weights)  # of what lies between as well
    return seen | {"loss": loss.detach()} | {f"grad_{name}": grad for name, grad in grads.items()}


def train_step(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y)
    adam(state, grads, learning_rate, beta1, beta2, eps)
    return state, loss


def train(state, x, y, learning_rate, beta1, beta2, eps, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate, beta1, beta2, eps)
        losses.append(loss)
    return state, torch.stack(losses)
