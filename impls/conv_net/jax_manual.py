"""JAX, eager: NumPy's lines on jnp; what NumPy adds into slices, at[...].add adds in a new array."""

import jax.numpy as jnp

READ_AFTER = "numpy_manual"

EPS, MOMENTUM = 1e-5, 0.1


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def padded(x):
    return jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))


def windows(x):
    """The 9 pixels of each window: (n, h, w, c) -> (n, h / 2, w / 2, 9, c)."""
    _, h, w, _ = x.shape
    x = padded(x)
    return jnp.stack([x[:, i : i + h : 2, j : j + w : 2] for i in range(3) for j in range(3)], axis=3)


def spread(grad, x):
    """The gradient of x from that of its windows."""
    _, h, w, _ = x.shape
    grad_x = jnp.zeros_like(padded(x))
    for tap in range(9):
        i, j = divmod(tap, 3)
        # A new array each time: none is changed in place
        grad_x = grad_x.at[:, i : i + h : 2, j : j + w : 2].add(grad[:, :, :, tap])
    return grad_x[:, 1:-1, 1:-1]


def as_matrix(a):
    return a.reshape(-1, a.shape[-1])


def convolution(patches, kernel):
    n, h, w, _, c = patches.shape
    return (patches.reshape(-1, 9 * c) @ as_matrix(kernel)).reshape(n, h, w, -1)


def kernel_grad(patches, grad):
    rows = patches.reshape(-1, 9 * patches.shape[-1])
    return (rows.T @ as_matrix(grad)).reshape(3, 3, patches.shape[-1], -1)


def patches_grad(kernel, grad):
    return (as_matrix(grad) @ as_matrix(kernel).T).reshape(*grad.shape[:3], 9, -1)


def counts(x):
    """How many pixels of each window lie in the image."""
    return windows(jnp.ones((1, *x.shape[1:3], 1), int)).sum(axis=3).astype(x.dtype)


def average_pool(x):
    return windows(x).sum(axis=3) / counts(x)


def average_pool_grad(x, grad):
    return spread(jnp.stack(9 * [grad / counts(x)], axis=3), x)  # the same part for each of the 9


def log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)  # exp cannot overflow
    return shifted - jnp.log(jnp.exp(shifted).sum(axis=1, keepdims=True))


def forward(state, x):
    a = x
    for i in (1, 2):
        conv = convolution(windows(a), state[f"kernel{i}"])
        normed = (conv - state[f"mean{i}"]) / jnp.sqrt(state[f"var{i}"] + EPS)
        a = jnp.maximum(normed * state[f"scale{i}"] + state[f"shift{i}"], 0)
    return average_pool(a).reshape(len(x), -1) @ state["w"] + state["b"]


def trace(state, x, y):
    rows, seen, patches, std, normed = jnp.arange(len(y)), {}, {}, {}, {}

    # Forward pass
    a = x
    for i in (1, 2):
        patches[i] = windows(a)
        conv = seen[f"conv{i}"] = convolution(patches[i], state[f"kernel{i}"])
        mean = seen[f"batch_mean{i}"] = conv.mean(axis=(0, 1, 2))
        var = seen[f"batch_var{i}"] = jnp.square(conv - mean).mean(axis=(0, 1, 2))
        std[i] = jnp.sqrt(var + EPS)
        normed[i] = (conv - mean) / std[i]
        seen[f"h{i}"] = normed[i] * state[f"scale{i}"] + state[f"shift{i}"]
        a = seen[f"h{i}_relu"] = jnp.maximum(seen[f"h{i}"], 0)
    seen["pooled"] = average_pool(a)
    flat = seen["pooled"].reshape(len(x), -1)
    seen["logits"] = flat @ state["w"] + state["b"]

    # Loss
    seen["log_p"] = log_softmax(seen["logits"])
    seen["loss"] = -seen["log_p"][rows, y].mean()

    # Backward pass
    grad = jnp.exp(seen["log_p"]).at[rows, y].add(-1)
    grad = seen["grad_logits"] = grad / len(y)
    seen["grad_w"] = flat.T @ grad
    seen["grad_b"] = grad.sum(axis=0)
    seen["grad_pooled"] = (grad @ state["w"].T).reshape(seen["pooled"].shape)
    seen["grad_h2_relu"] = average_pool_grad(seen["h2_relu"], seen["grad_pooled"])
    for i in (2, 1):
        grad = seen[f"grad_h{i}"] = jnp.where(seen[f"h{i}"] > 0, seen[f"grad_h{i}_relu"], 0)
        seen[f"grad_scale{i}"] = (grad * normed[i]).sum(axis=(0, 1, 2))
        seen[f"grad_shift{i}"] = grad.sum(axis=(0, 1, 2))
        means = (seen[f"grad_shift{i}"] + normed[i] * seen[f"grad_scale{i}"]) / positions(grad)
        grad = seen[f"grad_conv{i}"] = (grad - means) * (state[f"scale{i}"] / std[i])
        seen[f"grad_kernel{i}"] = kernel_grad(patches[i], grad)
        if i == 2:  # images need no gradient
            seen["grad_h1_relu"] = spread(patches_grad(state["kernel2"], grad), seen["h1_relu"])
    return seen


def positions(images):
    """How many numbers each channel has."""
    return images.size // images.shape[-1]


def grads_of(state, seen):
    return {name: seen[f"grad_{name}"] for name in state if f"grad_{name}" in seen}


def loss_and_grads(state, x, y):
    seen = trace(state, x, y)
    return seen["loss"], grads_of(state, seen)


def renewed(state, seen):
    """The running statistics after a batch, whose variance is estimated with n - 1."""
    new = {}
    for i in (1, 2):
        n = positions(seen[f"conv{i}"])
        new[f"mean{i}"] = (1 - MOMENTUM) * state[f"mean{i}"] + MOMENTUM * seen[f"batch_mean{i}"]
        new[f"var{i}"] = (1 - MOMENTUM) * state[f"var{i}"] + MOMENTUM * n / (n - 1) * seen[f"batch_var{i}"]
    return new


def train_step(state, x, y, learning_rate):
    seen = trace(state, x, y)
    new = {name: state[name] - learning_rate * grad for name, grad in grads_of(state, seen).items()}
    return state | renewed(state, seen) | new, seen["loss"]


def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    seen = trace(state, x, y)
    grads = grads_of(state, seen)
    state, step = state | renewed(state, seen), int(state.get("adam_step", 0)) + 1
    state["adam_step"] = jnp.array(step)
    for name, grad in grads.items():
        m = beta1 * state.get(f"adam_m/{name}", 0 * grad) + (1 - beta1) * grad
        v = beta2 * state.get(f"adam_v/{name}", 0 * grad) + (1 - beta2) * grad * grad
        state[f"adam_m/{name}"], state[f"adam_v/{name}"] = m, v
        m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
        state[name] = state[name] - learning_rate * m_hat / (jnp.sqrt(v_hat) + eps)
    return state, seen["loss"]
