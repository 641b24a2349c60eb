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


def trace(state, x, y):
    w1, w2 = state["w1"], state["w2"]

    # Forward pass
    h = x @ w1
    h_relu = h.relu()  # its derivative at 0 is 0; that of clamp(min=0) is 1
    y_pred = h_relu @ w2

    # Loss
    loss = (y_pred - y).square().sum()

    # Backward pass: grad returns the gradients; loss.backward() would add them to each .grad
    grad_y_pred, grad_w2, grad_h_relu, grad_h, grad_w1 = torch.autograd.grad(
        loss, (y_pred, w2, h_relu, h, w1)
    )

    return {
        "h": h, "h_relu": h_relu, "y_pred": y_pred, "loss": loss.detach(),
        "grad_y_pred": grad_y_pred, "grad_w2": grad_w2,
        "grad_h_relu": grad_h_relu, "grad_h": grad_h, "grad_w1": grad_w1,
    }  # fmt: skip


def loss_and_grads(state, x, y):
    steps = trace(state, x, y)
    return steps["loss"], {"w1": steps["grad_w1"], "w2": steps["grad_w2"]}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    with torch.no_grad():  # the update is no part of the network
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
