"""JAX, eager: NumPy's lines on jnp, whose arrays live on a device and never change."""

import jax
import jax.numpy as jnp

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x, b1, b2):
    h_sigmoid = jax.nn.sigmoid(x @ state["w1"] + b1)
    return jax.nn.sigmoid(h_sigmoid @ state["w2"] + b2)


def trace(state, x, y, b1, b2):
    w1, w2 = state["w1"], state["w2"]

    # Forward pass
    h = x @ w1 + b1
    h_sigmoid = jax.nn.sigmoid(h)
    y_in = h_sigmoid @ w2 + b2
    y_pred = jax.nn.sigmoid(y_in)

    # Loss
    loss = 0.5 * jnp.square(y_pred - y).sum()

    # Backward pass: with s = sigmoid(h), sigmoid'(h) = s (1 - s), so the net input is not needed again
    grad_y_pred = y_pred - y
    grad_y_in = grad_y_pred * y_pred * (1 - y_pred)
    grad_w2 = h_sigmoid.T @ grad_y_in
    grad_h_sigmoid = grad_y_in @ w2.T
    grad_h = grad_h_sigmoid * h_sigmoid * (1 - h_sigmoid)
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
    state = {name: state[name] - learning_rate * grads[name] for name in state}
    return state, loss


def train(state, x, y, b1, b2, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, b1, b2, learning_rate)
        losses.append(loss)
    return state, jnp.stack(losses)
