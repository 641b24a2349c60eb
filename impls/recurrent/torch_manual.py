"""PyTorch, the chain rule by hand: NumPy's steps on tensors, which may live on a GPU."""

import torch

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def side_by_side(*gates):
    return torch.cat(gates, dim=1)


def gru(state, a_x, carry):
    (h,), w_h = carry, state["w_h"]
    rz = 2 * h.shape[1]  # the columns of r and z; those of n follow
    r, z = torch.sigmoid(a_x[:, :rz] + h @ w_h[:, :rz]).chunk(2, dim=1)
    n = torch.tanh(a_x[:, rz:] + (r * h) @ w_h[:, rz:])
    return ((1 - z) * n + z * h,), (r, z, n)


def gru_back(state, carry, new_carry, gates, grad_carry):
    (h,), (r, z, n), (grad_h_new,), w_h = carry, gates, grad_carry, state["w_h"]
    rz = 2 * h.shape[1]
    grad_a_n = grad_h_new * (1 - z) * (1 - n * n)
    grad_rh = grad_a_n @ w_h[:, rz:].T
    grad_a_r = grad_rh * h * r * (1 - r)
    grad_a_z = grad_h_new * (h - n) * z * (1 - z)
    grad_a_rz = side_by_side(grad_a_r, grad_a_z)
    grad_h = grad_h_new * z + grad_rh * r + grad_a_rz @ w_h[:, :rz].T
    grad_w_h = side_by_side(h.T @ grad_a_rz, (r * h).T @ grad_a_n)
    return (grad_h,), side_by_side(grad_a_rz, grad_a_n), {"w_h": grad_w_h}


def gru_reset_after(state, a_x, carry):
    (h,) = carry
    rz = 2 * h.shape[1]
    a_h = h @ state["w_h"] + state["b_h"]
    r, z = torch.sigmoid(a_x[:, :rz] + a_h[:, :rz]).chunk(2, dim=1)
    n = torch.tanh(a_x[:, rz:] + r * a_h[:, rz:])
    return ((1 - z) * n + z * h,), (r, z, n)


def gru_reset_after_back(state, carry, new_carry, gates, grad_carry):
    (h,), (r, z, n), (grad_h_new,), w_h = carry, gates, grad_carry, state["w_h"]
    rz = 2 * h.shape[1]
    grad_a_n = grad_h_new * (1 - z) * (1 - n * n)
    grad_a_r = grad_a_n * (h @ w_h[:, rz:] + state["b_h"][rz:]) * r * (1 - r)
    grad_a_z = grad_h_new * (h - n) * z * (1 - z)
    grad_a_h = side_by_side(grad_a_r, grad_a_z, grad_a_n * r)
    grad_h = grad_h_new * z + grad_a_h @ w_h.T
    grads = {"w_h": h.T @ grad_a_h, "b_h": grad_a_h.sum(dim=0)}
    return (grad_h,), side_by_side(grad_a_r, grad_a_z, grad_a_n), grads


def lstm(state, a_x, carry):
    h, c = carry
    a_i, a_f, a_g, a_o = (a_x + h @ state["w_h"]).chunk(4, dim=1)
    i, f, g, o = torch.sigmoid(a_i), torch.sigmoid(a_f), torch.tanh(a_g), torch.sigmoid(a_o)
    c = f * c + i * g
    return (o * torch.tanh(c), c), (i, f, g, o)


def lstm_back(state, carry, new_carry, gates, grad_carry):
    (h, c), (_, c_new), (i, f, g, o), (grad_h_new, grad_c_new) = carry, new_carry, gates, grad_carry
    tanh_c = torch.tanh(c_new)
    grad_c_new = grad_c_new + grad_h_new * o * (1 - tanh_c * tanh_c)
    grad_a_i = grad_c_new * g * i * (1 - i)
    grad_a_f = grad_c_new * c * f * (1 - f)
    grad_a_g = grad_c_new * i * (1 - g * g)
    grad_a_o = grad_h_new * tanh_c * o * (1 - o)
    grad_a = side_by_side(grad_a_i, grad_a_f, grad_a_g, grad_a_o)
    return (grad_a @ state["w_h"].T, grad_c_new * f), grad_a, {"w_h": h.T @ grad_a}


