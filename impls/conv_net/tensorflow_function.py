"""TensorFlow 2: a tape records the step, and tf.function makes one graph of it and of what it renews."""

import math

import tensorflow as tf

READ_AFTER = "tensorflow_graph"

EPS, MOMENTUM = 1e-5, 0.1
EVEN = [[0, 0], [1, 1], [1, 1], [0, 0]]  # "SAME" would add a row and a column on one side alone


def adopt(params):
    return {name: tf.Variable(value) for name, value in params.items()}


def export(state):
    return dict(state)


def weights(state):
    return {name: w for name, w in state.items() if not name.startswith(("mean", "var", "adam"))}


def remember(state, *kinds):
    """The optimiser's own variables, one for each weight: zeros at the start."""
    for name, w in weights(state).items():
        for key in (f"{kind}/{name}" for kind in kinds):
            if key not in state:
                state[key] = tf.Variable(tf.zeros_like(w))


def tensors(state, *numbers):
    # A Python number would be a part of the graph: another learning rate would mean another trace
    return [tf.constant(number, state["w"].dtype) for number in numbers]


def cross_entropy(logits, y):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))


def network(state, x, statistics):
    """What is seen on the way; ``statistics(i, conv)`` returns the mean and variance of a BatchNorm."""
    seen, a = {}, x
    for i in (1, 2):
        conv = seen[f"conv{i}"] = tf.nn.conv2d(a, state[f"kernel{i}"], strides=2, padding=EVEN)
        mean, var = statistics(i, conv)
        scale, shift = state[f"scale{i}"], state[f"shift{i}"]
        seen[f"h{i}"] = tf.nn.batch_normalization(conv, mean, var, shift, scale, EPS)
        a = seen[f"h{i}_relu"] = tf.nn.relu(seen[f"h{i}"])  # tf.maximum(h, 0) has derivative 1 at 0
    seen["pooled"] = tf.nn.avg_pool2d(a, 3, strides=2, padding="SAME")  # of an odd size it is even
    seen["logits"] = tf.reshape(seen["pooled"], (len(x), -1)) @ state["w"] + state["b"]
    return seen


def trace(state, x, y):
    seen = {}

    def statistics(i, conv):
        seen[f"batch_mean{i}"], seen[f"batch_var{i}"] = tf.nn.moments(conv, axes=(0, 1, 2))
        return seen[f"batch_mean{i}"], seen[f"batch_var{i}"]

    # Forward pass
    seen |= network(state, x, statistics)

    # Loss
    seen["loss"] = cross_entropy(seen["logits"], y)
    return seen


@tf.function
def forward(state, x):
    return network(state, x, lambda i, conv: (state[f"mean{i}"], state[f"var{i}"]))["logits"]


def gradients(state, x, y):
    with tf.GradientTape() as tape:
        seen = trace(state, x, y)

    # Backward pass: the tape is played back
    return seen, tape.gradient(seen["loss"], weights(state))


@tf.function
def loss_and_grads(state, x, y):
    seen, grads = gradients(state, x, y)
    return seen["loss"], grads


def renew(state, seen):
    """The running statistics after a batch, whose variance is estimated with n - 1."""
    for i in (1, 2):
        mean, var = state[f"mean{i}"], state[f"var{i}"]
        n = tf.cast(tf.size(seen[f"conv{i}"]) / len(mean), mean.dtype)
        mean.assign((1 - MOMENTUM) * mean + MOMENTUM * seen[f"batch_mean{i}"])
        var.assign((1 - MOMENTUM) * var + MOMENTUM * seen[f"batch_var{i}"] * (n / (n - 1)))


@tf.function
def update(state, x, y, learning_rate):
    seen, grads = gradients(state, x, y)
    renew(state, seen)
    for name, grad in grads.items():
        state[name].assign_sub(learning_rate * grad)
    return seen["loss"]


@tf.function  # the betas are Python numbers: in float32, 1 - beta2 would lose half of its digits
def adam_update(state, x, y, learning_rate, beta1, beta2, eps):
    seen, grads = gradients(state, x, y)
    renew(state, seen)
    step = tf.cast(state["adam_step"].assign_add(1), x.dtype)
    # 1 - beta**step, for both
    correction1, correction2 = (-tf.math.expm1(step * math.log(beta)) for beta in (beta1, beta2))
    for name, grad in grads.items():
        m, v = state[f"adam_m/{name}"], state[f"adam_v/{name}"]
        m.assign(beta1 * m + (1 - beta1) * grad)
        v.assign(beta2 * v + (1 - beta2) * grad * grad)
        state[name].assign_sub(learning_rate * (m / correction1) / (tf.sqrt(v / correction2) + eps))
    return seen["loss"]


def train_step(state, x, y, learning_rate):
    return state, update(state, x, y, *tensors(state, learning_rate))


def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    remember(state, "adam_m", "adam_v")
    if "adam_step" not in state:
        state["adam_step"] = tf.Variable(0, dtype=tf.int64)
    return state, adam_update(state, x, y, *tensors(state, learning_rate), beta1, beta2, eps)
