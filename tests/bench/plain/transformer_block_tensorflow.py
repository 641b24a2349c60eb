"""One step of a transformer block in TensorFlow 2: one tf.function, attention by hand."""

import tensorflow as tf


def layer_norm(x, scale, shift):
    mean, var = tf.nn.moments(x, -1, keepdims=True)
    return (x - mean) * tf.math.rsqrt(var + 1e-5) * scale + shift


def network(w, x):
    t = x.shape[1]
    seen = tf.linalg.band_part(tf.repeat((x != 0)[:, None], t, axis=1), -1, 0)
    mask = (seen | tf.eye(t, dtype=tf.bool))[:, None]
    h = tf.gather(w["embedding"], x) + w["positions"]

    a = layer_norm(h, w["attn_scale1"], w["attn_shift1"])
    q, k, v = tf.unstack(tf.einsum("ntd,dchk->cnhtk", a, w["w_qkv1"]) + w["b_qkv1"][:, None, :, None])
    scores = tf.matmul(q, k, transpose_b=True) / q.shape[-1] ** 0.5
    mixed = tf.nn.softmax(tf.where(mask, scores, float("-inf"))) @ v
    h = h + tf.einsum("nhtk,hkd->ntd", mixed, w["w_out1"]) + w["b_out1"]

    a = layer_norm(h, w["mlp_scale1"], w["mlp_shift1"])
    up = tf.nn.gelu(a @ w["w_up1"] + w["b_up1"])
    h = h + up @ w["w_down1"] + w["b_down1"]
    return tf.einsum("ntd,vd->ntv", layer_norm(h, w["scale"], w["shift"]), w["embedding"])


def prepare(params, arrays, numbers):
    weights = {name: tf.Variable(value, dtype=tf.float32) for name, value in params.items()}
    x, y = tf.constant(arrays["x"]), tf.constant(arrays["y"])
    smoothing, vocabulary = numbers["smoothing"], len(params["embedding"])
    targets = tf.one_hot(y, vocabulary) * (1 - smoothing) + smoothing / vocabulary

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, network(weights, x))
            loss = tf.reduce_mean(losses[y >= 0])
        grads = tape.gradient(loss, weights)
        for name, variable in weights.items():
            variable.assign_sub(numbers["learning_rate"] * grads[name])
        return loss

    return lambda: step().numpy()
