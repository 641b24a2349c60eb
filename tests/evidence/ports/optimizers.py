"""Optimisers of PyTorch and their twins of optax, written by hand, foreach and fused: three steps of each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
import torch
from torch import nn

import samestep
from tests.evidence.ports.jax_layers import normal, weights
from tests.evidence.ports.port import Case, Fault, Port

NEEDS, TORCH = ("torch", "jax", "optax"), ("torch",)
Pair = tuple[Callable[..., Any], Callable[..., Any]]


def reference(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(OrderedDict(first=nn.Linear(6, 8), tanh=nn.Tanh(), second=nn.Linear(8, 3)))


def port(p: Any, x: Any) -> Any:
    return jnp.tanh(x @ p["first.weight"] + p["first.bias"]) @ p["second.weight"] + p["second.bias"]


def case(seed: int, mine: Any, theirs: Any) -> Case:
    """The port with its optimiser against PyTorch's."""
    model = reference(seed)
    options = {"optimizer": (mine, theirs), "variants": False}
    return Case(samestep.Model(port, weights(model)), model, (normal(seed, 10, 6),), options)


def torch_case(seed: int, mine: Any, theirs: Any) -> Case:
    """The same network in PyTorch twice, with two optimisers."""
    options = {"optimizer": (mine, theirs), "variants": False}
    return Case(reference(seed), reference(seed), (normal(seed, 10, 6),), options)


def made(name: str, **settings: Any) -> Callable[[Iterable[Any]], torch.optim.Optimizer]:
    """A function of the parameters that makes an optimiser of PyTorch."""
    return partial(getattr(torch.optim, name), **settings)


def every(update: Callable[..., Any], *trees: Any) -> tuple[Any, ...]:
    """Apply ``update`` to each parameter of several trees; one tree for each of its results."""
    leaves, form = jax.tree.flatten(trees[0])
    results = [
        update(*parts) for parts in zip(leaves, *(jax.tree.leaves(tree) for tree in trees[1:]), strict=True)
    ]
    return tuple(jax.tree.unflatten(form, part) for part in zip(*results, strict=True))


def zeros(tree: Any) -> Any:
    return jax.tree.map(jnp.zeros_like, tree)


def sgd(
    lr: float, momentum: float, *, dampening: float = 0.0, dampens_first: bool = False, decay: float = 0.0,
    decay_last: bool = False, nesterov: bool = False, forgets: bool = False,
) -> Pair:  # fmt: skip
    """PyTorch's SGD by hand: its first step is not dampened. The other keywords are mistakes."""

    def update(grads: Any, state: Any, params: Any) -> Any:
        t, buffers = state

        def one(g: Any, b: Any, p: Any) -> Any:
            g = g if decay_last else g + decay * p
            share = 1 - dampening if dampens_first else jnp.where(t == 0, 1.0, 1 - dampening)
            b = momentum * (0 * b if forgets else b) + share * g
            step = g + momentum * b if nesterov else b
            return -lr * (step + decay * p if decay_last else step), b

        steps, buffers = every(one, grads, buffers, params)
        return steps, (t + 1, buffers)

    return lambda params: (jnp.zeros((), jnp.int32), zeros(params)), update


def adam(
    lr: float = 1e-2, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8, decay: float = 0.0, *,
    place: str = "after", corrects: bool = True, first: int = 1, scales_decay: bool = True,
    coupled: bool = False, moment: str = "square",
) -> Pair:  # fmt: skip
    """AdamW by hand; the keywords after eps are mistakes, but for ``decay`` and ``coupled``, Adam's L2."""

    def update(grads: Any, state: Any, params: Any) -> Any:
        t, means, squares = state
        c1, c2 = (1 - b1**t, 1 - b2**t) if corrects else (1.0, 1.0)

        def one(g: Any, m: Any, v: Any, p: Any) -> Any:
            g = g + decay * p if coupled else g
            m = b1 * m + (1 - b1) * g
            v = b2 * v + (1 - b2) * (g * g if moment == "square" else jnp.abs(g))
            if place == "before":
                step = m / c1 / (jnp.sqrt(v) + eps) * jnp.sqrt(c2)
            else:
                step = m / c1 / (jnp.sqrt(v / c2 + eps) if place == "inside" else jnp.sqrt(v / c2) + eps)
            rest = 0.0 if coupled else decay * p if scales_decay else decay * p / lr
            return -lr * (step + rest), m, v

        steps, means, squares = every(one, grads, means, squares, params)
        return steps, (t + 1, means, squares)

    return lambda params: (jnp.asarray(first, jnp.float32), zeros(params), zeros(params)), update


