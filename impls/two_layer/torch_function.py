"""PyTorch autograd with operations of our own: each brings the backward pass that we wrote for it."""

import torch
from torch.autograd.function import once_differentiable

from .torch_autograd import adopt, export

READ_AFTER = "torch_autograd"


class LinearRelu(torch.autograd.Function):
    """(x @ w).relu(). Its h need not be kept: h_relu is positive exactly where h is."""

    @staticmethod
    def forward(ctx, x, w):
        h_relu = (x @ w).relu_()
        ctx.save_for_backward(x, w, h_relu)
        return h_relu

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_h_relu):
        x, w, h_relu = ctx.saved_tensors
        grad_h = torch.where(h_relu > 0, grad_h_relu, 0)
        grad_x = grad_h @ w.T if ctx.needs_input_grad[0] else None  # data want no gradient
        return grad_x, x.T @ grad_h


class SumOfSquares(torch.autograd.Function):
    """(y_pred - y).square().sum()."""

    @staticmethod
    def forward(ctx, y_pred, y):
        error = y_pred - y
        ctx.save_for_backward(error)
        return error.square().sum()

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_loss):
        (error,) = ctx.saved_tensors
        return 2 * grad_loss * error, None


@torch.inference_mode()
def forward(state, x):
    h_relu = LinearRelu.apply(x, state["w1"])
    return h_relu @ state["w2"]


def trace(state, x, y):
    w1, w2 = state["w1"], state["w2"]

    # Forward pass
    h_relu = LinearRelu.apply(x, w1)
    y_pred = h_relu @ w2

    # Loss
    loss = SumOfSquares.apply(y_pred, y)

    # Backward pass
    wanted = {"y_pred": y_pred, "w2": w2, "h_relu": h_relu, "w1": w1}
    grads = torch.autograd.grad(loss, wanted.values())
    seen = {f"grad_{name}": grad for name, grad in zip(wanted, grads, strict=True)}
    return {"h_relu": h_relu, "y_pred": y_pred, "loss": loss.detach()} | seen


def loss_and_grads(state, x, y):
    steps = trace(state, x, y)
    return steps["loss"], {"w1": steps["grad_w1"], "w2": steps["grad_w2"]}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    with torch.no_grad():
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
