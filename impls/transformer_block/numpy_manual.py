"""NumPy, the chain rule by hand through attention, LayerNorm and GELU: the reference.

The gradient of something has its shape: grad_a[...] is by how much the loss L grows where a[...] grows, so a
small change da changes L by sum(grad_a * da). Each layer's gradient follows from that sum alone.

*A product*, out = a @ w. From sum(grad * (da @ w + a @ dw)) the factor of each da and dw is collected:
grad_a = grad @ w.T, and grad_w = a.T @ grad. A bias is added to each row, so grad_b is the sum of the rows.

*A residual*, out = h + f(h): h is used twice, so its gradient is a sum, grad + what comes back through f.
The embedding is used twice as well: rows of it are looked up, and all of it is the head. A row that several
positions looked up gets the sum of their gradients.

*Softmax*, p[i] = exp(s[i]) / sum(exp(s)), grows with s[j] by p[i] ((i == j) - p[j]). Summed over i,

    grad_s = p * (grad_p - sum(grad_p * p)).

Where s is -inf, p is 0, and so is its gradient.

*Attention*, out = p @ v and s = q @ k.T / sqrt(d), is products and a softmax: grad_p = grad @ v.T,
grad_v = p.T @ grad, grad_q = grad_s @ k / sqrt(d), grad_k = grad_s.T @ q / sqrt(d). All heads of all rows are
multiplied in one call, as matrices in the last two axes. A number added to all scores of a position changes
no p: so the gradient of the keys' bias is 0, and what is computed for it is rounding.

*LayerNorm*, normed = (x - m) / s with s = sqrt(v + eps), is one function of all d numbers of a position:
x[j] moves m by 1 / d, v by 2 (x[j] - m) / d and so s by normed[j] / d. Then normed[i] grows with x[j] by
((i == j) - 1/d - normed[i] normed[j] / d) / s, and with g = scale * grad, summed over i,

    grad_x = (g - mean(g) - normed * mean(g * normed)) / s.

The means of g are products with scale, mean(g) = grad @ scale / d.

*GELU*, x P(x) with P the distribution function of the normal distribution, has the slope P(x) + x P'(x).

*The cross-entropy* of a target q, -sum(q * log_p), with log_p[i] = logits[i] - log(sum(exp(logits))), grows
with logits[j] by sum(q) p[j] - q[j] = p[j] - q[j]. Smoothed by s, q is s / vocabulary everywhere, and 1 - s
more at the label.
"""

import math

import numpy as np
from scipy.special import erf

READ_AFTER = None

PAD, IGNORED, EPS = 0, -100, 1e-5


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def depth(state):
    return sum(name.startswith("w_qkv") for name in state)


def of_block(state, i):
    """The params of one block, by their names without its number."""
    layers = [f"{kind}_{layer}" for layer in ("qkv", "out", "up", "down") for kind in "wb"]
    names = ["attn_scale", "attn_shift", "mlp_scale", "mlp_shift", *layers]
    return {name: state[f"{name}{i}"] for name in names}


def visible(x):
    """Which positions (last axis) each position looks at: (n, t) -> (n, 1, t, t), the 1 for the heads."""
    position = np.arange(x.shape[1])
    before, itself = position < position[:, None], position == position[:, None]
    return ((x != PAD)[:, None] & before | itself)[:, None]


def layer_norm(x, scale, shift):
    """Beside the result what its gradients need: x with mean 0 and variance 1, and what it was divided by."""
    centred = x - x.mean(axis=-1, keepdims=True)
    std = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + EPS)
    normed = centred / std
    return normed * scale + shift, (normed, std)


def layer_norm_grads(kept, scale, grad):
    """The gradients of x, scale and shift."""
    normed, std = kept
    by_normed, d = grad * normed, len(scale)
    mean, along = (grad @ scale / d)[..., None], (by_normed @ scale / d)[..., None]  # of g, and of g * normed
    grad_x = (grad * scale - mean - normed * along) / std
    return grad_x, by_normed.sum(axis=(0, 1)), grad.sum(axis=(0, 1))


