"""Losses of PyTorch against JAX: a small net, and its loss as a pair of functions, or by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn
from torch.nn import functional

import samestep
from tests.evidence.ports.attention import arrays, inputs, stirred
from tests.evidence.ports.port import Case, Fault, Port

NEEDS = ("torch", "jax")
ROWS, FEATURES, CLASSES, IGNORED = 24, 12, 7, -100
SMOOTHING, DELTA, WEIGHT = 0.1, 0.5, 3.0


def net(p: dict[str, Any], x: Any) -> Any:
    """Two linear layers and a tanh."""
    h = samestep.tag(jnp.tanh(x @ p["0.weight"].T + p["0.bias"]), "tanh")
    return h @ p["2.weight"].T + p["2.bias"]


# -- the losses, PyTorch's and by hand: (outputs, targets) -> a scalar; keywords are mistakes ---------------


def torch_cross_entropy(logits: Any, targets: Any, smoothing: float = 0.0) -> Any:
    return functional.cross_entropy(logits, targets, ignore_index=IGNORED, label_smoothing=smoothing)


def cross_entropy(
    logits: Any, targets: Any, smoothing: float = 0.0, counted: str = "kept", others: bool = False, inside: float = 0.0
) -> Any:  # fmt: skip
    """``counted``: what the mean is over; ``inside``: what is added to probabilities before their logarithm."""
    kept = targets != IGNORED
    logs = jnp.log(jax.nn.softmax(logits) + inside) if inside else jax.nn.log_softmax(logits)
    picked = jnp.take_along_axis(logs, jnp.where(kept, targets, 0)[:, None], 1)[:, 0]
    spread = (logs.sum(-1) - picked) / (CLASSES - 1) if others else logs.mean(-1)
    losses = -((1 - smoothing) * picked + smoothing * spread)
    if counted == "all":
        return jnp.mean(losses)
    losses = jnp.where(kept, losses, 0)
    return (
        losses.sum() if counted == "sum" else losses.sum() / (len(kept) if counted == "rows" else kept.sum())
    )


def torch_weighted(logits: Any, targets: Any) -> Any:
    weights = torch.arange(1.0, CLASSES + 1)
    return functional.cross_entropy(logits, targets, weights)


def weighted(logits: Any, targets: Any, over_weights: bool = True) -> Any:
    """Classes of different weight: the mean is over the weights."""
    weights = jnp.arange(1.0, CLASSES + 1)[targets]
    losses = -weights * jnp.take_along_axis(jax.nn.log_softmax(logits), targets[:, None], 1)[:, 0]
    return losses.sum() / weights.sum() if over_weights else losses.mean()


def torch_binary(logits: Any, targets: Any) -> Any:
    return functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=torch.tensor(WEIGHT))


def binary(
    logits: Any, targets: Any, weight: float = WEIGHT, twice: bool = False, clipped: float = 0.0
) -> Any:
    """``twice``: probabilities for logits; ``clipped``: Keras' way, probabilities kept away from 0 and 1."""
    if clipped:
        p = jnp.clip(jax.nn.sigmoid(logits), clipped, 1 - clipped)
        return -jnp.mean(weight * targets * jnp.log(p) + (1 - targets) * jnp.log(1 - p))
    x = jax.nn.sigmoid(logits) if twice else logits
    return -jnp.mean(weight * targets * jax.nn.log_sigmoid(x) + (1 - targets) * jax.nn.log_sigmoid(-x))


def torch_divergence(logits: Any, targets: Any) -> Any:
    return functional.kl_div(logits.log_softmax(-1), targets, reduction="batchmean")


def divergence(logits: Any, targets: Any, reverse: bool = False, over: str = "rows") -> Any:
    """KL(targets || softmax)."""
    logs = jax.nn.log_softmax(logits)
    terms = targets * (jnp.log(targets) - logs)
    if reverse:
        terms = jnp.exp(logs) * (logs - jnp.log(targets))
    return terms.mean() if over == "all" else terms.sum() / len(targets)


def torch_huber(outputs: Any, targets: Any) -> Any:
    return functional.huber_loss(outputs, targets, delta=DELTA)


def huber(outputs: Any, targets: Any, delta: float = DELTA, smooth_l1: bool = False) -> Any:
    """``smooth_l1``: the same divided by delta."""
    apart = jnp.abs(outputs - targets)
    losses = jnp.where(apart < delta, apart**2 / 2, delta * (apart - delta / 2))
    return jnp.mean(losses / delta if smooth_l1 else losses)


def mse(outputs: Any, targets: Any, half: bool = False) -> Any:
    return jnp.mean((outputs - targets) ** 2) / (2 if half else 1)


# -- cases -----------------------------------------------------------------------------------------------


def classes(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, CLASSES, ROWS)


