"""Keras: a model is a list of layers, compiled with a loss and an optimiser, and fit runs the epoch."""

from functools import cache

import keras
import tensorflow as tf

READ_AFTER = "tensorflow_function"
MAY_DEPART = {"nan": "oneDNN's fused MatMul, BiasAdd and Relu gives 0 for NaN in float32"}


class BatchLosses(keras.callbacks.Callback):
    """The loss of each batch: what fit reports is the mean since its metrics were reset."""

    def on_train_begin(self, logs=None):
        self.losses = []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])


@cache
def build(dtype, d_in, *widths):
    layers = [keras.Input((d_in,), dtype=dtype)]
    for i, width in enumerate(widths[:-1], start=1):
        layers += [
            keras.layers.Dense(width, name=f"h{i}", dtype=dtype),
            keras.layers.ReLU(name=f"h{i}_relu", dtype=dtype),
        ]
    model = keras.Sequential([*layers, keras.layers.Dense(widths[-1], name="logits", dtype=dtype)])
    # Only plain SGD is the declared step. With momentum Keras keeps the rate inside the velocity, which
    # differs as soon as the rate changes; its Adam adds eps to the root of the uncorrected second moment.
    model.compile(
        optimizer=keras.optimizers.SGD(),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def adopt(params):
    biases = [b for name, b in sorted(params.items()) if name[0] == "b"]
    model = build(params["w1"].dtype.name, params["w1"].shape[0], *[len(b) for b in biases])
    model.set_weights([params[f"{kind}{i + 1}"] for i in range(len(biases)) for kind in "wb"])
    return model


def named(weights):
    return {f"{'wb'[i % 2]}{i // 2 + 1}": weight for i, weight in enumerate(weights)}


def export(state):
    return named(state.get_weights())


def normalise(images, state, mean, std):
    return (tf.cast(images, state.dtype) / 255 - mean) / std


def forward(state, x):
    return state.predict_on_batch(x)


def trace(state, x, y):
    seen = {}
    for layer in state.layers:
        x = seen[layer.name] = layer(x)
    return seen | {"loss": state.compute_loss(y=y, y_pred=x)}


def loss_and_grads(state, x, y):
    with tf.GradientTape() as tape:
        loss = state.compute_loss(x, y, state(x, training=True))
    return loss, named(tape.gradient(loss, state.trainable_variables))


def train_step(state, x, y, learning_rate):
    state.optimizer.learning_rate = learning_rate
    return state, tf.constant(state.train_on_batch(x, y), x.dtype)


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    def batch(rows):
        return normalise(tf.gather(images, rows), state, mean, std), tf.gather(labels, rows)

    state.optimizer.learning_rate = learning_rate
    history = BatchLosses()
    batches = tf.data.Dataset.from_tensor_slices(order).map(batch).prefetch(tf.data.AUTOTUNE)
    state.fit(batches, shuffle=False, verbose=0, callbacks=[history])
    return state, tf.constant(history.losses, state.dtype)


def evaluate(state, images, labels, mean, std):
    logits = state(normalise(images, state, mean, std))
    hits = tf.argmax(logits, axis=1, output_type=labels.dtype) == labels
    return state.compute_loss(y=labels, y_pred=logits), tf.math.count_nonzero(hits)
