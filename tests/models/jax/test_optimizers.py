"""Optimiser steps from given values: optax transformations and pairs of functions."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

from samestep.models.jax import from_function  # noqa: E402
from samestep.models.question import Steps  # noqa: E402
from samestep.models.subject import ModelError  # noqa: E402
from samestep.models.tensors import Role  # noqa: E402
from tests.models.jax.nets import key, mlp, mlp_params, normal, outside  # noqa: E402

SUBJECT = from_function(mlp, mlp_params())
SHAPES = {name: x.shape for name, x in SUBJECT.parameters().items()}


def drawn(count: int, seed: int) -> tuple[dict[str, np.ndarray], ...]:
    return tuple({n: normal(*s, seed=seed + t) for n, s in SHAPES.items()} for t in range(count))


STEPS = Steps(drawn(3, 10), drawn(3, 20))


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adamw", "rmsprop", "clipped"])
def test_updates_of_optax_are_within_the_limits_of_the_same_steps(name):
    optax = pytest.importorskip("optax")
    optimizer = {
        "sgd": lambda: optax.sgd(0.1),
        "momentum": lambda: optax.sgd(0.1, momentum=0.9, nesterov=True),
        "adam": lambda: optax.adam(1e-3),
        "adamw": lambda: optax.adamw(
            1e-3, weight_decay=0.01, mask=lambda p: jax.tree.map(lambda x: x.ndim > 1, p)
        ),
        "rmsprop": lambda: optax.rmsprop(1e-3),
        "clipped": lambda: optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3)),
    }[name]()
    updates, program = SUBJECT.run_steps(optimizer, STEPS), SUBJECT.steps_program(optimizer, STEPS)
    assert list(updates) == list(program.exact())
    assert [tensor.name for tensor in updates][:3] == ["0:first/b", "0:first/w", "0:second/0"]
    assert len(updates) == 9
    assert not outside(updates, program)


def test_adam_keeps_its_own_state_from_step_to_step():
    optax = pytest.importorskip("optax")
    exact = SUBJECT.steps_program(optax.adam(1e-3), STEPS).exact()
    first, second = np.zeros(8), np.zeros(8)
    for t, gradients in enumerate(STEPS.gradients, 1):
        g = gradients["first/b"].astype(float)
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
        move = -1e-3 * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        share = exact[key(Role.UPDATE, f"{t - 1}:first/b")] / move
        assert np.array_equal(np.round(share, 6), np.ones(8))


def test_a_pair_of_functions_and_some_of_the_parameters():
    def init(params):
        return {"turns": jnp.zeros((), jnp.int32)}

    def update(gradients, state, params):
        return jax.tree.map(lambda g: -0.5 * g, gradients), {"turns": state["turns"] + 1}

    some = Steps(({"first/b": np.zeros(8, np.float32)},), ({"first/b": np.ones(8, np.float32)},))
    updates = SUBJECT.run_steps((init, update), some)
    assert {tensor.name: x.tolist() for tensor, x in updates.items()} == {"0:first/b": [-0.5] * 8}


@pytest.mark.parametrize(
    ("optimizer", "steps", "message"),
    [
        (object(), STEPS, "a JAX optimizer is an optax transformation or a pair"),
        ((lambda p: None, lambda g, s, p: 1 / 0), STEPS, "the optimizer raised ZeroDivisionError"),
        (
            (lambda p: None, lambda g, s, p: ({}, s)),
            STEPS,
            "the update has another tree than was given: it lacks",
        ),
        ((lambda p: None, lambda g, s, p: (g, s)), Steps(({"x": np.ones(1)},), ({},)), "no parameter 'x'"),
        (
            (lambda p: None, lambda g, s, p: (g, s)),
            Steps(({"first/b": np.ones(1)},), ({},)),
            r"the shape \(8,\)",
        ),
    ],
)
def test_what_is_no_optimizer_is_said(optimizer, steps, message):
    with pytest.raises(ModelError, match=message):
        SUBJECT.run_steps(optimizer, steps)
