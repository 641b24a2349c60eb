"""The functions of `jax.nn`, and the optimisers of optax."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

import samestep
from tests.evidence.jax_cases.case import IDS, ROWS, TOKENS, Case, normal, of_function


def jax_nn() -> list[Case]:
    """Return all functions of `jax.nn`."""
    plain = """
        celu elu gelu glu hard_sigmoid hard_silu hard_swish hard_tanh identity leaky_relu log_sigmoid
        log_softmax logmeanexp logsumexp mish relu relu6 selu sigmoid silu soft_sign softmax softplus
        sparse_plus sparse_sigmoid squareplus standardize swish tanh
    """
    found = [name for name in plain.split() if hasattr(jax.nn, name)]
    cases = [Case("jax.nn", name, _named(name), (TOKENS,)) for name in found]
    heads = normal(2, 5, 2, 4)
    return [
        *cases,
        Case("jax.nn", "gelu, exact", of_function(lambda x: jax.nn.gelu(x, approximate=False)), (TOKENS,)),
        Case("jax.nn", "log1mexp", of_function(lambda x: jax.nn.log1mexp(jnp.exp(x))), (TOKENS,)),
        Case("jax.nn", "one_hot", of_function(lambda i, x: jax.nn.one_hot(i, 8) * x), (IDS, TOKENS)),
        Case("jax.nn", "dot_product_attention",
             of_function(lambda q: jax.nn.dot_product_attention(q, q, q, is_causal=True)), (heads,)),
        Case("jax.nn", "scaled_matmul",
             of_function(lambda a: jax.nn.scaled_matmul(a, a, jnp.ones((1, 4, 2)), jnp.ones((1, 4, 2)))),
             (normal(1, 4, 64),)),
    ]  # fmt: skip


def _named(name: str) -> Callable[[], object]:
    return of_function(lambda x: getattr(jax.nn, name)(x))


def of_optax() -> list[Case]:
    """Return optax's optimisers, each for three steps of a dense layer."""
    names = """
        adabelief adadelta adafactor adagrad adam adamax adamaxw adamw adan amsgrad fromage lamb lars lbfgs
        lion noisy_sgd novograd optimistic_adam_v2 optimistic_gradient_descent polyak_sgd radam rmsprop rprop
        sgd sign_sgd signum sm3 yogi
    """
    how: dict[str, dict[str, object]] = {"noisy_sgd": {"seed": 0}}
    params = {"w": normal(8, 4), "b": normal(4)}

    def model() -> object:
        return samestep.Model(lambda p, x: jnp.tanh(x @ p["w"] + p["b"]), params, framework="jax")

    found = [name for name in names.split() if hasattr(optax, name)]
    cases = [
        Case("optax", name, model, (ROWS,), lambda n=name: getattr(optax, n)(0.01, **how.get(n, {})))
        for name in found
    ]
    scheduled = optax.warmup_cosine_decay_schedule(0.0, 0.1, 2, 5)
    chain = lambda: optax.chain(optax.clip_by_global_norm(0.1), optax.adamw(scheduled))  # noqa: E731
    return [*cases, Case("optax", "clip_by_global_norm, adamw, a schedule", model, (ROWS,), chain)]
