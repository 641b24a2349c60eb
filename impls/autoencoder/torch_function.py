"""PyTorch autograd with a loss of our own: sigmoid and cross-entropy as one operation, one derivative."""

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable

from .torch_autograd import adam, adopt, export, forward, gradients, network

READ_AFTER = "torch_autograd"


class SigmoidCrossEntropy(torch.autograd.Function):
    """The mean binary cross-entropy of sigmoid(logits): its derivative divides by no small probability."""

    @staticmethod
    def forward(ctx, logits, y):
        ctx.save_for_backward(torch.sigmoid(logits) - y)
        return ((1 - y) * logits - F.logsigmoid(logits)).mean()

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_loss):
        (error,) = ctx.saved_tensors
        return error * (grad_loss / error.numel()), None  # targets want no gradient


def record(state, x, y):
    # Forward pass
    seen = network(state, x)

    # Loss
    loss = SigmoidCrossEntropy.apply(seen["logits"], y)
    return seen, loss


def loss_and_grads(state, x, y):
    _, loss = record(state, x, y)
    return loss.detach(), gradients(loss, {name: state[name] for name in ("w1", "b1", "w2", "b2")})


def trace(state, x, y):
    seen, loss = record(state, x, y)
    grads = gradients(loss, seen)
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
