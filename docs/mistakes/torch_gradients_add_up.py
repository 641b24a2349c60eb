"""A mistake that a tutorial asks about: backward() adds to .grad, which is never set to zero."""

import torch

from samestep.impls.scalar_relu.torch_autograd import adopt, export, forward, trace

__all__ = ["adopt", "export", "forward", "loss_and_grads", "trace", "train", "train_step"]


def loss_and_grads(state, x, y):
    loss = trace(state, x, y)["loss"]
    loss.backward()  # the mistake: the last call's gradients are still in .grad
    return loss.detach(), {name: w.grad for name, w in state.items()}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    with torch.no_grad():
        for name, grad in grads.items():
            state[name] -= learning_rate * grad
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
