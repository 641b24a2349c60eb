"""One step of a transformer block in NumPy, in float32, the gradients by hand."""

import numpy as np
from scipy.special import erf


def normalised(x):
    centred = x - x.mean(axis=-1, keepdims=True)
    rstd = 1 / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + 1e-5)
    return centred * rstd, rstd


def normalised_back(normed, rstd, grad):
    along = (grad * normed).mean(axis=-1, keepdims=True)
    return (grad - grad.mean(axis=-1, keepdims=True) - normed * along) * rstd


def prepare(params, arrays, numbers):
    w = {name: value.astype("float32") for name, value in params.items()}
    x, y, smoothing, rate = arrays["x"], arrays["y"], numbers["smoothing"], numbers["learning_rate"]
    (n, t), (vocabulary, d), (_, heads, size) = x.shape, w["embedding"].shape, w["b_qkv1"].shape
    mask = (np.tril((x != 0)[:, None].repeat(t, axis=1)) | np.eye(t, dtype=bool))[:, None]
    counted = y.ravel() >= 0
    labels, rows = y.ravel()[counted], np.flatnonzero(counted)
    w["w_qkv1"], w["b_qkv1"] = w["w_qkv1"].reshape(d, -1), w["b_qkv1"].reshape(-1)
    w["w_out1"] = w["w_out1"].reshape(d, d)

    def run():
        # Forward pass, one row for each token
        h0 = (w["embedding"][x] + w["positions"]).reshape(-1, d)
        norm1, rstd1 = normalised(h0)
        a1 = norm1 * w["attn_scale1"] + w["attn_shift1"]
        qkv = (a1 @ w["w_qkv1"] + w["b_qkv1"]).reshape(n, t, 3, heads, size)
        q, k, v = qkv.transpose(2, 0, 3, 1, 4)
        scores = np.where(mask, q @ k.mT / np.float32(size**0.5), -np.inf)
        p = np.exp(scores - scores.max(axis=-1, keepdims=True))
        p /= p.sum(axis=-1, keepdims=True)
        mixed = (p @ v).transpose(0, 2, 1, 3).reshape(-1, d)
        h1 = h0 + mixed @ w["w_out1"] + w["b_out1"]
        norm2, rstd2 = normalised(h1)
        a2 = norm2 * w["mlp_scale1"] + w["mlp_shift1"]
        up = a2 @ w["w_up1"] + w["b_up1"]
        phi = (1 + erf(up / np.float32(2**0.5))) / 2
        h2 = h1 + (up * phi) @ w["w_down1"] + w["b_down1"]
        norm3, rstd3 = normalised(h2)
        a3 = norm3 * w["scale"] + w["shift"]
        logits = a3 @ w["embedding"].T
        logits -= logits.max(axis=1, keepdims=True)
        q_out = np.exp(logits)
        total = q_out.sum(axis=1, keepdims=True)
        log_p = (logits - np.log(total))[counted]
        loss = -(1 - smoothing) * log_p[np.arange(len(labels)), labels] - smoothing * log_p.mean(axis=1)

        # Backward pass
        grad = q_out / total - np.float32(smoothing / vocabulary)
        grad[rows, labels] -= 1 - smoothing
        grad *= counted[:, None] / np.float32(len(labels))
        g = {"embedding": grad.T @ a3}
        grad = grad @ w["embedding"]
        g["scale"], g["shift"] = (grad * norm3).sum(axis=0), grad.sum(axis=0)
        grad = normalised_back(norm3, rstd3, grad * w["scale"])
        g["w_down1"], g["b_down1"] = (up * phi).T @ grad, grad.sum(axis=0)
        slope = phi + up * np.exp(-up * up / 2) / np.float32((2 * np.pi) ** 0.5)
        back = (grad @ w["w_down1"].T) * slope
        g["w_up1"], g["b_up1"] = a2.T @ back, back.sum(axis=0)
        back = back @ w["w_up1"].T
        g["mlp_scale1"], g["mlp_shift1"] = (back * norm2).sum(axis=0), back.sum(axis=0)
        grad = grad + normalised_back(norm2, rstd2, back * w["mlp_scale1"])
        g["w_out1"], g["b_out1"] = mixed.T @ grad, grad.sum(axis=0)
        back = (grad @ w["w_out1"].T).reshape(n, t, heads, size).transpose(0, 2, 1, 3)
        grad_p = back @ v.mT
        grad_s = p * (grad_p - (grad_p * p).sum(axis=-1, keepdims=True)) / np.float32(size**0.5)
        back = np.stack([grad_s @ k, grad_s.mT @ q, p.mT @ back]).transpose(1, 3, 0, 2, 4).reshape(n * t, -1)
        g["w_qkv1"], g["b_qkv1"] = a1.T @ back, back.sum(axis=0)
        back = back @ w["w_qkv1"].T
        g["attn_scale1"], g["attn_shift1"] = (back * norm1).sum(axis=0), back.sum(axis=0)
        grad = grad + normalised_back(norm1, rstd1, back * w["attn_scale1"])
        g["positions"] = grad.reshape(n, t, d).sum(axis=0)
        np.add.at(g["embedding"], x.ravel(), grad)
        for name, value in g.items():
            w[name] -= rate * value
        return loss.mean()

    return run
