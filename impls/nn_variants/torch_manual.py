"""PyTorch, the chain rule by hand: NumPy's steps on tensors, and optimisers that move them in place."""

import torch

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x):
    h_relu = torch.relu(x @ state["w1"] + state["b1"])
    return h_relu @ state["w2"] + state["b2"]


def trace(state, x, y):
    w1, b1, w2, b2 = state["w1"], state["b1"], state["w2"], state["b2"]

    # Forward pass
    h = x @ w1 + b1
    h_relu = torch.relu(h)
    y_pred = h_relu @ w2 + b2

    # Loss
    loss = (y_pred - y).square().sum()

    # Backward pass: a bias is added to every row, so its gradient is the sum over the rows
    grad_y_pred = 2 * (y_pred - y)
    grad_w2 = h_relu.T @ grad_y_pred
    grad_b2 = grad_y_pred.sum(dim=0)
    grad_h_relu = grad_y_pred @ w2.T
    grad_h = torch.where(h > 0, grad_h_relu, 0)
    grad_w1 = x.T @ grad_h
    grad_b1 = grad_h.sum(dim=0)

    return {
        "h": h, "h_relu": h_relu, "y_pred": y_pred, "loss": loss,
        "grad_y_pred": grad_y_pred, "grad_w2": grad_w2, "grad_b2": grad_b2,
        "grad_h_relu": grad_h_relu, "grad_h": grad_h, "grad_w1": grad_w1, "grad_b1": grad_b1,
    }  # fmt: skip


def loss_and_grads(state, x, y):
    seen = trace(state, x, y)
    return seen["loss"], {name: seen[f"grad_{name}"] for name in ("w1", "b1", "w2", "b2")}


@torch.no_grad()  # an update is not part of the network
def sgd(state, grads, learning_rate):
    for name, grad in grads.items():
        state[name].sub_(learning_rate * grad)


def remember(state, key, w):
    """The optimiser's own tensor: zeros at the start."""
    return state.setdefault(key, torch.zeros_like(w))


@torch.no_grad()
def momentum_outside(state, grads, learning_rate, momentum):
    for name, grad in grads.items():
        velocity = remember(state, f"momentum/{name}", grad)
        velocity.mul_(momentum).add_(grad)
        state[name].sub_(learning_rate * velocity)  # a new rate counts for all of the velocity


@torch.no_grad()
def momentum_inside(state, grads, learning_rate, momentum):
    for name, grad in grads.items():
        velocity = remember(state, f"inner_momentum/{name}", grad)
        velocity.mul_(momentum).sub_(learning_rate * grad)
        state[name].add_(velocity)  # what moved at an old rate moves on at that rate


def moments(state, grads, beta1, beta2):
    remember(state, "adam_step", torch.zeros((), dtype=torch.int64, device=state["w1"].device)).add_(1)
    for name, grad in grads.items():
        m, v = (remember(state, f"adam_{kind}/{name}", grad) for kind in "mv")
        m.mul_(beta1).add_((1 - beta1) * grad)
        v.mul_(beta2).add_((1 - beta2) * grad * grad)
    return int(state["adam_step"])


@torch.no_grad()
def adam(state, grads, learning_rate, beta1, beta2, eps):
    step = moments(state, grads, beta1, beta2)
    for name in grads:
        m_hat = state[f"adam_m/{name}"] / (1 - beta1**step)
        v_hat = state[f"adam_v/{name}"] / (1 - beta2**step)
        state[name].sub_(learning_rate * m_hat / (v_hat.sqrt() + eps))


@torch.no_grad()
def adam_eps_hat(state, grads, learning_rate, beta1, beta2, eps):
    step = moments(state, grads, beta1, beta2)
    # The paper's "epsilon hat": both corrections go into the rate, so eps meets the uncorrected root
    rate = learning_rate * (1 - beta2**step) ** 0.5 / (1 - beta1**step)
    for name in grads:
        m, v = state[f"adam_m/{name}"], state[f"adam_v/{name}"]
        state[name].sub_(rate * m / (v.sqrt() + eps))


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
