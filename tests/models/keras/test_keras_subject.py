"""A Keras model as a side, on whichever backend this process has: names, modes, forced layers, errors."""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import pytest

from samestep.models.question import Question, Steps
from samestep.models.subject import ModelError
from samestep.models.tensors import Role, TensorKey

pytest.importorskip("tensorflow")
pytest.importorskip("keras")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras

from samestep.models.keras import recognise

layers, to_numpy = keras.layers, keras.ops.convert_to_numpy
OUTPUT = TensorKey(Role.OUTPUT, "")
X = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)


def net(name="net"):
    entry = keras.Input((6,))
    x = layers.Dense(5, name="first")(entry)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    return keras.Model(entry, layers.Dense(3, name="second")(x), name=name)


def test_another_dtype_is_refused_in_a_line():
    with pytest.raises(
        ModelError, match="a Keras model is asked in its own dtype: make it with dtype='float16'"
    ):
        recognise(net()).cast("float16")


def test_names_and_state():
    subject = recognise(net())
    assert sorted(subject.parameters()) == [
        "first/bias", "first/kernel", "norm/beta", "norm/gamma", "second/bias", "second/kernel",
    ]  # fmt: skip
    assert sorted(subject.state()) == ["norm/moving_mean", "norm/moving_variance"]  # no random seed
    tensors = subject.run(Question((X,)))
    assert [layer.name for layer in subject.layers()] == ["first", "norm", "relu", "dropout", "second"]
    assert subject.layers()[1].kind == "BatchNormalization"
    assert subject.layers()[1].settings["momentum"] == 0.99
    roles = [key.role for key in tensors]
    assert roles == sorted(roles, key=list(Role).index)
    assert TensorKey(Role.LAYER_GRADIENT, "relu") in tensors
    assert tensors[TensorKey(Role.GRADIENT, "first/kernel")].shape == (6, 5)


def test_inference_is_the_default_and_training_is_asked_for_by_a_partial():
    model = net()
    before = [to_numpy(variable) for variable in model.weights]
    inference, training = recognise(model), recognise(partial(model, training=True))
    assert "inference mode" in inference.describe()
    assert "training mode" in training.describe()
    mean = TensorKey(Role.STATE, "norm/moving_mean")
    assert np.array_equal(inference.run(Question((X,)))[mean], before[4])
    assert not np.array_equal(training.run(Question((X,)))[mean], before[4])
    first, second = (training.run(Question((X,)))[OUTPUT] for _ in range(2))
    assert np.array_equal(first, second)  # the same dropout
    for variable, value in zip(model.weights, before, strict=True):
        assert np.array_equal(to_numpy(variable), value)


def test_a_run_is_the_call_of_the_model():
    model = net()
    assert np.array_equal(recognise(model).run(Question((X,)))[OUTPUT], to_numpy(model(X)))


def test_other_values():
    model = net()
    kernel = np.ones((6, 5), np.float32)
    moved = recognise(model).with_values({"first/kernel": kernel}, {"norm/moving_mean": np.ones(5)})
    assert np.array_equal(moved.parameters()["first/kernel"], kernel)
    tensors = moved.run(Question((X,)))
    first = tensors[TensorKey(Role.LAYER, "first")]
    assert np.array_equal(first, np.repeat(first[:, :1], 5, axis=1))
    assert np.array_equal(tensors[TensorKey(Role.STATE, "norm/moving_mean")], np.ones(5))
    assert not np.array_equal(tensors[OUTPUT], to_numpy(model(X)))


def test_forced_layers_go_on_from_the_given_values():
    subject = recognise(net())
    free = subject.run(Question((X,)))
    layer, gradient = TensorKey(Role.LAYER, "first"), TensorKey(Role.LAYER_GRADIENT, "norm")
    forced = {layer: np.ones((4, 5), np.float32), gradient: np.zeros((4, 5), np.float32)}
    got = subject.run(Question((X,), forced=forced))
    assert np.array_equal(got[layer], free[layer])  # its own value, before it was replaced
    assert np.ptp(got[TensorKey(Role.LAYER, "relu")], axis=0).max() == 0
    assert got[gradient].any()
    assert not got[TensorKey(Role.GRADIENT, "first/kernel")].any()


def test_layers_that_are_called_twice_or_return_several():
    shared = layers.Dense(6, name="shared")
    entry = keras.Input((3, 6))
    x = shared(shared(entry))
    sequence, state = layers.GRU(4, return_sequences=True, return_state=True, name="gru")(x)
    tensors = recognise(keras.Model(entry, {"a": sequence, "b": state})).run(
        Question((X.reshape(1, 4, 6)[:, :3],))
    )
    names = [key.name for key in tensors if key.role is Role.LAYER]
    assert names == ["shared", "shared#2", "gru.0", "gru.1"]
    assert [key.name for key in tensors if key.role is Role.OUTPUT] == ["a", "b"]


def test_several_inputs_by_position_and_by_name():
    first, second = keras.Input((6,), name="first"), keras.Input((6,), name="second")
    model = keras.Model([first, second], layers.Dense(2)(layers.subtract([first, second])))
    by_position = recognise(model).run(Question((X, 2 * X)))
    by_name = recognise(model).run(Question((2 * X, X), ("second", "first")))
    assert np.array_equal(by_position[OUTPUT], by_name[OUTPUT])


def test_frozen_layers_have_gradients_and_a_plain_layer_is_a_model():
    model = net()
    model.get_layer("first").trainable = False
    assert recognise(model).run(Question((X,)))[TensorKey(Role.GRADIENT, "first/kernel")].any()
    dense = layers.Dense(2, name="alone")
    dense.build((None, 6))
    assert sorted(recognise(dense).parameters()) == sorted([dense.kernel.path, dense.bias.path])


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD(0.5), keras.optimizers.Adam(0.01)])
def test_steps_start_from_given_values_and_leave_everything_as_it_was(optimizer):
    model = net()
    subject, before = recognise(model), [to_numpy(v) for v in model.weights]
    params = subject.parameters()
    steps = Steps((params, params), ({n: np.ones_like(x) for n, x in params.items()},) * 2)
    updates = subject.run_steps(optimizer, steps)
    assert len(updates) == 2 * len(params)
    for key, update in updates.items():
        assert key.role is Role.UPDATE
        assert np.all(update < 0)
    assert not optimizer.built
    assert all(np.array_equal(to_numpy(v), b) for v, b in zip(model.weights, before, strict=True))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: recognise(layers.Dense(3)), "has no variables yet"),
        (lambda: recognise(net()).run(Question((X[:, :2],))), "raise"),
        (lambda: recognise(net()).run_steps("adam", Steps((), ())), "give a Keras optimizer"),
        (
            lambda: recognise(net()).run_steps(keras.optimizers.SGD(), Steps(({"w": X},), ({},))),
            "no parameter",
        ),
        (lambda: recognise(net()).run(Question((X,), loss="hinge", targets=X)), "hinge"),
        (lambda: recognise(net()).with_values({"w": X}, {}), "no parameter"),
        (
            lambda: recognise(net()).run(Question((X,), forced={TensorKey(Role.LAYER, "third"): X})),
            "third",
        ),
    ],
)
def test_bad_input_gets_one_line(ask, message):
    with pytest.raises(ModelError, match=message) as raised:
        ask()
    assert "\n" not in str(raised.value)


def test_nothing_else_is_recognised():
    assert recognise(X) is None
    assert recognise(partial(np.add, 1)) is None
