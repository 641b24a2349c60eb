"""PyTorch autograd with a BatchNorm of our own, whose backward pass is a formula, not a chain of steps."""

import torch
from torch.autograd.function import once_differentiable

from . import torch_autograd
from .torch_autograd import EPS, MOMENTUM, adopt, export, forward, gradients

__all__ = ["adopt", "export", "forward", "loss_and_grads", "trace", "train_step"]

READ_AFTER = "torch_autograd"

CHANNELS = (0, 2, 3)  # a statistic of each channel is over these axes


class BatchNorm(torch.autograd.Function):
    """Of conv, scale and shift; beside h it returns the batch's mean and variance, which have no gradient."""

    @staticmethod
    def forward(ctx, conv, scale, shift):
        var, mean = torch.var_mean(conv, CHANNELS, correction=0, keepdim=True)
        std = torch.sqrt(var + EPS)
        normed = (conv - mean) / std
        ctx.save_for_backward(normed, scale.view_as(std) / std)
        ctx.mark_non_differentiable(mean, var)
        return torch.addcmul(shift.view_as(std), normed, scale.view_as(std)), mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, grad_mean, grad_var):
        normed, slope = ctx.saved_tensors
        grad_scale = (grad * normed).sum(CHANNELS, keepdim=True)
        grad_shift = grad.sum(CHANNELS, keepdim=True)
        means = (grad_shift + normed * grad_scale) / (grad.numel() // slope.numel())
        return (grad - means) * slope, grad_scale.flatten(), grad_shift.flatten()


def by_the_batch(state, i, conv):
    h, _, _ = BatchNorm.apply(conv, state[f"scale{i}"], state[f"shift{i}"])
    return h


def by_the_batch_and_renew(state, i, conv):
    h, mean, var = BatchNorm.apply(conv, state[f"scale{i}"], state[f"shift{i}"])
    n = conv.numel() // var.numel()
    state[f"mean{i}"].lerp_(mean.flatten(), MOMENTUM)
    state[f"var{i}"].lerp_(var.flatten() * (n / (n - 1)), MOMENTUM)  # estimated with n - 1
    return h


def trace(state, x, y):
    return torch_autograd.trace(state, x, y, by_the_batch)


def loss_and_grads(state, x, y):
    loss, grads = gradients(state, x, y, by_the_batch)
    return loss, export(grads)


def train_step(state, x, y, learning_rate):
    loss, grads = gradients(state, x, y, by_the_batch_and_renew)
    with torch.no_grad():
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss
