"""One step of an LSTM over time in NumPy, float32, the gradients by hand."""

import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def prepare(params, arrays, numbers):
    w = {name: value.astype("float32") for name, value in params.items()}
    x, y = (arrays[name].astype("float32") for name in ("x", "y"))
    learning_rate = numbers["learning_rate"]

    def run():
        a_x, (h, c) = x @ w["w_x"] + w["b_x"], w["carry"]
        kept, hs = [], []
        for a in a_x:
            i, f, g, o = np.split(a + h @ w["w_h"], 4, axis=1)
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
            old_c, c = c, f * c + i * g
            tanh_c = np.tanh(c)
            kept.append((i, f, g, o, h, old_c, tanh_c))
            h = o * tanh_c
            hs.append(h)
        w["carry"] = np.stack((h, c))
        hs = np.stack(hs)
        error = hs @ w["w_y"] + w["b_y"] - y

        grad_y = (2 / y.size) * error.reshape(-1, y.shape[2])
        grad_hs = (grad_y @ w["w_y"].T).reshape(hs.shape)
        grad_a, grad_h, grad_c = np.empty_like(a_x), 0, 0
        for t in reversed(range(len(x))):
            i, f, g, o, _, old_c, tanh_c = kept[t]
            grad_h = grad_h + grad_hs[t]
            grad_c = grad_c + grad_h * o * (1 - tanh_c * tanh_c)
            grad_a[t] = np.concatenate(
                (
                    grad_c * g * i * (1 - i), grad_c * old_c * f * (1 - f),
                    grad_c * i * (1 - g * g), grad_h * tanh_c * o * (1 - o),
                ), axis=1,
            )  # fmt: skip
            grad_h, grad_c = grad_a[t] @ w["w_h"].T, grad_c * f

        grad_a = grad_a.reshape(-1, grad_a.shape[2])
        old_hs = np.concatenate([step[4] for step in kept])
        w["w_y"] -= learning_rate * (hs.reshape(-1, hs.shape[2]).T @ grad_y)
        w["b_y"] -= learning_rate * grad_y.sum(axis=0)
        w["w_h"] -= learning_rate * (old_hs.T @ grad_a)
        w["w_x"] -= learning_rate * (x.reshape(-1, x.shape[2]).T @ grad_a)
        w["b_x"] -= learning_rate * grad_a.sum(axis=0)
        return np.square(error).mean()

    return run
