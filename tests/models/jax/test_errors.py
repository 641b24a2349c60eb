"""Each thing that goes wrong on a JAX side is one line that names it."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

from samestep.models.jax import from_function  # noqa: E402
from samestep.models.subject import ModelError  # noqa: E402
from tests.models.jax.nets import asked, mlp, mlp_params, normal  # noqa: E402

KEPT = []


def leaking(x):
    if KEPT:
        return x + KEPT[0]
    KEPT.append(x * 2)
    return x


@pytest.mark.parametrize(
    ("call", "params", "state", "message"),
    [
        (
            lambda p, x: x @ p["w"],
            {"w": np.ones((3, 2))},
            None,
            "JAX function <lambda> raised TypeError: dot_general",
        ),
        (lambda p, x: 1 / 0, {"w": np.ones(3)}, None, "raised ZeroDivisionError: division by zero"),
        (lambda x: "text", None, None, "the output is a str, which is no array"),
        (lambda x: {"a": x, "b": object()}, None, None, "the output b is a object, which is no array"),
        (lambda x: None, None, None, "the model returned None, which holds no array"),
        (lambda p, s, x: x, {}, {"n": np.ones(2)}, r"must return \(outputs, new_state\)"),
        (lambda p, s, x: (x, {}), {}, {"n": np.ones(2)}, "the new state has another tree .*: it lacks 'n'"),
        (lambda p, s, x: (x, {**s, "m": x}), {}, {"n": np.ones(2)}, "it adds 'm'"),
        (lambda x: np.sin(x), None, None, "cannot be differentiated"),
        (leaking, None, None, "keeps a traced value from another call"),
    ],
)
def test_a_model_that_fails(call, params, state, message):
    KEPT.clear()
    with pytest.raises(ModelError, match=message) as caught:
        from_function(call, params, state).run(asked(normal(5, 4)))
    assert "\n" not in str(caught.value.args[0])


def test_params_that_are_no_arrays():
    with pytest.raises(ModelError, match="'w' has the dtype <U1, which is no jax array"):
        from_function(mlp, {}, {"w": np.array(["a"])})
    with pytest.raises(ModelError, match="two leaves of one tree are both called 'a/b'"):
        from_function(mlp, {"a": {"b": np.ones(1)}, "a/b": np.ones(1)})

    def traced(w):
        from_function(mlp, {"w": w})
        return w

    with pytest.raises(ModelError, match="'w' is a tracer that leaked"):
        jax.jit(traced)(jnp.ones(3))


def test_values_of_other_names_and_shapes():
    subject = from_function(mlp, mlp_params())
    with pytest.raises(ModelError, match="there is no parameter 'w'; there are first/b, first/w, second/0"):
        subject.with_values({"w": np.ones(3)}, {})
    with pytest.raises(ModelError, match=r"parameter 'first/b' has the shape \(8,\), and \(3,\) was given"):
        subject.with_values({"first/b": np.ones(3)}, {})
    with pytest.raises(ModelError, match="there is no state 'n'; there are none"):
        subject.with_values({}, {"n": np.ones(3)})


def test_inputs_that_are_no_numbers():
    with pytest.raises(ModelError, match="'input 0' has the dtype <U1, which is no jax array"):
        from_function(mlp, mlp_params()).run(asked(np.array(["a"])))
