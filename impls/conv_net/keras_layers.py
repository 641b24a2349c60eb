"""Keras: a BatchNormalization layer keeps its statistics among the weights that are not trained."""

from functools import cache

import keras
import tensorflow as tf

READ_AFTER = "tensorflow_function"

EPS, MOMENTUM = 1e-5, 0.1
#: The names of the model's weights, in Keras's order.
NAMES = [f"{name}{i}" for i in (1, 2) for name in ("kernel", "scale", "shift", "mean", "var")] + ["w", "b"]
STATISTICS = ("mean", "var")


class ConvNet(keras.Sequential):
    def train_step(self, data):
        """Keras's running variances take the batch's divided by n; the workload declares n - 1."""
        before = {i: tf.identity(self.get_layer(f"h{i}").moving_variance) for i in (1, 2)}
        logs = super().train_step(data)
        for i, positions in ((1, 14 * 14), (2, 7 * 7)):
            var = self.get_layer(f"h{i}").moving_variance
            n = tf.cast(tf.shape(data[0])[0] * positions, var.dtype)
            var.assign_add((var - (1 - MOMENTUM) * before[i]) / (n - 1))
        return logs


@cache
def build(dtype, widths):
    layers = [keras.Input((28, 28, 1), dtype=dtype)]
    for i, width in enumerate(widths, start=1):
        layers += [
            keras.layers.ZeroPadding2D(1, name=f"padded{i}", dtype=dtype),
            keras.layers.Conv2D(width, 3, strides=2, use_bias=False, name=f"conv{i}", dtype=dtype),
            # Keras's momentum is the share of the old
            keras.layers.BatchNormalization(momentum=1 - MOMENTUM, epsilon=EPS, name=f"h{i}", dtype=dtype),
            keras.layers.ReLU(name=f"h{i}_relu", dtype=dtype),
        ]
    layers += [
        keras.layers.AveragePooling2D(3, strides=2, padding="same", name="pooled", dtype=dtype),
        keras.layers.Flatten(name="flat", dtype=dtype),
        keras.layers.Dense(10, name="logits", dtype=dtype),
    ]
    model = ConvNet(layers)
    # Only plain SGD is the declared step: Keras's Adam adds eps to the root of the uncorrected second moment
    model.compile(
        optimizer=keras.optimizers.SGD(),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def adopt(params):
    model = build(params["w"].dtype.name, tuple(len(params[f"scale{i}"]) for i in (1, 2)))
    model.set_weights([params[name] for name in NAMES])
    return model


def export(state):
    return dict(zip(NAMES, state.get_weights(), strict=True))


def forward(state, x):
    return state.predict_on_batch(x)


def learned(values):
    names = [name for name in NAMES if not name.startswith(STATISTICS)]
    return dict(zip(names, values, strict=True))


def train_without_renewal(state, weights, x):
    """The logits in training; the renewed statistics, which come out beside them, are left."""
    statistics = [variable.value for variable in state.non_trainable_variables]
    logits, _ = state.stateless_call(weights, statistics, x, training=True)
    return logits


def loss_and_grads(state, x, y):
    weights = [tf.convert_to_tensor(variable) for variable in state.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = state.compute_loss(x, y, train_without_renewal(state, weights, x))
    return loss, learned(tape.gradient(loss, weights))


def train_step(state, x, y, learning_rate):
    state.optimizer.learning_rate = learning_rate
    return state, tf.constant(state.train_on_batch(x, y), x.dtype)
