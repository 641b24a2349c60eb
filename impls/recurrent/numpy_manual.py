"""NumPy, the chain rule by hand through a GRU and an LSTM, step by step back in time: the reference.

The gradient of something has its shape: grad_a[...] is by how much the loss L grows where a[...] grows, so a
small change da changes L by sum(grad_a * da). All that follows is collecting the factors of each change.

*A product*, out = a @ w: from sum(grad * (da @ w + a @ dw)) come grad_a = grad @ w.T and grad_w = a.T @ grad.
A bias is added to each row, so its gradient is the sum of the rows.

*A gate*: sigmoid(a) = s grows by s (1 - s) da, and tanh(a) = n by (1 - n n) da. Both slopes are computed from
what came out; what went in need not be kept.

*Time.* h of a step is used twice: by the read-out, and by the next step. What is used twice gets the sum of
both gradients, so the loop goes backwards and carries the next step's along. The weights are used at every
step: their gradients are sums over the steps.

*The GRU* mixes h_new = (1 - z) n + z h. So grad_n = grad_h_new (1 - z), grad_z = grad_h_new (h - n), and h
gets grad_h_new z directly, and more through whatever else reads it:

- reset before the product, n = tanh(a_n + (r h) @ w_n): the product gives grad_rh = grad_a_n @ w_n.T, of
  which r gets grad_rh h and h gets grad_rh r. w_n's left factor is r h, so grad_w_n = (r h).T @ grad_a_n;
- reset after the product, n = tanh(a_n + r m) with m = h @ w_n + b_n: r gets grad_a_n m and m gets
  grad_a_n r, and from there on it is a product of h like those of r and z.

*The LSTM*, c_new = f c + i g and h_new = o tanh(c_new): c_new is used by the next step and by h_new, so
grad_c_new grows by grad_h_new o (1 - tanh(c_new)^2). Then i gets grad_c_new g, g gets grad_c_new i, f gets
grad_c_new c, and c gets grad_c_new f: no product lies on that way, which is why LSTMs remember.
"""

import numpy as np

READ_AFTER = None


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def side_by_side(*gates):
    return np.concatenate(gates, axis=1)


def gru(state, a_x, carry):
    (h,), w_h = carry, state["w_h"]
    rz = 2 * h.shape[1]  # the columns of r and z; those of n follow
    r, z = np.split(sigmoid(a_x[:, :rz] + h @ w_h[:, :rz]), 2, axis=1)
    n = np.tanh(a_x[:, rz:] + (r * h) @ w_h[:, rz:])
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
    r, z = np.split(sigmoid(a_x[:, :rz] + a_h[:, :rz]), 2, axis=1)
    n = np.tanh(a_x[:, rz:] + r * a_h[:, rz:])
    return ((1 - z) * n + z * h,), (r, z, n)


def gru_reset_after_back(state, carry, new_carry, gates, grad_carry):
    (h,), (r, z, n), (grad_h_new,), w_h = carry, gates, grad_carry, state["w_h"]
    rz = 2 * h.shape[1]
    grad_a_n = grad_h_new * (1 - z) * (1 - n * n)
    grad_a_r = grad_a_n * (h @ w_h[:, rz:] + state["b_h"][rz:]) * r * (1 - r)
    grad_a_z = grad_h_new * (h - n) * z * (1 - z)
    grad_a_h = side_by_side(grad_a_r, grad_a_z, grad_a_n * r)
    grad_h = grad_h_new * z + grad_a_h @ w_h.T
    grads = {"w_h": h.T @ grad_a_h, "b_h": grad_a_h.sum(axis=0)}
    return (grad_h,), side_by_side(grad_a_r, grad_a_z, grad_a_n), grads


def lstm(state, a_x, carry):
    h, c = carry
    a_i, a_f, a_g, a_o = np.split(a_x + h @ state["w_h"], 4, axis=1)
    i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
    c = f * c + i * g
    return (o * np.tanh(c), c), (i, f, g, o)


