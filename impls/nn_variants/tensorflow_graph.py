"""TensorFlow 1: a static graph with the optimisers of tf.train, which keep their memory in slots."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

READ_AFTER = "numpy_manual"
MAY_DEPART = {"nan": "oneDNN's fused MatMul, BiasAdd and Relu gives 0 for NaN in float32"}
SLOTS = {"momentum": "momentum", "adam_m": "m", "adam_v": "v"}

# MomentumOptimizer keeps the rate out of its velocity; AdamOptimizer adds eps to the root of the uncorrected
# second moment. Neither can be told the other way, so inner_momentum_train and adam_step are not here.


def asarray(array):
    return np.array(array)  # a session is fed ndarrays


@cache
def declare(dtype, **shapes):
    with tf.Graph().as_default():
        x = tf1.placeholder(dtype, (None, shapes["w1"][0]), "x")
        y = tf1.placeholder(dtype, (None, shapes["b2"][0]), "y")
        numbers = "learning_rate", "momentum", "beta1", "beta2", "eps"
        learning_rate, momentum, beta1, beta2, eps = (tf1.placeholder(dtype, (), name) for name in numbers)
        params = {name: tf1.get_variable(name, shape, dtype) for name, shape in shapes.items()}

        # Forward pass
        h = tf.nn.bias_add(x @ params["w1"], params["b1"])
        h_relu = tf.nn.relu(h)  # tf.maximum(h, 0) has derivative 1 at 0
        y_pred = tf.nn.bias_add(h_relu @ params["w2"], params["b2"])

        # Loss
        loss = tf.reduce_sum(tf.square(y_pred - y))

        # Backward pass: tf.gradients adds the operations of the chain rule to the graph
        grads = dict(zip(params, tf.gradients(loss, list(params.values())), strict=True))

        optimizers = {
            "sgd": tf1.train.GradientDescentOptimizer(learning_rate),
            "momentum": tf1.train.MomentumOptimizer(learning_rate, momentum),
            "adam": tf1.train.AdamOptimizer(learning_rate, beta1, beta2, eps),
        }
        pairs = [(grads[name], w) for name, w in params.items()]
        updates = {name: optimizer.apply_gradients(pairs) for name, optimizer in optimizers.items()}

        variables = dict(params)
        for kind, slot in SLOTS.items():
            slots = optimizers[kind.split("_")[0]]
            variables |= {f"{kind}/{name}": slots.get_slot(w, slot) for name, w in params.items()}
        # Adam counts its steps in powers of its betas
        variables |= {v.op.name: v for v in optimizers["adam"].variables() if not v.shape.rank}
        start = {name: tf1.placeholder(dtype, v.shape) for name, v in variables.items()}
        load = {name: v.assign(start[name]).op for name, v in variables.items()}

        seen = {"h": h, "h_relu": h_relu, "y_pred": y_pred, "loss": loss}
        return SimpleNamespace(
            session=tf1.Session(), variables=variables, start=start, load=load,
            seen=seen, grads=grads, updates=updates,
        )  # fmt: skip


def put(state, values):
    feed = {state.start[name]: value for name, value in values.items()}
    state.session.run([state.load[name] for name in values], feed)


def adopt(params):
    weights = {name: params[name] for name in ("w1", "b1", "w2", "b2")}
    state = declare(params["w1"].dtype, **{name: value.shape for name, value in weights.items()})
    zeros = {f"{kind}/{name}": np.zeros_like(w) for kind in SLOTS for name, w in weights.items()}
    put(state, zeros | {name: value for name, value in params.items() if name != "adam_step"})
    state.adam_step = int(params.get("adam_step", 0))
    state.kept = {name: state.variables[name] for name in params if name != "adam_step"}
    return state


def export(state):
    params = state.session.run(state.kept)
    return params | {"adam_step": np.array(state.adam_step)} if state.adam_step else params


def keep(state, *kinds):
    """From here on these are a part of the state."""
    state.kept |= {name: v for name, v in state.variables.items() if name.split("/")[0] in kinds}


def forward(state, x):
    return state.session.run(state.seen["y_pred"], {"x:0": x})


def trace(state, x, y):
    return state.session.run(state.seen, {"x:0": x, "y:0": y})


def loss_and_grads(state, x, y):
    return state.session.run((state.seen["loss"], state.grads), {"x:0": x, "y:0": y})


def step(state, optimizer, x, y, **numbers):
    feed = {"x:0": x, "y:0": y} | {f"{name}:0": number for name, number in numbers.items()}
    loss, _ = state.session.run((state.seen["loss"], state.updates[optimizer]), feed)
    return state, loss


def many(state, optimizer, x, y, learning_rates, **numbers):
    losses = []
    for learning_rate in learning_rates:
        state, loss = step(state, optimizer, x, y, learning_rate=learning_rate, **numbers)
        losses.append(loss)
    return state, np.stack(losses)


def train_step(state, x, y, learning_rate):
    return step(state, "sgd", x, y, learning_rate=learning_rate)


def adam_eps_hat_step(state, x, y, learning_rate, beta1, beta2, eps):
    keep(state, "adam_m", "adam_v")
    state.adam_step += 1
    put(state, {"beta1_power": beta1**state.adam_step, "beta2_power": beta2**state.adam_step})
    return step(state, "adam", x, y, learning_rate=learning_rate, beta1=beta1, beta2=beta2, eps=eps)


def train(state, x, y, learning_rate, steps):
    return many(state, "sgd", x, y, [learning_rate] * steps)


def momentum_train(state, x, y, learning_rates, momentum):
    keep(state, "momentum")
    return many(state, "momentum", x, y, learning_rates, momentum=momentum)
