"""PyTorch autograd: the forward pass is recorded, and the backward pass follows from it."""

import torch

READ_AFTER = "torch_manual"


def adopt(params):
    return {name: value.requires_grad_() for name, value in params.items()}


def export(state):
    return dict(state)


@torch.inference_mode()  # nothing is recorded
def forward(state, x):
    h = x @ state["w1"]
    h_relu = h.relu()
    return h_relu @ state["w2"]


def record(state, x, y):
    # Forward pass
    h = x @ state["w1"]
    h_relu = h.relu()  # its derivative at 0 is 0; that of clamp(min=0) is 1
    y_pred = h_relu @ state["w2"]

    # Loss
    loss = (y_pred - y).square().sum()
    return h, h_relu, y_pred, loss


def loss_and_grads(state, x, y):
    *_, loss = record(state, x, y)

    # Backward pass: grad returns the gradients; loss.backward() would add them to each .grad
    grad_w1, grad_w2 = torch.autograd.grad(loss, (state["w1"], state["w2"]))
    return loss.detach(), {"w1": grad_w1, "w2": grad_w2}


def trace(state, x, y):
    h, h_relu, y_pred, loss = record(state, x, y)
    wanted = {"y_pred": y_pred, "w2": state["w2"], "h_relu": h_relu, "h": h, "w1": state["w1"]}
    grads = torch.autograd.grad(loss, wanted.values())  # of what lies between as well
    seen = {"h": h, "h_relu": h_relu, "y_pred": y_pred, "loss": loss.detach()}
    return seen | {f"grad_{name}": grad for name, grad in zip(wanted, grads, strict=True)}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    with torch.no_grad():  # the update is not part of the network
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
