"""One step of conv_net in NumPy in float32: sliding windows, matrix products, and the gradients by hand."""

import numpy as np


def windows(x):
    x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    seen = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2]
    return seen.transpose(0, 1, 2, 4, 5, 3)  # (n, h, w, 3, 3, c)


def spread(grad, h, w):
    out = np.zeros((len(grad), h + 2, w + 2, grad.shape[-1]), grad.dtype)
    for i in range(3):
        for j in range(3):
            out[:, i : i + h : 2, j : j + w : 2] += grad[:, :, :, i, j]
    return out[:, 1:-1, 1:-1]


def prepare(params, arrays, numbers):
    p = {name: value.astype("float32") for name, value in params.items()}
    x, y, learning_rate = arrays["x"].astype("float32"), arrays["y"], numbers["learning_rate"]
    rows = np.arange(len(y))
    counts = windows(np.ones((1, 7, 7, 1), "float32")).sum(axis=(3, 4))

    def run():
        a, kept, grads = x, {}, {}
        for i in (1, 2):
            seen = windows(a)
            columns = seen.reshape(-1, 9 * a.shape[-1])
            conv = columns @ p[f"kernel{i}"].reshape(columns.shape[1], -1)
            mean, var, n = conv.mean(axis=0), conv.var(axis=0), len(conv)
            std = np.sqrt(var + np.float32(1e-5))
            normed = (conv - mean) / std
            h = normed * p[f"scale{i}"] + p[f"shift{i}"]
            kept[i] = seen.shape, columns, std, normed, h
            p[f"mean{i}"] += 0.1 * (mean - p[f"mean{i}"])
            p[f"var{i}"] += 0.1 * (var * (n / (n - 1)) - p[f"var{i}"])
            a = np.maximum(h, 0).reshape(*seen.shape[:3], -1)
        pooled = (windows(a).sum(axis=(3, 4)) / counts).reshape(len(x), -1)
        logits = pooled @ p["w"] + p["b"]
        logits -= logits.max(axis=1, keepdims=True)
        exp = np.exp(logits)
        total = exp.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - logits[rows, y]).mean()

        grad = exp / total
        grad[rows, y] -= 1
        grad /= len(y)
        grads["w"], grads["b"] = pooled.T @ grad, grad.sum(axis=0)
        part = (grad @ p["w"].T).reshape(len(x), 4, 4, -1) / counts
        part = np.broadcast_to(part[:, :, :, None, None], (*part.shape[:3], 3, 3, part.shape[3]))
        grad = spread(part, 7, 7)
        for i in (2, 1):
            shape, columns, std, normed, h = kept[i]
            grad = grad.reshape(h.shape) * (h > 0)
            scale, shift = (grad * normed).sum(axis=0), grad.sum(axis=0)
            grad = (grad - (shift + normed * scale) / len(h)) * (p[f"scale{i}"] / std)
            grads |= {f"scale{i}": scale, f"shift{i}": shift}
            grads[f"kernel{i}"] = (columns.T @ grad).reshape(p[f"kernel{i}"].shape)
            if i == 2:
                kernel = p["kernel2"].reshape(columns.shape[1], -1)
                grad = spread((grad @ kernel.T).reshape(shape), 14, 14)
        for name, grad in grads.items():
            p[name] -= learning_rate * grad
        return float(loss)

    return run
