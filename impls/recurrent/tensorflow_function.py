"""TensorFlow 2: AutoGraph turns the loop over the steps into the graph's own, and the tape plays it back."""

import math

import tensorflow as tf

READ_AFTER = "tensorflow_graph"


def adopt(params):
    return {name: tf.Variable(value) for name, value in params.items()}


def export(state):
    return dict(state)


def weights(state):
    return {name: w for name, w in state.items() if name[:2] in ("w_", "b_")}


def remember(state, *kinds):
    """The optimiser's own variables, one for each weight: zeros at the start."""
    for name, w in weights(state).items():
        for key in (f"{kind}/{name}" for kind in kinds):
            if key not in state:
                state[key] = tf.Variable(tf.zeros_like(w))


def tensors(state, *numbers):
    # A Python number would be a part of the graph: another learning rate would mean another trace
    return [tf.constant(number, state["w_x"].dtype) for number in numbers]


def gru(state, a_x, carry):
    (h,), w_h = carry, state["w_h"]
    rz = 2 * h.shape[1]  # the columns of r and z; those of n follow
    r, z = tf.split(tf.sigmoid(a_x[:, :rz] + h @ w_h[:, :rz]), 2, axis=1)
    n = tf.tanh(a_x[:, rz:] + (r * h) @ w_h[:, rz:])
    return ((1 - z) * n + z * h,)


def gru_reset_after(state, a_x, carry):
    (h,) = carry
    rz = 2 * h.shape[1]
    a_h = h @ state["w_h"] + state["b_h"]
    r, z = tf.split(tf.sigmoid(a_x[:, :rz] + a_h[:, :rz]), 2, axis=1)
    n = tf.tanh(a_x[:, rz:] + r * a_h[:, rz:])
    return ((1 - z) * n + z * h,)


def lstm(state, a_x, carry):
    h, c = carry
    a_i, a_f, a_g, a_o = tf.split(a_x + h @ state["w_h"], 4, axis=1)
    i, f, g, o = tf.sigmoid(a_i), tf.sigmoid(a_f), tf.tanh(a_g), tf.sigmoid(a_o)
    c = f * c + i * g
    return o * tf.tanh(c), c


def cell_of(state):
    """The cell, by what the state has: an LSTM two carries, the later reset a bias b_h."""
    if len(state["carry"]) == 2:
        return lstm
    return gru_reset_after if "b_h" in state else gru


def unrolled(state, x):
    """Each step's h, and the last carry."""
    cell = cell_of(state)
    a_x = x @ state["w_x"] + state["b_x"]  # of all steps at once: no step of it waits for another
    a_x = tf.TensorArray(x.dtype, len(x)).unstack(a_x)  # the gradient of a_x[t] would be as large as a_x
    carry, hidden = tuple(tf.unstack(state["carry"])), tf.TensorArray(x.dtype, len(x))
    for t in tf.range(len(x)):  # a loop of the graph, since it goes over a tensor
        carry = cell(state, a_x.read(t), carry)
        hidden = hidden.write(t, carry[0])
    return hidden.stack(), tf.stack(carry)


def network(state, x):
    h, carry = unrolled(state, x)
    return h @ state["w_y"] + state["b_y"], carry


@tf.function
def forward(state, x):
    y_pred, _ = network(state, x)
    return y_pred


def gradients(state, x, y):
    with tf.GradientTape() as tape:
        # Forward pass
        y_pred, carry = network(state, x)

        # Loss
        loss = tf.reduce_mean(tf.square(y_pred - y))

    # Backward pass: the tape is played back, loop and all
    return loss, tape.gradient(loss, weights(state)), carry


@tf.function
def loss_and_grads(state, x, y):
    loss, grads, _ = gradients(state, x, y)
    return loss, grads


@tf.function
def trace(state, x, y):
    h, carry = unrolled(state, x)
    y_pred = h @ state["w_y"] + state["b_y"]
    loss, grads, _ = gradients(state, x, y)
    seen = {"h": h, "last_carry": carry, "y_pred": y_pred, "loss": loss}
    return seen | {f"grad_{name}": grad for name, grad in grads.items()}


@tf.function
def update(state, x, y, learning_rate):
    loss, grads, carry = gradients(state, x, y)
    for name, grad in grads.items():
        state[name].assign_sub(learning_rate * grad)
    state["carry"].assign(carry)
    return loss


@tf.function  # the betas are Python numbers: in float32, 1 - beta2 would lose half of its digits
def adam_update(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads, carry = gradients(state, x, y)
    step = tf.cast(state["adam_step"].assign_add(1), loss.dtype)
    # 1 - beta**step, for both
    correction1, correction2 = (-tf.math.expm1(step * math.log(beta)) for beta in (beta1, beta2))
    for name, grad in grads.items():
        m, v = state[f"adam_m/{name}"], state[f"adam_v/{name}"]
        m.assign(beta1 * m + (1 - beta1) * grad)
        v.assign(beta2 * v + (1 - beta2) * grad * grad)
        state[name].assign_sub(learning_rate * (m / correction1) / (tf.sqrt(v / correction2) + eps))
    state["carry"].assign(carry)
    return loss


def train_step(state, x, y, learning_rate):
    return state, update(state, x, y, *tensors(state, learning_rate))


def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    remember(state, "adam_m", "adam_v")
    if "adam_step" not in state:
        state["adam_step"] = tf.Variable(0, dtype=tf.int64)
    return state, adam_update(state, x, y, *tensors(state, learning_rate), beta1, beta2, eps)
