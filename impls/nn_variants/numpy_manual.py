"""NumPy, the chain rule by hand, and every optimiser as its formula: the reference."""

import numpy as np

READ_AFTER = None


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x):
    h_relu = np.maximum(x @ state["w1"] + state["b1"], 0)
    return h_relu @ state["w2"] + state["b2"]


def trace(state, x, y):
    w1, b1, w2, b2 = state["w1"], state["b1"], state["w2"], state["b2"]

    # Forward pass
    h = x @ w1 + b1
    h_relu = np.maximum(h, 0)
    y_pred = h_relu @ w2 + b2

    # Loss
    loss = np.square(y_pred - y).sum()

    # Backward pass: a bias is added to every row, so its gradient is the sum over the rows
    grad_y_pred = 2 * (y_pred - y)
    grad_w2 = h_relu.T @ grad_y_pred
    grad_b2 = grad_y_pred.sum(axis=0)
    grad_h_relu = grad_y_pred @ w2.T
    grad_h = np.where(h > 0, grad_h_relu, 0)
    grad_w1 = x.T @ grad_h
    grad_b1 = grad_h.sum(axis=0)

    return {
        "h": h, "h_relu": h_relu, "y_pred": y_pred, "loss": loss,
        "grad_y_pred": grad_y_pred, "grad_w2": grad_w2, "grad_b2": grad_b2,
        "grad_h_relu": grad_h_relu, "grad_h": grad_h, "grad_w1": grad_w1, "grad_b1": grad_b1,
    }  # fmt: skip


def loss_and_grads(state, x, y):
    seen = trace(state, x, y)
    return seen["loss"], {name: seen[f"grad_{name}"] for name in ("w1", "b1", "w2", "b2")}


def sgd(state, grads, learning_rate):
    return state | {name: state[name] - learning_rate * grad for name, grad in grads.items()}


def momentum_outside(state, grads, learning_rate, momentum):
    state = dict(state)
    for name, grad in grads.items():
        velocity = momentum * state.get(f"momentum/{name}", 0 * grad) + grad
        state[f"momentum/{name}"] = velocity
        state[name] = state[name] - learning_rate * velocity  # a new rate counts for all of the velocity
    return state


def momentum_inside(state, grads, learning_rate, momentum):
    state = dict(state)
    for name, grad in grads.items():
        velocity = momentum * state.get(f"inner_momentum/{name}", 0 * grad) - learning_rate * grad
        state[f"inner_momentum/{name}"] = velocity
        state[name] = state[name] + velocity  # what moved at an old rate moves on at that rate
    return state


def moments(state, grads, beta1, beta2):
    state = dict(state)
    state["adam_step"] = np.array(int(state.get("adam_step", 0)) + 1)
    for name, grad in grads.items():
        m, v = (state.get(f"adam_{kind}/{name}", 0 * grad) for kind in "mv")
        state[f"adam_m/{name}"] = beta1 * m + (1 - beta1) * grad
        state[f"adam_v/{name}"] = beta2 * v + (1 - beta2) * grad * grad
    return state


def adam(state, grads, learning_rate, beta1, beta2, eps):
    state = moments(state, grads, beta1, beta2)
    step = int(state["adam_step"])
    for name in grads:
        m_hat = state[f"adam_m/{name}"] / (1 - beta1**step)
        v_hat = state[f"adam_v/{name}"] / (1 - beta2**step)
        state[name] = state[name] - learning_rate * m_hat / (np.sqrt(v_hat) + eps)
    return state


def adam_eps_hat(state, grads, learning_rate, beta1, beta2, eps):
    state = moments(state, grads, beta1, beta2)
    step = int(state["adam_step"])
    # The paper's "epsilon hat": both corrections go into the rate, so eps meets the uncorrected root
    root = np.sqrt(1 - beta2**step).astype(state["w1"].dtype)  # np.sqrt gives np.float64, which promotes
    rate = learning_rate * root / (1 - beta1**step)
    for name in grads:
        m, v = state[f"adam_m/{name}"], state[f"adam_v/{name}"]
        state[name] = state[name] - rate * m / (np.sqrt(v) + eps)
    return state


def one(update, state, x, y, *numbers):
    loss, grads = loss_and_grads(state, x, y)
    return update(state, grads, *numbers), loss


def many(update, state, x, y, rates, *numbers):
    losses = []
    for rate in rates:
        state, loss = one(update, state, x, y, rate, *numbers)
        losses.append(loss)
    return state, np.stack(losses)


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
