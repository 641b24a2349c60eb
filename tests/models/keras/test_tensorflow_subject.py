"""TensorFlow code as a side: functions, tf.function, tf.Module; and no engine, by name."""

from __future__ import annotations

import os

import numpy as np
import pytest

from samestep.agreement.arithmetic.program import Refused
from samestep.models.numpy import LOSSES
from samestep.models.question import Question, Steps
from samestep.models.subject import ModelError
from samestep.models.tensors import Role, TensorKey

tf = pytest.importorskip("tensorflow")
pytest.importorskip("keras")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from samestep.models.keras.tensorflow_subject import from_function, recognise  # noqa: E402

OUTPUT = TensorKey(Role.OUTPUT, "")
RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 6)).astype(np.float32)
PARAMS = {"w": RNG.standard_normal((6, 5)), "b": np.zeros(5)}


def dense(params, x):
    return tf.matmul(x, params["w"]) + params["b"]


def test_another_dtype_is_refused_in_a_line():
    with pytest.raises(ModelError, match="a TensorFlow model is asked in its own dtype: make it in bfloat16"):
        from_function(dense, PARAMS).cast("bfloat16")


def gradient(name):
    return TensorKey(Role.GRADIENT, name)


class Dense(tf.Module):
    def __init__(self):
        self.parts = [tf.Variable(PARAMS["w"].astype(np.float32)), tf.Variable(tf.zeros(5))]
        self.calls = tf.Variable(0, trainable=False)

    def __call__(self, x):
        self.calls.assign_add(1)
        return x @ self.parts[0] + self.parts[1]


def test_a_function_its_gradients_and_its_names():
    subject, question = from_function(dense, PARAMS), Question((X,))
    tensors = subject.run(question)
    cotangent = question.cotangent(0, (4, 5))
    assert list(subject.parameters()) == ["w", "b"]
    assert tensors[gradient("b")].shape == (5,)
    assert np.array_equal(tensors[gradient("w")], tf.matmul(X, cotangent, transpose_a=True).numpy())
    assert [str(key) for key in tensors] == [
        "output",
        "gradient of input 0",
        "gradient of w",
        "gradient of b",
    ]
    assert subject.describe() == "TensorFlow function dense"


def test_a_graph_gives_the_same_names_and_an_embedding_a_dense_gradient():
    table = RNG.standard_normal((7, 3)).astype(np.float32)
    lookup = tf.function(lambda params, ids: tf.gather(params, ids))
    question = Question((np.array([1, 1, 4]),))
    tensors = from_function(lookup, table).run(question)
    cotangent = question.cotangent(0, (3, 3))
    expected = np.zeros_like(table)
    np.add.at(expected, question.inputs[0], cotangent)
    assert np.array_equal(tensors[gradient("")], expected)
    assert recognise(tf.function(lambda x: 2 * x)).describe().startswith("tf.function")


def test_a_module_is_put_back():
    module = Dense()
    subject = recognise(module)
    assert list(subject.parameters()) == ["parts/0", "parts/1"]
    tensors = subject.with_values({"parts/1": np.ones(5)}, {}).run(Question((X,)))
    assert tensors[TensorKey(Role.STATE, "calls")] == 1
    assert int(module.calls) == 0
    assert not module.parts[1].numpy().any()
    assert np.array_equal(tensors[OUTPUT], (X @ module.parts[0] + 1).numpy())


def test_a_state_goes_round():
    subject = from_function(lambda params, state, x: (x * params, state + tf.reduce_sum(x)), 2.0, 1.0)
    tensors = subject.run(Question((np.ones(3, np.float32),)))
    assert tensors[TensorKey(Role.STATE, "")] == 4
    assert subject.state()[""] == 1


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_losses_are_those_of_numpy(loss):
    exact = RNG.integers(-3, 4, (4, 5)).astype(np.float32)
    targets = np.array([1, 0, 4, 2]) if loss == "cross_entropy" else RNG.integers(0, 2, (4, 5))
    got = from_function(lambda x: x).run(Question((exact,), loss=loss, targets=targets))
    expected = LOSSES[loss](exact.astype(np.float64), targets)
    assert np.float32(abs(got[TensorKey(Role.LOSS, "")] - expected)) <= 4 * np.spacing(np.float32(expected))


def test_there_is_no_engine():
    subject = from_function(dense, PARAMS)
    with pytest.raises(Refused, match="TensorFlow code has no engine"):
        subject.program(Question((X,)))
    with pytest.raises(Refused, match="TensorFlow code has no engine"):
        subject.steps_program(None, Steps((), ()))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: from_function(dense, PARAMS).run(Question((X.T,))), "raises InvalidArgumentError"),
        (lambda: from_function(dense, PARAMS).with_values({"v": X}, {}), "no parameter v; there are w, b"),
        (lambda: from_function(dense, PARAMS).with_values({"w": X}, {}), "has the shape"),
        (lambda: from_function(dense, {"w": "text"}), "give an array of numbers"),
        (lambda: from_function(dense, None, {"m": X}), "a state needs params"),
        (lambda: from_function(lambda x: None).run(Question((X,))), "returns no tensor"),
        (lambda: from_function(lambda x: tf.argmax(x)).run(Question((X,))), "no floating tensor"),
        (lambda: from_function(lambda x: x).run(Question((X,), loss="mse", targets=X[0])), "have the shape"),
        (
            lambda: from_function(lambda x: x).run(Question((X,), forced={TensorKey(Role.LAYER, "a"): X})),
            "there is no layer a to force",
        ),
        (
            lambda: from_function(dense, PARAMS).run_steps("adam", Steps((), ())),
            "give a Keras optimizer|run on",
        ),
    ],
)
def test_bad_input_gets_one_line(ask, message):
    with pytest.raises(ModelError, match=message) as raised:
        ask()
    assert "\n" not in str(raised.value)
