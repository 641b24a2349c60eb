"""TensorFlow 1: a static graph is declared first, with both of GELU's forms, and a session runs a part."""

import math
from functools import cache
from types import SimpleNamespace

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

READ_AFTER = "numpy_manual"

PAD, IGNORED, EPS = 0, -100, 1e-5


def asarray(array):
    return np.array(array)  # a session is fed ndarrays


def depth(params):
    return sum(name.startswith("w_qkv") for name in params)


def of_block(params, i):
    """The params of one block, by their names without its number."""
    layers = [f"{kind}_{layer}" for layer in ("qkv", "out", "up", "down") for kind in "wb"]
    names = ["attn_scale", "attn_shift", "mlp_scale", "mlp_shift", *layers]
    return {name: params[f"{name}{i}"] for name in names}


def visible(x):
    """Which positions (last axis) each position looks at: (n, t) -> (n, 1, t, t), the 1 for the heads."""
    position = tf.range(x.shape[1])
    before, itself = position < position[:, None], tf.equal(position, position[:, None])
    return (tf.not_equal(x, PAD)[:, None] & before | itself)[:, None]


def layer_norm(x, scale, shift):
    mean, var = tf.nn.moments(x, axes=-1, keepdims=True)
    return tf.nn.batch_normalization(x, mean, var, shift, scale, EPS)


def gelu(x, tanh):
    # tf.nn.gelu keeps its constants in float32, also where x is float64
    if tanh:
        return x / 2 * (1 + tf.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x / 2 * (1 + tf.math.erf(x / math.sqrt(2)))


def attention(qkv, mask):
    q, k, v = tf.unstack(tf.transpose(qkv, (2, 0, 3, 1, 4)))
    scores = tf.matmul(q, k, transpose_b=True) / math.sqrt(q.shape[-1])
    p = tf.nn.softmax(tf.where(mask, scores, -math.inf))
    return p, tf.transpose(p @ v, (0, 2, 1, 3))


def declare_block(w, h, mask, tanh):
    d = h.shape[-1]

    # Attention
    attn_norm = layer_norm(h, w["attn_scale"], w["attn_shift"])
    qkv = tf.tensordot(attn_norm, w["w_qkv"], 1) + w["b_qkv"]
    p, mixed = attention(qkv, mask)
    mixed = tf.reshape(mixed, tf.shape(h))
    attended = h + tf.tensordot(mixed, tf.reshape(w["w_out"], (d, d)), 1) + w["b_out"]

    # MLP
    mlp_norm = layer_norm(attended, w["mlp_scale"], w["mlp_shift"])
    up = tf.tensordot(mlp_norm, w["w_up"], 1) + w["b_up"]
    up_gelu = gelu(up, tanh)
    out = attended + tf.tensordot(up_gelu, w["w_down"], 1) + w["b_down"]

    return {
        "attn_norm": attn_norm, "qkv": qkv, "p": p, "mixed": mixed, "attended": attended,
        "mlp_norm": mlp_norm, "up": up, "up_gelu": up_gelu, "h": out,
    }  # fmt: skip


def declare_forward(params, x, tanh):
    mask = visible(x)
    h = tf.gather(params["embedding"], x) + params["positions"]
    seen = {"h0": h}
    for i in range(1, depth(params) + 1):
        values = declare_block(of_block(params, i), h, mask, tanh)
        seen |= {f"{name}{i}": value for name, value in values.items()}
        h = seen[f"h{i}"]
    seen["norm"] = layer_norm(h, params["scale"], params["shift"])
    seen["logits"] = tf.einsum("ntd,vd->ntv", seen["norm"], params["embedding"])
    return seen


def declare_loss(logits, y, smoothing):
    evenly, labelled = smoothing / logits.shape[-1], tf.not_equal(y, IGNORED)
    # Where there is no label one_hot has no 1, and the loss is not counted
    targets = tf.one_hot(y, logits.shape[-1], 1 - smoothing + evenly, evenly, dtype=logits.dtype)
    losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
    return tf.reduce_mean(tf.boolean_mask(losses, labelled))


def declare_step(params, x, y, tanh, smoothing, learning_rate):
    # Forward pass
    seen = declare_forward(params, x, tanh)

    # Loss
    seen["loss"] = declare_loss(seen["logits"], y, smoothing)

    # Backward pass: tf.gradients adds the operations of the chain rule to the graph
    grads = dict(zip(params, tf.gradients(seen["loss"], list(params.values())), strict=True))
    # The embedding's are a table's rows and a matrix, for the head: two kinds, to be added as matrices
    grads = {name: tf.convert_to_tensor(grad) for name, grad in grads.items()}
    descent = tf1.train.GradientDescentOptimizer(learning_rate)  # w -= rate * grad, in one kernel
    update = descent.apply_gradients((grads[name], w) for name, w in params.items())
    return SimpleNamespace(seen=seen, grads=grads, update=update)


@cache
def declare(dtype, **shapes):
    with tf.Graph().as_default():
        # A resource variable, once read, stays as it was read while the update is under way
        start = {name: tf1.placeholder(dtype, shape) for name, shape in shapes.items()}
        params = {name: tf1.Variable(value, use_resource=True) for name, value in start.items()}
        x, y = (tf1.placeholder(tf.int32, (None, shapes["positions"][0]), name) for name in "xy")
        smoothing, learning_rate = (tf1.placeholder(dtype, (), n) for n in ("smoothing", "learning_rate"))
        return SimpleNamespace(
            session=tf1.Session(), start=start, params=params,
            initialise=[w.initializer for w in params.values()],
            forms=[declare_step(params, x, y, tanh, smoothing, learning_rate) for tanh in (0, 1)],
        )  # fmt: skip


def adopt(params):
    state = declare(params["scale"].dtype, **{name: value.shape for name, value in params.items()})
    state.session.run(state.initialise, {state.start[name]: value for name, value in params.items()})
    return state


def export(state):
    return state.session.run(state.params)


def forward(state, x, tanh):
    return state.session.run(state.forms[tanh].seen["logits"], {"x:0": x})


def trace(state, x, y, tanh, smoothing):
    return state.session.run(state.forms[tanh].seen, {"x:0": x, "y:0": y, "smoothing:0": smoothing})


def loss_and_grads(state, x, y, tanh, smoothing):
    wanted = state.forms[tanh].seen["loss"], state.forms[tanh].grads
    return state.session.run(wanted, {"x:0": x, "y:0": y, "smoothing:0": smoothing})


def train_step(state, x, y, tanh, smoothing, learning_rate):
    feeds = {"x:0": x, "y:0": y, "smoothing:0": smoothing, "learning_rate:0": learning_rate}
    loss, _ = state.session.run((state.forms[tanh].seen["loss"], state.forms[tanh].update), feeds)
    return state, loss
