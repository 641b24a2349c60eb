"""TensorFlow 2: tf.function reads the Python, and turns a loop over a tensor into the graph's own loop."""

import tensorflow as tf

READ_AFTER = "tensorflow_graph"
MAY_DEPART = {"nan": "oneDNN's fused MatMul, BiasAdd and Relu gives 0 for NaN in float32"}


def adopt(params):
    return {name: tf.Variable(value) for name, value in params.items()}


def export(state):
    return dict(state)


def weights(state):
    return {name: w for name, w in state.items() if "/" not in name}


def remember(state):
    """The velocities, one for each weight: zeros at the start."""
    for name, w in weights(state).items():
        if f"momentum/{name}" not in state:
            state[f"momentum/{name}"] = tf.Variable(tf.zeros_like(w))


def tensors(state, *numbers):
    # A Python number would be a part of the graph: another learning rate would mean another trace
    return [tf.constant(number, state["w1"].dtype) for number in numbers]


def trace(state, x, y, depth):
    seen = {}  # eager: a Python loop, which names what it computes

    # Forward pass
    seen["h1"] = x @ state["w1"] + state["b1"]
    h_relu = seen["h1_relu"] = tf.nn.relu(seen["h1"])  # tf.maximum(h, 0) has derivative 1 at 0
    for i in range(2, depth + 2):
        seen[f"h{i}"] = h_relu @ state["w2"] + state["b2"]
        h_relu = seen[f"h{i}_relu"] = tf.nn.relu(seen[f"h{i}"])
    seen["y_pred"] = h_relu @ state["w3"] + state["b3"]

    # Loss
    seen["loss"] = tf.reduce_sum(tf.square(seen["y_pred"] - y))
    return seen


def network(state, x, depth):
    h_relu = tf.nn.relu(x @ state["w1"] + state["b1"])
    for _ in tf.range(depth):  # depth is a tensor: this becomes tf.while_loop
        h_relu = tf.nn.relu(h_relu @ state["w2"] + state["b2"])
    return h_relu @ state["w3"] + state["b3"]


def gradients(state, x, y, depth):
    with tf.GradientTape() as tape:
        # Forward pass
        y_pred = network(state, x, depth)

        # Loss
        loss = tf.reduce_sum(tf.square(y_pred - y))

    # Backward pass: the tape is played back, loop and all
    return loss, tape.gradient(loss, weights(state))


@tf.function
def update(state, x, y, depth, learning_rate, momentum):
    loss, grads = gradients(state, x, y, depth)
    for name, grad in grads.items():
        velocity = state[f"momentum/{name}"]
        velocity.assign(momentum * velocity + grad)
        state[name].assign_sub(learning_rate * velocity)
    return loss


# A graph inside a graph is traced once, and keeps that trace's variables: each is made of the Python itself.
step = update.python_function
graph_of_network, graph_of_gradients = tf.function(network), tf.function(gradients)


@tf.function
def loop(state, x, y, depths, learning_rate, momentum):
    losses = tf.TensorArray(x.dtype, len(depths))
    for i in tf.range(len(depths)):  # AutoGraph makes this loop a part of the graph
        losses = losses.write(i, step(state, x, y, depths[i], learning_rate, momentum))
    return losses.stack()


def forward(state, x, depth):
    return graph_of_network(state, x, tf.constant(depth))


def loss_and_grads(state, x, y, depth):
    return graph_of_gradients(state, x, y, tf.constant(depth))


def train_step(state, x, y, depth, learning_rate, momentum):
    remember(state)
    return state, update(state, x, y, tf.constant(depth), *tensors(state, learning_rate, momentum))


def train(state, x, y, depths, learning_rate, momentum):
    remember(state)
    return state, loop(state, x, y, depths, *tensors(state, learning_rate, momentum))