def gelu_factor(x, tanh):
    """P(x), by which GELU multiplies x."""
    if tanh:
        return (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2
    return (1 + erf(x / math.sqrt(2))) / 2


def gelu_slope(x, factor, tanh):
    if tanh:
        inner_slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
        return factor + 2 * x * factor * (1 - factor) * inner_slope
    return factor + x * np.exp(x * x / -2) / math.sqrt(2 * math.pi)


def as_rows(x):
    return x.reshape(-1, x.shape[-1])


def product(x, w):
    """x @ w as one product over the rows: of stacked matrices NumPy would make one for each."""
    return (as_rows(x) @ w).reshape(*x.shape[:-1], -1)


def linear_grads(x, w, grad):
    """The gradients of x, w and b in x @ w + b."""
    return product(grad, w.T), as_rows(x).T @ as_rows(grad), as_rows(grad).sum(axis=0)


def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))  # exp cannot overflow
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def heads_of(qkv):
    """(n, t, 3, heads, head_width) -> (3, n, heads, t, head_width): matrices of queries, keys and values."""
    return qkv.transpose(2, 0, 3, 1, 4)


def attention(qkv, mask):
    q, k, v = heads_of(qkv)
    scores = np.where(mask, q @ k.mT / math.sqrt(q.shape[-1]), -np.inf)
    p = softmax(scores)
    return p, (p @ v).transpose(0, 2, 1, 3)


def attention_grads(qkv, p, grad):
    """The gradients of p and qkv."""
    q, k, v = heads_of(qkv)
    grad = grad.transpose(0, 2, 1, 3)
    grad_p = grad @ v.mT
    grad_scores = p * (grad_p - (grad_p * p).sum(axis=-1, keepdims=True)) / math.sqrt(q.shape[-1])
    grads = np.stack([grad_scores @ k, grad_scores.mT @ q, p.mT @ grad])
    return grad_p, grads.transpose(1, 3, 0, 2, 4)


def block(w, h, mask, tanh):
    """What its gradients need beside what is seen, and what is seen."""
    d = h.shape[-1]

    # Attention
    attn_norm, attn_kept = layer_norm(h, w["attn_scale"], w["attn_shift"])
    qkv = product(attn_norm, w["w_qkv"].reshape(d, -1))
    qkv = qkv.reshape(*h.shape[:2], *w["b_qkv"].shape) + w["b_qkv"]
    p, mixed = attention(qkv, mask)
    mixed = mixed.reshape(h.shape)
    attended = h + product(mixed, w["w_out"].reshape(d, d)) + w["b_out"]

    # MLP
    mlp_norm, mlp_kept = layer_norm(attended, w["mlp_scale"], w["mlp_shift"])
    up = product(mlp_norm, w["w_up"]) + w["b_up"]
    factor = gelu_factor(up, tanh)
    up_gelu = up * factor
    out = attended + product(up_gelu, w["w_down"]) + w["b_down"]

    return (attn_kept, mlp_kept, factor), {
        "attn_norm": attn_norm, "qkv": qkv, "p": p, "mixed": mixed, "attended": attended,
        "mlp_norm": mlp_norm, "up": up, "up_gelu": up_gelu, "h": out,
    }  # fmt: skip


def block_grads(w, kept, seen, grad, tanh):
    """From the gradient of what the block gives, the gradients of everything on the way back to its h."""
    new, d = {}, grad.shape[-1]
    attn_kept, mlp_kept, factor = kept

    # MLP: its own gradient is added to that of the path around it
    new["grad_up_gelu"], new["grad_w_down"], new["grad_b_down"] = linear_grads(
        seen["up_gelu"], w["w_down"], grad
    )
    new["grad_up"] = new["grad_up_gelu"] * gelu_slope(seen["up"], factor, tanh)
    new["grad_mlp_norm"], new["grad_w_up"], new["grad_b_up"] = linear_grads(
        seen["mlp_norm"], w["w_up"], new["grad_up"]
    )
    grad_h, new["grad_mlp_scale"], new["grad_mlp_shift"] = layer_norm_grads(
        mlp_kept, w["mlp_scale"], new["grad_mlp_norm"]
    )
    grad = new["grad_attended"] = grad + grad_h

    # Attention
    new["grad_mixed"], grad_w, new["grad_b_out"] = linear_grads(seen["mixed"], w["w_out"].reshape(d, d), grad)
    new["grad_w_out"] = grad_w.reshape(w["w_out"].shape)
    new["grad_p"], new["grad_qkv"] = attention_grads(
        seen["qkv"], seen["p"], new["grad_mixed"].reshape(*grad.shape[:2], *w["b_qkv"].shape[1:])
    )
    new["grad_attn_norm"], grad_w, grad_b = linear_grads(
        seen["attn_norm"], w["w_qkv"].reshape(d, -1), new["grad_qkv"].reshape(*grad.shape[:2], -1)
    )
    new["grad_w_qkv"], new["grad_b_qkv"] = grad_w.reshape(w["w_qkv"].shape), grad_b.reshape(w["b_qkv"].shape)
    grad_h, new["grad_attn_scale"], new["grad_attn_shift"] = layer_norm_grads(
        attn_kept, w["attn_scale"], new["grad_attn_norm"]
    )
    return new, grad + grad_h


