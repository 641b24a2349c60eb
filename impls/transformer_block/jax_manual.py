"""JAX, eager: NumPy's lines on jnp, whose arrays live on a device and never change."""

import math

import jax
import jax.numpy as jnp

READ_AFTER = "numpy_manual"

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
    position = jnp.arange(x.shape[1])
    before, itself = position < position[:, None], position == position[:, None]
    return ((x != PAD)[:, None] & before | itself)[:, None]


def standardised(x):
    centred = x - x.mean(axis=-1, keepdims=True)
    std = jnp.sqrt(jnp.square(centred).mean(axis=-1, keepdims=True) + EPS)
    return centred / std, std


def layer_norm(x, scale, shift):
    normed, _ = standardised(x)
    return normed * scale + shift


def layer_norm_grads(x, scale, grad):
    """The gradients of x, scale and shift."""
    normed, std = standardised(x)
    by_normed, d = grad * normed, len(scale)
    mean, along = (grad @ scale / d)[..., None], (by_normed @ scale / d)[..., None]  # of g, and of g * normed
    grad_x = (grad * scale - mean - normed * along) / std
    return grad_x, by_normed.sum(axis=(0, 1)), grad.sum(axis=(0, 1))


def gelu(x, tanh):
    return jax.nn.gelu(x, approximate=bool(tanh))


def gelu_slope(x, tanh):
    if tanh:
        t = jnp.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
        return (1 + t) / 2 + x / 2 * (1 - t * t) * (math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x))
    return (1 + jax.scipy.special.erf(x / math.sqrt(2))) / 2 + x * jnp.exp(x * x / -2) / math.sqrt(
        2 * math.pi
    )


def as_rows(x):
    return x.reshape(-1, x.shape[-1])


def linear_grads(x, w, grad):
    """The gradients of x, w and b in x @ w + b."""
    return grad @ w.T, as_rows(x).T @ as_rows(grad), as_rows(grad).sum(axis=0)


def heads_of(qkv):
    """(n, t, 3, heads, head_width) -> (3, n, heads, t, head_width): matrices of queries, keys and values."""
    return qkv.transpose(2, 0, 3, 1, 4)


def attention(qkv, mask):
    q, k, v = heads_of(qkv)
    scores = jnp.where(mask, q @ k.mT / math.sqrt(q.shape[-1]), -jnp.inf)
    p = jax.nn.softmax(scores)
    return p, (p @ v).transpose(0, 2, 1, 3)


def attention_grads(qkv, p, grad):
    """The gradients of p and qkv."""
    q, k, v = heads_of(qkv)
    grad = grad.transpose(0, 2, 1, 3)
    grad_p = grad @ v.mT
    grad_scores = p * (grad_p - (grad_p * p).sum(axis=-1, keepdims=True)) / math.sqrt(q.shape[-1])
    grads = jnp.stack([grad_scores @ k, grad_scores.mT @ q, p.mT @ grad])
    return grad_p, grads.transpose(1, 3, 0, 2, 4)


def block(w, h, mask, tanh):
    d = h.shape[-1]

    # Attention
    attn_norm = layer_norm(h, w["attn_scale"], w["attn_shift"])
    qkv = attn_norm @ w["w_qkv"].reshape(d, -1)
    qkv = qkv.reshape(*h.shape[:2], *w["b_qkv"].shape) + w["b_qkv"]
    p, mixed = attention(qkv, mask)
    mixed = mixed.reshape(h.shape)
    attended = h + mixed @ w["w_out"].reshape(d, d) + w["b_out"]

    # MLP
    mlp_norm = layer_norm(attended, w["mlp_scale"], w["mlp_shift"])
    up = mlp_norm @ w["w_up"] + w["b_up"]
    up_gelu = gelu(up, tanh)
    out = attended + up_gelu @ w["w_down"] + w["b_down"]

    return {
        "attn_norm": attn_norm, "qkv": qkv, "p": p, "mixed": mixed, "attended": attended,
        "mlp_norm": mlp_norm, "up": up, "up_gelu": up_gelu, "h": out,
    }  # fmt: skip


