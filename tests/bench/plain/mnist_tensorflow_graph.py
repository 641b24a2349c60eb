"""One epoch of MNIST in TensorFlow 1: a session is fed batch by batch, with images normalised beforehand."""

import numpy as np
import tensorflow.compat.v1 as tf


def prepare(params, arrays, numbers):
    images = ((arrays["images"] / 255 - numbers["mean"]) / numbers["std"]).astype("float32")
    labels, order = arrays["labels"], arrays["order"]
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, [None, images.shape[1]])
        y = tf.placeholder(tf.int32, [None])
        variables = {name: tf.Variable(value.astype("float32")) for name, value in params.items()}
        layers = len(params) // 2
        a = x
        for i in range(1, layers):
            a = tf.nn.relu(tf.matmul(a, variables[f"w{i}"]) + variables[f"b{i}"])
        logits = tf.matmul(a, variables[f"w{layers}"]) + variables[f"b{layers}"]
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
        train = tf.train.GradientDescentOptimizer(numbers["learning_rate"]).minimize(loss)
        session = tf.Session()
        session.run(tf.global_variables_initializer())

    def run():
        losses = []
        for batch in order:
            loss_value, _ = session.run([loss, train], feed_dict={x: images[batch], y: labels[batch]})
            losses.append(loss_value)
        return np.array(losses)

    return run