def some_ignored(seed: int) -> np.ndarray:
    return np.where(np.arange(ROWS) % 3 == 1, IGNORED, classes(seed))


def shares(seed: int) -> np.ndarray:
    """Targets in [0, 1]."""
    return np.random.default_rng(seed).random((ROWS, CLASSES), np.float32)


def distributions(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(CLASSES), ROWS).astype(np.float32)


def values(seed: int) -> np.ndarray:
    return inputs(seed + 1, ROWS, CLASSES)


def case(
    seed: int, targets: Callable[[int], np.ndarray], mine: Callable[..., Any], theirs: Callable[..., Any],
    gain: float = 1.0, **mistakes: Any,
) -> Case:  # fmt: skip
    """The net with the loss ``mine`` in JAX and ``theirs`` in PyTorch."""
    torch.manual_seed(seed)
    model = stirred(nn.Sequential(nn.Linear(FEATURES, 16), nn.Tanh(), nn.Linear(16, CLASSES)))
    with torch.no_grad():
        model[2].weight.mul_(gain)
    loss = (partial(mine, **mistakes), theirs)
    candidate = samestep.Model(net, arrays(model))
    return Case(candidate, model, (inputs(seed, ROWS, FEATURES),), {"loss": loss, "targets": targets(seed)})


def named(seed: int, loss: str, targets: Callable[[int], np.ndarray]) -> Case:
    """A loss that every framework has, by name."""
    plain = case(seed, targets, mse, torch_huber)
    return Case(plain.candidate, plain.reference, plain.inputs, {**plain.options, "loss": loss})


smooth = partial(
    case, targets=some_ignored, mine=cross_entropy, theirs=partial(torch_cross_entropy, smoothing=SMOOTHING)
)
plain = partial(case, targets=some_ignored, mine=cross_entropy, theirs=torch_cross_entropy)
by_weights = partial(case, targets=classes, mine=weighted, theirs=torch_weighted)
binaries = partial(case, targets=shares, mine=binary, theirs=torch_binary)
divergences = partial(case, targets=distributions, mine=divergence, theirs=torch_divergence)
hubers = partial(case, targets=values, mine=huber, theirs=torch_huber)
squares = partial(case, targets=values, mine=mse, theirs=functional.mse_loss)

PORTS = (
    Port("loss: cross entropy, smoothed and ignored", partial(smooth, smoothing=SMOOTHING), NEEDS),
    Port("loss: cross entropy, logits of 100", partial(plain, gain=100.0), NEEDS),
    Port("loss: cross entropy with weights of classes", by_weights, NEEDS),
    Port("loss: binary cross entropy with logits", binaries, NEEDS),
    Port("loss: Kullback-Leibler", divergences, NEEDS),
    Port("loss: Huber", hubers, NEEDS),
    Port("loss: cross_entropy by name", partial(named, loss="cross_entropy", targets=classes), NEEDS),
    Port(
        "loss: binary_cross_entropy by name",
        partial(named, loss="binary_cross_entropy", targets=shares),
        NEEDS,
    ),
    Port("loss: l1 by name", partial(named, loss="l1", targets=values), NEEDS),
)


def fault(
    name: str, cause: str | None, make: Callable[..., Case], unseen: str | None = None, **mistakes: Any
) -> Fault:
    """A mistake in a loss, which is first seen in the loss."""
    return Fault(f"loss: {name}", partial(make, **mistakes), NEEDS, ("loss",), cause, unseen=unseen)


FAULTS = (
    fault("label smoothing missing", "smoothing", smooth),
    fault("label smoothing 1e-6", "smoothing", plain, smoothing=1e-6),
    fault("label smoothing 0.1 where there is none", "smoothing", plain, smoothing=SMOOTHING),
    fault(
        "label smoothing over the other classes", "other classes", smooth, smoothing=SMOOTHING, others=True
    ),
    fault("ignored targets counted in the mean", "ignored", plain, counted="rows"),
    fault("ignored targets taken for class 0", "class 0", plain, counted="all"),
    fault("sum for mean", "is a sum", plain, counted="sum"),
    fault("log(p + 1e-7)", None, plain, inside=1e-7),
    fault("weights of classes not in the mean", "times what", by_weights, over_weights=False),
    fault("weight of positives missing", None, binaries, weight=1.0),
    fault("sigmoid taken twice", None, binaries, twice=True),
    fault("probabilities clipped at 1e-3", None, binaries, clipped=1e-3, gain=40.0),
    fault("KL the other way", None, divergences, reverse=True),
    fault("KL's mean over all", "mean over 7", divergences, over="all"),
    fault("Huber delta 1", None, hubers, delta=1.0),
    fault("smooth L1 for Huber", "2 times", hubers, smooth_l1=True),
    fault("half the squared error", "0.5 times", squares, half=True),
)
