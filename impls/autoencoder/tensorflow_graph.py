"""TensorFlow 1: weights and Adam's memory are variables of a static graph, which a session runs."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

READ_AFTER = "numpy_manual"
MAY_DEPART = {"nan": "oneDNN's fused MatMul, BiasAdd and Relu gives 0 for NaN in float32"}


def asarray(array):
    return np.array(array)  # a session is fed ndarrays


def declare_adam(grads, variables, learning_rate, beta1, beta2, eps):
    # tf1.train.AdamOptimizer adds eps to the root of the uncorrected moment, which makes another step
    def rounded(number):  # the betas are float64: in float32, 1 - beta2 would lose half of its digits
        return tf.cast(number, learning_rate.dtype)

    step = variables["adam_step"].assign_add(1)
    correction1, correction2 = (1 - beta ** tf.cast(step, beta.dtype) for beta in (beta1, beta2))
    updates = [step]
    for name, grad in grads.items():
        m, v = variables[f"adam_m/{name}"], variables[f"adam_v/{name}"]
        m = m.assign(rounded(beta1) * m + rounded(1 - beta1) * grad)
        v = v.assign(rounded(beta2) * v + rounded(1 - beta2) * grad * grad)
        m_hat, v_hat = m / rounded(correction1), v / rounded(correction2)
        updates.append(variables[name].assign_sub(learning_rate * m_hat / (tf.sqrt(v_hat) + eps)))
    return tf.group(updates)


@cache
def declare(dtype, **shapes):
    with tf.Graph().as_default():
        x, y = (tf1.placeholder(dtype, (None, shapes["b2"][0]), name) for name in "xy")
        learning_rate, eps = (tf1.placeholder(dtype, (), name) for name in ("learning_rate", "eps"))
        beta1, beta2 = (tf1.placeholder(tf.float64, (), name) for name in ("beta1", "beta2"))
        memory = {f"adam_{kind}/{name}": shape for kind in "mv" for name, shape in shapes.items()}
        start = {name: tf1.placeholder(dtype, shape) for name, shape in (shapes | memory).items()}
        start["adam_step"] = tf1.placeholder(tf.int64, ())
        variables = {name: tf1.Variable(value, use_resource=True) for name, value in start.items()}

        # Forward pass
        h = tf.nn.bias_add(x @ variables["w1"], variables["b1"])
        h_relu = tf.nn.relu(h)  # tf.maximum(h, 0) has derivative 1 at 0
        logits = tf.nn.bias_add(h_relu @ variables["w2"], variables["b2"])
        y_pred = tf.sigmoid(logits)

        # Loss
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, logits))

        # Backward pass: tf.gradients adds the operations of the chain rule to the graph
        grads = dict(zip(shapes, tf.gradients(loss, [variables[name] for name in shapes]), strict=True))
        update = declare_adam(grads, variables, learning_rate, beta1, beta2, eps)

        seen = {"h": h, "h_relu": h_relu, "logits": logits, "y_pred": y_pred, "loss": loss}
        return SimpleNamespace(
            session=tf1.Session(), start=start, variables=variables, seen=seen, grads=grads, update=update,
            initialise=[variable.initializer for variable in variables.values()],
        )  # fmt: skip


def adopt(params):
    weights = {name: params[name] for name in ("w1", "b1", "w2", "b2")}
    state = declare(params["w1"].dtype, **{name: value.shape for name, value in weights.items()})
    zeros = {f"adam_{kind}/{name}": np.zeros_like(w) for kind in "mv" for name, w in weights.items()}
    values = zeros | {"adam_step": 0} | params
    state.session.run(state.initialise, {state.start[name]: value for name, value in values.items()})
    return state


def export(state):
    params = state.session.run(state.variables)
    # Before the first step Adam has nothing to remember
    return {name: value for name, value in params.items() if params["adam_step"] or name[0] in "wb"}


def forward(state, x):
    return state.session.run(state.seen["y_pred"], {"x:0": x})


def trace(state, x, y):
    return state.session.run(state.seen, {"x:0": x, "y:0": y})


def loss_and_grads(state, x, y):
    return state.session.run((state.seen["loss"], state.grads), {"x:0": x, "y:0": y})


def train_step(state, x, y, learning_rate, beta1, beta2, eps):
    feed = {"x:0": x, "y:0": y, "learning_rate:0": learning_rate, "eps:0": eps}
    feed |= {"beta1:0": beta1, "beta2:0": beta2}
    loss, _ = state.session.run((state.seen["loss"], state.update), feed)
    return state, loss


def train(state, x, y, learning_rate, beta1, beta2, eps, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate, beta1, beta2, eps)
        losses.append(loss)
    return state, np.stack(losses)