def adagrad(lr: float, eps: float = 1e-10, initial: float = 0.0, inside: bool = False) -> Pair:
    """Adagrad by hand, as PyTorch has it; an initial sum and eps under the root are mistakes."""

    def update(grads: Any, sums: Any, params: Any) -> Any:
        def one(g: Any, s: Any) -> Any:
            s = s + g * g
            return -lr * g / (jnp.sqrt(s + eps) if inside else jnp.sqrt(s) + eps), s

        return every(one, grads, sums)

    return lambda params: jax.tree.map(lambda p: jnp.full_like(p, initial), params), update


def nadam(lr: float, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8, schedule: float = 4e-3) -> Pair:
    """NAdam by hand with PyTorch's schedule of the momentum, which optax does not have."""

    def update(grads: Any, state: Any, params: Any) -> Any:
        t, product, means, squares = state
        now = b1 * (1 - 0.5 * 0.96 ** (t * schedule))
        after = b1 * (1 - 0.5 * 0.96 ** ((t + 1) * schedule))
        product = product * now

        def one(g: Any, m: Any, v: Any) -> Any:
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
            root = jnp.sqrt(v / (1 - b2**t)) + eps
            step = (1 - now) / (1 - product) * g + after / (1 - product * after) * m
            return -lr * step / root, m, v

        steps, means, squares = every(one, grads, means, squares)
        return steps, (t + 1, product, means, squares)

    one = jnp.ones((), jnp.float32)
    return lambda params: (one, one, zeros(params), zeros(params)), update


