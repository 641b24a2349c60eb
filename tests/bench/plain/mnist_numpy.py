"""NumPy in float32 on images normalised beforehand, the gradients by hand."""

import numpy as np


def prepare(params, arrays, numbers):
    w = {name: value.astype("float32") for name, value in params.items()}
    n, learning_rate = len(w) // 2, numbers["learning_rate"]
    images = (arrays["images"].astype("float32") / 255 - numbers["mean"]) / numbers["std"]
    labels, order = arrays["labels"], arrays["order"]

    def run():
        losses = []
        for batch in order:
            y, rows = labels[batch], np.arange(len(batch))
            a = [images[batch]]
            for i in range(1, n):
                a.append(np.maximum(a[-1] @ w[f"w{i}"] + w[f"b{i}"], 0))
            logits = a[-1] @ w[f"w{n}"] + w[f"b{n}"]
            logits -= logits.max(axis=1, keepdims=True)
            p = np.exp(logits)
            total = p.sum(axis=1, keepdims=True)
            losses.append((np.log(total[:, 0]) - logits[rows, y]).mean())

            p /= total
            p[rows, y] -= 1
            grad = p / len(batch)
            for i in range(n, 0, -1):
                grad_w, grad_b = a[i - 1].T @ grad, grad.sum(axis=0)
                if i > 1:
                    grad = (grad @ w[f"w{i}"].T) * (a[i - 1] > 0)
                w[f"w{i}"] -= learning_rate * grad_w
                w[f"b{i}"] -= learning_rate * grad_b
        return losses

    return run
