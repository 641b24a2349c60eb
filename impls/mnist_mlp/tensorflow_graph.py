"""TensorFlow 1: a static graph is declared first, and one run of a session trains a whole epoch in it."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

READ_AFTER = "numpy_manual"
MAY_DEPART = {"nan": "oneDNN's fused MatMul, BiasAdd and Relu gives 0 for NaN in float32"}


def asarray(array):
    return np.array(array)  # a session is fed ndarrays


def declare_forward(params, x):
    n, seen, a = len(params) // 2, {}, x
    for i in range(1, n):
        seen[f"h{i}"] = tf.nn.bias_add(a @ params[f"w{i}"], params[f"b{i}"])
        a = seen[f"h{i}_relu"] = tf.nn.relu(seen[f"h{i}"])  # tf.maximum(h, 0) has derivative 1 at 0
    return seen | {"logits": tf.nn.bias_add(a @ params[f"w{n}"], params[f"b{n}"])}


def declare_loss(logits, y):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))


def declare_step(params, x, y, learning_rate):
    # Forward pass
    seen = declare_forward(params, x)

    # Loss
    seen["loss"] = declare_loss(seen["logits"], y)

    # Backward pass: tf.gradients adds the operations of the chain rule to the graph
    grads = dict(zip(params, tf.gradients(seen["loss"], list(params.values())), strict=True))
    descent = tf1.train.GradientDescentOptimizer(learning_rate)  # w -= rate * grad, in one kernel
    update = descent.apply_gradients((grads[name], w) for name, w in params.items())
    return seen, grads, update


def normalise(images, mean, std):
    return (tf.cast(images, mean.dtype) / 255 - mean) / std


@cache
def declare(dtype, **shapes):
    with tf.Graph().as_default():
        # A resource variable, once read, stays as it was read while the update is under way
        start = {name: tf1.placeholder(dtype, shape) for name, shape in shapes.items()}
        params = {name: tf1.Variable(value, use_resource=True) for name, value in start.items()}
        initialise = [w.initializer for w in params.values()]

        pixels, numbers = shapes["w1"][0], ("learning_rate", "mean", "std")
        x = tf1.placeholder(dtype, (None, pixels), "x")
        y = tf1.placeholder(tf.int32, (None,), "y")
        images = tf1.placeholder(tf.uint8, (None, pixels), "images")
        labels = tf1.placeholder(tf.int32, (None,), "labels")
        order = tf1.placeholder(tf.int32, (None, None), "order")
        learning_rate, mean, std = (tf1.placeholder(dtype, (), name) for name in numbers)

        seen, grads, update = declare_step(params, x, y, learning_rate)

        def next_batch(i, losses):
            x, y = normalise(tf.gather(images, order[i]), mean, std), tf.gather(labels, order[i])
            seen, _, update = declare_step(params, x, y, learning_rate)
            with tf.control_dependencies([update]):  # or the next step might not wait for this one
                return i + 1, losses.write(i, seen["loss"])

        # A loop inside the graph: the images are fed once, and Python is not asked between the batches
        batches = tf.shape(order)[0]
        loop = (0, tf.TensorArray(dtype, batches))
        _, losses = tf1.while_loop(lambda i, _: i < batches, next_batch, loop, parallel_iterations=1)
        losses = losses.stack()

        logits = declare_forward(params, normalise(images, mean, std))["logits"]
        hits = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), labels)
        score = declare_loss(logits, labels), tf.math.count_nonzero(hits)
        return SimpleNamespace(
            session=tf1.Session(), start=start, initialise=initialise, params=params, seen=seen,
            grads=grads, update=update, losses=losses, score=score,
        )  # fmt: skip


def adopt(params):
    state = declare(params["w1"].dtype, **{name: value.shape for name, value in params.items()})
    state.session.run(state.initialise, {state.start[name]: value for name, value in params.items()})
    return state


def export(state):
    return state.session.run(state.params)


def forward(state, x):
    return state.session.run(state.seen["logits"], {"x:0": x})


def trace(state, x, y):
    return state.session.run(state.seen, {"x:0": x, "y:0": y})


def loss_and_grads(state, x, y):
    return state.session.run((state.seen["loss"], state.grads), {"x:0": x, "y:0": y})


def train_step(state, x, y, learning_rate):
    feeds = {"x:0": x, "y:0": y, "learning_rate:0": learning_rate}
    loss, _ = state.session.run((state.seen["loss"], state.update), feeds)
    return state, loss


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    feeds = {
        "images:0": images, "labels:0": labels, "order:0": order,
        "learning_rate:0": learning_rate, "mean:0": mean, "std:0": std,
    }  # fmt: skip
    return state, state.session.run(state.losses, feeds)


def evaluate(state, images, labels, mean, std):
    feeds = {"images:0": images, "labels:0": labels, "mean:0": mean, "std:0": std}
    return state.session.run(state.score, feeds)
