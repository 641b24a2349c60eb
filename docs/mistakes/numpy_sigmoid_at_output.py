"""A tutorial's mistake: sigmoid' is taken at each unit's output instead of at its net input."""

import numpy as np

from samestep.impls.manual_backprop.numpy_manual import adopt, export, forward, sigmoid

__all__ = ["adopt", "export", "forward", "loss_and_grads", "trace", "train", "train_step"]


def sigmoid_derivative(h):
    return sigmoid(h) * (1 - sigmoid(h))


def trace(state, x, y, b1, b2):
    w1, w2 = state["w1"], state["w2"]

    # Forward pass
    h = x @ w1 + b1
    h_sigmoid = sigmoid(h)
    y_in = h_sigmoid @ w2 + b2
    y_pred = sigmoid(y_in)

    # Loss
    loss = (0.5 * (y_pred - y) ** 2).sum()

    # Backward pass
    grad_y_pred = y_pred - y
    grad_y_in = grad_y_pred * sigmoid_derivative(y_pred)  # the mistake: y_in belongs here
    grad_w2 = h_sigmoid.T @ grad_y_in
    grad_h_sigmoid = grad_y_in @ w2.T
    grad_h = grad_h_sigmoid * sigmoid_derivative(h_sigmoid)  # and h here
    grad_w1 = x.T @ grad_h

    return {
        "h": h, "h_sigmoid": h_sigmoid, "y_in": y_in, "y_pred": y_pred, "loss": loss,
        "grad_y_pred": grad_y_pred, "grad_y_in": grad_y_in, "grad_w2": grad_w2,
        "grad_h_sigmoid": grad_h_sigmoid, "grad_h": grad_h, "grad_w1": grad_w1,
    }  # fmt: skip


def loss_and_grads(state, x, y, b1, b2):
    steps = trace(state, x, y, b1, b2)
    return steps["loss"], {"w1": steps["grad_w1"], "w2": steps["grad_w2"]}


def train_step(state, x, y, b1, b2, learning_rate):
    loss, grads = loss_and_grads(state, x, y, b1, b2)
    return {name: state[name] - learning_rate * grads[name] for name in state}, loss


def train(state, x, y, b1, b2, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, b1, b2, learning_rate)
        losses.append(loss)
    return state, np.stack(losses)
