"""PyTorch, NumPy's lines on tensors: the sigmoid and its logarithm are the library's, the rest is by hand."""

import torch
import torch.nn.functional as F

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x):
    h_relu = torch.relu(x @ state["w1"] + state["b1"])
    logits = h_relu @ state["w2"] + state["b2"]
    return torch.sigmoid(logits)


def trace(state, x, y):
    w1, b1, w2, b2 = state["w1"], state["b1"], state["w2"], state["b2"]

    # Forward pass
    h = x @ w1 + b1
    h_relu = torch.relu(h)
    logits = h_relu @ w2 + b2
    y_pred = torch.sigmoid(logits)

    # Loss: of the logits, so that no log meets a 0
    loss = ((1 - y) * logits - F.logsigmoid(logits)).mean()  # F.softplus gives up its logarithm beyond 20

    # Backward pass: the sigmoid's derivative and the logarithms' cancel to a difference
    grad_logits = (y_pred - y) / y.numel()
    grad_w2 = h_relu.T @ grad_logits
    grad_b2 = grad_logits.sum(dim=0)
    grad_h_relu = grad_logits @ w2.T
    grad_h = torch.where(h > 0, grad_h_relu, 0)
    grad_w1 = x.T @ grad_h
    grad_b1 = grad_h.sum(dim=0)

    return {
        "h": h, "h_relu": h_relu, "logits": logits, "y_pred": y_pred, "loss": loss,
        "grad_logits": grad_logits, "grad_w2": grad_w2, "grad_b2": grad_b2,
        "grad_h_relu": grad_h_relu, "grad_h": grad_h, "grad_w1": grad_w1, "grad_b1": grad_b1,
    }  # fmt: skip


def loss_and_grads(state, x, y):
    seen = trace(state, x, y)
    return seen["loss"], {name: seen[f"grad_{name}"] for name in ("w1", "b1", "w2", "b2")}


@torch.no_grad()
def adam(state, grads, learning_rate, beta1, beta2, eps):
    step = int(state.get("adam_step", 0)) + 1
    state["adam_step"] = state["w1"].new_full((), step, dtype=torch.int64)
    for name, grad in grads.items():
        m = beta1 * state.get(f"adam_m/{name}", torch.zeros_like(grad)) + (1 - beta1) * grad
        v = beta2 * state.get(f"adam_v/{name}", torch.zeros_like(grad)) + (1 - beta2) * grad * grad
        state[f"adam_m/{name}"], state[f"adam_v/{name}"] = m, v
        m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
        state[name].sub_(learning_rate * m_hat / (v_hat.sqrt() + eps))


def train_step(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y)
    adam(state, grads, learning_rate, beta1, beta2, eps)
    return state, loss


def train(state, x, y, learning_rate, beta1, beta2, eps, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate, beta1, beta2, eps)
        losses.append(loss)
    return state, torch.stack(losses)
