"""PyTorch, one line for each neuron: autograd follows scalars as it follows matrices."""

import torch

READ_AFTER = "numpy_manual"


def adopt(params):
    return {name: value.requires_grad_() for name, value in params.items()}


def export(state):
    return dict(state)


def neurons(state, x):
    w1, w2, x1, x2 = state["w1"], state["w2"], x[0, 0], x[0, 1]
    h1 = x1 * w1[0, 0] + x2 * w1[1, 0]
    h2 = x1 * w1[0, 1] + x2 * w1[1, 1]
    h3 = x1 * w1[0, 2] + x2 * w1[1, 2]
    a1, a2, a3 = h1.relu(), h2.relu(), h3.relu()
    y_in = a1 * w2[0, 0] + a2 * w2[1, 0] + a3 * w2[2, 0]
    return h1, h2, h3, a1, a2, a3, y_in, y_in.relu()


@torch.no_grad()
def forward(state, x):
    *_, y_pred = neurons(state, x)
    return y_pred.reshape(1, 1)


def trace(state, x, y):
    # Forward pass
    h1, h2, h3, a1, a2, a3, y_in, y_pred = neurons(state, x)

    # Loss
    loss = (y_pred - y[0, 0]).square()

    return {
        "h1": h1, "h2": h2, "h3": h3, "a1": a1, "a2": a2, "a3": a3,
        "y_in": y_in, "y_pred": y_pred, "loss": loss,
    }  # fmt: skip


def loss_and_grads(state, x, y):
    loss = trace(state, x, y)["loss"]

    # Backward pass: asked for the gradients, autograd adds to no .grad, so nothing has to be zeroed
    grad_w1, grad_w2 = torch.autograd.grad(loss, (state["w1"], state["w2"]))
    return loss.detach(), {"w1": grad_w1, "w2": grad_w2}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    with torch.no_grad():  # in place: w = w - rate * grad would be no leaf, and its .grad None ever after
        for name, grad in grads.items():
            state[name] -= learning_rate * grad
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
