"""One step of an LSTM over time in TensorFlow 2: a loop of the graph in one tf.function."""

import tensorflow as tf


def prepare(params, arrays, numbers):
    w = {name: tf.Variable(value, dtype=tf.float32) for name, value in params.items() if name != "carry"}
    carry = tf.Variable(params["carry"], dtype=tf.float32)
    x, y = (tf.constant(arrays[name], tf.float32) for name in ("x", "y"))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            a_x = x @ w["w_x"] + w["b_x"]
            h, c = carry[0], carry[1]
            outputs = tf.TensorArray(tf.float32, x.shape[0])
            for t in tf.range(x.shape[0]):
                i, f, g, o = tf.split(a_x[t] + h @ w["w_h"], 4, axis=1)
                c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
                h = tf.sigmoid(o) * tf.tanh(c)
                outputs = outputs.write(t, h)
            y_pred = outputs.stack() @ w["w_y"] + w["b_y"]
            loss = tf.reduce_mean(tf.square(y_pred - y))
        for name, grad in tape.gradient(loss, w).items():
            w[name].assign_sub(numbers["learning_rate"] * grad)
        carry.assign(tf.stack([h, c]))
        return loss

    return lambda: step().numpy()
