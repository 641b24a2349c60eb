"""A mistake of tutorials: probabilities are clipped, so that no logarithm of 0 is taken."""

import torch

from samestep.impls.autoencoder.torch_autograd import adam, adopt, export, forward, gradients, network

__all__ = ["adopt", "export", "forward", "loss_and_grads", "train_step"]


def loss_and_grads(state, x, y):
    y_pred = torch.sigmoid(network(state, x)["logits"])
    y_pred = y_pred.clamp(1e-7, 1 - 1e-7)  # the mistake: beyond logits of 16 the gradient is 0
    loss = -(y * y_pred.log() + (1 - y) * (1 - y_pred).log()).mean()
    return loss.detach(), gradients(loss, {name: state[name] for name in ("w1", "b1", "w2", "b2")})


def train_step(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y)
    adam(state, grads, learning_rate, beta1, beta2, eps)
    return state, loss