def no_decay_on_biases(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """AdamW as transformers are trained: weights decay, biases do not."""
    given = list(parameters)
    groups = [{"params": [p for p in given if p.ndim > 1], "weight_decay": 0.1},
              {"params": [p for p in given if p.ndim < 2], "weight_decay": 0.0}]  # fmt: skip
    return torch.optim.AdamW(groups, lr=1e-2)


def only_weights(params: Any) -> Any:
    return jax.tree.map(lambda p: p.ndim > 1, params)


SGD, ADAM, ADAMW = (
    made("SGD", lr=0.1, momentum=0.9),
    made("Adam", lr=1e-2),
    made("AdamW", lr=1e-2, weight_decay=0.1),
)
NESTEROV = made("SGD", lr=0.1, momentum=0.9, nesterov=True)
SGD_DECAY, ADAM_L2 = (
    made("SGD", lr=0.1, momentum=0.9, weight_decay=0.1),
    made("Adam", lr=1e-2, weight_decay=0.1),
)
DAMPENED, RMSPROP = made("SGD", lr=0.1, momentum=0.9, dampening=0.5), made("RMSprop", lr=1e-2)
ADAGRAD, NADAM = made("Adagrad", lr=1e-2), made("NAdam", lr=1e-2)
BETAS = made("Adam", lr=3e-4, betas=(0.9, 0.95), eps=1e-6)
decayed = optax.add_decayed_weights
TWINS = (
    ("SGD", optax.sgd(0.1), made("SGD", lr=0.1)),
    ("SGD, momentum", optax.sgd(0.1, 0.9), SGD),
    ("SGD, Nesterov", optax.sgd(0.1, 0.9, nesterov=True), NESTEROV),
    ("SGD, weight decay", optax.chain(decayed(0.1), optax.sgd(0.1, 0.9)), SGD_DECAY),
    ("SGD, dampening, by hand", sgd(0.1, 0.9, dampening=0.5), DAMPENED),
    ("Adam", optax.adam(1e-2), ADAM),
    ("Adam, betas and eps", optax.adam(3e-4, 0.9, 0.95, 1e-6), BETAS),
    ("Adam with L2", optax.chain(decayed(0.1), optax.adam(1e-2)), ADAM_L2),
    ("Adam by hand", adam(), ADAM),
    ("AdamW", optax.adamw(1e-2, weight_decay=0.1), ADAMW),
    ("AdamW, no decay on biases", optax.adamw(1e-2, weight_decay=0.1, mask=only_weights), no_decay_on_biases),
    ("RMSprop", optax.rmsprop(1e-2, 0.99, eps_in_sqrt=False), RMSPROP),
    ("RMSprop, momentum", optax.rmsprop(1e-2, 0.99, eps_in_sqrt=False, momentum=0.9),
     made("RMSprop", lr=1e-2, momentum=0.9)),
    ("Adagrad by hand", adagrad(1e-2), ADAGRAD),
    ("NAdam by hand", nadam(1e-2), NADAM),
    ("Adadelta", optax.adadelta(1.0, 0.9, 1e-6), made("Adadelta", lr=1.0)),
)  # fmt: skip
IMPLEMENTATIONS = (
    ("Adam, foreach", made("Adam", lr=1e-2, foreach=True), made("Adam", lr=1e-2, foreach=False)),
    ("Adam, fused", made("Adam", lr=1e-2, fused=True), ADAM),
    ("AdamW, fused", made("AdamW", lr=1e-2, weight_decay=0.1, fused=True), ADAMW),
    ("SGD, fused", made("SGD", lr=0.1, momentum=0.9, fused=True), SGD),
)
PORTS = (
    *(Port(f"optimizers: {name}, torch -> JAX", partial(case, mine=m, theirs=t), NEEDS) for name, m, t in TWINS),
    *(Port(f"optimizers: {name}, torch", partial(torch_case, mine=m, theirs=t), TORCH)
      for name, m, t in IMPLEMENTATIONS),
)  # fmt: skip
FROM_FIRST, FROM_SECOND, ALREADY_THIRD = ("* after step 1",), ("* after step 2",), ("* after step [23]",)
MISTAKES = (
    ("Adam, rate x (1 + 1e-5)", optax.adam(1e-2 * (1 + 1e-5)), ADAM, FROM_FIRST, "1e-5 of itself"),
    ("Adam, rate x 10", optax.adam(1e-1), ADAM, FROM_FIRST, "learning rate"),
    ("Adam, eps 1e-7", adam(eps=1e-7), ADAM, FROM_FIRST, "eps"),
    ("Adam, eps under the root", adam(place="inside"), ADAM, FROM_FIRST, "under the root"),
    ("Adam, optax's eps_root", optax.adam(1e-2, eps=0.0, eps_root=1e-8), ADAM, FROM_FIRST, "under the root"),
    ("Adam, eps before the correction", adam(place="before"), ADAM, FROM_FIRST, "before its correction"),
    ("Adam, moments not corrected", adam(corrects=False), ADAM, FROM_FIRST, "not corrected"),
    ("Adam, steps counted from 0", adam(first=0), ADAM, FROM_FIRST, "NaN"),
    ("Adam, steps counted from 2", adam(first=2), ADAM, FROM_FIRST, None),
    ("Adam, beta1 0.95", optax.adam(1e-2, 0.95), ADAM, FROM_SECOND, "beta1"),
    ("Adam, beta2 0.99", optax.adam(1e-2, 0.9, 0.99), ADAM, FROM_SECOND, "second moment"),
    ("Adam, mean of |g| for squares", adam(moment="abs"), ADAM, FROM_FIRST, None),
    ("Adam, AMSGrad of optax", optax.amsgrad(1e-2), made("Adam", lr=1e-2, amsgrad=True), ALREADY_THIRD, None),
    ("Adam with Nesterov", optax.nadam(1e-2), ADAM, FROM_FIRST, "Nesterov"),
    ("AdamW, decay coupled", adam(decay=0.1, coupled=True), ADAMW, FROM_FIRST, "added to the gradient"),
    ("AdamW, decay without the rate", adam(decay=0.1, scales_decay=False), ADAMW, FROM_FIRST, "not multiplied"),
    ("AdamW, no decay", optax.adam(1e-2), ADAMW, FROM_FIRST, "no weight decay"),
    ("AdamW, optax's decay of 1e-4", optax.adamw(1e-2), ADAMW, FROM_FIRST, "decay is 1e-4"),
    ("AdamW, biases decay", optax.adamw(1e-2, weight_decay=0.1), no_decay_on_biases,
     ("*.bias after step 1",), "decay"),
    ("Adam with L2, decoupled", optax.adamw(1e-2, weight_decay=0.1), ADAM_L2, FROM_FIRST, "decoupled"),
    ("SGD, dampened from the first step", sgd(0.1, 0.9, dampening=0.9, dampens_first=True), SGD, FROM_FIRST,
     "dampened"),
    ("SGD, dampening 0.9", sgd(0.1, 0.9, dampening=0.9), SGD, FROM_SECOND, "dampened"),
    ("SGD, no dampening", optax.sgd(0.1, 0.9), DAMPENED, FROM_SECOND, "no dampening"),
    ("SGD, Nesterov on", optax.sgd(0.1, 0.9, nesterov=True), SGD, FROM_FIRST, "Nesterov"),
    ("SGD, Nesterov off", optax.sgd(0.1, 0.9), NESTEROV, FROM_FIRST, "plain momentum"),
    ("SGD, no momentum", optax.sgd(0.1), SGD, FROM_SECOND, "no momentum"),
    ("SGD, momentum 0.99", optax.sgd(0.1, 0.99), SGD, FROM_SECOND, "momentum is 0.99"),
    ("SGD, its state is forgotten", sgd(0.1, 0.9, forgets=True), SGD, FROM_SECOND, "no momentum"),
    ("SGD, decay after the momentum", sgd(0.1, 0.9, decay=0.1, decay_last=True), SGD_DECAY, FROM_SECOND,
     "decoupled"),
    ("SGD, gradients clipped", optax.chain(optax.clip(0.5), optax.sgd(0.1, 0.9)), SGD, FROM_FIRST, None),
    ("SGD, gradients clipped by norm", optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1, 0.9)), SGD,
     FROM_FIRST, "times what"),
    ("SGD, ascent", optax.sgd(-0.1, 0.9), SGD, FROM_FIRST, "-0.1"),
    ("SGD, rate warms up", optax.sgd(optax.linear_schedule(0.0, 0.1, 2), 0.9), SGD, FROM_FIRST, "rate is 0"),
    ("RMSprop, eps under the root", optax.rmsprop(1e-2, 0.99), RMSPROP, FROM_FIRST, "under the root"),
    ("RMSprop, decay 0.9", optax.rmsprop(1e-2, 0.9, eps_in_sqrt=False), RMSPROP, FROM_FIRST, "decay is 0.9"),
    ("RMSprop, moments corrected", optax.rmsprop(1e-2, 0.99, eps_in_sqrt=False, bias_correction=True), RMSPROP,
     FROM_FIRST, None),
    ("Adagrad, begins at 0.1", adagrad(1e-2, initial=0.1), ADAGRAD, FROM_FIRST, "begins at 0.1"),
    ("Adagrad of optax", optax.adagrad(1e-2), ADAGRAD, FROM_FIRST, None),
    ("NAdam without the schedule", optax.nadam(1e-2), NADAM, FROM_FIRST, "times what"),
)  # fmt: skip
FAULTS = tuple(
    Fault(f"optimizers: {name}", partial(case, mine=mine, theirs=theirs), NEEDS, places, cause)
    for name, mine, theirs, places, cause in MISTAKES
)