def block_grads(w, h, seen, grad, tanh):
    """From the gradient of what the block gives, the gradients of everything on the way back to its h."""
    new, d = {}, h.shape[-1]

    # MLP: its own gradient is added to that of the path around it
    new["grad_up_gelu"], new["grad_w_down"], new["grad_b_down"] = linear_grads(
        seen["up_gelu"], w["w_down"], grad
    )
    new["grad_up"] = new["grad_up_gelu"] * gelu_slope(seen["up"], tanh)
    new["grad_mlp_norm"], new["grad_w_up"], new["grad_b_up"] = linear_grads(
        seen["mlp_norm"], w["w_up"], new["grad_up"]
    )
    grad_h, new["grad_mlp_scale"], new["grad_mlp_shift"] = layer_norm_grads(
        seen["attended"], w["mlp_scale"], new["grad_mlp_norm"]
    )
    grad = new["grad_attended"] = grad + grad_h

    # Attention
    new["grad_mixed"], grad_w, new["grad_b_out"] = linear_grads(seen["mixed"], w["w_out"].reshape(d, d), grad)
    new["grad_w_out"] = grad_w.reshape(w["w_out"].shape)
    new["grad_p"], new["grad_qkv"] = attention_grads(
        seen["qkv"], seen["p"], new["grad_mixed"].reshape(*h.shape[:2], *w["b_qkv"].shape[1:])
    )
    new["grad_attn_norm"], grad_w, grad_b = linear_grads(
        seen["attn_norm"], w["w_qkv"].reshape(d, -1), new["grad_qkv"].reshape(*h.shape[:2], -1)
    )
    new["grad_w_qkv"], new["grad_b_qkv"] = grad_w.reshape(w["w_qkv"].shape), grad_b.reshape(w["b_qkv"].shape)
    grad_h, new["grad_attn_scale"], new["grad_attn_shift"] = layer_norm_grads(
        h, w["attn_scale"], new["grad_attn_norm"]
    )
    return new, grad + grad_h


def forward(state, x, tanh):
    mask = visible(x)
    h = state["embedding"][x] + state["positions"]
    for i in range(1, depth(state) + 1):
        h = block(of_block(state, i), h, mask, tanh)["h"]
    return layer_norm(h, state["scale"], state["shift"]) @ state["embedding"].T


def trace(state, x, y, tanh, smoothing):
    n, mask, blocks = depth(state), visible(x), {}

    # Forward pass
    h = state["embedding"][x] + state["positions"]
    seen = {"h0": h}
    for i in range(1, n + 1):
        blocks[i] = block(of_block(state, i), h, mask, tanh)
        seen |= {f"{name}{i}": value for name, value in blocks[i].items()}
        h = seen[f"h{i}"]
    norm = seen["norm"] = layer_norm(h, state["scale"], state["shift"])
    seen["logits"] = norm @ state["embedding"].T

    # Loss: of the positions that have a label
    log_p = seen["log_p"] = jax.nn.log_softmax(seen["logits"])
    labelled = y != IGNORED
    labels, evenly = y[labelled], smoothing / log_p.shape[-1]
    losses = -(1 - smoothing) * log_p[labelled, labels] - evenly * log_p[labelled].sum(axis=-1)
    seen["loss"] = losses.mean()

    # Backward pass
    grad = jnp.exp(log_p) - evenly
    grad = grad.at[labelled, labels].add(smoothing - 1)  # a new array: none is changed in place
    grad = seen["grad_logits"] = jnp.where(labelled[..., None], grad, 0) / len(labels)
    grad_embedding = as_rows(grad).T @ as_rows(norm)  # as the head
    grad = seen["grad_norm"] = grad @ state["embedding"]
    grad, seen["grad_scale"], seen["grad_shift"] = layer_norm_grads(h, state["scale"], grad)
    for i in range(n, 0, -1):
        seen[f"grad_h{i}"] = grad
        grads, grad = block_grads(of_block(state, i), seen[f"h{i - 1}"], blocks[i], grad, tanh)
        seen |= {f"{name}{i}": value for name, value in grads.items()}
    seen["grad_h0"] = grad
    seen["grad_positions"] = grad.sum(axis=0)
    seen["grad_embedding"] = grad_embedding.at[x].add(grad)  # as a table: a token that stands twice gets both
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
    state["adam_step"] = jnp.array(step)
    for name, grad in grads.items():
        m = beta1 * state.get(f"adam_m/{name}", 0 * grad) + (1 - beta1) * grad
        v = beta2 * state.get(f"adam_v/{name}", 0 * grad) + (1 - beta2) * grad * grad
        state[f"adam_m/{name}"], state[f"adam_v/{name}"] = m, v
        m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
        state[name] = state[name] - learning_rate * m_hat / (jnp.sqrt(v_hat) + eps)
    return state, loss
