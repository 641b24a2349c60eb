"""Plain JAX functions: names, values, gradients, state, and functions that cannot be traced."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

from samestep.agreement.arithmetic.program import Refused  # noqa: E402
from samestep.models.jax import from_function  # noqa: E402
from samestep.models.tensors import Role  # noqa: E402
from tests.models.jax.nets import (  # noqa: E402
    asked,
    cnn,
    cnn_params,
    follow,
    gpt,
    gpt_params,
    key,
    mlp,
    mlp_params,
    names,
    normal,
    outside,
    same,
    tokens,
)


def test_the_tensors_of_a_run_stand_in_the_order_of_a_training_step():
    tensors = follow(from_function(mlp, mlp_params()), asked(normal(5, 4)))
    roles = [tensor.role for tensor in tensors]
    assert roles == sorted(roles, key=list(Role).index)
    assert names(tensors, Role.LAYER) == names(tensors, Role.LAYER_GRADIENT) == ["hidden"]
    assert names(tensors, Role.OUTPUT) == [""]
    assert names(tensors, Role.INPUT_GRADIENT) == ["0"]
    assert names(tensors, Role.GRADIENT) == ["first/b", "first/w", "second/0"]


def test_gradients_are_those_of_jax_by_the_cotangents_of_the_question():
    params, question = mlp_params(), asked(normal(5, 4))

    def weighted(params, x):
        return jnp.sum(mlp(params, x) * question.cotangent(0, (5, 3)))

    of_params, of_input = jax.grad(weighted, (0, 1))(params, question.inputs[0])
    by_hand = {
        key(Role.GRADIENT, "first/w"): of_params["first"]["w"],
        key(Role.GRADIENT, "second/0"): of_params["second"][0],
        key(Role.INPUT_GRADIENT, "0"): of_input,
    }
    program = from_function(mlp, params).program(question)
    assert not outside({name: np.asarray(x) for name, x in by_hand.items()}, program)
    twice = {name: 2 * np.asarray(x) for name, x in by_hand.items()}
    assert len(outside(twice, program)) == 3


def test_state_outputs_in_a_tree_and_integers():
    params, state = cnn_params()
    subject = from_function(cnn, params, state)
    tensors = follow(subject, asked(normal(2, 6, 6, 3)))
    assert names(tensors, Role.OUTPUT) == ["logits", "features.0", "features.1"]
    assert tensors[key(Role.OUTPUT, "features.1")].dtype == np.int32
    assert names(tensors, Role.STATE) == list(subject.state()) == ["count", "mean"]
    assert tensors[key(Role.STATE, "count")] == 1
    assert subject.state()["count"] == 0


def test_cotangents_go_to_floating_outputs_only():
    def two(x):
        return jnp.argmax(x), x[0], x[1:] * 2

    question = asked(normal(3))
    gradient = from_function(two).run(question)[key(Role.INPUT_GRADIENT, "0")]
    assert (
        gradient.tobytes() == np.append(question.cotangent(0, ()), 2 * question.cotangent(1, (2,))).tobytes()
    )


def test_each_turn_of_a_scan_is_a_call_of_its_layers():
    subject = from_function(gpt, gpt_params())
    tensors = follow(subject, asked(tokens()))
    calls = ["norm", "block", "norm#2", "block#2", "norm#3", "block#3"]
    assert names(tensors, Role.LAYER) == calls
    assert names(tensors, Role.LAYER_GRADIENT) == calls[::-1]
    assert not names(tensors, Role.INPUT_GRADIENT)
    assert [layer.name for layer in subject.layers()] == ["norm", "block"]


def test_inputs_by_keyword_and_flags():
    def scaled(x, *, factor, double):
        return x * factor * (2 if double else 1)

    question = asked(normal(3), np.float32(3), np.array(True), keywords=("factor", "double"))
    tensors = from_function(scaled).run(question)
    assert tensors[key(Role.OUTPUT)].tobytes() == (normal(3) * 3 * 2).tobytes()
    assert names(tensors, Role.INPUT_GRADIENT) == ["0", "factor"]


def test_without_a_backward_pass_there_are_no_gradients():
    tensors = follow(from_function(mlp, mlp_params()), asked(normal(5, 4), backward=False))
    assert {tensor.role for tensor in tensors} == {Role.LAYER, Role.OUTPUT}


def test_a_function_that_needs_values_runs_eagerly_and_says_so():
    def branching(params, x):
        return x @ params["w"] if x.sum() > 0 else -x @ params["w"]

    x = np.abs(normal(2, 4))
    subject, question = from_function(branching, {"w": normal(4, 3)}), asked(x)
    tensors = subject.run(question)
    assert "eagerly" in subject.describe()
    plain = from_function(lambda params, x: x @ params["w"], {"w": normal(4, 3)})
    assert list(tensors) == list(plain.run(question))
    assert not outside(tensors, plain.program(question))
    with pytest.raises(Refused, match="branching needs traced values in Python"):
        subject.program(question)


def test_with_values_changes_some_and_compiles_once():
    subject, question = from_function(mlp, mlp_params()), asked(normal(5, 4))
    before = subject.run(question)
    other = subject.with_values({"first/b": np.zeros(8)}, {})
    assert other.parameters()["first/b"].dtype == np.float32
    assert not same(before, other.run(question))
    assert same(before, subject.run(question))
    assert same(before, other.with_values({"first/b": normal(8, seed=1)}, {}).run(question))
    assert len(subject.memory.compiled) == 1


def test_bfloat16_stays_bfloat16():
    params = {"w": jnp.asarray(normal(4, 3), jnp.bfloat16)}
    tensors = follow(from_function(lambda p, x: x.astype(jnp.bfloat16) @ p["w"], params), asked(normal(5, 4)))
    assert tensors[key(Role.GRADIENT, "w")].dtype.name == "bfloat16"


def test_a_key_among_the_state_is_carried_and_not_compared():
    def noisy(params, state, x):
        new, use = jax.random.split(state["key"])
        return x * params["w"] + jax.random.normal(use, x.shape), {"key": new, "n": state["n"] + 1}

    state = {"key": jax.random.key(0), "n": np.float32(0)}
    tensors = follow(from_function(noisy, {"w": np.float32(2)}, state), asked(normal(3)))
    assert names(tensors, Role.STATE) == ["n"]
