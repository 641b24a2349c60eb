"""PyTorch autograd: the forward pass is recorded, and the backward pass follows from it."""

import torch

from .torch_manual import adam, adam_eps_hat, export, momentum_inside, momentum_outside, sgd

READ_AFTER = "torch_manual"


def adopt(params):
    # An optimiser's memory is not part of the network, and wants no gradient
    return {name: value.requires_grad_(name[0] in "wb") for name, value in params.items()}


def network(state, x):
    h = x @ state["w1"] + state["b1"]
    h_relu = torch.relu(h)  # its derivative at 0 is 0; that of clamp(min=0) is 1
    y_pred = h_relu @ state["w2"] + state["b2"]
    return {"h": h, "h_relu": h_relu, "y_pred": y_pred}


@torch.inference_mode()  # nothing is recorded
def forward(state, x):
    return network(state, x)["y_pred"]


def record(state, x, y):
    # Forward pass
    seen = network(state, x)

    # Loss
    loss = (seen["y_pred"] - y).square().sum()
    return seen, loss


def gradients(loss, of):
    # Backward pass: grad returns the gradients; loss.backward() would add them to each .grad
    return dict(zip(of, torch.autograd.grad(loss, list(of.values())), strict=True))


def loss_and_grads(state, x, y):
    _, loss = record(state, x, y)
    return loss.detach(), gradients(loss, {name: state[name] for name in ("w1", "b1", "w2", "b2")})


def trace(state, x, y):
    seen, loss = record(state, x, y)
    grads = gradients(loss, seen)  # of what lies between as well
    return seen | {"loss": loss.detach()} | {f"grad_{name}": grad for name, grad in grads.items()}


def one(update, state, x, y, *numbers):
    loss, grads = loss_and_grads(state, x, y)
    update(state, grads, *numbers)
    return state, loss


def many(update, state, x, y, rates, *numbers):
    losses = []
    for rate in rates:
        state, loss = one(update, state, x, y, rate, *numbers)
        losses.append(loss)
    return state, torch.stack(losses)


def train_step(state, x, y, learning_rate):
    return one(sgd, state, x, y, learning_rate)


def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    return one(adam, state, x, y, learning_rate, beta1, beta2, eps)


def adam_eps_hat_step(state, x, y, learning_rate, beta1, beta2, eps):
    return one(adam_eps_hat, state, x, y, learning_rate, beta1, beta2, eps)


def train(state, x, y, learning_rate, steps):
    return many(sgd, state, x, y, [learning_rate] * steps)


def momentum_train(state, x, y, learning_rates, momentum):
    return many(momentum_outside, state, x, y, learning_rates, momentum)


def inner_momentum_train(state, x, y, learning_rates, momentum):
    return many(momentum_inside, state, x, y, learning_rates, momentum)
