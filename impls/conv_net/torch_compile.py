"""PyTorch compiled: BatchNorm, relu and pooling become few loops between the convolutions."""

import torch
import torch.nn.functional as F

from .torch_manual import (
    CHANNELS,
    EPS,
    MOMENTUM,
    WINDOWS,
    adopt,
    channels_first,
    export,
    flatten,
    of_channels,
    positions,
)

READ_AFTER = "torch_autograd"

torch.compiler.config.recompile_limit = 64  # one graph for each shape; the default keeps 8


def compiled(function):
    return torch.compile(function, fullgraph=True, dynamic=False)


def weights(state):
    return {name: p for name, p in state.items() if not name.startswith(("mean", "var"))}


def network(state, x, statistics):
    """The logits; ``statistics(i, conv)`` returns the mean and the variance that a BatchNorm uses."""
    a = channels_first(x)
    for i in (1, 2):
        conv = F.conv2d(a, state[f"kernel{i}"], stride=2, padding=1)
        mean, var = statistics(i, conv)
        normed = (conv - of_channels(mean)) * of_channels(torch.rsqrt(var + EPS))
        a = torch.relu(normed * of_channels(state[f"scale{i}"]) + of_channels(state[f"shift{i}"]))
    pooled = F.avg_pool2d(a, **WINDOWS, count_include_pad=False)
    return torch.addmm(state["b"], flatten(pooled), state["w"])


@compiled
def forward(state, x):
    return network(state, x, lambda i, conv: (state[f"mean{i}"], state[f"var{i}"]))


def loss_fn(weights, x, y):
    """The loss, and beside it the statistics of the batch."""
    batch = {}

    def statistics(i, conv):
        var, mean = torch.var_mean(conv, CHANNELS, correction=0)
        n = positions(conv)
        batch[f"mean{i}"], batch[f"var{i}"] = mean, var * (n / (n - 1))
        return mean, var

    return F.cross_entropy(network(weights, x, statistics), y), batch


# Unlike loss.backward(), a transform of functions is traced as part of the graph around it
grads_and_loss = torch.func.grad_and_value(loss_fn, has_aux=True)


@compiled
def loss_and_grads(state, x, y):
    grads, (loss, _) = grads_and_loss(weights(state), x, y)
    return loss, export(grads)


@compiled
def descend(state, x, y, learning_rate):
    grads, (loss, batch) = grads_and_loss(weights(state), x, y)
    for name, grad in grads.items():
        state[name].sub_(learning_rate * grad)
    for name, statistic in batch.items():
        state[name].lerp_(statistic, MOMENTUM)
    return loss


def train_step(state, x, y, learning_rate):  # each new Python float would be compiled anew
    return state, descend(state, x, y, state["w"].new_full((), learning_rate))
