"""One step of conv_net in TensorFlow 2: one tf.function around a tape."""

import tensorflow as tf


def prepare(params, arrays, numbers):
    variables = {name: tf.Variable(value, dtype=tf.float32) for name, value in params.items()}
    weights = {name: v for name, v in variables.items() if name[:3] not in ("mea", "var")}
    x, y = tf.constant(arrays["x"], tf.float32), tf.constant(arrays["y"])

    @tf.function
    def step(x, y):
        statistics = []
        with tf.GradientTape() as tape:
            for i in (1, 2):
                x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
                x = tf.nn.conv2d(x, variables[f"kernel{i}"], 2, "VALID")
                mean, var = tf.nn.moments(x, (0, 1, 2))
                statistics.append((i, mean, var, x.shape[0] * x.shape[1] * x.shape[2]))
                scale, shift = variables[f"scale{i}"], variables[f"shift{i}"]
                x = tf.nn.relu(tf.nn.batch_normalization(x, mean, var, shift, scale, 1e-5))
            x = tf.nn.avg_pool2d(x, 3, 2, "SAME")
            logits = tf.reshape(x, (x.shape[0], -1)) @ variables["w"] + variables["b"]
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
        grads = tape.gradient(loss, weights)
        for i, mean, var, n in statistics:
            variables[f"mean{i}"].assign(0.9 * variables[f"mean{i}"] + 0.1 * mean)
            variables[f"var{i}"].assign(0.9 * variables[f"var{i}"] + 0.1 * n / (n - 1) * var)
        for name, grad in grads.items():
            variables[name].assign_sub(numbers["learning_rate"] * grad)
        return loss

    return lambda: float(step(x, y))
