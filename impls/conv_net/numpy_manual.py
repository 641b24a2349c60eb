"""NumPy, the chain rule by hand through convolution, BatchNorm and pooling: the reference.

The gradient of something has its shape: grad_a[...] is by how much the loss L grows where a[...] grows, so a
small change da changes L by sum(grad_a * da). Each layer's gradient follows from that sum alone.

*A product*, out = a @ w. From sum(grad * (da @ w + a @ dw)) the factor of each da and dw is collected:
grad_a = grad @ w.T, and grad_w = a.T @ grad. A bias is added to each row, so grad_b is the sum of the rows.

*A convolution* is a product too: `windows` copies the 9 pixels under the kernel into one row, and each row is
multiplied by the kernel as a matrix. Where `windows` copied one pixel into several rows, its gradient is the
sum of theirs: `spread` adds where `windows` copied.

*Average pooling* is the mean of each row of `windows`, so each of its pixels gets an equal part.

*BatchNorm*, normed = (x - m) / s with s = sqrt(v + eps), is one function of all N numbers of a channel: x[j]
moves m by 1 / N, v by 2 (x[j] - m) / N and so s by normed[j] / N. Then normed[i] grows with x[j] by
((i == j) - 1/N - normed[i] normed[j] / N) / s, and with g = scale * grad_h, summed over i,

    grad_x = (g - mean(g) - normed * mean(g * normed)) / s.

The two means are the gradients of shift and scale, which are sum(grad_h) and sum(grad_h * normed), times
scale / N.

*The mean cross-entropy* of n rows: log_p[k] = logits[k] - log(sum(exp(logits))) grows with logits[j] by
(k == j) - p[j], so grad_logits = (p - one_hot(y)) / n.
"""

import numpy as np

READ_AFTER = None

EPS, MOMENTUM = 1e-5, 0.1


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def padded(x):
    return np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))


def windows(x):
    """The 9 pixels of each window: (n, h, w, c) -> (n, h / 2, w / 2, 9, c)."""
    _, h, w, _ = x.shape
    x = padded(x)
    return np.stack([x[:, i : i + h : 2, j : j + w : 2] for i in range(3) for j in range(3)], axis=3)


def spread(grad, x):
    """The gradient of x from that of its windows."""
    _, h, w, _ = x.shape
    grad_x = np.zeros_like(padded(x))
    for tap in range(9):
        i, j = divmod(tap, 3)
        grad_x[:, i : i + h : 2, j : j + w : 2] += grad[:, :, :, tap]
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
    return windows(np.ones((1, *x.shape[1:3], 1), int)).sum(axis=3).astype(x.dtype)


def average_pool(x):
    return windows(x).sum(axis=3) / counts(x)


def average_pool_grad(x, grad):
    return spread(np.stack(9 * [grad / counts(x)], axis=3), x)  # the same part for each of the 9


def log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)  # exp cannot overflow
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def forward(state, x):
    a = x
    for i in (1, 2):
        conv = convolution(windows(a), state[f"kernel{i}"])
        normed = (conv - state[f"mean{i}"]) / np.sqrt(state[f"var{i}"] + EPS)
        a = np.maximum(normed * state[f"scale{i}"] + state[f"shift{i}"], 0)
    return average_pool(a).reshape(len(x), -1) @ state["w"] + state["b"]


def trace(state, x, y):
    rows, seen, patches, std, normed = np.arange(len(y)), {}, {}, {}, {}

    # Forward pass
    a = x
    for i in (1, 2):
        patches[i] = windows(a)
        conv = seen[f"conv{i}"] = convolution(patches[i], state[f"kernel{i}"])
        mean = seen[f"batch_mean{i}"] = conv.mean(axis=(0, 1, 2))
        centred = conv - mean
        var = seen[f"batch_var{i}"] = np.square(centred).mean(axis=(0, 1, 2))
        std[i] = np.sqrt(var + EPS)
        normed[i] = centred / std[i]
        seen[f"h{i}"] = normed[i] * state[f"scale{i}"] + state[f"shift{i}"]
        a = seen[f"h{i}_relu"] = np.maximum(seen[f"h{i}"], 0)
    seen["pooled"] = average_pool(a)
    flat = seen["pooled"].reshape(len(x), -1)
    seen["logits"] = flat @ state["w"] + state["b"]

    # Loss
    seen["log_p"] = log_softmax(seen["logits"])
    seen["loss"] = -seen["log_p"][rows, y].mean()

    # Backward pass
    grad = np.exp(seen["log_p"])
    grad[rows, y] -= 1
    grad = seen["grad_logits"] = grad / len(y)
    seen["grad_w"] = flat.T @ grad
    seen["grad_b"] = grad.sum(axis=0)
    seen["grad_pooled"] = (grad @ state["w"].T).reshape(seen["pooled"].shape)
    seen["grad_h2_relu"] = average_pool_grad(seen["h2_relu"], seen["grad_pooled"])
    for i in (2, 1):
        grad = seen[f"grad_h{i}"] = np.where(seen[f"h{i}"] > 0, seen[f"grad_h{i}_relu"], 0)
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
    state["adam_step"] = np.array(step)
    for name, grad in grads.items():
        m = beta1 * state.get(f"adam_m/{name}", 0 * grad) + (1 - beta1) * grad
        v = beta2 * state.get(f"adam_v/{name}", 0 * grad) + (1 - beta2) * grad * grad
        state[f"adam_m/{name}"], state[f"adam_v/{name}"] = m, v
        m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
        state[name] = state[name] - learning_rate * m_hat / (np.sqrt(v_hat) + eps)
    return state, seen["loss"]
