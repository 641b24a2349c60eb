"""PyTorch, the chain rule by hand: unfold copies the windows, and fold adds up what flows back."""

import torch
import torch.nn.functional as F

READ_AFTER = "numpy_manual"

EPS, MOMENTUM = 1e-5, 0.1
WINDOWS = {"kernel_size": 3, "padding": 1, "stride": 2}
CHANNELS = (0, 2, 3)  # a statistic of each channel is over these axes


def adopt(params):
    # PyTorch's own layout: images are (n, channels, rows, columns), kernels (out, in, 3, 3)
    return {n: p.permute(3, 2, 0, 1).contiguous() if "kernel" in n else p for n, p in params.items()}


def export(state):
    return {n: p.permute(2, 3, 1, 0) if "kernel" in n else p for n, p in state.items()}


def shown(seen):
    images = {n: a.permute(0, 2, 3, 1) for n, a in seen.items() if a.ndim == 4 and "kernel" not in n}
    return export(seen) | images


def channels_first(x):
    return x.permute(0, 3, 1, 2)


def flatten(pooled):  # in the order of w's rows, where channels come last
    return pooled.permute(0, 2, 3, 1).flatten(1)


def halved(size):
    return (size + 1) // 2


def convolution(patches, kernel, a):
    return (kernel.flatten(1) @ patches).unflatten(2, (halved(a.shape[2]), halved(a.shape[3])))


def spread(grad, a):
    return F.fold(grad, a.shape[2:], **WINDOWS)


def counts(a):
    """How many pixels of each window lie in the image."""
    return F.avg_pool2d(torch.ones_like(a[:1, :1]), **WINDOWS, divisor_override=1)


def average_pool_grad(a, grad):
    part = (grad / counts(a)).flatten(2)
    return spread(part.repeat_interleave(9, dim=1), a)


def of_channels(statistic):
    return statistic[:, None, None]


def forward(state, x):
    a = channels_first(x)
    for i in (1, 2):
        conv = convolution(F.unfold(a, **WINDOWS), state[f"kernel{i}"], a)
        std = torch.sqrt(state[f"var{i}"] + EPS)
        normed = (conv - of_channels(state[f"mean{i}"])) / of_channels(std)
        a = torch.relu(normed * of_channels(state[f"scale{i}"]) + of_channels(state[f"shift{i}"]))
    return flatten(F.avg_pool2d(a, **WINDOWS, count_include_pad=False)) @ state["w"] + state["b"]


def forward_and_back(state, x, y):
    rows, seen, patches, std, normed = torch.arange(len(y), device=y.device), {}, {}, {}, {}

    # Forward pass
    a = channels_first(x)
    for i in (1, 2):
        patches[i] = F.unfold(a, **WINDOWS)
        conv = seen[f"conv{i}"] = convolution(patches[i], state[f"kernel{i}"], a)
        var, mean = torch.var_mean(conv, CHANNELS, correction=0)
        seen[f"batch_mean{i}"], seen[f"batch_var{i}"] = mean, var
        std[i] = torch.sqrt(var + EPS)
        normed[i] = (conv - of_channels(mean)) / of_channels(std[i])
        seen[f"h{i}"] = normed[i] * of_channels(state[f"scale{i}"]) + of_channels(state[f"shift{i}"])
        a = seen[f"h{i}_relu"] = torch.relu(seen[f"h{i}"])
    seen["pooled"] = F.avg_pool2d(a, **WINDOWS, count_include_pad=False)
    flat = flatten(seen["pooled"])
    seen["logits"] = flat @ state["w"] + state["b"]

    # Loss
    seen["log_p"] = torch.log_softmax(seen["logits"], dim=1)
    seen["loss"] = -seen["log_p"][rows, y].mean()

    # Backward pass
    grad = seen["log_p"].exp()
    grad[rows, y] -= 1
    grad = seen["grad_logits"] = grad / len(y)
    seen["grad_w"] = flat.T @ grad
    seen["grad_b"] = grad.sum(dim=0)
    n, c, h, w = seen["pooled"].shape
    seen["grad_pooled"] = channels_first((grad @ state["w"].T).view(n, h, w, c))
    seen["grad_h2_relu"] = average_pool_grad(seen["h2_relu"], seen["grad_pooled"])
    for i in (2, 1):
        grad = seen[f"grad_h{i}"] = torch.where(seen[f"h{i}"] > 0, seen[f"grad_h{i}_relu"], 0)
        scale = seen[f"grad_scale{i}"] = (grad * normed[i]).sum(CHANNELS)
        shift = seen[f"grad_shift{i}"] = grad.sum(CHANNELS)
        means = (of_channels(shift) + normed[i] * of_channels(scale)) / positions(grad)
        grad = seen[f"grad_conv{i}"] = (grad - means) * of_channels(state[f"scale{i}"] / std[i])
        grad, kernel = grad.flatten(2), state[f"kernel{i}"]
        seen[f"grad_kernel{i}"] = torch.einsum("nol,nkl->ok", grad, patches[i]).view_as(kernel)
        if i == 2:  # images need no gradient
            seen["grad_h1_relu"] = spread(kernel.flatten(1).T @ grad, seen["h1_relu"])
    return seen


def trace(state, x, y):
    return shown(forward_and_back(state, x, y))


def positions(images):
    """How many numbers each channel has."""
    return images.numel() // images.shape[1]


def grads_of(state, seen):
    return {name: seen[f"grad_{name}"] for name in state if f"grad_{name}" in seen}


def loss_and_grads(state, x, y):
    seen = forward_and_back(state, x, y)
    return seen["loss"], export(grads_of(state, seen))


def renew(state, seen):
    """The running statistics after a batch, whose variance is estimated with n - 1."""
    for i in (1, 2):
        n = positions(seen[f"conv{i}"])
        state[f"mean{i}"].lerp_(seen[f"batch_mean{i}"], MOMENTUM)
        state[f"var{i}"].lerp_(seen[f"batch_var{i}"] * (n / (n - 1)), MOMENTUM)


def train_step(state, x, y, learning_rate):
    seen = forward_and_back(state, x, y)
    renew(state, seen)
    for name, grad in grads_of(state, seen).items():
        state[name].sub_(grad, alpha=learning_rate)  # in place: scaled and subtracted in one pass
    return state, seen["loss"]
