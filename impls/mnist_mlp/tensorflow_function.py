"""TensorFlow 2: a tape records the eager step, and tf.function makes one graph of a whole epoch of them."""

import math

import tensorflow as tf

READ_AFTER = "tensorflow_graph"
MAY_DEPART = {"nan": "oneDNN's fused MatMul, BiasAdd and Relu gives 0 for NaN in float32"}


def adopt(params):
    return {name: tf.Variable(value) for name, value in params.items()}


def export(state):
    return dict(state)


def weights(state):
    return {name: w for name, w in state.items() if name[0] in "wb"}


def remember(state, *kinds):
    """The optimiser's own variables, one for each weight: zeros at the start."""
    for name, w in weights(state).items():
        for key in (f"{kind}/{name}" for kind in kinds):
            if key not in state:
                state[key] = tf.Variable(tf.zeros_like(w))


def tensors(state, *numbers):
    # A Python number would be a part of the graph: another learning rate would mean another trace
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
def forward(state, x):
    n, a = len(weights(state)) // 2, x
    for i in range(1, n):
        a = tf.nn.relu(a @ state[f"w{i}"] + state[f"b{i}"])
    return a @ state[f"w{n}"] + state[f"b{n}"]


@tf.function
def loss_and_grads(state, x, y):
    with tf.GradientTape() as tape:
        loss = trace(state, x, y)["loss"]

    # Backward pass: the tape is played back
    return loss, tape.gradient(loss, weights(state))


@tf.function
def update(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    for name, grad in grads.items():
        state[name].assign_sub(learning_rate * grad)
    return loss


@tf.function
def momentum_update(state, x, y, learning_rate, momentum):
    loss, grads = loss_and_grads(state, x, y)
    for name, grad in grads.items():
        velocity = state[f"momentum/{name}"]
        velocity.assign(momentum * velocity + grad)
        state[name].assign_sub(learning_rate * velocity)
    return loss


@tf.function  # the betas are Python numbers: in float32, 1 - beta2 would lose half of its digits
def adam_update(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y)
    step = tf.cast(state["adam_step"].assign_add(1), loss.dtype)
    # 1 - beta**step, for both
    correction1, correction2 = (-tf.math.expm1(step * math.log(beta)) for beta in (beta1, beta2))
    for name, grad in grads.items():
        m, v = state[f"adam_m/{name}"], state[f"adam_v/{name}"]
        m.assign(beta1 * m + (1 - beta1) * grad)
        v.assign(beta2 * v + (1 - beta2) * grad * grad)
        state[name].assign_sub(learning_rate * (m / correction1) / (tf.sqrt(v / correction2) + eps))
    return loss


# A graph inside a graph is traced once, and keeps that trace's variables: the loop takes the Python itself.
step = update.python_function


@tf.function
def epoch(state, images, labels, order, learning_rate, mean, std):
    losses = tf.TensorArray(mean.dtype, len(order))
    for i in tf.range(len(order)):  # a loop of the graph, since it goes over a tensor
        x = normalise(tf.gather(images, order[i]), mean, std)
        losses = losses.write(i, step(state, x, tf.gather(labels, order[i]), learning_rate))
    return losses.stack()


@tf.function
def score(state, images, labels, mean, std):
    logits = forward(state, normalise(images, mean, std))
    hits = tf.argmax(logits, axis=1, output_type=labels.dtype) == labels
    return cross_entropy(logits, labels), tf.math.count_nonzero(hits)


def train_step(state, x, y, learning_rate):
    return state, update(state, x, y, *tensors(state, learning_rate))


def momentum_step(state, x, y, learning_rate, momentum):
    remember(state, "momentum")
    return state, momentum_update(state, x, y, *tensors(state, learning_rate, momentum))


def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    remember(state, "adam_m", "adam_v")
    if "adam_step" not in state:
        state["adam_step"] = tf.Variable(0, dtype=tf.int64)
    return state, adam_update(state, x, y, *tensors(state, learning_rate), beta1, beta2, eps)


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    return state, epoch(state, images, labels, order, *tensors(state, learning_rate, mean, std))


def evaluate(state, images, labels, mean, std):
    return score(state, images, labels, *tensors(state, mean, std))
