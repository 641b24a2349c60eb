"""The two-layer network in TensorFlow 1: a static graph, and a session that is fed the batch at each step."""

import numpy as np
import tensorflow.compat.v1 as tf


def prepare(params, arrays, numbers):
    x_data, y_data = arrays["x"].astype("float32"), arrays["y"].astype("float32")
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, x_data.shape)
        y = tf.placeholder(tf.float32, y_data.shape)
        w1 = tf.Variable(params["w1"].astype("float32"))
        w2 = tf.Variable(params["w2"].astype("float32"))
        y_pred = tf.matmul(tf.nn.relu(tf.matmul(x, w1)), w2)
        loss = tf.reduce_sum((y - y_pred) ** 2)
        grad_w1, grad_w2 = tf.gradients(loss, [w1, w2])
        new_w1 = w1.assign(w1 - numbers["learning_rate"] * grad_w1)
        new_w2 = w2.assign(w2 - numbers["learning_rate"] * grad_w2)
        updates = tf.group(new_w1, new_w2)
        session = tf.Session()
        session.run(tf.global_variables_initializer())

    def run():
        losses = []
        for _ in range(numbers["steps"]):
            loss_value, _ = session.run([loss, updates], feed_dict={x: x_data, y: y_data})
            losses.append(loss_value)
        return np.array(losses)

    return run
