"""NumPy, the chain rule through sigmoid and cross-entropy at once, and Adam written out: the reference."""

import numpy as np

READ_AFTER = None


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x):
    h_relu = np.maximum(x @ state["w1"] + state["b1"], 0)
    logits = h_relu @ state["w2"] + state["b2"]
    small = np.exp(np.minimum(logits, -logits))
    return np.where(logits > 0, 1, small) / (1 + small)


def trace(state, x, y):
    w1, b1, w2, b2 = state["w1"], state["b1"], state["w2"], state["b2"]

    # Forward pass
    h = x @ w1 + b1
    h_relu = np.maximum(h, 0)
    logits = h_relu @ w2 + b2
    small = np.exp(np.minimum(logits, -logits))  # exp(-|logits|) cannot overflow
    y_pred = np.where(logits > 0, 1, small) / (1 + small)

    # Loss: -y log(y_pred) - (1 - y) log(1 - y_pred), said of the logits, so that no log meets a 0
    loss = (np.maximum(logits, 0) - logits * y + np.log1p(small)).mean()

    # Backward pass: the sigmoid's derivative and the logarithms' cancel to a difference
    grad_logits = (y_pred - y) / y.size
    grad_w2 = h_relu.T @ grad_logits
    grad_b2 = grad_logits.sum(axis=0)
    grad_h_relu = grad_logits @ w2.T
    grad_h = np.where(h > 0, grad_h_relu, 0)
    grad_w1 = x.T @ grad_h
    grad_b1 = grad_h.sum(axis=0)

    return {
        "h": h, "h_relu": h_relu, "logits": logits, "y_pred": y_pred, "loss": loss,
        "grad_logits": grad_logits, "grad_w2": grad_w2, "grad_b2": grad_b2,
        "grad_h_relu": grad_h_relu, "grad_h": grad_h, "grad_w1": grad_w1, "grad_b1": grad_b1,
    }  # fmt: skip


def loss_and_grads(state, x, y):
    seen = trace(state, x, y)
    return seen["loss"], {name: seen[f"grad_{name}"] for name in ("w1", "b1", "w2", "b2")}


def train_step(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y)
    state, step = dict(state), int(state.get("adam_step", 0)) + 1
    state["adam_step"] = np.array(step)
    for name, grad in grads.items():
        m = beta1 * state.get(f"adam_m/{name}", 0 * grad) + (1 - beta1) * grad
        v = beta2 * state.get(f"adam_v/{name}", 0 * grad) + (1 - beta2) * grad * grad
        state[f"adam_m/{name}"], state[f"adam_v/{name}"] = m, v
        m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
        state[name] = state[name] - learning_rate * m_hat / (np.sqrt(v_hat) + eps)
    return state, loss


def train(state, x, y, learning_rate, beta1, beta2, eps, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate, beta1, beta2, eps)
        losses.append(loss)
    return state, np.stack(losses)
