"""TensorFlow 2: a tape records the eager step, and tf.function makes one graph of a whole epoch of them."""

import math

import tensorflow as tf

READ_AFTER = "tensorflow_graph"


def adopt(params):
    return {name: tf.Variable(value) for name, value in params.items()}


def export(state):
    return dict(state)


def weights(state):
    return {name: value for name, value in state.items() if name[0] in "wb"}


def slots(state, kind):
    """What the optimiser remembers of each weight: zeros at the start."""
    for name, w in weights(state).items():
        if f"{kind}/{name}" not in state:
            state[f"{kind}/{name}"] = tf.Variable(tf.zeros_like(w))
    return {name: state[f"{kind}/{name}"] for name in weights(state)}


def tensors(state, *numbers):
    # Python numbers would become a part of the graph, and another learning rate would mean another graph
    return [tf.constant(number, state["w1"].dtype) for number in numbers]


def normalise(images, mean, std):
    return (tf.cast(images, mean.dtype) / 255 - mean) / std


def cross_entropy(logits, y):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))


def trace(state, x, y):
    n, seen = len(weights(state)) // 2, {}

    # Forward pass
    a = x
    for i in range(1, n):
        seen[f"h{i}"] = a @ state[f"w{i}"] + state[f"b{i}"]
        a = seen[f"h{i}_relu"] = tf.nn.relu(seen[f"h{i}"])  # tf.maximum(h, 0) has derivative 1 at 0
    seen["logits"] = a @ state[f"w{n}"] + state[f"b{n}"]

    # Loss
    seen["loss"] = cross_entropy(seen["logits"], y)
    return seen


@tf.function
def logits_of(weights, x): 
    ...