def cell_of(state):
    """The cell and its way back, by what the state has: an LSTM two carries, the later reset a bias b_h."""
    if len(state["carry"]) == 2:
        return lstm, lstm_back
    return (gru_reset_after, gru_reset_after_back) if "b_h" in state else (gru, gru_back)


def unrolled(state, x):
    """The carries from the first to the last, and each step's gates."""
    cell, _ = cell_of(state)
    a_x = x @ state["w_x"] + state["b_x"]  # of all steps at once: no step of it waits for another
    carries, gates = [tuple(state["carry"])], []
    for a in a_x:
        carry, kept = cell(state, a, carries[-1])
        carries.append(carry)
        gates.append(kept)
    return carries, gates


def forward(state, x):
    carries, _ = unrolled(state, x)
    return torch.stack([h for h, *_ in carries[1:]]) @ state["w_y"] + state["b_y"]


def trace(state, x, y):
    # Forward pass
    carries, gates = unrolled(state, x)
    h = torch.stack([h for h, *_ in carries[1:]])
    y_pred = h @ state["w_y"] + state["b_y"]

    # Loss
    loss = (y_pred - y).square().mean()

    # Backward pass: from the loss to every h, and from the last step to the first
    grad_y_pred = 2 * (y_pred - y) / y.numel()
    grad_w_y, grad_b_y = flat(h).T @ flat(grad_y_pred), flat(grad_y_pred).sum(dim=0)
    grad_h, grad_a_x, grads = backward(state, carries, gates, grad_y_pred @ state["w_y"].T)
    grad_w_x, grad_b_x = flat(x).T @ flat(grad_a_x), flat(grad_a_x).sum(dim=0)

    return {
        "first_gates": side_by_side(*gates[0]), "first_carry": torch.stack(carries[1]),
        "h": h, "last_carry": torch.stack(carries[-1]), "y_pred": y_pred, "loss": loss,
        "grad_y_pred": grad_y_pred, "grad_w_y": grad_w_y, "grad_b_y": grad_b_y,
        "last_grad_gates": grad_a_x[-1], "grad_h": grad_h, "grad_w_x": grad_w_x, "grad_b_x": grad_b_x,
        **{f"grad_{name}": grad for name, grad in grads.items()},
    }  # fmt: skip


def flat(rows):
    """All steps' rows in one matrix."""
    return rows.flatten(0, 1)


def backward(state, carries, gates, grad_read):
    """The gradients of each h, of each step's a_x, and of w_h and b_h, from those by way of the read-out."""
    _, back = cell_of(state)
    grad_h, grad_a_x, total = [], [], {name: 0 for name in ("w_h", "b_h") if name in state}
    grad_carry = [torch.zeros_like(part) for part in carries[-1]]  # nothing else reads the last carry
    for t in reversed(range(len(gates))):
        grad_carry = grad_carry[0] + grad_read[t], *grad_carry[1:]
        grad_h.append(grad_carry[0])
        grad_carry, grad_a, grads = back(state, carries[t], carries[t + 1], gates[t], grad_carry)
        grad_a_x.append(grad_a)
        total = {name: total[name] + grads[name] for name in total}
    return torch.stack(grad_h[::-1]), torch.stack(grad_a_x[::-1]), total


def grads_of(state, seen):
    return {name: seen[f"grad_{name}"] for name in state if f"grad_{name}" in seen}


def loss_and_grads(state, x, y):
    seen = trace(state, x, y)
    return seen["loss"], grads_of(state, seen)


def train_step(state, x, y, learning_rate):
    seen = trace(state, x, y)
    for name, grad in grads_of(state, seen).items():
        state[name].sub_(grad, alpha=learning_rate)  # in place: scaled and subtracted in one pass
    state["carry"] = seen["last_carry"]
    return state, seen["loss"]
