"""TensorFlow 1: the graph is there before the depth is known, so the loop is an operation: tf.while_loop."""

from functools import cache
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

READ_AFTER = "numpy_manual"
MAY_DEPART = {"nan": "oneDNN's fused MatMul, BiasAdd and Relu gives 0 for NaN in float32"}


class State(NamedTuple):
    graph: SimpleNamespace
    names: tuple  # of the variables that it has by now: the velocities come with the first step


def asarray(array):
    return np.array(array)  # a session is fed ndarrays


def declare_forward(params, x, depth):
    def use(i, h_relu):
        return i + 1, tf.nn.relu(h_relu @ params["w2"] + params["b2"])

    h_relu = tf.nn.relu(x @ params["w1"] + params["b1"])  # tf.maximum(h, 0) has derivative 1 at 0
    _, h_relu = tf.while_loop(lambda i, _: i < depth, use, (0, h_relu))
    return h_relu @ params["w3"] + params["b3"]


def declare_step(variables, x, y, depth, learning_rate, momentum):
    # Forward pass
    params = {name: tf.identity(w) for name, w in variables.items() if "/" not in name}
    y_pred = declare_forward(params, x, depth)

    # Loss
    loss = tf.reduce_sum(tf.square(y_pred - y))

    # Backward pass: tf.gradients adds a second loop to the graph, which runs as often as the first
    grads = dict(zip(params, tf.gradients(loss, list(params.values())), strict=True))

    update = []
    for name, grad in grads.items():
        velocity = variables[f"momentum/{name}"]
        velocity = velocity.assign(momentum * velocity + grad)
        update.append(variables[name].assign_sub(learning_rate * velocity))
    return y_pred, loss, grads, update


@cache
def declare(dtype, **shapes):
    with tf.Graph().as_default():
        shapes |= {f"momentum/{name}": shape for name, shape in shapes.items()}
        start = {name: tf1.placeholder(dtype, shape) for name, shape in shapes.items()}
        variables = {name: tf1.Variable(value, use_resource=True) for name, value in start.items()}
        initialise = [variable.initializer for variable in variables.values()]

        x = tf1.placeholder(dtype, (None, shapes["w1"][0]), "x")
        y = tf1.placeholder(dtype, (None, shapes["w3"][1]), "y")
        depth = tf1.placeholder(tf.int32, (), "depth")
        depths = tf1.placeholder(tf.int32, (None,), "depths")
        numbers = [tf1.placeholder(dtype, (), name) for name in ("learning_rate", "momentum")]

        y_pred, loss, grads, update = declare_step(variables, x, y, depth, *numbers)

        def next_step(i, losses):
            _, loss, _, update = declare_step(variables, x, y, depths[i], *numbers)
            with tf.control_dependencies(update):  # or the next step might not wait for this one
                return i + 1, losses.write(i, loss)

        steps = tf.shape(depths)[0]
        loop = (0, tf.TensorArray(dtype, steps))
        _, losses = tf.while_loop(lambda i, _: i < steps, next_step, loop, parallel_iterations=1)
        return SimpleNamespace(
            session=tf1.Session(), start=start, initialise=initialise, variables=variables, y_pred=y_pred,
            loss=loss, grads=grads, update=update, losses=losses.stack(),
        )  # fmt: skip


def adopt(params):
    weights = {name: value for name, value in params.items() if "/" not in name}
    graph = declare(params["w1"].dtype, **{name: value.shape for name, value in weights.items()})
    values = {f"momentum/{name}": np.zeros_like(value) for name, value in weights.items()} | params
    graph.session.run(graph.initialise, {graph.start[name]: value for name, value in values.items()})
    return State(graph, tuple(params))


def export(state):
    return state.graph.session.run({name: state.graph.variables[name] for name in state.names})


def forward(state, x, depth):
    return state.graph.session.run(state.graph.y_pred, {"x:0": x, "depth:0": depth})


def loss_and_grads(state, x, y, depth):
    feeds = {"x:0": x, "y:0": y, "depth:0": depth}
    return state.graph.session.run((state.graph.loss, state.graph.grads), feeds)


def train_step(state, x, y, depth, learning_rate, momentum):
    feeds = {
        "x:0": x, "y:0": y, "depth:0": depth, "learning_rate:0": learning_rate, "momentum:0": momentum,
    }  # fmt: skip
    loss, _ = state.graph.session.run((state.graph.loss, state.graph.update), feeds)
    return State(state.graph, tuple(state.graph.variables)), loss


def train(state, x, y, depths, learning_rate, momentum):
    feeds = {
        "x:0": x, "y:0": y, "depths:0": depths, "learning_rate:0": learning_rate, "momentum:0": momentum,
    }  # fmt: skip
    losses = state.graph.session.run(state.graph.losses, feeds)
    return State(state.graph, tuple(state.graph.variables)), losses
