"""TensorFlow 2: a tape records the eager step, and tf.function makes a graph of it."""

import math

import tensorflow as tf

from .tensorflow_graph import EPS, IGNORED, depth, gelu, of_block, visible

READ_AFTER = "tensorflow_graph"


def adopt(params):
    return {name: tf.Variable(value) for name, value in params.items()}


def export(state):
    return dict(state)


def weights(state):
    return {name: w for name, w in state.items() if not name.startswith("adam")}


def layer_norm(x, scale, shift):
    mean, var = tf.nn.moments(x, axes=-1, keepdims=True)
    return tf.nn.batch_normalization(x, mean, var, shift, scale, EPS)


def attention(qkv, mask):
    q, k, v = tf.unstack(tf.transpose(qkv, (2, 0, 3, 1, 4)))
    scores = tf.matmul(q, k, transpose_b=True) / math.sqrt(q.shape[-1])
    p = tf.nn.softmax(tf.where(mask, scores, -math.inf))
    return p, tf.transpose(p @ v, (0, 2, 1, 3))


def block(w, h, mask, tanh):
    d = h.shape[-1]

    # Attention
    attn_norm = layer_norm(h, w["attn_scale"], w["attn_shift"])
    qkv = tf.tensordot(attn_norm, w["w_qkv"], 1) + w["b_qkv"]
    p, mixed = attention(qkv, mask)
    mixed = tf.reshape(mixed, h.shape)
    attended = h + mixed @ tf.reshape(w["w_out"], (d, d)) + w["b_out"]

    # MLP
    mlp_norm = layer_norm(attended, w["mlp_scale"], w["mlp_shift"])
    up = mlp_norm @ w["w_up"] + w["b_up"]
    up_gelu = gelu(up, tanh)
    out = attended + up_gelu @ w["w_down"] + w["b_down"]

    return {
        "attn_norm": attn_norm, "qkv": qkv, "p": p, "mixed": mixed, "attended": attended,
        "mlp_norm": mlp_norm, "up": up, "up_gelu": up_gelu, "h": out,
    }  # fmt: skip


def network(state, x, tanh):
    mask = visible(x)
    h = tf.gather(state["embedding"], x) + state["positions"]
    seen = {"h0": h}
    for i in range(1, depth(state) + 1):
        values = block(of_block(state, i), h, mask, tanh)
        seen |= {f"{name}{i}": value for name, value in values.items()}
        h = seen[f"h{i}"]
    seen["norm"] = layer_norm(h, state["scale"], state["shift"])
    seen["logits"] = tf.einsum("ntd,vd->ntv", seen["norm"], state["embedding"])
    return seen


def cross_entropy(logits, y, smoothing):
    evenly, labelled = smoothing / logits.shape[-1], y != IGNORED
    # Where there is no label one_hot has no 1, and the loss is not counted
    targets = tf.one_hot(y, logits.shape[-1], 1 - smoothing + evenly, evenly, dtype=logits.dtype)
    losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
    return tf.reduce_mean(tf.boolean_mask(losses, labelled))


@tf.function  # tanh and smoothing are Python numbers, parts of the graph
def forward(state, x, tanh):
    return network(state, x, tanh)["logits"]


def trace(state, x, y, tanh, smoothing):
    # Forward pass
    seen = network(state, x, tanh)

    # Loss
    seen["loss"] = cross_entropy(seen["logits"], y, smoothing)
    return seen


@tf.function
def loss_and_grads(state, x, y, tanh, smoothing):
    with tf.GradientTape() as tape:
        loss = trace(state, x, y, tanh, smoothing)["loss"]

    # Backward pass: the tape is played back
    return loss, tape.gradient(loss, weights(state))


@tf.function
def update(state, x, y, tanh, smoothing, learning_rate):
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    for name, grad in grads.items():
        state[name].assign_sub(learning_rate * grad)
    return loss


@tf.function  # the betas are Python numbers: in float32, 1 - beta2 would lose half of its digits
def adam_update(state, x, y, tanh, smoothing, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    step = tf.cast(state["adam_step"].assign_add(1), loss.dtype)
    # 1 - beta**step, for both
    correction1, correction2 = (-tf.math.expm1(step * math.log(beta)) for beta in (beta1, beta2))
    for name, grad in grads.items():
        m, v = state[f"adam_m/{name}"], state[f"adam_v/{name}"]
        m.assign(beta1 * m + (1 - beta1) * grad)
        v.assign(beta2 * v + (1 - beta2) * grad * grad)
        state[name].assign_sub(learning_rate * (m / correction1) / (tf.sqrt(v / correction2) + eps))
    return loss


def remember(state):
    """Adam's own variables: zeros at the start."""
    if "adam_step" not in state:
        state["adam_step"] = tf.Variable(0, dtype=tf.int64)
    for name, w in weights(state).items():
        for key in (f"adam_m/{name}", f"adam_v/{name}"):
            if key not in state:
                state[key] = tf.Variable(tf.zeros_like(w))


def rate(state, learning_rate):
    # A Python number would be a part of the graph: another learning rate would mean another trace
    return tf.constant(learning_rate, state["scale"].dtype)


def train_step(state, x, y, tanh, smoothing, learning_rate):
    return state, update(state, x, y, tanh, smoothing, rate(state, learning_rate))


def adam_step(state, x, y, tanh, smoothing, learning_rate, beta1, beta2, eps):
    remember(state)
    rest = rate(state, learning_rate), beta1, beta2, eps
    return state, adam_update(state, x, y, tanh, smoothing, *rest)