def forward(state, x, tanh):
    mask = visible(x)
    h = state["embedding"][x] + state["positions"]
    for i in range(1, depth(state) + 1):
        _, seen = block(of_block(state, i), h, mask, tanh)
        h = seen["h"]
    norm, _ = layer_norm(h, state["scale"], state["shift"])
    return product(norm, state["embedding"].T)


def trace(state, x, y, tanh, smoothing):
    n, mask, kept, blocks = depth(state), visible(x), {}, {}

    # Forward pass
    h = state["embedding"][x] + state["positions"]
    seen = {"h0": h}
    for i in range(1, n + 1):
        kept[i], blocks[i] = block(of_block(state, i), h, mask, tanh)
        seen |= {f"{name}{i}": value for name, value in blocks[i].items()}
        h = seen[f"h{i}"]
    norm, norm_kept = layer_norm(h, state["scale"], state["shift"])
    seen["norm"] = norm
    seen["logits"] = product(norm, state["embedding"].T)

    # Loss: of the positions that have a label
    log_p = seen["log_p"] = log_softmax(seen["logits"])
    labelled = y != IGNORED
    labels, evenly = y[labelled], smoothing / log_p.shape[-1]
    losses = -(1 - smoothing) * log_p[labelled, labels] - evenly * log_p[labelled].sum(axis=-1)
    seen["loss"] = losses.mean()

    # Backward pass
    grad = np.exp(log_p) - evenly
    grad[labelled, labels] -= 1 - smoothing
    grad = seen["grad_logits"] = np.where(labelled[..., None], grad, 0) / len(labels)
    grad_embedding = as_rows(grad).T @ as_rows(norm)  # as the head
    grad = seen["grad_norm"] = product(grad, state["embedding"])
    grad, seen["grad_scale"], seen["grad_shift"] = layer_norm_grads(norm_kept, state["scale"], grad)
    for i in range(n, 0, -1):
        seen[f"grad_h{i}"] = grad
        grads, grad = block_grads(of_block(state, i), kept[i], blocks[i], grad, tanh)
        seen |= {f"{name}{i}": value for name, value in grads.items()}
    seen["grad_h0"] = grad
    seen["grad_positions"] = grad.sum(axis=0)
    np.add.at(grad_embedding, x, grad)  # as a table: a token that stands twice gets both
    seen["grad_embedding"] = grad_embedding
    return seen


def loss_and_grads(state, x, y, tanh, smoothing):
    seen = trace(state, x, y, tanh, smoothing)
    return seen["loss"], {name: seen[f"grad_{name}"] for name in state if f"grad_{name}" in seen}


def train_step(state, x, y, tanh, smoothing, learning_rate):
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    return state | {name: state[name] - learning_rate * grad for name, grad in grads.items()}, loss


def adam_step(state, x, y, tanh, smoothing, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    state, step = dict(state), int(state.get("adam_step", 0)) + 1
    state["adam_step"] = np.array(step)
    for name, grad in grads.items():
        m = beta1 * state.get(f"adam_m/{name}", 0 * grad) + (1 - beta1) * grad
        v = beta2 * state.get(f"adam_v/{name}", 0 * grad) + (1 - beta2) * grad * grad
        state[f"adam_m/{name}"], state[f"adam_v/{name}"] = m, v
        m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
        state[name] = state[name] - learning_rate * m_hat / (np.sqrt(v_hat) + eps)
    return state, loss
