"""PyTorch autograd: the forward pass is recorded, and the backward pass follows from it."""

import torch

READ_AFTER = "torch_manual"


def adopt(params):
    return {name: value.requires_grad_() for name, value in params.items()}


def export(state):
    return dict(state)


@torch.inference_mode()  # nothing is recorded
def forward(state, x):
    return state["w"] * x + state["b"]


def record(state, x, y):
    # Forward pass
    y_pred = state["w"] * x + state["b"]

    # Loss
    loss = (y_pred - y).square().mean()
    return y_pred, loss


def loss_and_grads(state, x, y):
    _, loss = record(state, x, y)

    # Backward pass: grad returns the gradients; loss.backward() would add them to each .grad
    grads = torch.autograd.grad(loss, list(state.values()))
    return loss.detach(), dict(zip(state, grads, strict=True))


def trace(state, x, y):
    y_pred, loss = record(state, x, y)
    wanted = {"y_pred": y_pred} | state  # of what lies between as well
    grads = torch.autograd.grad(loss, list(wanted.values()))
    seen = {f"grad_{name}": grad for name, grad in zip(wanted, grads, strict=True)}
    return {"y_pred": y_pred, "loss": loss.detach()} | seen


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    with torch.no_grad():  # the update is not part of the model
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
