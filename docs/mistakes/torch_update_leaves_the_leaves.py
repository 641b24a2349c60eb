"""A tutorial's mistake: the update makes new weights, which are not leaves, so they get no .grad."""

import torch

from samestep.impls.scalar_relu.torch_autograd import adopt, export, forward, trace

__all__ = ["adopt", "export", "forward", "trace", "train", "train_step"]


def train_step(state, x, y, learning_rate):
    loss = trace(state, x, y)["loss"]
    loss.backward()
    # The mistake: this is recorded, and w is the result of a subtraction from now on. In place, under
    # torch.no_grad(), w would stay the leaf that it was
    state = {name: w - learning_rate * w.grad for name, w in state.items()}
    return state, loss.detach()


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
