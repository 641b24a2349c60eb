"""TensorFlow 2: a tape under tf.function, and a loop of the graph makes many of Adam's steps one call."""

import math

import tensorflow as tf

READ_AFTER = "tensorflow_graph"
MAY_DEPART = {"nan": "oneDNN's fused MatMul, BiasAdd and Relu gives 0 for NaN in float32"}


def adopt(params):
    return {name: tf.Variable(value) for name, value in params.items()}


def export(state):
    return dict(state)


def weights(state):
    return {name: state[name] for name in ("w1", "b1", "w2", "b2")}


def remember(state):
    """Adam's own variables: zeros at the start."""
    if "adam_step" not in state:
        state["adam_step"] = tf.Variable(0, dtype=tf.int64)
        for name, w in weights(state).items():
            state |= {f"adam_{kind}/{name}": tf.Variable(tf.zeros_like(w)) for kind in "mv"}
    return state


def network(state, x):
    h = x @ state["w1"] + state["b1"]
    h_relu = tf.nn.relu(h)  # tf.maximum(h, 0) has derivative 1 at 0
    logits = h_relu @ state["w2"] + state["b2"]
    return {"h": h, "h_relu": h_relu, "logits": logits}


@tf.function
def forward(state, x):
    return tf.sigmoid(network(state, x)["logits"])


def trace(state, x, y):
    # Forward pass
    seen = network(state, x)

    # Loss
    seen["loss"] = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, seen["logits"]))
    return seen


@tf.function
def loss_and_grads(state, x, y):
    with tf.GradientTape() as tape:
        loss = trace(state, x, y)["loss"]

    # Backward pass: the tape is played back
    return loss, tape.gradient(loss, weights(state))


@tf.function  # the betas are Python numbers: in float32, 1 - beta2 would lose half of its digits
def update(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y)
    step = tf.cast(state["adam_step"].assign_add(1), loss.dtype)
    # 1 - beta**step, with all of its digits
    correction1, correction2 = (-tf.math.expm1(step * math.log(beta)) for beta in (beta1, beta2))
    for name, grad in grads.items():
        m, v = state[f"adam_m/{name}"], state[f"adam_v/{name}"]
        m.assign(beta1 * m + (1 - beta1) * grad)
        v.assign(beta2 * v + (1 - beta2) * grad * grad)
        m_hat, v_hat = m / correction1, v / correction2
        state[name].assign_sub(learning_rate * m_hat / (tf.sqrt(v_hat) + eps))
    return loss


# A graph inside a graph is traced once, and keeps that trace's variables: the loop takes the Python itself.
step = update.python_function


@tf.function
def loop(state, x, y, learning_rate, beta1, beta2, eps, steps):
    losses = tf.TensorArray(x.dtype, steps)
    for i in tf.range(steps):  # AutoGraph makes this loop a part of the graph
        losses = losses.write(i, step(state, x, y, learning_rate, beta1, beta2, eps))
    return losses.stack()


def train_step(state, x, y, learning_rate, beta1, beta2, eps):
    # As a Python number each new rate would be traced into a graph of its own
    rate = tf.constant(learning_rate, x.dtype)
    return state, update(remember(state), x, y, rate, beta1, beta2, eps)


def train(state, x, y, learning_rate, beta1, beta2, eps, steps):
    rate = tf.constant(learning_rate, x.dtype)
    return state, loop(remember(state), x, y, rate, beta1, beta2, eps, tf.constant(steps))