def lstm_back(state, carry, new_carry, gates, grad_carry):
    (h, c), (_, c_new), (i, f, g, o), (grad_h_new, grad_c_new) = carry, new_carry, gates, grad_carry
    tanh_c = np.tanh(c_new)
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
    return np.stack([h for h, *_ in carries[1:]]) @ state["w_y"] + state["b_y"]


def trace(state, x, y):
    # Forward pass
    carries, gates = unrolled(state, x)
    h = np.stack([h for h, *_ in carries[1:]])
    y_pred = h @ state["w_y"] + state["b_y"]

    # Loss
    loss = np.square(y_pred - y).mean()

    # Backward pass: from the loss to every h, and from the last step to the first
    grad_y_pred = 2 * (y_pred - y) / y.size
    grad_w_y, grad_b_y = flat(h).T @ flat(grad_y_pred), flat(grad_y_pred).sum(axis=0)
    grad_h, grad_a_x, grads = backward(state, carries, gates, grad_y_pred @ state["w_y"].T)
    grad_w_x, grad_b_x = flat(x).T @ flat(grad_a_x), flat(grad_a_x).sum(axis=0)

    return {
        "first_gates": side_by_side(*gates[0]), "first_carry": np.stack(carries[1]),
        "h": h, "last_carry": np.stack(carries[-1]), "y_pred": y_pred, "loss": loss,
        "grad_y_pred": grad_y_pred, "grad_w_y": grad_w_y, "grad_b_y": grad_b_y,
        "last_grad_gates": grad_a_x[-1], "grad_h": grad_h, "grad_w_x": grad_w_x, "grad_b_x": grad_b_x,
        **{f"grad_{name}": grad for name, grad in grads.items()},
    }  # fmt: skip


def flat(rows):
    """All steps' rows in one matrix."""
    return rows.reshape(-1, rows.shape[-1])


def backward(state, carries, gates, grad_read):
    """The gradients of each h, of each step's a_x, and of w_h and b_h, from those by way of the read-out."""
    _, back = cell_of(state)
    grad_h, grad_a_x, total = [], [], {name: 0 for name in ("w_h", "b_h") if name in state}
    grad_carry = [0 * part for part in carries[-1]]  # nothing reads the last carry but the read-out
    for t in reversed(range(len(gates))):
        grad_carry = grad_carry[0] + grad_read[t], *grad_carry[1:]
        grad_h.append(grad_carry[0])
        grad_carry, grad_a, grads = back(state, carries[t], carries[t + 1], gates[t], grad_carry)
        grad_a_x.append(grad_a)
        total = {name: total[name] + grads[name] for name in total}
    return np.stack(grad_h[::-1]), np.stack(grad_a_x[::-1]), total


def grads_of(state, seen):
    return {name: seen[f"grad_{name}"] for name in state if f"grad_{name}" in seen}


def loss_and_grads(state, x, y):
    seen = trace(state, x, y)
    return seen["loss"], grads_of(state, seen)


def train_step(state, x, y, learning_rate):
    seen = trace(state, x, y)
    new = {name: state[name] - learning_rate * grad for name, grad in grads_of(state, seen).items()}
    return state | new | {"carry": seen["last_carry"]}, seen["loss"]


def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    seen = trace(state, x, y)
    state, step = state | {"carry": seen["last_carry"]}, int(state.get("adam_step", 0)) + 1
    state["adam_step"] = np.array(step)
    for name, grad in grads_of(state, seen).items():
        m = beta1 * state.get(f"adam_m/{name}", 0 * grad) + (1 - beta1) * grad
        v = beta2 * state.get(f"adam_v/{name}", 0 * grad) + (1 - beta2) * grad * grad
        state[f"adam_m/{name}"], state[f"adam_v/{name}"] = m, v
        m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
        state[name] = state[name] - learning_rate * m_hat / (np.sqrt(v_hat) + eps)
    return state, seen["loss"]
