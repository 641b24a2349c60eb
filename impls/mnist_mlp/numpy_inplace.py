"""NumPy without new arrays: every large result goes into a buffer that was made once (out=)."""

from functools import lru_cache

import numpy as np

from .numpy_manual import adopt, depth, export

READ_AFTER = "numpy_manual"


@lru_cache(maxsize=2)  # two sizes are in use: a training batch and the test images
def buffers(rows, layers, dtype):
    n, shapes = len(layers), {}
    for i, (fan_in, fan_out) in enumerate(layers, start=1):
        hidden = (f"h{i}", f"h{i}_relu", f"grad_h{i}", f"grad_h{i}_relu")
        names = hidden if i < n else ("logits", "log_p", "grad_logits")
        shapes |= dict.fromkeys(names, (rows, fan_out))
        shapes |= {f"grad_w{i}": (fan_in, fan_out), f"grad_b{i}": (fan_out,)}
    return {name: np.empty(shape, dtype) for name, shape in shapes.items()}


def buffers_of(state, x):
    layers = tuple(state[f"w{i}"].shape for i in range(1, depth(state) + 1))
    return buffers(len(x), layers, x.dtype)


@lru_cache(maxsize=2)
def pixel_buffers(shape, dtype):
    return np.empty(shape, np.uint8), np.empty(shape, dtype)


def normalise(images, mean, std, out):
    np.copyto(out, images)
    out /= 255
    out -= mean
    out /= std
    return out


def forward(state, x):
    n, b = depth(state), buffers_of(state, x)
    a = x
    for i in range(1, n):
        h, h_relu = b[f"h{i}"], b[f"h{i}_relu"]
        np.matmul(a, state[f"w{i}"], out=h)
        h += state[f"b{i}"]
        a = np.maximum(h, 0, out=h_relu)
    np.matmul(a, state[f"w{n}"], out=b["logits"])
    b["logits"] += state[f"b{n}"]
    return b["logits"]


def softmax(logits, log_p, p):  # both from one exp
    np.subtract(logits, logits.max(axis=1, keepdims=True), out=log_p)
    np.exp(log_p, out=p)
    total = p.sum(axis=1, keepdims=True)
    log_p -= np.log(total)
    p /= total


def trace(state, x, y, rate=1):
    n, rows, b = depth(state), np.arange(len(y)), buffers_of(state, x)

    # Forward pass
    forward(state, x)

    # Loss
    softmax(b["logits"], b["log_p"], p := b["grad_logits"])
    loss = -b["log_p"][rows, y].mean()

    # Backward pass, times the rate: of all arrays this one costs least to multiply
    p[rows, y] -= 1
    p *= rate / len(y)
    grad = p
    for i in range(n, 1, -1):
        grad_h = b[f"grad_h{i - 1}"]
        np.matmul(b[f"h{i - 1}_relu"].T, grad, out=b[f"grad_w{i}"])
        grad.sum(axis=0, out=b[f"grad_b{i}"])
        np.matmul(grad, state[f"w{i}"].T, out=b[f"grad_h{i - 1}_relu"])
        np.greater(b[f"h{i - 1}"], 0, out=grad_h)  # the gate, 0 or 1
        grad = np.multiply(b[f"grad_h{i - 1}_relu"], grad_h, out=grad_h)
    np.matmul(x.T, grad, out=b["grad_w1"])
    grad.sum(axis=0, out=b["grad_b1"])
    return b | {"loss": loss}


def loss_and_grads(state, x, y):
    seen = trace(state, x, y)
    return seen["loss"], {name: seen[f"grad_{name}"] for name in state}


def train_step(state, x, y, learning_rate):
    seen = trace(state, x, y, rate=learning_rate)
    for name in state:
        state[name] -= seen[f"grad_{name}"]
    return state, seen["loss"]


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    losses = np.empty(len(order), state["w1"].dtype)
    pixels, x = pixel_buffers((order.shape[1], images.shape[1]), losses.dtype)
    for i, batch in enumerate(order):
        np.take(images, batch, axis=0, out=pixels, mode="clip")  # checking indices takes a copy
        normalise(pixels, mean, std, out=x)
        state, losses[i] = train_step(state, x, labels[batch], learning_rate)
    return state, losses


def evaluate(state, images, labels, mean, std):
    _, x = pixel_buffers(images.shape, state["w1"].dtype)
    logits = forward(state, normalise(images, mean, std, out=x))
    b = buffers_of(state, x)
    softmax(logits, b["log_p"], b["grad_logits"])
    mean_loss = -b["log_p"][np.arange(len(labels)), labels].mean()
    return mean_loss, (b["log_p"].argmax(axis=1) == labels).sum()
