"""TensorFlow 2: a tape under tf.function, every optimiser as its formula, and loops that the graph makes."""

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


def remember(state, *kinds):
    """The optimiser's own variables, one for each weight: zeros at the start."""
    for name, w in weights(state).items():
        for key in (f"{kind}/{name}" for kind in kinds):
            if key not in state:
                state[key] = tf.Variable(tf.zeros_like(w))
    if "adam_m" in kinds and "adam_step" not in state:
        state["adam_step"] = tf.Variable(0, dtype=tf.int64)
    return state


def network(state, x):
    h = x @ state["w1"] + state["b1"]
    h_relu = tf.nn.relu(h)  # tf.maximum(h, 0) has derivative 1 at 0
    y_pred = h_relu @ state["w2"] + state["b2"]
    return {"h": h, "h_relu": h_relu, "y_pred": y_pred}


@tf.function
def forward(state, x):
    return network(state, x)["y_pred"]


def trace(state, x, y):
    # Forward pass
    seen = network(state, x)

    # Loss
    return seen | {"loss": tf.reduce_sum(tf.square(seen["y_pred"] - y))}


@tf.function
def loss_and_grads(state, x, y):
    with tf.GradientTape() as tape:
        loss = trace(state, x, y)["loss"]

    # Backward pass: the tape is played back
    return loss, tape.gradient(loss, weights(state))


def sgd(state, grads, learning_rate):
    for name, grad in grads.items():
        state[name].assign_sub(learning_rate * grad)


def momentum_outside(state, grads, learning_rate, momentum):
    for name, grad in grads.items():
        velocity = state[f"momentum/{name}"]
        velocity.assign(momentum * velocity + grad)
        state[name].assign_sub(learning_rate * velocity)  # a new rate counts for all of the velocity


def momentum_inside(state, grads, learning_rate, momentum):
    for name, grad in grads.items():
        velocity = state[f"inner_momentum/{name}"]
        velocity.assign(momentum * velocity - learning_rate * grad)
        state[name].assign_add(velocity)  # what moved at an old rate moves on at that rate


def moments(state, grads, beta1, beta2):
    step = tf.cast(state["adam_step"].assign_add(1), state["w1"].dtype)
    for name, grad in grads.items():
        m, v = state[f"adam_m/{name}"], state[f"adam_v/{name}"]
        m.assign(beta1 * m + (1 - beta1) * grad)
        v.assign(beta2 * v + (1 - beta2) * grad * grad)
    return (-tf.math.expm1(step * math.log(beta)) for beta in (beta1, beta2))  # 1 - beta**step


def adam(state, grads, learning_rate, beta1, beta2, eps):
    correction1, correction2 = moments(state, grads, beta1, beta2)
    for name in grads:
        m_hat, v_hat = state[f"adam_m/{name}"] / correction1, state[f"adam_v/{name}"] / correction2
        state[name].assign_sub(learning_rate * m_hat / (tf.sqrt(v_hat) + eps))


def adam_eps_hat(state, grads, learning_rate, beta1, beta2, eps):
    correction1, correction2 = moments(state, grads, beta1, beta2)
    # The paper's "epsilon hat": both corrections go into the rate, so eps meets the uncorrected root
    rate = learning_rate * tf.sqrt(correction2) / correction1
    for name in grads:
        m, v = state[f"adam_m/{name}"], state[f"adam_v/{name}"]
        state[name].assign_sub(rate * m / (tf.sqrt(v) + eps))


# The optimiser and its numbers are Python's, so a graph is traced for each; the rate is a tensor
@tf.function
def one(update, state, x, y, learning_rate, *numbers):
    loss, grads = loss_and_grads(state, x, y)
    update(state, grads, learning_rate, *numbers)
    return loss


# A graph inside a graph is traced once, and keeps that trace's variables: the loop takes the Python itself.
step = one.python_function


@tf.function
def many(update, state, x, y, learning_rates, *numbers):
    losses = tf.TensorArray(x.dtype, len(learning_rates))
    for i in tf.range(len(learning_rates)):  # AutoGraph makes this loop a part of the graph
        losses = losses.write(i, step(update, state, x, y, learning_rates[i], *numbers))
    return losses.stack()


def train_step(state, x, y, learning_rate):
    return state, one(sgd, state, x, y, tf.constant(learning_rate, x.dtype))


def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    state, rate = remember(state, "adam_m", "adam_v"), tf.constant(learning_rate, x.dtype)
    return state, one(adam, state, x, y, rate, beta1, beta2, eps)


def adam_eps_hat_step(state, x, y, learning_rate, beta1, beta2, eps):
    state, rate = remember(state, "adam_m", "adam_v"), tf.constant(learning_rate, x.dtype)
    return state, one(adam_eps_hat, state, x, y, rate, beta1, beta2, eps)


def train(state, x, y, learning_rate, steps):
    return state, many(sgd, state, x, y, tf.fill((steps,), tf.constant(learning_rate, x.dtype)))


def momentum_train(state, x, y, learning_rates, momentum):
    return state, many(momentum_outside, remember(state, "momentum"), x, y, learning_rates, momentum)


def inner_momentum_train(state, x, y, learning_rates, momentum):
    return state, many(momentum_inside, remember(state, "inner_momentum"), x, y, learning_rates, momentum)
