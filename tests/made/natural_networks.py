"""Six networks as people write them in NumPy: forward, loss, and every gradient by hand.

Each takes its parameters and inputs by name, and returns outputs, the loss and ``grad_<parameter>``; none
knows of samestep.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def cross_entropy(logits, y):
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -np.mean(log_p[np.arange(len(y)), y])
    grad = (np.exp(log_p) - np.eye(logits.shape[1])[y]) / len(y)
    return loss, grad


def convolution(x, y, kernel, bias, w):
    """3 x 3 convolution of zero-padded images, relu, 2 x 2 mean pooling, one dense layer."""
    n, height, width, _ = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = sliding_window_view(padded, (3, 3), axis=(1, 2))  # n, height, width, channels, 3, 3
    h = np.einsum("nhwcij,ijcd->nhwd", windows, kernel) + bias
    active = np.maximum(h, 0)
    pooled = active.reshape(n, height // 2, 2, width // 2, 2, -1).mean(axis=(2, 4))
    flat = pooled.reshape(n, -1)
    loss, grad_logits = cross_entropy(flat @ w, y)

    grad_pooled = (grad_logits @ w.T).reshape(pooled.shape)
    grad_h = np.repeat(np.repeat(grad_pooled, 2, axis=1), 2, axis=2) / 4
    grad_h[h <= 0] = 0
    grad_padded = np.zeros(padded.shape)
    for i in range(3):
        for j in range(3):
            grad_padded[:, i : i + height, j : j + width] += grad_h @ kernel[i, j].T
    return {
        "loss": loss,
        "grad_x": grad_padded[:, 1:-1, 1:-1],
        "grad_kernel": np.tensordot(windows, grad_h, axes=([0, 1, 2], [0, 1, 2])).transpose(1, 2, 0, 3),
        "grad_bias": grad_h.sum(axis=(0, 1, 2)),
        "grad_w": flat.T @ grad_logits,
    }


def layer_norm_gelu(x, target, gain, shift, w1, w2):
    """LayerNorm, then exact GELU between two layers, and a mean of squares."""
    from scipy.special import erf

    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    std = (var + 1e-5) ** 0.5
    normal = (x - mean) / std
    a = normal * gain + shift
    z = a @ w1
    phi = 0.5 * (1 + erf(z / np.sqrt(2)))
    out = (z * phi) @ w2
    loss = np.mean((out - target) ** 2)

    grad_out = 2 * (out - target) / out.size
    grad_z = grad_out @ w2.T * (phi + z * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))
    grad_a = grad_z @ w1.T
    g = grad_a * gain
    grad_x = (g - g.mean(-1, keepdims=True) - normal * (g * normal).mean(-1, keepdims=True)) / std
    return {
        "out": out, "loss": loss, "grad_x": grad_x, "grad_gain": np.sum(grad_a * normal, axis=0),
        "grad_shift": grad_a.sum(0), "grad_w1": a.T @ grad_z, "grad_w2": (z * phi).T @ grad_out,
    }  # fmt: skip


def causal_attention(x, target, wq, wk, wv, wo):
    """Two heads, masked by -inf."""
    b, t, d = x.shape
    heads = 2

    def split(a):
        return a.reshape(b, t, heads, d // heads).swapaxes(1, 2)

    def join(a):
        return np.swapaxes(a, 1, 2).reshape(b, t, d)

    q, k, v = split(x @ wq), split(x @ wk), split(x @ wv)
    scale = (d // heads) ** -0.5
    scores = np.einsum("bhqe,bhke->bhqk", q, k) * scale
    mask = np.triu(np.ones((t, t)), 1).astype(bool)
    scores[:, :, mask] = -np.inf
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    mixed = join(p @ v)
    out = mixed @ wo
    loss = np.square(out - target).sum()

    grad_out = 2 * (out - target)
    grad_mixed = split(grad_out @ wo.T)
    grad_p = grad_mixed @ v.swapaxes(-1, -2)
    grad_s = p * (grad_p - (grad_p * p).sum(-1, keepdims=True)) * scale
    grads = {"wq": grad_s @ k, "wk": grad_s.swapaxes(-1, -2) @ q, "wv": p.swapaxes(-1, -2) @ grad_mixed}
    rows = x.reshape(-1, d)
    return {
        "p": p, "out": out, "loss": loss, "grad_wo": np.tensordot(mixed, grad_out, axes=([0, 1], [0, 1])),
        **{f"grad_{name}": rows.T @ join(grad).reshape(-1, d) for name, grad in grads.items()},
    }  # fmt: skip


def gru(x, target, w, u, b):
    """A GRU over time from a state of zeros; the reset gate applies to the state before its product."""
    steps, batch, _ = x.shape
    hidden = u.shape[0]
    w_r, w_z, w_n = np.split(w, 3, axis=1)
    u_r, u_z, u_n = np.split(u, 3, axis=1)
    b_r, b_z, b_n = np.split(b, 3)
    states = np.zeros((steps + 1, batch, hidden))
    kept = []
    for t in range(steps):
        h = states[t]
        r = 1 / (1 + np.exp(-(x[t] @ w_r + h @ u_r + b_r)))
        z = 1 / (1 + np.exp(-(x[t] @ w_z + h @ u_z + b_z)))
        n = np.tanh(x[t] @ w_n + (r * h) @ u_n + b_n)
        states[t + 1] = (1 - z) * n + z * h
        kept.append((r, z, n))
    loss = ((states[1:] - target) ** 2).mean()

    grad_w, grad_u, grad_b = np.zeros_like(w), np.zeros_like(u), np.zeros_like(b)
    grad_x, grad_h = np.empty(x.shape), np.zeros((batch, hidden))
    for t in reversed(range(steps)):
        r, z, n = kept[t]
        h = states[t]
        grad_h = grad_h + 2 * (states[t + 1] - target[t]) / target.size
        grad_n = grad_h * (1 - z) * (1 - n**2)
        grad_z = grad_h * (h - n) * z * (1 - z)
        grad_rh = grad_n @ u_n.T
        grad_r = grad_rh * h * r * (1 - r)
        grad_gates = np.hstack([grad_r, grad_z, grad_n])
        grad_w += x[t].T @ grad_gates
        grad_u += np.hstack([h.T @ grad_r, h.T @ grad_z, (r * h).T @ grad_n])
        grad_b += grad_gates.sum(axis=0)
        grad_x[t] = grad_gates @ w.T
        grad_h = grad_h * z + grad_rh * r + grad_r @ u_r.T + grad_z @ u_z.T
    return {
        "states": states[1:],
        "loss": loss,
        "grad_x": grad_x,
        "grad_w": grad_w,
        "grad_u": grad_u,
        "grad_b": grad_b,
    }


def embedding_pooling(tokens, y, table, w):
    """The mean of the embeddings of the tokens that are not padding (0), and a logistic loss."""
    used = tokens != 0
    counts = np.maximum(used.sum(axis=1, keepdims=True), 1)
    rows = np.take(table, tokens, axis=0) * used[:, :, None]
    pooled = rows.sum(axis=1) / counts
    logits = pooled @ w
    loss = np.mean(np.logaddexp(0, logits) - y * logits)

    grad_logits = (1 / (1 + np.exp(-logits)) - y) / len(y)
    grad_rows = np.outer(grad_logits, w)[:, None, :] / counts[:, :, None] * used[:, :, None]
    grad_table = np.zeros_like(table)
    np.add.at(grad_table, tokens, grad_rows)
    return {"logits": logits, "loss": loss, "grad_table": grad_table, "grad_w": pooled.T @ grad_logits}


def batch_norm_mlp(x, y, w1, gain, shift, w2):
    """A layer, BatchNorm in training with its running statistics, relu, and a second layer."""
    h = x @ w1
    mean, var = np.mean(h, axis=0), np.var(h, axis=0)
    inv = 1 / np.sqrt(var + 1e-5)
    normal = (h - mean) * inv
    a = gain * normal + shift
    active = a.clip(min=0)
    loss, grad_logits = cross_entropy(active @ w2, y)

    grad_a = np.where(a > 0, grad_logits @ w2.T, 0.0)
    grad_normal = grad_a * gain
    grad_h = inv * (grad_normal - grad_normal.mean(axis=0) - normal * np.mean(grad_normal * normal, axis=0))
    running = {"running_mean": 0.1 * mean, "running_var": 0.9 + 0.1 * np.var(h, axis=0, ddof=1)}
    return {
        **running, "loss": loss, "grad_w1": x.T @ grad_h, "grad_gain": (grad_a * normal).sum(axis=0),
        "grad_shift": np.einsum("ij->j", grad_a), "grad_w2": active.T @ grad_logits, "grad_x": grad_h @ w1.T,
    }  # fmt: skip


def drawn():
    """Each network with arrays for it: (function, arrays by name)."""
    rng = np.random.default_rng(0)

    def normal(*shape, scale=1.0):
        return scale * rng.standard_normal(shape)

    return {
        "convolution": (convolution, {
            "x": normal(3, 6, 6, 2), "y": rng.integers(0, 4, 3), "kernel": normal(3, 3, 2, 5, scale=0.3),
            "bias": normal(5, scale=0.1), "w": normal(45, 4, scale=0.2),
        }),
        "LayerNorm + GELU": (layer_norm_gelu, {
            "x": normal(7, 16), "target": normal(7, 3), "gain": 1 + normal(16, scale=0.1),
            "shift": normal(16, scale=0.1), "w1": normal(16, 20, scale=0.3), "w2": normal(20, 3, scale=0.3),
        }),
        "causal attention": (causal_attention, {
            "x": normal(2, 5, 8), "target": normal(2, 5, 8),
            **{name: normal(8, 8, scale=0.5) for name in ("wq", "wk", "wv", "wo")},
        }),
        "GRU": (gru, {
            "x": normal(4, 3, 5), "target": normal(4, 3, 6), "w": normal(5, 18, scale=0.4),
            "u": normal(6, 18, scale=0.4), "b": normal(18, scale=0.3),
        }),
        "embedding + pooling": (embedding_pooling, {
            "tokens": rng.integers(0, 9, (6, 7)), "y": rng.integers(0, 2, 6),
            "table": normal(9, 4), "w": normal(4),
        }),
        "BatchNorm MLP": (batch_norm_mlp, {
            "x": normal(20, 10), "y": rng.integers(0, 3, 20), "w1": normal(10, 12, scale=0.4),
            "gain": 1 + normal(12, scale=0.1), "shift": normal(12, scale=0.1), "w2": normal(12, 3, scale=0.4),
        }),
    }  # fmt: skip
