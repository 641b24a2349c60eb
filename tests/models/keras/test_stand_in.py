"""The JAX backend in place of another: refused by name where it cannot be, or is another function."""

from __future__ import annotations

import io

import numpy as np
import pytest

pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")
jax = pytest.importorskip("jax")

from samestep.agreement.arithmetic.jaxpr.program import JaxProgram  # noqa: E402
from samestep.agreement.arithmetic.program import Contract, Level, Literal, Nudge, Refused  # noqa: E402
from samestep.agreement.limits import elementwise_limit  # noqa: E402
from samestep.models.keras.frames import read_frame, write_frame  # noqa: E402
from samestep.models.keras.message import (  # noqa: E402
    read_enclosed,
    read_nudge,
    read_question,
    read_steps,
    write_enclosed,
    write_nudge,
    write_question,
    write_steps,
)
from samestep.models.keras.network import KerasNetwork  # noqa: E402
from samestep.models.keras.stand_in import StandIn, check_same_function  # noqa: E402
from samestep.models.question import Question, Steps  # noqa: E402
from samestep.models.subject import ModelError  # noqa: E402
from samestep.models.tensors import Role, TensorKey  # noqa: E402

OUTPUT, STATE = TensorKey(Role.OUTPUT, ""), TensorKey(Role.STATE, "count")
X = np.arange(6.0, dtype=np.float32).reshape(2, 3)


class Fake:
    """A program whose replicas err by 2^-20 one way or the other."""

    def exact(self, nudge=None):
        return {OUTPUT: np.array([1.0, np.inf, 3.0]), STATE: np.array(2)}

    def replica(self, seed, level=Level.OWN):
        return {OUTPUT: np.array([1.0, np.inf, 3.0]) + (-1) ** seed * 2.0**-20, STATE: np.array(2)}


def off(sigmas):
    return np.array([1.0, np.inf, 3.0 + sigmas * 2.0**-20])


def test_a_run_within_the_limits_passes():
    check_same_function(Fake(), {OUTPUT: off(0.9 * elementwise_limit(24)), STATE: np.array(2)})


@pytest.mark.parametrize(
    ("native", "message"),
    [
        ({OUTPUT: off(1.1 * elementwise_limit(24)), STATE: np.array(2)}, "output is 1.1 times its limit"),
        ({OUTPUT: off(0), STATE: np.array(3)}, "state count is inf"),
        ({OUTPUT: np.array([1.0, 2.0, 3.0]), STATE: np.array(2)}, "output is inf"),
        ({OUTPUT: np.array([1.0, np.inf, np.nan]), STATE: np.array(2)}, "output is nan"),
        ({OUTPUT: off(0)[:2], STATE: np.array(2)}, "output is inf"),
        ({OUTPUT: off(0)}, "other tensors than the model's own: state count"),
    ],
)
def test_another_function_is_refused(native, message):
    with pytest.raises(Refused, match=message):
        check_same_function(Fake(), native)


def test_what_is_sent_comes_back():
    forced = {TensorKey(Role.LAYER, "a b:c"): X}
    question = Question((X, X[0]), ("y",), "mse", X, 3, False, forced)
    stream = io.BytesIO()
    write_frame(stream, *write_question(question))
    stream.seek(0)
    back = read_question(*read_frame(stream))
    assert (back.keywords, back.loss, back.seed, back.backward) == (("y",), "mse", 3, False)
    assert [x.tolist() for x in back.inputs] == [X.tolist(), X[0].tolist()]
    assert back.targets.dtype == np.float32
    assert list(back.forced) == list(forced)
    with pytest.raises(EOFError):
        read_frame(stream)
    nudge = Nudge(Literal(0.1, 2.0**-24), 7, frozenset({"a"}))
    assert read_nudge(write_nudge(nudge)) == nudge
    assert read_nudge(write_nudge(Nudge(constants=1))) == Nudge(constants=1)
    steps = read_steps(1, write_steps(Steps(({"a/b": X},), ({"a/b": 2 * X},))))
    assert np.array_equal(steps.gradients[0]["a/b"], 2 * X)


def test_bounds_that_are_sent_come_back():
    key, other = TensorKey(Role.OUTPUT, "a b"), TensorKey(Role.LAYER, "b")
    program = JaxProgram(lambda x: {key: x * 0.3, other: jax.lax.lgamma(x)}, (X,))
    given = program.enclosed(frozenset())
    stream = io.BytesIO()
    write_frame(stream, *write_enclosed(program, given))
    stream.seek(0)
    back = read_enclosed(*read_frame(stream))
    assert list(back) == [key, other]
    assert back[key].bound.any()
    assert all(np.array_equal(back[k].bound, given[k].bound) for k in given)
    assert all(np.array_equal(back[k].value, given[k].value) for k in given)
    assert not back[key].unknown
    assert back[other].unknown == given[other].unknown


class Local(keras.layers.Layer):
    def call(self, x):
        return x


def built(layer):
    layer.build((None, 3))
    return layer


@pytest.mark.parametrize(
    ("open_it", "message"),
    [
        (lambda: StandIn(KerasNetwork(built(keras.layers.Dense(2)), {"mask": X})), "the argument mask"),
        (
            lambda: write_question(Question((X,), loss=lambda outputs, targets: 0)),
            "loss function cannot be sent",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_by_name(open_it, message):
    with pytest.raises(Refused, match=message):
        open_it()


def test_a_layer_of_the_main_script_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(Local, "__module__", "__main__")
    with pytest.raises(Refused, match="Local is defined in the main script"):
        StandIn(KerasNetwork(built(Local())))


@pytest.mark.process
@pytest.mark.slow
def test_a_layer_that_cannot_be_imported_and_a_process_that_ends(monkeypatch):
    from samestep.models.keras.jax_process import the_process

    monkeypatch.setattr(Local, "__module__", "nowhere.to_be_found")
    with pytest.raises(Refused, match="ModuleNotFoundError"):
        StandIn(KerasNetwork(built(Local())))
    stand_in = StandIn(KerasNetwork(built(keras.layers.Dense(2))))
    with pytest.raises(ModelError, match="x"):
        stand_in.program(Question((X,)), Contract.FLOAT32, {}, {"x": X}, None)
    the_process().process.kill()
    with pytest.raises(Refused, match="the process of Keras's JAX backend ended"):
        stand_in.program(Question((X,)), Contract.FLOAT32, {}, {}, None)
    assert StandIn(KerasNetwork(built(keras.layers.Dense(2)))).process.process.poll() is None
