"""PyTorch autograd with an operation of our own: it brings the backward pass that we wrote for it."""

import torch
from torch.autograd.function import once_differentiable

from .torch_autograd import adopt, export

READ_AFTER = "torch_autograd"


class Quadratic(torch.autograd.Function):
    """w x^2. Its derivative with respect to w is x^2, so w itself need not be kept."""

    @staticmethod
    def forward(ctx, w, x):
        square = x**2
        ctx.save_for_backward(square)
        return w * square

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_y_pred):
        (square,) = ctx.saved_tensors
        return (grad_y_pred * square).sum(), None  # data want no gradient


@torch.inference_mode()
def forward(state, x):
    return Quadratic.apply(state["w"], x)


def record(state, x, y):
    # Forward pass
    y_pred = Quadratic.apply(state["w"], x)

    # Loss
    loss = 0.5 * (y_pred - y).square().mean()
    return y_pred, loss


def loss_and_grads(state, x, y):
    _, loss = record(state, x, y)

    # Backward pass
    (grad_w,) = torch.autograd.grad(loss, state["w"])
    return loss.detach(), {"w": grad_w}


def trace(state, x, y):
    y_pred, loss = record(state, x, y)
    grad_y_pred, grad_w = torch.autograd.grad(loss, (y_pred, state["w"]))
    return {"y_pred": y_pred, "loss": loss.detach(), "grad_y_pred": grad_y_pred, "grad_w": grad_w}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    with torch.no_grad():
        state["w"].sub_(grads["w"], alpha=learning_rate)
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
