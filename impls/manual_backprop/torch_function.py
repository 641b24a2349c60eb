"""PyTorch, torch.autograd.Function: each piece brings its own derivative by hand, and autograd joins them."""

import torch
from torch.autograd.function import once_differentiable

from .torch_autograd import adopt, export

READ_AFTER = "torch_autograd"


class SigmoidLayer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b):
        out = torch.sigmoid(x @ w + b)
        ctx.save_for_backward(x, w, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_out):
        x, w, out = ctx.saved_tensors
        grad_in = grad_out * out * (1 - out)
        # One gradient for each argument of forward, None where nobody asks: the data, the fixed bias
        grad_x = grad_in @ w.T if ctx.needs_input_grad[0] else None
        return grad_x, x.T @ grad_in, None


class HalfSquaredError(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y_pred, y):
        error = y_pred - y
        ctx.save_for_backward(error)
        return 0.5 * error.square().sum()

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_loss):
        (error,) = ctx.saved_tensors
        return grad_loss * error, None


@torch.no_grad()
def forward(state, x, b1, b2):
    h_sigmoid = SigmoidLayer.apply(x, state["w1"], b1)
    return SigmoidLayer.apply(h_sigmoid, state["w2"], b2)


def trace(state, x, y, b1, b2):
    # Forward pass
    h_sigmoid = SigmoidLayer.apply(x, state["w1"], b1)
    y_pred = SigmoidLayer.apply(h_sigmoid, state["w2"], b2)

    # Loss
    loss = HalfSquaredError.apply(y_pred, y)

    return {"h_sigmoid": h_sigmoid, "y_pred": y_pred, "loss": loss}


def loss_and_grads(state, x, y, b1, b2):
    loss = trace(state, x, y, b1, b2)["loss"]

    # Backward pass
    grad_w1, grad_w2 = torch.autograd.grad(loss, (state["w1"], state["w2"]))
    return loss.detach(), {"w1": grad_w1, "w2": grad_w2}


def train_step(state, x, y, b1, b2, learning_rate):
    loss, grads = loss_and_grads(state, x, y, b1, b2)
    with torch.no_grad():
        for name, grad in grads.items():
            state[name] -= learning_rate * grad
    return state, loss


def train(state, x, y, b1, b2, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, b1, b2, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
